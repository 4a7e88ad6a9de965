# How ./workbench setup installs: apt-get, as root or through sudo, with one clear line when it fails.
# shellcheck shell=bash

readonly APT_INSTALL='apt-get install -y --no-install-recommends'

# install_missing YES: installs MISSING_PACKAGES, or leaves with what to do.
install_missing() {
  local yes=$1 as_root=()
  if ! have apt-get; then
    die "$EXIT_SETUP" "there is no apt-get here. Install by your system's own means: $(join_lines "${MISSING_TITLES[@]}"); Debian's names: ${MISSING_PACKAGES[*]}"
  fi
  if ((${#MISSING_PACKAGES[@]} == 0)); then
    die "$EXIT_SETUP" "the packages are installed, but $(why_unusable)"
  fi
  if [[ $(id -u) != 0 ]]; then
    if ! { have sudo && sudo -n true; } 2>/dev/null; then
      echo "Installing needs root. Ask an administrator to run:"
      printf '%s %s\n' "$APT_INSTALL" "${MISSING_PACKAGES[*]}"
      exit "$EXIT_SETUP"
    fi
    as_root=(sudo -n)
  fi
  printf 'To install:\n  %s %s\n' "$APT_INSTALL" "${MISSING_PACKAGES[*]}"
  $yes || confirm || die "$EXIT_SETUP" "nothing was installed"
  run_apt "${as_root[@]}"
}

confirm() {
  [[ -t 0 && -t 1 ]] || return 0
  local reply
  read -r -p 'Go ahead? [Y/n] ' reply || return 1
  [[ -z $reply || $reply == [yY]* ]]
}

join_lines() {
  local text
  printf -v text '%s; ' "$@"
  printf '%s' "${text%; }"
}

APT_LOG=

apt_line() {
  printf '%s\n' "$1" >>"$APT_LOG"
  transient "$1"
}

apt_tick() { printf 'still installing: %d s\n' "$1"; }

run_apt() {
  local options=(-o DPkg::Lock::Timeout=120 -o Acquire::Retries=2 -o Acquire::http::Timeout=30)
  local prefix=("$@" env DEBIAN_FRONTEND=noninteractive LC_ALL=C) begun=$SECONDS
  need_temp_folder
  APT_LOG=$TEMP_FOLDER/apt.log
  : >"$APT_LOG"
  echo "Installing; the first time this takes a few minutes..."
  # Old lists may do where the servers cannot be reached, so a failing update is not the end.
  stream apt_line apt_tick "${prefix[@]}" apt-get "${options[@]}" update
  stream apt_line apt_tick "${prefix[@]}" apt-get "${options[@]}" install -y --no-install-recommends "${MISSING_PACKAGES[@]}"
  if ((STREAM_STATUS != 0)); then
    die "$EXIT_SETUP" "apt-get could not install the packages: $(why_apt_failed). Mend that and repeat: ./workbench setup"
  fi
  hash -r
  if anything_missing; then
    die "$EXIT_SETUP" "apt-get succeeded, but $(why_unusable)"
  fi
  printf 'Installed in %d s.\n' $((SECONDS - begun))
}

apt_said() { grep -qaiE -- "$1" "$APT_LOG"; }

# The likeliest cause, and apt-get's own last words on it.
why_apt_failed() {
  local cause='it says' words
  if apt_said 'No space left on device|enough free space'; then
    cause='the disk is full'
  elif apt_said 'Read-only file system'; then
    cause='the system is mounted read-only'
  elif apt_said 'Could not get lock|Unable to (lock|acquire)|is another process using it'; then
    cause='another package manager holds the lock'
  elif apt_said 'dpkg was interrupted'; then
    cause='an earlier installation was interrupted (as root: dpkg --configure -a)'
  elif apt_said 'Could not resolve|Temporary failure|Could not connect|[Cc]onnection (timed out|failed|refused)|unreachable|Failed to fetch'; then
    cause='the package servers cannot be reached (no network?)'
  elif apt_said 'Unable to locate package|has no installation candidate'; then
    cause="this system's package sources lack one (Debian 12 or newer has them all; on Ubuntu enable \"universe\")"
  fi
  words=$(grep -aE '^E:' "$APT_LOG" | head -n 1 | tr -d '\r' || true)
  printf '%s%s' "$cause" "${words:+ ($words)}"
}

# Why something is still missing although its packages are there.
why_unusable() {
  local found
  if ! probe_bazel; then
    found=$(bazel_version)
    printf 'the bazel on the PATH (%s) is %s, and 4.2.3 to 7 is needed: put another first on the PATH, or with Bazelisk: export USE_BAZEL_VERSION=7.4.1' \
      "$(command -v bazel || echo none)" "${found:-one that does not start}"
  elif ! probe_compiler; then
    printf "the compiler (%s) is too old: g++ 12 or newer is needed; install g++-12, or set CC to one" "${CC:-g++ $(compiler_major g++)}"
  else
    printf 'still not usable: %s' "$(join_lines "${MISSING_TITLES[@]}")"
  fi
}
