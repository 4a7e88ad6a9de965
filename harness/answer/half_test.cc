#include "harness/answer/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

namespace workbench {
namespace {

// The value of a binary16 or bf16 pattern, from the definition in IEEE 754 (3.4): no bit tricks.
double Decode(uint16_t bits, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int sign = bits >> 15;
  const int exponent = (bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
  const int mantissa = bits & ((1 << mantissa_bits) - 1);
  double magnitude;
  if (exponent == (1 << exponent_bits) - 1) {
    magnitude = mantissa ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
  } else if (exponent == 0) {
    magnitude = std::ldexp(mantissa, 1 - bias - mantissa_bits);
  } else {
    magnitude = std::ldexp((1 << mantissa_bits) + mantissa, exponent - bias - mantissa_bits);
  }
  return sign ? -magnitude : magnitude;
}

TEST(HalfTest, EveryCodeConvertsToItsValueAndBack) {
  for (uint32_t code = 0; code < 65536; ++code) {
    const Half half{static_cast<uint16_t>(code)};
    const double want = Decode(half.bits, 5, 10);
    const float got = ToFloat(half);
    if (std::isnan(want)) {
      EXPECT_TRUE(std::isnan(got)) << code;
      EXPECT_TRUE(std::isnan(ToFloat(ToHalf(got)))) << code;
      continue;
    }
    ASSERT_EQ(got, want) << code;
    ASSERT_EQ(std::signbit(got), std::signbit(want)) << code;
    ASSERT_EQ(ToHalf(got).bits, half.bits) << code;
  }
}

TEST(BFloat16Test, EveryCodeConvertsToItsValueAndBack) {
  for (uint32_t code = 0; code < 65536; ++code) {
    const BFloat16 b{static_cast<uint16_t>(code)};
    const double want = Decode(b.bits, 8, 7);
    const float got = ToFloat(b);
    if (std::isnan(want)) {
      EXPECT_TRUE(std::isnan(ToFloat(ToBFloat16(got)))) << code;
      continue;
    }
    ASSERT_EQ(got, want) << code;
    ASSERT_EQ(ToBFloat16(got).bits, b.bits) << code;
  }
}

// Between two neighbouring codes: below the midpoint goes down, above goes up, the midpoint goes to the even one.
TEST(HalfTest, RoundsToNearestTiesToEven) {
  for (uint32_t code = 0; code < 0x7bff; ++code) {
    const double low = Decode(static_cast<uint16_t>(code), 5, 10);
    const double high = Decode(static_cast<uint16_t>(code + 1), 5, 10);
    const float middle = static_cast<float>((low + high) / 2);  // exact: one more bit than a half has
    const uint32_t even = code + (code & 1);
    ASSERT_EQ(ToHalf(middle).bits, even) << code;
    ASSERT_EQ(ToHalf(std::nextafter(middle, 0.0f)).bits, code) << code;
    ASSERT_EQ(ToHalf(std::nextafter(middle, 1e9f)).bits, code + 1) << code;
    ASSERT_EQ(ToHalf(-middle).bits, even | 0x8000u) << code;
  }
  EXPECT_EQ(ToHalf(65519.99f).bits, 0x7bff);
  EXPECT_EQ(ToHalf(65520.0f).bits, 0x7c00);
  EXPECT_EQ(ToHalf(1e30f).bits, 0x7c00);
  EXPECT_EQ(ToHalf(-1e30f).bits, 0xfc00);
}

TEST(BFloat16Test, RoundsToNearestTiesToEven) {
  for (uint32_t code = 0; code < 0x7f7f; ++code) {
    const float middle = std::bit_cast<float>((code << 16) | 0x8000u);
    const uint32_t even = code + (code & 1);
    ASSERT_EQ(ToBFloat16(middle).bits, even) << code;
    ASSERT_EQ(ToBFloat16(std::nextafter(middle, 0.0f)).bits, code) << code;
    ASSERT_EQ(ToBFloat16(std::nextafter(middle, std::numeric_limits<float>::infinity())).bits, code + 1) << code;
  }
}

}  // namespace
}  // namespace workbench
