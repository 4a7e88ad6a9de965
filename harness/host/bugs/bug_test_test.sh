#!/usr/bin/env bash
# Tests bug_test.sh with programs that only pretend.
set -euo pipefail

FOLDER=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
WORK=$(mktemp -d "${TEST_TMPDIR:-${TMPDIR:-/tmp}}/bug_test_test.XXXXXX")
trap 'rm -rf -- "$WORK"' EXIT
failures=0

cat >"$WORK/sample.cu" <<'SOURCE'
// bug: race_shared
// finding: race on shared memory | use after free
int a;
int b;  // BUG
int c;
int d;  // BUG
SOURCE

# expect passes|fails FORM WHAT STDERR [STATUS]: what bug_test.sh makes of a program that writes that and ends so.
expect() {
  local wanted=$1 form=$2 what=$3 said=$4 status=${5:-0} got=passes
  printf '%s' "$said" >"$WORK/said"
  printf '#!/usr/bin/env bash\ncat %q >&2\nexit %d\n' "$WORK/said" "$status" >"$WORK/program"
  chmod +x "$WORK/program"
  bash "$FOLDER/bug_test.sh" "$WORK/program" "$WORK/sample.cu" "$form" >"$WORK/output" 2>&1 || got=fails
  [[ $got == "$wanted" ]] && return
  printf 'FAILED: %s: %s, not %s\n' "$what" "$got" "$wanted" >&2
  cat -- "$WORK/output" >&2
  failures=$((failures + 1))
}

first='CUDA (host mode): race on shared memory: kernel K writes 4 bytes at'
expect passes bug 'words and line' "$first a/sample.cu:4, and"
expect passes bug 'the other line, on a second row, and a bad status' "$first x.cu:1"$'\n  and sample.cu:6\n' 1
expect passes bug 'the other words' 'CUDA (host mode): use after free: sample.cu:4'
expect passes bug 'the second finding' $'CUDA (host mode): leak: sample.cu:3\n'"$first sample.cu:6"
expect fails bug 'nothing said' ''
expect fails bug 'other words' 'CUDA (host mode): race on global memory: sample.cu:4'
expect fails bug 'another line' "$first sample.cu:3"
expect fails bug 'a line that only begins so' "$first sample.cu:40"
expect fails bug 'another file' "$first other_sample.cu:4"
expect fails bug 'the line in another finding' "$first sample.cu:3"$'\nCUDA (host mode): leak: sample.cu:4'
expect fails bug 'not a finding' 'race on shared memory: sample.cu:4'
expect passes twin 'nothing said' ''
expect passes twin 'words of its own' 'hello'
expect fails twin 'a finding' 'CUDA (host mode): leak: 4 bytes'
expect fails twin 'a bad status' '' 3

printf '#!/usr/bin/env bash\nprintf "%%s\\n" "%s sample.cu:4" >&2\nexec sleep 30\n' "$first" >"$WORK/program"
if BUG_TEST_LIMIT_S=1 bash "$FOLDER/bug_test.sh" "$WORK/program" "$WORK/sample.cu" bug >"$WORK/output" 2>&1; then
  echo 'FAILED: a program that does not end passes' >&2
  failures=$((failures + 1))
fi

# Every source says what bug_test.sh has to know, and what kind of bug it is.
kinds='out_of_bounds_global|out_of_bounds_shared|out_of_bounds_local|use_after_free|double_free|leak|misaligned'
kinds+='|host_pointer_in_kernel|device_pointer_on_host|race_shared|race_global|race_warp|race_blocks|race_streams'
kinds+='|race_host|uninitialised_global|uninitialised_shared|barrier_divergence|deadlock|invalid_mask'
for source in "$FOLDER"/*.cu; do
  if ! grep -qE "^// bug: ($kinds)\$" "$source" || ! grep -q '^// finding: .' "$source" ||
    ! grep -qE '^// sanitizer: (memcheck|racecheck|initcheck|synccheck|crash)$' "$source" ||
    ! grep -q '// BUG$' "$source" || ! grep -q 'kTwin' "$source"; then
    echo "FAILED: the head of $source is not as bug_test.sh wants it" >&2
    failures=$((failures + 1))
  fi
done

((failures == 0))
