// Unscaling with found-inf and norm: each element read and written once.
#include <numeric>

#include "kernels/tensor_list/benchmark_sizes.h"
#include "kernels/testing/benchmark.h"
#include "kernels/unscale/unscale.cuh"

namespace kernels {
namespace {

template <typename T>
void Measure(benchmark::State& state, const std::vector<size_t>& sizes) {
  constexpr size_t kAlignment = 64;  // elements, as allocators give it
  size_t elements = 0;
  std::vector<size_t> begins;
  for (size_t size : sizes) {
    begins.push_back(elements);
    elements += (size + kAlignment - 1) / kAlignment * kAlignment;
  }
  const auto count = static_cast<int32_t>(sizes.size());
  const BenchmarkBuffer data(elements * sizeof(T)), floats(256);
  const BenchmarkBuffer workspace(UnscaleWorkspaceBytes(sizes.data(), count));
  const float one_and_zero[] = {1, 0};  // a scale that keeps the data what it is
  Require(cudaMemcpy(floats.As<float>(), one_and_zero, sizeof one_and_zero, cudaMemcpyDefault));
  const auto at = [&](int32_t t) { return UnscaleTensor{data.As<T>() + begins[t], sizes[t]}; };
  MeasureBytes(state, 2.0 * sizeof(T) * std::accumulate(sizes.begin(), sizes.end(), 0.0), [&] {
    Require(Unscale<T>(count, at, floats.As<float>(), floats.As<float>() + 1, floats.As<float>() + 2,
                       workspace.As<void>(), nullptr));
  });
}

// `tensors` of `size` elements.
template <typename T>
void BM_Unscale(benchmark::State& state) {
  Measure<T>(state, std::vector<size_t>(static_cast<size_t>(state.range(0)), static_cast<size_t>(state.range(1))));
}
void BM_UnscaleManyHalf(benchmark::State& state) { Measure<__half>(state, ManySizes()); }
BENCHMARK(BM_Unscale<__half>)->Args({16, 1 << 24})->Args({1, 1 << 20})->UseManualTime()->Iterations(50);
BENCHMARK(BM_Unscale<__nv_bfloat16>)->Args({16, 1 << 24})->UseManualTime()->Iterations(50);
BENCHMARK(BM_Unscale<float>)->Args({16, 1 << 24})->UseManualTime()->Iterations(50);
BENCHMARK(BM_UnscaleManyHalf)->UseManualTime()->Iterations(50);

}  // namespace
}  // namespace kernels

BENCHMARK_MAIN();
