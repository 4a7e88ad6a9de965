// Rows of a matrix, each read once, held in registers and reduced by a team of threads: what the normalisations share.
//
// A team is a warp, or a block for longer rows. A thread holds vectors i = threadIdx.x + k blockDim.x, k < kVecs. Rows
// that cannot be read in vectors, since their length or an address is odd, are not held but read again (kVecs = 0, from
// the caches mostly), one element at a time (kSize = 1).
#ifndef KERNELS_NORM_ROWS_CUH_
#define KERNELS_NORM_ROWS_CUH_

#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "kernels/primitives/numeric.cuh"
#include "kernels/primitives/vec.cuh"

namespace kernels {
namespace internal {

struct SumOp {
  static constexpr float kIdentity = 0;
  __device__ float operator()(float a, float b) const { return a + b; }
};
struct MaxOp {  // a NaN wins
  static constexpr float kIdentity = -INFINITY;
  __device__ float operator()(float a, float b) const { return Max(a, b); }
};

template <typename Op>
__device__ inline float ReduceWarp(float x, Op op) {
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2) x = op(x, __shfl_xor_sync(0xffffffffu, x, offset));
  return x;
}

// Over the team, valid in all its threads. With kWarp blocks are 32 x rows threads, else one-dimensional: all threads
// of the block call it then.
template <bool kWarp, typename Op>
__device__ inline float ReduceTeam(float x, Op op) {
  x = ReduceWarp(x, op);
  if constexpr (!kWarp) {
    __shared__ float of_warp[32];
    __syncthreads();  // what the last call left has been read
    if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = x;
    __syncthreads();
    const int lane = static_cast<int>(threadIdx.x % 32);
    x = ReduceWarp(lane < static_cast<int>(blockDim.x / 32) ? of_warp[lane] : Op::kIdentity, op);
  }
  return x;
}

// kWarp, kSize, kVecs as above.
template <bool kWarp_, int kSize_, int kVecs_>
struct RowPlan {
  static constexpr bool kWarp = kWarp_;
  static constexpr int kSize = kSize_;
  static constexpr int kVecs = kVecs_;
  static constexpr int kMaxThreads = kWarp ? 256 : 1024;
};

// f(k, i) for the vectors i of this thread, `vectors` in the row.
template <typename Plan, typename F>
__device__ inline void EachVector(int vectors, const F& f) {
  if constexpr (Plan::kVecs > 0) {
#pragma unroll
    for (int k = 0; k < Plan::kVecs; ++k) {
      const int i = static_cast<int>(threadIdx.x + k * blockDim.x);
      if (i < vectors) f(k, i);
    }
  } else {
    for (int i = static_cast<int>(threadIdx.x); i < vectors; i += static_cast<int>(blockDim.x)) f(0, i);
  }
}

template <typename Plan, typename T>
class Row {
 public:
  using Vector = Vec<T, Plan::kSize * sizeof(T)>;

  __device__ Row(const T* base, int vectors) : base_(base) {
    if constexpr (Plan::kVecs > 0) {
      EachVector<Plan>(vectors, [&](int k, int i) { LoadVec(base_, i, &held_[k]); });
    }
  }
  __device__ Vector Get(int k, int i) const {
    if constexpr (Plan::kVecs > 0) return held_[k];
    Vector vector;
    LoadVec(base_, i, &vector);
    return vector;
  }

 private:
  const T* base_;
  Vector held_[Plan::kVecs > 0 ? Plan::kVecs : 1];
};

// op over f(x) for all elements x of the row.
template <typename Plan, typename Op, typename T, typename F>
__device__ inline float ReduceRow(const Row<Plan, T>& row, int vectors, Op op, const F& f) {
  float result = Op::kIdentity;
  EachVector<Plan>(vectors, [&](int k, int i) {
    const auto x = row.Get(k, i);
#pragma unroll
    for (int e = 0; e < Plan::kSize; ++e) result = op(result, f(Widen(x[e])));
  });
  return ReduceTeam<Plan::kWarp>(result, op);
}

// The rows of this team: for (row = FirstRow; row < rows; row += RowStride).
template <typename Plan>
__device__ inline int64_t FirstRow() {
  return Plan::kWarp ? static_cast<int64_t>(blockIdx.x) * blockDim.y + threadIdx.y : blockIdx.x;
}
template <typename Plan>
__device__ inline int64_t RowStride() {
  return Plan::kWarp ? static_cast<int64_t>(gridDim.x) * blockDim.y : gridDim.x;
}

// Calls launch(plan, grid, block) with the plan for rows of `hidden` elements of T at `pointers`, which may hold nulls.
template <typename T, typename Launch>
cudaError_t WithRowPlan(int64_t rows, int64_t hidden, std::initializer_list<const void*> pointers,
                        const Launch& launch) {
  constexpr int kSize = Vec<T>::kSize;
  constexpr int kRowsPerBlock = 8;
  constexpr int64_t kMaxBlocks = int64_t{1} << 30;
  bool vectors = hidden % kSize == 0;
  for (const void* p : pointers) vectors = vectors && reinterpret_cast<uintptr_t>(p) % kVecBytes == 0;
  const int64_t count = vectors ? hidden / kSize : hidden;
  const auto grid = [&](int64_t rows_per_block) {
    return dim3(static_cast<unsigned>(std::min(kMaxBlocks, (rows + rows_per_block - 1) / rows_per_block)));
  };
  const auto threads = [&](int64_t per_thread) {
    const int64_t warps = (count + 32 * per_thread - 1) / (32 * per_thread);
    return dim3(static_cast<unsigned>(32 * std::clamp<int64_t>(warps, 1, 32)));
  };
  if (!vectors) {
    launch(RowPlan<false, 1, 0>{}, grid(1), threads(4));
  } else if (count <= 32) {
    launch(RowPlan<true, kSize, 1>{}, grid(kRowsPerBlock), dim3(32, kRowsPerBlock));
  } else if (count <= 32 * 4) {
    launch(RowPlan<true, kSize, 4>{}, grid(kRowsPerBlock), dim3(32, kRowsPerBlock));
  } else if (count <= 1024 * 4) {
    launch(RowPlan<false, kSize, 4>{}, grid(1), threads(4));
  } else {
    launch(RowPlan<false, kSize, 8>{}, grid(1), threads(8));  // to 65536
  }
  return cudaGetLastError();
}

}  // namespace internal
}  // namespace kernels

#endif  // KERNELS_NORM_ROWS_CUH_
