# ./workbench interview: a timed sitting with follow-up questions and a score sheet.
# shellcheck shell=bash disable=SC2153  # QUESTION is resolve_question's

help_interview() {
  cat <<'HELP'
./workbench interview QUESTION [--minutes N] [--zh|--en]
./workbench interview --resume

A sitting as an interviewer would hold it: states the problem, starts your answer if there is none, and counts down while
you write. Then your answer is graded, and the follow-up questions come one by one: answer aloud, read the model answer,
give yourself 0 to 3 points. At the end a score sheet is written to .workbench/interviews/ (marks, time, follow-ups, what to
review), as Markdown.

  --minutes N   the time to write, 1 to 600; 45 if not given. Grading and follow-ups are not timed
  --resume      goes on with the last sitting that was interrupted, with the time that was left
  --zh --en     the language; without either it follows LANG

Type "done" to end the writing early. Ctrl-C interrupts: the sheet of what was done is written, and --resume goes on.
On a terminal the time left stands in one line; elsewhere a line comes every five minutes.

Exit codes: 0 held to the end, 1 there is nothing to resume or it cannot be kept, 2 wrong usage, 130 Ctrl-C.

Example:
  ./workbench interview q02 --minutes 45
HELP
}

# The length of a minute in seconds; tests have shorter ones.
readonly INTERVIEW_MINUTE=${WORKBENCH_TEST_MINUTE:-60}

# A sitting, kept in STATE_FOLDER/interviews/ID.state as lines KEY=VALUE.
SITTING='' SITTING_ID='' SITTING_MINUTES=45 SITTING_USED=0 SITTING_LANGUAGE=en
SITTING_PHASE=writing # writing, grading, talking
SITTING_MARKS=
SITTING_SCORES=() # of the follow-ups so far: 0 to 3, or - for skipped

interview_folder() { printf '%s/interviews' "$STATE_FOLDER"; }

# A rename, so that a kill leaves the old state or the new one.
save_sitting() {
  local file
  file=$(interview_folder)/$SITTING_ID.state
  {
    printf 'question=%s\nminutes=%s\nused=%s\nlanguage=%s\nphase=%s\nmarks=%s\nscores=%s\n' "$QUESTION" "$SITTING_MINUTES" \
      "$SITTING_USED" "$SITTING_LANGUAGE" "$SITTING_PHASE" "$SITTING_MARKS" "${SITTING_SCORES[*]}" >"$file.$$" && mv -f -- "$file.$$" "$file"
  } 2>/dev/null || {
    rm -f -- "$file.$$" 2>/dev/null || true
    die "$EXIT_FAILED" "the sitting cannot be kept in $(interview_folder): is the disk full, or not yours to write?"
  }
}

load_sitting() {
  local key value
  while IFS='=' read -r key value; do
    case $key in
      question) QUESTION=$value ;;
      minutes) SITTING_MINUTES=$value ;;
      used) SITTING_USED=$value ;;
      language) SITTING_LANGUAGE=$value ;;
      phase) SITTING_PHASE=$value ;;
      marks) SITTING_MARKS=$value ;;
      scores) read -ra SITTING_SCORES <<<"$value" ;;
    esac
  done <"$1"
  [[ $QUESTION =~ ^q[0-9]+_[a-z0-9_]+$ && -d questions/$QUESTION && $SITTING_MINUTES =~ ^[0-9]{1,3}$ && $SITTING_USED =~ ^[0-9]{1,6}$ &&
    $SITTING_PHASE =~ ^(writing|grading|talking)$ ]] || die "$EXIT_FAILED" "$1 is damaged: remove it and hold the interview anew"
}

resume_sitting() {
  local file newest=''
  for file in "$(interview_folder)"/*.state; do
    if [[ -r $file && (-z $newest || $file -nt $newest) ]]; then newest=$file; fi
  done
  [[ -n $newest ]] || die "$EXIT_FAILED" "there is no interrupted interview to go on with: ./workbench interview q02 begins one"
  SITTING_ID=${newest##*/}
  SITTING_ID=${SITTING_ID%.state}
  load_sitting "$newest"
}

