#!/usr/bin/env bash
# Tests that the example of adding_a_question.md works as the page says: its files make a complete question, its grader
# tells right answers from wrong ones, and its benchmark runs.
set -euo pipefail

WORK=${TEST_TMPDIR:-$(mktemp -d)}
ROOT=$PWD

fail() {
  printf 'FAILED: %s\n' "$*"
  exit 1
}

grade() {
  local name=$1
  shift
  docs/example_grader --runner=docs/example_runner --mode=host --seed=7 "--implementation=$name" \
    "--library=a=docs/example_$name.so" --reference=a=docs/example_reference.so "$@" >"$WORK/log" 2>&1 && return 0
  cat "$WORK/log"
  return 1
}

docs/extract_blocks.sh docs/adding_a_question.md "$WORK/example"
for file in "$WORK"/example/questions/q99_sum/BUILD "$WORK"/example/solutions/q99_sum/BUILD; do
  [[ -s $file ]] || fail "the page has no $file"
done
(cd "$WORK/example" && "$ROOT/bazel/layout_check.sh" --question=questions/q99_sum --solution=solutions/q99_sum \
  "--grader=$ROOT/docs/example_grader" a=sum.cc) || fail "the page's files are not a complete question"

example=$WORK/example/questions/q99_sum
grade reference || fail "the reference does not get full marks"
grep -q 'Marks 10 / 10' "$WORK/log" || { cat "$WORK/log" && fail "the reference's marks are not 10 / 10"; }
grade halves --correctness_only || fail "the unusual right answer is rejected"
grade skeleton --expect=wrong || fail "the skeleton is not judged wrong"
grade int --expect=rejected --stop_at_first_failure "--wrong=$example/wrong/a_int.patch" || fail "a_int is not rejected by its check"
grade skips_first --expect=rejected --stop_at_first_failure "--wrong=$example/wrong/a_skips_first.cc" ||
  fail "a_skips_first is not rejected by its check"

# A debug build of the benchmark refuses to measure; that it is linked is enough then.
if ! docs/example_compare --runner=docs/example_runner --answer=a=docs/example_halves.so \
  --reference=a=docs/example_reference.so --filter=1024 >"$WORK/log" 2>&1; then
  grep -q 'debug build' "$WORK/log" || { cat "$WORK/log" && fail "the benchmark does not run"; }
fi
echo "the example of adding_a_question.md works"
