#!/usr/bin/env bash
# What compute-sanitizer says of the bug suite, as a Markdown table on stdout. Needs nvcc, compute-sanitizer and a GPU.
#
#   sanitize_on_gpu.sh [NAME ...]        all programs of this folder, or some: sanitize_on_gpu.sh oob_global_end
#
# A program with its bug runs under all four tools, its twin under the one that `// sanitizer:` names (memcheck where
# that is `crash`), and both without any. A run that does not end in SANITIZE_LIMIT_S seconds is stopped. Runs go
# SANITIZE_JOBS at a time, those that may hang at the end. The logs stay in SANITIZE_WORK, if that is given.
set -euo pipefail

FOLDER=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd -- "$FOLDER/../../.." && pwd)
TOOLS=(memcheck racecheck initcheck synccheck)
NO_FINDING='COMPUTE-SANITIZER|[A-Z]+ SUMMARY|Target application|Error: process|Error: Target|Saved host|Host Frame'
NO_FINDING+='|Device Frame|Internal|No attachable'
export SANITIZE_LIMIT_S=${SANITIZE_LIMIT_S:-20} SANITIZE_JOBS=${SANITIZE_JOBS:-6}
export SANITIZE_ARCH=${SANITIZE_ARCH:-native}
export PATH=$PATH:${CUDA_HOME:-/usr/local/cuda}/bin

head_of() { sed -n "s|^// $2: ||p" "$FOLDER/$1.cu"; }

# compile NAME FORM
compile() {
  local twin=()
  [[ $2 == bug ]] || twin=(-DTWIN)
  nvcc -std=c++20 -arch="$SANITIZE_ARCH" -lineinfo -I "$ROOT" "${twin[@]+"${twin[@]}"}" "$FOLDER/$1.cu" \
    -o "$SANITIZE_WORK/$1.$2" >"$SANITIZE_WORK/$1.$2.build" 2>&1 || echo "$1.$2" >>"$SANITIZE_WORK/not_built"
}

# run NAME FORM TOOL: the log goes to NAME.FORM.TOOL.log, the status behind it.
run() {
  local program=$SANITIZE_WORK/$1.$2 log=$SANITIZE_WORK/$1.$2.$3.log under=() status=0
  case $3 in
    plain) ;;
    memcheck)
      under=(compute-sanitizer --tool memcheck --track-stream-ordered-races all)
      [[ $(head_of "$1" bug) != leak ]] || under+=(--leak-check full)
      ;;
    *) under=(compute-sanitizer --tool "$3") ;;
  esac
  timeout -k 3 "$SANITIZE_LIMIT_S" "${under[@]+"${under[@]}"}" "$program" >"$log" 2>&1 </dev/null || status=$?
  echo "$status" >"${log%.log}.status"
}

# The first thing that a tool has found, empty if nothing. Its banner, its summaries and what it says of the program's
# end are no findings.
message() {
  sed -nE 's/^=+ +//p' "$SANITIZE_WORK/$1.log" | grep -E '^[A-Z]' |
    grep -vE "^($NO_FINDING)" | head -n 1 | cut -c 1-110 | tr '|' '/' || true
}

# Whether a log names a marked line.
names_line() {
  local line
  while read -r line; do
    grep -qE "$1\.cu:$line([^0-9]|\$)" "$SANITIZE_WORK/$2.log" && return 0
  done < <(grep -n '// BUG$' "$FOLDER/$1.cu" | cut -d: -f1)
  return 1
}

# How a run ended, where there is anything to say.
ending() {
  local status
  status=$(<"$SANITIZE_WORK/$1.status")
  case $status in
    0) ;;
    124 | 137) echo "stopped after $SANITIZE_LIMIT_S s" ;;
    139) echo 'segmentation fault' ;;
    *) echo "status $status: $(grep -oE 'cuda[A-Z][A-Za-z]+' "$SANITIZE_WORK/$1.log" | tail -n 1 || true)" ;;
  esac
}

row() {
  local name=$1 tool found='' twin said note text end
  note="plain run: $(ending "$name.bug.plain")"
  [[ $note != 'plain run: ' ]] || note='plain run: ends as if all were well'
  for tool in "${TOOLS[@]}"; do
    text=$(message "$name.bug.$tool")
    end=$(ending "$name.bug.$tool")
    if [[ -n $text ]]; then
      found+=${found:+, }$tool
      names_line "$name" "$name.bug.$tool" || found+=' (without the line)'
      note+="; $tool: $text"
    elif [[ $end == stopped* ]]; then
      note+="; $tool: $end"
    elif ! grep -q SUMMARY "$SANITIZE_WORK/$name.bug.$tool.log"; then
      note+="; $tool: failed"
    fi
  done
  twin=$(tool_for_twin "$name")
  said=$(message "$name.twin.$twin")
  for tool in "$twin" plain; do
    end=$(ending "$name.twin.$tool")
    [[ -z $end ]] || said+="${said:+; }$tool: $end"
  done
  found=${found:-nothing} said=${said:-nothing}
  printf '| %s | %s | %s | %s | %s |\n' "$name" "$(head_of "$name" bug)" "$found" "$said" "$note"
}

tool_for_twin() {
  local tool
  tool=$(head_of "$1" sanitizer)
  [[ $tool != crash ]] || tool=memcheck
  echo "$tool"
}

case ${1-} in
  --compile | --run)
    "${1#--}" "${@:2}"
    exit
    ;;
esac

for tool in nvcc compute-sanitizer; do
  command -v "$tool" >/dev/null || {
    echo "sanitize_on_gpu.sh: no $tool on the PATH or in CUDA_HOME/bin; it comes with the CUDA Toolkit" >&2
    exit 3
  }
done

names=("$@")
if ((${#names[@]} == 0)); then
  for source in "$FOLDER"/*.cu; do
    source=${source##*/}
    names+=("${source%.cu}")
  done
fi
if [[ -z ${SANITIZE_WORK-} ]]; then
  SANITIZE_WORK=$(mktemp -d)
  trap 'rm -rf -- "$SANITIZE_WORK"' EXIT
fi
mkdir -p "$SANITIZE_WORK"
export SANITIZE_WORK
rm -f -- "$SANITIZE_WORK/not_built"

for name in "${names[@]}"; do
  printf '%s bug\n%s twin\n' "$name" "$name"
done | xargs -P "$(nproc)" -n 2 bash "${BASH_SOURCE[0]}" --compile
if [[ -e $SANITIZE_WORK/not_built ]]; then
  echo 'sanitize_on_gpu.sh: nvcc refuses these:' >&2
  while read -r program; do
    echo "$program" && cat "$SANITIZE_WORK/$program.build"
  done <"$SANITIZE_WORK/not_built" >&2
  exit 1
fi
echo "built ${#names[@]} pairs in $SECONDS s" >&2

# runs_of NAME: the lines "NAME FORM TOOL".
runs_of() {
  local tool
  for tool in "${TOOLS[@]}" plain; do echo "$1 bug $tool"; done
  echo "$1 twin $(tool_for_twin "$1")"
  echo "$1 twin plain"
}
for may_hang in '' yes; do
  for name in "${names[@]}"; do
    [[ $(head_of "$name" hangs) != "$may_hang" ]] || runs_of "$name"
  done | xargs -r -P "$SANITIZE_JOBS" -n 3 bash "${BASH_SOURCE[0]}" --run
done
echo "ran them in $SECONDS s" >&2

echo '| name | kind | found by | said of the twin | note |'
echo '| --- | --- | --- | --- | --- |'
for name in "${names[@]}"; do row "$name"; done
