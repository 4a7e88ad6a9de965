# What a grade leaves behind: .workbench/results/q02.json and q02/ (the report's other files).
# shellcheck shell=bash

# result_file QUESTION answer|reference PART: the reference and single parts do not overwrite the marks of a whole answer.
result_file() {
  local name
  name=$(question_number "$1")
  [[ $2 == answer ]] || name+=.$2
  [[ -z $3 ]] || name+=.$3
  printf '%s/results/%s.json' "$STATE_FOLDER" "$name"
}

# "31 / 60", or nothing where there is no readable result.
result_marks() {
  [[ -r $1 ]] || return 0
  json_paths whole <"$1" | LC_ALL=C awk -F '\t' '
    $1 == "marks.earned" { earned = $2 }
    $1 == "marks.possible" { possible = $2 }
    END { if (earned != "" && possible != "") printf "%.4g / %.4g", earned, possible }'
}

# The check that failed first had a verdict; prints it, as in "wrong" or "grader_fault".
result_lead_verdict() {
  [[ -r $1 ]] || return 0
  json_paths whole <"$1" | LC_ALL=C awk -F '\t' '
    $1 == "lead" { lead = $2 }
    $1 ~ /^checks\.[0-9]+\.id$/ { id = $2 }
    $1 ~ /^checks\.[0-9]+\.verdict$/ { verdict[id] = $2 }
    END { print verdict[lead] }'
}

# unpack_outputs FOLDER TO: what the test wrote, whether this Bazel packed it or not.
unpack_outputs() {
  local from=$1 to=$2
  mkdir -p -- "$to" || return 1
  if [[ -f $from/outputs.zip ]]; then
    unzip -qq -o "$from/outputs.zip" -d "$to" >/dev/null 2>&1
  elif [[ -d $from ]]; then
    cp -R -- "$from/." "$to/" 2>/dev/null
  else
    return 1
  fi
}

# keep_result FOLDER FILE: puts the result and the report's files from the unpacked FOLDER where they are kept. Adds to
# NOT_KEPT what cannot be.
keep_result() {
  local from=$1 file=$2 report=${2%.json} fresh
  fresh=$file.$$
  if ! { mkdir -p -- "${file%/*}" && cp -- "$from/result.json" "$fresh" && mv -f -- "$fresh" "$file"; } 2>/dev/null; then
    rm -f -- "$fresh" 2>/dev/null || true
    NOT_KEPT+=("the result (${file%/*} cannot be written, or its disk is full)")
    return 0
  fi
  rm -rf -- "$report" "$report.$$" 2>/dev/null || true
  if ! { cp -R -- "$from" "$report.$$" && mv -- "$report.$$" "$report"; } 2>/dev/null; then
    rm -rf -- "$report.$$" 2>/dev/null || true
    NOT_KEPT+=("the report's files ($report cannot be written, or its disk is full)")
  fi
}

# result_changes OLD NEW: what is different in the second result, a line for each check, and the marks.
result_changes() {
  {
    json_paths whole <"$1" | sed $'s/^/old\t/'
    json_paths whole <"$2" | sed $'s/^/new\t/'
  } | LC_ALL=C awk -F '\t' '
    function shown(verdict) {
      if (verdict == "pass") return "ok"
      if (verdict == "not_graded") return "not graded"
      if (verdict == "too_slow") return "SLOW"
      if (verdict == "device_error") return "GPU ERROR"
      gsub(/_/, " ", verdict)
      return toupper(verdict)
    }
    $2 == "marks.earned" { earned[$1] = $3 }
    $2 == "marks.possible" { possible[$1] = $3 }
    $2 ~ /^checks\.[0-9]+\.id$/ { id = $3; if ($1 == "new") order[++count] = id }
    $2 ~ /^checks\.[0-9]+\.verdict$/ { verdict[$1, id] = $3 }
    END {
      for (i = 1; i <= count; ++i) {
        id = order[i]
        before = verdict["old", id]; now = verdict["new", id]
        if (before != "" && before != now) printf "  now %-12s %s   (was %s)\n", shown(now), id, shown(before)
      }
      delta = earned["new"] - earned["old"]
      printf "  marks %.4g / %.4g", earned["new"], possible["new"]
      if (delta != 0) printf "   (%+.4g)", delta
      print ""
    }'
}

# export_result FOLDER FILE: for --json.
export_result() {
  local from=$1 file=$2
  [[ $file == /* ]] || file=$CALLED_FROM/$file
  if [[ ! -f $from/result.json ]]; then
    note "--json: there is no result to write to $file"
  elif ! cp -- "$from/result.json" "$file" 2>/dev/null; then
    note "--json: $file cannot be written"
    return 1
  fi
}
