#!/usr/bin/env bash
# list_to_markdown.sh CONFORMANCE_BINARY: the page of what host mode supports, from the suite's own list.
# With a second argument, a file that has to be that page: exit 1 and the difference if it is not.
set -euo pipefail
page() {
  printf '# What host mode supports\n\n'
  printf 'Each line is a case of the conformance suite (`harness/host/conformance`), which passes on a GPU with nvcc and\n'
  printf 'NCCL, and on the CPU. This page is made from its list:\n'
  printf '`bazel run //harness/host/conformance:list > docs/host_mode_supported.md`.\n'
  "$1" --list | awk -F'\t' '
    { split($1, id, "/") }
    id[1] != group { group = id[1]; title = group; gsub(/_/, " ", title); printf "\n## %s\n\n", title }
    { printf "- `%s`: %s\n", id[2], $2 }'
}
if (($# == 1)); then
  page "$1"
else
  diff <(page "$1") "$2" || {
    echo 'docs/host_mode_supported.md is not what the suite has: bazel run //harness/host/conformance:list > docs/host_mode_supported.md' >&2
    exit 1
  }
fi
