// CUDA's 8-bit floats: E4M3, E5M2 and the exponent-only E8M0, in ones, twos and fours, and the conversion functions.
#ifndef CUDA_FP8_H_
#define CUDA_FP8_H_

#include <bit>
#include <cstdint>

#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "cuda_host/narrow.h"
#include "device_types.h"
#include "vector_types.h"

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's.

#define __CUDA_FP8_TYPES_EXIST__

typedef unsigned char __nv_fp8_storage_t;
typedef unsigned short __nv_fp8x2_storage_t;
typedef unsigned int __nv_fp8x4_storage_t;

// What becomes of a value too large: E4M3 without saturation gives NaN, E5M2 infinity.
enum __nv_saturation_t { __NV_NOSAT, __NV_SATFINITE };
enum __nv_fp8_interpretation_t { __NV_E4M3, __NV_E5M2 };

namespace cuda_host {

// x to nearest even; NaN gives 0x7f.
template <typename Format>
constexpr __nv_fp8_storage_t Fp8(float x, bool saturate) {
  constexpr bool kIsE4m3 = Format::kMantissaBits == 3;
  constexpr uint32_t kLargest = kIsE4m3 ? 0x7e : 0x7b;
  constexpr uint32_t kPast = kIsE4m3 ? 0x7f : 0x7c;
  const uint32_t magnitude = FloatBits(x) & 0x7fffffff;
  if (magnitude > 0x7f800000) return 0x7f;
  const uint32_t sign = FloatBits(x) >> 31 << 7;
  // From 2^(kBias + 2) on, E4M3's largest exponent being a number's, it is past the end in either format.
  uint32_t code = kPast;
  if (magnitude < static_cast<uint32_t>(127 + Format::kBias + 2) << 23) code = NearestMagnitude<Format>(magnitude);
  if (code > kLargest) code = saturate ? kLargest : kPast;
  return static_cast<__nv_fp8_storage_t>(sign | code);
}

// E8M0 is 2^(code - 127), with 255 for NaN, and the code is the exponent field of x. Upward means away from zero, and
// 2^-127 and less is code 0.
constexpr __nv_fp8_storage_t E8m0(float x, bool saturate, bool upward) {
  const uint32_t magnitude = FloatBits(x) & 0x7fffffff;
  if (magnitude > 0x7f800000) return 0xff;
  uint32_t code = magnitude >> 23;
  if (upward && (magnitude & 0x7fffff) != 0 && magnitude > 0x400000) ++code;
  if (code == 0xff && saturate) code = 0xfe;
  return static_cast<__nv_fp8_storage_t>(code);
}

constexpr uint32_t Packed(uint32_t low, uint32_t high, int bits) { return low | high << bits; }

}  // namespace cuda_host

// ---- The conversion functions.

