// Rung 4: loads overlap with arithmetic. cp.async, ldmatrix, mma.sync.
//
// cp.async copies from global to shared memory without passing through registers, and without anyone waiting: a ring of
// three stages, two in flight while the third is multiplied. In shared memory the 16-byte units of each 128-byte line
// are permuted (unit ^ line % 8), so that the eight lines that ldmatrix reads at once lie in different banks, without
// padding. The limit is now mma.sync itself, which on Hopper reaches about 60 % of what wgmma does: operands pass
// through registers.
#include <cstdint>

#include "solutions/q05_mixed_precision/ladder/ladder.h"

namespace ladder {
namespace {

constexpr int kTile = 128, kTileK = 64, kStages = 3;
constexpr int kThreads = 256;
constexpr int kWarpM = 64, kWarpN = 32, kWarpsN = kTile / kWarpN;
constexpr int kBlocksM = kWarpM / 16, kBlocksN = kWarpN / 8;  // mma's blocks of a warp
constexpr int kLineBytes = kTileK * 2, kTileBytes = kTile * kLineBytes;
constexpr int kSharedBytes = kStages * 2 * kTileBytes;

__device__ uint32_t UnitOffset(int line, int unit) { return line * kLineBytes + ((unit ^ (line & 7)) << 4); }

// This thread's quarter of what its column of units holds: every 32nd line. `from` is its first unit of the tile.
__device__ void StartLoading(const __nv_bfloat16* from, int k, uint32_t tile) {
  const int line = threadIdx.x / 8, unit = threadIdx.x % 8;
#pragma unroll
  for (int i = 0; i < kTile; i += kThreads / 8) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(tile + i * kLineBytes + UnitOffset(line, unit)),
                 "l"(from + static_cast<size_t>(i) * k)
                 : "memory");
  }
}

// Four 8 x 8 matrices: lines [line, line + 16) by two units.
__device__ void LoadBlock(uint32_t tile, int line, int unit, uint32_t (&block)[4]) {
  const int lane = threadIdx.x % 32;
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(block[0]), "=r"(block[1]), "=r"(block[2]), "=r"(block[3])
               : "r"(tile + UnitOffset(line + lane % 16, unit + lane / 16))
               : "memory");
}

__device__ void MultiplyAdd(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__global__ void __launch_bounds__(kThreads) PipelinedKernel(Problem p) {
  extern __shared__ __align__(128) uint8_t shared[];
  const uint32_t ring = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int warp_row = warp / kWarpsN * kWarpM, warp_column = warp % kWarpsN * kWarpN;
  const int k_tiles = p.k / kTileK;
  const __nv_bfloat16* a = p.a + static_cast<size_t>(blockIdx.y * kTile + threadIdx.x / 8) * p.k + threadIdx.x % 8 * 8;
  const __nv_bfloat16* b = p.b + static_cast<size_t>(blockIdx.x * kTile + threadIdx.x / 8) * p.k + threadIdx.x % 8 * 8;
  const auto start_stage = [&](int tile) {
    if (tile < k_tiles) {
      const uint32_t stage = ring + tile % kStages * 2 * kTileBytes;
      StartLoading(a + tile * kTileK, p.k, stage);
      StartLoading(b + tile * kTileK, p.k, stage + kTileBytes);
    }
    asm volatile("cp.async.commit_group;" ::: "memory");  // an empty one too: groups are counted
  };
  for (int tile = 0; tile < kStages - 1; ++tile) start_stage(tile);

  float sums[kBlocksM][kBlocksN][4] = {};
  for (int tile = 0; tile < k_tiles; ++tile) {
    asm volatile("cp.async.wait_group %0;" ::"n"(kStages - 2) : "memory");
    __syncthreads();  // everybody's part is there, and nobody still reads the stage that is filled next
    start_stage(tile + kStages - 1);
    const uint32_t tile_a = ring + tile % kStages * 2 * kTileBytes, tile_b = tile_a + kTileBytes;
#pragma unroll
    for (int unit = 0; unit < kTileK / 8; unit += 2) {
      uint32_t blocks_a[kBlocksM][4], blocks_b[kBlocksN / 2][4];
#pragma unroll
      for (int i = 0; i < kBlocksM; ++i) LoadBlock(tile_a, warp_row + i * 16, unit, blocks_a[i]);
#pragma unroll
      for (int j = 0; j < kBlocksN / 2; ++j) LoadBlock(tile_b, warp_column + j * 16, unit, blocks_b[j]);
#pragma unroll
      for (int i = 0; i < kBlocksM; ++i) {
#pragma unroll
        for (int j = 0; j < kBlocksN; ++j) {
          MultiplyAdd(sums[i][j], blocks_a[i], blocks_b[j / 2][j % 2], blocks_b[j / 2][j % 2 + 2]);
        }
      }
    }
  }
#pragma unroll
  for (int i = 0; i < kBlocksM; ++i) {
#pragma unroll
    for (int j = 0; j < kBlocksN; ++j) {
      const size_t row = blockIdx.y * kTile + warp_row + i * 16 + lane / 4;
      __nv_bfloat16* to = p.d + row * p.n + blockIdx.x * kTile + warp_column + j * 8 + lane % 4 * 2;
      *reinterpret_cast<__nv_bfloat162*>(to) = __floats2bfloat162_rn(sums[i][j][0], sums[i][j][1]);
      *reinterpret_cast<__nv_bfloat162*>(to + 8 * static_cast<size_t>(p.n)) =
          __floats2bfloat162_rn(sums[i][j][2], sums[i][j][3]);
    }
  }
}

}  // namespace

cudaError_t Pipelined(const Problem& problem, cudaStream_t stream) {
  if (cudaError_t error =
          cudaFuncSetAttribute(PipelinedKernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kSharedBytes);
      error != cudaSuccess) {
    return error;
  }
  PipelinedKernel<<<dim3(problem.n / kTile, problem.m / kTile), kThreads, kSharedBytes, stream>>>(problem);
  return cudaGetLastError();
}

}  // namespace ladder
