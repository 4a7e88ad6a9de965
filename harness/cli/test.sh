# ./workbench test: every test of the workbench, counted.
# shellcheck shell=bash

help_test() {
  cat <<'HELP'
./workbench test [--long]

Runs the workbench's own tests: bazel test //... Installs what is missing first, as `setup` does. Says which tests were
skipped and why. The last line is `N passed, N failed, N skipped`; a test that does not build counts as failed.

  --long   the long tier as well: 2^31-byte buffers, long fuzzing (hours)

Exit codes: 0 some passed and none failed, 1 otherwise, 2 wrong usage, 3 set-up missing.

Example:
  ./workbench test
HELP
}

command_test() {
  local filters=-manual,-long long=false targets=(//...) options=(--keep_going --test_output=errors --test_summary=none)
  while (($# > 0)); do
    case $1 in
      --long) long=true ;;
      *) usage_error "test: what is '$1'? See ./workbench test --help" ;;
    esac
    shift
  done
  ensure_setup
  ensure_test_tools
  bazel_environment
  need_temp_folder
  take_lock
  remove_foreign_link
  if $long; then
    # They may be tagged `manual` as well, to stay out of a plain `bazel test //...`: each is named.
    filters=''
    find_long_tests
    targets+=("${LONG_TESTS[@]}")
  fi
  gpu_mode_possible || filters+=${filters:+,}-gpu
  EVENTS=$TEMP_FOLDER/events.json
  run_bazel test_tick test "${options[@]}" "--test_tag_filters=$filters" "--build_event_json_file=$EVENTS" -- "${targets[@]}"
  # A build that fails in part is told below, test by test.
  if ((STREAM_STATUS != 1)) || $SAW_DISK_FULL; then explain_test_status "$STREAM_STATUS"; fi
  count_tests "$STREAM_STATUS"
}

EVENTS=
LONG_TESTS=()

# Bazel keeps its own bazel-CHECKOUT link out of `//...`, but walks into one that another user's Bazel has left.
remove_foreign_link() {
  local link=bazel-${ROOT##*/}
  [[ ! -L $link ]] || rm -f -- "$link" 2>/dev/null || true
}

find_long_tests() {
  LONG_TESTS=()
  stream long_test_line bazel_tick bazel "${BAZEL_OPTIONS[@]}" query --keep_going --color=no --curses=no \
    'attr(tags, "[\[ ]long[,\]]", kind("_test rule", //...))'
  ((STREAM_STATUS == 0 || STREAM_STATUS == 3)) || die "$EXIT_NO_VERDICT" "bazel query failed (exit code $STREAM_STATUS); ./workbench doctor may tell why"
}

long_test_line() { [[ $1 != //* ]] || LONG_TESTS+=("$1"); }

# Bazel's exit code 4 is "no tests": they are counted all the same.
explain_test_status() { (($1 == 4)) || explain_bazel_status "$1"; }

test_tick() {
  printf 'still running: %d s, %d tests done\n' "$1" "$(grep -ca '^{"id":{"testSummary"' "$EVENTS" 2>/dev/null || true)"
}

# Boils Bazel's events down to one line a test, "STATE<TAB>LABEL<TAB>DETAIL<TAB>LOG", sorted by label. The states: passed,
# failed, skipped; and `build` for a target that is no test and did not build.
test_outcomes() {
  bazel_events "$EVENTS" testSummary testResult targetConfigured targetCompleted aborted | LC_ALL=C awk -F '\t' \
    -v no_gpu="$1" '
    function flush() {
      sub(/^@+/, "", label)
      if (label == "") return
      if (kind == "targetConfigured") {
        is_test[label] = rule ~ /_test rule$/
        tagged_gpu[label] = gpu
      }
      if (kind == "testSummary" && summary != "") { status[label] = summary }
      if (kind == "testSummary" || kind == "testResult") is_test[label] = 1
      if (log_uri != "") logs[label] = logs[label] " " log_uri
      if (kind !~ /^(targetConfigured|targetCompleted|testSummary|testResult)$/) return
      if (reason == "SKIPPED") incompatible[label] = 1
      else if (reason != "" && reason != "NO_BUILD") broken[label] = tolower(reason)
      if (kind == "targetCompleted" && reason == "" && success != "true") broken[label] = "did not build"
      seen[label] = 1
    }
    function start() { kind = label = rule = summary = reason = success = log_uri = name = ""; gpu = 0 }
    function state_of(label) {
      if (incompatible[label]) return "skipped\t" label "\tneeds a GPU and the CUDA Toolkit (or is not for this machine)"
      if (label in status) {
        if (status[label] == "PASSED") return "passed\t" label "\t"
        if (status[label] == "FLAKY") return "passed\t" label "\tflaky"
        if (status[label] == "NO_STATUS" && !(label in broken)) return "failed\t" label "\twas not run"
        return "failed\t" label "\t" tolower(status[label])
      }
      if (label in broken) return (is_test[label] ? "failed" : "build") "\t" label "\t" broken[label]
      if (is_test[label] && tagged_gpu[label] && no_gpu) return "skipped\t" label "\tneeds a GPU and the CUDA Toolkit"
      return ""
    }
    $1 == "-" { flush(); start(); next }
    $1 ~ /^id\.[A-Za-z]+\.label$/ { split($1, words, "."); kind = words[2]; label = $2 }
    $1 == "configured.targetKind" { rule = $2 }
    $1 ~ /^configured\.tag\.[0-9]+$/ && $2 == "gpu" { gpu = 1 }
    $1 == "completed.success" { success = $2 }
    $1 == "aborted.reason" { reason = $2 }
    $1 == "testSummary.overallStatus" { summary = $2 }
    $1 ~ /^testResult\.testActionOutput\.[0-9]+\.name$/ { name = $2 }
    $1 ~ /^testResult\.testActionOutput\.[0-9]+\.uri$/ && name == "test.log" { log_uri = $2 }
    END {
      flush()
      for (label in seen) {
        line = state_of(label)
        if (line != "") print line "\t" logs[label]
      }
    }' | LC_ALL=C sort -t $'\t' -k 2
}

# A test may pass and say in its last line that it could not judge anything here. Of a sharded one every log has to say so.
skipped_itself() {
  local uri log last
  SKIP_REASON=
  for uri in $1; do
    log=$(path_of_uri "$uri")
    [[ -r $log ]] || return 1
    last=$(tail -c 2000 -- "$log" | tr -d '\000' | awk 'NF { last = $0 } END { print last }')
    [[ $last == SKIPPED:* ]] || return 1
    SKIP_REASON=${last#SKIPPED:}
    SKIP_REASON=${SKIP_REASON# }
    SKIP_REASON=${SKIP_REASON:-it does not say why}
  done
  [[ -n $SKIP_REASON ]]
}
SKIP_REASON=

count_tests() {
  local bazel_status=$1 state label detail logs passed=0 failed=0 skipped=0 no_gpu=1
  local -a failures=() skips=() flaky=() builds=()
  ! gpu_mode_possible || no_gpu=0
  while IFS='|' read -r state label detail logs; do
    if [[ $state == passed ]] && skipped_itself "$logs"; then
      state=skipped detail=$SKIP_REASON
    fi
    case $state in
      passed)
        passed=$((passed + 1))
        [[ -z $detail ]] || flaky+=("$label")
        ;;
      skipped) skipped=$((skipped + 1)) skips+=("$label: $detail") ;;
      failed) failed=$((failed + 1)) failures+=("$label: ${detail//_/ }$(shown_log "${logs##* }")") ;;
      build) builds+=("$label: ${detail//_/ }") ;;
    esac
  done < <(test_outcomes "$no_gpu" | tr '\t' '|')
  drop_lock
  # A red build is never reported as green, whatever it was that failed.
  if ((failed == 0 && bazel_status != 0 && bazel_status != 4)); then
    failed=1
    ((${#builds[@]} > 0)) || builds+=("the build: see the messages above")
  fi
  transient ''
  print_section 'Skipped' "${skips[@]}"
  print_section 'Passed only when repeated' "${flaky[@]}"
  print_section 'Did not build' "${builds[@]}"
  print_section 'Failed' "${failures[@]}"
  printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
  ((failed == 0 && passed > 0)) || exit "$EXIT_FAILED"
}

# Where to read on; through Bazel's link in the checkout where there is one.
shown_log() {
  local log
  log=$(path_of_uri "$1")
  if [[ $log == */testlogs/* && -e bazel-testlogs/${log##*/testlogs/} ]]; then log=bazel-testlogs/${log##*/testlogs/}; fi
  printf '%s' "${log:+   $log}"
}

print_section() {
  local title=$1 line
  shift
  (($# > 0)) || return 0
  printf '%s:\n' "$title"
  for line in "$@"; do printf '  %s\n' "$line"; done
}
