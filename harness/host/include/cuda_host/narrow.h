// Conversions between float and the narrow formats (half, bfloat16, fp8), on bit patterns, exact in every rounding
// mode.
//
// A NaN becomes the one canonical NaN, as in CUDA's conversions. The host's rounding mode has to be to nearest.
#ifndef CUDA_HOST_NARROW_H_
#define CUDA_HOST_NARROW_H_

#include <bit>
#include <cstdint>
#include <limits>

namespace cuda_host {

// Sign, exponent and mantissa, subnormals, and (but for E4M3) an infinity of which all larger codes are NaNs.
template <int kExponent, int kMantissa>
struct NarrowFormat {
  static constexpr int kExponentBits = kExponent;
  static constexpr int kMantissaBits = kMantissa;
  static constexpr int kBias = (1 << (kExponent - 1)) - 1;
  static constexpr uint32_t kSign = 1u << (kExponent + kMantissa);
  static constexpr uint32_t kInfinity = ((1u << kExponent) - 1) << kMantissa;
  static constexpr uint32_t kNan = kSign - 1;
  static constexpr uint32_t kOne = static_cast<uint32_t>(kBias) << kMantissa;
};
using HalfFormat = NarrowFormat<5, 10>;
using Bfloat16Format = NarrowFormat<8, 7>;
using E5m2Format = NarrowFormat<5, 2>;
// Its codes of the largest exponent are numbers (kInfinity is 256), except the last, which is NaN.
using E4m3Format = NarrowFormat<4, 3>;

enum class Rounding { kNearest, kZero, kUp, kDown };

constexpr uint32_t FloatBits(float x) { return std::bit_cast<uint32_t>(x); }
constexpr float BitsFloat(uint32_t x) { return std::bit_cast<float>(x); }

// The code of the finite float whose magnitude has these bits, to nearest even, with the exponent unbounded above: the
// caller sees from the code whether it overflowed. The magnitude has to be below 2^(kBias + 2).
template <typename F>
constexpr uint32_t NearestMagnitude(uint32_t magnitude) {
  constexpr int kDropped = 23 - F::kMantissaBits;
  constexpr uint32_t kRebias = static_cast<uint32_t>(127 - F::kBias) << 23;
  if constexpr (F::kBias != 127) {
    if (magnitude < kRebias + (1u << 23)) {
      // A subnormal: adding this power of two leaves the code in the low bits of the sum, rounded by the addition.
      constexpr uint32_t kMagic = static_cast<uint32_t>(127 - F::kBias + kDropped + 1) << 23;
      return FloatBits(BitsFloat(magnitude) + BitsFloat(kMagic)) - kMagic;
    }
  }
  return (magnitude - kRebias + ((1u << (kDropped - 1)) - 1) + ((magnitude >> kDropped) & 1)) >> kDropped;
}

// half or bfloat16 of x: the code in the low 16 bits.
template <typename F>
constexpr uint16_t Nearest(float x) {
  const uint32_t bits = FloatBits(x);
  const uint32_t sign = (bits >> 16) & 0x8000;
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude >= (F::kBias == 127 ? 0x7f800000u : static_cast<uint32_t>(127 + F::kBias + 1) << 23)) [[unlikely]] {
    return static_cast<uint16_t>(magnitude > 0x7f800000 ? F::kNan : sign | F::kInfinity);
  }
  return static_cast<uint16_t>(sign | NearestMagnitude<F>(magnitude));
}

template <typename F, Rounding kRounding>
constexpr uint16_t Narrow(float x) {
  if constexpr (kRounding == Rounding::kNearest) return Nearest<F>(x);
  constexpr int kDropped = 23 - F::kMantissaBits;
  constexpr uint32_t kRebias = static_cast<uint32_t>(127 - F::kBias) << 23;
  const uint32_t bits = FloatBits(x);
  const uint32_t magnitude = bits & 0x7fffffff;
  const bool negative = bits >> 31;
  const uint32_t sign = negative ? F::kSign : 0;
  if (magnitude > 0x7f800000) return static_cast<uint16_t>(F::kNan);
  if (magnitude == 0x7f800000) return static_cast<uint16_t>(sign | F::kInfinity);
  uint32_t code = 0;
  bool exact = true;
  if (F::kBias == 127 || magnitude >= kRebias + (1u << 23)) {
    code = (magnitude - kRebias) >> kDropped;
    exact = (magnitude & ((1u << kDropped) - 1)) == 0;
    if (code >= F::kInfinity) {
      code = F::kInfinity - 1;
      exact = false;
    }
  } else {
    const uint32_t significand = magnitude >> 23 ? (magnitude & 0x7fffff) | 0x800000 : 0;
    const uint32_t shift = static_cast<uint32_t>(127 - F::kBias + 1 + kDropped) - (magnitude >> 23);
    if (shift < 25) {
      code = significand >> shift;
      exact = (significand & ((1u << shift) - 1)) == 0;
    } else {
      exact = magnitude == 0;
    }
  }
  const bool away = kRounding == (negative ? Rounding::kDown : Rounding::kUp) && !exact;
  return static_cast<uint16_t>(sign | (code + (away ? 1 : 0)));
}

