// LayerNorm and RMSNorm, forward and backward, over the rows of a matrix of fp16 or bf16; everything inside is fp32.
//
// Sources: Ba, Kiros, Hinton, "Layer Normalization", 2016; Zhang, Sennrich, "Root Mean Square Layer Normalization",
// NeurIPS 2019. The variance is taken from the deviations of a row that is held in registers: a second look at it costs
// nothing, and E[x^2] - E[x]^2 cancels.
#ifndef KERNELS_NORM_NORM_CUH_
#define KERNELS_NORM_NORM_CUH_

#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/norm/rows.cuh"
#include "kernels/primitives/numeric.cuh"
#include "kernels/primitives/vec.cuh"

namespace kernels {

enum class Normalization { kLayer, kRms };

namespace internal {

struct RowShape {
  int64_t rows;
  int32_t hidden;
  int32_t vectors;  // in a row, of the plan's size
};

template <Normalization kKind, typename Plan, typename T>
__global__ void __launch_bounds__(Plan::kMaxThreads)
    NormKernel(RowShape shape, float epsilon, const T* __restrict__ x, const T* __restrict__ gamma,
               const T* __restrict__ beta, T* __restrict__ y, float* mean_out, float* rstd_out) {
  using Vector = typename Row<Plan, T>::Vector;
  const float hidden = static_cast<float>(shape.hidden);
  for (int64_t row = FirstRow<Plan>(); row < shape.rows; row += RowStride<Plan>()) {
    const Row<Plan, T> in(x + row * shape.hidden, shape.vectors);
    float mean = 0;
    if constexpr (kKind == Normalization::kLayer) {
      mean = ReduceRow(in, shape.vectors, SumOp(), [](float v) { return v; }) / hidden;
    }
    const float squares = ReduceRow(in, shape.vectors, SumOp(), [&](float v) { return (v - mean) * (v - mean); });
    const float rstd = 1.0f / sqrtf(squares / hidden + epsilon);
    EachVector<Plan>(shape.vectors, [&](int k, int i) {
      Vector v = in.Get(k, i), g, b{};
      LoadVec(gamma, i, &g);
      if constexpr (kKind == Normalization::kLayer) LoadVec(beta, i, &b);
#pragma unroll
      for (int e = 0; e < Plan::kSize; ++e) {
        const float normal = (Widen(v[e]) - mean) * rstd;
        v[e] =
            Narrow<T>(kKind == Normalization::kLayer ? fmaf(normal, Widen(g[e]), Widen(b[e])) : normal * Widen(g[e]));
      }
      StoreVec(y + row * shape.hidden, i, v);
    });
    if (threadIdx.x == 0) {
      if constexpr (kKind == Normalization::kLayer) mean_out[row] = mean;
      rstd_out[row] = rstd;
    }
  }
}

// dx = rstd (g - mean(g) - n mean(g n)) with g = dy gamma, n = (x - mean) rstd; RMSNorm has no mean(g).
template <Normalization kKind, typename Plan, typename T>
__global__ void __launch_bounds__(Plan::kMaxThreads)
    NormBackwardKernel(RowShape shape, const T* __restrict__ dy, const T* __restrict__ x, const T* __restrict__ gamma,
                       const float* __restrict__ mean_in, const float* __restrict__ rstd_in, T* __restrict__ dx) {
  using Vector = typename Row<Plan, T>::Vector;
  const float hidden = static_cast<float>(shape.hidden);
  for (int64_t row = FirstRow<Plan>(); row < shape.rows; row += RowStride<Plan>()) {
    const Row<Plan, T> in(x + row * shape.hidden, shape.vectors), out(dy + row * shape.hidden, shape.vectors);
    const float mean = kKind == Normalization::kLayer ? mean_in[row] : 0.0f;
    const float rstd = rstd_in[row];
    float sum = 0, product = 0;  // of g, of g n
    EachVector<Plan>(shape.vectors, [&](int k, int i) {
      const Vector v = in.Get(k, i), d = out.Get(k, i);
      Vector g;
      LoadVec(gamma, i, &g);
#pragma unroll
      for (int e = 0; e < Plan::kSize; ++e) {
        const float gradient = Widen(d[e]) * Widen(g[e]);
        sum += gradient;
        product += gradient * ((Widen(v[e]) - mean) * rstd);
      }
    });
    sum = kKind == Normalization::kLayer ? ReduceTeam<Plan::kWarp>(sum, SumOp()) / hidden : 0.0f;
    product = ReduceTeam<Plan::kWarp>(product, SumOp()) / hidden;
    EachVector<Plan>(shape.vectors, [&](int k, int i) {
      const Vector v = in.Get(k, i), d = out.Get(k, i);
      Vector g, result;
      LoadVec(gamma, i, &g);
#pragma unroll
      for (int e = 0; e < Plan::kSize; ++e) {
        const float normal = (Widen(v[e]) - mean) * rstd;
        result[e] = Narrow<T>(rstd * (Widen(d[e]) * Widen(g[e]) - sum - normal * product));
      }
      StoreVec(dx + row * shape.hidden, i, result);
    });
  }
}

// Sums over the rows in two steps, both in a fixed order. Block (b, s): 32 vectors of columns, and the rows of slab s;
// threads (., r) take every kSlabRows-th of them.
inline constexpr int kSlabRows = 8;

inline int Slabs(int64_t rows, int64_t hidden) {
  const int64_t wide = (hidden + 255) / 256;
  return static_cast<int>(std::clamp<int64_t>((rows + 63) / 64, 1, std::max<int64_t>(1, 1056 / wide)));
}

template <Normalization kKind, int kSize, typename T>
__global__ void __launch_bounds__(32 * kSlabRows)
    ColumnSums(RowShape shape, const T* __restrict__ dy, const T* __restrict__ x, const float* __restrict__ mean_in,
               const float* __restrict__ rstd_in, float* __restrict__ partial) {
  using Vector = Vec<T, kSize * sizeof(T)>;
  __shared__ float sums[2][kSlabRows][32 * kSize];
  const int i = static_cast<int>(blockIdx.x * 32 + threadIdx.x);
  float product[kSize] = {}, sum[kSize] = {};  // of dy n, of dy
  if (i < shape.vectors) {
    for (int64_t row = static_cast<int64_t>(blockIdx.y) * kSlabRows + threadIdx.y; row < shape.rows;
         row += static_cast<int64_t>(gridDim.y) * kSlabRows) {
      Vector v, d;
      LoadVec(x + row * shape.hidden, i, &v);
      LoadVec(dy + row * shape.hidden, i, &d);
      const float mean = kKind == Normalization::kLayer ? mean_in[row] : 0.0f;
      const float rstd = rstd_in[row];
#pragma unroll
      for (int e = 0; e < kSize; ++e) {
        product[e] += Widen(d[e]) * ((Widen(v[e]) - mean) * rstd);
        sum[e] += Widen(d[e]);
      }
    }
  }
#pragma unroll
  for (int e = 0; e < kSize; ++e) {
    sums[0][threadIdx.y][threadIdx.x * kSize + e] = product[e];
    sums[1][threadIdx.y][threadIdx.x * kSize + e] = sum[e];
  }
  __syncthreads();
  for (int c = static_cast<int>(threadIdx.y * 32 + threadIdx.x); c < 2 * 32 * kSize; c += 32 * kSlabRows) {
    const int which = c / (32 * kSize), column = c % (32 * kSize);
    const int out = static_cast<int>(blockIdx.x) * 32 * kSize + column;
    float total = 0;
    for (int r = 0; r < kSlabRows; ++r) total += sums[which][r][column];
    if (out < shape.hidden) partial[(static_cast<size_t>(blockIdx.y) * 2 + which) * shape.hidden + out] = total;
  }
}

template <Normalization kKind>
__global__ void SumSlabs(int32_t hidden, int32_t slabs, const float* __restrict__ partial, float* __restrict__ dgamma,
                         float* __restrict__ dbeta) {
  const int column = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (column >= hidden) return;
  double product = 0, sum = 0;
  for (int s = 0; s < slabs; ++s) {
    product += partial[static_cast<size_t>(2 * s) * hidden + column];
    sum += partial[static_cast<size_t>(2 * s + 1) * hidden + column];
  }
  dgamma[column] = static_cast<float>(product);
  if constexpr (kKind == Normalization::kLayer) dbeta[column] = static_cast<float>(sum);
}

}  // namespace internal

// y = (x - mean) rstd gamma + beta by rows (kLayer), rstd = 1 / sqrt(var + epsilon); y = x rstd gamma with the mean
// taken for 0 (kRms: beta and mean are not used). mean and rstd: rows floats. hidden: 1 to 65536. T: __half,
// __nv_bfloat16.
template <Normalization kKind, typename T>
cudaError_t Norm(int64_t rows, int64_t hidden, float epsilon, const T* x, const T* gamma, const T* beta, T* y,
                 float* mean, float* rstd, cudaStream_t stream) {
  if (rows == 0) return cudaSuccess;
  return internal::WithRowPlan<T>(rows, hidden, {x, gamma, beta, y}, [&](auto plan, dim3 grid, dim3 block) {
    using Plan = decltype(plan);
    const internal::RowShape shape = {rows, static_cast<int32_t>(hidden), static_cast<int32_t>(hidden / Plan::kSize)};
    internal::NormKernel<kKind, Plan, T><<<grid, block, 0, stream>>>(shape, epsilon, x, gamma, beta, y, mean, rstd);
  });
}

inline size_t NormBackwardWorkspaceBytes(int64_t rows, int64_t hidden) {
  return static_cast<size_t>(internal::Slabs(rows, hidden)) * 2 * static_cast<size_t>(hidden) * sizeof(float);
}

// The gradients of Norm, from what it left in mean and rstd: dx; dgamma and (kLayer) dbeta, sums over the rows, hidden
// floats each. Equal inputs give equal bits. workspace: NormBackwardWorkspaceBytes, aligned to 4 bytes.
template <Normalization kKind, typename T>
cudaError_t NormBackward(int64_t rows, int64_t hidden, const T* dy, const T* x, const T* gamma, const float* mean,
                         const float* rstd, T* dx, float* dgamma, float* dbeta, void* workspace, cudaStream_t stream) {
  const int slabs = internal::Slabs(rows, hidden);
  float* partial = static_cast<float*>(workspace);
  if (rows > 0) {
    const cudaError_t status =
        internal::WithRowPlan<T>(rows, hidden, {dy, x, gamma, dx}, [&](auto plan, dim3 grid, dim3 block) {
          using Plan = decltype(plan);
          const auto vectors = static_cast<int32_t>(hidden / Plan::kSize);
          const internal::RowShape shape = {rows, static_cast<int32_t>(hidden), vectors};
          internal::NormBackwardKernel<kKind, Plan, T><<<grid, block, 0, stream>>>(shape, dy, x, gamma, mean, rstd, dx);
          const dim3 tiles((vectors + 31) / 32, slabs);
          internal::ColumnSums<kKind, Plan::kSize, T>
              <<<tiles, dim3(32, internal::kSlabRows), 0, stream>>>(shape, dy, x, mean, rstd, partial);
        });
    if (status != cudaSuccess) return status;
  }
  constexpr int kThreads = 128;
  const auto blocks = static_cast<unsigned>((hidden + kThreads - 1) / kThreads);
  internal::SumSlabs<kKind>
      <<<blocks, kThreads, 0, stream>>>(static_cast<int32_t>(hidden), rows > 0 ? slabs : 0, partial, dgamma, dbeta);
  return cudaGetLastError();
}

}  // namespace kernels

#endif  // KERNELS_NORM_NORM_CUH_
