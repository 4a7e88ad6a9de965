# ./workbench watch: grades on every save.
# shellcheck shell=bash disable=SC2153,SC2034  # QUESTION is resolve_question's; common.sh reads SAVED_TERMINAL

help_watch() {
  cat <<'HELP'
./workbench watch QUESTION [--part X] [--gpu|--host]

Grades your answer now and after every save, and shows what changed since the grade before: which checks hold now, which
no longer do, and the marks. Goes on when the answer does not build. A save during a grade starts another one after it.

  --part X      only one part, as in --part a
  --gpu --host  as for grade

On a terminal: g grades again, q ends. Ctrl-C ends too. Without a terminal it prints plain lines.

Exit codes: 0 ended with q, 1 not started yet, 2 wrong usage, 3 set-up missing, 130 ended with Ctrl-C.

Example:
  ./workbench watch q02 --part a
HELP
}

WATCH_OPTIONS=()
WATCH_PART=
WATCH_KEY=

parse_watch() {
  local question='' flag
  while (($# > 0)); do
    flag=$1
    case $flag in
      --gpu | --host) WATCH_OPTIONS+=("$flag") ;;
      --part=*) WATCH_PART=${flag#*=} ;;
      --part)
        [[ -n ${2-} ]] || usage_error "watch: --part needs a value. See ./workbench watch --help"
        WATCH_PART=$2
        shift
        ;;
      -*) usage_error "watch: what is '$flag'? See ./workbench watch --help" ;;
      *)
        [[ -z $question ]] || usage_error "watch: one question at a time, not '$question' and '$flag'"
        question=$flag
        ;;
    esac
    shift
  done
  [[ -n $question ]] || usage_error "watch: which question? There is: $(question_names)"
  ((${#WATCH_OPTIONS[@]} < 2)) || usage_error "watch: --gpu or --host, not both"
  WATCH_PART=${WATCH_PART,,}
  [[ $WATCH_PART =~ ^[a-z0-9_]*$ ]] || usage_error "watch: --part is a letter, as in --part a; not '$WATCH_PART'"
  resolve_question "$question"
  [[ -z $WATCH_PART ]] || WATCH_OPTIONS+=("--part=$WATCH_PART")
}

# Names, times, sizes and inodes of the answer's files, without what editors leave beside them. Asked for twice a second;
# unlike inotify it works on every file system.
answer_state() {
  find -L "questions/$QUESTION/answer" -mindepth 1 \( -name '.*' -o -name '*~' -o -name '#*#' -o -name 4913 -o -name '*.tmp' \) -prune \
    -o -type f -printf '%P %T@ %C@ %s %i\n' 2>/dev/null | LC_ALL=C sort || true
}

# Editors write by renaming, and several files are saved at once: waits until nothing changes for 0.2 s.
settled_state() {
  local before now
  now=$(answer_state)
  until [[ $now == "${before-}" && -n ${before+set} ]]; do
    before=$now
    sleep 0.2
    now=$(answer_state)
  done
  printf '%s' "$now"
}

# watch_pause: half a second, or until a key is pressed; leaves it in WATCH_KEY.
watch_pause() {
  WATCH_KEY=
  if ! $WATCH_READS_KEYS; then
    sleep 0.5
    return
  fi
  local status=0
  IFS= read -rsn 1 -t 0.5 WATCH_KEY || status=$?
  # The terminal is gone.
  if ((status != 0 && status <= 128)); then WATCH_READS_KEYS=false; fi
  if [[ $WATCH_KEY == [qQ] ]]; then stop_watch; fi
}
WATCH_READS_KEYS=false

stop_watch() {
  trap '' INT TERM HUP
  if [[ -n $CHILD_PID ]] && kill -TERM "$CHILD_PID" 2>/dev/null; then
    transient 'stopping...'
    wait "$CHILD_PID" 2>/dev/null || true
  fi
  transient ''
  exit 0
}

command_watch() {
  parse_watch "$@"
  local number graded='' now
  number=$(question_number "$QUESTION")
  answer_exists "$QUESTION" || die "$EXIT_FAILED" "$number is not started: ./workbench start $number"
  ensure_setup
  need_temp_folder
  if [[ -t 0 ]] && on_terminal && have stty; then
    SAVED_TERMINAL=$(stty -g)
    WATCH_READS_KEYS=true
  fi
  cp -- "$(result_file "$QUESTION" answer "$WATCH_PART")" "$TEMP_FOLDER/before.json" 2>/dev/null || true
  while true; do
    now=$(answer_state)
    if [[ -z $now ]]; then
      [[ $graded == none ]] || note "questions/$QUESTION/answer is empty or gone: waiting for it (./workbench start $number)"
      graded=none
    elif [[ $now != "$graded" || $WATCH_KEY == [gG] ]]; then
      # A save in the meantime is a difference from this, and graded next.
      graded=$(settled_state)
      [[ ! -x $(history_program_path) ]] || history_event save "$QUESTION"
      watch_grade
      watch_waits "$number"
    fi
    watch_pause
  done
}

watch_waits() {
  if $WATCH_READS_KEYS; then
    printf 'Waiting for the next save of %s   (g grades again, q ends)\n' "$1"
  else
    printf 'Waiting for the next save of %s\n' "$1"
  fi
}

watch_grade() {
  local output=$TEMP_FOLDER/output after=$TEMP_FOLDER/after.json begun=$SECONDS told=false status=0
  rm -f -- "$after"
  on_terminal || printf 'grading %s\n' "$QUESTION"
  bash "$CLI_FOLDER/main.sh" grade "$QUESTION" "${WATCH_OPTIONS[@]}" --json "$after" </dev/null >"$output" 2>&1 &
  CHILD_PID=$!
  while kill -0 "$CHILD_PID" 2>/dev/null; do
    if ! $told && grep -qF 'another ./workbench is running' "$output" 2>/dev/null; then
      note 'another ./workbench is running in this checkout; this grade starts when that one ends'
      told=true
    fi
    transient "grading $QUESTION: $((SECONDS - begun)) s"
    watch_pause
  done
  wait "$CHILD_PID" || status=$?
  CHILD_PID=
  transient ''
  if on_terminal; then printf '\033[H\033[2J'; fi
  show_grade "$output" "$status"
}

# The whole output where there is no verdict; else without the table of checks, and with what changed in front.
show_grade() {
  local output=$1 status=$2 before=$TEMP_FOLDER/before.json after=$TEMP_FOLDER/after.json
  if ((status > 1)) || [[ ! -s $after ]]; then
    cat -- "$output"
    return
  fi
  awk '/another \.\/workbench is running/ { next }
       /^  Part [a-z0-9_]+:/ { table = 1 }
       /^  (First to mend|Marks) / { table = 0 }
       !table' "$output"
  if [[ -s $before ]]; then
    printf 'Since the grade before:\n%s\n' "$(paint_changes "$(result_changes "$before" "$after")")"
  fi
  mv -f -- "$after" "$before"
}

paint_changes() {
  local line
  while IFS= read -r line; do
    case $line in
      '  now ok '*) paint 32 "$line" ;;
      '  now '*) paint 31 "$line" ;;
      *) paint '' "$line" ;;
    esac
    printf '\n'
  done <<<"$1"
}
