// Arithmetic and conversions with a rounding mode, and the fast and special functions. cmath comes first, and names of
// std are visible, as in much of the code that these headers meet.
#include <cmath>
#include <cstdlib>

#include "cuda_host/math.h"

using namespace std;  // NOLINT(google-build-using-namespace)

#include <gtest/gtest.h>

#include <bit>
#include <cfenv>
#include <cstdint>
#include <limits>
#include <random>

namespace {

// A float of any kind.
float AnyFloat(mt19937* random) {
  const auto bits = static_cast<uint32_t>((*random)());
  const float f = bit_cast<float>(bits);
  // Half of them near 1, where sums meet.
  return bits % 2 == 0 ? f : static_cast<float>(static_cast<int32_t>(bits)) * 0x1p-30f;
}

// Whether `down`, `nearest` and `up` are what they say of an exact value, of which the sign of its difference to a
// float is given by `compare`.
template <typename Compare>
void CheckModes(float nearest, float zero, float up, float down, Compare compare) {
  ASSERT_LE(compare(down), 0) << "down is above the value";
  ASSERT_GE(compare(up), 0) << "up is below the value";
  if (down != up) {
    ASSERT_EQ(nextafterf(down, INFINITY), up);
  } else {
    ASSERT_EQ(compare(up), 0);
  }
  ASSERT_TRUE(nearest == up || nearest == down);
  ASSERT_EQ(zero, (compare(0.0f) < 0) ? down : up);
}

TEST(RoundingTest, ProductsOfFloats) {
  mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    const float x = AnyFloat(&random), y = AnyFloat(&random);
    if (!isfinite(x) || !isfinite(y)) continue;
    const double exact = static_cast<double>(x) * static_cast<double>(y);
    const auto compare = [exact](float f) {
      return static_cast<double>(f) < exact ? -1 : static_cast<double>(f) > exact ? 1 : 0;
    };
    CheckModes(__fmul_rn(x, y), __fmul_rz(x, y), __fmul_ru(x, y), __fmul_rd(x, y), compare);
    // A sum of a product and a float: exact in long double if they are close enough; skip it where it is not.
    const float z = AnyFloat(&random);
    if (!isfinite(z) || fabs(exact) > 1e6 || fabs(exact) < 1e-3 || fabs(z) > 1e6 || fabs(z) < 1e-3) continue;
    const long double sum = static_cast<long double>(exact) + static_cast<long double>(z);
    if (sum - static_cast<long double>(exact) != static_cast<long double>(z)) continue;
    const auto compare_sum = [sum](float f) {
      return static_cast<long double>(f) < sum ? -1 : static_cast<long double>(f) > sum ? 1 : 0;
    };
    CheckModes(__fmaf_rn(x, y, z), __fmaf_rz(x, y, z), __fmaf_ru(x, y, z), __fmaf_rd(x, y, z), compare_sum);
  }
}

TEST(RoundingTest, RootsAndQuotients) {
  mt19937 random(2);
  for (int i = 0; i < 20000; ++i) {
    const float x = fabs(AnyFloat(&random)), y = fabs(AnyFloat(&random));
    if (!isfinite(x) || !isfinite(y) || x == 0 || y == 0) continue;
    const auto compare_root = [x](float f) {
      const double square = static_cast<double>(f) * static_cast<double>(f);
      return square < static_cast<double>(x) ? -1 : square > static_cast<double>(x) ? 1 : 0;
    };
    CheckModes(__fsqrt_rn(x), __fsqrt_rz(x), __fsqrt_ru(x), __fsqrt_rd(x), compare_root);
    // f against x / y is f y against x.
    const auto compare_quotient = [x, y](float f) {
      const double product = static_cast<double>(f) * static_cast<double>(y);
      return product < static_cast<double>(x) ? -1 : product > static_cast<double>(x) ? 1 : 0;
    };
    CheckModes(__fdiv_rn(x, y), __fdiv_rz(x, y), __fdiv_ru(x, y), __fdiv_rd(x, y), compare_quotient);
    const auto compare_reciprocal = [y](float f) {
      const double product = static_cast<double>(f) * static_cast<double>(y);
      return product < 1 ? -1 : product > 1 ? 1 : 0;
    };
    CheckModes(__frcp_rn(y), __frcp_rz(y), __frcp_ru(y), __frcp_rd(y), compare_reciprocal);
  }
}