constexpr __nv_fp8_storage_t __nv_cvt_float_to_fp8(const float x, const __nv_saturation_t saturate,
                                                   const __nv_fp8_interpretation_t interpretation) {
  return interpretation == __NV_E5M2 ? ::cuda_host::Fp8<::cuda_host::E5m2Format>(x, saturate == __NV_SATFINITE)
                                     : ::cuda_host::Fp8<::cuda_host::E4m3Format>(x, saturate == __NV_SATFINITE);
}
// A double NaN keeps its sign, and in E5M2 what of its payload there is room for.
constexpr __nv_fp8_storage_t __nv_cvt_double_to_fp8(const double x, const __nv_saturation_t saturate,
                                                    const __nv_fp8_interpretation_t interpretation) {
  if (x != x) {
    const auto bits = std::bit_cast<uint64_t>(x);
    const uint64_t payload = interpretation == __NV_E5M2 ? 0x7e | (bits >> 50 & 3) : 0x7f;
    return static_cast<__nv_fp8_storage_t>(bits >> 63 << 7 | payload);
  }
  return __nv_cvt_float_to_fp8(::cuda_host::OddFloat(x), saturate, interpretation);
}
constexpr __nv_fp8_storage_t __nv_cvt_halfraw_to_fp8(const __half_raw x, const __nv_saturation_t saturate,
                                                     const __nv_fp8_interpretation_t interpretation) {
  return __nv_cvt_float_to_fp8(::cuda_host::Wide(__half(x)), saturate, interpretation);
}
constexpr __nv_fp8_storage_t __nv_cvt_bfloat16raw_to_fp8(const __nv_bfloat16_raw x, const __nv_saturation_t saturate,
                                                         const __nv_fp8_interpretation_t interpretation) {
  return __nv_cvt_float_to_fp8(::cuda_host::Wide(__nv_bfloat16(x)), saturate, interpretation);
}
constexpr __nv_fp8x2_storage_t __nv_cvt_float2_to_fp8x2(const float2 x, const __nv_saturation_t saturate,
                                                        const __nv_fp8_interpretation_t interpretation) {
  return static_cast<__nv_fp8x2_storage_t>(::cuda_host::Packed(
      __nv_cvt_float_to_fp8(x.x, saturate, interpretation), __nv_cvt_float_to_fp8(x.y, saturate, interpretation), 8));
}
constexpr __nv_fp8x2_storage_t __nv_cvt_double2_to_fp8x2(const double2 x, const __nv_saturation_t saturate,
                                                         const __nv_fp8_interpretation_t interpretation) {
  return static_cast<__nv_fp8x2_storage_t>(::cuda_host::Packed(
      __nv_cvt_double_to_fp8(x.x, saturate, interpretation), __nv_cvt_double_to_fp8(x.y, saturate, interpretation), 8));
}
constexpr __nv_fp8x2_storage_t __nv_cvt_halfraw2_to_fp8x2(const __half2_raw x, const __nv_saturation_t saturate,
                                                          const __nv_fp8_interpretation_t interpretation) {
  return static_cast<__nv_fp8x2_storage_t>(
      ::cuda_host::Packed(__nv_cvt_halfraw_to_fp8(__half_raw{x.x}, saturate, interpretation),
                          __nv_cvt_halfraw_to_fp8(__half_raw{x.y}, saturate, interpretation), 8));
}
constexpr __nv_fp8x2_storage_t __nv_cvt_bfloat16raw2_to_fp8x2(const __nv_bfloat162_raw x,
                                                              const __nv_saturation_t saturate,
                                                              const __nv_fp8_interpretation_t interpretation) {
  return static_cast<__nv_fp8x2_storage_t>(
      ::cuda_host::Packed(__nv_cvt_bfloat16raw_to_fp8(__nv_bfloat16_raw{x.x}, saturate, interpretation),
                          __nv_cvt_bfloat16raw_to_fp8(__nv_bfloat16_raw{x.y}, saturate, interpretation), 8));
}
// Every fp8 value is a half. An E5M2 infinity stays one, and NaN becomes 0x7fff.
constexpr __half_raw __nv_cvt_fp8_to_halfraw(const __nv_fp8_storage_t x,
                                             const __nv_fp8_interpretation_t interpretation) {
  const float wide = interpretation == __NV_E5M2 ? ::cuda_host::Widen<::cuda_host::E5m2Format>(x)
                                                 : ::cuda_host::Widen<::cuda_host::E4m3Format>(x);
  return __half_raw{::cuda_host::Nearest<::cuda_host::HalfFormat>(wide)};
}
constexpr __half2_raw __nv_cvt_fp8x2_to_halfraw2(const __nv_fp8x2_storage_t x,
                                                 const __nv_fp8_interpretation_t interpretation) {
  return {__nv_cvt_fp8_to_halfraw(static_cast<__nv_fp8_storage_t>(x & 0xff), interpretation).x,
          __nv_cvt_fp8_to_halfraw(static_cast<__nv_fp8_storage_t>(x >> 8), interpretation).x};
}

