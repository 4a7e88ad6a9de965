// Arithmetic on half and bfloat16: rounded once, against the oracle on exact results.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "harness/host/formats/oracle.h"

namespace {

using workbench::host::Mode;
using workbench::host::Oracle;

struct HalfKind {
  using T = __half;
  using T2 = __half2;
  static Oracle TheOracle() { return Oracle::Half(); }
  static T FromCode(int code) { return __ushort_as_half(static_cast<unsigned short>(code)); }
  static int Code(T x) { return __half_as_ushort(x); }
};
struct Bfloat16Kind {
  using T = __nv_bfloat16;
  using T2 = __nv_bfloat162;
  static Oracle TheOracle() { return Oracle::Bfloat16(); }
  static T FromCode(int code) { return __ushort_as_bfloat16(static_cast<unsigned short>(code)); }
  static int Code(T x) { return __bfloat16_as_ushort(x); }
};

template <typename F>
class ArithmeticTest : public testing::Test {};
using Kinds = testing::Types<HalfKind, Bfloat16Kind>;
TYPED_TEST_SUITE(ArithmeticTest, Kinds);

// A sum of doubles in 1500 bits, of which bit i of word w counts 2^(30 w + i - 700): exact, for the sign alone.
class ExactSum {
 public:
  void Add(double x) {
    int exponent;
    auto mantissa = static_cast<int64_t>(std::ldexp(std::frexp(x, &exponent), 53));
    int place = exponent - 53 + 700;
    const int64_t sign = mantissa < 0 ? -1 : 1;
    mantissa *= sign;
    while (mantissa != 0) {
      const int shift = place % 30;
      words_[place / 30] += sign * ((mantissa << shift) & 0x3fffffff & ~((int64_t{1} << shift) - 1));
      mantissa >>= 30 - shift;
      place += 30 - shift;
    }
  }
  int Sign() const {
    // From the top: a word's value is at most one less than what a unit in the next is worth, up to the few carries.
    auto words = words_;
    for (size_t i = 0; i + 1 < words.size(); ++i) {
      const int64_t carry = words[i] >> 30;
      words[i] -= carry << 30;
      words[i + 1] += carry;
    }
    if (words.back() != 0) return words.back() < 0 ? -1 : 1;
    for (const int64_t word : words) {
      if (word != 0) return 1;
    }
    return 0;
  }

 private:
  std::array<int64_t, 50> words_ = {};
};

// Whether `code` is the nearest to a * b + c: by the sign of the difference to both midpoints around it.
testing::AssertionResult IsNearest(const Oracle& oracle, int code, double a, double b, double c) {
  ExactSum exact;
  exact.Add(a * b);  // exact: 22 bits
  exact.Add(c);
  const int sign = exact.Sign();
  const int magnitude = code & 0x7fff;
  if (sign == 0) return magnitude == 0 ? testing::AssertionSuccess() : testing::AssertionFailure() << "is exactly 0";
  if (((code & 0x8000) != 0) != (sign < 0)) return testing::AssertionFailure() << "has the wrong sign";
  const auto compare = [&](double midpoint) {
    ExactSum difference = exact;
    difference.Add(-sign * midpoint);
    return difference.Sign() * sign;
  };
  if (magnitude > oracle.codes()) return testing::AssertionFailure() << "is no NaN";
  if (magnitude > 0) {
    const int below = compare((oracle.value(magnitude - 1) + oracle.value(magnitude)) / 2);
    if (below < 0 || (below == 0 && magnitude % 2 == 1)) return testing::AssertionFailure() << "is less";
  }
  if (magnitude < oracle.codes()) {
    const int above = compare((oracle.value(magnitude) + oracle.value(magnitude + 1)) / 2);
    if (above > 0 || (above == 0 && magnitude % 2 == 1)) return testing::AssertionFailure() << "is more";
  }
  return testing::AssertionSuccess();
}

// Random finite codes; often close to each other in exponent, near 1, or subnormal.
template <typename F>
class Codes {
 public:
  explicit Codes(const Oracle& oracle) : codes_(oracle.codes()) {}
  typename F::T Next() {
    const auto r = static_cast<unsigned>(random_());
    unsigned code = (r >> 4) % codes_;
    if (r % 4 == 0) code = (code % (codes_ / 16) + codes_ / 2) % codes_;
    if (r % 16 == 1) code = code % (codes_ / 32);
    return F::FromCode(static_cast<int>(code | (r >> 31 << 15)));
  }

