#!/usr/bin/env bash
# Kills ./workbench (SIGKILL, with all that it started) 200 times at random moments while it grades, watches and shows
# progress. What was recorded before, and what a command that ended has recorded, may never be missing. With fakes of
# Bazel and the rest; the history's program is the real one:
#   command_kill_test.sh HISTORY_PROGRAM
# shellcheck disable=SC2016  # the fakes expand what stands in their quotes
set -euo pipefail

KILLS=200
CLI=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../cli" && pwd)
ENTRY=$CLI/../../workbench
WORK=$(mktemp -d "${TEST_TMPDIR:-${TMPDIR:-/tmp}}/kill_test.XXXXXX")
FAKES=$WORK/fakes TREE=$WORK/checkout SYSTEM_FOLDER=$WORK/system LOG=$WORK/calls
# shellcheck source=harness/cli/cli_test_lib.sh
source "$CLI/cli_test_lib.sh"
# shellcheck source=harness/cli/cli_test_runs.sh
source "$CLI/cli_test_runs.sh"
trap 'rm -rf -- "$WORK"' EXIT

mkdir -p "$WORK/bin/harness/practice"
cp -- "${1:?the path of //harness/practice:history}" "$WORK/bin/harness/practice/history"
make_fakes
make_system
make_checkout "$TREE"
SETSID=$(type -P setsid)
export PATH=$FAKES FAKES WORK LOG HOME=$WORK/home USER=tester WORKBENCH_TEST_SYSTEM=$SYSTEM_FOLDER TMPDIR=$WORK FAKE_PACKAGES=
unset TEST_TMPDIR CUDA_HOME NCCL_HOME MPI_HOME CC JAVA_HOME WORKBENCH_SEED
mkdir -p "$HOME"

readonly HISTORY=$TREE/.workbench/history.sqlite
readonly ANSWER=$TREE/questions/q12_data_loading/answer

# The numbers of the grades that the history has.
grades() {
  "$WORK/bin/harness/practice/history" --database="$HISTORY" export |
    sed -n 's/^{"type":"grade","id":\([0-9]*\),.*"checks":\[{.*},{.*}\]}$/\1/p'
}

# Every grade that was there before is there, whole.
check_history() {
  local id
  declare -A now=()
  while read -r id; do now[$id]=1; done < <(grades)
  for id in "${!KNOWN[@]}"; do
    [[ -n ${now[$id]-} ]] || {
      echo "FAILED: after kill $1 grade $id is gone"
      exit 1
    }
  done
  for id in "${!now[@]}"; do KNOWN[$id]=1; done
  [[ ! -e $HISTORY.damaged-1 ]] || {
    echo "FAILED: after kill $1 the history was damaged"
    exit 1
  }
}
declare -A KNOWN=()

# A random time of up to $1 milliseconds.
pause() {
  local ms=$((RANDOM % $1))
  sleep "$((ms / 1000)).$(printf '%03d' $((ms % 1000)))"
}

"$TREE/workbench" start q12 >/dev/null
bazel_grades FAILED 3
"$TREE/workbench" grade q12 >/dev/null 2>&1 || true
check_history 0
[[ ${#KNOWN[@]} == 1 ]] || {
  echo "FAILED: the first grade is not in the history"
  exit 1
}

for ((number = 1; number <= KILLS; ++number)); do
  case $((number % 4)) in
    0) command=(progress) longest=60 ;;
    1 | 2) command=(grade q12) longest=350 ;;
    3) command=(watch q12) longest=1000 ;;
  esac
  # A session of its own, so that one kill meets all of it.
  "$SETSID" "$TREE/workbench" "${command[@]}" </dev/null >/dev/null 2>&1 &
  pid=$!
  if [[ ${command[0]} == watch ]]; then
    pause 500
    echo "$number" >"$ANSWER/a.cc"
  fi
  pause "$longest"
  kill -KILL -- "-$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  check_history "$number"
  # What a command says that it has done, it has done: one that is not killed, now and then.
  if ((number % 20 == 0)); then
    before=${#KNOWN[@]}
    "$TREE/workbench" grade q12 >/dev/null 2>&1 || true
    check_history "$number"
    ((${#KNOWN[@]} == before + 1)) || {
      echo "FAILED: after kill $number a whole grade is not in the history"
      exit 1
    }
  fi
done
# Ten came from the grades that were not killed.
((${#KNOWN[@]} > 30)) || {
  echo "FAILED: only ${#KNOWN[@]} grades: the kills come too early to prove anything"
  exit 1
}
echo "$KILLS kills; all ${#KNOWN[@]} grades are there"
