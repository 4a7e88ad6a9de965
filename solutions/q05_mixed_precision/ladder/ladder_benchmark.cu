// Times every rung of the ladder, kernels/gemm and cuBLAS on one product, and checks each against the first rung's
// result.
//   bazel run -c opt --config=gpu //solutions/q05_mixed_precision/ladder:ladder_benchmark [side]
//
// Rounds go through all of them, so that clocks that drift meet all alike; L2 is flushed before each call; medians.
#include <cublas_v2.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include "kernels/gemm/gemm.h"
#include "solutions/q05_mixed_precision/ladder/ladder.h"

namespace ladder {
namespace {

constexpr int kRounds = 11;

void Check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "%s: %s\n", what, cudaGetErrorString(error));
  std::exit(1);
}

cudaError_t Module(const Problem& p, cudaStream_t stream) {
  kernels::GemmProblem problem;
  problem.m = p.m, problem.n = p.n, problem.k = p.k;
  problem.a = p.a, problem.lda = p.k;
  problem.b = p.b, problem.ldb = p.k, problem.b_layout = kernels::Layout::kColumnMajor;
  problem.d = p.d, problem.ldd = p.n;
  return kernels::Gemm(problem, nullptr, 0, stream);
}

// A handle with the workspace that NVIDIA recommends for Hopper, set up once: cublasSetStream takes it away again.
cublasHandle_t MakeHandle(cudaStream_t stream) {
  constexpr size_t kWorkspaceBytes = 32 << 20;
  cublasHandle_t handle = nullptr;
  void* workspace = nullptr;
  Check(cudaMalloc(&workspace, kWorkspaceBytes), "cudaMalloc");
  if (cublasCreate(&handle) != CUBLAS_STATUS_SUCCESS || cublasSetStream(handle, stream) != CUBLAS_STATUS_SUCCESS ||
      cublasSetWorkspace(handle, workspace, kWorkspaceBytes) != CUBLAS_STATUS_SUCCESS) {
    std::fprintf(stderr, "cuBLAS cannot be set up\n");
    std::exit(1);
  }
  return handle;
}

cudaError_t Cublas(const Problem& p, cublasHandle_t handle) {
  const float alpha = 1, beta = 0;
  return cublasGemmEx(handle, CUBLAS_OP_T, CUBLAS_OP_N, p.n, p.m, p.k, &alpha, p.b, CUDA_R_16BF, p.k, p.a, CUDA_R_16BF,
                      p.k, &beta, p.d, CUDA_R_16BF, p.n, CUBLAS_COMPUTE_32F,
                      CUBLAS_GEMM_DEFAULT) == CUBLAS_STATUS_SUCCESS
             ? cudaSuccess
             : cudaErrorUnknown;
}

struct Rung {
  const char* name;
  std::function<cudaError_t(const Problem&, cudaStream_t)> run;
  std::vector<double> seconds;
};

// Of 16-bit elements in device memory.
std::vector<double> Values(const __nv_bfloat16* data, size_t count) {
  std::vector<__nv_bfloat16> elements(count);
  Check(cudaMemcpy(elements.data(), data, count * sizeof(*data), cudaMemcpyDeviceToHost), "reading D");
  return std::vector<double>(elements.begin(), elements.end());
}

// ||x - y|| / ||y||
double RelativeDifference(const std::vector<double>& x, const std::vector<double>& y) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    difference += (x[i] - y[i]) * (x[i] - y[i]);
    norm += y[i] * y[i];
  }
  return std::sqrt(difference / norm);
}

