#!/usr/bin/env bash
# Tests hint, solution, reset, interview, quiz and completion with fakes of Bazel and the rest on the PATH.
#   practice_test.sh HISTORY_PROGRAM
# shellcheck disable=SC2016,SC2034  # the fakes expand what stands in their quotes; cli_test_lib.sh reads RC
set -euo pipefail

CLI=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
ENTRY=$CLI/../../workbench
WORK=$(mktemp -d "${TEST_TMPDIR:-${TMPDIR:-/tmp}}/practice_test.XXXXXX")
FAKES=$WORK/fakes
TREE=$WORK/checkout
SYSTEM_FOLDER=$WORK/system
LOG=$WORK/calls
# shellcheck source=harness/cli/cli_test_lib.sh
source "$CLI/cli_test_lib.sh"
# shellcheck source=harness/cli/cli_test_runs.sh
source "$CLI/cli_test_runs.sh"
trap 'rm -rf -- "$WORK"' EXIT

if [[ ! -e $ENTRY ]]; then
  ENTRY=$WORK/entry
  printf '%s\n' '#!/usr/bin/env bash' 'exec bash "$(dirname -- "$(readlink -f -- "$0")")/harness/cli/main.sh" "$@"' >"$ENTRY"
fi
mkfifo "$WORK/input"
mkdir -p "$WORK/bin/harness/practice"
cp -- "${1:?the path of //harness/practice:history}" "$WORK/bin/harness/practice/history"
make_fakes
make_system
make_checkout "$TREE"
export PATH=$FAKES WORK LOG HOME=$WORK/home USER=tester WORKBENCH_TEST_SYSTEM=$SYSTEM_FOLDER TMPDIR=$WORK FAKE_PACKAGES='' LANG=C
unset TEST_TMPDIR CUDA_HOME NCCL_HOME MPI_HOME CC JAVA_HOME WORKBENCH_SEED LC_ALL LC_MESSAGES PAGER
mkdir -p "$HOME"
QUESTION_FOLDER=$TREE/questions/q12_data_loading

# What questions have beyond cli_test_lib.sh's.
cat >"$QUESTION_FOLDER/hints.md" <<'HINTS'
# Hints

# Part A

## a.x

1. A nudge.
2. Where to look,
   and a second line.

   A second paragraph.
3. The idea.

## a.xy

1. Another nudge.
HINTS
sed 's/A nudge/ZH nudge/' "$QUESTION_FOLDER/hints.md" >"$QUESTION_FOLDER/hints.zh.md"
cat >"$QUESTION_FOLDER/spec.md" <<'SPEC'
# Title of q12

> State it,
> all of it.

Text.

<details><summary>Not a follow-up</summary>

</details>

## Follow-up questions

<details><summary>1. First?</summary>

First answer.

Its second paragraph.

</details>

<details><summary>2. Second?</summary>

Second answer.

</details>

## References
SPEC
mkdir -p "$TREE/solutions/q12_data_loading"
touch "$TREE/solutions/q12_data_loading/"{a.cc,notes.md,BUILD}

# typed TEXT ARGS...: ./workbench with TEXT on its input.
typed() {
  local text=$1
  shift
  RC=0
  : >"$LOG"
  OUT=$(cd "$TREE" && printf '%s' "$text" | "$TREE/workbench" "$@" 2>&1) || RC=$?
}

exported() { "$WORK/bin/harness/practice/history" --database="$TREE/.workbench/history.sqlite" export; }
expect_kept() { exported | grep -qF -- "$1" || fail "expected in the history: $1; there is: $(exported)"; }

