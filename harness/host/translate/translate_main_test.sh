#!/usr/bin/env bash
# The translator as a program: the preprocessor's flags, what it complains of, and that no output is left behind.
set -euo pipefail

translate=$PWD/$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
  echo "$1" >&2
  sed 's/^/  | /' err >&2
  exit 1
}

# Translates a.cu into a.cc; further arguments are the compiler's.
run() {
  rc=0
  "$translate" --out=a.cc --source=a.cu -- -Iinclude "$@" > out 2> err || rc=$?
}

mkdir -p include/cuda_host
printf '#define __device__\n' > include/cuda_runtime.h
printf '#undef __device__\n' > include/cuda_host/translated.h

cat > a.cu <<'END'
#include <cstddef>
#ifdef __CUDA_ARCH__
#error
#endif
#if __CUDACC__ != 1 || WORKBENCH_HOST_MODE != 1 || NUMBER != 3
#error
#endif
__device__ int Line() { return __LINE__ + WRONG; }
END
run -DNUMBER=3
[[ $rc == 0 && ! -s err ]] || fail "a source is not translated"
grep -q "^ int Line() { return 8 + WRONG; }$" a.cc || fail "a.cc has not what it should have"
# The compiler needs no include paths, and speaks of the user's file.
g++ -std=c++20 -fsyntax-only a.cc 2> err && fail "WRONG compiles"
grep -q "^a.cu:8:.*WRONG" err || fail "the compiler's error does not point into a.cu"

run -DNUMBER=4
[[ $rc == 1 && ! -e a.cc ]] || fail "an output is left behind where the preprocessor fails"
grep -q "^a.cu:6:2: error: #error" err || fail "the preprocessor's error is lost"

printf '\n#include "absent.h"\n' > a.cu
run
[[ $rc == 1 && $(grep -c . err) -ge 1 ]] || fail "an absent header is no error"
grep -q "^a.cu:2:10: fatal error: absent.h: No such file" err || fail "the absent header is not named"
if grep -q "host mode has no" err; then fail "a hint for a header of the user's"; fi

printf '\n#include <cub/cub.cuh>\n' > a.cu
run
grep -q "^a.cu:2: host mode has no <cub/cub.cuh>" err || fail "no hint for a header of CUDA"

printf '__device__ void f() {\n  asm("exit;");\n  asm("trap;");\n}\n' > a.cu
touch a.cc
run
[[ $rc == 1 && ! -e a.cc ]] || fail "an output is left behind where the translation fails"
[[ $(grep -c "^a.cu:[23]: inline PTX" err) == 2 ]] || fail "not every error is told"

printf 'int x;\n' > a.cu
rc=0
"$translate" --out=absent/a.cc --source=a.cu -- -Iinclude > out 2> err || rc=$?
[[ $rc == 1 ]] || fail "an output that cannot be written is no error"
rc=0
"$translate" --out=a.cc --source=a.cu --compiler=./absent -- > out 2> err || rc=$?
[[ $rc == 1 && $(< err) == *"cannot run ./absent"* ]] || fail "an absent compiler is no error"
rc=0
"$translate" --out=a.cc --sauce=a.cu > out 2> err || rc=$?
[[ $rc == 2 && $(< err) == *"unknown argument --sauce"* ]] || fail "a wrong argument is no error"
