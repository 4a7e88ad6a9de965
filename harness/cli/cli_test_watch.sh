# For cli_test.sh: `watch`, and what it says of two results.
# shellcheck shell=bash disable=SC2016,SC2034

test_changes() {
  case_is 'what changed between two results'
  result_json wrong 30 >"$WORK/old.json"
  result_json pass 60 >"$WORK/new.json"
  local functions='source "$1/json.sh"; source "$1/results.sh"'
  run bash -c "$functions"'; result_changes "$2" "$3"' x "$CLI" "$WORK/old.json" "$WORK/new.json"
  [[ $OUT == $'  now ok           a.x   (was WRONG)\n  marks 60 / 60   (+30)' ]] || fail 'not that'
  run bash -c "$functions"'; result_changes "$3" "$2"' x "$CLI" "$WORK/old.json" "$WORK/new.json"
  [[ $OUT == $'  now WRONG        a.x   (was ok)\n  marks 30 / 60   (-30)' ]] || fail 'not that'
  run bash -c "$functions"'; result_changes "$2" "$2"' x "$CLI" "$WORK/old.json"
  [[ $OUT == '  marks 30 / 60' ]] || fail 'not that'
}

# start_watch ARGS...: in the background; its output goes to $WORK/watch.N, its process is WATCHER.
start_watch() {
  WATCH_OUT=$WORK/watch.$((++WATCHES))
  "$TREE/workbench" watch "$@" </dev/null >"$WATCH_OUT" 2>&1 &
  WATCHER=$!
}
WATCHES=0

# grades_shown N: that many grades are over.
grades_shown() { [[ $(grep -c 'Waiting for the next save' "$WATCH_OUT") == "$1" ]]; }

# The output so far is OUT.
read_watch() { OUT=$(cat "$WATCH_OUT") RC=-; }

# Ends it with SIGNAL, and expects CODE.
end_watch() {
  RC=0
  kill "-$1" "$WATCHER"
  wait "$WATCHER" || RC=$?
  OUT=$(cat "$WATCH_OUT")
  expect_rc "$2"
}

expect_nothing_left() {
  [[ -z $(find "$WORK" -maxdepth 1 -name 'workbench.*') ]] || fail 'a temporary folder was left behind'
}

test_watch() {
  local answer=$TREE/questions/q12_data_loading/answer
  start_answer
  fresh_state
  bazel_grades FAILED 3
  case_is 'watch: the first grade'
  start_watch q12 --host
  wait_for grades_shown 1
  read_watch
  expect 'the verdict' 'grading q12_data_loading'
  refuse $'\033' 'Since the grade before'
  case_is 'watch: a save by renaming'
  result_json pass 60 >"$WORK/logs/a b/test.outputs/result.json"
  echo better >"$answer/.a.cc.swp"
  mv "$answer/.a.cc.swp" "$answer/a.cc"
  wait_for grades_shown 2
  read_watch
  expect 'now ok           a.x   (was WRONG)' 'marks 60 / 60   (+28.5)'
  case_is 'watch: the answer does not build, and then does'
  cp "$WORK/bazel.body" "$WORK/bazel.good"
  bazel_does 'echo "questions/q12_data_loading/answer/a.cc:1:2: error: oh"; exit 1'
  echo broken >"$answer/a.cc"
  wait_for grades_shown 3
  read_watch
  expect 'a.cc:1:2: error: oh' 'did not build'
  cp "$WORK/bazel.good" "$WORK/bazel.body"
  echo mended >"$answer/a.cc"
  wait_for grades_shown 4
  case_is 'watch: what editors leave is no save'
  touch "$answer/a.cc~" "$answer/.a.cc.swp" "$answer/4913" "$answer/#a.cc#"
  sleep 1.5
  grades_shown 4 || fail 'graded'
  rm "$answer/a.cc~" "$answer/.a.cc.swp" "$answer/4913" "$answer/#a.cc#"
  case_is 'watch: several files at once are one save'
  echo 1 >"$answer/a.cc"
  sleep 0.05
  echo 1 >"$answer/b.cu"
  wait_for grades_shown 5
  sleep 1.5
  grades_shown 5 || fail 'graded twice'
  end_watch TERM 143
  expect_nothing_left
  exported
  [[ $(grep -c '"kind":"save"' <<<"$OUT") == 4 ]] || fail 'not four saves'
  [[ $(grep -c '"type":"grade"' <<<"$OUT") == 4 ]] || fail 'not four grades'
}

