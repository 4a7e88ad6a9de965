// sm_80 and later: cp.async and mma.sync.
//
//   block = 8 warps, a 128 x 128 tile of D; each warp 64 x 32 of it, as 4 x 4 instructions of 16 x 8 x 16
//   ring of 3 stages in shared memory, 64 deep along K: two are in flight while the third is multiplied
//
// Shared memory holds lines of 128 bytes whose 16-byte units are permuted by the line's number (unit ^ line % 8), so
// that the eight lines that ldmatrix reads at once come from different banks.
#include "kernels/gemm/internal.h"

#if !defined(WORKBENCH_HOST_MODE)

#include "kernels/gemm/epilogue.cuh"
#include "kernels/gemm/schedule.h"
#include "kernels/primitives/vec.cuh"

namespace kernels::gemm_internal {
namespace {

constexpr int kTile = 128, kTileK = 64;
constexpr int kStages = 3;
constexpr int kThreads = 256;
constexpr int kWarpM = 64, kWarpN = 32;
constexpr int kWarpsN = kTile / kWarpN;
constexpr int kBlocksM = kWarpM / 16, kBlocksN = kWarpN / 8;  // instructions of a warp along M and N
constexpr int kLineBytes = 128, kUnitBytes = 16, kUnitElements = 8;
constexpr int kTileBytes = kTile * kTileK * 2;
constexpr int kPanelBytes = kTileK * kLineBytes;  // MN-major: 64 elements along M or N, for all of the tile's K
constexpr int kSharedBytes = kStages * 2 * kTileBytes;

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800

// Copies `bytes` of 16 from global to shared memory, and zeros for the rest.
__device__ inline void CopyAsync(uint32_t to, const void* from, int bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes) : "memory");
}
__device__ inline void CommitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int kPending>
__device__ inline void WaitCopies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

// This thread's part of an operand's tiles, one after the other along K: kSteps units of 16 bytes, kLines lines apart.
template <bool kKMajor>
class TileLoader {
 public:
  // `first`: the tiles' first element along M or N, of `extent`.
  __device__ TileLoader(const Operand& operand, int extent, int k, int first)
      : data_(operand.data), ld_(operand.ld), outer_end_(kKMajor ? extent : k), inner_end_(kKMajor ? k : extent) {
    const int line = threadIdx.x / kUnits, unit = threadIdx.x % kUnits;
    outer_ = (kKMajor ? first : 0) + line;
    inner_ = (kKMajor ? 0 : first) + unit * kUnitElements;
    offset_ = unit / 8 * kPanelBytes + line * kLineBytes + ((unit % 8) ^ (line % 8)) * kUnitBytes;
  }

  // Starts the next tile. Outside the operand it is zero, and the address is not read.
  __device__ void Start(uint32_t tile) {
    const __nv_bfloat16* from = data_ + outer_ * ld_ + inner_;
    const int bytes = min(max(inner_end_ - inner_, 0) * 2, kUnitBytes);
#pragma unroll
    for (int step = 0; step < kSteps; ++step) {
      CopyAsync(tile + offset_ + step * kLines * kLineBytes, from + step * kLines * ld_,
                outer_ + step * kLines < outer_end_ ? bytes : 0);
    }
    (kKMajor ? inner_ : outer_) += kTileK;
  }

 private:
  static constexpr int kUnits = (kKMajor ? kTileK : kTile) / kUnitElements;  // in a line of the tile
  static constexpr int kLines = kThreads / kUnits;
  static constexpr int kSteps = (kKMajor ? kTile : kTileK) / kLines;

  const __nv_bfloat16* data_;
  int64_t ld_;
  int outer_, inner_;  // line, and place in it, of the next tile's first unit
  int outer_end_, inner_end_;
  int offset_;  // of that unit in the tile
};

// The 16 x 16 block at (i, p) of a tile as four 8 x 8 matrices, a register each: along M or N first, then along K.
// REQUIRES: i and p are multiples of 16.
template <bool kKMajor>
__device__ inline void LoadBlock(uint32_t tile, int i, int p, uint32_t (&block)[4]) {
  const int lane = threadIdx.x % 32, row = lane % 8, matrix = lane / 8;  // this lane names this row of this matrix
  const int block_i = i + matrix % 2 * 8, block_p = p + matrix / 2 * 8;
  if constexpr (kKMajor) {
    const uint32_t line = tile + (block_i + row) * kLineBytes;
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(block[0]), "=r"(block[1]), "=r"(block[2]), "=r"(block[3])
                 : "r"(line + ((block_p / 8) ^ row) * kUnitBytes)
                 : "memory");
  } else {
    const uint32_t line = tile + block_i / 64 * kPanelBytes + (block_p + row) * kLineBytes;
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(block[0]), "=r"(block[1]), "=r"(block[2]), "=r"(block[3])
                 : "r"(line + ((block_i % 64 / 8) ^ row) * kUnitBytes)
                 : "memory");
  }
}

