// fp16 (IEEE 754 binary16) and bf16 as stored, with conversions to and from fp32. For answers' host code; device code
// has cuda_fp16.h and cuda_bf16.h.
#ifndef HARNESS_ANSWER_HALF_H_
#define HARNESS_ANSWER_HALF_H_

#include <bit>
#include <cstdint>

namespace workbench {

struct Half {
  uint16_t bits;
};

struct BFloat16 {
  uint16_t bits;
};

// Exact.
inline float ToFloat(Half h) {
  const uint32_t sign = static_cast<uint32_t>(h.bits & 0x8000u) << 16;
  const uint32_t magnitude = h.bits & 0x7fffu;
  if (magnitude >= 0x7c00u) {  // infinity or NaN: keep the payload
    return std::bit_cast<float>(sign | 0x7f800000u | ((magnitude & 0x3ffu) << 13));
  }
  // Read as an fp32 with the same exponent field, then move the bias from 15 to 127; this is exact for subnormals too.
  const float shifted = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(shifted) | sign);
}

// Exact.
inline float ToFloat(BFloat16 b) { return std::bit_cast<float>(static_cast<uint32_t>(b.bits) << 16); }

inline float ToFloat(float f) { return f; }

// Rounds to nearest, ties to even; overflows to infinity; a NaN stays a (quiet) NaN.
inline Half ToHalf(float f) {
  const uint32_t bits = std::bit_cast<uint32_t>(f);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return Half{static_cast<uint16_t>(sign | 0x7e00u)};
  if (magnitude >= 0x477ff000u) return Half{static_cast<uint16_t>(sign | 0x7c00u)};  // >= 65520
  if (magnitude < 0x38800000u) {
    // Below the smallest normal: adding 0.5 makes the fp32 adder round at bit 2^-24.
    const float rounded = std::bit_cast<float>(magnitude) + 0.5f;
    return Half{static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(rounded) - 0x3f000000u))};
  }
  const uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return Half{static_cast<uint16_t>(sign | ((rounded - 0x38000000u) >> 13))};
}

inline BFloat16 ToBFloat16(float f) {
  const uint32_t bits = std::bit_cast<uint32_t>(f);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return BFloat16{static_cast<uint16_t>((bits >> 16) | 0x40u)};
  return BFloat16{static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
}

template <typename T>
T FromFloat(float f);
template <>
inline float FromFloat<float>(float f) {
  return f;
}
template <>
inline Half FromFloat<Half>(float f) {
  return ToHalf(f);
}
template <>
inline BFloat16 FromFloat<BFloat16>(float f) {
  return ToBFloat16(f);
}

}  // namespace workbench

#endif  // HARNESS_ANSWER_HALF_H_