test_hints() {
  case_is 'without a grade'
  workbench hint q12
  expect_rc 1
  expect 'not graded yet' './workbench grade q12'
  case_is 'one level more each time, for the check to mend first'
  bazel_grades FAILED 3
  workbench grade q12
  workbench hint q12 --level 1
  expect_rc 1
  expect 'not reached'
  workbench hint q12
  expect_rc 0
  expect 'Hint 1 of 3 for a.x' 'A nudge.'
  refuse 'Where to look'
  workbench hint 12
  expect 'Hint 2 of 3' $'Where to look,\nand a second line.\n\nA second paragraph.'
  refuse 'The idea'
  workbench hint q12 a.x --zh
  expect 'Hint 3 of 3' 'The idea' 'the last one'
  workbench hint q12
  expect 'Hint 3 of 3'
  LANG=zh_CN.UTF-8 workbench hint q12 --level 1
  expect 'ZH nudge'
  expect_kept '"level\": 3'
  [[ $(exported | grep -c '"kind":"hint"') == 3 ]] || fail 'a hint that was read again is counted'
  case_is 'another check has its own level'
  workbench hint q12 a.xy
  expect 'Hint 1 of 1 for a.xy'
  case_is 'wrong usage'
  local arguments
  for arguments in '' 'q12 a' 'q12 b.z' 'q12 --level x' 'q12 --level' 'q12 --odd' 'q12 a.x more' 'q99'; do
    # shellcheck disable=SC2086
    workbench hint $arguments
    expect_rc 2
  done
  workbench hint q02 a.x
  expect_rc 1
  expect 'hints.md is missing'
}

test_solution() {
  case_is 'not yet'
  workbench solution q12
  expect_rc 1
  expect 'there is no answer yet' '--anyway'
  refuse notes.md
  workbench start q12
  workbench solution q12
  expect 'came to 31.5 / 60, and a.x is the first to mend'
  case_is 'anyway, and it is remembered'
  workbench solution q12 --anyway
  expect_rc 0
  [[ $OUT == $'solutions/q12_data_loading/notes.md\nsolutions/q12_data_loading/a.cc' ]] || fail 'expected the notes, then the sources'
  expect_kept '"kind":"solution"'
  case_is 'after full marks'
  printf '{"marks": {"earned": 60, "possible": 60}, "lead": null}' >"$TREE/.workbench/results/q12.json"
  workbench solution q12
  expect_rc 0
  expect notes.md
  workbench hint q12
  expect_rc 1
  expect 'nothing to mend'
  workbench solution
  expect_rc 2
  workbench solution q02
  expect_rc 1
  expect 'no reference solution'
}

