#!/usr/bin/env bash
# Checks the files of one question and of its reference solution; every question's :layout_test is this script. It names
# all that is amiss, not only the first thing. The rules are told in docs/adding_a_question.md.
#
#   layout_check.sh --question=DIR --solution=DIR --grader=PROGRAM PART=FILE...
#
# The grader is asked for the ids of its checks: without an implementation it judges nothing and lists them all.
set -euo pipefail
export LC_ALL=C

QUESTION='' SOLUTION='' GRADER=''
declare -A PART_FILES=()  # part -> file
TROUBLES=0

trouble() {
  printf 'layout: %s\n' "$*"
  TROUBLES=$((TROUBLES + 1))
}

parse_arguments() {
  local argument
  for argument in "$@"; do
    case $argument in
      --question=*) QUESTION=${argument#*=} ;;
      --solution=*) SOLUTION=${argument#*=} ;;
      --grader=*) GRADER=${argument#*=} ;;
      --*) echo "layout_check: unknown flag: $argument" >&2 && exit 2 ;;
      *=*) PART_FILES[${argument%%=*}]=${argument#*=} ;;
      *) echo "layout_check: expected PART=FILE, not '$argument'" >&2 && exit 2 ;;
    esac
  done
  [[ -d $QUESTION && -n $SOLUTION && -n $GRADER ]] || { echo "layout_check: a flag is missing; see its first lines" >&2; exit 2; }
}

# The files below a folder, relative to it. Bazel puts the test and its grader there too: they are targets, not files.
files_below() {
  [[ -d $1 ]] || return 0
  (cd -- "$1" && find -L . -type f ! -path './layout_test' ! -path './grader' | sed 's|^\./||' | sort)
}

require() {
  local folder=$1 file
  shift
  for file in "$@"; do
    [[ -s $folder/$file ]] || trouble "$folder/$file is missing or empty"
  done
}

check_required_files() {
  local part
  require "$QUESTION" BUILD spec.md spec.zh.md api.h hints.md checks.cc
  require "$SOLUTION" BUILD notes.md
  for part in "${!PART_FILES[@]}"; do
    require "$QUESTION" "skeleton/${PART_FILES[$part]}"
    require "$SOLUTION" "${PART_FILES[$part]}"
  done
  local kind
  for kind in wrong right; do
    [[ -n $(files_below "$QUESTION/$kind") ]] || trouble "$QUESTION/$kind/ has no answers"
  done
  local first=
  [[ ! -r $QUESTION/spec.md ]] || IFS= read -r first <"$QUESTION/spec.md" || true
  [[ $first == '# Q'[0-9]* ]] || trouble "$QUESTION/spec.md: the first line has to be '# Qn title', not '$first'"
}

# A file that nothing uses is an error: a source has to be named in BUILD, a figure in a spec.
is_named() {
  local name=$1 file
  shift
  for file in "$@"; do
    if [[ -r $file ]] && grep -qF -- "$name" "$file"; then return 0; fi
  done
  return 1
}

is_skeleton() {
  local file
  for file in "${PART_FILES[@]}"; do [[ $1 != "$file" ]] || return 0; done
  return 1
}

has_part() { [[ -n ${PART_FILES[${1%%_*}]-} ]]; }

check_question_strays() {
  local file name
  while read -r file; do
    name=${file##*/}
    case $file in
      BUILD | spec.md | spec.zh.md | hints.md | hints.zh.md) ;;
      skeleton/*) is_skeleton "${file#skeleton/}" || trouble "stray: $QUESTION/$file is the file of no part" ;;
      wrong/*/* | right/*/* | figures/*/*) trouble "stray: $QUESTION/$file lies too deep" ;;
      wrong/*.patch | wrong/*.cc | wrong/*.cu | right/*.patch | right/*.cc | right/*.cu)
        has_part "$name" || trouble "$QUESTION/$file: its name has to begin with a part and an underscore"
        ;;
      figures/*)
        is_named "$file" "$QUESTION/spec.md" "$QUESTION/spec.zh.md" || is_named "\"$file\"" "$QUESTION/BUILD" ||
          trouble "stray: no spec shows $QUESTION/$file, and BUILD does not name it"
        ;;
      */*) trouble "stray: $QUESTION/$file" ;;
      *.h | *.cc | *.cu | *.cuh | *.sh)
        is_named "\"$name\"" "$QUESTION/BUILD" || trouble "stray: $QUESTION/BUILD does not name $file"
        ;;
      *) trouble "stray: $QUESTION/$file" ;;
    esac
  done < <(files_below "$QUESTION")
}