// To E8M0, rounding toward zero or upward (cudaRoundPosInf) only.
constexpr __nv_fp8_storage_t __nv_cvt_float_to_e8m0(const float x, const __nv_saturation_t saturate,
                                                    const cudaRoundMode rounding) {
  return ::cuda_host::E8m0(x, saturate == __NV_SATFINITE, rounding == cudaRoundPosInf);
}
constexpr __nv_fp8_storage_t __nv_cvt_double_to_e8m0(const double x, const __nv_saturation_t saturate,
                                                     const cudaRoundMode rounding) {
  return __nv_cvt_float_to_e8m0(::cuda_host::OddFloat(x), saturate, rounding);
}
constexpr __nv_fp8_storage_t __nv_cvt_bfloat16raw_to_e8m0(const __nv_bfloat16_raw x, const __nv_saturation_t saturate,
                                                          const cudaRoundMode rounding) {
  return __nv_cvt_float_to_e8m0(::cuda_host::Wide(__nv_bfloat16(x)), saturate, rounding);
}
constexpr __nv_fp8x2_storage_t __nv_cvt_float2_to_e8m0x2(const float2 x, const __nv_saturation_t saturate,
                                                         const cudaRoundMode rounding) {
  return static_cast<__nv_fp8x2_storage_t>(::cuda_host::Packed(__nv_cvt_float_to_e8m0(x.x, saturate, rounding),
                                                               __nv_cvt_float_to_e8m0(x.y, saturate, rounding), 8));
}
constexpr __nv_fp8x2_storage_t __nv_cvt_double2_to_e8m0x2(const double2 x, const __nv_saturation_t saturate,
                                                          const cudaRoundMode rounding) {
  return static_cast<__nv_fp8x2_storage_t>(::cuda_host::Packed(__nv_cvt_double_to_e8m0(x.x, saturate, rounding),
                                                               __nv_cvt_double_to_e8m0(x.y, saturate, rounding), 8));
}
constexpr __nv_fp8x2_storage_t __nv_cvt_bfloat162raw_to_e8m0x2(const __nv_bfloat162_raw x,
                                                               const __nv_saturation_t saturate,
                                                               const cudaRoundMode rounding) {
  return static_cast<__nv_fp8x2_storage_t>(
      ::cuda_host::Packed(__nv_cvt_bfloat16raw_to_e8m0(__nv_bfloat16_raw{x.x}, saturate, rounding),
                          __nv_cvt_bfloat16raw_to_e8m0(__nv_bfloat16_raw{x.y}, saturate, rounding), 8));
}
constexpr __nv_bfloat16_raw __nv_cvt_e8m0_to_bf16raw(const __nv_fp8_storage_t x) {
  if (x == 0) return __nv_bfloat16_raw{0x0040};
  return __nv_bfloat16_raw{static_cast<unsigned short>(x == 0xff ? 0x7fff : x << 7)};
}
constexpr __nv_bfloat162_raw __nv_cvt_e8m0x2_to_bf162raw(const __nv_fp8x2_storage_t x) {
  return {__nv_cvt_e8m0_to_bf16raw(static_cast<__nv_fp8_storage_t>(x & 0xff)).x,
          __nv_cvt_e8m0_to_bf16raw(static_cast<__nv_fp8_storage_t>(x >> 8)).x};
}

// ---- The types. Their constructors saturate (E8M0's round upward), and like the conversions are explicit.

#define CUDA_HOST_FP8 __nv_fp8_e5m2
#define CUDA_HOST_FP8X2 __nv_fp8x2_e5m2
#define CUDA_HOST_FP8X4 __nv_fp8x4_e5m2
#define CUDA_HOST_NARROW(name, x) __nv_cvt_##name##_to_fp8(x, __NV_SATFINITE, __NV_E5M2)
#define CUDA_HOST_WIDEN(x) ::cuda_host::Widen<::cuda_host::E5m2Format>(x)
#define CUDA_HOST_HAS_BFLOAT16_PAIR 0
#include "cuda_host/fp8_types.inc"

#define CUDA_HOST_FP8 __nv_fp8_e4m3
#define CUDA_HOST_FP8X2 __nv_fp8x2_e4m3
#define CUDA_HOST_FP8X4 __nv_fp8x4_e4m3
#define CUDA_HOST_NARROW(name, x) __nv_cvt_##name##_to_fp8(x, __NV_SATFINITE, __NV_E4M3)
#define CUDA_HOST_WIDEN(x) ::cuda_host::Widen<::cuda_host::E4m3Format>(x)
#define CUDA_HOST_HAS_BFLOAT16_PAIR 0
#include "cuda_host/fp8_types.inc"

#define CUDA_HOST_FP8 __nv_fp8_e8m0
#define CUDA_HOST_FP8X2 __nv_fp8x2_e8m0
#define CUDA_HOST_FP8X4 __nv_fp8x4_e8m0
#define CUDA_HOST_NARROW(name, x) __nv_cvt_##name##_to_e8m0(x, __NV_SATFINITE, cudaRoundPosInf)
#define CUDA_HOST_WIDEN(x) \
  ::cuda_host::Wide(__nv_bfloat16(__nv_cvt_e8m0_to_bf16raw(static_cast<__nv_fp8_storage_t>(x))))
#define CUDA_HOST_HAS_BFLOAT16_PAIR 1
#include "cuda_host/fp8_types.inc"

// NOLINTEND(readability-identifier-naming)

#endif  // CUDA_FP8_H_
