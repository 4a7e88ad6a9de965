# ./workbench quiz: builds the quiz, runs it, and keeps what was answered in the history.
# shellcheck shell=bash

help_quiz() {
  cat <<'HELP'
./workbench quiz [QUESTION] [--seed N] [--count K] [--json]
./workbench quiz --list [QUESTION]

Numeric and short questions: memory under ZeRO, bubble fractions, KV-cache bytes, ring traffic and more, with fresh numbers
each time. A number is judged with a tolerance and may have a unit or be arithmetic: 12 GiB, 1.5G, 45%, 2*7e9. After each
answer it is explained step by step, and a known mistake is named. QUESTION is q01 to q14, or a name such as zero; without
it, all. Also those topics can be asked that have no coding question here yet.

  --seed N    the same questions again; the seed is printed
  --count K   how many; 5 if not given
  --json      one JSON object a line: question, again (the input was no answer), result, summary
  --list      what can be asked

Answers are read from standard input, a line each. "skip" shows the answer; "quit", the end of input and Ctrl-C end with a
summary.

Exit codes: 0 all were answered right, 1 not all, 2 wrong usage, 3 set-up missing, 4 did not build, 130 Ctrl-C.

Example:
  ./workbench quiz q03 --count 3
HELP
}

command_quiz() {
  local script results status=0
  ensure_setup
  bazel_environment
  need_temp_folder
  take_lock
  script=$TEMP_FOLDER/quiz
  results=$TEMP_FOLDER/quiz.results
  WANTED_TARGET=//harness/quiz:quiz
  run_bazel bazel_tick run "--script_path=$script" "$WANTED_TARGET"
  explain_bazel_status "$STREAM_STATUS"
  [[ $STREAM_STATUS == 0 && -x $script ]] || die "$EXIT_BUILD" "$WANTED_TARGET did not build: the messages are above"
  drop_lock
  # The program handles Ctrl-C itself; this waits for its summary and then keeps the results.
  trap : INT
  bash "$script" "$@" "--result-file=$results" || status=$?
  trap 'interrupted 130' INT
  keep_quiz_results "$results"
  return "$status"
}

# Lines "TOPIC ID OUTCOME seed=N number=I", from harness/quiz/quiz_main.cc.
keep_quiz_results() {
  local topic id outcome seed number correct
  [[ -r $1 ]] || return 0
  while read -r topic id outcome seed number; do
    if [[ $outcome == right ]]; then correct=true; else correct=false; fi
    history_event quiz "$(question_of_topic "$topic")" \
      "{\"correct\": $correct, \"outcome\": \"$outcome\", \"id\": \"$id\", \"seed\": ${seed#seed=}, \"number\": ${number#number=}}"
  done <"$1"
}

# q02_allreduce of q02; q03 itself where there is no such question here.
question_of_topic() {
  local name
  while read -r name; do
    if [[ $name == "$1"_* ]]; then
      printf '%s' "$name"
      return
    fi
  done < <(all_questions)
  printf '%s' "$1"
}
