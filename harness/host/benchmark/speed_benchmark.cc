// How fast host mode runs threads, barriers and shuffles, on one worker: per second of the process's CPU time, so that
// other load on the machine counts little. hip_cpu_benchmark.cc measures the same elsewhere.
//   bazel run -c opt --config=host //harness/host/benchmark:speed_benchmark
#include <benchmark/benchmark.h>

#include "harness/host/benchmark/kernels.h"

namespace cuda_host::benchmark {
namespace {

constexpr int kElements = 1 << 20;
constexpr int kBlocks = 64;

template <typename Run>
void Measure(::benchmark::State& state, int64_t items, const char* counter, Run run) {
  void* memory = nullptr;
  if (cudaMalloc(&memory, kElements * sizeof(float)) != cudaSuccess ||
      cudaMemset(memory, 0, kElements * sizeof(float)) != cudaSuccess) {
    state.SkipWithError("no memory");
    return;
  }
  for (auto _ : state) {
    if (run(memory) != cudaSuccess) state.SkipWithError("the kernel failed");
  }
  state.counters[counter] =
      ::benchmark::Counter(static_cast<double>(items * state.iterations()), ::benchmark::Counter::kIsRate);
  (void)cudaFree(memory);
}

void BM_TrivialThreads(::benchmark::State& state) {
  Measure(state, kElements, "threads/s", [](void* memory) { return Trivial(static_cast<float*>(memory), kElements); });
}
BENCHMARK(BM_TrivialThreads)->MeasureProcessCPUTime();

void BM_ThreadBarriers(::benchmark::State& state) {
  constexpr int kBarriers = 200;
  Measure(state, int64_t{kBlocks} * kThreads * kBarriers, "thread_barriers/s",
          [](void* memory) { return Barriers(static_cast<int*>(memory), kBlocks, kBarriers); });
}
BENCHMARK(BM_ThreadBarriers)->MeasureProcessCPUTime();

void BM_Shuffles(::benchmark::State& state) {
  constexpr int kShuffles = 100;
  Measure(state, int64_t{kBlocks} * kThreads * kShuffles, "shuffles/s",
          [](void* memory) { return Shuffles(static_cast<int*>(memory), kBlocks, kShuffles); });
}
BENCHMARK(BM_Shuffles)->MeasureProcessCPUTime();

void BM_LaunchAndWait(::benchmark::State& state) {
  Measure(state, 1, "launches/s", [](void* memory) { return Trivial(static_cast<float*>(memory), 1); });
}
BENCHMARK(BM_LaunchAndWait)->UseRealTime();

}  // namespace
}  // namespace cuda_host::benchmark

BENCHMARK_MAIN();
