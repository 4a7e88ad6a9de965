#!/usr/bin/env bash
# figures_test.sh FIGURES_TEST_JS: the figures' code without a browser.
set -euo pipefail

if ! command -v node >/dev/null; then
  echo "SKIPPED: node is not installed (Debian: nodejs)"
  exit 0
fi
node --preserve-symlinks --preserve-symlinks-main "$@"
