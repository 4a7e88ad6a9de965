# ./workbench completion: scripts that complete commands, questions and flags in bash and zsh.
# shellcheck shell=bash

help_completion() {
  cat <<'HELP'
./workbench completion bash|zsh

Prints a script that completes this command in the shell: commands, questions, checks, parts and flags. It works however
the command is called, as long as its name is workbench.

  bash:  echo 'source <(/path/to/workbench completion bash)' >> ~/.bashrc
  zsh:   echo 'source <(/path/to/workbench completion zsh)' >> ~/.zshrc     (after compinit)

Exit codes: 0 printed, 2 wrong usage.

Example:
  source <(./workbench completion bash)
HELP
}

# COMMAND|what stands after it: question, check, topic, shell, command, or nothing|its flags
readonly COMPLETIONS=(
  'setup||--yes --check --help'
  'doctor||--json --help'
  'list||--help'
  'start|question|--help'
  'grade|question|--reference --part --seed --gpu --host --json --help'
  'watch|question|--part --gpu --host --help'
  'compare|question|--help'
  'bench|question|--help'
  'hint|question check|--level --zh --en --help'
  'solution|question|--anyway --help'
  'reset|question|--help'
  'interview|question|--minutes --resume --zh --en --help'
  'quiz|topic|--seed --count --json --list --help'
  'progress||--json --help'
  'docs||--port --no-serve --help'
  'traces|traces|--out --skip-bad --seed --jobs --nodes --gpu-spec --tenants --help'
  'completion|shell|--help'
  'test||--long --help'
  'help|command|'
)

# The case branches that set `after` and `flags` from the command.
completion_cases() {
  local row command after flags
  for row in "${COMPLETIONS[@]}"; do
    IFS='|' read -r command after flags <<<"$row"
    printf "    %s) after='%s' flags='%s' ;;\n" "$command" "$after" "$flags"
  done
}

completion_commands() {
  local row names=()
  for row in "${COMPLETIONS[@]}"; do names+=("${row%%|*}"); done
  printf '%s' "${names[*]}"
}

# Both shells: prints the candidates for the last of the words given, a line each. What it needs of the checkout it reads
# when it is asked: questions may come and go.
completion_core() {
  cat <<'CORE'
# _workbench_candidates WORD...: the words of the line so far; the last one is to be completed.
_workbench_candidates() {
  local program=$1 root command= after= flags= word previous= current= question= position=0 index=0
  shift
  case $program in
    '~'/*) program=$HOME/${program#'~/'} ;;
    */*) ;;
    *) program=$(command -v -- "$program") ;;
  esac
  program=$(readlink -f -- "$program" 2>/dev/null) || return 0
  root=${program%/*}
  for word in "$@"; do
    index=$((index + 1))
    current=$word
    # Only grade's --json has a value.
    if [ "$previous" = --json ] && [ "$command" != grade ]; then previous=; fi
    [ "$index" -lt "$#" ] || break
    case $word in
      -*) ;;
      *)
        # The value of a flag is no word of its own.
        case $previous in --part | --seed | --json | --level | --minutes | --count | --port | --out | --jobs | --nodes | --gpu-spec | --tenants) ;; *)
          if [ -z "$command" ]; then command=$word; else position=$((position + 1)); fi
          [ "$position" -ne 1 ] || [ -n "$question" ] || question=$word
          ;;
        esac
        ;;
    esac
    previous=$word
  done
  if [ -z "$command" ]; then
    printf '%s\n' @COMMANDS@
    return 0
  fi
  case $command in
@CASES@
    *) return 0 ;;
  esac
  case $previous in
    --part) _workbench_parts "$root" "$question" ;;
    --level) printf '%s\n' 1 2 3 ;;
    --minutes) printf '%s\n' 30 45 60 90 ;;
    --count) printf '%s\n' 5 10 20 ;;
    --seed) _workbench_seed "$root" "$question" ;;
    --port | --json | --out | --jobs | --nodes | --gpu-spec | --tenants) ;;
    *)
      case $current in
        -*) for word in $(printf '%s' "$flags"); do printf '%s\n' "$word"; done ;;
        *) _workbench_after "$root" "$after" "$position" "$question" ;;
      esac
      ;;
  esac
}

# What may stand at a place after the command: the first, or the second.
_workbench_after() {
  local root=$1 after=$2 position=$3 folder number
  case "$position $after" in
    '0 question'*)
      # By number and by name, so that q0 and all both go on.
      find "$root/questions" -mindepth 1 -maxdepth 1 -type d -name 'q[0-9]*_*' 2>/dev/null | LC_ALL=C sort | while read -r folder; do
        folder=${folder##*/}
        printf '%s\n' "${folder%%_*}" "${folder#*_}"
      done
      ;;
    '0 topic')
      printf '%s\n' q01 q02 q03 q04 q05 q06 q07 q08 q09 q10 q11 q12 q13 q14
      ;;
    '1 question check')
      folder=$(_workbench_folder "$root" "$4")
      [ -z "$folder" ] || sed -n 's/^## \([a-z0-9][a-z0-9._]*\)$/\1/p' "$folder/hints.md" 2>/dev/null
      ;;
    '0 traces') printf '%s\n' list check convert generate ;;
    '0 shell') printf '%s\n' bash zsh ;;
    '0 command') printf '%s\n' @COMMANDS@ ;;
  esac
}