TEST(RoundingTest, KnownValues) {
  EXPECT_EQ(__fadd_rn(1.0f, 0x1p-24f), 1.0f);
  EXPECT_EQ(__fadd_ru(1.0f, 0x1p-100f), 1.0f + 0x1p-23f);
  EXPECT_EQ(__fadd_rd(1.0f, -0x1p-100f), 1.0f - 0x1p-24f);
  EXPECT_EQ(__fadd_rz(-1.0f, 0x1p-100f), -1.0f + 0x1p-24f);
  EXPECT_EQ(__fsub_ru(1.0f, 0x1p-100f), 1.0f);
  EXPECT_TRUE(signbit(__fadd_rd(1.0f, -1.0f))) << "downward an exact zero is negative";
  EXPECT_FALSE(signbit(__fadd_ru(1.0f, -1.0f)));
  EXPECT_EQ(__fmul_rz(3e38f, 10.0f), numeric_limits<float>::max());
  EXPECT_EQ(__fmul_ru(3e38f, 10.0f), INFINITY);
  EXPECT_EQ(__fmul_ru(0x1p-149f, 0x1p-149f), 0x1p-149f);
  EXPECT_EQ(__dadd_ru(1.0, 1e-300), nextafter(1.0, 2.0));
  EXPECT_EQ(__dsub_rz(1.0, 1e-300), nextafter(1.0, 0.0));
  EXPECT_EQ(__dmul_rd(1e308, 100.0), numeric_limits<double>::max());
  EXPECT_EQ(__ddiv_ru(1.0, 3.0), nextafter(1.0 / 3.0, 1.0));
  EXPECT_EQ(__ddiv_rd(1.0, 3.0), 1.0 / 3.0);
  EXPECT_EQ(__dsqrt_rd(2.0), nextafter(sqrt(2.0), 0.0));
  EXPECT_EQ(__drcp_rz(3.0), 1.0 / 3.0);
  EXPECT_EQ(__fma_rn(1.0 + 0x1p-52, 1.0 - 0x1p-52, -1.0), -0x1p-104);
  EXPECT_EQ(__fma_ru(1.0, 1.0, 0x1p-200), 1.0 + 0x1p-52);
  EXPECT_EQ(__frsqrt_rn(4.0f), 0.5f);
}

// What stands around a directed operation keeps rounding to nearest, whatever the compiler moves.
TEST(RoundingTest, TheModeStaysWithTheOperation) {
  volatile float one = 1.0f, tiny = 0x1p-24f + 0x1p-40f;
  const float a = one, b = tiny;
  const float before = a + b;
  const float down = __fadd_rd(a, b);
  const float after = a + b;
  const float up = __fadd_ru(a, b);
  EXPECT_EQ(before, 1.0f + 0x1p-23f);
  EXPECT_EQ(down, 1.0f);
  EXPECT_EQ(after, 1.0f + 0x1p-23f);
  EXPECT_EQ(up, 1.0f + 0x1p-23f);
  EXPECT_EQ(fegetround(), FE_TONEAREST);
  // Of constants, too.
  EXPECT_EQ(__int2float_rz(16777217 + 2), 16777218.0f);
  EXPECT_EQ(__int2float_ru(16777217 + 2), 16777220.0f);
  EXPECT_EQ(__int2float_rd(16777217 + 2), 16777218.0f);
  EXPECT_EQ(__int2float_rn(16777217 + 2), 16777220.0f);
}

