// sm_90a: persistent, warp-specialised, TMA and wgmma.
//
//   block = 3 warpgroups           producer: one thread fills a ring of kStages stages by TMA
//                                  consumers 0, 1: rows 0..63 and 64..127 of the block's 128 x 256 tile of D
//   cluster = 2 blocks             tiles one below the other; both need the same 256 columns of B, so each block loads
//                                  half of them and multicasts it to both
//   grid = all multiprocessors     each cluster walks through pairs of tiles; while the consumers store one tile the
//                                  producer already loads the next
//
// Each stage has two barriers. `full` completes when the stage's bytes have arrived, from both blocks' TMAs. `empty`
// completes when the consumers of both blocks have read it: a block's multicast lands in its peer too.
#include "kernels/gemm/internal.h"

#if !defined(WORKBENCH_HOST_MODE)

#include <cuda.h>

#include <algorithm>

#include "kernels/gemm/epilogue.cuh"
#include "kernels/gemm/hopper.cuh"
#include "kernels/gemm/schedule.h"

namespace kernels::gemm_internal {
namespace {

using namespace hopper;  // NOLINT(google-build-using-namespace): the instruction set of this file

constexpr int kTileM = 128, kTileN = 256, kTileK = 64;
constexpr int kStages = 4;
constexpr int kClusterBlocks = 2;
constexpr int kConsumers = 2;
constexpr int kWarpgroup = 128;
constexpr int kThreads = (1 + kConsumers) * kWarpgroup;
constexpr int kConsumerRows = kTileM / kConsumers;
constexpr int kHalfN = kTileN / kClusterBlocks;
// Every box of a tensor map is 128 bytes wide, the span of the swizzle.
constexpr int kSwizzleBytes = 128;
constexpr int kAtomBytes = 8 * kSwizzleBytes;
constexpr int kWarpsPerConsumer = 4;
constexpr int kWarpRows = kConsumerRows / kWarpsPerConsumer;  // wgmma deals the rows out so
constexpr int kStagingBytes = kWarpRows * kSwizzleBytes;
constexpr int kStagingBuffers = 2;  // of each warp: what four stages leave room for

struct SharedMemory {
  alignas(kAtomBytes) uint8_t a[kStages][kTileM * kTileK * 2];
  alignas(kAtomBytes) uint8_t b[kStages][kTileN * kTileK * 2];
  alignas(kAtomBytes) uint8_t staging[kConsumers][kWarpsPerConsumer][kStagingBuffers][kStagingBytes];
  uint64_t full[kStages], empty[kStages];
};
constexpr int kSharedBytes = sizeof(SharedMemory) + kAtomBytes;  // dynamic shared memory is only 16-byte aligned

struct TensorMaps {
  CUtensorMap a, b, d;
};

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)

// Of each thread. The kernel starts with 168; the consumers, whose threads hold 128 sums each, take what the producer
// gives back: 128 x (40 + 2 x 232) is within the 64 K that there are.
constexpr int kProducerRegisters = 40, kConsumerRegisters = 232;

constexpr int kSwizzleElements = kSwizzleBytes / 2;
constexpr int kMnChunkBytes = kTileK * kSwizzleBytes;  // MN-major: 64 elements along M or N, for all of the tile's K

// Position in the ring, and the parity of the current round's phase.
struct RingPosition {
  int stage = 0;
  uint32_t parity = 0;