test_watch_rough() {
  local answer=$TREE/questions/q12_data_loading/answer first
  start_answer
  case_is 'watch: wrong usage'
  workbench watch q02
  expect_rc 1
  expect './workbench start q02'
  local arguments
  for arguments in '' 'q12 --odd' 'q12 q02' 'q12 --part' 'q12 --part ../x' 'q12 --gpu --host'; do
    # shellcheck disable=SC2086
    workbench watch $arguments
    expect_rc 2
  done
  case_is 'watch: a save during a grade is graded after it'
  bazel_grades PASSED 0
  printf '%s\n' 'touch "$WORK/begun"; while [[ ! -e $WORK/go ]]; do sleep 0.1; done' | cat - "$WORK/bazel.body" >"$WORK/bazel.slow"
  cp "$WORK/bazel.slow" "$WORK/bazel.body"
  rm -f "$WORK/begun" "$WORK/go"
  start_watch q12
  wait_for test -e "$WORK/begun"
  echo later >"$answer/a.cc"
  touch "$WORK/go"
  wait_for grades_shown 2
  case_is 'watch: the answer is moved away, and comes back'
  mv "$answer" "$answer.aside"
  wait_for grep -q 'empty or gone' "$WATCH_OUT"
  mv "$answer.aside" "$answer"
  wait_for grades_shown 3
  case_is 'watch: two of them take turns'
  rm -f "$WORK/go" "$WORK/begun"
  echo both >"$answer/a.cc"
  wait_for test -e "$WORK/begun"
  first=$WATCHER
  start_watch q12 --part a
  wait_for grep -q 'another ./workbench is running' "$WATCH_OUT"
  touch "$WORK/go"
  wait_for grades_shown 1
  end_watch TERM 143
  WATCHER=$first WATCH_OUT=$WORK/watch.$((WATCHES - 1))
  wait_for grades_shown 4
  end_watch HUP 129
  case_is 'watch: ended in the middle of a grade, nothing is left behind'
  bazel_does 'echo $$ >"$WORK/pid"; exec sleep 60'
  rm -f "$WORK/pid"
  start_watch q12
  wait_for test -s "$WORK/pid"
  end_watch TERM 143
  expect_nothing_left
  ! kill -0 "$(cat "$WORK/pid")" 2>/dev/null || fail 'Bazel was left behind'
}

# On a terminal, which `script` makes.
test_watch_terminal() {
  case_is 'watch: on a terminal'
  if [[ ! -x /usr/bin/script ]]; then
    echo "not tried: $CASE: there is no script(1) to make one"
    return 0
  fi
  start_answer
  bazel_grades FAILED 3
  local keys=$WORK/keys
  rm -f "$keys"
  /usr/bin/mkfifo "$keys"
  WATCH_OUT=$WORK/watch.terminal
  TERM=xterm SHELL=/bin/bash /usr/bin/script -qefc "$TREE/workbench watch q12; echo ended \$?; stty -a" /dev/null <"$keys" >"$WATCH_OUT" 2>&1 &
  WATCHER=$!
  exec 9>"$keys"
  wait_for grades_shown 1
  printf g >&9
  wait_for grades_shown 2
  printf q >&9
  RC=0
  wait_for grep -q 'ended' "$WATCH_OUT"
  exec 9>&-
  wait "$WATCHER" || RC=$?
  OUT=$(cat "$WATCH_OUT")
  expect 'ended 0' 'g grades again, q ends' $'\033[2J' 'Since the grade before' ' echo '
  case_is 'watch: Ctrl-C on a terminal, in the middle of a grade'
  bazel_does 'echo $$ >"$WORK/pid"; exec sleep 60'
  rm -f "$WORK/pid"
  # What runs in the background of a script ignores SIGINT otherwise.
  TERM=xterm SHELL=/bin/bash env --default-signal=INT /usr/bin/script -qefc "trap : INT; $TREE/workbench watch q12; echo ended \$?; stty -a" /dev/null <"$keys" >"$WATCH_OUT" 2>&1 &
  WATCHER=$!
  exec 9>"$keys"
  wait_for test -s "$WORK/pid"
  printf '\003' >&9
  wait_for grep -q 'ended' "$WATCH_OUT"
  exec 9>&-
  kill "$WATCHER" 2>/dev/null || true
  wait "$WATCHER" || true
  OUT=$(cat "$WATCH_OUT")
  expect 'ended 130' interrupted ' echo '
  expect_nothing_left
  ! kill -0 "$(cat "$WORK/pid")" 2>/dev/null || fail 'Bazel was left behind'
}
