// The normalisations over 2^27 elements of bf16, by the length of a row.
#include "kernels/norm/norm.cuh"
#include "kernels/norm/softmax.cuh"
#include "kernels/testing/benchmark.h"

namespace kernels {
namespace {

using T = __nv_bfloat16;
constexpr int64_t kCount = int64_t{1} << 27;

struct Buffers {
  explicit Buffers(int64_t hidden)
      : hidden(hidden),
        rows(kCount / hidden),
        a(kCount * sizeof(T)),
        b(kCount * sizeof(T)),
        c(kCount * sizeof(T)),
        gamma(hidden * sizeof(T)),
        beta(hidden * sizeof(T)),
        mean(rows * 4),
        rstd(rows * 4),
        dgamma(hidden * 4),
        dbeta(hidden * 4),
        workspace(NormBackwardWorkspaceBytes(rows, hidden)) {}
  int64_t hidden, rows;
  BenchmarkBuffer a, b, c, gamma, beta, mean, rstd, dgamma, dbeta, workspace;
};

template <Normalization kKind>
void BM_Norm(benchmark::State& state) {
  const Buffers x(state.range(0));
  MeasureBytes(state, 2.0 * sizeof(T) * kCount, [&] {
    Require(Norm<kKind>(x.rows, x.hidden, 1e-5f, x.a.As<const T>(), x.gamma.As<const T>(), x.beta.As<const T>(),
                        x.b.As<T>(), x.mean.As<float>(), x.rstd.As<float>(), nullptr));
  });
}
template <Normalization kKind>
void BM_NormBackward(benchmark::State& state) {
  const Buffers x(state.range(0));
  MeasureBytes(state, 3.0 * sizeof(T) * kCount, [&] {
    Require(NormBackward<kKind>(x.rows, x.hidden, x.a.As<const T>(), x.b.As<const T>(), x.gamma.As<const T>(),
                                x.mean.As<const float>(), x.rstd.As<const float>(), x.c.As<T>(), x.dgamma.As<float>(),
                                x.dbeta.As<float>(), x.workspace.As<void>(), nullptr));
  });
}
void BM_Softmax(benchmark::State& state) {
  const Buffers x(state.range(0));
  MeasureBytes(state, 2.0 * sizeof(T) * kCount,
               [&] { Require(Softmax(x.rows, x.hidden, x.a.As<const T>(), x.b.As<T>(), nullptr)); });
}
void BM_SoftmaxBackward(benchmark::State& state) {
  const Buffers x(state.range(0));
  MeasureBytes(state, 3.0 * sizeof(T) * kCount, [&] {
    Require(SoftmaxBackward(x.rows, x.hidden, x.a.As<const T>(), x.b.As<const T>(), x.c.As<T>(), nullptr));
  });
}

void Lengths(benchmark::internal::Benchmark* benchmark) {
  for (int64_t hidden : {256, 1024, 2048, 4096, 8192, 16384, 65536}) benchmark->Arg(hidden);
  benchmark->UseManualTime()->Iterations(40);
}
BENCHMARK(BM_Norm<Normalization::kLayer>)->Apply(Lengths);
BENCHMARK(BM_Norm<Normalization::kRms>)->Apply(Lengths);
BENCHMARK(BM_NormBackward<Normalization::kLayer>)->Apply(Lengths);
BENCHMARK(BM_NormBackward<Normalization::kRms>)->Apply(Lengths);
BENCHMARK(BM_Softmax)->Apply(Lengths);
BENCHMARK(BM_SoftmaxBackward)->Apply(Lengths);

}  // namespace
}  // namespace kernels

BENCHMARK_MAIN();