  __device__ void Advance() {
    if (++stage == kStages) {
      stage = 0;
      parity ^= 1;
    }
  }
};

// One thread of each block.
template <bool kAMnMajor, bool kBMnMajor>
__device__ void Produce(SharedMemory* shared, const TensorMaps& maps, const Schedule& schedule, int k_tiles) {
  constexpr int kStageBytes = sizeof(shared->a[0]) + sizeof(shared->b[0]);
  constexpr uint16_t kBothBlocks = 3;
  const int rank = static_cast<int>(ClusterRank());
  RingPosition ring;
  for (int64_t index = blockIdx.x / kClusterBlocks; index < schedule.count; index += gridDim.x / kClusterBlocks) {
    int pair_m, tile_n;
    schedule.Locate(index, &pair_m, &tile_n);
    const int row = (pair_m * kClusterBlocks + rank) * kTileM;
    const int column = tile_n * kTileN + rank * kHalfN;
    for (int k = 0; k < k_tiles * kTileK; k += kTileK, ring.Advance()) {
      uint64_t* full = &shared->full[ring.stage];
      uint8_t* a = shared->a[ring.stage];
      uint8_t* b = shared->b[ring.stage] + rank * kHalfN * kTileK * 2;
      WaitBarrierOfCluster(&shared->empty[ring.stage], ring.parity ^ 1);
      ArriveExpectBytes(full, kStageBytes);
      // K-major operands take one box, MN-major ones a box for every 64 elements along M or N.
      if constexpr (kAMnMajor) {
        for (int i = 0; i < kTileM / kSwizzleElements; ++i) {
          TmaLoad(a + i * kMnChunkBytes, &maps.a, row + i * kSwizzleElements, k, full);
        }
      } else {
        TmaLoad(a, &maps.a, k, row, full);
      }
      if constexpr (kBMnMajor) {
        for (int i = 0; i < kHalfN / kSwizzleElements; ++i) {
          TmaLoadMulticast(b + i * kMnChunkBytes, &maps.b, column + i * kSwizzleElements, k, full, kBothBlocks);
        }
      } else {
        TmaLoadMulticast(b, &maps.b, k, column, full, kBothBlocks);
      }
    }
  }
  // The block must not end before the last arrivals of its peer's consumers have come in.
  for (int stage = 0; stage < kStages; ++stage, ring.Advance()) {
    WaitBarrierOfCluster(&shared->empty[ring.stage], ring.parity ^ 1);
  }
}

// sums = this consumer's rows of the tile, all of K. Leaves the ring behind the tile.
template <bool kAMnMajor, bool kBMnMajor>
__device__ void Multiply(SharedMemory* shared, int consumer, int k_tiles, RingPosition* ring, float (&sums)[128]) {
  constexpr int kInstructionK = 16;
  constexpr int kStepA = (kAMnMajor ? kInstructionK * kSwizzleBytes : kInstructionK * 2) >> 4;  // descriptors count
  constexpr int kStepB = (kBMnMajor ? kInstructionK * kSwizzleBytes : kInstructionK * 2) >> 4;  // in 16 bytes
  // 64 rows are 8 KiB in either form: 64 lines of 128 bytes, or one chunk of 64 elements along M.
  const uint64_t a0 = MatrixDescriptor(SharedAddress(shared->a) + consumer * kMnChunkBytes, 0, kAtomBytes);
  const uint64_t b0 = MatrixDescriptor(SharedAddress(shared->b), kBMnMajor ? kMnChunkBytes : 0, kAtomBytes);
  const int lane = threadIdx.x % kWarpgroup;
  int previous = 0;
  for (int tile = 0; tile < k_tiles; ++tile) {
    const uint64_t a = a0 + ring->stage * (sizeof(shared->a[0]) >> 4);
    const uint64_t b = b0 + ring->stage * (sizeof(shared->b[0]) >> 4);
    WaitBarrier(&shared->full[ring->stage], ring->parity);
    WgmmaFence();
#pragma unroll
    for (int step = 0; step < kTileK / kInstructionK; ++step) {
      WgmmaM64N256K16<kAMnMajor, kBMnMajor>(sums, a + step * kStepA, b + step * kStepB, tile + step > 0);
    }
    WgmmaCommit();
    // The tensor cores always have this stage to work on while the one before is given back.
    WgmmaWait<1>();
    if (tile > 0 && lane < kClusterBlocks) ArriveAtRank(&shared->empty[previous], lane);
    previous = ring->stage;
    ring->Advance();
  }
  WgmmaWait<0>();
  if (lane < kClusterBlocks) ArriveAtRank(&shared->empty[previous], lane);
}

// Where in staging, which is swizzled like the TMA's boxes, 16-byte unit `unit` of line `line` lies.
__device__ inline int StagingOffset(int line, int unit) { return line * kSwizzleBytes + ((unit ^ (line & 7)) << 4); }

__device__ inline uint32_t PackBf16(float low, float high) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return reinterpret_cast<const uint32_t&>(pair);
}

