# ./workbench grade, compare, bench: what runs a question's code.
# shellcheck shell=bash disable=SC2153  # QUESTION is resolve_question's

help_grade() {
  cat <<'HELP'
./workbench grade QUESTION [--reference] [--part X] [--seed N] [--gpu|--host] [--json FILE]

Judges your answer (before `start`: the untouched skeleton) and prints the verdict: which property failed first, on which
input, by how much, and what usually causes it. Installs what is missing first, as `setup` does.

  --reference   judges the reference solution instead
  --part X      only one part, as in --part a
  --seed N      the inputs of an earlier run; without it every run has fresh ones
  --gpu --host  where kernels run: a GPU, or the CPU; without either a GPU is used where there is one
  --json FILE   writes the result there too; the last one is kept in .workbench/results/, with report.html beside it

Every grade goes into the history, which ./workbench progress shows.

Exit codes: 0 full marks, 1 judged wrong, 2 wrong usage, 3 set-up missing, 4 did not build, 5 no verdict (the grader
itself failed, or ran past its time).

Example:
  ./workbench grade q02 --part a --seed 7
HELP
}

help_compare() {
  cat <<'HELP'
./workbench compare QUESTION [ARGS...]

Your answer beside the reference: times, their ratio, and the difference of the sources. ARGS go to the program.

Example:
  ./workbench compare q02
HELP
}

help_bench() {
  cat <<'HELP'
./workbench bench QUESTION [ARGS...]

The question's benchmark, built with -c opt. ARGS go to Google Benchmark; `./workbench bench q02 --help` shows its flags.

Example:
  ./workbench bench q02 --benchmark_filter=ring
HELP
}

# Set by parse_grade.
GRADE_OF=answer GRADE_PART='' GRADE_SEED='' GRADE_CONFIG='' GRADE_JSON=''

# A hash of what is graded, taken before the run; what could not be kept after it.
GRADE_SOURCES='' NOT_KEPT=()

parse_grade() {
  local question='' flag
  while (($# > 0)); do
    flag=$1
    if [[ $flag == --*=* ]]; then
      set -- "${flag%%=*}" "${flag#*=}" "${@:2}"
      flag=$1
    fi
    case $flag in
      --reference) GRADE_OF=reference ;;
      --gpu | --host)
        [[ -z $GRADE_CONFIG || $GRADE_CONFIG == "${flag#--}" ]] || usage_error "grade: --gpu or --host, not both"
        GRADE_CONFIG=${flag#--}
        ;;
      --part | --seed | --json)
        [[ -n ${2-} ]] || usage_error "grade: $flag needs a value. See ./workbench grade --help"
        case $flag in --part) GRADE_PART=${2,,} ;; --seed) GRADE_SEED=$2 ;; --json) GRADE_JSON=$2 ;; esac
        shift
        ;;
      -*) usage_error "grade: what is '$flag'? See ./workbench grade --help" ;;
      *)
        [[ -z $question ]] || usage_error "grade: one question at a time, not '$question' and '$flag'"
        question=$flag
        ;;
    esac
    shift
  done
  [[ -n $question ]] || usage_error "grade: which question? There is: $(question_names)"
  [[ -z $GRADE_SEED ]] || check_seed
  [[ $GRADE_PART =~ ^[a-z0-9_]*$ ]] || usage_error "grade: --part is a letter, as in --part a; not '$GRADE_PART'"
  resolve_question "$question"
}