TEST(ConversionTest, FloatsToIntegersSaturate) {
  EXPECT_EQ(__float2int_rn(2.5f), 2);
  EXPECT_EQ(__float2int_rn(-3.5f), -4);
  EXPECT_EQ(__float2int_rz(-2.9f), -2);
  EXPECT_EQ(__float2int_ru(2.1f), 3);
  EXPECT_EQ(__float2int_rd(-2.1f), -3);
  EXPECT_EQ(__float2int_rz(1e20f), numeric_limits<int>::max());
  EXPECT_EQ(__float2int_rz(-1e20f), numeric_limits<int>::min());
  EXPECT_EQ(__float2int_rz(2147483648.0f), numeric_limits<int>::max());
  EXPECT_EQ(__float2uint_rn(-1.0f), 0u);
  EXPECT_EQ(__float2uint_rz(4294967296.0f), ~0u);
  EXPECT_EQ(__float2ll_rz(-INFINITY), numeric_limits<long long>::min());
  EXPECT_EQ(__float2ull_rz(0x1p64f), ~0ull);
  EXPECT_EQ(__double2int_rn(2147483647.5), numeric_limits<int>::max());
  EXPECT_EQ(__double2int_rd(-2147483648.5), numeric_limits<int>::min());
  EXPECT_EQ(__double2uint_ru(0.25), 1u);
  EXPECT_EQ(__double2ll_rn(9007199254740993.0), 9007199254740992);
  EXPECT_EQ(__double2ull_rz(1e19), 10000000000000000000ull);
}

// NaN is 0, or from double or to 64 bits the highest bit.
TEST(ConversionTest, NanIsWhatAGpuGives) {
  const float nan = numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(__float2int_rn(nan), 0);
  EXPECT_EQ(__float2uint_rz(nan), 0u);
  EXPECT_EQ(__float2ll_rd(nan), numeric_limits<long long>::min());
  EXPECT_EQ(__float2ull_rz(nan), 1ull << 63);
  EXPECT_EQ(__double2int_rz(static_cast<double>(nan)), numeric_limits<int>::min());
  EXPECT_EQ(__double2uint_rz(static_cast<double>(nan)), 0x80000000u);
}

TEST(ConversionTest, ToFloatAndBits) {
  EXPECT_EQ(__double2float_rd(0.1), nextafterf(0.1f, 0.0f));
  EXPECT_EQ(__double2float_ru(0.1), 0.1f);
  EXPECT_EQ(__uint2float_rz(~0u), 4294967040.0f);
  EXPECT_EQ(__ll2float_ru(-16777217), -16777216.0f);
  EXPECT_EQ(__ull2double_rd(~0ull), 18446744073709549568.0);
  EXPECT_EQ(__ull2double_rn(~0ull), 18446744073709551616.0);
  EXPECT_EQ(__float_as_int(1.0f), 0x3f800000);
  EXPECT_EQ(__int_as_float(0x40490fdb), 3.14159274f);
  EXPECT_EQ(__float_as_uint(-0.0f), 0x80000000u);
  EXPECT_EQ(__double_as_longlong(1.0), 0x3ff0000000000000);
  EXPECT_EQ(__double2hiint(-2.0), static_cast<int>(0xc0000000));
  EXPECT_EQ(__double2loint(1.0 + 0x1p-52), 1);
  EXPECT_EQ(__hiloint2double(0x3ff00000, -1), bit_cast<double>(0x3ff00000ffffffffu));
}

TEST(MathTest, MinAndMax) {
  const float nan = numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(min(1.0f, nan), 1.0f);
  EXPECT_EQ(max(nan, 1.0), 1.0);
  EXPECT_EQ(max(1.0f, 2.0), 2.0);
  // Not constants, which the compiler would fold its own way.
  volatile float zero = 0.0f, minus = -0.0f;
  volatile double wide_zero = 0.0, wide_minus = -0.0;
  EXPECT_FALSE(signbit(max(minus, zero)));
  EXPECT_FALSE(signbit(max(zero, minus)));
  EXPECT_FALSE(signbit(max(wide_zero, wide_minus)));
  EXPECT_FALSE(signbit(max(wide_minus, wide_zero)));
  EXPECT_TRUE(signbit(min(zero, minus)));
  EXPECT_TRUE(signbit(min(minus, zero)));
  EXPECT_TRUE(signbit(min(wide_minus, wide_zero)));
  EXPECT_TRUE(signbit(max(minus, minus)));
  EXPECT_FALSE(signbit(min(zero, zero)));
  EXPECT_EQ(min(3, 4), 3);
  EXPECT_EQ(std::max(3, 4), 4);
  static_assert(is_same_v<decltype(max(1.0f, 2.0f)), float>);
}