int Main(int side) {
  if (side <= 0 || side % 256 != 0) {
    std::fprintf(stderr, "the side of the matrices must be a positive multiple of 256\n");
    return 1;
  }
  const size_t elements = static_cast<size_t>(side) * side;
  std::vector<__nv_bfloat16> random(2 * elements);
  uint32_t state = 1;
  for (__nv_bfloat16& x : random) {
    state = state * 1664525u + 1013904223u;
    x = __float2bfloat16(static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31f);
  }
  __nv_bfloat16 *inputs = nullptr, *d = nullptr;
  Check(cudaMalloc(&inputs, 2 * elements * sizeof(*inputs)), "cudaMalloc");
  Check(cudaMalloc(&d, elements * sizeof(*d)), "cudaMalloc");
  Check(cudaMemcpy(inputs, random.data(), 2 * elements * sizeof(*inputs), cudaMemcpyHostToDevice), "cudaMemcpy");
  const Problem problem = {side, side, side, inputs, inputs + elements, d};

  int device = 0, l2_bytes = 0;
  cudaDeviceProp properties;
  Check(cudaGetDevice(&device), "cudaGetDevice");
  Check(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
  Check(cudaDeviceGetAttribute(&l2_bytes, cudaDevAttrL2CacheSize, device), "cudaDeviceGetAttribute");
  // Long enough for the host to be done with enqueueing before it ends, also when cuBLAS's code has left the CPU's
  // caches.
  const size_t flush_bytes = 8 * static_cast<size_t>(l2_bytes);
  void* flush = nullptr;
  Check(cudaMalloc(&flush, flush_bytes), "cudaMalloc");
  cudaStream_t stream;
  cudaEvent_t start, stop;
  Check(cudaStreamCreate(&stream), "cudaStreamCreate");
  Check(cudaEventCreate(&start), "cudaEventCreate");
  Check(cudaEventCreate(&stop), "cudaEventCreate");

  const cublasHandle_t handle = MakeHandle(stream);
  Rung rungs[] = {{"1 naive", Naive, {}},
                  {"2 tiled", Tiled, {}},
                  {"3 tensor core", TensorCore, {}},
                  {"4 pipelined", Pipelined, {}},
                  {"5 warp-specialised", WarpSpecialised, {}},
                  {"kernels/gemm", Module, {}},
                  {"cuBLAS", [=](const Problem& p, cudaStream_t) { return Cublas(p, handle); }, {}}};
  std::vector<double> expected;
  for (Rung& rung : rungs) {  // also loads the modules
    Check(cudaMemset(d, 0xff, elements * sizeof(*d)), "cudaMemset");
    Check(cudaDeviceSynchronize(), "cudaMemset");
    Check(rung.run(problem, stream), rung.name);
    Check(cudaStreamSynchronize(stream), rung.name);
    const std::vector<double> values = Values(d, elements);
    if (expected.empty()) expected = values;
    const double difference = RelativeDifference(values, expected);
    if (!(difference < 1e-3)) {
      std::fprintf(stderr, "%s is wrong: relative difference %g\n", rung.name, difference);
      return 1;
    }
  }
  for (int round = 0; round < kRounds; ++round) {
    for (Rung& rung : rungs) {
      Check(cudaMemsetAsync(flush, round, flush_bytes, stream), "flushing L2");
      Check(cudaEventRecord(start, stream), "cudaEventRecord");
      Check(rung.run(problem, stream), rung.name);
      Check(cudaEventRecord(stop, stream), "cudaEventRecord");
      Check(cudaEventSynchronize(stop), rung.name);
      float milliseconds = 0;
      Check(cudaEventElapsedTime(&milliseconds, start, stop), "cudaEventElapsedTime");
      rung.seconds.push_back(milliseconds * 1e-3);
    }
  }

  std::printf("%s, %d x %d x %d, bf16, medians of %d\n", properties.name, side, side, side, kRounds);
  std::printf("%-20s %12s %10s %10s\n", "rung", "us", "TFLOP/s", "of cuBLAS");
  const auto median = [](std::vector<double> seconds) {
    std::nth_element(seconds.begin(), seconds.begin() + seconds.size() / 2, seconds.end());
    return seconds[seconds.size() / 2];
  };
  const double cublas = median(std::end(rungs)[-1].seconds);
  for (const Rung& rung : rungs) {
    const double seconds = median(rung.seconds);
    std::printf("%-20s %12.1f %10.2f %10.4f\n", rung.name, seconds * 1e6, 2.0 * side * side * side / seconds * 1e-12,
                cublas / seconds);
  }
  return 0;
}

}  // namespace
}  // namespace ladder

int main(int argc, char** argv) { return ladder::Main(argc > 1 ? std::atoi(argv[1]) : 4096); }
