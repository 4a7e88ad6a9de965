#!/usr/bin/env bash
# figures_test.sh COST_TABLE FIGURES_TEST_JS SPEC...: the figures' code without a browser, held against cost.cc.
set -euo pipefail

if ! command -v node >/dev/null; then
  echo "SKIPPED: node is not installed (Debian: nodejs)"
  exit 0
fi
costs=$(mktemp)
trap 'rm -f -- "$costs"' EXIT
"$1" >"$costs"
node --preserve-symlinks --preserve-symlinks-main "$2" "$costs" "${@:3}"
