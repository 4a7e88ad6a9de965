# Cases of cli_test.sh: docs.
# shellcheck shell=bash disable=SC2016,SC2034  # the fakes expand what stands in quotes; the library reads OUT, RC

test_docs() {
  local site=$WORK/bin/docs/site_html pid
  mkdir -p "$site"
  touch "$site/index.html"
  bazel_does 'if [[ $1 == info ]]; then echo "$WORK/bin"; fi'

  case_is 'docs: only built'
  workbench docs --no-serve
  expect_rc 0
  expect_last_line "$site/index.html"
  expect_called 'build --curses=no --color=no --noshow_progress //docs:site'

  case_is 'docs: wrong use'
  for port in 0 65536 80x ''; do
    workbench docs --port "$port"
    expect_rc 2
    expect '--port is a number from 1 to 65535'
  done
  workbench docs q02
  expect_rc 2
  expect "what is 'q02'"
  expect_not_called bazel

  case_is 'docs: it does not build'
  bazel_does 'echo "docs/site/site.cc:1:1: error: no"; exit 1'
  workbench docs
  expect_rc 4
  expect 'error: no' '//docs:site did not build'
  bazel_does 'if [[ $1 == info ]]; then echo "$WORK/bin"; fi'

  case_is 'docs: the port is taken'
  fake python3 'echo "Traceback (most recent call last):"; echo "OSError: [Errno 98] Address already in use"; exit 1'
  workbench docs --port=8000
  expect_rc 1
  expect 'port 8000 is in use'
  refuse 'Traceback'

  case_is 'docs: served until Ctrl-C'
  fake python3 'echo "$*" >>"$LOG"; echo "Serving HTTP on 127.0.0.1 port 41234 (http://127.0.0.1:41234/) ..."
    echo "127.0.0.1 - - GET / 200"; echo $$ >"$WORK/server.pid"; exec sleep 60'
  rm -f "$WORK/server.pid"
  : >"$LOG"
  # Bash ignores SIGINT in what it starts in the background; env puts the default back.
  (cd "$TREE" && exec env --default-signal=INT "$TREE/workbench" docs) >"$WORK/docs.out" 2>&1 &
  pid=$!
  for _ in {1..100}; do [[ -s $WORK/server.pid ]] || sleep 0.1; done
  sleep 0.3
  kill -INT "$pid"
  RC=0
  wait "$pid" || RC=$?
  OUT=$(<"$WORK/docs.out")
  expect_rc 0
  expect 'http://127.0.0.1:41234/' 'stopped'
  refuse 'GET /'
  expect_called "-m http.server 0 --bind 127.0.0.1 --directory $site"
  ! kill -0 "$(<"$WORK/server.pid")" 2>/dev/null || fail 'the server is still there'
  fake python3 'true'
  bazel_does 'exit 0'
}
