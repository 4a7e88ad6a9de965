// half and bfloat16 against the oracle: from float, double and integers in every rounding mode, and back.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "harness/host/formats/oracle.h"

namespace {

using workbench::host::BoundaryFloats;
using workbench::host::Mode;
using workbench::host::Oracle;

struct HalfFunctions {
  using T = __half;
  static Oracle TheOracle() { return Oracle::Half(); }
  static constexpr int kInfinity = 0x7c00;
  static T FromCode(int code) { return __ushort_as_half(static_cast<unsigned short>(code)); }
  static int Code(T x) { return __half_as_ushort(x); }
  static float Wide(T x) { return __half2float(x); }
  static T From(float x, Mode mode) {
    switch (mode) {
      case Mode::kZero:
        return __float2half_rz(x);
      case Mode::kUp:
        return __float2half_ru(x);
      case Mode::kDown:
        return __float2half_rd(x);
      default:
        return __float2half_rn(x);
    }
  }
  static T FromDouble(double x) { return __double2half(x); }
  static T FromInteger(long long x, Mode mode) {
    switch (mode) {
      case Mode::kZero:
        return __ll2half_rz(x);
      case Mode::kUp:
        return __ll2half_ru(x);
      case Mode::kDown:
        return __ll2half_rd(x);
      default:
        return __ll2half_rn(x);
    }
  }
  static T FromUnsigned(unsigned long long x) { return __ull2half_rn(x); }
  static long long ToInteger(T x, Mode mode) {
    switch (mode) {
      case Mode::kZero:
        return __half2ll_rz(x);
      case Mode::kUp:
        return __half2ll_ru(x);
      case Mode::kDown:
        return __half2ll_rd(x);
      default:
        return __half2ll_rn(x);
    }
  }
  static int ToShort(T x) { return __half2short_rn(x); }
  static unsigned ToUint(T x) { return __half2uint_rz(x); }
  static unsigned char ToUchar(T x) { return __half2uchar_rz(x); }
};

struct Bfloat16Functions {
  using T = __nv_bfloat16;
  static Oracle TheOracle() { return Oracle::Bfloat16(); }
  static constexpr int kInfinity = 0x7f80;
  static T FromCode(int code) { return __ushort_as_bfloat16(static_cast<unsigned short>(code)); }
  static int Code(T x) { return __bfloat16_as_ushort(x); }
  static float Wide(T x) { return __bfloat162float(x); }
  static T From(float x, Mode mode) {
    switch (mode) {
      case Mode::kZero:
        return __float2bfloat16_rz(x);
      case Mode::kUp:
        return __float2bfloat16_ru(x);
      case Mode::kDown:
        return __float2bfloat16_rd(x);
      default:
        return __float2bfloat16_rn(x);
    }
  }
  static T FromDouble(double x) { return __double2bfloat16(x); }
  static T FromInteger(long long x, Mode mode) {
    switch (mode) {
      case Mode::kZero:
        return __ll2bfloat16_rz(x);
      case Mode::kUp:
        return __ll2bfloat16_ru(x);
      case Mode::kDown:
        return __ll2bfloat16_rd(x);
      default:
        return __ll2bfloat16_rn(x);
    }
  }
  static T FromUnsigned(unsigned long long x) { return __ull2bfloat16_rn(x); }
  static long long ToInteger(T x, Mode mode) {
    switch (mode) {
      case Mode::kZero:
        return __bfloat162ll_rz(x);
      case Mode::kUp:
        return __bfloat162ll_ru(x);
      case Mode::kDown:
        return __bfloat162ll_rd(x);
      default:
        return __bfloat162ll_rn(x);
    }
  }
  static int ToShort(T x) { return __bfloat162short_rn(x); }
  static unsigned ToUint(T x) { return __bfloat162uint_rz(x); }
  static unsigned char ToUchar(T x) { return __bfloat162uchar_rz(x); }
};

template <typename F>
class ConversionsTest : public testing::Test {};
using Formats = testing::Types<HalfFunctions, Bfloat16Functions>;
TYPED_TEST_SUITE(ConversionsTest, Formats);

constexpr Mode kModes[] = {Mode::kNearest, Mode::kZero, Mode::kUp, Mode::kDown};

template <typename F>
int Expected(const Oracle& oracle, double x, Mode mode) {
  // The code after the largest finite one is infinity's.
  return (std::signbit(x) ? 0x8000 : 0) | oracle.Round(x, mode);
}

TYPED_TEST(ConversionsTest, EveryCodeIsItsValueAndComesBack) {
  const Oracle oracle = TypeParam::TheOracle();
  ASSERT_EQ(oracle.codes(), TypeParam::kInfinity);
  for (int code = 0; code < 0x8000; ++code) {
    for (const int sign : {0, 0x8000}) {
      const auto x = TypeParam::FromCode(code | sign);
      ASSERT_EQ(TypeParam::Code(x), code | sign);
      const float wide = TypeParam::Wide(x);
      if (code > TypeParam::kInfinity) {
        ASSERT_TRUE(std::isnan(wide)) << code;
        for (const Mode mode : kModes) ASSERT_EQ(TypeParam::Code(TypeParam::From(wide, mode)), 0x7fff) << code;
        continue;
      }
      ASSERT_EQ(std::signbit(wide), sign != 0) << code;
      ASSERT_EQ(std::fabs(static_cast<double>(wide)), code == TypeParam::kInfinity ? INFINITY : oracle.value(code))
          << code;
      for (const Mode mode : kModes) ASSERT_EQ(TypeParam::Code(TypeParam::From(wide, mode)), code | sign) << code;
      ASSERT_EQ(TypeParam::Code(TypeParam::FromDouble(static_cast<double>(wide))), code | sign) << code;
    }
  }
}

TYPED_TEST(ConversionsTest, FloatsAtEveryBoundary) {
  const Oracle oracle = TypeParam::TheOracle();
  for (const float x : BoundaryFloats(oracle)) {
    for (const Mode mode : kModes) {
      ASSERT_EQ(TypeParam::Code(TypeParam::From(x, mode)), (Expected<TypeParam>(oracle, static_cast<double>(x), mode)))
          << std::hexfloat << x << " in mode " << static_cast<int>(mode);
    }
  }
}

// Doubles closer to the boundaries than any float: rounding by way of float would take them for ties.
TYPED_TEST(ConversionsTest, DoublesAreRoundedOnce) {
  const Oracle oracle = TypeParam::TheOracle();
  for (const float f : BoundaryFloats(oracle)) {
    const auto d = static_cast<double>(f);
    for (const double x : {std::nextafter(d, -INFINITY), d, std::nextafter(d, INFINITY)}) {
      ASSERT_EQ(TypeParam::Code(TypeParam::FromDouble(x)), (Expected<TypeParam>(oracle, x, Mode::kNearest)))
          << std::hexfloat << x;
    }
  }
  for (const double x : {1e300, -1e300, 5e-324, -5e-324}) {
    ASSERT_EQ(TypeParam::Code(TypeParam::FromDouble(x)), (Expected<TypeParam>(oracle, x, Mode::kNearest))) << x;
  }
}

TYPED_TEST(ConversionsTest, IntegersAreRoundedOnce) {
  const Oracle oracle = TypeParam::TheOracle();
  std::mt19937_64 random(3);
  const auto check = [&oracle](long long x) {
    for (const Mode mode : kModes) {
      // The oracle's double holds the integer, or one that lies on the same side of every boundary.
      const auto magnitude = x < 0 ? ~static_cast<uint64_t>(x) + 1 : static_cast<uint64_t>(x);
      const auto high = static_cast<double>(magnitude & ~uint64_t{2047});
      const double low = (magnitude & 2047) != 0 ? 1 : 0;
      const double size = magnitude >> 53 ? high + low * 2048 / 2 : static_cast<double>(magnitude);
      ASSERT_EQ(TypeParam::Code(TypeParam::FromInteger(x, mode)),
                (Expected<TypeParam>(oracle, x < 0 ? -size : size, mode)))
          << x << " in mode " << static_cast<int>(mode);
    }
  };
  for (int bit = 0; bit < 63; ++bit) {
    for (int low = 0; low <= bit; ++low) {
      for (long long offset = -1; offset <= 1; ++offset) {
        const long long x = (1LL << bit) + (1LL << low) + offset;
        check(x);
        check(-x);
      }
    }
  }
  for (int i = 0; i < 100000; ++i) check(static_cast<long long>(random() >> random() % 64));
  EXPECT_EQ(TypeParam::Code(TypeParam::FromUnsigned(~0ull)),
            TypeParam::kInfinity == 0x7c00 ? 0x7c00 : TypeParam::Code(TypeParam::From(0x1p64f, Mode::kNearest)));
}

TYPED_TEST(ConversionsTest, ToIntegersSaturates) {
  for (int code = 0; code < 0x10000; ++code) {
    const auto x = TypeParam::FromCode(code);
    const auto wide = static_cast<double>(TypeParam::Wide(x));
    const auto clamped = [](double value, double low, double high) { return std::fmin(std::fmax(value, low), high); };
    if (std::isnan(wide)) {
      ASSERT_EQ(TypeParam::ToInteger(x, Mode::kZero), std::numeric_limits<long long>::min());
      ASSERT_EQ(TypeParam::ToShort(x), 0);
      ASSERT_EQ(TypeParam::ToUint(x), 0u);
      ASSERT_EQ(TypeParam::ToUchar(x), 0);
      continue;
    }
    ASSERT_EQ(TypeParam::ToShort(x), clamped(std::nearbyint(wide), -32768, 32767)) << wide;
    ASSERT_EQ(TypeParam::ToUint(x), clamped(std::trunc(wide), 0, 4294967295)) << wide;
    ASSERT_EQ(TypeParam::ToUchar(x), clamped(std::trunc(wide), 0, 255)) << wide;
    if (std::fabs(wide) < 0x1p63) {
      ASSERT_EQ(TypeParam::ToInteger(x, Mode::kNearest), static_cast<long long>(std::nearbyint(wide)));
      ASSERT_EQ(TypeParam::ToInteger(x, Mode::kZero), static_cast<long long>(std::trunc(wide)));
      ASSERT_EQ(TypeParam::ToInteger(x, Mode::kUp), static_cast<long long>(std::ceil(wide)));
      ASSERT_EQ(TypeParam::ToInteger(x, Mode::kDown), static_cast<long long>(std::floor(wide)));
    } else {
      ASSERT_EQ(TypeParam::ToInteger(x, Mode::kZero),
                wide < 0 ? std::numeric_limits<long long>::min() : std::numeric_limits<long long>::max());
    }
  }
}

TYPED_TEST(ConversionsTest, InfinityStaysAndNanIsCanonical) {
  for (const Mode mode : kModes) {
    EXPECT_EQ(TypeParam::Code(TypeParam::From(INFINITY, mode)), TypeParam::kInfinity);
    EXPECT_EQ(TypeParam::Code(TypeParam::From(-INFINITY, mode)), 0x8000 | TypeParam::kInfinity);
    for (const uint32_t nan : {0x7f800001u, 0x7fffffffu, 0xff800001u, 0xffc00000u}) {
      EXPECT_EQ(TypeParam::Code(TypeParam::From(std::bit_cast<float>(nan), mode)), 0x7fff);
    }
  }
  EXPECT_EQ(TypeParam::Code(TypeParam::FromDouble(-std::numeric_limits<double>::quiet_NaN())), 0x7fff);
  EXPECT_EQ(TypeParam::Code(TypeParam::FromDouble(-std::numeric_limits<double>::infinity())),
            0x8000 | TypeParam::kInfinity);
}

}  // namespace
