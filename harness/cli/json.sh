# JSON without python or jq: enough to read what Bazel and the grader write, and to write strings.
# shellcheck shell=bash

# Reads JSON documents, flattens them to lines "PATH<TAB>VALUE", as in
#   marks.earned<TAB>31
#   checks.0.id<TAB>a.small
# Strings are unescaped, but for line ends and tabs, which become spaces. One document a line; or, with
# `json_paths whole`, the whole input is one document. With several documents, a line "-" stands before each.
json_paths() {
  LC_ALL=C awk -v whole="${1-}" '
    function fail() { broken = 1; return "" }
    function skip_space() { if (match(text, /^[ \t\r\n]+/)) text = substr(text, RLENGTH + 1) }
    function string(   out, character) {
      if (!match(text, /^"([^"\\]|\\.)*"/)) return fail()
      out = substr(text, 2, RLENGTH - 2)
      text = substr(text, RLENGTH + 1)
      return index(out, "\\") ? unescape(out) : out
    }
    function unescape(raw,   out, at, code) {
      out = ""
      while ((at = index(raw, "\\")) > 0) {
        out = out substr(raw, 1, at - 1)
        code = substr(raw, at + 1, 1)
        raw = substr(raw, at + 2)
        if (code == "u") { out = out codepoint(substr(raw, 1, 4)); raw = substr(raw, 5) }
        else if (code ~ /[nrtbf]/) out = out " "
        else out = out code
      }
      return out raw
    }
    function codepoint(hex,   n, i) {
      n = 0
      for (i = 1; i <= 4; ++i) n = n * 16 + index("0123456789abcdef", tolower(substr(hex, i, 1))) - 1
      if (n < 32) return " "
      if (n < 128) return sprintf("%c", n)
      return "?"
    }
    function value(path,   i, key) {
      skip_space()
      if (broken || ++guard > 2000000) return fail()
      if (text ~ /^\{/) {
        text = substr(text, 2); skip_space()
        if (text ~ /^\}/) { text = substr(text, 2); return }
        do {
          skip_space(); key = string(); skip_space()
          if (broken || text !~ /^:/) return fail()
          text = substr(text, 2)
          value(path == "" ? key : path "." key)
          if (broken) return
          skip_space()
          key = substr(text, 1, 1); text = substr(text, 2)
        } while (key == ",")
        if (key != "}") return fail()
      } else if (text ~ /^\[/) {
        text = substr(text, 2); skip_space()
        if (text ~ /^\]/) { text = substr(text, 2); return }
        i = 0
        do {
          value(path "." i); ++i
          if (broken) return
          skip_space()
          key = substr(text, 1, 1); text = substr(text, 2)
        } while (key == ",")
        if (key != "]") return fail()
      } else if (text ~ /^"/) {
        key = string()
        gsub(/[\t\r\n]/, " ", key)
        if (!broken) print path "\t" key
      } else if (match(text, /^[-+.A-Za-z0-9]+/)) {
        print path "\t" substr(text, 1, RLENGTH)
        text = substr(text, RLENGTH + 1)
      } else fail()
    }
    function document(input) { text = input; broken = 0; print "-"; value("") }
    whole != "" { all = all $0 "\n"; next }
    /[^ \t\r]/ { document($0) }
    END { if (whole != "") document(all) }
  '
}

# A JSON string, quotes included. Bytes that are not UTF-8 become '?'.
json_string() {
  local text=$1
  if have iconv && ! printf '%s' "$text" | iconv -f UTF-8 -t UTF-8 >/dev/null 2>&1; then
    text=$(printf '%s' "$text" | LC_ALL=C tr '\200-\377' '?')
  fi
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//$'\n'/\\n}
  text=${text//$'\t'/\\t}
  text=${text//$'\r'/\\r}
  text=$(printf '%s' "$text" | LC_ALL=C tr '\001-\037\177' ' ')
  printf '"%s"' "$text"
}