TEST(MathTest, GlobalNamesTakeFloats) {
  static_assert(is_same_v<decltype(::abs(1.0f)), float> && is_same_v<decltype(::sqrt(1.0f)), float>);
  static_assert(is_same_v<decltype(::rsqrt(1.0f)), float> && is_same_v<decltype(::exp10(1.0f)), float>);
  EXPECT_EQ(::abs(-3LL), 3);
  EXPECT_TRUE(::isnan(NAN) && ::isinf(INFINITY) && ::signbit(-1.0f) && ::isfinite(1.0));
  EXPECT_EQ(rsqrtf(0.25f), 2.0f);
  EXPECT_EQ(fma(2.0f, 3.0f, 1.0f), 7.0f);
}

TEST(MathTest, FastVersions) {
  EXPECT_EQ(__saturatef(2.0f), 1);
  EXPECT_EQ(__saturatef(-2.0f), 0);
  EXPECT_EQ(__saturatef(0.25f), 0.25f);
  EXPECT_EQ(__saturatef(NAN), 0);
  EXPECT_FLOAT_EQ(__expf(1.0f), 2.71828183f);
  EXPECT_FLOAT_EQ(__exp10f(2.0f), 100.0f);
  EXPECT_FLOAT_EQ(__powf(2.0f, 0.5f), 1.41421356f);
  EXPECT_FLOAT_EQ(__logf(10.0f), 2.30258509f);
  EXPECT_FLOAT_EQ(__log2f(8.0f), 3.0f);
  float sine = 0, cosine = 0;
  __sincosf(1.0f, &sine, &cosine);
  EXPECT_FLOAT_EQ(sine, __sinf(1.0f));
  EXPECT_FLOAT_EQ(cosine, 0.540302306f);
  EXPECT_EQ(__fdividef(6.0f, 3.0f), 2.0f);
  // As documented for |y| above 2^126.
  EXPECT_EQ(__fdividef(0x1p127f, 0x1.8p126f), 0.0f);
  EXPECT_TRUE(isnan(__fdividef(INFINITY, 0x1.8p126f)));
  EXPECT_EQ(__fdividef(0x1p127f, 0x1p126f), 2.0f);
  EXPECT_EQ(fdividef(0x1p127f, 0x1.8p126f), 0x1p127f / 0x1.8p126f);
}

