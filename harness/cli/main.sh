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

for group in common json bazel setup install doctor doctor_gpu questions results grade test; do
  # shellcheck source=/dev/null
  source "$CLI_FOLDER/$group.sh"
done

readonly COMMANDS=(setup doctor list start grade compare bench test help)

help_main() {
  cat <<'HELP'
A practice workbench for AI-infrastructure interviews.

  ./workbench list                    the questions, and how far you are
  ./workbench start q02               makes questions/q02_allreduce/answer/ for you to edit
  ./workbench grade q02               judges your answer and prints the verdict
  ./workbench grade q02 --reference   judges the reference solution instead
  ./workbench compare q02             your answer beside the reference: speed and source
  ./workbench bench q02               the question's benchmark
  ./workbench test                    the workbench's own tests

  ./workbench setup                   installs the packages that are missing (grade and test do it too)
  ./workbench doctor                  what this machine has and lacks
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
    for command in "${COMMANDS[@]}"; do
      if [[ $command == "$word"* || $word == "$command"* ]] || (($(edit_distance "$word" "$command") <= 2)); then
        near+=("$command")
      fi
    done
  fi
  ((${#near[@]} > 0)) || near=("${COMMANDS[@]}")
  usage_error "there is no command '$1'. Did you mean: ${near[*]}? (./workbench help tells them all)"
}

main_help() {
  case $1 in
    '' | help | -h | --help) help_main ;;
    setup | doctor | list | start | grade | compare | bench | test) "help_$1" ;;
    *) unknown_command "$1" ;;
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
    setup | doctor | list | start | grade | compare | bench | test) run_command "$command" "$@" ;;
    *) unknown_command "$command" ;;
  esac
}

main "$@"