 private:
  unsigned codes_;
  std::mt19937 random_{11};
};

TYPED_TEST(ArithmeticTest, EveryOperationIsRoundedOnce) {
  const Oracle oracle = TypeParam::TheOracle();
  Codes<TypeParam> codes(oracle);
  for (int i = 0; i < 200000; ++i) {
    const auto a = codes.Next();
    const auto b = codes.Next();
    const auto c = codes.Next();
    const auto x = static_cast<double>(static_cast<float>(a));
    const auto y = static_cast<double>(static_cast<float>(b));
    const auto z = static_cast<double>(static_cast<float>(c));
    ASSERT_TRUE(IsNearest(oracle, TypeParam::Code(__hadd(a, b)), x, 1, y)) << x << " + " << y;
    ASSERT_TRUE(IsNearest(oracle, TypeParam::Code(__hsub(a, b)), x, 1, -y)) << x << " - " << y;
    const double product = x * y;
    ASSERT_EQ(TypeParam::Code(__hmul(a, b)),
              (std::signbit(product) ? 0x8000 : 0) | oracle.Round(product, Mode::kNearest))
        << x << " * " << y;
    ASSERT_TRUE(IsNearest(oracle, TypeParam::Code(__hfma(a, b, c)), x, y, z)) << x << " * " << y << " + " << z;
    if (y != 0) {
      // A quotient of so few digits lies far enough from every midpoint, or on it, for double to tell.
      const double quotient = x / y;
      ASSERT_EQ(TypeParam::Code(__hdiv(a, b)),
                (std::signbit(quotient) ? 0x8000 : 0) | oracle.Round(quotient, Mode::kNearest))
          << x << " / " << y;
    }
  }
}

// Where one rounding and two differ: a product on a midpoint, and an addend far below it.
TEST(FmaTest, DoesNotRoundTwice) {
  const auto bf16 = [](float x) { return __float2bfloat16(x); };
  const float a = 1.5f, b = 1.0078125f;  // 1.51171875: half way between 1.5078125 and 1.515625
  const float tie = a * b;
  ASSERT_EQ(tie, 1.51171875f);
  EXPECT_EQ(static_cast<float>(__hfma(bf16(a), bf16(b), bf16(0.0f))), 1.515625f);
  EXPECT_EQ(static_cast<float>(__hfma(bf16(a), bf16(b), bf16(0x1p-100f))), 1.515625f);
  EXPECT_EQ(static_cast<float>(__hfma(bf16(a), bf16(b), bf16(-0x1p-100f))), 1.5078125f);
  EXPECT_EQ(static_cast<float>(__hfma(bf16(-a), bf16(b), bf16(0x1p-100f))), -1.5078125f);
  // A product that underflows float.
  const float c = 0x1.0ap-63f;
  EXPECT_EQ(__bfloat16_as_ushort(__hmul(bf16(c), bf16(c))),
            Oracle::Bfloat16().Round(static_cast<double>(c) * static_cast<double>(c), Mode::kNearest));
  EXPECT_EQ(__half2float(__hfma(__half(2048.0f), __half(1.0f), __half(1.0f))), 2048.0f);
  EXPECT_EQ(__half2float(__hfma(__half(2049.0f), __half(1.0f), __half(1.0f))), 2048.0f);
}

TYPED_TEST(ArithmeticTest, ZerosKeepTheirSign) {
  const auto zero = TypeParam::FromCode(0), minus = TypeParam::FromCode(0x8000);
  EXPECT_EQ(TypeParam::Code(__hadd(minus, minus)), 0x8000);
  EXPECT_EQ(TypeParam::Code(__hadd(zero, minus)), 0);
  EXPECT_EQ(TypeParam::Code(__hsub(minus, zero)), 0x8000);
  EXPECT_EQ(TypeParam::Code(__hmul(minus, zero)), 0x8000);
  EXPECT_EQ(TypeParam::Code(__hfma(minus, zero, minus)), 0x8000);
  EXPECT_EQ(TypeParam::Code(__hneg(zero)), 0x8000);
  EXPECT_EQ(TypeParam::Code(__habs(minus)), 0);
  EXPECT_EQ(TypeParam::Code(__hmax(minus, zero)), 0);
  EXPECT_EQ(TypeParam::Code(__hmax(zero, minus)), 0);
  EXPECT_EQ(TypeParam::Code(__hmin(zero, minus)), 0x8000);
  EXPECT_EQ(TypeParam::Code(__hmax_nan(minus, zero)), 0);
  EXPECT_EQ(TypeParam::Code(__hmin_nan(zero, minus)), 0x8000);
  EXPECT_TRUE(zero == minus);
}

TYPED_TEST(ArithmeticTest, NanIsPassedOverOrWins) {
  using T = typename TypeParam::T;
  const T one(1.0f), nan = TypeParam::FromCode(0xffff), infinity(INFINITY);
  EXPECT_EQ(TypeParam::Code(__hmax(one, nan)), TypeParam::Code(one));
  EXPECT_EQ(TypeParam::Code(__hmin(nan, one)), TypeParam::Code(one));
  EXPECT_EQ(TypeParam::Code(__hmax(nan, nan)), 0x7fff);
  EXPECT_EQ(TypeParam::Code(__hmax_nan(one, nan)), 0x7fff);
  EXPECT_EQ(TypeParam::Code(__hmin_nan(nan, one)), 0x7fff);
  EXPECT_EQ(TypeParam::Code(__hadd(one, nan)), 0x7fff);
  EXPECT_EQ(TypeParam::Code(__hsub(infinity, infinity)), 0x7fff);
  EXPECT_EQ(TypeParam::Code(__hneg(nan)), 0x7fff);
  EXPECT_EQ(TypeParam::Code(__hadd_sat(one, nan)), 0);
  EXPECT_EQ(TypeParam::Code(__hfma_relu(one, nan, one)), 0x7fff);
  EXPECT_EQ(TypeParam::Code(__hfma_relu(one, T(-3.0f), one)), 0);
  EXPECT_EQ(static_cast<float>(__hadd_sat(one, one)), 1.0f);
  EXPECT_EQ(static_cast<float>(__hfma_sat(T(0.5f), T(0.5f), T(0.25f))), 0.5f);
  // Ordered comparisons are false with a NaN, unordered ones true.
  EXPECT_FALSE(__heq(nan, nan) || __hne(nan, one) || __hlt(nan, one) || __hge(nan, one) || nan == nan || nan < one);
  EXPECT_TRUE(__hequ(nan, one) && __hneu(nan, one) && __hltu(nan, one) && __hgeu(nan, one) && nan != nan);
  EXPECT_EQ(__hisinf(T(-INFINITY)), -1);
  EXPECT_EQ(__hisinf(infinity), 1);
  EXPECT_EQ(__hisinf(nan), 0);
}

TYPED_TEST(ArithmeticTest, PairsWorkOnBothHalves) {
  using T = typename TypeParam::T;
  using T2 = typename TypeParam::T2;
  const T2 a(T(1.0f), T(2.0f)), b(T(1.0f), T(-5.0f));
  EXPECT_EQ(__low2float(a + b), 2);
  EXPECT_EQ(__high2float(a + b), -3);
  EXPECT_EQ(__high2float(__hfma2(a, b, a)), -8);
  EXPECT_EQ(__high2float(-b), 5);
  EXPECT_EQ(__heq2_mask(a, b), 0xffffu);
  EXPECT_EQ(__hgt2_mask(a, b), 0xffff0000u);
  EXPECT_EQ(__low2float(__heq2(a, b)), 1);
  EXPECT_EQ(__high2float(__heq2(a, b)), 0);
  // As in CUDA a comparison has to hold in both halves, so two pairs can be neither equal nor unequal.
  EXPECT_FALSE(a == b);
  EXPECT_FALSE(a != b);
  EXPECT_TRUE(a >= b);
  // (1 + 2i) (1 - 5i) + (1 + 2i)
  EXPECT_EQ(__low2float(__hcmadd(a, b, a)), 12);
  EXPECT_EQ(__high2float(__hcmadd(a, b, a)), -1);
  T2 c = a;
  EXPECT_EQ(__low2float(c++), 1);
  EXPECT_EQ(__low2float(c), 2);
}

TYPED_TEST(ArithmeticTest, FunctionsAreTheNearestCode) {
  using T = typename TypeParam::T;
  const Oracle oracle = TypeParam::TheOracle();
  for (int code = 1; code < oracle.codes(); code += 7) {
    const T a = TypeParam::FromCode(code);
    const auto x = static_cast<long double>(static_cast<float>(a));
    const auto check = [&](T result, long double exact, const char* what) {
      const auto wanted = static_cast<double>(exact);
      ASSERT_EQ(TypeParam::Code(result), (std::signbit(wanted) ? 0x8000 : 0) | oracle.Round(wanted, Mode::kNearest))
          << what << "(" << x << ")";
    };
    check(hsqrt(a), std::sqrt(x), "sqrt");
    check(hrsqrt(a), 1 / std::sqrt(x), "rsqrt");
    check(hrcp(a), 1 / x, "rcp");
    check(hexp(a), std::exp(x), "exp");
    check(hexp2(a), std::exp2(x), "exp2");
    check(hexp10(a), std::pow(10.0L, x), "exp10");
    check(hlog(a), std::log(x), "log");
    check(hlog2(a), std::log2(x), "log2");
    check(hlog10(a), std::log10(x), "log10");
    check(htanh(a), std::tanh(x), "tanh");
    check(hrint(a), std::rint(x), "rint");
    check(hfloor(__hneg(a)), std::floor(-x), "floor");
    check(hceil(a), std::ceil(x), "ceil");
    check(htrunc(__hneg(a)), std::trunc(-x), "trunc");
    if (x < 1000) {
      check(hsin(a), std::sin(x), "sin");
      check(hcos(a), std::cos(x), "cos");
    }
  }
  EXPECT_EQ(TypeParam::Code(hsqrt(T(-1.0f))), 0x7fff);
  EXPECT_TRUE(__hisinf(hlog(T(0.0f))) == -1);
  EXPECT_EQ(static_cast<float>(h2exp2(typename TypeParam::T2(T(1.0f), T(3.0f))).y), 8.0f);
}

}  // namespace
