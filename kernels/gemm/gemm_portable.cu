// Plain CUDA C++: tiles in shared memory, 4 x 4 sums a thread. Runs anywhere, host mode included; the only path that
// takes operands of any alignment and k = 0.
#include <algorithm>

#include "kernels/gemm/epilogue.cuh"
#include "kernels/gemm/internal.h"

namespace kernels::gemm_internal {
namespace {

constexpr int kTile = 64, kTileK = 16;
constexpr int kThreadSums = 4;  // along M and along N
constexpr int kThreadsAlong = kTile / kThreadSums;
constexpr int kThreads = kThreadsAlong * kThreadsAlong;

// tile[p][i] = element (first + i, first_k + p) of the operand, 0 outside it. Neighbouring threads read neighbouring
// addresses, whichever way the operand lies. One column of padding keeps writes along K out of each other's banks.
__device__ void LoadTile(const Operand& operand, int extent, int k, int first, int first_k,
                         float (&tile)[kTileK][kTile + 1]) {
  for (int index = threadIdx.x; index < kTile * kTileK; index += kThreads) {
    const int i = operand.k_major ? index / kTileK : index % kTile;
    const int p = operand.k_major ? index % kTileK : index / kTile;
    const int64_t outer = operand.k_major ? first + i : first_k + p;
    const int64_t inner = operand.k_major ? first_k + p : first + i;
    tile[p][i] = first + i < extent && first_k + p < k ? Widen(operand.data[outer * operand.ld + inner]) : 0.0f;
  }
}

template <typename Out>
__global__ void __launch_bounds__(kThreads)
    GemmPortableKernel(Operand a, Operand b, int m, int n, int k, Epilogue epilogue) {
  __shared__ float tile_a[kTileK][kTile + 1];
  __shared__ float tile_b[kTileK][kTile + 1];
  const int thread_row = threadIdx.x / kThreadsAlong, thread_column = threadIdx.x % kThreadsAlong;
  const int tiles_m = (m + kTile - 1) / kTile;
  const int tile_row = blockIdx.x % tiles_m * kTile, tile_column = blockIdx.x / tiles_m * kTile;
  float sums[kThreadSums * kThreadSums] = {};
  for (int first_k = 0; first_k < k; first_k += kTileK) {
    LoadTile(a, m, k, tile_row, first_k, tile_a);
    LoadTile(b, n, k, tile_column, first_k, tile_b);
    __syncthreads();
    for (int p = 0; p < kTileK; ++p) {
      for (int i = 0; i < kThreadSums; ++i) {
        for (int j = 0; j < kThreadSums; ++j) {
          float& sum = sums[i * kThreadSums + j];
          sum = fmaf(tile_a[p][thread_row + i * kThreadsAlong], tile_b[p][thread_column + j * kThreadsAlong], sum);
        }
      }
    }
    __syncthreads();
  }
  const auto row_of = [&](int i) { return tile_row + thread_row + i / kThreadSums * kThreadsAlong; };
  const auto column_of = [&](int i) { return tile_column + thread_column + i % kThreadSums * kThreadsAlong; };
  Finish<Out>(epilogue, m, n, row_of, column_of, sums);
  for (int i = 0; i < kThreadSums * kThreadSums; ++i) {
    if (row_of(i) >= m || column_of(i) >= n) continue;
    static_cast<Out*>(epilogue.d)[row_of(i) * epilogue.ldd + column_of(i)] = Narrow<Out>(sums[i]);
  }
}

}  // namespace

cudaError_t LaunchPortable(const Task& task, cudaStream_t stream) {
  const int64_t tiles = int64_t{(task.m + kTile - 1) / kTile} * ((task.n + kTile - 1) / kTile);
  if (tiles > INT32_MAX) return cudaErrorInvalidValue;
  const auto kernel = task.fp32_output ? GemmPortableKernel<float> : GemmPortableKernel<__nv_bfloat16>;
  kernel<<<static_cast<unsigned>(tiles), kThreads, 0, stream>>>(task.a, task.b, task.m, task.n, task.k, task.epilogue);
  return cudaGetLastError();
}

}  // namespace kernels::gemm_internal
