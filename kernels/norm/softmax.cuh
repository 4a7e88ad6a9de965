// Softmax over the rows of a matrix of fp16 or bf16, forward and backward; everything inside is fp32.
#ifndef KERNELS_NORM_SOFTMAX_CUH_
#define KERNELS_NORM_SOFTMAX_CUH_

#include <cuda_runtime.h>

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/norm/rows.cuh"
#include "kernels/primitives/numeric.cuh"
#include "kernels/primitives/vec.cuh"

namespace kernels {
namespace internal {

template <typename Plan, typename T>
__global__ void __launch_bounds__(Plan::kMaxThreads)
    SoftmaxKernel(int64_t rows, int32_t hidden, const T* __restrict__ x, T* __restrict__ y) {
  const int vectors = hidden / Plan::kSize;
  for (int64_t row = FirstRow<Plan>(); row < rows; row += RowStride<Plan>()) {
    const Row<Plan, T> in(x + row * hidden, vectors);
    float largest = ReduceRow(in, vectors, MaxOp(), [](float v) { return v; });
    const bool masked = largest == -INFINITY;  // all of the row
    if (masked) largest = 0;                   // so that every exponential is 0, and not of a NaN
    // The difference is exact; __expf is off by 2 + 1.2 |v - largest| ulp of fp32, far below an ulp of y.
    const auto exponential = [&](float v) { return __expf(v - largest); };
    const float sum = ReduceRow(in, vectors, SumOp(), exponential);
    const float scale = masked ? 0.0f : 1.0f / sum;
    EachVector<Plan>(vectors, [&](int k, int i) {
      auto v = in.Get(k, i);
#pragma unroll
      for (int e = 0; e < Plan::kSize; ++e) v[e] = Narrow<T>(exponential(Widen(v[e])) * scale);
      StoreVec(y + row * hidden, i, v);
    });
  }
}

template <typename Plan, typename T>
__global__ void __launch_bounds__(Plan::kMaxThreads)
    SoftmaxBackwardKernel(int64_t rows, int32_t hidden, const T* __restrict__ dy, const T* __restrict__ y,
                          T* __restrict__ dx) {
  const int vectors = hidden / Plan::kSize;
  for (int64_t row = FirstRow<Plan>(); row < rows; row += RowStride<Plan>()) {
    const Row<Plan, T> gradient(dy + row * hidden, vectors), value(y + row * hidden, vectors);
    float sum = 0;
    EachVector<Plan>(vectors, [&](int k, int i) {
      const auto d = gradient.Get(k, i), v = value.Get(k, i);
#pragma unroll
      for (int e = 0; e < Plan::kSize; ++e) sum += Widen(d[e]) * Widen(v[e]);
    });
    sum = ReduceTeam<Plan::kWarp>(sum, SumOp());
    EachVector<Plan>(vectors, [&](int k, int i) {
      const auto d = gradient.Get(k, i);
      auto v = value.Get(k, i);
#pragma unroll
      for (int e = 0; e < Plan::kSize; ++e) v[e] = Narrow<T>(Widen(v[e]) * (Widen(d[e]) - sum));
      StoreVec(dx + row * hidden, i, v);
    });
  }
}

}  // namespace internal

// y = exp(x - max) / sum by rows. -infinity is masked: 0; so is all of a row that holds nothing else. A NaN makes its
// row NaN. hidden: 1 to 65536. T: __half, __nv_bfloat16.
template <typename T>
cudaError_t Softmax(int64_t rows, int64_t hidden, const T* x, T* y, cudaStream_t stream) {
  if (rows == 0) return cudaSuccess;
  return internal::WithRowPlan<T>(rows, hidden, {x, y}, [&](auto plan, dim3 grid, dim3 block) {
    internal::SoftmaxKernel<decltype(plan), T><<<grid, block, 0, stream>>>(rows, static_cast<int32_t>(hidden), x, y);
  });
}

// dx = y (dy - sum of dy y over the row).
template <typename T>
cudaError_t SoftmaxBackward(int64_t rows, int64_t hidden, const T* dy, const T* y, T* dx, cudaStream_t stream) {
  if (rows == 0) return cudaSuccess;
  return internal::WithRowPlan<T>(rows, hidden, {dy, y, dx}, [&](auto plan, dim3 grid, dim3 block) {
    internal::SoftmaxBackwardKernel<decltype(plan), T>
        <<<grid, block, 0, stream>>>(rows, static_cast<int32_t>(hidden), dy, y, dx);
  });
}

}  // namespace kernels

#endif  // KERNELS_NORM_SOFTMAX_CUH_
