# For cli_test.sh: what a grade leaves in the history, `progress`, and the places where nothing can be written.
# shellcheck shell=bash disable=SC2016,SC2034

# The history, a JSON object a line, in OUT; of another checkout's state folder where one is given.
exported() { run "$WORK/bin/harness/practice/history" --database="${1-$TREE/.workbench}/history.sqlite" export; }

fresh_state() { rm -rf -- "$TREE/.workbench"; }

start_answer() {
  [[ -d $TREE/questions/q12_data_loading/answer ]] || "$TREE/workbench" start q12 >/dev/null
}

test_history() {
  fresh_state
  rm -rf -- "$TREE/questions/q12_data_loading/answer"
  case_is 'start waits until there is a program'
  workbench start q12
  expect_rc 0
  expect_not_called bazel
  [[ -s $TREE/.workbench/history.pending ]] || fail 'the start is not noted'
  case_is 'a grade is recorded; the program is built once'
  bazel_grades FAILED 3
  workbench grade q12 --host
  expect_rc 1
  expect_called 'bazel builds the history'
  expect 'Report: .workbench/results/q12/report.html'
  refuse 'not kept' history
  workbench grade q12 --host --part a
  expect_not_called 'bazel builds the history'
  exported
  expect '"kind":"start","question":"q12_data_loading"' '"part":"a"' '"seed":7' '"verdict":"wrong"' '"lead":"a.x"'
  expect_lines 3
  [[ ! -e $TREE/.workbench/history.pending ]] || fail 'the start is still waiting'
  [[ $OUT =~ \"sources\":\"[0-9a-f]{16}\" ]] || fail 'no hash of the sources'
  local before=${BASH_REMATCH[0]}
  echo changed >>"$TREE/questions/q12_data_loading/answer/a.cc"
  workbench grade q12
  exported
  [[ ${OUT##*sources} != "${before#*sources}"* ]] || fail 'the hash does not change with the sources'
  case_is 'an answer that does not build is an event'
  bazel_does 'exit 1'
  workbench grade q12
  expect_rc 4
  exported
  expect '"kind":"build_failed"'
  case_is 'progress'
  workbench progress
  expect_rc 0
  expect_not_called bazel
  expect 'q12 data_loading' '31.5 / 60' 'q02 allreduce' 'Days in a row: 1'
  workbench progress --json
  expect '"question": "q02_allreduce"' '"attempts": 3'
  refuse $'\033'
  workbench progress --odd
  expect_rc 2
}

test_history_trouble() {
  bazel_grades FAILED 3
  start_answer
  case_is 'the program does not build: the grade is a grade'
  fresh_state
  touch "$WORK/history_broken"
  workbench grade q12
  expect_rc 1
  expect 'the verdict' 'there is no history' Report
  workbench progress
  expect_rc 3
  rm "$WORK/history_broken"
  case_is 'a program that no longer starts is built again'
  workbench grade q12
  printf 'no program\n' | tee "$TREE"/.workbench/bin/history-* >/dev/null
  workbench grade q12
  expect_rc 1
  expect_called 'bazel builds the history'
  exported
  expect_lines 2
  case_is 'a damaged history is put aside, in one line'
  printf 'no database at all' >"$TREE/.workbench/history.sqlite"
  workbench grade q12
  expect_rc 1
  expect 'is damaged: it is now'
  [[ $(cat "$TREE/.workbench/history.sqlite.damaged-1") == 'no database at all' ]] || fail 'it was not kept'
  exported
  expect_lines 1
  case_is 'a newer history is left alone'
  rm -f "$TREE/.workbench/history.sqlite"
  make_newer_history
  workbench grade q12
  expect_rc 1
  expect 'the verdict' 'from a newer workbench'
  workbench progress
  expect_rc 1
  expect 'from a newer workbench'
  expect_lines 1
  fresh_state
}

# The version is a big-endian number at byte 60 of the file.
make_newer_history() {
  "$WORK/bin/harness/practice/history" --database="$TREE/.workbench/history.sqlite" set - k v
  printf '\0\0\0\143' | dd of="$TREE/.workbench/history.sqlite" bs=1 seek=60 conv=notrunc 2>/dev/null
}

# Where the kernel lets this user mount: COMMAND runs as root of a namespace of its own.
can_mount() { "${UNSHARE[@]}" true 2>/dev/null; }
UNSHARE=(/usr/bin/unshare --user --map-root-user --mount)

test_read_only() {
  case_is 'a read-only checkout keeps its state elsewhere'
  if ! can_mount; then
    echo "not tried: $CASE: this machine lets nobody mount"
    return 0
  fi
  bazel_grades FAILED 3
  start_answer
  fresh_state
  workbench grade q12
  local state
  run "${UNSHARE[@]}" /bin/bash -c 'PATH=/usr/bin:/bin mount --bind "$1" "$1" && PATH=/usr/bin:/bin mount -o remount,bind,ro "$1" && cd / &&
    "$1/workbench" grade q12; echo "first $?"; "$1/workbench" grade q12; echo "second $?"; "$1/workbench" progress; echo "third $?"
    "$1/workbench" start q02; echo "start $?"' x "$TREE"
  expect 'first 1' 'second 1' 'third 0' 'start 1' 'results and history are kept in' '31.5 / 60' 'the answer cannot be made'
  refuse 'not kept'
  [[ $(grep -c 'are kept in' <<<"$OUT") == 1 ]] || fail 'told more than once'
  state=$(echo "$HOME"/.local/state/workbench/checkout-*)
  [[ -s $state/results/q12.json ]] || fail 'no result'
  exported "$state"
  expect_lines 3 # the one from before, too
  case_is 'nothing at all can be written'
  rm -rf -- "$HOME/.local"
  run "${UNSHARE[@]}" /bin/bash -c 'for d in "$1" "$HOME"; do PATH=/usr/bin:/bin mount --bind "$d" "$d"; PATH=/usr/bin:/bin mount -o remount,bind,ro "$d"; done
    cd / && "$1/workbench" grade q12' x "$TREE"
  expect_rc 1
  expect 'the verdict' 'workbench: not kept: result and history'
  [[ $(grep -c 'workbench:' <<<"$OUT") == 1 ]] || fail 'more than one line'
}

test_full_disk() {
  case_is 'a full disk under the state folder'
  if ! can_mount; then
    echo "not tried: $CASE: this machine lets nobody mount"
    return 0
  fi
  bazel_grades FAILED 3
  start_answer
  fresh_state
  workbench grade q12
  run "${UNSHARE[@]}" /bin/bash -c 'export PATH=$PATH:/usr/bin:/bin
    cp -R "$1/.workbench" "$WORK/kept" && mount -t tmpfs -o size=8m none "$1/.workbench" && cp -R "$WORK/kept/." "$1/.workbench/" && cd / &&
    dd if=/dev/zero of="$1/.workbench/fill" bs=4k 2>/dev/null; export PATH=$FAKES
    "$1/workbench" grade q12; echo "grade $?"
    "$1/workbench" progress; echo "progress $?"
    rm "$1/.workbench/fill"
    "$1/workbench" grade q12; echo "again $?"
    "$WORK/bin/harness/practice/history" --database="$1/.workbench/history.sqlite" export' x "$TREE"
  rm -rf -- "$WORK/kept"
  expect 'the verdict' 'grade 1' 'progress 0' 'again 1' 'not kept' 'the disk is full'
  [[ $(grep -c 'workbench: not kept' <<<"$OUT") == 1 ]] || fail 'not one line'
  [[ $(grep -c '"type":"grade"' <<<"$OUT") == 2 ]] || fail 'the history is not what was recorded'
}

test_locales() {
  local locale
  bazel_grades FAILED 3
  start_answer
  fresh_state
  if [[ -x /usr/bin/localedef && -e /usr/share/i18n/locales/de_DE ]]; then
    PATH=/usr/bin:/bin localedef -i de_DE -f ISO-8859-1 "$WORK/de_DE.ISO-8859-1" >/dev/null 2>&1 || true
  fi
  for locale in C POSIX de_DE.ISO-8859-1 no_SUCH.locale; do
    case_is "locale $locale"
    run env LOCPATH="$WORK" LC_ALL="$locale" "$TREE/workbench" grade q12
    expect_rc 1
    expect 'the verdict' Report
    run env LOCPATH="$WORK" LC_ALL="$locale" "$TREE/workbench" progress
    expect_rc 0
    expect '31.5 / 60'
    run env LOCPATH="$WORK" LC_ALL="$locale" "$TREE/workbench" list
    expect '31.5 / 60'
  done
}
