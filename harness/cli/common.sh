# What every command of ./workbench uses: messages, colours, a temporary folder, a lock, children, clean-up.
# shellcheck shell=bash

# shellcheck disable=SC2034  # used by the other groups
readonly EXIT_FAILED=1 EXIT_USAGE=2 EXIT_SETUP=3 EXIT_BUILD=4 EXIT_NO_VERDICT=5

# Numbers are written and read with a point, whatever the user's language writes: `read -t 0.5` and awk depend on it.
if [[ -n ${LC_ALL-} ]]; then
  export LANG=$LC_ALL
  unset LC_ALL LC_CTYPE LC_COLLATE LC_TIME
fi
export LC_NUMERIC=C

# What the workbench remembers lies in the checkout, where git ignores it; for a read-only checkout, in the user's own
# state folder, under the checkout's name and a hash of its path.
choose_state_folder() {
  local inside=$ROOT/.workbench home=~ hash
  if [[ -w $inside || (! -e $inside && -w $ROOT) ]]; then
    printf '%s' "$inside"
    return
  fi
  hash=$(printf '%s' "$ROOT" | sha256sum)
  printf '%s/workbench/%s-%s' "${XDG_STATE_HOME:-${HOME:-$home}/.local/state}" "${ROOT##*/}" "${hash:0:12}"
}

STATE_FOLDER=$(choose_state_folder)
readonly STATE_FOLDER

# Makes the folder; false where that cannot be. The first time that a checkout has become read-only, what it remembered
# is copied over.
need_state_folder() {
  [[ ! -d $STATE_FOLDER ]] || return 0
  { mkdir -p -- "$STATE_FOLDER"; } 2>/dev/null || return 1
  [[ $STATE_FOLDER != "$ROOT/.workbench" ]] || return 0
  note "$ROOT/.workbench cannot be written: results and history are kept in $STATE_FOLDER"
  [[ ! -d $ROOT/.workbench ]] || cp -R -- "$ROOT/.workbench/." "$STATE_FOLDER/" 2>/dev/null || true
  chmod -R u+w -- "$STATE_FOLDER" 2>/dev/null || true
}

# die CODE MESSAGE: the message says what was wrong, where, and what to do.
die() {
  transient ''
  printf 'workbench: %s\n' "$2" >&2
  exit "$1"
}

usage_error() { die "$EXIT_USAGE" "$1"; }

note() {
  transient ''
  printf 'workbench: %s\n' "$1" >&2
}

# Told once: within $(...) the output is a pipe.
if [[ -t 1 && ${TERM-dumb} != dumb ]]; then ON_TERMINAL=true; else ON_TERMINAL=false; fi
readonly ON_TERMINAL

on_terminal() { $ON_TERMINAL; }

# paint CODE TEXT: coloured only for people.
paint() {
  if on_terminal && [[ -z ${NO_COLOR-} ]]; then
    printf '\033[%sm%s\033[0m' "$1" "$2"
  else
    printf '%s' "$2"
  fi
}

# A line that the next one overwrites; nothing where there is no terminal.
transient() {
  on_terminal || return 0
  printf '\r\033[K%s' "${1:0:$((${COLUMNS:-80} - 1))}"
}

# A bare container may give neither HOME nor USER, nor a name to its user; Bazel does not start without.
[[ -n ${HOME-} ]] || HOME=~
[[ -n ${USER-} ]] || USER=$(id -un 2>/dev/null) || USER=uid$(id -u)
export HOME USER

have() { command -v -- "$1" >/dev/null 2>&1; }

TEMP_FOLDER=

# Makes TEMP_FOLDER, which is removed when the command ends.
need_temp_folder() {
  [[ -z $TEMP_FOLDER ]] || return 0
  local parent=${TMPDIR:-/tmp} advice='free some space there, or set TMPDIR to another folder'
  TEMP_FOLDER=$(mktemp -d "$parent/workbench.XXXXXX" 2>/dev/null) ||
    die "$EXIT_SETUP" "no temporary folder can be made in $parent: $advice"
  { printf 'room?' >"$TEMP_FOLDER/probe"; } 2>/dev/null || die "$EXIT_SETUP" "nothing can be written in $parent: $advice"
}

CHILD_PID=
STREAM_STATUS=0

# stream HANDLER TICKER COMMAND...: runs COMMAND, hands each line that it prints to HANDLER, and calls TICKER with the
# seconds passed every half minute where there is no terminal. Leaves the exit status in STREAM_STATUS. The command runs in the background, so that
# Ctrl-C and `kill` reach the traps below at once.
stream() {
  local handler=$1 ticker=$2 fd line rest='' begun=$SECONDS next=30 gone=false
  shift 2
  exec {fd}< <(drop_lock && exec "$@" </dev/null 2>&1)
  CHILD_PID=$!
  while true; do
    if IFS= read -r -t 1 -u "$fd" line; then
      "$handler" "$rest$line"
      rest=
    elif (($? <= 128)); then
      break # the end
    else
      rest+=$line
      line=
      # Something that the command left behind may hold the pipe open.
      if $gone; then break; fi
      kill -0 "$CHILD_PID" 2>/dev/null || gone=true
    fi
    if ((SECONDS - begun >= next)); then
      on_terminal || "$ticker" $((SECONDS - begun))
      next=$((next + 30))
    fi
  done
  rest+=$line
  [[ -z $rest ]] || "$handler" "$rest"
  exec {fd}<&-
  STREAM_STATUS=0
  wait "$CHILD_PID" || STREAM_STATUS=$?
  CHILD_PID=
  transient ''
}

# How the terminal was (stty -g), where a command has changed that; it is put back when the command ends.
SAVED_TERMINAL=

clean_up() {
  local status=$?
  trap '' INT TERM HUP
  [[ -z $SAVED_TERMINAL ]] || stty "$SAVED_TERMINAL" 2>/dev/null || true
  [[ -z $TEMP_FOLDER ]] || rm -rf -- "$TEMP_FOLDER"
  exit "$status"
}

interrupted() {
  trap '' INT TERM HUP
  if [[ -n $CHILD_PID ]] && kill -TERM "$CHILD_PID" 2>/dev/null; then
    note "stopping..."
    wait "$CHILD_PID" 2>/dev/null || true
  fi
  note "interrupted"
  exit "$1"
}

trap clean_up EXIT
trap 'interrupted 130' INT
trap 'interrupted 143' TERM
trap 'interrupted 129' HUP

LOCK_FD=

# One run at a time in a checkout, until its results are read: Bazel's own lock ends too early for that.
# Does without where nothing can be written.
take_lock() {
  need_state_folder || return 0
  { : >>"$STATE_FOLDER/lock"; } 2>/dev/null || return 0
  have flock || return 0
  exec {LOCK_FD}>>"$STATE_FOLDER/lock"
  flock --nonblock "$LOCK_FD" && return 0
  note "another ./workbench is running in this checkout; this one starts when that one ends (Ctrl-C gives up)"
  until flock --timeout 1 "$LOCK_FD"; do :; done
}

drop_lock() {
  [[ -n $LOCK_FD ]] || return 0
  exec {LOCK_FD}>&-
  LOCK_FD=
}