test_reset() {
  local answer=$QUESTION_FOLDER/answer kept
  case_is 'reset'
  rm -rf -- "$answer"
  workbench reset q12
  expect_rc 1
  expect './workbench start q12'
  workbench start q12
  echo mine >"$answer/a.cc"
  workbench reset q12
  expect_rc 0
  [[ $(cat "$answer/a.cc") == 'part a' ]] || fail 'the answer is not the skeleton'
  kept=("$answer".2*)
  [[ ${#kept[@]} == 1 && $(cat "${kept[0]}/a.cc") == mine ]] || fail 'the old answer is not kept'
  case_is 'two in one second'
  echo second >"$answer/a.cc"
  workbench reset q12
  [[ $(cat "$answer".2*/a.cc | sort) == $'mine\nsecond' ]] || fail 'an answer is lost'
  case_is 'a skeleton that cannot be copied'
  mv "$QUESTION_FOLDER/skeleton" "$WORK/skeleton"
  echo third >"$answer/a.cc"
  workbench reset q12
  expect_rc 1
  [[ $(cat "$answer/a.cc") == third ]] || fail 'the answer is gone'
  mv "$WORK/skeleton" "$QUESTION_FOLDER/skeleton"
  for arguments in '' '--odd' 'q12 q02'; do
    # shellcheck disable=SC2086
    workbench reset $arguments
    expect_rc 2
  done
}

# Kills at moments from before it does anything to after it is done.
test_reset_killed() {
  local answer=$QUESTION_FOLDER/answer i pid
  case_is 'reset, killed'
  rm -rf -- "$answer"*
  for ((i = 0; i < 40; ++i)); do
    # What the one before has started may take a moment to die.
    until touch "$answer/precious.$i" 2>/dev/null; do
      "$TREE/workbench" start q12 >/dev/null 2>&1 || sleep 0.05
    done
    set -m
    "$TREE/workbench" reset q12 >/dev/null 2>&1 &
    pid=$!
    set +m
    sleep "0.$(printf '%03d' $((i * 3)))"
    kill -KILL -- "-$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  RC=0 OUT=$(cd "$QUESTION_FOLDER" && echo answer*/precious.*)
  for ((i = 0; i < 40; ++i)); do
    [[ " $OUT " == *"/precious.$i "* ]] || fail "precious.$i is lost"
  done
  [[ -d $answer ]] || workbench start q12
  workbench reset q12
  [[ ! -e $answer.fresh ]] || fail 'a copy is left behind'
}

sheet() { cat "$TREE"/.workbench/interviews/*.md; }

test_interview() {
  rm -rf -- "$QUESTION_FOLDER/answer"* "$TREE/.workbench"
  case_is 'to the end'
  bazel_grades FAILED 3
  typed $'noise\ndone\n\n2\ns\n' interview q12 --minutes 10
  expect_rc 0
  expect 'State it,' 'all of it.' '10 minutes left' 'the verdict' '1. First?' 'First answer.' 'Its second paragraph.' '2. Second?' 'Marks: 31.5 / 60'
  refuse 'Second answer' 'Not a follow-up' '> State'
  [[ $(cat "$QUESTION_FOLDER/answer/a.cc") == 'part a' ]] || fail 'the answer is not started'
  OUT=$(sheet)
  expect '# Interview: Title of q12' '| marks | 31.5 / 60 |' '| follow-ups | 2 / 3 |' '| 2 | 1. First? |' '| - | 2. Second? |' 'a.x' '- Follow-up 2. Second?'
  refuse Interrupted 'Follow-up 1.'
  expect_kept '"kind":"interview"'
  expect_kept '31.5 / 60'
  case_is 'the time is up, and the input ends'
  rm -rf -- "$TREE/.workbench/interviews"
  export WORKBENCH_TEST_MINUTE=1
  workbench interview q12 --minutes 6
  expect_rc 0
  expect '6 minutes left' '5 minutes left' 'Time is up' 'Score sheet: .workbench/interviews/'
  unset WORKBENCH_TEST_MINUTE
  [[ -z $(find "$TREE/.workbench/interviews" -name '*.state') ]] || fail 'a state is left behind'
  case_is 'wrong usage'
  local arguments
  for arguments in '' 'q12 --minutes 0' 'q12 --minutes x' 'q12 --minutes 601' 'q12 --minutes' '--odd' 'q12 q02' 'q12 --resume'; do
    # shellcheck disable=SC2086
    workbench interview $arguments
    expect_rc 2
  done
  workbench interview --resume
  expect_rc 1
  expect 'no interrupted interview'
}

# begin_interview: in the background, with its input held open; leaves its process in INTERVIEW.
INTERVIEW=
begin_interview() {
  "$TREE/workbench" interview "$@" <"$WORK/input" >"$WORK/out" 2>&1 &
  INTERVIEW=$!
  exec 3>"$WORK/input"
}

test_interview_interrupted() {
  rm -rf -- "$TREE/.workbench/interviews"
  case_is 'a signal leaves a sheet, and it goes on'
  begin_interview q12 --minutes 10
  wait_for grep -q 'minutes left' "$WORK/out"
  kill -TERM "$INTERVIEW"
  RC=0
  wait "$INTERVIEW" || RC=$?
  exec 3>&-
  OUT=$(cat "$WORK/out")
  expect_rc 143
  expect 'interview --resume goes on' '.workbench/interviews/'
  OUT=$(sheet)
  expect Interrupted 'not graded yet'
  case_is 'killed in the follow-ups; the first one is kept'
  begin_interview --resume
  printf 'done\n\n3\n' >&3
  wait_for grep -q '2. Second?' "$WORK/out"
  kill -KILL "$INTERVIEW"
  wait "$INTERVIEW" 2>/dev/null || true
  exec 3>&-
  typed $'\n1\n' interview --resume
  expect_rc 0
  expect 'Second answer.'
  refuse 'First?' 'the verdict' 'State it'
  OUT=$(sheet)
  expect '| follow-ups | 4 / 6 |' '| 3 | 1. First? |'
  refuse Interrupted
  case_is 'a damaged state'
  printf 'question=../..\n' >"$TREE/.workbench/interviews/x.state"
  workbench interview --resume
  expect_rc 1
  expect damaged
  rm "$TREE/.workbench/interviews/x.state"
}

test_quiz() {
  case_is 'quiz'
  bazel_does 'printf "%s\n" "#!/bin/sh" "echo \"<\$*>\"; for last; do :; done; file=\${last#--result-file=}" \
    "printf \"q12 q12.x right seed=7 number=1\nq03 q03.y skipped seed=7 number=2\n\" >\"\$file\"; exit 1" >"$SCRIPT"; chmod +x "$SCRIPT"'
  workbench quiz q03 --seed 7
  expect_rc 1
  expect '<q03 --seed 7 --result-file='
  expect_called //harness/quiz:quiz
  expect_kept '"kind":"quiz","question":"q12_data_loading"'
  expect_kept '\"correct\": true'
  expect_kept '"kind":"quiz","question":"q03"'
  bazel_does 'exit 1'
  workbench quiz
  expect_rc 4
}

test_traces() {
  case_is 'traces'
  bazel_does 'printf "%s\n" "#!/bin/sh" "echo \"<\$*> from \$WORKBENCH_CALLED_FROM\"; exit 1" >"$SCRIPT"; chmod +x "$SCRIPT"'
  workbench traces check 'a file.csv' --skip-bad
  expect_rc 1
  expect "<check a file.csv --skip-bad> from $TREE"
  expect_called //harness/traces:traces
  workbench traces
  expect_rc 2
  expect 'list, check, convert or generate'
  workbench traces frob
  expect_rc 2
  expect "what is 'frob'?"
  bazel_does 'exit 1'
  workbench traces list
  expect_rc 4
}

# completes WORD...: what bash offers for the last word.
completes() {
  RC=0
  OUT=$(cd / && bash -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _workbench; printf "%s\n" "${COMPREPLY[@]}"' _ \
    "$WORK/completion" "$TREE/workbench" "$@" 2>&1) || RC=$?
}

test_completion() {
  local command flag flags
  case_is 'completion'
  "$TREE/workbench" completion bash >"$WORK/completion"
  completes ''
  expect grade quiz interview
  completes gr
  [[ $OUT == grade ]] || fail 'expected grade only'
  completes grade ''
  expect q02 q12 data_loading
  completes grade q1
  [[ $OUT == $'q12\nq13' ]] || fail 'expected q12 and q13'
  completes grade q12 --part ''
  [[ $OUT == a ]] || fail 'expected the part a'
  completes hint data_loading a.
  [[ $OUT == $'a.x\na.xy' ]] || fail 'expected the checks'
  completes hint --zh 12 a.xy
  [[ $OUT == a.xy ]] || fail 'expected the check'
  completes quiz --seed 7 q1
  expect q10 q14
  completes grade q12 --json ''
  [[ -z $OUT ]] || fail 'expected nothing'
  printf '{"seed": 4711}' >"$TREE/.workbench/results/q12.json"
  completes grade q12 --seed ''
  [[ $OUT == 4711 ]] || fail 'expected the last seed'
  completes traces ''
  [[ $OUT == $'list\ncheck\nconvert\ngenerate' ]] || fail 'expected the words of traces'
  completes traces generate --jobs ''
  [[ -z $OUT ]] || fail 'expected nothing'
  completes completion z
  [[ $OUT == zsh ]] || fail 'expected zsh'
  completes nothing ''
  [[ -z $OUT ]] || fail 'expected nothing'
  case_is 'it offers the commands and flags that there are'
  completes ''
  for command in $OUT; do
    [[ $command != help ]] || continue
    completes "$command" --
    flags=$OUT
    workbench "$command" --help
    expect_rc 0
    for flag in $flags; do [[ $flag == --help ]] || expect "$flag"; done
    while read -r flag; do
      [[ $'\n'$flags$'\n' == *$'\n'$flag$'\n'* ]] || fail "not completed: $flag"
    done < <(sed -nE 's/^  (--[a-z-]+).*/\1/p' <<<"$OUT")
  done
  case_is 'zsh'
  workbench completion zsh
  expect_rc 0
  expect 'compdef _workbench workbench'
  workbench completion fish
  expect_rc 2
  workbench completion
  expect_rc 2
}

test_hints
test_solution
test_reset
test_reset_killed
test_interview
test_interview_interrupted
test_quiz
test_traces
test_completion

if ((FAILURES > 0)); then
  echo "$FAILURES expectations failed"
  exit 1
fi
echo "all expectations hold"
