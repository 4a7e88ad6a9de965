// The vector types' layout, and what code compiles with the 16-bit types. Most of it is checked by compiling.
#include <gtest/gtest.h>

#include <cstddef>
#include <type_traits>

#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "vector_functions.h"
#include "vector_types.h"

namespace {

// {size, alignment} of name1 to name4.
template <typename T, size_t kSize, size_t kAlignment>
constexpr bool kIs = sizeof(T) == kSize && alignof(T) == kAlignment;
static_assert(kIs<char1, 1, 1> && kIs<char2, 2, 2> && kIs<char3, 3, 1> && kIs<char4, 4, 4>);
static_assert(kIs<uchar1, 1, 1> && kIs<uchar2, 2, 2> && kIs<uchar3, 3, 1> && kIs<uchar4, 4, 4>);
static_assert(kIs<short1, 2, 2> && kIs<short2, 4, 4> && kIs<short3, 6, 2> && kIs<short4, 8, 8>);
static_assert(kIs<ushort1, 2, 2> && kIs<ushort2, 4, 4> && kIs<ushort3, 6, 2> && kIs<ushort4, 8, 8>);
static_assert(kIs<int1, 4, 4> && kIs<int2, 8, 8> && kIs<int3, 12, 4> && kIs<int4, 16, 16>);
static_assert(kIs<uint1, 4, 4> && kIs<uint2, 8, 8> && kIs<uint3, 12, 4> && kIs<uint4, 16, 16>);
static_assert(kIs<float1, 4, 4> && kIs<float2, 8, 8> && kIs<float3, 12, 4> && kIs<float4, 16, 16>);
static_assert(kIs<long1, 8, 8> && kIs<long2, 16, 16> && kIs<long3, 24, 8> && kIs<long4, 32, 16>);
static_assert(kIs<ulong1, 8, 8> && kIs<ulong2, 16, 16> && kIs<ulong3, 24, 8> && kIs<ulong4, 32, 16>);
static_assert(kIs<longlong1, 8, 8> && kIs<longlong2, 16, 16> && kIs<longlong3, 24, 8> && kIs<longlong4, 32, 16>);
static_assert(kIs<ulonglong2, 16, 16> && kIs<ulonglong3, 24, 8> && kIs<ulonglong4, 32, 16>);
static_assert(kIs<double1, 8, 8> && kIs<double2, 16, 16> && kIs<double3, 24, 8> && kIs<double4, 32, 16>);
static_assert(kIs<double4_16a, 32, 16> && kIs<double4_32a, 32, 32> && kIs<long4_32a, 32, 32>);
static_assert(kIs<longlong4_16a, 32, 16> && kIs<ulonglong4_32a, 32, 32> && kIs<ulong4_16a, 32, 16>);
static_assert(std::is_aggregate_v<float4> && std::is_trivially_copyable_v<float4>);

static_assert(dim3().x == 1 && dim3().y == 1 && dim3().z == 1);
static_assert(dim3(7).x == 7 && dim3(7, 8).y == 8 && dim3(7, 8).z == 1);
static_assert(dim3(uint3{1, 2, 3}).z == 3);
static_assert(static_cast<uint3>(dim3(4, 5, 6)).y == 5);
static_assert(make_int3(1, 2, 3).y == 2 && make_double4_32a(1, 2, 3, 4).w == 4 && make_uchar2(1, 255).y == 255);

TEST(Dim3Test, ConvertsWhereCodeExpectsIt) {
  const auto volume = [](dim3 d) { return d.x * d.y * d.z; };
  EXPECT_EQ(volume(5), 5u);
  EXPECT_EQ(volume({2, 3}), 6u);
  EXPECT_EQ(volume(make_uint3(2, 3, 4)), 24u);
}

template <typename T>
class ScalarTest : public testing::Test {};
using Types = testing::Types<__half, __nv_bfloat16>;
TYPED_TEST_SUITE(ScalarTest, Types);

TYPED_TEST(ScalarTest, ConvertsAsInCuda) {
  using T = TypeParam;
  static_assert(sizeof(T) == 2 && alignof(T) == 2 && std::is_trivially_copyable_v<T>);
  static_assert(std::is_trivially_default_constructible_v<T>);
  T h = 1.0f;
  const float f = h;
  const double d = h;
  const int i = h;
  EXPECT_EQ(f, 1);
  EXPECT_EQ(d, 1);
  EXPECT_EQ(i, 1);
  h = 2.5;
  EXPECT_EQ(static_cast<float>(h), 2.5f);
  h = 7;
  EXPECT_EQ(static_cast<unsigned long>(h), 7ul);
  EXPECT_EQ(static_cast<float>(T(3)), 3);
  EXPECT_EQ(static_cast<float>(T(size_t{12})), 12);
  EXPECT_EQ(static_cast<float>(T(-3LL)), -3);
  EXPECT_TRUE(h ? true : false);
  EXPECT_FALSE(T(-0.0f) ? true : false);
  // Implicit from each of these, and none of them by way of another.
  static_assert(std::is_convertible_v<float, T> && std::is_convertible_v<double, T> && std::is_convertible_v<int, T>);
  static_assert(std::is_convertible_v<unsigned long long, T> && std::is_convertible_v<short, T>);
}

TYPED_TEST(ScalarTest, Operators) {
  using T = TypeParam;
  T a = 3.0f;
  const T b = 2.0f;
  EXPECT_EQ(static_cast<float>(a + b), 5);
  EXPECT_EQ(static_cast<float>(a - b), 1);
  EXPECT_EQ(static_cast<float>(a * b), 6);
  EXPECT_EQ(static_cast<float>(a / b), 1.5f);
  EXPECT_EQ(static_cast<float>(-a), -3);
  EXPECT_TRUE(a > b && a >= b && b < a && b <= a && a != b && a == a);
  a += b;
  a *= b;
  a -= T(1);
  a /= T(3);
  EXPECT_EQ(static_cast<float>(a), 3);
  EXPECT_EQ(static_cast<float>(a++), 3);
  EXPECT_EQ(static_cast<float>(--a), 3);
  static_assert(std::is_same_v<decltype(a + b), T>);
  static_assert(static_cast<float>(T(1.5f) * T(2.0f)) == 3.0f);
}

// With a float and a 16-bit number, built-in operators on every type that it converts to compete: ambiguous in CUDA,
// too.
template <typename T>
concept AddsToFloat = requires(T a, float b) {
  a + b;
};
static_assert(!AddsToFloat<__half> && !AddsToFloat<__nv_bfloat16>);

TYPED_TEST(ScalarTest, TheOtherTypeIsExplicit) {
  using T = TypeParam;
  using Other = std::conditional_t<std::is_same_v<T, __half>, __nv_bfloat16, __half>;
  static_assert(std::is_constructible_v<T, Other>);
  EXPECT_EQ(static_cast<float>(T(Other(1.25f))), 1.25f);
}

TEST(ConstantsTest, AreTheirCodes) {
  EXPECT_EQ(__half_as_ushort(CUDART_INF_FP16), 0x7c00);
  EXPECT_EQ(__half_as_ushort(CUDART_NAN_FP16), 0x7fff);
  EXPECT_EQ(__half2float(CUDART_MAX_NORMAL_FP16), 65504.0f);
  EXPECT_EQ(__half2float(CUDART_MIN_DENORM_FP16), 0x1p-24f);
  EXPECT_EQ(__half2float(CUDART_ONE_FP16), 1.0f);
  EXPECT_EQ(__bfloat16_as_ushort(CUDART_INF_BF16), 0x7f80);
  EXPECT_EQ(__bfloat162float(CUDART_MAX_NORMAL_BF16), 0x1.fep127f);
  EXPECT_EQ(__bfloat16_as_ushort(CUDART_NEG_ZERO_BF16), 0x8000);
}

TEST(PairTest, NamesOfBothTypes) {
  const half2 h = __floats2half2_rn(1, 2);
  EXPECT_EQ(__half2float(__low2half(__lowhigh2highlow(h))), 2);
  EXPECT_EQ(__high2float(__half2half2(__float2half(3))), 3);
  EXPECT_EQ(__half22float2(__lows2half2(h, __float2half2_rn(5))).y, 5);
  EXPECT_EQ(__half22float2(__highs2half2(h, h)).x, 2);
  EXPECT_EQ(__low2float(__float22half2_rn(make_float2(4, 5))), 4);
  EXPECT_EQ(__high2float(__halves2half2(__high2half(h), __low2half(h))), 1);
  const nv_bfloat162 b = __floats2bfloat162_rn(1, 2);
  EXPECT_EQ(__bfloat162float(__high2bfloat16(b)), 2);
  EXPECT_EQ(__bfloat1622float2(__bfloat162bfloat162(__float2bfloat16(3))).y, 3);
  EXPECT_EQ(__low2float(__float22bfloat162_rn(make_float2(4, 5))), 4);
  EXPECT_EQ(__low2float(make_bfloat162(__low2bfloat16(b), __high2bfloat16(b))), 1);
  static_assert(sizeof(half2) == 4 && alignof(half2) == 4 && sizeof(nv_bfloat162) == 4);
  EXPECT_EQ(__half2float(__ldg(&h).y), 2);
}

}  // namespace
