# The history: what was graded, asked for and answered, in STATE_FOLDER/history.sqlite. Its program is built through Bazel
# once and kept in STATE_FOLDER/bin/, so that nothing waits for Bazel later.
# shellcheck shell=bash disable=SC2119

readonly HISTORY_TARGET=//harness/practice:history

HISTORY_PROGRAM=

# A name that changes with the program's sources, and with the kind of machine.
history_program_path() {
  local hash
  hash=$(cat harness/practice/*.h harness/practice/*.cc harness/practice/BUILD harness/status.* 2>/dev/null | sha256sum)
  printf '%s/bin/history-%s-%s' "$STATE_FOLDER" "$(uname -m)" "${hash:0:16}"
}

# need_history [BAZEL_OPTIONS...]: sets HISTORY_PROGRAM, built first where need be. False, with one line said, where there
# is none to be had.
# shellcheck disable=SC2120  # grade passes some
need_history() {
  local path built
  [[ -z $HISTORY_PROGRAM ]] || return 0
  path=$(history_program_path)
  # It may be there and not start: the library gone, a folder from which nothing may be run.
  if [[ -x $path ]] && "$path" version >/dev/null 2>&1; then
    HISTORY_PROGRAM=$path
    record_pending
    return 0
  fi
  if [[ $ROOT == *[[:space:]]* ]] || ! have bazel; then
    note "there is no history: its program needs Bazel, and a checkout in a path without spaces"
    return 1
  fi
  build_history "$@"
  built=$(built_history)
  if ((STREAM_STATUS != 0)) || [[ ! -x $built ]]; then
    note "there is no history: its program does not build (bazel build $HISTORY_TARGET says why)"
    return 1
  fi
  HISTORY_PROGRAM=$built
  keep_history_program "$built" "$path"
  record_pending
}

build_history() {
  bazel_environment
  need_temp_folder
  stream history_line bazel_tick bazel "${BAZEL_OPTIONS[@]}" build --color=no --curses=no "$@" \
    "--build_event_json_file=$TEMP_FOLDER/history.json" "$HISTORY_TARGET"
}

history_line() { transient "building the history's program, once"; }

# Where Bazel says that it has put the program.
built_history() {
  bazel_events "$TEMP_FOLDER/history.json" namedSetOfFiles | {
    local path value program=
    while IFS=$'\t' read -r path value; do
      if [[ $path == namedSetOfFiles.files.*.uri && $value == */harness/practice/history ]]; then program=$(path_of_uri "$value"); fi
    done
    printf '%s' "$program"
  }
}

# First beside its place, then renamed: two at once, or a kill, leave a whole one.
keep_history_program() {
  local built=$1 path=$2 old
  { need_state_folder && mkdir -p -- "${path%/*}" && cp -- "$built" "$path.$$" && chmod u+wx -- "$path.$$" && mv -f -- "$path.$$" "$path"; } 2>/dev/null || {
    rm -f -- "$path.$$" 2>/dev/null || true
    return 0
  }
  "$path" version >/dev/null 2>&1 || return 0
  HISTORY_PROGRAM=$path
  for old in "${path%/*}"/history-*; do
    [[ $old == "$path" ]] || rm -f -- "$old" 2>/dev/null || true
  done
}

# history_run ARGS...: the program's own output and exit status (harness/practice/history_main.cc tells them).
history_run() { "$HISTORY_PROGRAM" "--database=$STATE_FOLDER/history.sqlite" "$@"; }

# history_write ARGS...: leaves in HISTORY_SAID what the program said, but for "recorded 7".
history_write() {
  local status=0
  HISTORY_SAID=$(history_run "$@" 2>&1) || status=$?
  HISTORY_SAID=$(sed -e '/^recorded [0-9]*$/d' -e 's/^history: //' <<<"$HISTORY_SAID")
  return "$status"
}
HISTORY_SAID=

# Writes where that is possible; never makes a command fail: what went wrong is said in one line.
history_try() {
  need_history || return 0
  need_state_folder || true
  if ! history_write "$@"; then
    note "not in the history: $HISTORY_SAID"
  elif [[ -n $HISTORY_SAID ]]; then
    note "$HISTORY_SAID"
  fi
}

# history_event KIND QUESTION [DETAIL]
history_event() { history_try event -- "$@"; }

# history_set QUESTION KEY VALUE
history_set() { history_try set -- "$@"; }

# history_event_later KIND QUESTION [DETAIL]: the same, without building anything now. Until the program is there, the
# event waits in a file.
history_event_later() {
  if [[ -x $(history_program_path) ]]; then
    history_event "$@"
  else
    need_state_folder || return 0
    { printf '%s000\t%s\t%s\t%s\n' "$(date +%s)" "$1" "$2" "${3-}" >>"$STATE_FOLDER/history.pending"; } 2>/dev/null || true
  fi
}

record_pending() {
  local pending=$STATE_FOLDER/history.pending time kind question detail
  [[ -s $pending ]] || return 0
  while IFS=$'\t' read -r time kind question detail; do
    history_run event "--time-ms=$time" -- "$kind" "$question" "$detail" >/dev/null 2>&1 || return 0
  done <"$pending"
  rm -f -- "$pending" 2>/dev/null || true
}

# history_get QUESTION KEY [DEFAULT]: prints the value that history_set kept.
history_get() {
  if ! { need_history && history_run get "$@"; }; then printf '%s' "${3-}"; fi
}

# A hash of an answer's files, names and contents; empty where there is none.
answer_hash() {
  local hash
  answer_exists "$1" || return 0
  hash=$(cd "questions/$1/answer" 2>/dev/null && find -L . -type f -print0 2>/dev/null | LC_ALL=C sort -z | xargs -0 sha256sum -- 2>/dev/null | sha256sum)
  printf '%s' "${hash:0:16}"
}
