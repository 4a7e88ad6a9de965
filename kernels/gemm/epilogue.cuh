// From a sum in fp32 to an element of D: the same arithmetic on every path.
#ifndef KERNELS_GEMM_EPILOGUE_CUH_
#define KERNELS_GEMM_EPILOGUE_CUH_

#include <cuda_bf16.h>

#include <cstdint>

#include "kernels/gemm/internal.h"
#include "kernels/primitives/numeric.cuh"

namespace kernels::gemm_internal {

// 2^x and 1/x by the special function units alone, off by 2 units in the last place; no subnormals.
__device__ inline float FastExp2(float x) {
#if defined(__CUDA_ARCH__)
  asm("ex2.approx.ftz.f32 %0, %0;" : "+f"(x));
  return x;
#else
  return exp2f(x);
#endif
}
__device__ inline float FastReciprocal(float x) {
#if defined(__CUDA_ARCH__)
  asm("rcp.approx.ftz.f32 %0, %0;" : "+f"(x));
  return x;
#else
  return 1.0f / x;
#endif
}

// x/2 (1 + erf(x / sqrt 2)) = x Phi(x) = max(x, 0) - |x| Phi(-|x|), Phi the normal distribution by Abramowitz and
// Stegun 26.2.17: off by at most 7.5e-8, half a unit of fp32 at 1. With erff the tensor cores would wait twice as long.
__device__ inline float Gelu(float x) {
  const float t = FastReciprocal(fmaf(0.2316419f, fabsf(x), 1.0f));
  const float polynomial =
      t * fmaf(t, fmaf(t, fmaf(t, fmaf(t, 1.330274429f, -1.821255978f), 1.781477937f), -0.356563782f), 0.319381530f);
  constexpr float kHalfLog2E = 0.72134752f, kInverseSqrtTwoPi = 0.39894228f;
  const float density = kInverseSqrtTwoPi * FastExp2(-kHalfLog2E * x * x);
  return fmaf(-fabsf(x), density * polynomial, fmaxf(x, 0.0f));
}

// values[i], a sum, becomes activation(alpha * values[i] + beta * C + bias) for the element of D in row row_of(i) and
// column column_of(i); what elements outside D (m x n) become does not matter. What the epilogue does not ask for costs
// one branch for all the values, not one for each.
template <typename Out, int kValues, typename RowOf, typename ColumnOf>
__device__ inline void Finish(const Epilogue& epilogue, int m, int n, RowOf row_of, ColumnOf column_of,
                              float (&values)[kValues]) {
  if (epilogue.alpha != 1) {
#pragma unroll
    for (int i = 0; i < kValues; ++i) values[i] *= epilogue.alpha;
  }
  if (epilogue.beta != 0) {
    const Out* c = static_cast<const Out*>(epilogue.c);
#pragma unroll
    for (int i = 0; i < kValues; ++i) {
      if (row_of(i) < m && column_of(i) < n) {
        values[i] = fmaf(epilogue.beta, Widen(c[row_of(i) * epilogue.ldc + column_of(i)]), values[i]);
      }
    }
  }
  // Outside D any element of the bias will do: a load that is always made is cheaper than a branch. The compiler sees
  // that values of one row (or column) share theirs.
  if (epilogue.bias != nullptr && epilogue.bias_by_row) {
#pragma unroll
    for (int i = 0; i < kValues; ++i) values[i] += Widen(epilogue.bias[min(row_of(i), m - 1)]);
  } else if (epilogue.bias != nullptr) {
#pragma unroll
    for (int i = 0; i < kValues; ++i) values[i] += Widen(epilogue.bias[min(column_of(i), n - 1)]);
  }
  if (epilogue.gelu) {
#pragma unroll
    for (int i = 0; i < kValues; ++i) values[i] = Gelu(values[i]);
  }
}

}  // namespace kernels::gemm_internal

#endif  // KERNELS_GEMM_EPILOGUE_CUH_
