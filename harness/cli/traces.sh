# ./workbench traces: builds the reader of cluster traces and runs it.
# shellcheck shell=bash

help_traces() {
  cat <<'HELP'
./workbench traces list
./workbench traces check FILE... [--skip-bad]
./workbench traces convert FILE... [--out x.csv] [--skip-bad]
./workbench traces generate [--seed N] [--jobs N] [--nodes N] [--gpu-spec SHARE] [--tenants N] [--out x.csv]

Traces of GPU clusters, for Q7: where the public ones are found, whether files are what they should be, all of them as
one CSV format, and made-up ones. FILE is of the Alibaba 2023, Philly, Helios or Gavel trace, or a CSV file of this
command's; plain or gzip. Several files are read as one trace: its nodes and its jobs, say.

  list         each public trace: address, licence, files, columns
  check        reads the files and tells what is in them, or the first fault with file, line and column (in bytes)
  convert      writes them as CSV
  generate     makes a trace that is like Alibaba's in its published marginals

  --out FILE         where the CSV goes, whole or not at all; without it, to standard output
  --skip-bad         leaves out rows with bad values, and tells how many
  --seed N           another trace; 1 if not given
  --jobs N           how many; 8152 if not given
  --nodes N          how many; 1213 if not given
  --gpu-spec SHARE   of the GPU jobs, those that name the GPU models that will do: 0 to 1; 0 if not given
  --tenants N        tenants that jobs belong to; 0, none, if not given

Exit codes: 0 fine, 1 a file is at fault or cannot be written, 2 wrong usage, 3 set-up missing, 4 did not build.

Example:
  ./workbench traces convert openb_node_list_gpu_node.csv openb_pod_list_default.csv --out alibaba.csv
HELP
}

command_traces() {
  case ${1-} in
    list | check | convert | generate) ;;
    '') usage_error "traces needs a word more: list, check, convert or generate" ;;
    *) usage_error "traces: what is '$1'? list, check, convert or generate; see ./workbench traces --help" ;;
  esac
  local script
  ensure_setup
  bazel_environment
  need_temp_folder
  take_lock
  script=$TEMP_FOLDER/traces
  WANTED_TARGET=//harness/traces:traces
  run_bazel bazel_tick run "--script_path=$script" "$WANTED_TARGET"
  explain_bazel_status "$STREAM_STATUS"
  [[ $STREAM_STATUS == 0 && -x $script ]] || die "$EXIT_BUILD" "$WANTED_TARGET did not build: the messages are above"
  drop_lock
  # The script runs it in a folder of Bazel's.
  WORKBENCH_CALLED_FROM=$CALLED_FROM bash "$script" "$@"
}
