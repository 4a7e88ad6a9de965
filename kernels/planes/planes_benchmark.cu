// Byte planes: each byte read and written once. An odd count leaves every plane but the first at an odd address.
#include "kernels/planes/planes.cuh"
#include "kernels/testing/benchmark.h"

namespace kernels {
namespace {

constexpr size_t kBytes = size_t{1} << 30;

void BM_Split(benchmark::State& state) {
  const int width = static_cast<int>(state.range(0));
  const size_t count = kBytes / static_cast<size_t>(width) - static_cast<size_t>(state.range(1));
  const BenchmarkBuffer elements(kBytes), planes(kBytes);
  MeasureBytes(state, 2.0 * static_cast<double>(count) * width,
               [&] { Require(SplitPlanes(elements.As<void>(), count, width, planes.As<void>(), nullptr)); });
}

void BM_Join(benchmark::State& state) {
  const int width = static_cast<int>(state.range(0));
  const size_t count = kBytes / static_cast<size_t>(width) - static_cast<size_t>(state.range(1));
  const BenchmarkBuffer elements(kBytes), planes(kBytes);
  MeasureBytes(state, 2.0 * static_cast<double>(count) * width,
               [&] { Require(JoinPlanes(planes.As<void>(), count, width, elements.As<void>(), nullptr)); });
}

BENCHMARK(BM_Split)->ArgsProduct({{2, 4, 8}, {0, 1}})->UseManualTime()->Iterations(50);
BENCHMARK(BM_Join)->ArgsProduct({{2, 4, 8}, {0, 1}})->UseManualTime()->Iterations(50);

}  // namespace
}  // namespace kernels

BENCHMARK_MAIN();
