# ./workbench progress: what the history comes to.
# shellcheck shell=bash

help_progress() {
  cat <<'HELP'
./workbench progress [--json]

All questions: when you started, how many grades, best and last marks (of grades of all parts), the day of the first full
marks, time spent, hints asked for; and your days in a row. A day counts when an answer was graded, an interview held or a
quiz question answered. Time spent is the time between saves, grades and hints that are at most 15 minutes apart.

The history is .workbench/history.sqlite (where the checkout is read-only: under ~/.local/state/workbench/).

  --json   the same as a JSON document

Exit codes: 0 shown, 1 the history cannot be read, 2 wrong usage, 3 set-up missing.

Example:
  ./workbench progress --json > progress.json
HELP
}

command_progress() {
  local options=() names=()
  while (($# > 0)); do
    case $1 in
      --json) options=(--json) ;;
      *) usage_error "progress: what is '$1'? See ./workbench progress --help" ;;
    esac
    shift
  done
  [[ -x $(history_program_path) ]] || ensure_setup >&2
  need_history || exit "$EXIT_SETUP"
  transient ''
  mapfile -t names < <(all_questions)
  history_run progress "${options[@]}" "${names[@]}" || exit "$EXIT_FAILED"
}
