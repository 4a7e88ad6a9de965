#!/usr/bin/env bash
# Asserts what host mode says about one program of the bug suite.
#
#   bug_test.sh BINARY SOURCE.cu bug|twin
#
# BINARY is SOURCE.cu built for host mode with its checks; for `twin` with -DTWIN.
#
# Every SOURCE.cu of this folder is two programs, as alike as possible: one with a bug and, with -DTWIN, one without.
# It begins with
#   // bug: KIND
#   // finding: WORDS             that a finding has to contain; several possible ones are separated by " | "
#   // sanitizer: TOOL            of compute-sanitizer that might find it on a GPU, or `crash`
#   // hangs: yes                 if it may wait forever on a GPU
# and marks the lines of which a finding has to name one with `// BUG` at their end.
#
# bug:  one finding contains the words and names a marked line (as SOURCE.cu:LINE). The exit status does not matter.
# twin: there is no finding, and the exit status is 0.
# A finding begins with "CUDA (host mode)" on stderr and goes on to the next that does. Either form has to end by itself
# within a minute, those with `hangs: yes` as well.
set -euo pipefail

LIMIT_S=${BUG_TEST_LIMIT_S:-60}

usage() {
  echo 'usage: bug_test.sh BINARY SOURCE.cu bug|twin' >&2
  exit 2
}

(($# == 3)) || usage
binary=$1 source=$2 form=$3
[[ $form == bug || $form == twin ]] || usage
[[ $binary == */* ]] || binary=./$binary
name=${source##*/}
report=$(mktemp "${TEST_TMPDIR:-${TMPDIR:-/tmp}}/bug_test.XXXXXX")
trap 'rm -f -- "$report"' EXIT

fail() {
  {
    printf 'FAILED: %s (%s): %s\nIts stderr was:\n' "$name" "$form" "$1"
    cat -- "$report"
  } >&2
  exit 1
}

# Whether a finding contains one of the words.
says() {
  local words=$1 rest=$2 one
  while [[ -n $rest ]]; do
    one=${rest%% | *}
    [[ $words == *"$one"* ]] && return 0
    [[ $rest == *' | '* ]] || return 1
    rest=${rest#* | }
  done
  return 1
}

# Whether a finding names one of the marked lines.
names_line() {
  local finding=$1 line
  for line in "${lines[@]}"; do
    [[ $finding =~ (^|[^A-Za-z0-9_])"$name:$line"($|[^0-9]) ]] && return 0
  done
  return 1
}

wanted=$(sed -n 's|^// finding: ||p' "$source")
mapfile -t lines < <(grep -n '// BUG$' "$source" | cut -d: -f1)
[[ -n $wanted ]] || fail 'the source has no line "// finding: WORDS"'
((${#lines[@]} > 0)) || fail 'the source has no line that ends in "// BUG"'

status=0
timeout -k 5 "$LIMIT_S" "$binary" 2>"$report" || status=$?
((status != 124 && status != 137)) || fail "it did not end within $LIMIT_S s"

findings=()
while IFS= read -r text || [[ -n $text ]]; do
  if [[ $text == 'CUDA (host mode)'* ]]; then
    findings+=("$text")
  elif ((${#findings[@]} > 0)); then
    findings[-1]+=$'\n'$text
  fi
done <"$report"

if [[ $form == twin ]]; then
  ((${#findings[@]} == 0)) || fail 'the correct twin is accused'
  ((status == 0)) || fail "the correct twin ends with status $status"
  exit 0
fi

described=no
for finding in "${findings[@]+"${findings[@]}"}"; do
  says "$finding" "$wanted" || continue
  described=yes
  if names_line "$finding"; then exit 0; fi
done
[[ $described == no ]] || fail "no finding with \"$wanted\" names $name at line $(IFS=,; echo "${lines[*]}")"
fail "no finding says \"$wanted\""
