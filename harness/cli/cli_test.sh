#!/usr/bin/env bash
# Tests ./workbench with fakes of Bazel, apt-get and the rest on the PATH: no network, no root, no build.
# The history's program is the real one:
#   cli_test.sh HISTORY_PROGRAM
# shellcheck disable=SC2016  # the fakes expand what stands in their quotes
set -euo pipefail

CLI=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
ENTRY=$CLI/../../workbench
WORK=$(mktemp -d "${TEST_TMPDIR:-${TMPDIR:-/tmp}}/cli_test.XXXXXX")
FAKES=$WORK/fakes
TREE=$WORK/checkout
SYSTEM_FOLDER=$WORK/system
LOG=$WORK/calls
# shellcheck source=harness/cli/cli_test_lib.sh
source "$CLI/cli_test_lib.sh"
trap 'rm -rf -- "$WORK"' EXIT

# Where the entry is not among the test's data, its one essential line stands in for it.
if [[ ! -e $ENTRY ]]; then
  ENTRY=$WORK/entry
  # shellcheck disable=SC2016
  printf '%s\n' '#!/usr/bin/env bash' 'exec bash "$(dirname -- "$(readlink -f -- "$0")")/harness/cli/main.sh" "$@"' >"$ENTRY"
fi

mkdir -p "$WORK/bin/harness/practice"
cp -- "${1:?the path of //harness/practice:history}" "$WORK/bin/harness/practice/history"
make_fakes
make_system
make_checkout "$TREE"
export PATH=$FAKES FAKES WORK LOG HOME=$WORK/home USER=tester WORKBENCH_TEST_SYSTEM=$SYSTEM_FOLDER TMPDIR=$WORK FAKE_PACKAGES=
unset TEST_TMPDIR CUDA_HOME NCCL_HOME MPI_HOME CC JAVA_HOME WORKBENCH_SEED
mkdir -p "$HOME"

test_entry() {
  case_is 'through links, from elsewhere, in a path with spaces'
  mkdir -p "$WORK/a b/c"
  make_checkout "$WORK/a b/my tree"
  ln -s '../my tree/workbench' "$WORK/a b/c/relative"
  ln -s "$WORK/a b/c/relative" "$WORK/absolute"
  FROM=/ run "$WORK/absolute" list
  expect_rc 0
  expect 'q02  allreduce          not started' 'Title of q02_allreduce'
  refuse 'Another heading'
  run "$WORK/absolute" grade q02
  expect_rc 3
  expect 'Bazel cannot work in a path with spaces'
  expect_not_called 'bazel '
}

test_help() {
  local command
  for command in setup doctor list start grade watch compare bench progress test; do
    case_is "help of $command"
    workbench "$command" --help
    expect_rc 0
    expect 'Example:' "./workbench $command"
    expect_not_called bazel
  done
  case_is 'help'
  workbench
  expect_rc 0
  expect './workbench grade q02 --reference'
  case_is 'unknown command'
  workbench gradee
  expect_rc 2
  expect "no command 'gradee'" 'grade?'
  workbench ''
  expect_rc 2
}

test_names() {
  local name
  for name in q02 2 02 Q2 allreduce q02_allreduce all questions/q02_allreduce/; do
    case_is "name $name"
    workbench grade "$name"
    expect_called '//questions/q02_allreduce:grade'
  done
  case_is 'unknown and ambiguous names'
  workbench grade q07
  expect_rc 2
  expect "no question 'q07'" 'q02_allreduce q12_data_loading q13_data_race'
  workbench grade data
  expect_rc 2
  expect 'could be any of: q12_data_loading q13_data_race'
  workbench grade
  expect_rc 2
  workbench start 2 12
  expect_rc 2
}

test_start() {
  case_is 'start'
  workbench start 12
  expect_rc 0
  expect 'questions/q12_data_loading/answer/a.cc' './workbench grade q12'
  echo mine >"$TREE/questions/q12_data_loading/answer/a.cc"
  workbench start 12
  expect_rc 1
  expect 'is there already' 'mv questions/q12_data_loading/answer questions/q12_data_loading/answer.old'
  [[ $(cat "$TREE/questions/q12_data_loading/answer/a.cc") == mine ]] || fail 'the answer was overwritten'
  workbench list
  expect 'q12  data_loading       started'
}

