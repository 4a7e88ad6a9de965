// The 8-bit formats against the oracle.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "cuda_fp8.h"
#include "harness/host/formats/oracle.h"

namespace {

using workbench::host::BoundaryFloats;
using workbench::host::Mode;
using workbench::host::Oracle;

struct Kind {
  __nv_fp8_interpretation_t interpretation;
  Oracle oracle;
  int infinity;  // the code of what is too large without saturation
};

class Fp8Test : public testing::TestWithParam<__nv_fp8_interpretation_t> {
 protected:
  Kind kind_ = GetParam() == __NV_E4M3 ? Kind{__NV_E4M3, Oracle::E4m3(), 0x7f} : Kind{__NV_E5M2, Oracle::E5m2(), 0x7c};

  int Expected(double x, __nv_saturation_t saturate) const {
    int code = kind_.oracle.Round(x, Mode::kNearest);
    if (code == kind_.oracle.codes()) code = saturate == __NV_SATFINITE ? code - 1 : kind_.infinity;
    return (std::signbit(x) ? 0x80 : 0) | code;
  }
};

TEST_P(Fp8Test, EveryCodeIsItsValueAndComesBack) {
  for (int code = 0; code < 256; ++code) {
    const __half_raw raw = __nv_cvt_fp8_to_halfraw(static_cast<__nv_fp8_storage_t>(code), kind_.interpretation);
    const float wide = __half2float(__half(raw));
    const int magnitude = code & 0x7f;
    if (magnitude < kind_.oracle.codes()) {
      ASSERT_EQ(static_cast<double>(wide), (code & 0x80 ? -1 : 1) * kind_.oracle.value(magnitude)) << code;
      ASSERT_EQ(std::signbit(wide), code >= 0x80) << code;
      for (const auto saturate : {__NV_NOSAT, __NV_SATFINITE}) {
        ASSERT_EQ(__nv_cvt_float_to_fp8(wide, saturate, kind_.interpretation), code);
        ASSERT_EQ(__nv_cvt_halfraw_to_fp8(raw, saturate, kind_.interpretation), code);
      }
    } else if (kind_.interpretation == __NV_E5M2 && magnitude == 0x7c) {
      ASSERT_TRUE(std::isinf(wide)) << code;
      ASSERT_EQ(__nv_cvt_float_to_fp8(wide, __NV_NOSAT, __NV_E5M2), code);
      ASSERT_EQ(__nv_cvt_float_to_fp8(wide, __NV_SATFINITE, __NV_E5M2), code - 1);
    } else {
      ASSERT_EQ(raw.x, 0x7fff) << code;
    }
  }
}

TEST_P(Fp8Test, FloatsAndDoublesAtEveryBoundary) {
  for (const float f : BoundaryFloats(kind_.oracle)) {
    const auto d = static_cast<double>(f);
    for (const auto saturate : {__NV_NOSAT, __NV_SATFINITE}) {
      ASSERT_EQ(__nv_cvt_float_to_fp8(f, saturate, kind_.interpretation), Expected(d, saturate)) << std::hexfloat << f;
      for (const double x : {std::nextafter(d, -INFINITY), d, std::nextafter(d, INFINITY)}) {
        ASSERT_EQ(__nv_cvt_double_to_fp8(x, saturate, kind_.interpretation), Expected(x, saturate))
            << std::hexfloat << x;
      }
    }
  }
}

TEST_P(Fp8Test, EveryHalfAndBfloat16) {
  for (int code = 0; code < 0x10000; ++code) {
    const auto half = __ushort_as_half(static_cast<unsigned short>(code));
    const auto bf16 = __ushort_as_bfloat16(static_cast<unsigned short>(code));
    for (const auto saturate : {__NV_NOSAT, __NV_SATFINITE}) {
      const auto from_half = __nv_cvt_halfraw_to_fp8(half, saturate, kind_.interpretation);
      const auto from_bf16 = __nv_cvt_bfloat16raw_to_fp8(bf16, saturate, kind_.interpretation);
      if (std::isfinite(__half2float(half))) {
        ASSERT_EQ(from_half, Expected(static_cast<double>(__half2float(half)), saturate)) << code;
      }
      if (std::isfinite(__bfloat162float(bf16))) {
        ASSERT_EQ(from_bf16, Expected(static_cast<double>(__bfloat162float(bf16)), saturate)) << code;
      }
      if (__hisnan(half)) {
        ASSERT_EQ(from_half, 0x7f) << code;
      }
      if (__hisnan(bf16)) {
        ASSERT_EQ(from_bf16, 0x7f) << code;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Fp8Test, testing::Values(__NV_E4M3, __NV_E5M2),
                         [](const auto& info) { return info.param == __NV_E4M3 ? "E4m3" : "E5m2"; });

TEST(Fp8TypesTest, SaturateAndConvertBack) {
  EXPECT_EQ(static_cast<float>(__nv_fp8_e4m3(1000.0f)), 448.0f);
  EXPECT_EQ(static_cast<float>(__nv_fp8_e4m3(-1000.0)), -448.0f);
  EXPECT_EQ(static_cast<float>(__nv_fp8_e5m2(1e6f)), 57344.0f);
  EXPECT_EQ(static_cast<float>(__nv_fp8_e4m3(INFINITY)), 448.0f);
  EXPECT_TRUE(std::isnan(static_cast<float>(__nv_fp8_e4m3(NAN))));
  EXPECT_EQ(static_cast<int>(__nv_fp8_e5m2(-7)), -7);
  EXPECT_EQ(static_cast<unsigned char>(__nv_fp8_e5m2(-7)), 0);
  EXPECT_EQ(static_cast<signed char>(__nv_fp8_e5m2(1024)), 127);
  EXPECT_EQ(__half2float(static_cast<__half>(__nv_fp8_e4m3(__half(2.5f)))), 2.5f);
  EXPECT_FALSE(static_cast<bool>(__nv_fp8_e4m3(-0.0f)));
}

TEST(Fp8TypesTest, PairsAndFoursStartAtTheLowestBits) {
  const __nv_fp8x4_e4m3 four(make_float4(1, 2, -3, 1000));
  EXPECT_EQ(four.__x, 0x7ec44038u);
  const auto wide = static_cast<float4>(four);
  EXPECT_EQ(wide.x, 1);
  EXPECT_EQ(wide.y, 2);
  EXPECT_EQ(wide.z, -3);
  EXPECT_EQ(wide.w, 448);
  const __nv_fp8x2_e5m2 two(__floats2half2_rn(1.0f, -2.0f));
  EXPECT_EQ(two.__x, 0xc03cu);
  EXPECT_EQ(static_cast<float2>(two).y, -2);
  EXPECT_EQ(__low2float(static_cast<__half2>(two)), 1);
  static_assert(sizeof(__nv_fp8_e4m3) == 1 && sizeof(__nv_fp8x2_e4m3) == 2 && sizeof(__nv_fp8x4_e4m3) == 4);
  static_assert(alignof(__nv_fp8x4_e5m2) == 4);
}

TEST(E8m0Test, IsAPowerOfTwo) {
  for (int code = 0; code < 255; ++code) {
    __nv_fp8_e8m0 x;
    x.__x = static_cast<__nv_fp8_storage_t>(code);
    ASSERT_EQ(static_cast<double>(x), std::ldexp(1.0, code - 127)) << code;
    ASSERT_EQ(__nv_fp8_e8m0(static_cast<float>(x)).__x, code);
    // Upward, away from zero; toward zero; a power of two in both.
    if (code == 0 || code == 254) continue;
    const float above = std::nextafterf(static_cast<float>(x), INFINITY);
    ASSERT_EQ(__nv_cvt_float_to_e8m0(above, __NV_SATFINITE, cudaRoundPosInf), code + 1);
    ASSERT_EQ(__nv_cvt_float_to_e8m0(-above, __NV_SATFINITE, cudaRoundPosInf), code + 1);
    ASSERT_EQ(__nv_cvt_float_to_e8m0(above, __NV_SATFINITE, cudaRoundZero), code);
  }
  EXPECT_EQ(__nv_cvt_float_to_e8m0(NAN, __NV_SATFINITE, cudaRoundZero), 0xff);
  EXPECT_EQ(__nv_cvt_float_to_e8m0(INFINITY, __NV_SATFINITE, cudaRoundZero), 0xfe);
  EXPECT_EQ(__nv_cvt_float_to_e8m0(INFINITY, __NV_NOSAT, cudaRoundZero), 0xff);
  EXPECT_EQ(__nv_cvt_float_to_e8m0(0.0f, __NV_SATFINITE, cudaRoundPosInf), 0);
}

}  // namespace
