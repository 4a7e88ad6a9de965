# ./workbench docs: builds the documentation site and serves it to this machine's browser.
# shellcheck shell=bash

help_docs() {
  cat <<'HELP'
./workbench docs [--port N] [--no-serve]

Builds the documentation site (questions, hints, notes, chapters, in English and Chinese) and serves it on 127.0.0.1 until
Ctrl-C. The pages need no server: they can be opened as files too.

  --port N     on this port; without it, one that is free
  --no-serve   builds only, and prints the path of index.html

Exit codes: 0 fine, 1 the port cannot be used, 2 wrong usage, 3 set-up missing, 4 did not build.

Example:
  ./workbench docs --port 8000
HELP
}

# Set by parse_docs.
DOCS_PORT=0 DOCS_SERVE=true

parse_docs() {
  local flag
  while (($# > 0)); do
    flag=$1
    if [[ $flag == --*=* ]]; then
      set -- "${flag%%=*}" "${flag#*=}" "${@:2}"
      flag=$1
    fi
    case $flag in
      --port)
        if [[ ! ${2-} =~ ^[1-9][0-9]{0,4}$ ]] || (($2 > 65535)); then
          usage_error "docs: --port is a number from 1 to 65535, not '${2-}'"
        fi
        DOCS_PORT=$2
        shift
        ;;
      --no-serve) DOCS_SERVE=false ;;
      *) usage_error "docs: what is '$flag'? See ./workbench docs --help" ;;
    esac
    shift
  done
}

command_docs() {
  parse_docs "$@"
  ensure_setup
  bazel_environment
  take_lock
  WANTED_TARGET=//docs:site
  run_bazel bazel_tick build "$WANTED_TARGET"
  explain_bazel_status "$STREAM_STATUS"
  [[ $STREAM_STATUS == 0 ]] || die "$EXIT_BUILD" "$WANTED_TARGET did not build: the messages are above"
  local outputs
  outputs=$(bazel "${BAZEL_OPTIONS[@]}" info bazel-bin 2>/dev/null) || outputs=$ROOT/bazel-bin
  drop_lock
  local site=$outputs/docs/site_html
  [[ -r $site/index.html ]] || die "$EXIT_BUILD" "the site was built, but $site/index.html cannot be read"
  if ! $DOCS_SERVE; then
    printf '%s\n' "$site/index.html"
    return 0
  fi
  serve_docs "$site"
}

SERVER_TROUBLE=

serve_docs() {
  trap stop_serving INT TERM HUP
  stream server_line : python3 -u -m http.server "$DOCS_PORT" --bind 127.0.0.1 --directory "$1"
  [[ $SERVER_TROUBLE != *'Address already in use'* ]] ||
    die "$EXIT_FAILED" "port $DOCS_PORT is in use: choose another one, or leave out --port"
  [[ $SERVER_TROUBLE != *'Permission denied'* ]] || die "$EXIT_FAILED" "port $DOCS_PORT is not for this user: take one above 1023"
  die "$EXIT_FAILED" "the server ended${SERVER_TROUBLE:+: $SERVER_TROUBLE}"
}

# The server's first line has the port that it got; its log of requests concerns nobody.
server_line() {
  if [[ $1 =~ ^Serving\ HTTP\ on\ .*\ port\ ([0-9]+) ]]; then
    printf 'The documentation is at http://127.0.0.1:%s/   (Ctrl-C ends this)\n' "${BASH_REMATCH[1]}"
  elif [[ $1 =~ ^[A-Za-z]*Error ]]; then
    SERVER_TROUBLE=$1
  fi
}

stop_serving() {
  trap '' INT TERM HUP
  if [[ -n $CHILD_PID ]] && kill -TERM "$CHILD_PID" 2>/dev/null; then wait "$CHILD_PID" 2>/dev/null || true; fi
  transient ''
  echo 'stopped'
  exit 0
}
