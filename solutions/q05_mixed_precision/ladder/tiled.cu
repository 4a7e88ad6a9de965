// Rung 2: tiles in shared memory, 8 x 8 sums in each thread's registers.
//
// A block loads a 128 x 16 tile of A and of B once and uses each element 128 times; a thread loads 16 numbers from
// shared memory for 64 multiply-adds. Now the fp32 units are the limit: 67 TFLOP/s on an H100, a fifteenth of the
// tensor cores'.
#include "solutions/q05_mixed_precision/ladder/ladder.h"

namespace ladder {
namespace {

constexpr int kTile = 128, kTileK = 16;
constexpr int kSums = 8;              // of a thread, along each side
constexpr int kSide = kTile / kSums;  // threads along each side
constexpr int kThreads = kSide * kSide;

// tile[p][i] = element p of line first + i: transposed, so that a warp's reads of it are next to each other.
__device__ void LoadTile(const __nv_bfloat16* from, int k, int first, int first_k, float (&tile)[kTileK][kTile + 1]) {
  for (int index = threadIdx.x; index < kTile * kTileK; index += kThreads) {
    const int i = index / kTileK, p = index % kTileK;
    tile[p][i] = __bfloat162float(from[static_cast<size_t>(first + i) * k + first_k + p]);
  }
}

__global__ void __launch_bounds__(kThreads) TiledKernel(Problem problem) {
  __shared__ float tile_a[kTileK][kTile + 1], tile_b[kTileK][kTile + 1];
  const int row = threadIdx.x / kSide, column = threadIdx.x % kSide;
  float sums[kSums][kSums] = {};
  for (int first_k = 0; first_k < problem.k; first_k += kTileK) {
    LoadTile(problem.a, problem.k, blockIdx.y * kTile, first_k, tile_a);
    LoadTile(problem.b, problem.k, blockIdx.x * kTile, first_k, tile_b);
    __syncthreads();
#pragma unroll
    for (int p = 0; p < kTileK; ++p) {
      float a[kSums], b[kSums];
#pragma unroll
      for (int i = 0; i < kSums; ++i) a[i] = tile_a[p][row + i * kSide];
#pragma unroll
      for (int j = 0; j < kSums; ++j) b[j] = tile_b[p][column + j * kSide];
#pragma unroll
      for (int i = 0; i < kSums; ++i) {
#pragma unroll
        for (int j = 0; j < kSums; ++j) sums[i][j] += a[i] * b[j];
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < kSums; ++i) {
#pragma unroll
    for (int j = 0; j < kSums; ++j) {
      const size_t d_row = blockIdx.y * kTile + row + i * kSide;
      problem.d[d_row * problem.n + blockIdx.x * kTile + column + j * kSide] = __float2bfloat16(sums[i][j]);
    }
  }
}

}  // namespace

cudaError_t Tiled(const Problem& problem, cudaStream_t stream) {
  TiledKernel<<<dim3(problem.n / kTile, problem.m / kTile), kThreads, 0, stream>>>(problem);
  return cudaGetLastError();
}

}  // namespace ladder
