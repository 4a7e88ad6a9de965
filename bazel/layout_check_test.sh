#!/usr/bin/env bash
# Tests layout_check.sh and packages_check.sh: a small tree that they accept, and that tree with one thing amiss at a time.
set -euo pipefail

LAYOUT=$PWD/bazel/layout_check.sh
PACKAGES=$PWD/bazel/packages_check.sh
WORK=${TEST_TMPDIR:-$(mktemp -d)}
FAILED=0
CASES=0

make_tree() {
  rm -rf -- "$WORK/tree"
  mkdir -p "$WORK/tree"
  cd "$WORK/tree"
  local q=questions/q99_sum s=solutions/q99_sum
  mkdir -p $q/{skeleton,wrong,right,figures} $s
  # shellcheck disable=SC2016  # backquotes of Markdown
  printf '# Q99 Sum\n\n| `a.values` | sums |\n![](figures/sum.svg)\n' >$q/spec.md
  echo '# Q99' >$q/spec.zh.md
  echo '// contract' >$q/api.h
  printf '# Hints\n\n## a.values\n\n1. add\n' >$q/hints.md
  echo '// checks' >$q/checks.cc
  echo '"api.h" "checks.cc"' >$q/BUILD
  echo '// skeleton' >$q/skeleton/sum.cc
  echo '<svg/>' >$q/figures/sum.svg
  printf '// check: a.values\n// source: common\n// why: zero\n' >$q/wrong/a_zero.cc
  printf '# check: a.imports\n# source: common\n# why: cheats\n' >$q/wrong/a_cheats.patch
  echo '// backwards' >$q/right/a_backwards.cc
  echo '"sum.cc"' >$s/BUILD
  echo '// reference' >$s/sum.cc
  echo '# Notes' >$s/notes.md
  echo '[Sum](questions/q99_sum/spec.md)' >README.md
  echo '[Sum](questions/q99_sum/spec.zh.md)' >README.zh.md
  cat >grader <<'GRADER'
#!/bin/sh
for flag; do case $flag in --json=*) printf '  "id": "a.values",\n' >"${flag#*=}" ;; esac; done
GRADER
  chmod +x grader
}

layout() { "$LAYOUT" --question=questions/q99_sum --solution=solutions/q99_sum --grader=./grader a=sum.cc; }
packages() { "$PACKAGES" "$WORK/tree"; }

accepts() {
  CASES=$((CASES + 1))
  local said
  if ! said=$("$1" 2>&1); then
    printf '%s rejects a good tree:\n%s\n' "$1" "$said"
    FAILED=$((FAILED + 1))
  fi
}

# rejects CHECKER WORDS COMMAND: after the command in a fresh tree, the checker fails and its one complaint has the words.
rejects() {
  CASES=$((CASES + 1))
  local checker=$1 words=$2 said
  make_tree
  eval "$3"
  if said=$("$checker" 2>&1); then
    printf 'after %s: %s accepts it\n' "$3" "$checker"
    FAILED=$((FAILED + 1))
  elif [[ $said != *"$words"* || $said != *$'\n1 thing(s) amiss'* ]]; then
    printf 'after %s: %s should complain of "%s" alone, and says\n%s\n' "$3" "$checker" "$words" "$said"
    FAILED=$((FAILED + 1))
  fi
}

make_tree
accepts layout
accepts packages

Q=questions/q99_sum S=solutions/q99_sum
for file in $Q/spec.zh.md $Q/api.h $Q/checks.cc $Q/skeleton/sum.cc $S/notes.md $S/sum.cc; do
  rejects layout "$file is missing or empty" "rm $file"
  rejects layout "$file is missing or empty" ": >$file"
done
rejects layout "wrong/ has no answers" "rm $Q/wrong/*"
rejects layout "right/ has no answers" "rm $Q/right/*"
rejects layout "the first line has to be" "sed -i '1s/.*/Q99 Sum/' $Q/spec.md"

rejects layout "stray: $Q/notes.txt" "touch $Q/notes.txt"
rejects layout "stray: $Q/.api.h.swp" "touch $Q/.api.h.swp"
rejects layout "stray: $Q/wrong/a_zero.cc.orig" "cp $Q/wrong/a_zero.cc $Q/wrong/a_zero.cc.orig"
rejects layout "stray: $Q/skeleton/more.cc is the file of no part" "touch $Q/skeleton/more.cc"
rejects layout "$Q/BUILD does not name helper.cc" "touch $Q/helper.cc"
rejects layout "no spec shows $Q/figures/old.svg" "touch $Q/figures/old.svg"
rejects layout "lies too deep" "mkdir $Q/right/more && touch $Q/right/more/a_x.cc"
rejects layout "begin with a part" "cp $Q/right/a_backwards.cc $Q/right/b_backwards.cc"
rejects layout "stray: $S/old.patch" "touch $S/old.patch"
rejects layout "$S/BUILD does not name old.cc" "touch $S/old.cc"

for word in check source why; do
  rejects layout "lack '$word: ...'" "sed -i '/$word:/d' $Q/wrong/a_zero.cc"
done
rejects layout "names the check 'a.speed'" "sed -i 's/a.values/a.speed/' $Q/wrong/a_zero.cc"
rejects layout "names the check 'b.imports'" "sed -i 's/a.imports/b.imports/' $Q/wrong/a_cheats.patch"
rejects layout "hints for 'a.speed', which is no check" "echo '## a.speed' >>$Q/hints.md"
rejects layout "spec.md does not name the check" "sed -i 's/a.values/a.value/' $Q/spec.md"
rejects layout "lists no checks" "echo 'exit 1' >grader"

rejects packages "solutions/q99_sum has no BUILD" "rm $S/BUILD"
rejects packages "questions/q98_more has no counterpart" "mkdir questions/q98_more && touch questions/q98_more/BUILD && echo '(questions/q98_more/spec.md)' >>README.md && echo '(questions/q98_more/spec.zh.md)' >>README.zh.md"
rejects packages "solutions/q98_more has no counterpart" "mkdir solutions/q98_more && touch solutions/q98_more/BUILD"
rejects packages "README.md does not link" ": >README.md"
rejects packages "README.zh.md does not link" ": >README.zh.md"

if ((FAILED > 0)); then
  printf '%d of %d cases failed\n' "$FAILED" "$CASES"
  exit 1
fi
printf '%d cases passed\n' "$CASES"
