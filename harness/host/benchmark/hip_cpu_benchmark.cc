// The kernels of kernels.cu on HIP-CPU (https://github.com/ROCm/HIP-CPU), measured as speed_benchmark.cc measures them.
// HIP-CPU is not a part of this repository; with it in $HIP_CPU, and oneTBB (libtbb-dev):
//   g++ -std=c++17 -O2 -w -I "$HIP_CPU/include" harness/host/benchmark/hip_cpu_benchmark.cc \
//     -o hip_cpu_benchmark -lbenchmark -ltbb -lpthread
//   taskset -c 0 ./hip_cpu_benchmark --benchmark_repetitions=9
#include <benchmark/benchmark.h>
#include <hip/hip_runtime.h>

namespace {

constexpr int kThreads = 256;
constexpr int kElements = 1 << 20;
constexpr int kBlocks = 64;

__global__ void TrivialKernel(float* data, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) data[i] = 2 * data[i] + 1;
}

__global__ void BarrierKernel(int* out, int barriers) {
  __shared__ int slots[kThreads];
  int x = static_cast<int>(threadIdx.x);
  for (int i = 0; i < barriers; i += 2) {
    slots[threadIdx.x] = x;
    __syncthreads();
    x = slots[(threadIdx.x + 1) % kThreads];
    __syncthreads();
  }
  out[blockIdx.x * kThreads + threadIdx.x] = x;
}

__global__ void ShuffleKernel(int* out, int shuffles) {
  int x = static_cast<int>(threadIdx.x);
  for (int i = 0; i < shuffles; ++i) x += __shfl_xor(x, 1 << i % 5);
  out[blockIdx.x * kThreads + threadIdx.x] = x;
}

template <typename Run>
void Measure(::benchmark::State& state, int64_t items, const char* counter, Run run) {
  void* memory = nullptr;
  if (hipMalloc(&memory, kElements * sizeof(float)) != hipSuccess ||
      hipMemset(memory, 0, kElements * sizeof(float)) != hipSuccess) {
    state.SkipWithError("no memory");
    return;
  }
  for (auto _ : state) {
    run(memory);
    if (hipDeviceSynchronize() != hipSuccess) state.SkipWithError("the kernel failed");
  }
  state.counters[counter] =
      ::benchmark::Counter(static_cast<double>(items * state.iterations()), ::benchmark::Counter::kIsRate);
  (void)hipFree(memory);
}

void BM_TrivialThreads(::benchmark::State& state) {
  Measure(state, kElements, "threads/s", [&](void* memory) {
    hipLaunchKernelGGL(TrivialKernel, dim3(kElements / kThreads), dim3(kThreads), 0, nullptr,
                       static_cast<float*>(memory), kElements);
  });
}
BENCHMARK(BM_TrivialThreads)->MeasureProcessCPUTime();

void BM_ThreadBarriers(::benchmark::State& state) {
  constexpr int kBarriers = 200;
  Measure(state, int64_t{kBlocks} * kThreads * kBarriers, "thread_barriers/s", [&](void* memory) {
    hipLaunchKernelGGL(BarrierKernel, dim3(kBlocks), dim3(kThreads), 0, nullptr, static_cast<int*>(memory), kBarriers);
  });
}
BENCHMARK(BM_ThreadBarriers)->MeasureProcessCPUTime();

void BM_Shuffles(::benchmark::State& state) {
  constexpr int kShuffles = 100;
  Measure(state, int64_t{kBlocks} * kThreads * kShuffles, "shuffles/s", [&](void* memory) {
    hipLaunchKernelGGL(ShuffleKernel, dim3(kBlocks), dim3(kThreads), 0, nullptr, static_cast<int*>(memory), kShuffles);
  });
}
BENCHMARK(BM_Shuffles)->MeasureProcessCPUTime();

}  // namespace

BENCHMARK_MAIN();
