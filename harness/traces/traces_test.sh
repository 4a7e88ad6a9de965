#!/usr/bin/env bash
# The program itself: usage, exit codes, where files are looked for, what is written.
#   traces_test.sh TRACES_PROGRAM TESTDATA_FOLDER
set -euo pipefail

traces=$(readlink -f -- "$1")
data=$(cd -- "$2" && pwd)
work=$(mktemp -d "${TEST_TMPDIR:-/tmp}/traces_test.XXXXXX")
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
failures=0

# expect CODE TEXT ARGS...: the exit code, and a text in the output.
expect() {
  local code=$1 text=$2 out rc=0
  shift 2
  out=$(timeout 60 "$traces" "$@" 2>&1) || rc=$?
  if [[ $rc != "$code" || $out != *"$text"* ]]; then
    failures=$((failures + 1))
    printf 'FAILED traces %s: exit code %s for %s, looked for: %s\n%s\n' "$*" "$rc" "$code" "$text" "$out"
  fi
}

fail() {
  failures=$((failures + 1))
  printf 'FAILED %s\n' "$1"
}

expect 0 'Exit codes' --help
expect 0 'Exit codes' convert --help
for trace in Alibaba Philly Helios Gavel; do expect 0 "$trace" list; done
expect 0 'creation_time' list
expect 2 'list, check, convert or generate'
expect 2 "there is no 'frob'" frob
expect 2 'needs files' check
expect 2 "what is '--seed'?" check x --seed 1
expect 2 '--jobs is a number from 1' generate --jobs=0
expect 2 '--seed needs a value' generate --seed
expect 2 '--seed is a number' generate --seed=-1
expect 2 '--gpu-spec is a number from 0 to 1' generate --gpu-spec 1.1
expect 2 "takes no file, and 'x'" generate x
expect 1 'nowhere.csv: cannot be opened' check nowhere.csv

expect 0 'nodes            4 with 14 GPUs' check "$data/alibaba_nodes.csv" "$data/alibaba_pods.csv"
expect 0 'no start       1' check "$data/alibaba_pods.csv"
expect 0 'philly-jobs' check "$data/philly_jobs.json"
expect 0 'helios' check "$data/helios.csv"
expect 0 'gavel' check "$data/gavel.trace"

expect 0 '4 nodes, 5 jobs: all.csv' convert "$data/alibaba_nodes.csv" "$data/alibaba_pods.csv" --out=all.csv
expect 0 'all.csv: workbench' check all.csv
gzip -k all.csv
expect 0 'all.csv.gz: workbench' check all.csv.gz
head -c 100 all.csv.gz >cut.csv.gz
expect 1 'workbench: cut.csv.gz:' check cut.csv.gz
expect 1 'the file is cut off' check cut.csv.gz

# A bad file leaves what was there.
sed 's/,70,400,/,-7,400,/' "$data/alibaba_pods.csv" >bad.csv
cp all.csv before.csv
expect 1 'workbench: bad.csv:2:35: creation_time: '"'-7'"' is negative' convert bad.csv --out all.csv
cmp -s all.csv before.csv || fail 'the old file was changed'
expect 0 '1 bad row left out, the first: bad.csv:2:35' convert bad.csv --out some.csv --skip-bad
expect 0 'jobs             4' check some.csv

# Files are named from where the caller of ./workbench stands.
mkdir inner
cp all.csv inner/only_there.csv
WORKBENCH_CALLED_FROM=$work/inner expect 0 'only_there.csv: workbench' check only_there.csv

"$traces" generate --seed=7 --jobs=100 --nodes=5 >one.csv 2>/dev/null
"$traces" generate --seed 7 --jobs 100 --nodes 5 --out two.csv 2>/dev/null
cmp -s one.csv two.csv || fail 'a seed gives one trace'
expect 0 'jobs             100' check one.csv
[[ $(head -n 1 one.csv) == kind,name,* ]] || fail 'the header'
if [[ -w /dev/full ]]; then
  rc=0
  "$traces" generate >/dev/full 2>errors || rc=$?
  [[ $rc == 1 && $(<errors) == *'cannot be written'* ]] || fail 'a full disk'
fi
[[ $(find . -name '*.csv.*' ! -name '*.gz' | wc -l) == 0 ]] || fail 'drafts were left'

if ((failures > 0)); then exit 1; fi
echo 'all expectations hold'
