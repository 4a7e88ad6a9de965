#!/usr/bin/env bash
# pair_test.sh BUG_BINARY TWIN_BINARY SOURCE.cu: the bug is found and the twin is not accused.
set -euo pipefail
folder=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
bash "$folder/bug_test.sh" "$1" "$3" bug
bash "$folder/bug_test.sh" "$2" "$3" twin
