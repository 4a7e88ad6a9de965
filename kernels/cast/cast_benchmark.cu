// Conversions of 2^28 elements; 4 bytes an element on one side, 1 or 2 on the other.
#include "kernels/cast/cast.cuh"
#include "kernels/testing/benchmark.h"

namespace kernels {
namespace {

constexpr size_t kCount = size_t{1} << 28;

// state.range(0): elements that the narrow side is off alignment.
template <typename F>
void BM_Encode(benchmark::State& state) {
  const BenchmarkBuffer wide(kCount * 4), narrow((kCount + 1) * sizeof(typename F::Code));
  auto* out = narrow.As<typename F::Code>() + state.range(0);
  MeasureBytes(state, kCount * (4.0 + sizeof(typename F::Code)),
               [&] { Require(EncodeArray<F>(wide.As<float>(), out, kCount, false, nullptr)); });
}
template <typename F>
void BM_Decode(benchmark::State& state) {
  const BenchmarkBuffer wide(kCount * 4), narrow(kCount * sizeof(typename F::Code));
  MeasureBytes(state, kCount * (4.0 + sizeof(typename F::Code)),
               [&] { Require(DecodeArray<F>(narrow.As<typename F::Code>(), wide.As<float>(), kCount, nullptr)); });
}
void BM_EncodeStochastically(benchmark::State& state) {
  const BenchmarkBuffer wide(kCount * 4), narrow(kCount * 2);
  MeasureBytes(state, kCount * 6.0, [&] {
    Require(EncodeArrayStochastically(wide.As<float>(), narrow.As<uint16_t>(), kCount, false, 1, nullptr));
  });
}
BENCHMARK(BM_Encode<Float16>)->Arg(0)->UseManualTime()->Iterations(50);
BENCHMARK(BM_Encode<BFloat16>)->Arg(0)->Arg(1)->UseManualTime()->Iterations(50);
BENCHMARK(BM_Encode<E4M3>)->Arg(0)->UseManualTime()->Iterations(50);
BENCHMARK(BM_Encode<E5M2>)->Arg(0)->UseManualTime()->Iterations(50);
BENCHMARK(BM_Decode<Float16>)->UseManualTime()->Iterations(50);
BENCHMARK(BM_Decode<BFloat16>)->UseManualTime()->Iterations(50);
BENCHMARK(BM_Decode<E4M3>)->UseManualTime()->Iterations(50);
BENCHMARK(BM_Decode<E5M2>)->UseManualTime()->Iterations(50);
BENCHMARK(BM_EncodeStochastically)->UseManualTime()->Iterations(50);

}  // namespace
}  // namespace kernels

BENCHMARK_MAIN();