// What staging holds, to a D whose rows do not start on 16-byte boundaries: the TMA cannot write that. Not inlined, to
// keep the code short that every tile runs through: the instruction cache has forgotten it since the last tile.
template <typename Out>
__device__ __noinline__ void StoreUnaligned(const uint8_t (&staging)[kStagingBuffers][kStagingBytes],
                                            const Epilogue& epilogue, int m, int n, int first_row, int first_column) {
  constexpr int kChunkColumns = kSwizzleBytes / sizeof(Out);
  const int lane = threadIdx.x % 32;
  for (int line = 0; line < kWarpRows && first_row + line < m; ++line) {
    Out* to = static_cast<Out*>(epilogue.d) + (first_row + line) * epilogue.ldd + first_column;
#pragma unroll
    for (int column = lane; column < kStagingBuffers * kChunkColumns; column += 32) {
      const int byte = column % kChunkColumns * static_cast<int>(sizeof(Out));
      const uint8_t* from = staging[column / kChunkColumns] + StagingOffset(line, byte / 16) + byte % 16;
      if (first_column + column < n) to[column] = *reinterpret_cast<const Out*>(from);
    }
  }
}

// Stores this warp's 16 rows of the tile by way of shared memory: the tensor cores leave each thread two neighbours of
// a row, and memory wants whole lines. Chunks of 128 bytes of every row, two at a time, one for each staging buffer.
template <typename Out, bool kPlain>
__device__ void Store(uint8_t (&staging)[kStagingBuffers][kStagingBytes], const CUtensorMap* map,
                      const Epilogue& epilogue, bool tma_store, int m, int n, int first_row, int first_column,
                      float (&sums)[128]) {
  constexpr int kChunkColumns = kSwizzleBytes / sizeof(Out);
  constexpr int kChunkSums = kChunkColumns / 2;  // of each thread
  const int lane = threadIdx.x % 32;
  if constexpr (!kPlain) {  // all at once: what it loads comes from far, and should be waited for once
    const int row = first_row + lane / 4, column = first_column + lane % 4 * 2;
    Finish<Out>(
        epilogue, m, n, [&](int i) { return row + (i & 2) * 4; }, [&](int i) { return column + i / 4 * 8 + (i & 1); },
        sums);
  }
#pragma unroll
  for (int first_chunk = 0; first_chunk < kTileN / kChunkColumns; first_chunk += kStagingBuffers) {
    WaitStoresRead<0>();
    __syncwarp();
#pragma unroll
    for (int buffer = 0; buffer < kStagingBuffers; ++buffer) {
      const float* values = &sums[(first_chunk + buffer) * kChunkSums];
      if constexpr (sizeof(Out) == 2) {
        // Matrices 0 and 1 are rows 0..7 and 8..15 of eight columns, 2 and 3 of the next eight.
#pragma unroll
        for (int i = 0; i < kChunkSums; i += 8) {
          StoreMatrices(SharedAddress(staging[buffer]) + StagingOffset(lane % 16, i / 4 + lane / 16),
                        PackBf16(values[i], values[i + 1]), PackBf16(values[i + 2], values[i + 3]),
                        PackBf16(values[i + 4], values[i + 5]), PackBf16(values[i + 6], values[i + 7]));
        }
      } else {
#pragma unroll
        for (int i = 0; i < kChunkSums; i += 2) {
          const int byte = i / 4 * 32 + lane % 4 * 8;
          *reinterpret_cast<float2*>(staging[buffer] + StagingOffset(lane / 4 + (i & 2) * 4, byte / 16) + byte % 16) =
              make_float2(values[i], values[i + 1]);
        }
      }
    }
    FenceSharedForTma();
    __syncwarp();
    const int chunk_column = first_column + first_chunk * kChunkColumns;
    if (!tma_store) {
      StoreUnaligned<Out>(staging, epilogue, m, n, first_row, chunk_column);
    } else if (lane < kStagingBuffers) {
      TmaStore(map, chunk_column + lane * kChunkColumns, first_row, staging[lane]);
      CommitStores();
    }
  }
}

#endif  // __CUDA_ARCH_FEAT_SM90_ALL

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900
#define KERNELS_CLUSTER  // which older GPUs do not know
#else
#define KERNELS_CLUSTER __cluster_dims__(kClusterBlocks)
#endif

