# Runs Bazel and shows of its output what concerns people: compile errors with paths in the checkout, and set-up faults.
# shellcheck shell=bash disable=SC2034  # other groups read what is set here

BAZEL_OPTIONS=()

# The one target that the run is about.
WANTED_TARGET=//none

# What the last run's output told, beyond its exit status.
SAW_NO_SUCH_TARGET=false
SAW_NOT_INSTALLED=false
SAW_DISK_FULL=false

# Where in the output the reading is.
IN_TEST_LOG=false
IN_HIDDEN_STEP=false

readonly PROGRESS_LINE='^\[[0-9,]+ / [0-9,]+\]|^(Loading|Analyzing|Checking cached actions|Computing main repo mapping)\b'

# The folder that Bazel keeps its cache in.
bazel_cache_folder() {
  if [[ ${#BAZEL_OPTIONS[@]} -gt 0 ]]; then
    printf '%s' "${BAZEL_OPTIONS[0]#--output_user_root=}"
  elif [[ -n ${TEST_TMPDIR-} ]]; then
    printf '%s' "$TEST_TMPDIR"
  else
    printf '%s' "$HOME/.cache/bazel"
  fi
}

# Where HOME cannot be written, Bazel gets a folder that can.
choose_bazel_folder() {
  [[ -z ${TEST_TMPDIR-} ]] || return 0
  { mkdir -p -- "$HOME/.cache/bazel" && [[ -w $HOME/.cache/bazel ]]; } 2>/dev/null && return 0
  BAZEL_OPTIONS=("--output_user_root=${TMPDIR:-/tmp}/bazel-$(id -u)")
}

# Where gcc is too old for C++20 and a newer one lies beside it, Bazel is pointed to that one.
choose_compiler() {
  [[ -z ${CC-} ]] || return 0
  local newer
  newer=$(newer_gcc)
  [[ -z $newer ]] || export CC=$newer
}

bazel_environment() {
  if [[ $ROOT == *[[:space:]]* ]]; then
    die "$EXIT_SETUP" "Bazel cannot work in a path with spaces ($ROOT): move the checkout to one without"
  fi
  choose_bazel_folder
  choose_compiler
}

# run_bazel TICKER COMMAND ARGS...: the exit status is left in STREAM_STATUS.
run_bazel() {
  local ticker=$1 command=$2 progress=(--noshow_progress)
  shift 2
  on_terminal && progress=(--show_progress --show_progress_rate_limit=0.5)
  SAW_NOT_INSTALLED=false SAW_NO_SUCH_TARGET=false SAW_DISK_FULL=false
  IN_TEST_LOG=false IN_HIDDEN_STEP=false
  stream bazel_line "$ticker" \
    bazel "${BAZEL_OPTIONS[@]}" "$command" --curses=no --color=no "${progress[@]}" "$@"
}

bazel_tick() { printf 'workbench: still building or running: %d s\n' "$1" >&2; }

bazel_line() {
  local line=$1
  [[ $line == *'No space left on device'* ]] && SAW_DISK_FULL=true
  if $IN_TEST_LOG; then
    printf '%s\n' "$line"
    [[ ${#line} -ge 80 && -z ${line//=/} ]] && IN_TEST_LOG=false
    return 0
  fi
  if [[ $line =~ $PROGRESS_LINE ]]; then
    IN_HIDDEN_STEP=false
    transient "$line"
    return 0
  fi
  [[ $line =~ ^[A-Z]+:\ |^===== ]] && IN_HIDDEN_STEP=false
  # What a step printed that succeeded is warnings: those of one's own answer are worth reading.
  [[ $line == 'INFO: From '* && $line != */answer/* ]] && IN_HIDDEN_STEP=true
  if $IN_HIDDEN_STEP; then return 0; fi
  case $line in
    '==================== Test output for '*) IN_TEST_LOG=true ;;
    *' is not installed (looked for '*) SAW_NOT_INSTALLED=true ;;
    *"no such target '$WANTED_TARGET'"*)
      SAW_NO_SUCH_TARGET=true
      return 0
      ;;
    'Another command '*)
      note "another Bazel command is running in this checkout; this one goes on when that one ends (Ctrl-C gives up)"
      return 0
      ;;
  esac
  bazel_noise "$line" && return 0
  transient ''
  printf '%s\n' "$(plain_line "$line")"
}

# What Bazel says of itself, and people need not read.
bazel_noise() {
  case $1 in
    '' | INFO:* | DEBUG:* | WARNING:*) ;;
    'Starting local Bazel server'* | '... still trying to connect'* | 'Extracting Bazel installation'*) ;;
    'Waiting for it to complete'* | 'pid='* | 'owner='* | 'cwd='*) ;;
    'FAIL: //'* | 'FAILED: //'* | 'TIMEOUT: //'* | 'FLAKY: //'* | 'PASS: //'* | 'CANCELLED: //'*) ;;
    'Target //'*' failed to build' | 'Use --verbose_failures'* | 'Use --sandbox_debug'*) ;;
    'FAILED: Build did NOT complete'* | 'ERROR: Build did NOT complete'* | 'ERROR: Build failed. Not running'*) ;;
    "ERROR: Couldn't start the build"*) ;;
    '      /'*.log | '  cannot create symbolic link '*) ;;
    'Executed '*' out of '* | 'There were tests whose specified size'*) ;;
    *) return 1 ;;
  esac
}

# Paths as they are in the checkout; no compiler command lines.
plain_line() {
  local line=$1
  [[ $line == ERROR:* ]] && line=${line%%: error executing command*}
  line=${line//"$ROOT/"/}
  if [[ $line == */execroot/* ]]; then
    line=$(printf '%s' "$line" | sed -E 's#/[^ :"'\'']*/execroot/[^/ ]+/##g')
  fi
  printf '%s' "$line"
}

# Says what a failing Bazel means where its own words do not, and leaves with the right code. Returns when the build and
# the set-up were fine.
explain_bazel_status() {
  local status=$1
  if $SAW_DISK_FULL; then
    die "$EXIT_SETUP" "a disk is full: free some space (./workbench doctor shows where; Bazel's files are in $(bazel_cache_folder))"
  fi
  case $status in
    0 | 3) return 0 ;;
    1)
      $SAW_NOT_INSTALLED && die "$EXIT_SETUP" "a library is missing (see above); ./workbench doctor tells more"
      return 0
      ;;
    8) interrupted 130 ;;
    127) die "$EXIT_SETUP" "Bazel is not on the PATH: ./workbench setup installs it" ;;
    *) die "$EXIT_NO_VERDICT" "Bazel itself failed (exit code $status), see above; ./workbench doctor may tell why" ;;
  esac
}

# The events that Bazel wrote, flattened by json_paths; only those that hold one of the words given.
bazel_events() {
  local file=$1 word patterns=()
  shift
  for word in "$@"; do patterns+=(-e "\"$word\""); done
  [[ -r $file ]] || return 0
  { LC_ALL=C grep -aF "${patterns[@]}" -- "$file" || true; } | json_paths
}

# file:///a%20b -> /a b
path_of_uri() {
  local uri=$1
  [[ $uri == file://* ]] || return 0
  uri=${uri#file://}
  uri=${uri//\\/\\\\}
  printf '%b' "${uri//%/\\x}"
}
