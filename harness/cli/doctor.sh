# ./workbench doctor: what this machine has and lacks, and what to do about it.
# shellcheck shell=bash

help_doctor() {
  cat <<'HELP'
./workbench doctor [--json]

Tells what the workbench finds on this machine. Each line is `ok`, `missing` (the workbench needs it) or `note` (it does
without, or worse), and says what to do.

  --json   an array of {"name", "state", "detail", "action"}

Exit codes: 0 nothing that is needed is missing, 1 something is.

Example:
  ./workbench doctor --json > machine.json
HELP
}

DOCTOR_JSON=false
DOCTOR_ITEMS=0
DOCTOR_MISSING=0

command_doctor() {
  while (($# > 0)); do
    case $1 in
      --json) DOCTOR_JSON=true ;;
      *) usage_error "doctor: what is '$1'? See ./workbench doctor --help" ;;
    esac
    shift
  done
  choose_bazel_folder
  choose_compiler
  if $DOCTOR_JSON; then printf '['; fi
  doctor_build
  doctor_libraries
  doctor_gpu
  doctor_room
  if $DOCTOR_JSON; then printf '\n]\n'; fi
  ((DOCTOR_MISSING == 0)) || exit "$EXIT_FAILED"
}

# item STATE NAME DETAIL [ACTION]
item() {
  local state=$1 name=$2 detail=$3 action=${4-} colour
  if [[ $state == missing ]]; then DOCTOR_MISSING=$((DOCTOR_MISSING + 1)); fi
  if $DOCTOR_JSON; then
    ((DOCTOR_ITEMS == 0)) || printf ','
    printf '\n  {"name": %s, "state": "%s", "detail": %s, "action": %s}' \
      "$(json_string "$name")" "$state" "$(json_string "$detail")" "$(json_string "$action")"
  else
    case $state in ok) colour=32 ;; missing) colour='1;31' ;; *) colour=33 ;; esac
    printf '%s %-13s %s\n' "$(paint "$colour" "$(printf '%-8s' "$state")")" "$name" "$detail"
    [[ -z $action ]] || printf '%-22s -> %s\n' '' "$action"
  fi
  DOCTOR_ITEMS=$((DOCTOR_ITEMS + 1))
}

first_line() { printf '%s' "${1%%$'\n'*}"; }

install_hint() { printf './workbench setup   (Debian, Ubuntu: apt-get install %s)' "$1"; }

doctor_build() {
  local compiler=${CC:-g++} version tool
  if probe_compiler; then
    item ok compiler "$(first_line "$("$compiler" --version 2>&1)") ($(command -v "$compiler"))"
  elif have "$compiler"; then
    item missing compiler "$(first_line "$("$compiler" --version 2>&1)") is too old" \
      'install g++ 12 or newer (or clang 14), and set CC to it if another one comes first'
  else
    item missing compiler "$compiler is not found" "$(install_hint g++)"
  fi

  version=$(bazel_version)
  if probe_bazel; then
    item ok bazel "${version/Debian/"Debian's (4.2.3)"} ($(command -v bazel))"
  elif [[ -n $version ]]; then
    item missing bazel "$version ($(command -v bazel)); 4.2.3 to 7 is supported" \
      'put a supported one first on the PATH; with Bazelisk: export USE_BAZEL_VERSION=7.4.1'
  else
    item missing bazel 'not found, or it does not start' "$(install_hint 'bazel-bootstrap bazel-skylib bazel-platforms')"
  fi

  if have javac; then
    item ok jdk "$(first_line "$(javac -version 2>&1)") ($(readlink -f -- "$(command -v javac)"))"
  elif probe_jdk; then
    item ok jdk 'not needed: this Bazel brings its own'
  else
    item missing jdk 'javac is not found' "$(install_hint default-jdk-headless)"
  fi

  if probe_tools; then
    item ok tools "${TOOLS[*]}"
  else
    item missing tools "not found:$(for tool in "${TOOLS[@]}"; do have "$tool" || printf ' %s' "$tool"; done)" \
      "$(install_hint "${TOOLS[*]}")"
  fi
}

