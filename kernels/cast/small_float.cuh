// Floating-point formats of 16 and 8 bits, described by their fields, and the way from and to fp32 in integers.
//
// Sources: IEEE 754-2019, 3.4 and 4.3.1 (fields, roundTiesToEven); OCP 8-bit Floating Point Specification 1.0, table 1.
#ifndef KERNELS_CAST_SMALL_FLOAT_CUH_
#define KERNELS_CAST_SMALL_FLOAT_CUH_

#include <cuda_fp16.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace kernels {

// A sign, kExponentBits with the bias 2^(kExponentBits - 1) - 1, kFractionBits. With infinities the largest exponent
// means infinity and NaN; without, only the code of all ones is a NaN.
template <int kExponentBits, int kFractionBits_, bool kHasInfinity>
struct SmallFloat {
  static constexpr int kBits = 1 + kExponentBits + kFractionBits_;
  using Code = std::conditional_t<kBits == 8, uint8_t, uint16_t>;
  static_assert(kBits == 8 || kBits == 16);

  static constexpr int kFractionBits = kFractionBits_;
  static constexpr int kBias = (1 << (kExponentBits - 1)) - 1;
  static constexpr uint32_t kSign = 1u << (kBits - 1);
  // Codes of magnitudes; the codes of larger magnitudes are larger numbers.
  static constexpr uint32_t kFirstSpecial = kHasInfinity ? ((1u << kExponentBits) - 1) << kFractionBits : kSign - 1;
  static constexpr uint32_t kMaxFinite = kFirstSpecial - 1;
  static constexpr uint32_t kNaN = kSign - 1;
  static constexpr uint32_t kOverflow = kFirstSpecial;  // infinity, or NaN where there is none
  // fp32 has this many more fraction bits, and its exponent field is larger by this (as an addend to its bits).
  static constexpr int kShift = 23 - kFractionBits;
  static constexpr uint32_t kRebias = static_cast<uint32_t>(127 - kBias) << 23;
};

using Float16 = SmallFloat<5, 10, true>;
using BFloat16 = SmallFloat<8, 7, true>;
using E4M3 = SmallFloat<4, 3, false>;
using E5M2 = SmallFloat<5, 2, true>;

namespace internal {

__host__ __device__ inline uint32_t BitsOf(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
__host__ __device__ inline float FloatOf(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

// The magnitude of an fp32 that is not NaN, rounded to nearest even as if F had no largest number.
template <typename F>
__host__ __device__ inline uint32_t RoundMagnitude(uint32_t magnitude) {
  constexpr uint32_t kMinNormal = F::kRebias + (1u << 23);
  if (F::kBias != 127 && magnitude < kMinNormal) {
    // Subnormal in F. One unit of F's last place is the last place of an fp32 in [kMagic, 2 kMagic): the fp32 adder
    // rounds, and what it leaves above kMagic is the code.
    constexpr uint32_t kMagic = F::kRebias + (static_cast<uint32_t>(F::kShift + 1) << 23);
    return BitsOf(FloatOf(magnitude) + FloatOf(kMagic)) - kMagic;
  }
  const uint32_t odd = magnitude >> F::kShift & 1;
  return (magnitude - F::kRebias + (1u << (F::kShift - 1)) - 1 + odd) >> F::kShift;
}

}  // namespace internal

// `x` in F, to nearest even. Too large after rounding, or infinite: the largest finite number if `saturate`, else
// infinity (in E4M3, NaN). A NaN becomes a NaN.
template <typename F>
__host__ __device__ inline typename F::Code Encode(float x, bool saturate) {
  const uint32_t bits = internal::BitsOf(x);
  const uint32_t sign = bits >> (32 - F::kBits) & F::kSign;
  const uint32_t magnitude = bits & 0x7fffffffu;
  const uint32_t too_large = saturate ? F::kMaxFinite : F::kOverflow;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
  if constexpr (F::kBits == 8) {
    uint16_t pair;  // the instruction always saturates
    if constexpr (std::is_same_v<F, E4M3>) {
      asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(pair) : "f"(0.0f), "f"(x));
    } else {
      asm("cvt.rn.satfinite.e5m2x2.f32 %0, %1, %2;" : "=h"(pair) : "f"(0.0f), "f"(x));
    }
    // The first fp32 that rounds to more than kMaxFinite: the midpoint behind it, unless the tie goes back to it.
    constexpr uint32_t kTooLarge =
        (F::kMaxFinite << F::kShift) + F::kRebias + (1u << (F::kShift - 1)) + (F::kMaxFinite % 2 == 0 ? 1 : 0);
    const bool overflow = magnitude >= kTooLarge && magnitude <= 0x7f800000u;
    return static_cast<typename F::Code>(overflow ? sign | too_large : pair);
  }
#endif
  if (magnitude > 0x7f800000u) return static_cast<typename F::Code>(sign | F::kNaN);
  const uint32_t code = internal::RoundMagnitude<F>(magnitude);
  return static_cast<typename F::Code>(sign | (code > F::kMaxFinite ? too_large : code));
}

// `x` in bf16: rounded away from zero if the 16 bits that are cut off and `draw`, of 16 random bits, carry; so with the
// probability that the distance from the lower neighbour is of the gap.
__host__ __device__ inline uint16_t EncodeStochastically(float x, uint32_t draw, bool saturate) {
  const uint32_t bits = internal::BitsOf(x);
  const uint32_t sign = bits >> 16 & BFloat16::kSign;
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | BFloat16::kNaN);
  const uint32_t code = (magnitude + draw) >> 16;
  const uint32_t too_large = saturate ? BFloat16::kMaxFinite : BFloat16::kOverflow;
  return static_cast<uint16_t>(sign | (code > BFloat16::kMaxFinite ? too_large : code));
}

// Exact.
template <typename F>
__host__ __device__ inline float Decode(typename F::Code code) {
  const uint32_t sign = (code & F::kSign) << (32 - F::kBits);
  const uint32_t magnitude = code & (F::kSign - 1);
  if constexpr (F::kBias == 127) return internal::FloatOf(static_cast<uint32_t>(code) << 16);
  if (magnitude >= F::kFirstSpecial) {
    return internal::FloatOf(sign | (magnitude == F::kOverflow && F::kOverflow != F::kNaN ? 0x7f800000u : 0x7fc00000u));
  }
  // Read as fp32 with the same exponent field; then the product moves the bias, of subnormals too.
  const float shifted = internal::FloatOf(magnitude << F::kShift) * internal::FloatOf(F::kRebias + (127u << 23));
  return internal::FloatOf(internal::BitsOf(shifted) | sign);
}

}  // namespace kernels

#endif  // KERNELS_CAST_SMALL_FLOAT_CUH_