parse_interview() {
  local question='' resume=false flag
  SITTING_LANGUAGE=$(user_language)
  while (($# > 0)); do
    flag=$1
    case $flag in
      --resume) resume=true ;;
      --zh | --en) SITTING_LANGUAGE=${flag#--} ;;
      --minutes | --minutes=*)
        if [[ $flag == --minutes ]]; then
          SITTING_MINUTES=${2-}
          (($# == 1)) || shift
        else
          SITTING_MINUTES=${flag#*=}
        fi
        if [[ ! $SITTING_MINUTES =~ ^[1-9][0-9]{0,2}$ ]] || ((SITTING_MINUTES > 600)); then
          usage_error "interview: --minutes is a number from 1 to 600, not '$SITTING_MINUTES'"
        fi
        ;;
      -*) usage_error "interview: what is '$flag'? See ./workbench interview --help" ;;
      *)
        [[ -z $question ]] || usage_error "interview: one question at a time, not '$question' and '$flag'"
        question=$flag
        ;;
    esac
    shift
  done
  if $resume; then
    [[ -z $question ]] || usage_error "interview: --resume goes on with the last one; leave out '$question'"
    resume_sitting
    return
  fi
  [[ -n $question ]] || usage_error "interview: which question? There is: $(question_names)"
  resolve_question "$question"
  SITTING_ID=$(date +%Y%m%d-%H%M%S)_$(question_number "$QUESTION")
}

command_interview() {
  parse_interview "$@"
  { need_state_folder && mkdir -p -- "$(interview_folder)"; } 2>/dev/null ||
    die "$EXIT_FAILED" "$(interview_folder) cannot be made: nothing of the sitting could be kept"
  save_sitting
  SITTING=running
  trap 'interview_interrupted 130' INT
  trap 'interview_interrupted 143' TERM
  trap 'interview_interrupted 129' HUP
  if [[ $SITTING_PHASE == writing ]]; then
    state_problem
    write_phase
  fi
  if [[ $SITTING_PHASE == grading ]]; then grade_phase; fi
  talk_phase
  SITTING=ended
  finish_sitting
}

interview_interrupted() {
  trap '' INT TERM HUP
  if [[ -n $CHILD_PID ]] && kill -TERM "$CHILD_PID" 2>/dev/null; then wait "$CHILD_PID" 2>/dev/null || true; fi
  transient ''
  printf '\n'
  # The last one to write both, whatever was being written.
  save_sitting
  note "interrupted; ./workbench interview --resume goes on. So far: $(write_sheet)"
  exit "$1"
}

# The quote that the spec opens with.
opening_quote() { awk '/^>/ { sub(/^> ?/, ""); print; quoted = 1; next } quoted { exit }' "$1"; }

state_problem() {
  local folder=questions/$QUESTION number
  number=$(question_number "$QUESTION")
  printf '%s\n\n' "$(paint 1 "$(question_title "$QUESTION")")"
  opening_quote "$(language_file "$folder" spec "$SITTING_LANGUAGE")" | sed 's/^/  /'
  if ! answer_exists "$QUESTION"; then
    [[ -d $folder/skeleton ]] || die "$EXIT_FAILED" "$folder/skeleton is missing: is the checkout complete?"
    copy_skeleton "$folder"
    history_event_later start "$QUESTION"
  fi
  printf '\nWrite in:  %s/answer/\nContract:  %s/api.h\nTry it:    ./workbench grade %s   (in another terminal)\n' "$folder" "$folder" "$number"
  printf 'Type "done" and Enter when you are. Ctrl-C interrupts.\n\n'
}

clock() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

# Counts the time down; SITTING_USED seconds of it have passed in earlier runs.
write_phase() {
  local before=$SITTING_USED begun=$SECONDS total=$((SITTING_MINUTES * INTERVIEW_MINUTE)) left minutes mark=0 line input=true saved=0
  while true; do
    SITTING_USED=$((before + SECONDS - begun))
    left=$((total - SITTING_USED))
    ((left > 0)) || break
    # A kill costs ten seconds of the count at most.
    if ((SITTING_USED - saved >= 10)); then
      save_sitting
      saved=$SITTING_USED
    fi
    if on_terminal; then
      transient "$(clock "$left") left   done: ends   "
    else
      minutes=$(((left + INTERVIEW_MINUTE - 1) / INTERVIEW_MINUTE))
      # A new five-minute mark.
      if (((minutes + 4) / 5 != mark)); then printf '%d minutes left\n' "$minutes"; fi
      mark=$(((minutes + 4) / 5))
    fi
    line=
    if ! $input; then
      sleep 1
    elif read -r -t 1 line; then
      [[ $line != 'done' ]] || break
    elif (($? <= 128)); then
      input=false # the end of the input: the time goes on
    fi
  done
  transient ''
  ((left > 0)) || printf 'Time is up.\n'
  SITTING_PHASE=grading
  save_sitting
}

# In a process of its own, which cleans up after itself.
grade_phase() {
  local status=0 number marks
  number=$(question_number "$QUESTION")
  printf '\nGrading what you have.\n\n'
  bash "$CLI_FOLDER/main.sh" grade "$number" </dev/null &
  CHILD_PID=$!
  wait "$CHILD_PID" || status=$?
  CHILD_PID=
  marks=$(result_marks "$(result_file "$QUESTION" answer '')")
  case $status in
    0 | 1) SITTING_MARKS=${marks:-no marks} ;;
    4) SITTING_MARKS='did not build' ;;
    *) SITTING_MARKS="not graded (./workbench grade $number says why)" ;;
  esac
  SITTING_PHASE=talking
  save_sitting
}

# follow_ups FILE question|answer N: the N-th question, or its model answer, of the spec's section of follow-ups.
follow_ups() {
  awk -v part="$2" -v wanted="$3" '
    /^## / { inside = ($0 ~ /^## (Follow-up questions|追问)/); next }
    !inside { next }
    /<details>/ {
      ++count
      open = 1
      line = $0
      sub(/.*<summary>/, "", line); sub(/<\/summary>.*/, "", line)
      if (count == wanted && part == "question") print line
      next
    }
    /<\/details>/ { open = 0; next }
    open && count == wanted && part == "answer" {
      if ($0 == "" && !printed) next
      for (; blank > 0; --blank) print ""
      if ($0 == "") { ++blank; next }
      print; printed = 1
    }' "$1"
}

