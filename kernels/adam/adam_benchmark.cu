// AdamW with 16-bit gradients and copies, fp32 master weights and moments: 14 bytes read and 14 written an element.
#include <numeric>

#include "kernels/adam/adam.cuh"
#include "kernels/tensor_list/benchmark_sizes.h"
#include "kernels/testing/benchmark.h"

namespace kernels {
namespace {

template <typename G>
void Measure(benchmark::State& state, const std::vector<size_t>& sizes) {
  constexpr size_t kAlignment = 64;
  size_t elements = 0;
  std::vector<size_t> begins;
  for (size_t size : sizes) {
    begins.push_back(elements);
    elements += (size + kAlignment - 1) / kAlignment * kAlignment;
  }
  const auto count = static_cast<int32_t>(sizes.size());
  const BenchmarkBuffer gradient(elements * sizeof(G)), copy(elements * 2), scalars(256, 0);
  const BenchmarkBuffer master(elements * 4), first(elements * 4), second(elements * 4);
  const BenchmarkBuffer workspace(AdamWorkspaceBytes(sizes.data(), count));
  const AdamParameters parameters = {1e-3, 0.9, 0.999, 1e-8, 0.01, true};
  const auto at = [&](int32_t t) {
    const size_t begin = begins[t];
    return AdamTensor{gradient.As<G>() + begin,   master.As<float>() + begin,       first.As<float>() + begin,
                      second.As<float>() + begin, copy.As<__nv_bfloat16>() + begin, sizes[t]};
  };
  const double total = std::accumulate(sizes.begin(), sizes.end(), 0.0);
  MeasureBytes(state, total * (26 + sizeof(G)), [&] {
    Require((Adam<G, __nv_bfloat16>(count, at, parameters, nullptr, scalars.As<float>(), scalars.As<int64_t>() + 1,
                                    workspace.As<void>(), nullptr)));
  });
}

template <typename G>
void BM_Adam(benchmark::State& state) {
  Measure<G>(state, std::vector<size_t>(static_cast<size_t>(state.range(0)), static_cast<size_t>(state.range(1))));
}
void BM_AdamMany(benchmark::State& state) { Measure<__nv_bfloat16>(state, ManySizes()); }
BENCHMARK(BM_Adam<__nv_bfloat16>)->Args({16, 1 << 24})->Args({1, 1 << 20})->UseManualTime()->Iterations(30);
BENCHMARK(BM_AdamMany)->UseManualTime()->Iterations(30);

}  // namespace
}  // namespace kernels

BENCHMARK_MAIN();