test_setup() {
  case_is 'nothing is missing; headers without packages count'
  workbench setup
  expect_rc 0
  expect_lines 1
  expect_not_called apt-get
  case_is 'as root'
  rm "$SYSTEM_FOLDER/usr/include/valijson/validator.hpp"
  workbench setup --check
  expect_rc 3
  expect Valijson
  expect_not_called apt-get
  FAKE_UID=1000 workbench setup
  expect_rc 3
  expect_last_line 'apt-get install -y --no-install-recommends libvalijson-dev'
  FAKE_PACKAGES=libvalijson-dev workbench setup
  expect_rc 0
  local error
  for error in 'Temporary failure resolving deb=no network' 'No space left on device=disk is full' \
    'Could not get lock /var/lib/dpkg/lock=holds the lock' 'Unable to locate package x=package sources lack' 'Odd thing=Odd thing'; do
    FAKE_APT_ERROR=${error%=*} workbench setup
    expect_rc 3
    expect 'apt-get could not install' "${error#*=}" "./workbench setup"
  done
  FAKE_APT_ERROR=x workbench grade q02
  expect_rc 3
  expect_not_called bazel
  workbench grade q02
  expect_called 'install -y --no-install-recommends libvalijson-dev'
  expect_called 'bazel test'
  case_is 'sudo'
  rm "$SYSTEM_FOLDER/usr/include/valijson/validator.hpp"
  # shellcheck disable=SC2016
  fake sudo 'shift; exec "$@"'
  FAKE_UID=1000 workbench setup --yes
  expect_rc 0
  rm "$FAKES/sudo"
  case_is 'versions'
  FAKE_GXX=11 FAKE_PACKAGES=g++ workbench setup --check
  expect_rc 3
  expect 'g++ 12 or newer'
  local version
  for version in 3.7.0:3 4.2.2:3 4.2.3:0 5.0.0:0 7.4.1:0 8.0.0:3; do
    FAKE_BAZEL_VERSION=${version%:*} workbench setup --check
    expect_rc "${version#*:}"
  done
  case_is 'no apt-get'
  mv "$FAKES/apt-get" "$WORK/apt-get"
  FAKE_GXX=9 workbench setup
  expect_rc 3
  expect 'no apt-get' 'C++20 compiler'
  mv "$WORK/apt-get" "$FAKES/apt-get"
}

test_doctor() {
  case_is 'doctor'
  workbench doctor
  expect_rc 0
  expect 'ok       compiler      g++ (Fake) 12.1' '2 ranks start' 'note     driver' 'no CUDA Toolkit'
  refuse $'\033'
  case_is 'doctor --json'
  fake nvidia-smi 'printf "550.1, 80000 MiB, Odd \"GPU\" \\\\ one\\t\\xff\n550.1, 1 MiB, B\n"'
  workbench doctor --json
  expect_rc 0
  expect '{"name": "gpu0", "state": "ok", "detail": "Odd \"GPU\" \\ one\t?, 80000 MiB"' '"name": "gpus", "state": "ok", "detail": "2"'
  if [[ -x /usr/bin/python3 ]]; then
    printf '%s' "$OUT" | /usr/bin/python3 -c 'import json, sys
for item in json.load(sys.stdin): assert set(item) == {"name", "state", "detail", "action"}' || fail 'not valid JSON'
  fi
  rm "$FAKES/nvidia-smi"
  case_is 'doctor finds what is missing'
  fake mpirun 'if [[ $1 == --version ]]; then echo "mpirun (Open MPI) 4.1.4"; else echo "no slots" >&2; exit 1; fi'
  workbench doctor
  expect_rc 1
  expect 'missing  mpi' 'no slots'
  fake mpirun 'if [[ $1 == --version ]]; then echo "mpirun (Open MPI) 4.1.4"; fi'
}

# shellcheck source=harness/cli/cli_test_docs.sh
source "$CLI/cli_test_docs.sh"
# shellcheck source=harness/cli/cli_test_runs.sh
source "$CLI/cli_test_runs.sh"
# shellcheck source=harness/cli/cli_test_history.sh
source "$CLI/cli_test_history.sh"
# shellcheck source=harness/cli/cli_test_watch.sh
source "$CLI/cli_test_watch.sh"

test_entry
test_help
test_names
test_start
test_setup
test_doctor
test_docs
test_grade
test_grade_without_verdict
test_bench
test_counting
test_interrupt
test_two_at_once
test_history
test_history_trouble
test_read_only
test_full_disk
test_locales
test_changes
test_watch
test_watch_rough
test_watch_terminal

if ((FAILURES > 0)); then
  echo "$FAILURES expectations failed"
  exit 1
fi
echo "all expectations hold"
