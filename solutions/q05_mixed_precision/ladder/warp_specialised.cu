// Rung 5: Hopper's own instructions, and warps with different jobs. TMA, mbarrier, wgmma.
//
// One thread (the producer) does nothing but start copies: the TMA fetches a whole box for one instruction, and counts
// its bytes at a barrier. Two warpgroups (the consumers) do nothing but start multiplications: wgmma reads both
// operands from shared memory, 64 x 256 x 16 at a time, and keeps sums in registers. Each stage of the ring has a
// barrier for either direction: `full` when its bytes are there, `empty` when both consumers have read it.
//
// What kernels/gemm adds: blocks that stay for many tiles, so that one tile's stores overlap with the next one's loads;
// clusters of two that share B by multicast; stores by TMA; an order of tiles that keeps to L2; any size and layout.
#include <cuda.h>

#include <cstdint>

#include "kernels/gemm/hopper.cuh"
#include "solutions/q05_mixed_precision/ladder/ladder.h"

namespace ladder {
namespace {

using namespace kernels::hopper;  // NOLINT(google-build-using-namespace): the instruction set of this file

constexpr int kTileM = 128, kTileN = 256, kTileK = 64, kStages = 4;
constexpr int kConsumers = 2, kWarpgroup = 128, kThreads = (1 + kConsumers) * kWarpgroup;
constexpr int kLineBytes = kTileK * 2;  // 128: the span of the swizzle
constexpr int kAtomBytes = 8 * kLineBytes;

struct SharedMemory {
  alignas(kAtomBytes) uint8_t a[kStages][kTileM * kLineBytes];
  alignas(kAtomBytes) uint8_t b[kStages][kTileN * kLineBytes];
  uint64_t full[kStages], empty[kStages];
};
constexpr int kSharedBytes = sizeof(SharedMemory) + kAtomBytes;  // to align it by hand

__global__ void __launch_bounds__(kThreads, 1)
    WarpSpecialisedKernel(const __grid_constant__ CUtensorMap map_a, const __grid_constant__ CUtensorMap map_b,
                          Problem p) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  extern __shared__ uint8_t dynamic[];
  auto& shared = *reinterpret_cast<SharedMemory*>((reinterpret_cast<uintptr_t>(dynamic) + kAtomBytes - 1) &
                                                  ~uintptr_t{kAtomBytes - 1});
  if (threadIdx.x == 0) {
    for (int stage = 0; stage < kStages; ++stage) {
      InitBarrier(&shared.full[stage], 1);
      InitBarrier(&shared.empty[stage], kConsumers);
    }
    FenceBarrierInit();
  }
  __syncthreads();
  // The shuffle tells the compiler that it is the same in all of a warp, so that descriptors stay in uniform registers.
  const int warpgroup = __shfl_sync(0xffffffff, static_cast<int>(threadIdx.x) / kWarpgroup, 0);
  const int row = blockIdx.y * kTileM, column = blockIdx.x * kTileN, k_tiles = p.k / kTileK;

  if (warpgroup == 0) {
    DecreaseRegisters<40>();
    if (threadIdx.x == 0) {
      for (int tile = 0; tile < k_tiles; ++tile) {
        const int stage = tile % kStages, round = tile / kStages;
        WaitBarrier(&shared.empty[stage], (round + 1) % 2);  // the first round finds the stages empty
        ArriveExpectBytes(&shared.full[stage], sizeof(shared.a[0]) + sizeof(shared.b[0]));
        TmaLoad(shared.a[stage], &map_a, tile * kTileK, row, &shared.full[stage]);
        TmaLoad(shared.b[stage], &map_b, tile * kTileK, column, &shared.full[stage]);
      }
    }
    return;
  }

  IncreaseRegisters<232>();
  const int consumer = warpgroup - 1, thread = threadIdx.x % kWarpgroup;
  float sums[128];
  for (int tile = 0; tile < k_tiles; ++tile) {
    const int stage = tile % kStages, round = tile / kStages;
    const uint64_t a =
        MatrixDescriptor(SharedAddress(shared.a[stage]) + consumer * (kTileM / kConsumers) * kLineBytes, 0, kAtomBytes);
    const uint64_t b = MatrixDescriptor(SharedAddress(shared.b[stage]), 0, kAtomBytes);
    WaitBarrier(&shared.full[stage], round % 2);
    WgmmaFence();
#pragma unroll
    for (int step = 0; step < kTileK / 16; ++step) {
      const int units = step * 2;  // of 16 bytes, as descriptors count
      WgmmaM64N256K16<false, false>(sums, a + units, b + units, tile + step > 0);
    }
    WgmmaCommit();
    WgmmaWait<1>();  // of the stage before: this one keeps the tensor cores busy meanwhile
    if (tile > 0 && thread == 0) Arrive(&shared.empty[(tile - 1) % kStages]);
  }
  WgmmaWait<0>();

  const size_t d_row = row + consumer * (kTileM / kConsumers) + thread / 32 * 16 + thread % 32 / 4;
  __nv_bfloat16* to = p.d + d_row * p.n + column + thread % 4 * 2;
#pragma unroll
  for (int i = 0; i < 128; i += 4) {
    *reinterpret_cast<__nv_bfloat162*>(to + i * 2) = __floats2bfloat162_rn(sums[i], sums[i + 1]);
    *reinterpret_cast<__nv_bfloat162*>(to + i * 2 + 8 * static_cast<size_t>(p.n)) =
        __floats2bfloat162_rn(sums[i + 2], sums[i + 3]);
  }
#endif
}

// Boxes of box_lines lines by 64 elements.
cudaError_t MakeTensorMap(CUtensorMap* map, const __nv_bfloat16* data, int lines, int k, int box_lines) {
  void* encode = nullptr;
  cudaDriverEntryPointQueryResult found;
  if (cudaError_t error =
          cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &encode, 12000, cudaEnableDefault, &found);
      error != cudaSuccess) {
    return error;
  }
  const cuuint64_t sizes[] = {static_cast<cuuint64_t>(k), static_cast<cuuint64_t>(lines)};
  const cuuint64_t strides[] = {static_cast<cuuint64_t>(k) * 2};
  const cuuint32_t box[] = {kTileK, static_cast<cuuint32_t>(box_lines)}, steps[] = {1, 1};
  const CUresult result = reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(encode)(
      map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 2, const_cast<__nv_bfloat16*>(data), sizes, strides, box, steps,
      CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_NONE,
      CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  return result == CUDA_SUCCESS ? cudaSuccess : cudaErrorInvalidValue;
}

}  // namespace

cudaError_t WarpSpecialised(const Problem& problem, cudaStream_t stream) {
  CUtensorMap map_a, map_b;
  if (cudaError_t error = MakeTensorMap(&map_a, problem.a, problem.m, problem.k, kTileM); error != cudaSuccess) {
    return error;
  }
  if (cudaError_t error = MakeTensorMap(&map_b, problem.b, problem.n, problem.k, kTileN); error != cudaSuccess) {
    return error;
  }
  if (cudaError_t error =
          cudaFuncSetAttribute(WarpSpecialisedKernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kSharedBytes);
      error != cudaSuccess) {
    return error;
  }
  WarpSpecialisedKernel<<<dim3(problem.n / kTileN, problem.m / kTileM), kThreads, kSharedBytes, stream>>>(map_a, map_b,
                                                                                                          problem);
  return cudaGetLastError();
}

}  // namespace ladder
