#!/usr/bin/env bash
# Checks that questions/ and solutions/ hold the same folders, each of them a package, and that both READMEs link to every
# question. packages_check.sh [ROOT]; without ROOT it is the checkout that the declared file `workbench` lies in (a test
# cannot declare folders of other packages).
set -euo pipefail
export LC_ALL=C

TROUBLES=0
trouble() {
  printf 'packages: %s\n' "$*"
  TROUBLES=$((TROUBLES + 1))
}

ROOT=${1-}
[[ -n $ROOT ]] || ROOT=$(dirname -- "$(readlink -f workbench)")
[[ -d $ROOT/questions && -d $ROOT/solutions ]] || { echo "packages_check: $ROOT has no questions/ or no solutions/" >&2; exit 2; }

names_in() { find "$ROOT/$1" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort; }

check_side() {
  local side=$1 other=$2 name
  while read -r name; do
    [[ $name =~ ^q[0-9][0-9]_[a-z0-9_]+$ ]] || trouble "stray: $side/$name is not named qNN_topic"
    [[ -e $ROOT/$side/$name/BUILD ]] || trouble "$side/$name has no BUILD"
    [[ -d $ROOT/$other/$name ]] || trouble "$side/$name has no counterpart $other/$name"
  done < <(names_in "$side")
}

check_side questions solutions
check_side solutions questions
while read -r name; do
  grep -qF "(questions/$name/spec.md)" "$ROOT/README.md" || trouble "README.md does not link to questions/$name/spec.md"
  grep -qF "(questions/$name/spec.zh.md)" "$ROOT/README.zh.md" || trouble "README.zh.md does not link to questions/$name/spec.zh.md"
done < <(names_in questions)

if ((TROUBLES > 0)); then
  printf '%d thing(s) amiss in %s\n' "$TROUBLES" "$ROOT"
  exit 1
fi
echo "questions/ and solutions/ match"
