# ./workbench setup: finds out what is missing, and installs it where that is possible.
# shellcheck shell=bash

help_setup() {
  cat <<'HELP'
./workbench setup [--yes] [--check]

Installs what the workbench needs and this machine lacks: a C++ compiler, Bazel, Open MPI and a few libraries, all from
Debian's or Ubuntu's own packages. As root, or where `sudo` asks for no password; otherwise it prints the line to hand to
an administrator. The CUDA Toolkit and NCCL are never installed: ./workbench doctor says how to get them.

  --yes     does not ask (it only asks on a terminal)
  --check   only looks

Exit codes: 0 nothing is missing any more, 3 something is.

Example:
  ./workbench setup --yes
HELP
}

# Where headers and libraries are looked for. The prefix is empty but in the test of this command.
readonly SYSTEM=${WORKBENCH_TEST_SYSTEM-}
readonly INCLUDE_FOLDERS=(/usr/include /usr/local/include /usr/include/x86_64-linux-gnu /usr/include/aarch64-linux-gnu
  /usr/lib/x86_64-linux-gnu/openmpi/include /usr/lib/aarch64-linux-gnu/openmpi/include)
readonly LIBRARY_FOLDERS=(/usr/lib/x86_64-linux-gnu /usr/lib/aarch64-linux-gnu /usr/lib64 /usr/local/lib /usr/lib)

# Bazel's own test wrapper calls zip, file and python3.
readonly TOOLS=(patch zip unzip file python3)

# ID|what people call it|Debian's packages|header|library   (without a header: probed by a function)
readonly REQUIREMENTS=(
  'compiler|C++20 compiler (g++ 12 or newer)|g++||'
  'bazel|Bazel 4.2.3 to 7|bazel-bootstrap bazel-skylib bazel-platforms||'
  'jdk|JDK (Bazel runs on it)|default-jdk-headless||'
  'mpi|Open MPI|libopenmpi-dev openmpi-bin|mpi.h|libmpi.so'
  'googletest|GoogleTest and GoogleMock|libgtest-dev libgmock-dev|gmock/gmock.h|libgmock.a'
  'benchmark|Google Benchmark|libbenchmark-dev|benchmark/benchmark.h|libbenchmark.so'
  'cmark-gfm|cmark-gfm|libcmark-gfm-dev libcmark-gfm-extensions-dev|cmark-gfm-core-extensions.h|libcmark-gfm-extensions.so'
  'json|nlohmann JSON|nlohmann-json3-dev|nlohmann/json.hpp|'
  'valijson|Valijson|libvalijson-dev|valijson/validator.hpp|'
  'katex|KaTeX, for formulas in the docs site|libjs-katex||'
  'highlight|highlight.js, for code in the docs site|libjs-highlight.js||'
  'sqlite3|SQLite|libsqlite3-dev|sqlite3.h|libsqlite3.so'
  'zlib|zlib|zlib1g-dev|zlib.h|libz.so'
  'zstd|Zstandard|libzstd-dev|zstd.h|libzstd.so'
  'xxhash|xxHash|libxxhash-dev|xxhash.h|'
  'uring|liburing|liburing-dev|liburing.h|liburing.so'
  'tools|patch, zip, unzip, file, python3|patch zip unzip file python3||'
)

# What only tests of the workbench itself use; without it they are skipped, visibly.
readonly TEST_REQUIREMENTS=(
  'browser|Chromium, its driver and Selenium, for tests of pages|chromium chromium-driver python3-selenium||'
  'node|Node.js, for tests of figures|nodejs||'
  "examples|CommonMark's examples, for tests of the renderer|golang-github-yuin-goldmark-dev||"
)

# The rows that are looked for.
WANTED=("${REQUIREMENTS[@]}")

MISSING_TITLES=()
MISSING_PACKAGES=()

# find_file NAME FOLDER...: prints the first folder that has it.
find_file() {
  local name=$1 folder
  shift
  for folder in "$@"; do
    if [[ -e $SYSTEM$folder/$name ]]; then
      printf '%s' "$SYSTEM$folder"
      return 0
    fi
  done
  return 1
}

# The major version of a compiler, 0 where there is none.
compiler_major() {
  local version
  version=$("$1" -dumpversion 2>/dev/null) || version=0
  version=${version%%.*}
  [[ $version =~ ^[0-9]+$ ]] || version=0
  printf '%d' "$version"
}

# A gcc that is new enough and has another name; nothing where `gcc` itself will do.
newer_gcc() {
  local name
  (($(compiler_major g++) < 12)) || return 0
  for name in 15 14 13 12; do
    if have "g++-$name" && have "gcc-$name"; then
      printf 'gcc-%s' "$name"
      return 0
    fi
  done
}

probe_compiler() {
  if [[ -n ${CC-} ]]; then
    local least=12
    [[ $("$CC" --version 2>/dev/null || true) == *clang* ]] && least=14
    (($(compiler_major "$CC") >= least))
    return
  fi
  (($(compiler_major g++) >= 12)) || [[ -n $(newer_gcc) ]]
}

# "4.2.3"; "Debian" for Debian's build, which reports none; empty where there is no Bazel or it cannot run.
bazel_version() {
  have bazel || return 0
  local text
  text=$(bazel --version 2>/dev/null) || return 0
  case $text in
    *no_version*) printf 'Debian' ;;
    'bazel '[0-9]*)
      text=${text#bazel }
      printf '%s' "${text%%[- ]*}"
      ;;
  esac
}