# A decimal number below 2^64; without leading zeros, which would make it octal.
check_seed() {
  local seed=$GRADE_SEED
  [[ $seed =~ ^[0-9]{1,40}$ ]] || usage_error "grade: --seed is a number from 0 to 18446744073709551615, not '$GRADE_SEED'"
  while [[ $seed == 0?* ]]; do seed=${seed#0}; done
  # shellcheck disable=SC2071  # as text, for it may not fit a number
  if ((${#seed} > 20)) || { ((${#seed} == 20)) && [[ $seed > 18446744073709551615 ]]; }; then
    usage_error "grade: --seed is a number from 0 to 18446744073709551615, not '$GRADE_SEED'"
  fi
  GRADE_SEED=$seed
}

command_grade() {
  parse_grade "$@"
  ensure_setup
  local target=grade number
  number=$(question_number "$QUESTION")
  if [[ $GRADE_OF == reference ]]; then
    target=reference_grade
  elif ! answer_exists "$QUESTION"; then
    note "$number is not started: this judges the untouched skeleton. To make it yours: ./workbench start $number"
  fi
  [[ -z $GRADE_PART ]] || target+=_$GRADE_PART

  local options=("--test_output=summary" "--test_summary=none")
  [[ -z $GRADE_CONFIG ]] || options+=("--config=$GRADE_CONFIG")
  # .bazelrc passes it on. As a flag it would make Bazel analyse everything anew for each seed.
  [[ -z $GRADE_SEED ]] || export WORKBENCH_SEED=$GRADE_SEED
  bazel_environment
  need_temp_folder
  take_lock
  [[ $GRADE_OF == reference ]] || GRADE_SOURCES=$(answer_hash "$QUESTION")
  WANTED_TARGET=//questions/$QUESTION:$target
  run_bazel bazel_tick test "${options[@]}" "--build_event_json_file=$TEMP_FOLDER/events.json" "$WANTED_TARGET"
  explain_bazel_status "$STREAM_STATUS"
  did_it_build "$number"
  report_verdict
}

did_it_build() {
  local number=$1
  ((STREAM_STATUS == 1)) || return 0
  if $SAW_NO_SUCH_TARGET && [[ -n $GRADE_PART ]]; then
    usage_error "$number has no part '$GRADE_PART'; its skeleton has: $(cd "questions/$QUESTION/skeleton" 2>/dev/null && echo *)"
  fi
  ! $SAW_NO_SUCH_TARGET || die "$EXIT_BUILD" "there is no $WANTED_TARGET: is the checkout complete?"
  if [[ $GRADE_OF == answer ]] && answer_exists "$QUESTION"; then
    history_event build_failed "$QUESTION"
    die "$EXIT_BUILD" "your answer did not build: the messages are above. The files are in questions/$QUESTION/answer/"
  fi
  die "$EXIT_BUILD" "$WANTED_TARGET did not build: the messages are above"
}

# Prints what the grader printed, keeps what it wrote, and leaves with the verdict's code.
report_verdict() {
  local status='' log='' name='' path value folder result lead
  while IFS=$'\t' read -r path value; do
    case $path in
      testResult.status) status=$value ;;
      testResult.testActionOutput.*.name) name=$value ;;
      testResult.testActionOutput.*.uri) if [[ $name == test.log ]]; then log=$(path_of_uri "$value"); fi ;;
    esac
  done < <(bazel_events "$TEMP_FOLDER/events.json" testResult)
  [[ -r $log ]] || die "$EXIT_NO_VERDICT" "the grader left no log${status:+ (Bazel says $status)}; ./workbench doctor may tell why"
  print_test_log "$log"

  folder=$TEMP_FOLDER/outputs
  unpack_outputs "${log%/*}/test.outputs" "$folder" || true
  result=$(result_file "$QUESTION" "$GRADE_OF" "$GRADE_PART")
  keep_grade "$folder" "$result"
  drop_lock
  [[ -z $GRADE_JSON ]] || export_result "$folder" "$GRADE_JSON" || exit "$EXIT_FAILED"
  [[ ! -f $folder/result.json ]] || print_report_path "${result%.json}/report.html"
  [[ $status == PASSED ]] && return 0
  lead=$(result_lead_verdict "$folder/result.json")
  [[ $lead != grader* ]] || die "$EXIT_NO_VERDICT" "the grader itself failed; ./workbench doctor may tell why"
  [[ $status == FAILED ]] || die "$EXIT_NO_VERDICT" "no verdict: the grader was stopped (Bazel says ${status:-nothing})"
  # Its last lines and its result, of which either may have found no room.
  if [[ ! -f $folder/result.json ]] && ! grep -q '^  Marks ' "$log"; then
    die "$EXIT_NO_VERDICT" "no verdict: the grader ended before it had one; was it killed, or did memory run out? Repeat it"
  fi
  exit "$EXIT_FAILED"
}

# keep_grade FOLDER FILE: the history, the result and its report; what cannot be kept is said in one line, and no more.
keep_grade() {
  local from=$1 file=$2
  [[ -f $from/result.json ]] || return 0
  NOT_KEPT=()
  if need_state_folder; then
    record_grade "$from/result.json"
    keep_result "$from" "$file"
  else
    NOT_KEPT=("result and history ($STATE_FOLDER cannot be made: give yourself the right to write there, or set XDG_STATE_HOME)")
  fi
  ((${#NOT_KEPT[@]} == 0)) || note "not kept: $(join_lines "${NOT_KEPT[@]}")"
}

record_grade() {
  local config=()
  # With other options Bazel would analyse everything anew.
  [[ -z $GRADE_CONFIG ]] || config=("--config=$GRADE_CONFIG")
  need_history "${config[@]}" || return 0
  if ! history_write record "$1" "--part=$GRADE_PART" "--sources=$GRADE_SOURCES"; then
    NOT_KEPT+=("this grade's place in the history ($HISTORY_SAID)")
  elif [[ -n $HISTORY_SAID ]]; then
    note "$HISTORY_SAID"
  fi
}

print_report_path() {
  [[ ! -f $1 ]] || printf '  Report: %s\n' "${1#"$ROOT/"}"
}

# Without the lines that Bazel puts in front.
print_test_log() {
  awk 'NR == 1 && /^exec \$\{PAGER/ { header = 1 }
       header { if (/^-----+$/) header = 0; next }
       { print }' "$1"
}

# run_program TARGET ARGS...: builds it optimised, then becomes it.
run_program() {
  local target=$1 script
  shift
  ensure_setup
  bazel_environment
  need_temp_folder
  take_lock
  script=$TEMP_FOLDER/run
  WANTED_TARGET=//questions/$QUESTION:$target
  run_bazel bazel_tick run -c opt "--script_path=$script" "$WANTED_TARGET"
  explain_bazel_status "$STREAM_STATUS"
  if $SAW_NO_SUCH_TARGET; then die "$EXIT_FAILED" "$(question_number "$QUESTION") has no $target"; fi
  [[ $STREAM_STATUS == 0 && -x $script ]] || die "$EXIT_BUILD" "$WANTED_TARGET did not build: the messages are above"
  drop_lock
  become "$script" "$@"
}

# Becomes the program, so that Ctrl-C, signals and the terminal are its own. Nothing of this command is left behind.
become() {
  local script=$1 fd
  shift
  exec {fd}<"$script"
  rm -rf -- "$TEMP_FOLDER"
  export BUILD_WORKSPACE_DIRECTORY=$ROOT BUILD_WORKING_DIRECTORY=$CALLED_FROM
  exec bash "/dev/fd/$fd" "$@"
}

command_compare() {
  (($# > 0)) || usage_error "compare: which question? There is: $(question_names)"
  resolve_question "$1"
  answer_exists "$QUESTION" ||
    note "$(question_number "$QUESTION") is not started: this compares the untouched skeleton"
  local results=$STATE_FOLDER/results number
  number=$(question_number "$QUESTION")
  need_state_folder || true
  run_program compare "--out=$results/$number.compare" "--marks-answer=$results/$number.json" \
    "--marks-reference=$results/$number.reference.json" "${@:2}"
}

command_bench() {
  (($# > 0)) || usage_error "bench: which question? There is: $(question_names)"
  resolve_question "$1"
  need_state_folder || true
  run_program benchmark "--out=$STATE_FOLDER/results/$(question_number "$QUESTION").bench" "${@:2}"
}
