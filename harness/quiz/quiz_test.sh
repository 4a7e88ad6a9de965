#!/usr/bin/env bash
# The program itself: usage, exit codes, the end of input, Ctrl-C, the result file.
#   quiz_test.sh QUIZ_PROGRAM
set -euo pipefail

quiz=$1
work=$(mktemp -d "${TEST_TMPDIR:-/tmp}/quiz_test.XXXXXX")
trap 'rm -rf -- "$work"' EXIT
failures=0

# expect CODE INPUT TEXT ARGS...: the exit code, and a text in the output.
expect() {
  local code=$1 input=$2 text=$3 out rc=0
  shift 3
  out=$(printf '%s' "$input" | timeout 20 "$quiz" "$@" 2>&1) || rc=$?
  if [[ $rc != "$code" || $out != *"$text"* ]]; then
    failures=$((failures + 1))
    printf 'FAILED quiz %s: exit code %s for %s, looked for: %s\n%s\n' "$*" "$rc" "$code" "$text" "$out"
  fi
}

expect 0 '' 'Exit codes' --help
expect 0 '' 'q14.mfu' --list
expect 0 '' 'q03.stage_memory' --list zero
expect 2 '' "there is no topic 'q15'" q15
expect 2 '' 'one topic at a time' q02 q03
expect 2 '' '--seed is a number' --seed x
expect 2 '' '--seed is a number' --seed=-1
expect 2 '' '--seed needs a value' --seed
expect 2 '' '--count is a number' --count 0
expect 2 '' "what is '--odd'" --odd
expect 3 '' 'cannot be written' --result-file "$work/none/x"
expect 1 '' '0 of 5 right, 5 not answered' q03
expect 1 $'skip\nskip' '0 of 2 right, 2 skipped' q03 --count 2 --result-file "$work/results"
expect 1 'no line end' 'The same again: ./workbench quiz q03 --seed 18446744073709551615 --count 2' q03 --count=2 --seed=18446744073709551615
expect 1 "$(head -c 100000 /dev/zero | tr '\0' 9)"$'\nquit\n' '0 of 1 right' q03 --count 1 --seed 3
[[ $(grep -cE '^q03 q03\.[a-z_]+ skipped seed=[0-9]+ number=[12]$' "$work/results") == 2 ]] ||
  { failures=$((failures + 1)) && echo "FAILED the result file: $(cat "$work/results")"; }

# Ctrl-C ends with the summary. A background job has SIGINT ignored, so a shell with job control starts it.
mkfifo "$work/input"
bash -c 'set -m; "$1" q02 --seed 1 <"$2" >"$3" 2>&1 & echo $! >"$4"; rc=0; wait $! || rc=$?; echo $rc >"$5"' _ \
  "$quiz" "$work/input" "$work/out" "$work/pid" "$work/rc" &
exec 3>"$work/input"
for ((i = 0; i < 100; ++i)); do
  grep -q '1 of 5' "$work/out" 2>/dev/null && break
  sleep 0.1
done
kill -INT "$(cat "$work/pid")"
wait $! || true
exec 3>&-
[[ $(cat "$work/rc") == 130 && $(cat "$work/out") == *'0 of 5 right'* ]] ||
  { failures=$((failures + 1)) && echo "FAILED Ctrl-C: exit code $(cat "$work/rc"), $(cat "$work/out")"; }

((failures == 0)) || exit 1
echo "all expectations hold"