// d (16 x 8) += a (16 x 16) * b (16 x 8).
__device__ inline void MultiplyAdd(float* d, const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

#endif

template <bool kAKMajor, bool kBKMajor, typename Out>
__global__ void __launch_bounds__(kThreads, 2)
    GemmSm80Kernel(Operand a, Operand b, int m, int n, int k, Epilogue epilogue, Schedule schedule) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  extern __shared__ __align__(128) uint8_t shared[];
  const uint32_t ring = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int warp_row = warp / kWarpsN * kWarpM, warp_column = warp % kWarpsN * kWarpN;
  int tile_m, tile_n;
  schedule.Locate(blockIdx.x, &tile_m, &tile_n);
  const int tile_row = tile_m * kTile, tile_column = tile_n * kTile;
  const int k_tiles = (k + kTileK - 1) / kTileK;

  TileLoader<kAKMajor> loader_a(a, m, k, tile_row);
  TileLoader<kBKMajor> loader_b(b, n, k, tile_column);
  const auto start_loading = [&](int tile) {
    if (tile < k_tiles) {
      const uint32_t stage = ring + tile % kStages * 2 * kTileBytes;
      loader_a.Start(stage);
      loader_b.Start(stage + kTileBytes);
    }
    CommitCopies();  // also where there is nothing to load: groups are counted
  };
  for (int tile = 0; tile < kStages - 1; ++tile) start_loading(tile);

  float sums[kBlocksM * kBlocksN * 4] = {};
  for (int tile = 0; tile < k_tiles; ++tile) {
    WaitCopies<kStages - 2>();
    __syncthreads();  // everybody's part has arrived, and nobody still reads the stage that is filled next
    start_loading(tile + kStages - 1);
    const uint32_t tile_a = ring + tile % kStages * 2 * kTileBytes, tile_b = tile_a + kTileBytes;
#pragma unroll
    for (int p = 0; p < kTileK; p += 16) {
      uint32_t blocks_a[kBlocksM][4], blocks_b[kBlocksN / 2][4];
#pragma unroll
      for (int i = 0; i < kBlocksM; ++i) LoadBlock<kAKMajor>(tile_a, warp_row + i * 16, p, blocks_a[i]);
#pragma unroll
      for (int j = 0; j < kBlocksN / 2; ++j) LoadBlock<kBKMajor>(tile_b, warp_column + j * 16, p, blocks_b[j]);
#pragma unroll
      for (int i = 0; i < kBlocksM; ++i) {
#pragma unroll
        for (int j = 0; j < kBlocksN; ++j) {
          MultiplyAdd(&sums[(i * kBlocksN + j) * 4], blocks_a[i], blocks_b[j / 2][j % 2], blocks_b[j / 2][j % 2 + 2]);
        }
      }
    }
  }

  // Thread l holds of each 16 x 8 block the rows l / 4 and l / 4 + 8, columns 2 (l % 4) and the next.
  const auto row_of = [&](int i) { return tile_row + warp_row + i / (kBlocksN * 4) * 16 + lane / 4 + i % 4 / 2 * 8; };
  const auto column_of = [&](int i) { return tile_column + warp_column + i / 4 % kBlocksN * 8 + lane % 4 * 2 + i % 2; };
  Finish<Out>(epilogue, m, n, row_of, column_of, sums);
  // Neighbours in one store where every row's pairs are aligned.
  const bool pairs = epilogue.ldd % 2 == 0 && reinterpret_cast<uintptr_t>(epilogue.d) % (2 * sizeof(Out)) == 0;
#pragma unroll
  for (int i = 0; i < kBlocksM * kBlocksN * 4; i += 2) {
    if (row_of(i) >= m || column_of(i) >= n) continue;
    Out* to = static_cast<Out*>(epilogue.d) + row_of(i) * epilogue.ldd + column_of(i);
    Vec<Out, 2 * sizeof(Out)> pair;
    pair[0] = Narrow<Out>(sums[i]);
    pair[1] = Narrow<Out>(sums[i + 1]);
    if (pairs && column_of(i + 1) < n) {
      StoreVec(to, 0, pair);
    } else {
      to[0] = pair[0];
      if (column_of(i + 1) < n) to[1] = pair[1];
    }
  }
#elif defined(__CUDA_ARCH__)
  __trap();  // older code, compiled for this GPU by the driver
#endif
}

template <bool kAKMajor, bool kBKMajor, typename Out>
cudaError_t Launch(const Task& task, cudaStream_t stream) {
  const auto kernel = GemmSm80Kernel<kAKMajor, kBKMajor, Out>;
  if (cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kSharedBytes);
      error != cudaSuccess) {
    return error;
  }
  const Schedule schedule = MakeSchedule(task.m, task.n, kTile, kTile);
  if (schedule.count > INT32_MAX) return cudaErrorInvalidValue;
  kernel<<<static_cast<unsigned>(schedule.count), kThreads, kSharedBytes, stream>>>(task.a, task.b, task.m, task.n,
                                                                                    task.k, task.epilogue, schedule);
  return cudaGetLastError();
}

template <typename Out>
cudaError_t LaunchForOutput(const Task& task, cudaStream_t stream) {
  if (task.a.k_major) {
    return task.b.k_major ? Launch<true, true, Out>(task, stream) : Launch<true, false, Out>(task, stream);
  }
  return task.b.k_major ? Launch<false, true, Out>(task, stream) : Launch<false, false, Out>(task, stream);
}

}  // namespace

cudaError_t LaunchSm80(const Task& task, cudaStream_t stream) {
  return task.fp32_output ? LaunchForOutput<float>(task, stream) : LaunchForOutput<__nv_bfloat16>(task, stream);
}

}  // namespace kernels::gemm_internal

#else

namespace kernels::gemm_internal {
cudaError_t LaunchSm80(const Task&, cudaStream_t) { return cudaErrorNotSupported; }
}  // namespace kernels::gemm_internal

#endif  // !WORKBENCH_HOST_MODE
