# Entry of ./workbench: loads the command groups and dispatches.
# shellcheck shell=bash
set -euo pipefail

if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
  echo "workbench: bash $BASH_VERSION is too old: 4.4 or newer is needed" >&2
  exit 3
fi

# Files named on the command line are the caller's; everything else happens at the root.
# shellcheck disable=SC2034  # results.sh and grade.sh read it
readonly CALLED_FROM=$PWD
CLI_FOLDER=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
ROOT=$(cd -- "$CLI_FOLDER/../.." && pwd -P)
readonly CLI_FOLDER ROOT
cd -- "$ROOT"

for group in common json bazel install doctor_gpu results history; do
  # shellcheck source=/dev/null
  source "$CLI_FOLDER/$group.sh"
done

# The one list of commands: a group's file, then the commands in it, in the order in which they are told. The file of
# each defines command_NAME and help_NAME.
readonly COMMAND_TABLE=(
  'setup setup'
  'doctor doctor'
  'questions list start'
  'grade grade compare bench'
  'watch watch'
  'practice hint solution reset interview'
  'quiz quiz'
  'progress progress'
  'docs docs'
  'traces traces'
  'completion completion'
  'test test'
)

COMMANDS=()
for row in "${COMMAND_TABLE[@]}"; do
  read -r group names <<<"$row"
  [[ -r $CLI_FOLDER/$group.sh ]] || continue
  # shellcheck source=/dev/null
  source "$CLI_FOLDER/$group.sh"
  # shellcheck disable=SC2206  # several words
  COMMANDS+=($names)
done
readonly COMMANDS

is_command() {
  local command
  for command in "${COMMANDS[@]}"; do
    [[ $command != "$1" ]] || return 0
  done
  return 1
}

help_main() {
  cat <<'HELP'
A practice workbench for AI-infrastructure interviews.

  ./workbench list                    the questions, and how far you are
  ./workbench start q02               makes questions/q02_allreduce/answer/ for you to edit
  ./workbench grade q02               judges your answer and prints the verdict
  ./workbench grade q02 --reference   judges the reference solution instead
  ./workbench watch q02               grades on every save, and says what changed
  ./workbench compare q02             your answer beside the reference: speed and source
  ./workbench bench q02               the question's benchmark

  ./workbench hint q02                a hint; one level more each time
  ./workbench solution q02            the reference solution, after full marks
  ./workbench reset q02               starts over; the old answer is kept aside
  ./workbench interview q02           a timed sitting, with a score sheet
  ./workbench quiz                    short questions with numbers
  ./workbench progress                marks, days in a row, time spent
  ./workbench docs                    the pages to read, in the browser
  ./workbench traces list             traces of GPU clusters, real and made up, for Q7

  ./workbench setup                   installs the packages that are missing (grade and test do it too)
  ./workbench doctor                  what this machine has and lacks
  ./workbench completion bash         completion for the shell
  ./workbench test                    the workbench's own tests
  ./workbench COMMAND --help          more, with an example

A question goes by its number or topic: q02, 2, allreduce, q02_allreduce, or the start of a topic.
Exit codes: 0 fine, 1 judged wrong or failed, 2 wrong usage, 3 set-up missing, 4 did not build, 5 no verdict.
HELP
}

# The edit distance of two words.
edit_distance() {
  awk -v a="$1" -v b="$2" 'BEGIN {
    for (j = 0; j <= length(b); ++j) row[j] = j
    for (i = 1; i <= length(a); ++i) {
      diagonal = row[0]; row[0] = i
      for (j = 1; j <= length(b); ++j) {
        best = diagonal + (substr(a, i, 1) != substr(b, j, 1))
        if (row[j] + 1 < best) best = row[j] + 1
        if (row[j - 1] + 1 < best) best = row[j - 1] + 1
        diagonal = row[j]; row[j] = best
      }
    }
    print row[length(b)]
  }'
}

unknown_command() {
  local word=${1:0:40} command near=()
  if [[ -n $word ]]; then
    for command in "${COMMANDS[@]}" help; do
      if [[ $command == "$word"* || $word == "$command"* ]] || (($(edit_distance "$word" "$command") <= 2)); then
        near+=("$command")
      fi
    done
  fi
  ((${#near[@]} > 0)) || near=("${COMMANDS[@]}" help)
  usage_error "there is no command '$1'. Did you mean: ${near[*]}? (./workbench help tells them all)"
}

main_help() {
  case $1 in
    '' | help | -h | --help) help_main ;;
    *)
      is_command "$1" || unknown_command "$1"
      "help_$1"
      ;;
  esac
}

run_command() {
  local command=$1 word
  shift
  for word in "$@"; do
    if [[ $word == --help || $word == -h ]]; then
      "help_$command"
      return
    fi
    # What follows the question belongs to the program that these two run, --help too.
    if [[ $command == bench || $command == compare ]]; then break; fi
  done
  "command_$command" "$@"
}

main() {
  local command=${1-help}
  (($# == 0)) || shift
  case $command in
    -h | --help | help) main_help "${1-}" ;;
    *)
      is_command "$command" || unknown_command "$command"
      run_command "$command" "$@"
      ;;
  esac
}

main "$@"