talk_phase() {
  local file count=0 number line ended=false
  file=$(language_file "questions/$QUESTION" spec "$SITTING_LANGUAGE")
  while [[ -n $(follow_ups "$file" question $((count + 1))) ]]; do count=$((count + 1)); done
  ((count > ${#SITTING_SCORES[@]})) || return 0
  printf '\nFollow-up questions: %d. Answer aloud, then press Enter for the model answer. s skips one, q ends.\n' "$count"
  for ((number = ${#SITTING_SCORES[@]} + 1; number <= count; ++number)); do
    printf '\n%s\n' "$(paint 1 "$(follow_ups "$file" question "$number")")"
    ask '[Enter, s, q] ' '^[sq]?$' || ended=true
    if $ended || [[ $REPLY == q ]]; then break; fi
    if [[ $REPLY == s ]]; then
      SITTING_SCORES+=(-)
    else
      printf '\n'
      follow_ups "$file" answer "$number" | sed 's/^/    /'
      printf '\n'
      ask 'Your points (0 nothing, 1 the idea, 2 most of it, 3 all, with the reason): ' '^[0-3]$' || break
      SITTING_SCORES+=("$REPLY")
    fi
    save_sitting
  done
}

# ask PROMPT PATTERN: leaves what was typed in REPLY, once it fits; false at the end of the input.
ask() {
  while true; do
    printf '%s' "$1"
    IFS= read -r REPLY || {
      printf '\n'
      return 1
    }
    [[ -t 0 ]] || printf '\n'
    [[ ! $REPLY =~ $2 ]] || return 0
    printf "What is '%s'? " "${REPLY:0:40}"
  done
}

# Writes the sheet and prints its path.
write_sheet() {
  local sheet
  sheet=$(interview_folder)/$SITTING_ID.md
  { sheet_text >"$sheet.$$" && mv -f -- "$sheet.$$" "$sheet"; } 2>/dev/null || {
    rm -f -- "$sheet.$$" 2>/dev/null || true
    printf 'no sheet, because %s cannot be written' "$sheet"
    return 0
  }
  printf '%s' "${sheet#"$ROOT/"}"
}

sheet_text() {
  local file number=0 score sum=0 scored=0 lead review=()
  file=$(language_file "questions/$QUESTION" spec "$SITTING_LANGUAGE")
  printf '# Interview: %s\n\n' "$(question_title "$QUESTION")"
  [[ $SITTING == ended ]] || printf 'Interrupted.\n\n'
  printf '| | |\n|---|---|\n| begun | %s |\n| time to write | %s of %s min |\n| marks | %s |\n' "${SITTING_ID%_*}" \
    "$(clock $((SITTING_USED * 60 / INTERVIEW_MINUTE)))" "$SITTING_MINUTES" "${SITTING_MARKS:-not graded yet}"
  for score in "${SITTING_SCORES[@]}"; do
    [[ $score == - ]] || { sum=$((sum + score)) && scored=$((scored + 1)); }
  done
  printf '| follow-ups | %d / %d |\n' "$sum" $((scored * 3))
  if ((${#SITTING_SCORES[@]} > 0)); then printf '\n## Follow-up questions\n\n| points | question |\n|---|---|\n'; fi
  for score in "${SITTING_SCORES[@]}"; do
    number=$((number + 1))
    printf '| %s | %s |\n' "$score" "$(follow_ups "$file" question "$number")"
    [[ $score == [23] ]] || review+=("$(follow_ups "$file" question "$number")")
  done
  if [[ $SITTING_MARKS == *' / '* ]]; then lead=$(result_lead "$(result_file "$QUESTION" answer '')"); fi
  printf '\n## To review\n\n'
  # shellcheck disable=SC2016  # Markdown
  [[ -z ${lead-} ]] || printf -- '- `%s`, the first check to mend: `./workbench hint %s`\n' "$lead" "$(question_number "$QUESTION")"
  ((${#review[@]} == 0)) || printf -- '- Follow-up %s\n' "${review[@]}"
  if [[ -z ${lead-} ]] && ((${#review[@]} == 0)); then printf 'Nothing that this sitting has shown.\n'; fi
}

finish_sitting() {
  local sheet sum=0 score
  sheet=$(write_sheet)
  for score in "${SITTING_SCORES[@]}"; do [[ $score == - ]] || sum=$((sum + score)); done
  rm -f -- "$(interview_folder)/$SITTING_ID.state"
  printf '\nMarks: %s   follow-ups: %d points\nScore sheet: %s\n' "$SITTING_MARKS" "$sum" "$sheet"
  history_event interview "$QUESTION" "{\"minutes\": $SITTING_MINUTES, \"seconds\": $((SITTING_USED * 60 / INTERVIEW_MINUTE)), \"marks\": $(json_string "$SITTING_MARKS"), \"points\": $sum, \"sheet\": $(json_string "$sheet")}"
}
