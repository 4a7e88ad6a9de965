// Hashing pieces of 1 MiB: each byte read once. Bandwidth is beside that of a copy, which reads and writes.
#include "kernels/hash/hash.cuh"
#include "kernels/testing/benchmark.h"

namespace kernels {
namespace {

struct Hash {
  uint64_t low, high;
};

struct Row {
  const unsigned char* data;
  size_t piece;
  __device__ HashPiece operator()(size_t p) const { return {data + p * piece, piece}; }
};

// `pieces` of `piece` bytes, from `offset` bytes past an aligned address on.
void BM_Hash(benchmark::State& state) {
  const auto pieces = static_cast<size_t>(state.range(0)), piece = static_cast<size_t>(state.range(1));
  const auto offset = static_cast<size_t>(state.range(2));
  const BenchmarkBuffer data(pieces * piece + offset), hashes(pieces * sizeof(Hash));
  MeasureBytes(state, static_cast<double>(pieces * piece), [&] {
    Require(HashPieces(Row{data.As<unsigned char>() + offset, piece}, pieces, hashes.As<Hash>(), nullptr));
  });
}
BENCHMARK(BM_Hash)->Args({4096, 1 << 20, 0})->UseManualTime()->Iterations(50);
BENCHMARK(BM_Hash)->Args({1024, 1 << 20, 0})->UseManualTime()->Iterations(50);
BENCHMARK(BM_Hash)->Args({4096, 1 << 20, 4})->UseManualTime()->Iterations(50);
BENCHMARK(BM_Hash)->Args({16384, 1 << 18, 0})->UseManualTime()->Iterations(50);
BENCHMARK(BM_Hash)->Args({1 << 16, 4096, 0})->UseManualTime()->Iterations(50);

}  // namespace
}  // namespace kernels

BENCHMARK_MAIN();