template <bool kAMnMajor, bool kBMnMajor, typename Out, bool kPlain>
__global__ void KERNELS_CLUSTER __launch_bounds__(kThreads, 1)
    GemmSm90Kernel(const __grid_constant__ TensorMaps maps, const __grid_constant__ Epilogue epilogue, int m, int n,
                   int k, bool tma_store, Schedule schedule) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  extern __shared__ uint8_t dynamic[];
  auto* shared = reinterpret_cast<SharedMemory*>((reinterpret_cast<uintptr_t>(dynamic) + kAtomBytes - 1) &
                                                 ~uintptr_t{kAtomBytes - 1});
  if (threadIdx.x == 0) {
    PrefetchTensorMap(&maps.a);
    PrefetchTensorMap(&maps.b);
    PrefetchTensorMap(&maps.d);
    for (int stage = 0; stage < kStages; ++stage) {
      InitBarrier(&shared->full[stage], 1);
      InitBarrier(&shared->empty[stage], kConsumers * kClusterBlocks);
    }
    FenceBarrierInit();
  }
  ClusterSync();
  // Through a shuffle, so that the compiler knows that it is the same in all of a warp, and keeps what follows from it
  // (wgmma's descriptors) in uniform registers. Moving them there before each wgmma costs 6 % of the kernel's time.
  const int warpgroup = __shfl_sync(0xffffffff, static_cast<int>(threadIdx.x) / kWarpgroup, 0);
  const int k_tiles = (k + kTileK - 1) / kTileK;
  if (warpgroup == 0) {
    DecreaseRegisters<kProducerRegisters>();
    if (threadIdx.x == 0) Produce<kAMnMajor, kBMnMajor>(shared, maps, schedule, k_tiles);
  } else {
    IncreaseRegisters<kConsumerRegisters>();
    const int consumer = warpgroup - 1;
    RingPosition ring;
    for (int64_t index = blockIdx.x / kClusterBlocks; index < schedule.count; index += gridDim.x / kClusterBlocks) {
      int pair_m, tile_n;
      schedule.Locate(index, &pair_m, &tile_n);
      float sums[128];
      Multiply<kAMnMajor, kBMnMajor>(shared, consumer, k_tiles, &ring, sums);
      const int row = (pair_m * kClusterBlocks + static_cast<int>(ClusterRank())) * kTileM + consumer * kConsumerRows;
      const int warp = threadIdx.x / 32 % kWarpsPerConsumer;
      Store<Out, kPlain>(shared->staging[consumer][warp], &maps.d, epilogue, tma_store, m, n, row + warp * kWarpRows,
                         tile_n * kTileN, sums);
    }
    WaitStoresRead<0>();  // shared memory must outlive what the TMA reads from it
  }
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ == 900
#error "wgmma needs sm_90a: build with -gencode=arch=compute_90a,code=sm_90a"
#elif defined(__CUDA_ARCH__)
  __trap();  // older code, compiled for Hopper by the driver: better an error than a D that was not written
#endif
}

// --- Host ---

// The driver's encoder without linking libcuda.
auto FindTensorMapEncoder() {
  void* function = nullptr;
  cudaDriverEntryPointQueryResult found;
  if (cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, 12000, cudaEnableDefault, &found) !=
          cudaSuccess ||
      found != cudaDriverEntryPointSuccess) {
    function = nullptr;
  }
  return reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(function);
}

