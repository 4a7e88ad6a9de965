# For cli_test.sh: what runs Bazel. The events are as Bazel 4.2.3 and 7 write them.
# shellcheck shell=bash disable=SC2016,SC2034

# result_json VERDICT [MARKS]: what a grader writes, as far as it is read; check a.x has that verdict.
result_json() {
  local lead='"a.x"'
  [[ $1 != pass ]] || lead=null
  printf '{\n "schema": 1, "question": "q12_data_loading", "implementation": "answer", "mode": "host", "seed": 7, "seconds": 2.5,
    "marks": {"earned": %s, "possible": 60, "not_graded": 0},
    "lead": %s, "checks": [{"id": "a.w", "verdict": "pass", "marks": 30, "earned": 30},
    {"id": "a.x", "finding": {"text": "\\"}\\u00e9"}, "verdict": "%s", "marks": 30, "earned": 1.5}]}\n' "${2-31.50}" "$lead" "$1"
}

# A Bazel that tests one target: its log is $WORK/logs/t/test.log, its status $1, its exit code $2.
bazel_grades() {
  mkdir -p "$WORK/logs/a b/test.outputs"
  printf '%s\n' 'exec ${PAGER:-/usr/bin/less} "$0" || exit 1' 'Executing tests from //x' '-----------------' 'the verdict' \
    >"$WORK/logs/a b/test.log"
  result_json "${3-wrong}" >"$WORK/logs/a b/test.outputs/result.json"
  touch "$WORK/logs/a b/test.outputs/report.html"
  touch "$WORK/logs/a b/test.outputs/figure.svg"
  bazel_does 'echo "INFO: noise"; echo "WARNING: noise"; echo "FAIL: //x (see noise)"; echo "[3 / 4] noise"
    printf "%s\n" "{\"id\":{\"testResult\":{\"label\":\"//x:grade\",\"run\":1}},\"testResult\":{\"testActionOutput\":[{\"name\":\"test.log\",\"uri\":\"file://$WORK/logs/a%20b/test.log\"},{\"name\":\"test.xml\",\"uri\":\"file:///no\"}],\"status\":\"'"$1"'\"}}" >"$EVENTS"
    echo "INFO: From Compiling questions/q/wrong/x.cc:"; echo "x.cc:1:2: noise"; echo "   noise"
    echo "INFO: From Compiling questions/q/answer/a.cc:"; echo "a.cc:1:2: own warning"
    exit '"$2"
}

test_grade() {
  case_is 'full marks'
  bazel_grades PASSED 0
  workbench grade q12 --host --part A --seed 0018446744073709551615 --json=out.json
  expect_rc 0
  expect 'the verdict' 'own warning'
  refuse noise PAGER Executing
  expect_called '--config=host'
  expect_called 'seed 18446744073709551615'
  expect_called '//questions/q12_data_loading:grade_a'
  expect 'Report: .workbench/results/q12.a/report.html'
  [[ -s $TREE/out.json && -e $TREE/.workbench/results/q12.a/figure.svg ]] || fail 'the result was not kept'
  case_is 'judged wrong, and listed'
  bazel_grades FAILED 3
  workbench grade q12
  expect_rc 1
  workbench grade q12 --reference --gpu
  expect_rc 1
  expect_called '//questions/q12_data_loading:reference_grade'
  expect_called '--config=gpu'
  workbench list
  expect 'q12  data_loading       31.5 / 60'
  case_is 'wrong usage'
  local arguments
  for arguments in '--seed x' '--seed -1' '--seed 18446744073709551616' '--seed' '--part ../x' '--bogus' '--gpu --host' '13'; do
    # shellcheck disable=SC2086
    workbench grade q12 $arguments
    expect_rc 2
    expect_not_called bazel
  done
}

test_grade_without_verdict() {
  case_is 'does not build'
  bazel_does 'echo "ERROR: $PWD/questions/q12/BUILD:1:2: Compiling a.cc failed: (Exit 1): gcc failed: error executing command /usr/bin/gcc -x"
    echo; echo "Use --sandbox_debug to see more"; echo "/cache/sandbox/1/execroot/workbench/questions/a.cc:1:2: error: oh"; echo "    1 | [1 / 2]"
    exit 1'
  workbench grade q12
  expect_rc 4
  expect 'ERROR: questions/q12/BUILD:1:2: Compiling a.cc failed: (Exit 1): gcc failed' $'\nquestions/a.cc:1:2: error: oh' \
    '    1 | [1 / 2]' 'your answer did not build'
  refuse executing sandbox
  case_is 'a library is missing'
  bazel_does 'echo "NCCL is not installed (looked for nccl.h in /x). Install it."; exit 1'
  workbench grade q12
  expect_rc 3
  expect 'NCCL is not installed'
  case_is 'no such part'
  bazel_does 'echo "ERROR: no such target '\''//questions/q12_data_loading:grade_z'\'': target"; exit 1'
  workbench grade q12 --part z
  expect_rc 2
  expect "no part 'z'" 'a.cc b.cu'
  case_is 'disk full'
  bazel_does 'echo "java.io.IOException: No space left on device"; exit 36'
  workbench grade q12
  expect_rc 3
  expect 'a disk is full'
  case_is 'no verdict'
  bazel_grades TIMEOUT 3
  workbench grade q12
  expect_rc 5
  expect 'the verdict' TIMEOUT
  case_is 'killed, with the report of an older run still there'
  bazel_grades FAILED 3
  workbench grade q12
  expect_rc 1
  expect 'Report:'
  rm "$WORK/logs/a b/test.outputs/result.json"
  workbench grade q12
  expect_rc 5
  expect 'the grader ended before it had one'
  refuse 'Report:'
  case_is 'no verdict, once more'
  bazel_grades FAILED 3 grader_fault
  workbench grade q12
  expect_rc 5
  bazel_does 'echo "FATAL: odd"; exit 37'
  workbench grade q12
  expect_rc 5
  expect 'FATAL: odd' 'exit code 37'
}

test_bench() {
  case_is 'bench'
  bazel_does 'printf "%s\n" "#!/bin/sh" "printf \"<%s>\" \"\$@\"; exit 7" >"$SCRIPT"; chmod +x "$SCRIPT"'
  workbench bench q02 --help 'a b'
  expect_rc 7
  expect '<--help><a b>'
  expect_called '-c opt'
  expect_called '//questions/q02_allreduce:benchmark'
  bazel_does 'exit 1'
  workbench compare q02
  expect_rc 4
}

# event KIND LABEL MORE...: a line of Bazel's event file.
event() { printf '{"id":{"%s":{"label":"%s","configuration":{"id":"c"}}}%s}\n' "$1" "$2" "${3-}"; }
configured() { event targetConfigured "$1" ",\"configured\":{\"targetKind\":\"${2-cc_test} rule\",\"testSize\":\"MEDIUM\",\"tag\":[\"x\",\"${3-y}\"]}"; }
completed() { event targetCompleted "$1" ',"children":[{"testSummary":{"label":"//no:no"}}],"completed":{"success":true,"tag":["x"]}'; }
finished() {
  configured "$1"
  completed "$1"
  event testResult "$1" ",\"testResult\":{\"testActionOutput\":[{\"name\":\"test.log\",\"uri\":\"file://$WORK/logs/${3-plain}\"}],\"status\":\"PASSED\",\"cachedLocally\":true}"
  event testSummary "$1" ",\"testSummary\":{\"totalRunCount\":1,\"overallStatus\":\"$2\"}"
}

test_counting() {
  mkdir -p "$WORK/logs"
  printf 'fine\nSKIPPED: not the last line\nend\n' >"$WORK/logs/plain"
  printf 'some\nSKIPPED: no traces\n\n' >"$WORK/logs/skip"
  {
    printf '{"id":{"progress":{}},"progress":{"stderr":"\\"testSummary\\" \\"overallStatus\\":\\"FAILED\\""}}\n'
    finished //:ok PASSED
    finished @//:flaky FLAKY
    finished //:sharded PASSED skip
    finished //:sharded PASSED plain
    finished //:skips PASSED skip
    finished //:fails FAILED
    finished //:slow TIMEOUT
    finished //:unbuilt FAILED_TO_BUILD
    configured //:broken
    event targetCompleted //:broken ',"completed":{"failureDetail":{"message":"gcc failed"}}'
    configured //:unanalysed
    event targetCompleted //:unanalysed ',"aborted":{"reason":"ANALYSIS_FAILURE","description":"x"}'
    configured //:incompatible
    event targetCompleted //:incompatible ',"aborted":{"reason":"SKIPPED"}'
    configured //:needs_gpu cuda_test gpu
    completed //:needs_gpu
    configured //:long cc_test long
    completed //:long
    configured //:library cc_library
    event targetCompleted //:library ',"completed":{}'
    printf '{"id":{"unconfiguredLabel":{"label":"//no:no"}},"aborted":{}}'
  } >"$WORK/events"
  case_is 'counting'
  bazel_does 'cp "$WORK/events" "$EVENTS"; echo "==================== Test output for //:fails:"; echo "INFO: kept"
    printf "%080d\n" 0 | tr 0 =; echo "INFO: dropped"; exit 1'
  workbench test
  expect_rc 1
  expect_last_line '3 passed, 5 failed, 3 skipped'
  expect '//:skips: no traces' '//:incompatible: needs a GPU' '//:needs_gpu: needs a GPU' '//:library: did not build' '//:slow: timeout' 'INFO: kept'
  refuse '//no:no' '//:long' 'INFO: dropped'
  expect_called '--test_tag_filters=-manual,-long,-gpu'
  case_is 'the long tier'
  bazel_does 'if [[ $1 == query ]]; then echo "INFO: x"; echo //:long; exit; fi; cp "$WORK/events" "$EVENTS"; exit 1'
  workbench test --long
  expect_called '--test_tag_filters=-gpu '
  expect_called '-- //... //:long'
  case_is 'all pass'
  finished //:ok PASSED >"$WORK/events"
  bazel_does 'cp "$WORK/events" "$EVENTS"'
  workbench test
  expect_rc 0
  expect_last_line '1 passed, 0 failed, 0 skipped'
  case_is 'red without a failed test, and nothing at all'
  bazel_does 'cp "$WORK/events" "$EVENTS"; echo "ERROR: odd"; exit 1'
  workbench test
  expect_rc 1
  expect_last_line '1 passed, 1 failed, 0 skipped'
  bazel_does 'exit 4'
  workbench test
  expect_rc 1
  expect_last_line '0 passed, 0 failed, 0 skipped'
}

wait_for() {
  local tries
  for ((tries = 0; tries < 100; ++tries)); do
    if "$@" 2>/dev/null; then return 0; fi
    sleep 0.1
  done
  OUT='' RC=- fail "waited in vain: $*"
}

test_interrupt() {
  local pid
  case_is 'a signal stops the run'
  rm -f "$WORK/pid"
  bazel_does 'echo $$ >"$WORK/pid"; exec sleep 60'
  "$TREE/workbench" grade q02 >"$WORK/out" 2>&1 &
  pid=$!
  wait_for test -s "$WORK/pid"
  kill -TERM "$pid"
  RC=0
  wait "$pid" || RC=$?
  OUT=$(cat "$WORK/out")
  expect_rc 143
  expect interrupted
  ! kill -0 "$(cat "$WORK/pid")" 2>/dev/null || fail 'Bazel was left behind'
  [[ -z $(find "$WORK" -maxdepth 1 -name 'workbench.*') ]] || fail 'a temporary folder was left behind'
}

test_two_at_once() {
  case_is 'two at once take turns'
  bazel_grades PASSED 0
  cp "$WORK/bazel.body" "$WORK/bazel.second"
  bazel_does 'if [[ ! -e $WORK/first ]]; then touch "$WORK/first"; sleep 2; touch "$WORK/first_done"; fi
    [[ -e $WORK/first_done ]] || { echo "ERROR: together"; exit 1; }
    source "$WORK/bazel.second"'
  "$TREE/workbench" grade q02 >/dev/null 2>&1 &
  wait_for test -e "$WORK/first"
  workbench grade q02
  expect_rc 0
  expect 'another ./workbench is running'
  wait
}
