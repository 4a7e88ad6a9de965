# ./workbench hint, solution, reset (interview is in interview.sh).
# shellcheck shell=bash disable=SC2153  # QUESTION is resolve_question's

# shellcheck source=/dev/null
source "$CLI_FOLDER/interview.sh"

help_hint() {
  cat <<'HELP'
./workbench hint QUESTION [CHECK] [--level N] [--zh|--en]

A hint for a check, as in a.tail; without CHECK for the one that the last grade tells to mend first. Each time asked it is
the next of three: a nudge, where to look, the idea. How far you are is kept for each check.

  --level N    shows an earlier one again; no level is skipped
  --zh --en    the language; without either it follows LANG

Exit codes: 0 shown, 1 there is none (nothing to mend, not graded yet, a level not reached), 2 wrong usage.

Example:
  ./workbench hint q02 a.tail
HELP
}

help_solution() {
  cat <<'HELP'
./workbench solution QUESTION [--anyway]

Opens the reference solution and its notes once a grade of your whole answer had full marks: prints where they are and,
on a terminal, shows them in $PAGER (less, if that is not set), notes first.

  --anyway   before that, too; the history keeps that you looked

Exit codes: 0 opened, 1 not yet, and what is missing is said, 2 wrong usage.

Example:
  ./workbench solution q02
HELP
}

help_reset() {
  cat <<'HELP'
./workbench reset QUESTION

Starts over: your answer is moved to questions/QUESTION/answer.DATE-TIME/, which git ignores, and the skeleton is copied
anew. Nothing is deleted, and a kill at any moment leaves the old answer whole in one of the two places.

Exit codes: 0 done, 1 there is no answer, or it cannot be moved, 2 wrong usage.

Example:
  ./workbench reset q02
HELP
}

# language_file FOLDER NAME zh|en: FOLDER/NAME.zh.md where Chinese is wanted and there is one, else FOLDER/NAME.md.
language_file() {
  if [[ $3 == zh && -r $1/$2.zh.md ]]; then printf '%s/%s.zh.md' "$1" "$2"; else printf '%s/%s.md' "$1" "$2"; fi
}

user_language() {
  local language=${LC_ALL:-${LC_MESSAGES:-${LANG-}}}
  if [[ $language == zh* ]]; then printf 'zh'; else printf 'en'; fi
}

# The checks that a file of hints has, a line each.
hint_checks() { sed -n 's/^## \{1,\}\([^ ]*\) *$/\1/p' "$1"; }

# hint_text FILE CHECK N: the N-th item of the list below the check's heading, without its number; nothing where there is none.
hint_text() {
  awk -v check="$2" -v wanted="$3" '
    /^#/ { inside = ($0 == "## " check); item = 0; next }
    !inside { next }
    match($0, /^[0-9]+\. +/) { ++item; $0 = substr($0, RLENGTH + 1); indent = RLENGTH }
    item == wanted {
      # Later lines of an item are indented as far as its text.
      line = $0
      for (i = 0; i < indent && substr(line, 1, 1) == " "; ++i) line = substr(line, 2)
      if (line == "") { ++blank; next }
      if (printed) for (; blank > 0; --blank) print ""
      blank = 0; printed = 1
      print line
    }' "$1"
}

# The result of the last grade of the answer, whole or a part.
last_result() {
  local file newest=''
  for file in "$STATE_FOLDER/results/$(question_number "$1")".json "$STATE_FOLDER/results/$(question_number "$1")".?.json; do
    if [[ -r $file && (-z $newest || $file -nt $newest) ]]; then newest=$file; fi
  done
  printf '%s' "$newest"
}

# The check that a result tells to mend first; nothing where all held.
result_lead() { json_paths whole <"$1" | awk -F '\t' '$1 == "lead" && $2 != "null" { print $2 }'; }

