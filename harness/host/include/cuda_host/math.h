// Device math in translated code: what <math.h> has, at global scope and with float overloads, CUDA's own functions,
// and the intrinsics. A fast intrinsic (__expf) is as exact as its slow namesake here.
#ifndef CUDA_HOST_MATH_H_
#define CUDA_HOST_MATH_H_

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmath>

#include "cuda_host/cache_intrinsics.h"
#include "cuda_host/integer_intrinsics.h"
#include "cuda_host/rounding_intrinsics.h"
#include "cuda_host/simd_intrinsics.h"
#include "cuda_host/special_functions.h"

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's.

// Promises to the optimizer. What they promise is not evaluated.
#define __builtin_assume(...) static_cast<void>(sizeof((__VA_ARGS__) ? 1 : 0))
#define __assume(...) __builtin_assume(__VA_ARGS__)

// ---- min and max of floats pass over one NaN, as fmin and fmax do, and order -0 before +0.

inline float min(const float a, const float b) { return a == 0 && b == 0 ? -(-a - b) : fminf(a, b); }
inline double min(const double a, const double b) { return a == 0 && b == 0 ? -(-a - b) : fmin(a, b); }
inline double min(const float a, const double b) { return min(static_cast<double>(a), b); }
inline double min(const double a, const float b) { return min(a, static_cast<double>(b)); }
inline float max(const float a, const float b) { return a == 0 && b == 0 ? a + b : fmaxf(a, b); }
inline double max(const double a, const double b) { return a == 0 && b == 0 ? a + b : fmax(a, b); }
inline double max(const float a, const double b) { return max(static_cast<double>(a), b); }
inline double max(const double a, const float b) { return max(a, static_cast<double>(b)); }

// ---- Fast versions.

inline float __sinf(const float x) { return sinf(x); }
inline float __cosf(const float x) { return cosf(x); }
inline float __tanf(const float x) { return tanf(x); }
inline float __tanhf(const float x) { return tanhf(x); }
inline void __sincosf(const float x, float* const sine, float* const cosine) {
  *sine = sinf(x);
  *cosine = cosf(x);
}
inline float __expf(const float x) { return expf(x); }
inline float __exp10f(const float x) { return static_cast<float>(pow(10.0, static_cast<double>(x))); }
inline float __logf(const float x) { return logf(x); }
inline float __log2f(const float x) { return log2f(x); }
inline float __log10f(const float x) { return log10f(x); }
inline float __powf(const float x, const float y) { return powf(x, y); }
// As documented, 0 (NaN for infinite x) where 2^126 < |y| < 2^128: there a GPU's reciprocal is flushed to 0.
inline float __fdividef(const float x, const float y) {
  const float size = fabsf(y);
  return size > 0x1p126f && size < INFINITY ? x * copysignf(0.0f, y) : x / y;
}
inline float fdividef(const float x, const float y) { return x / y; }
inline double fdivide(const double x, const double y) { return x / y; }
// To [0, 1], a NaN to 0.
constexpr float __saturatef(const float x) { return !(x > 0) ? 0 : x > 1 ? 1 : x; }

// NOLINTEND(readability-identifier-naming)

#endif  // CUDA_HOST_MATH_H_
