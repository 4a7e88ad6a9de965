# The doctor's look at GPUs: toolkit, driver, devices, sharing, NCCL. None of it is needed: without, kernels run on the CPU.
# shellcheck shell=bash

doctor_gpu() {
  doctor_toolkit
  doctor_driver
  doctor_sharing
  doctor_nccl
}

cuda_home() { printf '%s' "${CUDA_HOME:-$SYSTEM/usr/local/cuda}"; }

# A driver is loaded and a GPU is visible, in containers too.
gpu_visible() { [[ -e $SYSTEM/dev/nvidiactl || -e $SYSTEM/dev/nvidia0 ]]; }

# What //bazel:device.bzl decides, too.
gpu_mode_possible() { gpu_visible && [[ -e $(cuda_home)/bin/nvcc ]]; }

doctor_toolkit() {
  local nvcc release
  local get='for GPU mode: https://developer.nvidia.com/cuda-downloads, and set CUDA_HOME if it is not /usr/local/cuda'
  nvcc=$(cuda_home)/bin/nvcc
  if [[ -x $nvcc ]]; then
    release=$("$nvcc" --version 2>/dev/null | sed -n 's/.*release \([0-9.]*\).*/\1/p' || true)
    item ok cuda "CUDA Toolkit ${release:-of unknown version} ($nvcc)"
  elif have nvcc; then
    nvcc=$(readlink -f -- "$(command -v nvcc)")
    item note cuda "nvcc is $nvcc, but not under $(cuda_home)" "export CUDA_HOME=${nvcc%/bin/nvcc}"
  else
    item note cuda "no CUDA Toolkit: $nvcc is not there" "$get"
  fi
}

doctor_driver() {
  local output memory name
  if ! have nvidia-smi; then
    if gpu_visible; then
      item note driver 'a GPU is visible, but nvidia-smi is not found' "install the driver's tools (nvidia-smi)"
    else
      item note driver 'no NVIDIA driver' 'without a GPU everything runs in host mode, on the CPU; performance is not graded'
    fi
    item note gpus 'none' 'a GPU of compute capability 8.0 or higher is needed for GPU mode'
    return 0
  fi
  if ! output=$(limited 20 nvidia-smi --query-gpu=driver_version,memory.total,name --format=csv,noheader 2>&1) || [[ -z $output ]]; then
    item note driver "nvidia-smi fails: $(first_line "$output")" 'mend or load the driver; in Docker start with --gpus all'
    item note gpus 'none can be used' 'without one everything runs in host mode, on the CPU'
    return 0
  fi
  item ok driver "${output%%,*}"
  item ok gpus "$(printf '%s\n' "$output" | grep -c .)"
  local number=0
  while IFS=, read -r _ memory name; do
    item ok "gpu$number" "${name# }, ${memory# }"
    number=$((number + 1))
  done <<<"$output"
}

doctor_sharing() {
  if have nvidia-cuda-mps-control; then
    item ok mps "$(command -v nvidia-cuda-mps-control)"
  elif gpu_visible; then
    item note mps 'nvidia-cuda-mps-control is not found' \
      'ranks that share a GPU take turns, some 50 times slower: install the rest of the driver (Debian: nvidia-cuda-mps)'
  else
    item note mps 'not found' 'only of use with a GPU'
  fi
}

doctor_nccl() {
  local roots=() root header='' library='' missing='' version
  local get='for GPU mode: https://developer.nvidia.com/nccl (libnccl-dev in its repository), or set NCCL_HOME'
  [[ -z ${NCCL_HOME-} ]] || roots+=("$NCCL_HOME")
  roots+=("$(cuda_home)" "$SYSTEM/usr" "$SYSTEM/usr/local")
  for root in "${roots[@]}"; do
    [[ -n $header || ! -e $root/include/nccl.h ]] || header=$root/include/nccl.h
    [[ -n $library ]] || library=$(nccl_library "$root")
  done
  if [[ -z $header || -z $library ]]; then
    [[ -n $header ]] || missing+=' nccl.h'
    [[ -n $library ]] || missing+=' libnccl.so'
    item note nccl "not found:$missing" "$get"
    return 0
  fi
  version=$(awk '/^#define NCCL_(MAJOR|MINOR|PATCH) / { printf "%s%s", dot, $3; dot = "." }' "$header")
  item ok nccl "${version:-unknown version} ($header, $library)"
}

nccl_library() {
  local folder
  for folder in lib64 lib lib/x86_64-linux-gnu lib/aarch64-linux-gnu; do
    if [[ -e $1/$folder/libnccl.so ]]; then
      printf '%s' "$1/$folder/libnccl.so"
      return 0
    fi
  done
}
