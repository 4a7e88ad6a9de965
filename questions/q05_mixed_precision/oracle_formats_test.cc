// The oracle's number formats against facts from the standards.
#include "questions/q05_mixed_precision/oracle_formats.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace q05 {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr Format kSmall[] = {Format::kFloat16, Format::kBFloat16, Format::kE4M3, Format::kE5M2};

TEST(OracleFormats, LimitsOfTheStandards) {
  EXPECT_EQ(TraitsOf(Format::kFloat16).max_finite(), 65504);
  EXPECT_EQ(TraitsOf(Format::kFloat16).min_normal(), 0x1p-14);
  EXPECT_EQ(TraitsOf(Format::kFloat16).min_subnormal(), 0x1p-24);
  EXPECT_EQ(TraitsOf(Format::kBFloat16).max_finite(), 0x1.fep127);
  EXPECT_EQ(TraitsOf(Format::kE4M3).max_finite(), 448);
  EXPECT_EQ(TraitsOf(Format::kE4M3).min_subnormal(), 0x1p-9);
  EXPECT_EQ(TraitsOf(Format::kE5M2).max_finite(), 57344);
  EXPECT_EQ(TraitsOf(Format::kE5M2).min_subnormal(), 0x1p-16);
  EXPECT_EQ(TraitsOf(Format::kFloat32).max_finite(), std::numeric_limits<float>::max());
}

TEST(OracleFormats, CodesOfKnownValues) {
  EXPECT_EQ(Decode(Format::kFloat16, 0x3c00), 1);
  EXPECT_EQ(Decode(Format::kFloat16, 0xc000), -2);
  EXPECT_EQ(Decode(Format::kFloat16, 0x3555), 0x1.554p-2);
  EXPECT_EQ(Decode(Format::kBFloat16, 0x4049), 3.140625);
  EXPECT_EQ(Decode(Format::kE4M3, 0x38), 1);
  EXPECT_EQ(Decode(Format::kE4M3, 0x78), 256);
  EXPECT_EQ(Decode(Format::kE5M2, 0x3c), 1);
  EXPECT_EQ(Decode(Format::kE5M2, 0x7c), kInfinity);
  EXPECT_EQ(Decode(Format::kFloat16, 0xfc00), -kInfinity);
  EXPECT_TRUE(std::isnan(Decode(Format::kE4M3, 0x7f)));
  EXPECT_TRUE(std::isnan(Decode(Format::kE5M2, 0x7d)));
  EXPECT_TRUE(std::isnan(Decode(Format::kFloat16, 0x7c01)));
  EXPECT_TRUE(std::signbit(Decode(Format::kE4M3, 0x80)));
}

TEST(OracleFormats, EveryCodeComesBack) {
  for (const Format format : kSmall) {
    for (uint32_t code = 0; code < TraitsOf(format).codes(); ++code) {
      const uint32_t again = EncodeNearest(format, Decode(format, code));
      if (IsNan(format, code)) {
        EXPECT_TRUE(IsNan(format, again));
      } else {
        EXPECT_EQ(again, code);
      }
    }
  }
}

TEST(OracleFormats, NeighboursAreRoundedToTheNearestTiesToEven) {
  for (const Format format : kSmall) {
    for (uint32_t code = 0; code < TraitsOf(format).largest; ++code) {
      const double low = Decode(format, code), high = Decode(format, code + 1), middle = (low + high) / 2;
      EXPECT_EQ(EncodeNearest(format, middle), code + code % 2);
      EXPECT_EQ(EncodeNearest(format, std::nextafter(middle, low)), code);
      EXPECT_EQ(EncodeNearest(format, std::nextafter(middle, high)), code + 1);
      EXPECT_EQ(EncodeNearest(format, -std::nextafter(middle, high)), (code + 1) | TraitsOf(format).sign());
    }
  }
}

TEST(OracleFormats, Overflow) {
  EXPECT_EQ(EncodeNearest(Format::kFloat16, 65519.99), 0x7bffu);
  EXPECT_EQ(EncodeNearest(Format::kFloat16, 65520), 0x7c00u);
  EXPECT_EQ(EncodeNearest(Format::kFloat16, 65520, true), 0x7bffu);
  EXPECT_EQ(EncodeNearest(Format::kE4M3, 464), 0x7eu);  // a tie: 448 is even
  EXPECT_TRUE(IsNan(Format::kE4M3, EncodeNearest(Format::kE4M3, 464.01)));
  EXPECT_EQ(EncodeNearest(Format::kE4M3, -1e30, true), 0xfeu);
  EXPECT_EQ(EncodeNearest(Format::kE5M2, 61440), 0x7cu);
  EXPECT_EQ(EncodeNearest(Format::kE5M2, kInfinity, true), 0x7bu);
  EXPECT_EQ(EncodeNearest(Format::kBFloat16, -kInfinity), 0xff80u);
  EXPECT_TRUE(IsNan(Format::kE4M3, EncodeNearest(Format::kE4M3, std::nan(""), true)));
}

TEST(OracleFormats, DoublesToFloatAsTheProcessorHasIt) {
  uint64_t state = 1;
  for (int i = 0; i < 100000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const double value =
        std::ldexp(static_cast<double>(static_cast<int64_t>(state)), static_cast<int>(state % 280) - 220);
    const float rounded = static_cast<float>(value);
    uint32_t bits;
    std::memcpy(&bits, &rounded, sizeof bits);
    EXPECT_EQ(EncodeNearest(Format::kFloat32, value), bits) << value;
  }
}

}  // namespace
}  // namespace q05