probe_bazel() {
  local version major minor patch
  version=$(bazel_version)
  [[ $version == Debian ]] && return 0
  IFS=. read -r major minor patch <<<"$version"
  patch=${patch%%[!0-9]*}
  [[ ${major-} =~ ^[0-9]+$ ]] || return 1
  ((major >= 5 && major <= 7)) || ((major == 4 && (minor > 2 || (minor == 2 && ${patch:-0} >= 3))))
}

# Only Debian's Bazel needs one: others bring their own.
probe_jdk() {
  have javac || [[ -n ${JAVA_HOME-} && -x $JAVA_HOME/bin/javac ]] || [[ $(bazel_version) == [0-9]* ]]
}

probe_browser() { have chromium && have chromedriver && python3 -c 'import selenium' 2>/dev/null; }
probe_node() { have node; }
probe_examples() { find_file spec.json /usr/share/gocode/src/github.com/yuin/goldmark/_test >/dev/null; }
probe_katex() { find_file katex.min.js /usr/share/javascript/katex >/dev/null; }
probe_highlight() { find_file highlight.min.js /usr/share/javascript/highlight.js >/dev/null; }

probe_tools() {
  local tool
  for tool in "${TOOLS[@]}"; do have "$tool" || return 1; done
}

probe_requirement() {
  local id=$1 header=$2 library=$3
  if [[ -z $header ]]; then
    "probe_$id"
    return
  fi
  local includes=("${INCLUDE_FOLDERS[@]}") libraries=("${LIBRARY_FOLDERS[@]}")
  if [[ $id == mpi && -n ${MPI_HOME-} ]]; then
    includes=("$MPI_HOME/include") libraries=("$MPI_HOME/lib64" "$MPI_HOME/lib")
  fi
  find_file "$header" "${includes[@]}" >/dev/null || return 1
  [[ -z $library ]] || find_file "$library" "${libraries[@]}" >/dev/null || return 1
  [[ $id != mpi ]] || have mpirun
}

# The packages of the table that are installed, " g++ patch ... ".
installed_packages() {
  have dpkg-query || return 0
  local row packages all=()
  for row in "${WANTED[@]}"; do
    IFS='|' read -r _ _ packages _ <<<"$row"
    # shellcheck disable=SC2206  # several words
    all+=($packages)
  done
  # It fails when one is unknown, and still tells the others.
  printf ' %s ' "$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${all[@]}" 2>/dev/null |
    sed -n 's/ installed$//p' | tr '\n' ' ')"
}

# Fills MISSING_TITLES and MISSING_PACKAGES; true where something is missing.
anything_missing() {
  local row id title packages header library installed package
  installed=$(installed_packages)
  MISSING_TITLES=() MISSING_PACKAGES=()
  for row in "${WANTED[@]}"; do
    IFS='|' read -r id title packages header library <<<"$row"
    requirement_met "$id" "$packages" "$header" "$library" "$installed" && continue
    MISSING_TITLES+=("$title")
    for package in $packages; do
      [[ $installed == *" $package "* ]] || MISSING_PACKAGES+=("$package")
    done
    # An older system's g++ is too old; a newer one may be had beside it.
    [[ $id != compiler || $installed != *' g++ '* ]] || MISSING_PACKAGES+=(g++-12)
  done
  ((${#MISSING_TITLES[@]} > 0))
}

# A package that is installed counts, and so does what came without one. A compiler or a Bazel has to be of the right
# version as well: another one may stand first on the PATH.
requirement_met() {
  local id=$1 packages=$2 header=$3 library=$4 installed=$5
  case $id in
    compiler) probe_compiler ;;
    bazel) probe_bazel && { [[ $installed != *' bazel-bootstrap '* ]] || all_installed "$packages" "$installed"; } ;;
    *) all_installed "$packages" "$installed" || probe_requirement "$id" "$header" "$library" ;;
  esac
}

all_installed() {
  local package
  for package in $1; do
    [[ $2 == *" $package "* ]] || return 1
  done
}

command_setup() {
  local check=false yes=false
  while (($# > 0)); do
    case $1 in
      --check) check=true ;;
      --yes | -y) yes=true ;;
      *) usage_error "setup: what is '$1'? See ./workbench setup --help" ;;
    esac
    shift
  done
  if ! anything_missing; then
    echo "Everything that is needed is installed."
    return 0
  fi
  print_missing
  $check && exit "$EXIT_SETUP"
  install_missing "$yes"
}

# What grade and test call first: silent where nothing is missing.
ensure_setup() {
  anything_missing || return 0
  print_missing
  install_missing true
}

# What `test` calls next. A subshell: it may fail, and the tests run all the same.
ensure_test_tools() {
  need_temp_folder
  (
    WANTED=("${TEST_REQUIREMENTS[@]}")
    anything_missing || exit 0
    print_missing
    install_missing true
  ) || note "the tests that need these will be skipped"
}

print_missing() {
  local title
  echo "Missing on this machine:"
  for title in "${MISSING_TITLES[@]}"; do printf '  %s\n' "$title"; done
}
