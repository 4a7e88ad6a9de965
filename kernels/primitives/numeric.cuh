// Element types as stored, and as computed with: widen on load, compute in fp32, round once on store.
#ifndef KERNELS_PRIMITIVES_NUMERIC_CUH_
#define KERNELS_PRIMITIVES_NUMERIC_CUH_

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>
#include <type_traits>

namespace kernels {

// What T is computed with.
template <typename T>
using Wide = std::conditional_t<std::is_same_v<T, int32_t>, int32_t, float>;

// Exact.
__device__ inline float Widen(float x) { return x; }
__device__ inline float Widen(__half x) { return __half2float(x); }
__device__ inline float Widen(__nv_bfloat16 x) { return __bfloat162float(x); }
__device__ inline int32_t Widen(int32_t x) { return x; }

// Rounds to nearest, ties to even.
template <typename T>
__device__ inline T Narrow(Wide<T> x) {
  if constexpr (std::is_same_v<T, __half>) {
    return __float2half_rn(x);
  } else if constexpr (std::is_same_v<T, __nv_bfloat16>) {
    return __float2bfloat16_rn(x);
  } else {
    return x;
  }
}

// Wraps modulo 2^32: signed overflow would be undefined behaviour, which compilers use.
__device__ inline int32_t Add(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
}
__device__ inline float Add(float a, float b) { return a + b; }

// A NaN wins, unlike in fmaxf and std::max, which drop it or not depending on the side it is on.
__device__ inline float Max(float a, float b) { return (a != a || a > b) ? a : b; }
__device__ inline int32_t Max(int32_t a, int32_t b) { return a > b ? a : b; }

}  // namespace kernels

#endif  // KERNELS_PRIMITIVES_NUMERIC_CUH_
