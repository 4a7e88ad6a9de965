# For cli_test.sh: a small checkout, a PATH of fakes in front of nothing but plain tools, and assertions.
# shellcheck shell=bash disable=SC2034,SC2016

FAILURES=0
CASE=

# The tools that a bare Debian has. Nothing else of the machine is on the PATH of a test.
readonly PLAIN_TOOLS=(awk bash basename cat chmod cp date df dirname env find flock grep head iconv ln ls mkdir mktemp mv nproc
  dd readlink rm rmdir sed sha256sum sleep sort stty tail tee timeout touch tr true uname wc xargs)

# make_checkout TO: a checkout with two questions and this command.
make_checkout() {
  local to=$1 question
  mkdir -p "$to/harness/cli" "$to/harness/practice"
  cp "$CLI"/*.sh "$to/harness/cli/"
  cp "$ENTRY" "$to/workbench"
  chmod +x "$to/workbench"
  for question in q02_allreduce q12_data_loading q13_data_race; do
    mkdir -p "$to/questions/$question/skeleton"
    printf '# Title of %s\n\n# Another heading\n' "$question" >"$to/questions/$question/spec.md"
    printf 'part a\n' >"$to/questions/$question/skeleton/a.cc"
    printf 'part b\n' >"$to/questions/$question/skeleton/b.cu"
  done
}

# fake NAME BODY: a command on the PATH of the tests.
fake() {
  printf '#!/usr/bin/env bash\n%s\n' "$2" >"$FAKES/$1"
  chmod +x "$FAKES/$1"
}

make_fakes() {
  local tool
  mkdir -p "$FAKES"
  for tool in "${PLAIN_TOOLS[@]}"; do ln -sf "$(type -P "$tool")" "$FAKES/$tool"; done
  for tool in patch zip file python3 javac chromium chromedriver node; do fake "$tool" 'true'; done
  fake unzip 'exit 9'
  fake id 'if [[ $1 == -u ]]; then echo "${FAKE_UID:-0}"; else echo tester; fi'
  fake g++ 'if [[ $1 == -dumpversion ]]; then echo "${FAKE_GXX:-12}"; else echo "g++ (Fake) ${FAKE_GXX:-12}.1"; fi'
  fake mpirun 'if [[ $1 == --version ]]; then echo "mpirun (Open MPI) 4.1.4"; fi'
  fake dpkg-query 'for p in $FAKE_PACKAGES; do echo "$p installed"; done; exit 1'
  fake apt-get 'echo "apt-get $*" >>"$LOG"
    case $* in *" install "*) ;; *) exit 0 ;; esac
    if [[ -n ${FAKE_APT_ERROR-} ]]; then echo "E: $FAKE_APT_ERROR"; exit 100; fi
    mkdir -p "$WORKBENCH_TEST_SYSTEM/usr/include/valijson" && touch "$WORKBENCH_TEST_SYSTEM/usr/include/valijson/validator.hpp"'
  fake bazel 'if [[ $1 == --version ]]; then echo "bazel ${FAKE_BAZEL_VERSION:-no_version}"; exit; fi
    case " $* " in *" //harness/practice:history "*)
      echo "bazel builds the history" >>"$LOG"
      [[ ! -e $WORK/history_broken ]] || exit 1
      for argument in "$@"; do
        case $argument in --build_event_json_file=*) EVENTS=${argument#*=} ;; esac
      done
      printf "%s\n" "{\"id\":{\"namedSet\":{\"id\":\"0\"}},\"namedSetOfFiles\":{\"files\":[{\"name\":\"harness/practice/history\",\"uri\":\"file://$WORK/bin/harness/practice/history\"}]}}" >"$EVENTS"
      exit 0
      ;;
    esac
    echo "bazel $*" >>"$LOG"
    echo "seed ${WORKBENCH_SEED-}" >>"$LOG"
    for argument in "$@"; do
      case $argument in
        --build_event_json_file=*) EVENTS=${argument#*=} ;;
        --script_path=*) SCRIPT=${argument#*=} ;;
      esac
    done
    source "$WORK/bazel.body"'
  bazel_does 'exit 0'
}

# What the next runs of the fake Bazel do; it finds the named files in $EVENTS and $SCRIPT.
bazel_does() { printf '%s\n' "$1" >"$WORK/bazel.body"; }

# Headers and libraries of the machine that the tests pretend to be.
make_system() {
  local file
  for file in include/mpi.h lib/libmpi.so include/gmock/gmock.h lib/libgmock.a include/benchmark/benchmark.h \
    lib/libbenchmark.so include/cmark-gfm-core-extensions.h lib/libcmark-gfm-extensions.so include/nlohmann/json.hpp \
    share/gocode/src/github.com/yuin/goldmark/_test/spec.json share/javascript/katex/katex.min.js share/javascript/highlight.js/highlight.min.js \
    include/valijson/validator.hpp include/sqlite3.h lib/libsqlite3.so \
    include/zlib.h lib/libz.so include/zstd.h lib/libzstd.so include/xxhash.h include/liburing.h lib/liburing.so; do
    mkdir -p "$SYSTEM_FOLDER/usr/${file%/*}"
    touch "$SYSTEM_FOLDER/usr/$file"
  done
  mkdir -p "$SYSTEM_FOLDER/dev/shm"
}

# run COMMAND...: leaves OUT (both streams), RC.
run() {
  RC=0
  : >"$LOG"
  OUT=$(cd "${FROM:-$TREE}" && "$@" 2>&1 </dev/null) || RC=$?
}

workbench() { run "$TREE/workbench" "$@"; }

case_is() { CASE=$1; }

fail() {
  FAILURES=$((FAILURES + 1))
  printf 'FAILED %s: %s\n  exit code %s, output:\n%s\n' "$CASE" "$1" "$RC" "$(printf '%s\n' "$OUT" | sed 's/^/  | /')"
}

expect_rc() { [[ $RC == "$1" ]] || fail "expected exit code $1"; }

expect() {
  local text
  for text in "$@"; do
    [[ $OUT == *"$text"* ]] || fail "expected in the output: $text"
  done
}

refuse() {
  local text
  for text in "$@"; do
    [[ $OUT != *"$text"* ]] || fail "not expected in the output: $text"
  done
}

expect_called() { grep -qF -- "$1" "$LOG" || fail "expected a call: $1; there were: $(cat "$LOG")"; }
expect_not_called() { ! grep -qF -- "$1" "$LOG" || fail "not expected: a call of $1"; }
expect_last_line() { [[ ${OUT##*$'\n'} == "$1" ]] || fail "expected as the last line: $1"; }
expect_lines() { [[ $(printf '%s\n' "$OUT" | wc -l) == "$1" ]] || fail "expected $1 lines"; }