# Sets HINT_CHECK from what a person typed, or from the last grade.
HINT_CHECK=
choose_check() {
  local file=$1 word=$2 number result checks=() matches=() check
  number=$(question_number "$QUESTION")
  if [[ -z $word ]]; then
    result=$(last_result "$QUESTION")
    [[ -n $result ]] || die "$EXIT_FAILED" "$number is not graded yet, so there is no check to help with: ./workbench grade $number, or name one, as in: ./workbench hint $number $(hint_checks "$file" | head -n 1)"
    word=$(result_lead "$result")
    [[ -n $word ]] || die "$EXIT_FAILED" "the last grade of $number found nothing to mend; name a check to read its hints all the same"
  fi
  mapfile -t checks < <(hint_checks "$file")
  for check in "${checks[@]}"; do
    if [[ $check == "$word" ]]; then
      HINT_CHECK=$check
      return
    fi
    [[ $check != "$word"* ]] || matches+=("$check")
  done
  ((${#matches[@]} < 2)) || usage_error "'$word' could be any of: ${matches[*]}"
  ((${#matches[@]} == 1)) || usage_error "$number has no hints for '$word'; it has: ${checks[*]}"
  HINT_CHECK=${matches[0]}
}

command_hint() {
  local words=() level='' language flag
  language=$(user_language)
  while (($# > 0)); do
    flag=$1
    case $flag in
      --zh | --en) language=${flag#--} ;;
      --level | --level=*)
        if [[ $flag == --level ]]; then
          level=${2-}
          (($# == 1)) || shift
        else
          level=${flag#*=}
        fi
        [[ $level =~ ^[1-9]$ ]] || usage_error "hint: --level is a number from 1 to 9, not '$level'"
        ;;
      -*) usage_error "hint: what is '$flag'? See ./workbench hint --help" ;;
      *) words+=("$flag") ;;
    esac
    shift
  done
  ((${#words[@]} > 0)) || usage_error "hint: which question? There is: $(question_names)"
  ((${#words[@]} <= 2)) || usage_error "hint takes a question and a check, as in: ./workbench hint q02 a.tail"
  resolve_question "${words[0]}"
  local file
  file=$(language_file "questions/$QUESTION" hints "$language")
  [[ -r $file ]] || die "$EXIT_FAILED" "$(question_number "$QUESTION") has no hints: $file is missing"
  choose_check "$file" "${words[1]-}"
  show_hint "$file" "$level"
}

# show_hint FILE LEVEL: the next level where LEVEL is empty.
show_hint() {
  local file=$1 level=$2 reached total=0 text number
  number=$(question_number "$QUESTION")
  while [[ -n $(hint_text "$file" "$HINT_CHECK" $((total + 1))) ]]; do total=$((total + 1)); done
  ((total > 0)) || die "$EXIT_FAILED" "$file has no list of hints below '## $HINT_CHECK'"
  reached=$(history_get "$QUESTION" "hint.$HINT_CHECK" 0)
  [[ $reached =~ ^[0-9]$ ]] || reached=0
  if [[ -z $level ]]; then
    level=$((reached < total ? reached + 1 : total))
  elif ((level > reached)); then
    die "$EXIT_FAILED" "level $level of $HINT_CHECK is not reached yet (you have read $reached of $total): ./workbench hint $number $HINT_CHECK shows the next one"
  fi
  text=$(hint_text "$file" "$HINT_CHECK" "$level")
  transient ''
  printf '%s\n\n%s\n\n' "$(paint 1 "Hint $level of $total for $HINT_CHECK")" "$text"
  if ((level < total)); then
    printf 'Try again first; the next one: ./workbench hint %s %s\n' "$number" "$HINT_CHECK"
  else
    printf 'That was the last one.\n'
  fi
  if ((level > reached)); then
    history_set "$QUESTION" "hint.$HINT_CHECK" "$level"
    history_event hint "$QUESTION" "{\"check\": $(json_string "$HINT_CHECK"), \"level\": $level}"
  fi
}

# has_full_marks QUESTION: some grade of the whole answer earned all that could be judged.
has_full_marks() {
  local result
  if need_history && history_run full "$1" >/dev/null 2>&1; then return 0; fi
  result=$(result_file "$1" answer '')
  [[ -r $result ]] || return 1
  json_paths whole <"$result" | awk -F '\t' '
    $1 == "marks.earned" { earned = $2 }
    $1 == "marks.possible" { possible = $2 }
    END { exit !(possible > 0 && earned >= possible) }'
}

command_solution() {
  local question='' anyway=false word
  for word in "$@"; do
    case $word in
      --anyway) anyway=true ;;
      -*) usage_error "solution: what is '$word'? See ./workbench solution --help" ;;
      *)
        [[ -z $question ]] || usage_error "solution: one question at a time, not '$question' and '$word'"
        question=$word
        ;;
    esac
  done
  [[ -n $question ]] || usage_error "solution: which question? There is: $(question_names)"
  resolve_question "$question"
  local folder=solutions/$QUESTION number
  number=$(question_number "$QUESTION")
  [[ -d $folder ]] || die "$EXIT_FAILED" "$number has no reference solution here: $folder is missing"
  if ! $anyway && ! has_full_marks "$QUESTION"; then
    die "$EXIT_FAILED" "the solution of $number opens after full marks; $(what_is_missing "$QUESTION"). To look all the same: ./workbench solution $number --anyway"
  fi
  open_solution "$folder"
  history_event solution "$QUESTION" "{\"anyway\": $anyway}"
}

what_is_missing() {
  local number result marks lead
  number=$(question_number "$1")
  result=$(result_file "$1" answer '')
  marks=$(result_marks "$result")
  if ! answer_exists "$1"; then
    printf 'there is no answer yet (./workbench start %s)' "$number"
  elif [[ -z $marks ]]; then
    printf 'your whole answer is not graded yet (./workbench grade %s)' "$number"
  else
    lead=$(result_lead "$result")
    printf 'the last grade of your whole answer came to %s%s' "$marks" "${lead:+, and $lead is the first to mend (./workbench hint $number)}"
  fi
}

open_solution() {
  local folder=$1 file files=() pager
  transient ''
  while IFS= read -r file; do files+=("$file"); done < <(
    find "$folder" -maxdepth 1 -name '*.md' | LC_ALL=C sort
    find "$folder" -maxdepth 1 -type f ! -name '*.md' ! -name BUILD | LC_ALL=C sort
  )
  printf '%s\n' "${files[@]}"
  pager=${PAGER:-less}
  # $PAGER may have arguments.
  if on_terminal && [[ -t 0 ]] && have "${pager%% *}"; then
    # shellcheck disable=SC2086
    $pager "${files[@]}" || true
  fi
}

command_reset() {
  (($# == 1)) || usage_error "reset takes one question, as in: ./workbench reset q02"
  [[ $1 != -* ]] || usage_error "reset: what is '$1'? See ./workbench reset --help"
  resolve_question "$1"
  local folder=questions/$QUESTION number aside
  number=$(question_number "$QUESTION")
  answer_exists "$QUESTION" || die "$EXIT_FAILED" "$number has no answer to put aside: ./workbench start $number"
  [[ -d $folder/skeleton ]] || die "$EXIT_FAILED" "$folder/skeleton is missing: is the checkout complete?"
  take_lock
  aside=$(free_name "$folder/answer.$(date +%Y%m%d-%H%M%S)")
  swap_in_skeleton "$folder" "$aside"
  drop_lock
  history_event_later reset "$QUESTION" "{\"kept\": $(json_string "$aside")}"
  printf 'The old answer is in %s; %s/answer is the skeleton again.\n' "$aside" "$folder"
  printf 'Back to the old one: mv %s/answer %s && mv %s %s/answer\n' "$folder" "$(free_name "$folder/answer.skeleton")" "$aside" "$folder"
}

# free_name PATH: PATH, or PATH-2 and so on where it is taken.
free_name() {
  local path=$1 count=1
  while [[ -e $path || -L $path ]]; do
    count=$((count + 1))
    path=$1-$count
  done
  printf '%s' "$path"
}

# The copy is complete before anything is moved, and each move is one rename: what is killed or fails in between leaves
# the old answer whole. REQUIRES: the lock.
swap_in_skeleton() {
  local folder=$1 aside=$2 fresh=$1/answer.fresh said
  if ! said=$( (rm -rf -- "$fresh" && cp -R -- "$folder/skeleton" "$fresh" && chmod -R u+w -- "$fresh") 2>&1); then
    rm -rf -- "$fresh" 2>/dev/null || true
    die "$EXIT_FAILED" "the skeleton cannot be copied in $folder: $(first_line "$said"). The answer is as it was"
  fi
  if ! said=$(mv -T -- "$folder/answer" "$aside" 2>&1); then
    rm -rf -- "$fresh" 2>/dev/null || true
    die "$EXIT_FAILED" "the answer cannot be moved: $(first_line "$said"). It is as it was"
  fi
  if ! said=$(mv -T -- "$fresh" "$folder/answer" 2>&1); then
    mv -T -- "$aside" "$folder/answer" 2>/dev/null || true
    die "$EXIT_FAILED" "the skeleton cannot be put in place: $(first_line "$said"). The answer is back where it was"
  fi
}
