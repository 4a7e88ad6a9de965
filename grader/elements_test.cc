#include "grader/elements.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

namespace workbench {
namespace {

constexpr ElementType kTypes[] = {ElementType::kFloat32, ElementType::kFloat16, ElementType::kBFloat16,
                                  ElementType::kInt32};

void ExpectSame(double want, double got, uint32_t code) {
  if (std::isnan(want)) {
    EXPECT_TRUE(std::isnan(got)) << std::hex << code;
  } else {
    EXPECT_EQ(want, got) << std::hex << code;
    EXPECT_EQ(std::signbit(want), std::signbit(got)) << std::hex << code;
  }
}

// Widens the fields of binary16 to those of binary64; subnormals count units of 2^-24.
double WidenHalf(uint16_t code) {
  const uint64_t sign = static_cast<uint64_t>(code >> 15) << 63;
  const uint64_t exponent = (code >> 10) & 31;
  const uint64_t fraction = code & 1023;
  if (exponent == 0) return (sign ? -1.0 : 1.0) * static_cast<double>(fraction) / 16777216.0;
  const uint64_t wide = exponent == 31 ? 2047 : exponent + 1008;
  return std::bit_cast<double>(sign | wide << 52 | fraction << 42);
}

TEST(ElementAtTest, EveryFp16Code) {
  for (uint32_t code = 0; code < 65536; ++code) {
    const uint16_t bits = static_cast<uint16_t>(code);
    ExpectSame(WidenHalf(bits), ElementAt(ElementType::kFloat16, &bits, 0), code);
  }
}

// bf16 is the upper half of a binary32, which the machine knows.
TEST(ElementAtTest, EveryBf16Code) {
  for (uint32_t code = 0; code < 65536; ++code) {
    const uint16_t bits = static_cast<uint16_t>(code);
    ExpectSame(std::bit_cast<float>(code << 16), ElementAt(ElementType::kBFloat16, &bits, 0), code);
  }
}

TEST(ElementAtTest, ManyFp32Codes) {
  std::mt19937 random(1);
  for (int i = 0; i < 200000; ++i) {
    const uint32_t bits = random();
    ExpectSame(std::bit_cast<float>(bits), ElementAt(ElementType::kFloat32, &bits, 0), bits);
  }
  for (const uint32_t bits : {0u, 1u, 0x007fffffu, 0x00800000u, 0x7f7fffffu, 0x7f800000u, 0x7fc00000u, 0x80000000u}) {
    ExpectSame(std::bit_cast<float>(bits), ElementAt(ElementType::kFloat32, &bits, 0), bits);
  }
}

TEST(ElementAtTest, Int32Extremes) {
  for (const int32_t value : {0, 1, -1, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()}) {
    EXPECT_EQ(ElementAt(ElementType::kInt32, &value, 0), static_cast<double>(value));
  }
}

TEST(ElementAtTest, KnownFp16Values) {
  const uint16_t codes[] = {0x3c00, 0xc000, 0x7bff, 0x0400, 0x03ff, 0x0001, 0x3555};
  const double values[] = {1, -2, 65504, 0x1p-14, 0x1p-14 - 0x1p-24, 0x1p-24, 0.333251953125};
  for (size_t i = 0; i < std::size(codes); ++i) EXPECT_EQ(ElementAt(ElementType::kFloat16, codes, i), values[i]);
}

TEST(ElementAtTest, DataNeedNotBeAligned) {
  alignas(8) char memory[9] = {};
  const float value = 1.5f;
  std::memcpy(memory + 5, &value, sizeof value);
  EXPECT_EQ(ElementAt(ElementType::kFloat32, memory + 1, 1), 1.5);
}

TEST(StoreSmallIntegerTest, IsExactUpTo128InEveryType) {
  for (const ElementType type : kTypes) {
    for (int value = -128; value <= 128; ++value) {
      unsigned char memory[12];
      std::memset(memory, 0xa5, sizeof memory);
      StoreSmallInteger(type, memory, 1, value);
      EXPECT_EQ(ElementAt(type, memory, 1), value) << TraitsOf(type).name;
      // Its neighbours are untouched.
      const size_t bytes = TraitsOf(type).bytes;
      for (size_t i = 0; i < sizeof memory; ++i) {
        if (i < bytes || i >= 2 * bytes) {
          EXPECT_EQ(memory[i], 0xa5);
        }
      }
    }
  }
}

TEST(StoreSmallIntegerTest, ZeroIsPositive) {
  for (const ElementType type : kTypes) {
    uint32_t memory = 0xffffffff;
    StoreSmallInteger(type, &memory, 0, 0);
    EXPECT_FALSE(std::signbit(ElementAt(type, &memory, 0)));
  }
}

TEST(TraitsTest, RoundoffIsHalfTheGapAboveOneAndSubnormalTheSmallestCode) {
  const uint32_t one[] = {0x3f800000, 0x3c00, 0x3f80};
  for (int t = 0; t < 3; ++t) {
    const ElementType type = kTypes[t];
    const uint32_t above = one[t] + 1, smallest = 1;
    ASSERT_EQ(ElementAt(type, &one[t], 0), 1);
    EXPECT_EQ(TraitsOf(type).unit_roundoff, (ElementAt(type, &above, 0) - 1) / 2);
    EXPECT_EQ(TraitsOf(type).min_subnormal, ElementAt(type, &smallest, 0));
  }
  EXPECT_EQ(TraitsOf(ElementType::kInt32).unit_roundoff, 0);
}

TEST(DescribeTest, TellsNeighboursApart) {
  EXPECT_EQ(DescribeElement(ElementType::kFloat32, "\x00\x00\xc0\x3f", 0), "1.5 (0x3fc00000)");
  EXPECT_EQ(DescribeElement(ElementType::kInt32, "\xff\xff\xff\xff", 0), "-1 (0xffffffff)");
  for (const ElementType type : {ElementType::kFloat16, ElementType::kBFloat16}) {
    for (uint32_t code = 1; code < 0x7c00; ++code) {
      const uint16_t bits = static_cast<uint16_t>(code), below = static_cast<uint16_t>(code - 1);
      EXPECT_NE(DescribeValue(type, ElementAt(type, &bits, 0)), DescribeValue(type, ElementAt(type, &below, 0)))
          << code;
    }
  }
  EXPECT_EQ(DescribeValue(ElementType::kInt32, -2147483648.0), "-2147483648");
}

}  // namespace
}  // namespace workbench