TEST(SpecialTest, KnownValues) {
  EXPECT_EQ(sinpi(1e15), 0);
  EXPECT_EQ(cospi(1e15 + 1), -1);
  EXPECT_EQ(cospi(0.5), 0);
  EXPECT_EQ(sinpi(-1.5f), 1);
  EXPECT_DOUBLE_EQ(sinpi(0.25), sqrt(0.5));
  EXPECT_DOUBLE_EQ(sinpi(1.0 / 6), 0.5);
  EXPECT_TRUE(isnan(sinpi(INFINITY)));
  float sine = 0, cosine = 0;
  sincospi(0.5f, &sine, &cosine);
  EXPECT_EQ(sine, 1);
  EXPECT_EQ(cosine, 0);
  EXPECT_DOUBLE_EQ(rcbrt(27.0), 1.0 / 3);
  EXPECT_DOUBLE_EQ(erfinv(0.5), 0.47693627620446987338);
  EXPECT_DOUBLE_EQ(erfinv(-0.5), -0.47693627620446987338);
  EXPECT_EQ(erfinv(1.0), INFINITY);
  EXPECT_TRUE(isnan(erfinv(1.5)));
  EXPECT_DOUBLE_EQ(normcdfinv(0.975), 1.95996398454005423552);
  EXPECT_EQ(normcdfinv(0.5), 0);
  EXPECT_DOUBLE_EQ(normcdf(1.95996398454005423552), 0.975);
  EXPECT_DOUBLE_EQ(normcdf(-10.0), 7.6198530241605260660e-24);
  EXPECT_DOUBLE_EQ(erfcx(0.0), 1.0);
  EXPECT_DOUBLE_EQ(erfcx(1.0), 0.42758357615580700442);
  EXPECT_DOUBLE_EQ(erfcx(100.0), 0.0056416137829894329025);
  EXPECT_DOUBLE_EQ(cyl_bessel_i0(1.0), 1.2660658777520083356);
  EXPECT_DOUBLE_EQ(cyl_bessel_i1(-1.0), -0.56515910399248502721);
  EXPECT_NEAR(cyl_bessel_i0(40.0) / 1.4894774793419900e16, 1, 1e-13);
  EXPECT_EQ(cyl_bessel_i0(1e300), INFINITY);
}

// Each inverse undoes its function, over the whole range.
TEST(SpecialTest, InversesUndo) {
  for (double x = -5.5; x < 5.5; x += 0.0625) {
    if (fabs(x) < 2) {
      EXPECT_NEAR(erfinv(erf(x)), x, 1e-13);
    }
    EXPECT_NEAR(erfcinv(erfc(x)), x, x < -2 ? 1e-2 : 1e-13 * max(fabs(x), 1.0));
    EXPECT_NEAR(erfcx(x) * exp(-x * x) / erfc(x), 1, 1e-13);
  }
  // Close to 1 erfcinv(y) is sqrt(pi) / 2 (1 - y).
  EXPECT_NEAR(erfcinv(1 - 0x1p-30) / 0x1p-30, 0.88622692545275801365, 1e-14);
  for (const double tail : {1e-300, 1e-100, 1e-20, 1e-5, 0.1, 0.5}) EXPECT_NEAR(erfc(erfcinv(tail)) / tail, 1, 1e-11);
}

TEST(SpecialTest, NormsNeitherOverflowNorUnderflow) {
  EXPECT_EQ(norm3d(2.0, 3.0, 6.0), 7.0);
  EXPECT_EQ(norm4df(1.0f, 1.0f, 1.0f, 1.0f), 2.0f);
  EXPECT_DOUBLE_EQ(norm3d(2e300, 3e300, 6e300), 7e300);
  EXPECT_DOUBLE_EQ(norm3d(2e-300, 3e-300, 6e-300), 7e-300);
  EXPECT_EQ(rnorm3df(2.0f, 3.0f, 6.0f), 1.0f / 7);
  EXPECT_EQ(rhypot(3.0, 4.0), 0.2);
  EXPECT_EQ(norm3d(NAN, INFINITY, 0.0), INFINITY);
  EXPECT_TRUE(isnan(norm3d(NAN, 1.0, 0.0)));
  const double values[] = {1, 2, 2, 4};
  EXPECT_EQ(norm(4, values), 5.0);
}

TEST(PromisesTest, AreNotEvaluated) {
  int calls = 0;
  const auto promise = [&calls](int) {
    ++calls;
    return true;
  };
  __builtin_assume(promise(1));
  if (calls == 0) __assume(promise(2));
  EXPECT_EQ(calls, 0);
}

TEST(CacheTest, ArePlainAccesses) {
  float x = 1;
  __stcg(&x, 2.0f);
  EXPECT_EQ(__ldg(&x), 2.0f);
  float4 v = {1, 2, 3, 4};
  __stwt(&v, float4{5, 6, 7, 8});
  EXPECT_EQ(__ldcs(&v).w, 8);
  const char c = 'a';
  EXPECT_EQ(__ldca(&c), 'a');
}

}  // namespace
