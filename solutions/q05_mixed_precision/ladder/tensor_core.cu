// Rung 3: tensor cores, through CUDA's nvcuda::wmma.
//
// A warp multiplies 16 x 16 x 16 blocks, 4 x 2 of them at a time (64 x 32 of D), out of tiles in shared memory. The
// arithmetic is now so fast that the block mostly waits: load, wait, multiply, wait.
#include <mma.h>

#include "solutions/q05_mixed_precision/ladder/ladder.h"

namespace ladder {
namespace {

namespace wmma = nvcuda::wmma;

constexpr int kTile = 128, kTileK = 32;
constexpr int kBlock = 16;  // side of wmma's blocks
constexpr int kWarpM = 64, kWarpN = 32;
constexpr int kBlocksM = kWarpM / kBlock, kBlocksN = kWarpN / kBlock;
constexpr int kWarpsN = kTile / kWarpN;
constexpr int kThreads = 256;
constexpr int kVec = 8;             // elements of 16 bytes
constexpr int kLd = kTileK + kVec;  // padded: lines of a block start in different banks

__device__ void LoadTile(const __nv_bfloat16* from, int k, int first, int first_k, __nv_bfloat16 (&tile)[kTile][kLd]) {
  for (int index = threadIdx.x; index < kTile * kTileK / kVec; index += kThreads) {
    const int i = index / (kTileK / kVec), p = index % (kTileK / kVec) * kVec;
    *reinterpret_cast<uint4*>(&tile[i][p]) =
        *reinterpret_cast<const uint4*>(from + static_cast<size_t>(first + i) * k + first_k + p);
  }
}

__global__ void __launch_bounds__(kThreads) TensorCoreKernel(Problem problem) {
  __shared__ __align__(128) __nv_bfloat16 tile_a[kTile][kLd], tile_b[kTile][kLd];
  __shared__ __align__(128) float staging[kThreads / 32][kBlock][kBlock];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int warp_row = warp / kWarpsN * kWarpM, warp_column = warp % kWarpsN * kWarpN;
  wmma::fragment<wmma::accumulator, kBlock, kBlock, kBlock, float> sums[kBlocksM][kBlocksN];
  for (auto& row : sums) {
    for (auto& block : row) wmma::fill_fragment(block, 0.0f);
  }
  for (int first_k = 0; first_k < problem.k; first_k += kTileK) {
    LoadTile(problem.a, problem.k, blockIdx.y * kTile, first_k, tile_a);
    LoadTile(problem.b, problem.k, blockIdx.x * kTile, first_k, tile_b);
    __syncthreads();
#pragma unroll
    for (int p = 0; p < kTileK; p += kBlock) {
      wmma::fragment<wmma::matrix_a, kBlock, kBlock, kBlock, __nv_bfloat16, wmma::row_major> a[kBlocksM];
      wmma::fragment<wmma::matrix_b, kBlock, kBlock, kBlock, __nv_bfloat16, wmma::col_major> b[kBlocksN];
#pragma unroll
      for (int i = 0; i < kBlocksM; ++i) wmma::load_matrix_sync(a[i], &tile_a[warp_row + i * kBlock][p], kLd);
#pragma unroll
      for (int j = 0; j < kBlocksN; ++j) wmma::load_matrix_sync(b[j], &tile_b[warp_column + j * kBlock][p], kLd);
#pragma unroll
      for (int i = 0; i < kBlocksM; ++i) {
#pragma unroll
        for (int j = 0; j < kBlocksN; ++j) wmma::mma_sync(sums[i][j], a[i], b[j], sums[i][j]);
      }
    }
    __syncthreads();
  }
  // Which element of a fragment is where is wmma's secret: by way of shared memory.
  for (int i = 0; i < kBlocksM; ++i) {
    for (int j = 0; j < kBlocksN; ++j) {
      wmma::store_matrix_sync(&staging[warp][0][0], sums[i][j], kBlock, wmma::mem_row_major);
      __syncwarp();
      for (int index = lane; index < kBlock * kBlock; index += 32) {
        const size_t row = blockIdx.y * kTile + warp_row + i * kBlock + index / kBlock;
        const int column = blockIdx.x * kTile + warp_column + j * kBlock + index % kBlock;
        problem.d[row * problem.n + column] = __float2bfloat16(staging[warp][index / kBlock][index % kBlock]);
      }
      __syncwarp();
    }
  }
}

}  // namespace

cudaError_t TensorCore(const Problem& problem, cudaStream_t stream) {
  TensorCoreKernel<<<dim3(problem.n / kTile, problem.m / kTile), kThreads, 0, stream>>>(problem);
  return cudaGetLastError();
}

}  // namespace ladder