// A matrix of `lines` lines of `length` elements, read or written in boxes of box_lines lines of 128 bytes.
cudaError_t MakeTensorMap(CUtensorMap* map, CUtensorMapDataType type, int element_bytes, const void* data, int length,
                          int lines, int64_t ld, int box_lines) {
  static const auto encode = FindTensorMapEncoder();
  if (encode == nullptr) return cudaErrorNotSupported;
  const cuuint64_t sizes[] = {static_cast<cuuint64_t>(length), static_cast<cuuint64_t>(lines)};
  const cuuint64_t strides[] = {static_cast<cuuint64_t>(ld) * element_bytes};
  const cuuint32_t box[] = {static_cast<cuuint32_t>(kSwizzleBytes / element_bytes), static_cast<cuuint32_t>(box_lines)};
  const cuuint32_t steps[] = {1, 1};
  const CUresult result =
      encode(map, type, 2, const_cast<void*>(data), sizes, strides, box, steps, CU_TENSOR_MAP_INTERLEAVE_NONE,
             CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_NONE, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  return result == CUDA_SUCCESS ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t MakeOperandMap(CUtensorMap* map, const Operand& operand, int extent, int k, int tile_lines) {
  return MakeTensorMap(map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 2, operand.data, operand.k_major ? k : extent,
                       operand.k_major ? extent : k, operand.ld, operand.k_major ? tile_lines : kTileK);
}

template <bool kAMnMajor, bool kBMnMajor, typename Out, bool kPlain>
cudaError_t Launch(const Task& task, const TensorMaps& maps, bool tma_store, cudaStream_t stream) {
  const auto kernel = GemmSm90Kernel<kAMnMajor, kBMnMajor, Out, kPlain>;
  int device = 0, multiprocessors = 0;
  if (cudaError_t error = cudaGetDevice(&device); error != cudaSuccess) return error;
  if (cudaError_t error = cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device);
      error != cudaSuccess) {
    return error;
  }
  if (cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kSharedBytes);
      error != cudaSuccess) {
    return error;
  }
  constexpr int kPairRows = kTileM * kClusterBlocks;
  const Schedule schedule = MakeSchedule(task.m, task.n, kPairRows, kTileN);
  const int clusters = static_cast<int>(std::min<int64_t>(multiprocessors / kClusterBlocks, schedule.count));
  kernel<<<clusters * kClusterBlocks, kThreads, kSharedBytes, stream>>>(maps, task.epilogue, task.m, task.n, task.k,
                                                                        tma_store, schedule);
  return cudaGetLastError();
}

template <bool kAMnMajor, bool kBMnMajor>
cudaError_t LaunchForEpilogue(const Task& task, const TensorMaps& maps, bool tma_store, cudaStream_t stream) {
  const Epilogue& epilogue = task.epilogue;
  const bool plain = epilogue.alpha == 1 && epilogue.beta == 0 && epilogue.bias == nullptr && !epilogue.gelu;
  if (task.fp32_output) {
    return plain ? Launch<kAMnMajor, kBMnMajor, float, true>(task, maps, tma_store, stream)
                 : Launch<kAMnMajor, kBMnMajor, float, false>(task, maps, tma_store, stream);
  }
  return plain ? Launch<kAMnMajor, kBMnMajor, __nv_bfloat16, true>(task, maps, tma_store, stream)
               : Launch<kAMnMajor, kBMnMajor, __nv_bfloat16, false>(task, maps, tma_store, stream);
}

}  // namespace

cudaError_t LaunchSm90(const Task& task, cudaStream_t stream) {
  TensorMaps maps = {};
  if (cudaError_t error = MakeOperandMap(&maps.a, task.a, task.m, task.k, kTileM); error != cudaSuccess) return error;
  if (cudaError_t error = MakeOperandMap(&maps.b, task.b, task.n, task.k, kHalfN); error != cudaSuccess) {
    return error;
  }
  const int element = task.fp32_output ? 4 : 2;
  // Rows must end on 16-byte boundaries too: the TMA writes whole units of 16 bytes, past a tensor's end if need be.
  const bool tma_store = reinterpret_cast<uintptr_t>(task.epilogue.d) % 16 == 0 &&
                         task.epilogue.ldd * element % 16 == 0 && int64_t{task.n} * element % 16 == 0;
  if (tma_store) {
    const auto type = task.fp32_output ? CU_TENSOR_MAP_DATA_TYPE_FLOAT32 : CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
    if (cudaError_t error =
            MakeTensorMap(&maps.d, type, element, task.epilogue.d, task.n, task.m, task.epilogue.ldd, kWarpRows);
        error != cudaSuccess) {
      return error;
    }
  }
  if (task.a.k_major) {
    return task.b.k_major ? LaunchForEpilogue<false, false>(task, maps, tma_store, stream)
                          : LaunchForEpilogue<false, true>(task, maps, tma_store, stream);
  }
  return task.b.k_major ? LaunchForEpilogue<true, false>(task, maps, tma_store, stream)
                        : LaunchForEpilogue<true, true>(task, maps, tma_store, stream);
}

}  // namespace kernels::gemm_internal

#else

namespace kernels::gemm_internal {
cudaError_t LaunchSm90(const Task&, cudaStream_t) { return cudaErrorNotSupported; }
}  // namespace kernels::gemm_internal

#endif  // !WORKBENCH_HOST_MODE