// The float of a code. A format with exponents of float's own width is a float that was cut off (its NaNs keep their
// bits, as in CUDA); the others' NaNs become the canonical one.
template <typename F>
constexpr float Widen(uint32_t code) {
  constexpr int kDropped = 23 - F::kMantissaBits;
  if constexpr (F::kBias == 127) {
    return BitsFloat(code << kDropped);
  } else {
    constexpr uint32_t kRebias = static_cast<uint32_t>(127 - F::kBias) << 23;
    constexpr uint32_t kLast = F::kInfinity << kDropped;
    const uint32_t magnitude = (code & (F::kSign - 1)) << kDropped;
    const uint32_t sign = (code & F::kSign) << (31 - F::kExponentBits - F::kMantissaBits);
    if (magnitude < (1u << 23)) {
      // A subnormal or zero: give it the exponent of the least normal number, and take that number off again.
      constexpr uint32_t kLeastNormal = kRebias + (1u << 23);
      return BitsFloat(sign | FloatBits(BitsFloat(magnitude + kLeastNormal) - BitsFloat(kLeastNormal)));
    }
    if (magnitude >= kLast) [[unlikely]] {
      return BitsFloat(magnitude == kLast ? sign | 0x7f800000 : 0x7fffffff);
    }
    return BitsFloat(sign | (magnitude + kRebias));
  }
}
template <>
constexpr float Widen<E4m3Format>(uint32_t code) {
  constexpr uint32_t kRebias = 120u << 23;
  const uint32_t magnitude = (code & 0x7f) << 20;
  const uint32_t sign = (code & 0x80) << 24;
  if (magnitude < (1u << 23)) {
    constexpr uint32_t kLeastNormal = kRebias + (1u << 23);
    return BitsFloat(sign | FloatBits(BitsFloat(magnitude + kLeastNormal) - BitsFloat(kLeastNormal)));
  }
  return BitsFloat((code & 0x7f) == 0x7f ? 0x7fffffff : sign | (magnitude + kRebias));
}

// x cut off to float, with the last bit set if anything was lost: rounding this to a narrower format, in any mode,
// gives what rounding x once would.
constexpr float OddFloat(double x) {
  const float f = static_cast<float>(x);
  if (static_cast<double>(f) == x || f != f) return f;
  uint32_t bits = FloatBits(f);
  if ((f > 0 && f > x) || (f < 0 && f < x)) --bits;  // It was rounded away from zero.
  return BitsFloat(bits | 1);
}
// Below 2^-149 the cast gives a zero, which the |1 above makes the least subnormal; it keeps the sign.

constexpr float OddFloat(uint64_t x) {
  if (x >> 53) return OddFloat(static_cast<double>((x >> 11) | ((x & 2047) != 0)) * 2048);
  return OddFloat(static_cast<double>(x));
}
constexpr float OddFloat(int64_t x) {
  return x < 0 ? -OddFloat(~static_cast<uint64_t>(x) + 1) : OddFloat(static_cast<uint64_t>(x));
}

// a + b cut off to 53 bits with the last bit set if anything was lost, for a and b far from overflow.
constexpr double OddSum(double a, double b) {
  const double sum = a + b;
  const double b_part = sum - a;
  const double lost = (a - (sum - b_part)) + (b - b_part);
  if (!(lost != 0) || lost != lost) return sum;
  auto bits = std::bit_cast<uint64_t>(sum);
  if ((lost < 0) != (sum < 0)) --bits;
  return std::bit_cast<double>(bits | 1);
}

// x as an integer, saturated; NaN is 0 for up to 32 bits and the sign bit alone for 64, as on a GPU. x is rounded to an
// integer already or is to be rounded toward zero.
template <typename Integer>
constexpr Integer SaturateToInteger(float x) {
  using Limits = std::numeric_limits<Integer>;
  if (x != x) return sizeof(Integer) == 8 ? static_cast<Integer>(uint64_t{1} << 63) : 0;
  // One above the largest is a power of two, so a float.
  constexpr float kEnd = static_cast<float>(uint64_t{1} << (Limits::digits - 1)) * 2;
  if (x >= kEnd) return Limits::max();
  if (x <= static_cast<float>(Limits::min())) return Limits::min();
  return static_cast<Integer>(x);
}

}  // namespace cuda_host

#endif  // CUDA_HOST_NARROW_H_