# The folder of q02, 2 or allreduce.
_workbench_folder() {
  find "$1/questions" -mindepth 1 -maxdepth 1 -type d '(' -name "$2" -o -name "$2_*" -o -name "q0$2_*" -o -name "q$2_*" -o \
    -name "q*_$2" ')' 2>/dev/null | head -n 1
}

# The parts that hints tell of: a of "# Part A".
_workbench_parts() {
  local folder
  folder=$(_workbench_folder "$1" "$2")
  [ -z "$folder" ] || sed -n 's/^# Part \([A-Z]\).*/\1/p' "$folder/hints.md" 2>/dev/null | tr '[:upper:]' '[:lower:]'
}

# The seed of the last grade.
_workbench_seed() {
  local folder number
  folder=$(_workbench_folder "$1" "$2")
  [ -n "$folder" ] || return 0
  number=${folder##*/}
  sed -n 's/.*"seed": *\([0-9][0-9]*\).*/\1/p' "$1/.workbench/results/${number%%_*}.json" 2>/dev/null | head -n 1
}
CORE
}

completion_script() {
  local core cases
  core=$(completion_core)
  cases=$(completion_cases)
  core=${core//@COMMANDS@/$(completion_commands)}
  printf '%s\n' "${core/@CASES@/"$cases"}"
}

command_completion() {
  (($# == 1)) || usage_error "completion takes a shell: ./workbench completion bash, or zsh"
  case $1 in
    bash)
      completion_script
      cat <<'BASH'
_workbench() {
  local line
  COMPREPLY=()
  while IFS= read -r line || [[ -n $line ]]; do
    [[ $line != "${COMP_WORDS[COMP_CWORD]}"* ]] || COMPREPLY+=("$line")
  done < <(_workbench_candidates "${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null)
  # After --json a file.
  [[ ${COMP_WORDS[1]-} != grade || ${COMP_WORDS[COMP_CWORD-1]} != --json ]] || compopt -o default 2>/dev/null
  # And of traces' words, all but the first may be files.
  [[ ${COMP_WORDS[1]-} != traces || $COMP_CWORD -lt 3 ]] || compopt -o default 2>/dev/null
}
complete -F _workbench workbench
BASH
      ;;
    zsh)
      completion_script
      cat <<'ZSH'
_workbench() {
  local -a candidates
  candidates=("${(@f)$(_workbench_candidates "${(@)words[1,CURRENT]}" 2>/dev/null)}")
  compadd -a candidates
  [[ ${words[2]} != traces || $CURRENT -lt 4 ]] || _files
}
compdef _workbench workbench
ZSH
      ;;
    -*) usage_error "completion: what is '$1'? See ./workbench completion --help" ;;
    *) usage_error "there is completion for bash and zsh, not for '$1'" ;;
  esac
}