check_solution_strays() {
  local file
  while read -r file; do
    case $file in
      BUILD | notes.md | notes.zh.md) ;;
      figures/*) is_named "$file" "$SOLUTION/notes.md" || trouble "stray: notes.md does not show $SOLUTION/$file" ;;
      ladder/*) ;; # a package of its own
      *.h | *.cc | *.cu | *.cuh) is_named "\"$file\"" "$SOLUTION/BUILD" || trouble "stray: $SOLUTION/BUILD does not name $file" ;;
      *) trouble "stray: $SOLUTION/$file" ;;
    esac
  done < <(files_below "$SOLUTION")
}

# The ids of the grader's checks, one a line.
list_checks() {
  local result
  result=$(mktemp -d)
  if "$GRADER" --implementation=none --mode=host --seed=1 "--json=$result/json" >"$result/log" 2>&1; then
    sed -n 's/^ *"id": "\([^"]*\)",*$/\1/p' "$result/json"
  else
    cat "$result/log" >&2
  fi
  rm -rf -- "$result"
}

is_one_of() {
  local wanted=$1 word
  shift
  for word in "$@"; do [[ $word != "$wanted" ]] || return 0; done
  return 1
}

is_imports() { [[ $1 == *.imports && -n ${PART_FILES[${1%.imports}]-} ]]; }

check_ids() {
  local -a checks=() hints=()
  local id
  mapfile -t checks < <(list_checks)
  if ((${#checks[@]} == 0)); then
    trouble "the grader $GRADER lists no checks"
    return
  fi
  [[ ! -r $QUESTION/hints.md ]] || mapfile -t hints < <(sed -n 's/^## \([a-z0-9_.]*\) *$/\1/p' "$QUESTION/hints.md")
  for id in "${checks[@]}"; do
    is_one_of "$id" "${hints[@]}" || trouble "$QUESTION/hints.md has no section '## $id'"
    is_named "\`$id\`" "$QUESTION/spec.md" || trouble "$QUESTION/spec.md does not name the check \`$id\`"
  done
  for id in "${hints[@]}"; do
    is_imports "$id" || is_one_of "$id" "${checks[@]}" || trouble "$QUESTION/hints.md has hints for '$id', which is no check"
  done
  check_wrong_answers "${hints[@]}"
}

# Each wrong answer says in its first lines which check has to lead, where the mistake comes from, and what it is.
check_wrong_answers() {
  local file id word
  while read -r file; do
    file=$QUESTION/wrong/$file
    for word in check source why; do
      head -n 12 -- "$file" | grep -Eq "^(#|//) $word: ." || trouble "$file: its first lines lack '$word: ...'"
    done
    id=$(head -n 12 -- "$file" | sed -n -E 's%^(#|//) check: ([^ ,]*).*%\2%p' | head -n 1)
    [[ -n $id ]] || continue
    is_imports "$id" || is_one_of "$id" "$@" || trouble "$file names the check '$id', for which hints.md has no section"
  done < <(files_below "$QUESTION/wrong")
}

parse_arguments "$@"
check_required_files
check_question_strays
check_solution_strays
check_ids
if ((TROUBLES > 0)); then
  printf '%d thing(s) amiss in %s\n' "$TROUBLES" "$QUESTION"
  exit 1
fi
printf '%s is complete, and nothing is left over\n' "$QUESTION"
