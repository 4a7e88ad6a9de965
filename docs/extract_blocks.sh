#!/usr/bin/env bash
# extract_blocks.sh DOCUMENT FOLDER: writes each fenced block that follows a line **`path`** to FOLDER/path.
set -euo pipefail

mkdir -p -- "$2"
awk -v folder="$2" '
  /^```/ && writing { close(file); writing = 0; path = ""; next }
  writing { print > file; next }
  /^```/ && path != "" {
    file = folder "/" path
    directory = file
    sub(/\/[^\/]*$/, "", directory)
    system("mkdir -p \"" directory "\"")
    printf "" > file
    writing = 1
    next
  }
  /^\*\*`[A-Za-z0-9_.\/]+`\*\*$/ { path = substr($0, 4, length($0) - 6); next }
  NF { path = "" }
' "$1"
