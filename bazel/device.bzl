"""Where kernels run: on a GPU, or (host mode) on the CPU. --config=gpu and --config=host force it."""

load("@gpu_probe//:probe.bzl", "HAS_GPU")

def device_select(gpu, host):
    """A select() that takes `gpu` in GPU mode and `host` otherwise."""
    return select({
        "//bazel:force_gpu": gpu,
        "//bazel:force_host": host,
        "//conditions:default": gpu if HAS_GPU else host,
    })

# For target_compatible_with: skipped (visibly, in Bazel's report) where there is no GPU mode.
GPU_ONLY = device_select(gpu = [], host = ["//bazel:no_platform"])

# The toolkit's libraries, or what stands in for them on the CPU.
CUDA = device_select(gpu = ["@cuda"], host = ["//harness/host:cuda"])
NCCL = device_select(gpu = ["@nccl"], host = ["//harness/host:nccl"])
CUDA_HEADERS = device_select(gpu = ["@cuda"], host = ["//harness/host/include"])
