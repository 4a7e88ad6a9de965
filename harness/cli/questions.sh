# Which questions there are, their names, `list` and `start`.
# shellcheck shell=bash

help_list() {
  cat <<'HELP'
./workbench list

The questions, whether you started them, and the marks of your last complete grade.

Example:
  ./workbench list
HELP
}

help_start() {
  cat <<'HELP'
./workbench start QUESTION

Copies questions/QUESTION/skeleton/ to questions/QUESTION/answer/, which is yours to edit. Never overwrites an answer.

Exit codes: 0 copied, 1 there is an answer already or it cannot be written, 2 no such question.

Example:
  ./workbench start q02
HELP
}

# The names of all questions, q02_allreduce and so on.
all_questions() {
  local folder name
  for folder in questions/q[0-9]*_*/; do
    name=${folder#questions/}
    name=${name%/}
    [[ ! -d $folder || ! $name =~ ^q[0-9]+_[a-z0-9_]+$ ]] || printf '%s\n' "$name"
  done
}

# "q02" of q02_allreduce
question_number() { printf '%s' "${1%%_*}"; }

# The first heading of the spec.
question_title() {
  local title=
  [[ ! -r questions/$1/spec.md ]] || title=$(sed -n 's/^# *//p' "questions/$1/spec.md" | head -n 1)
  printf '%s' "${title:-${1#*_}}"
}

# Sets QUESTION from what a person typed: q02, 2, allreduce, q02_allreduce, questions/q02_allreduce/, or the start of a topic.
QUESTION=
resolve_question() {
  local word=${1,,} name matches=() exact=''
  word=${word%/}
  word=${word##*/}
  [[ -n $word ]] || usage_error "an empty name is no question; there is: $(question_names)"
  while read -r name; do
    if question_is "$name" "$word"; then exact=$name; fi
    if [[ ${name#*_} == "$word"* || $name == "$word"* ]]; then matches+=("$name"); fi
  done < <(all_questions)
  [[ -z $exact ]] || matches=("$exact")
  case ${#matches[@]} in
    1) QUESTION=${matches[0]} ;;
    0) usage_error "there is no question '$1'; there is: $(question_names)" ;;
    *) usage_error "'$1' could be any of: ${matches[*]}" ;;
  esac
}

question_is() {
  local name=$1 word=$2 number
  number=$(question_number "$name")
  number=$((10#${number#q}))
  [[ $word == "$name" || $word == "${name#*_}" ]] && return 0
  word=${word#q}
  [[ $word =~ ^[0-9]{1,6}$ ]] && ((10#$word == number))
}

question_names() {
  local names=()
  mapfile -t names < <(all_questions)
  if ((${#names[@]} == 0)); then
    printf 'none at all in %s/questions' "$ROOT"
  else
    printf '%s' "${names[*]}"
  fi
}

# A folder with something in it, or a link to elsewhere.
answer_exists() { [[ -L questions/$1/answer || -n $(ls -A "questions/$1/answer" 2>/dev/null || true) ]]; }

command_list() {
  (($# == 0)) || usage_error "list takes no arguments. See ./workbench list --help"
  local name names=()
  mapfile -t names < <(all_questions)
  ((${#names[@]} > 0)) || die "$EXIT_FAILED" "no question is in $ROOT/questions: is the checkout complete?"
  for name in "${names[@]}"; do
    printf '%-4s %-18s %-28s %s\n' "$(question_number "$name")" "${name#*_}" "$(question_state "$name")" "$(question_title "$name")"
  done
}

question_state() {
  local name=$1 result marks newer=''
  if ! answer_exists "$name"; then
    printf 'not started'
    return
  fi
  result=$(result_file "$name" answer '')
  marks=$(result_marks "$result")
  if [[ -z $marks ]]; then
    printf 'started'
    return
  fi
  if [[ -n $(find -L "questions/$name/answer" -type f -newer "$result" -print 2>/dev/null | head -n 1 || true) ]]; then
    newer=', edited since'
  fi
  printf '%s%s' "$marks" "$newer"
}

command_start() {
  (($# == 1)) || usage_error "start takes one question, as in: ./workbench start q02"
  resolve_question "$1"
  local folder=questions/$QUESTION number
  number=$(question_number "$QUESTION")
  if answer_exists "$QUESTION"; then
    note "$folder/answer is there already and stays as it is. To start over, put it aside first:
  mv $folder/answer $folder/answer.old && ./workbench start $number"
    exit "$EXIT_FAILED"
  fi
  [[ -d $folder/skeleton ]] || die "$EXIT_FAILED" "$folder/skeleton is missing: is the checkout complete?"
  copy_skeleton "$folder"
  history_event_later start "$QUESTION"
  echo "Yours to edit:"
  find -L "$folder/answer" -type f | LC_ALL=C sort | sed 's/^/  /'
  cat <<NEXT
Read:    $folder/spec.md   (the entry points are in $folder/api.h)
Then:    ./workbench grade $number      judges it; a part at a time with --part a
         ./workbench compare $number    beside the reference
         ./workbench bench $number      measures it
NEXT
}

# First beside the answer, then renamed: a full disk leaves no half of an answer.
copy_skeleton() {
  local folder=$1 fresh=$1/answer.$$ said
  if ! said=$( (cp -R -- "$folder/skeleton" "$fresh" && chmod -R u+w -- "$fresh") 2>&1); then
    rm -rf -- "$fresh" 2>/dev/null || true
    die "$EXIT_FAILED" "the answer cannot be made in $folder: $(first_line "$said")"
  fi
  if [[ -d $folder/answer ]]; then rmdir -- "$folder/answer"; fi
  mv -- "$fresh" "$folder/answer"
}