doctor_libraries() {
  local row id title packages header library
  doctor_mpi
  for row in "${REQUIREMENTS[@]}"; do
    IFS='|' read -r id title packages header library <<<"$row"
    [[ -n $header && $id != mpi ]] || continue
    if probe_requirement "$id" "$header" "$library"; then
      item ok "$id" "$title ($(find_file "$header" "${INCLUDE_FOLDERS[@]}")/$header)"
    else
      item missing "$id" "$title is not found" "$(install_hint "$packages")"
    fi
  done
}

doctor_mpi() {
  local output root_flag=()
  if ! probe_requirement mpi mpi.h libmpi.so; then
    item missing mpi 'Open MPI: mpirun, mpi.h or libmpi.so is not found' "$(install_hint 'libopenmpi-dev openmpi-bin')"
    return 0
  fi
  output=$(mpirun --version 2>&1) || true
  if [[ $output != *'Open MPI'* ]]; then
    item missing mpi "$(first_line "$output") ($(command -v mpirun)) is not Open MPI" \
      "$(install_hint 'libopenmpi-dev openmpi-bin'), and put it first on the PATH, or set MPI_HOME"
    return 0
  fi
  if [[ $(id -u) == 0 ]]; then root_flag=(--allow-run-as-root); fi
  local version
  version=$(first_line "$output")
  local started=$SECONDS
  if output=$(limited 30 mpirun "${root_flag[@]}" --oversubscribe -n 2 true </dev/null 2>&1); then
    if ((SECONDS - started > 3)); then
      item note mpi "$version: 2 ranks start, but it takes $((SECONDS - started)) s" \
        "most likely this host's own name does not resolve: add '127.0.0.1 $(hostname 2>/dev/null || echo NAME)' to /etc/hosts"
    else
      item ok mpi "$version: 2 ranks start"
    fi
  else
    item missing mpi "$version, but \`mpirun -n 2 true\` fails: $(printf '%s' "$output" | grep -v -e '^-*$' | head -n 1 || true)" \
      'run it by hand and read what it says; in a container try --shm-size=1g'
  fi
}

# limited SECONDS COMMAND...
limited() {
  if have timeout; then timeout -k 5 "$@"; else "${@:2}"; fi
}

# Free space where a folder is, or will be, in MiB; empty where it cannot be told.
free_mib() {
  local folder=$1
  while [[ ! -d $folder && $folder == */?* ]]; do folder=${folder%/*}; done
  df -Pm -- "${folder:-/}" 2>/dev/null | awk 'NR == 2 { print $4 }'
}

# room NAME FOLDER LEAST_MIB ACTION
room() {
  local name=$1 folder=$2 least=$3 action=$4 free
  free=$(free_mib "$folder")
  if [[ -z $free ]]; then
    item note "$name" "$folder: free space cannot be told" "$action"
  elif ((free < least)); then
    item note "$name" "$folder: only $free MiB free" "$action"
  else
    item ok "$name" "$folder: $free MiB free"
  fi
}

doctor_room() {
  local cores memory limit
  room disk "$ROOT" 500 'free some space'
  [[ $ROOT != *[[:space:]]* ]] || item missing checkout "$ROOT: Bazel cannot work in a path with spaces" 'move the checkout to a folder without'
  [[ -w $ROOT ]] || item note checkout "$ROOT cannot be written: results and answers cannot be kept" 'copy it to a folder of yours'
  room bazel-cache "$(bazel_cache_folder)" 3000 \
    'free some space, or in user.bazelrc: startup --output_user_root=FOLDER'
  room shm "$SYSTEM/dev/shm" 256 'ranks talk through it: in Docker start with --shm-size=1g'

  cores=$(nproc 2>/dev/null || echo 1)
  if ((cores >= 2)); then
    item ok cores "$cores"
  else
    item note cores "$cores" 'ranks take turns on one core: everything works, slowly'
  fi
  memory=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo 2>/dev/null || true)
  limit=$(cat "$SYSTEM/sys/fs/cgroup/memory.max" 2>/dev/null || true)
  if [[ $limit =~ ^[0-9]{1,18}$ ]] && ((limit / 1048576 < ${memory:-0})); then memory=$((limit / 1048576)); fi
  if ((${memory:-0} >= 3500)); then
    item ok memory "$memory MiB"
  else
    item note memory "${memory:-unknown} MiB" 'below 4 GiB builds may run out: in user.bazelrc: build --jobs=1'
  fi
}
