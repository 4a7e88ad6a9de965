// Integer and SIMD intrinsics: known values, and plain loops over the lanes.
#include "cuda_host/integer_intrinsics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <random>
#include <vector>

#include "cuda_host/simd_intrinsics.h"

namespace {

constexpr int kMin = std::numeric_limits<int>::min();
constexpr int kMax = std::numeric_limits<int>::max();

TEST(BitsTest, CountsAndReversals) {
  EXPECT_EQ(__popc(0xf0f00001u), 9);
  EXPECT_EQ(__popcll(~0ull), 64);
  EXPECT_EQ(__clz(0), 32);
  EXPECT_EQ(__clz(1), 31);
  EXPECT_EQ(__clz(-1), 0);
  EXPECT_EQ(__clzll(1), 63);
  EXPECT_EQ(__clzll(0), 64);
  EXPECT_EQ(__ffs(0), 0);
  EXPECT_EQ(__ffs(8), 4);
  EXPECT_EQ(__ffs(kMin), 32);
  EXPECT_EQ(__ffsll(1LL << 40), 41);
  EXPECT_EQ(__brev(1u), 0x80000000u);
  EXPECT_EQ(__brev(0x12345678u), 0x1e6a2c48u);
  EXPECT_EQ(__brevll(1ull), 1ull << 63);
  EXPECT_EQ(__brevll(0x0123456789abcdefull), 0xf7b3d591e6a2c480ull);
}

TEST(BitsTest, BytePerm) {
  EXPECT_EQ(__byte_perm(0x33221100u, 0x77665544u, 0x3210u), 0x33221100u);
  EXPECT_EQ(__byte_perm(0x33221100u, 0x77665544u, 0x7654u), 0x77665544u);
  EXPECT_EQ(__byte_perm(0x33221100u, 0x77665544u, 0x0123u), 0x00112233u);
  EXPECT_EQ(__byte_perm(0x33221100u, 0x77665544u, 0x5140u), 0x55114400u);
  // Only three bits of a selector count, and only four selectors.
  EXPECT_EQ(__byte_perm(0x332211f0u, 0x77665544u, 0xabcd8888u), 0xf0f0f0f0u);
}

TEST(BitsTest, FunnelShifts) {
  EXPECT_EQ(__funnelshift_l(0x80000001u, 0x0000000fu, 4), 0x000000f8u);
  EXPECT_EQ(__funnelshift_r(0x80000001u, 0x0000000fu, 4), 0xf8000000u);
  EXPECT_EQ(__funnelshift_l(1, 2, 0), 2u);
  EXPECT_EQ(__funnelshift_r(1, 2, 0), 1u);
  EXPECT_EQ(__funnelshift_l(1, 2, 32), 2u);
  EXPECT_EQ(__funnelshift_r(1, 2, 32), 1u);
  EXPECT_EQ(__funnelshift_lc(1, 2, 32), 1u);
  EXPECT_EQ(__funnelshift_rc(1, 2, 32), 2u);
  EXPECT_EQ(__funnelshift_lc(1, 2, 100), 1u);
  EXPECT_EQ(__funnelshift_l(1, 2, 33), 4u);
}

TEST(ProductsTest, HighWords) {
  EXPECT_EQ(__mulhi(kMin, kMin), 0x40000000);
  EXPECT_EQ(__mulhi(-1, 1), -1);
  EXPECT_EQ(__umulhi(~0u, ~0u), 0xfffffffeu);
  EXPECT_EQ(__mul64hi(-1, 1), -1);
  EXPECT_EQ(__umul64hi(~0ull, ~0ull), 0xfffffffffffffffeull);
  EXPECT_EQ(__mul24(0x00800000, 2), -0x1000000);
  EXPECT_EQ(__mul24(0x01000003, 5), 15);
  EXPECT_EQ(__umul24(0x01ffffffu, 2u), 0x1fffffeu);
}

TEST(ProductsTest, DotProducts) {
  EXPECT_EQ(__dp4a(0x01020304, 0x01010101, 5), 15);
  EXPECT_EQ(__dp4a(-1, 0x01020304, 0), -10);
  EXPECT_EQ(__dp4a(0xffffffffu, 0x01020304u, 1u), 2551u);
  EXPECT_EQ(__dp4a(static_cast<int>(0x80808080), static_cast<int>(0x80808080), 0), 65536);
  EXPECT_EQ(__dp4a(char4{1, -2, 3, -4}, char4{5, 6, 7, 8}, 100), 100 + 5 - 12 + 21 - 32);
  EXPECT_EQ(__dp4a(uchar4{255, 255, 0, 0}, uchar4{255, 1, 9, 9}, 0u), 65280u);
  // 16-bit numbers 2 and -3, bytes from the lowest 1, -1, 10, 20.
  const short2 a = {2, -3};
  const char4 b = {1, -1, 10, 20};
  EXPECT_EQ(__dp2a_lo(a, b, 0), 5);
  EXPECT_EQ(__dp2a_hi(a, b, 0), -40);
  EXPECT_EQ(__dp2a_lo(ushort2{65535, 1}, uchar4{255, 2, 0, 1}, 7u), 65535u * 255 + 2 + 7);
  EXPECT_EQ(__dp2a_hi(ushort2{65535, 1}, uchar4{255, 2, 0, 1}, 7u), 8u);
  EXPECT_EQ(__dp4a(kMax, 0, kMax), kMax);
}

TEST(AveragesTest, DoNotOverflow) {
  EXPECT_EQ(__hadd(kMax, kMax - 1), kMax - 1);
  EXPECT_EQ(__hadd(-1, 0), -1);
  EXPECT_EQ(__rhadd(-1, 0), 0);
  EXPECT_EQ(__rhadd(2, 3), 3);
  EXPECT_EQ(__uhadd(~0u, ~0u), ~0u);
  EXPECT_EQ(__urhadd(~0u, 0u), 0x80000000u);
  EXPECT_EQ(__sad(kMin, kMax, 1), 0u);
  EXPECT_EQ(__sad(3, 5, 10), 12u);
  EXPECT_EQ(__usad(5u, ~0u, 1u), 0xfffffffbu);
}

TEST(MinMaxTest, MixedSignsGiveTheUnsigned) {
  EXPECT_EQ(min(-1, 1), -1);
  EXPECT_EQ(min(-1, 1u), 1u);
  EXPECT_EQ(max(-1, 1u), ~0u);
  EXPECT_EQ(max(1ul, -1l), ~0ul);
  EXPECT_EQ(min(short{3}, short{4}), 3);
  EXPECT_EQ(max(-1LL, -2LL), -1);
  EXPECT_EQ(umin(3, 5), 3u);
  EXPECT_EQ(llmax(-3, 5), 5);
  EXPECT_EQ(ullmin(~0ull, 5), 5u);
  static_assert(std::is_same_v<decltype(min(1, 1u)), unsigned int>);
  static_assert(std::is_same_v<decltype(max(1l, 1l)), long>);
}

TEST(SimdTest, KnownValues) {
  EXPECT_EQ(__vadd4(0xff01807fu, 0x01010101u), 0x00028180u);
  EXPECT_EQ(__vaddss4(0x7f80017fu, 0x01ff0101u), 0x7f80027fu);
  EXPECT_EQ(__vaddus4(0xff80017fu, 0x0180ff01u), 0xffffff80u);
  EXPECT_EQ(__vsub2(0x00000001u, 0x00010002u), 0xffffffffu);
  EXPECT_EQ(__vsubus2(0x00050001u, 0x00010002u), 0x00040000u);
  EXPECT_EQ(__vabs2(0x8000ffffu), 0x80000001u);
  EXPECT_EQ(__vabsss2(0x8000ffffu), 0x7fff0001u);
  EXPECT_EQ(__vneg4(0x80010000u), 0x80ff0000u);
  EXPECT_EQ(__vnegss4(0x80010000u), 0x7fff0000u);
  // A signed average rounds away from zero.
  EXPECT_EQ(__vavgs2(0x0001fffeu, 0x0002ffffu), 0x0002fffeu);
  EXPECT_EQ(__vavgu4(0xff000001u, 0xff000102u), 0xff000102u);
  EXPECT_EQ(__vhaddu4(0xff000001u, 0xff000102u), 0xff000001u);
  EXPECT_EQ(__vmaxs4(0x80017fffu, 0x7f80ff00u), 0x7f017f00u);
  EXPECT_EQ(__vmaxu4(0x80017fffu, 0x7f80ff00u), 0x8080ffffu);
  EXPECT_EQ(__vabsdiffs2(0x8000ffffu, 0x7fff0001u), 0xffff0002u);
  EXPECT_EQ(__vsadu4(0xff000005u, 0x00010203u), 255u + 1 + 2 + 2);
  EXPECT_EQ(__vsads2(0x8000ffffu, 0x7fff0001u), 65537u);
  EXPECT_EQ(__vcmpgts4(0x0180ff00u, 0x00000000u), 0xff000000u);
  EXPECT_EQ(__vcmpgtu4(0x0180ff00u, 0x00000000u), 0xffffff00u);
  EXPECT_EQ(__vseteq2(0x00010002u, 0x00010003u), 0x00010000u);
}

// f of every lane of type T.
template <typename T, typename F>
unsigned EachLane(unsigned a, unsigned b, F f) {
  T x[4 / sizeof(T)], y[4 / sizeof(T)], z[4 / sizeof(T)];
  std::copy_n(reinterpret_cast<const char*>(&a), 4, reinterpret_cast<char*>(x));
  std::copy_n(reinterpret_cast<const char*>(&b), 4, reinterpret_cast<char*>(y));
  for (size_t i = 0; i < std::size(x); ++i) z[i] = static_cast<T>(f(int{x[i]}, int{y[i]}));
  unsigned result;
  std::copy_n(reinterpret_cast<const char*>(z), 4, reinterpret_cast<char*>(&result));
  return result;
}

TEST(SimdTest, EveryLaneForItself) {
  std::mt19937 random(5);
  for (int i = 0; i < 10000; ++i) {
    const auto a = static_cast<unsigned>(random());
    const auto b = i % 4 == 0 ? a ^ (1u << random() % 32) : static_cast<unsigned>(random());
    const auto sum = [](int x, int y) { return x + y; };
    const auto difference = [](int x, int y) { return x - y; };
    const auto larger = [](int x, int y) { return std::max(x, y); };
    const auto smaller = [](int x, int y) { return std::min(x, y); };
    const auto apart = [](int x, int y) { return std::abs(x - y); };
    EXPECT_EQ(__vadd4(a, b), EachLane<uint8_t>(a, b, sum));
    EXPECT_EQ(__vadd2(a, b), EachLane<uint16_t>(a, b, sum));
    EXPECT_EQ(__vsub4(a, b), EachLane<uint8_t>(a, b, difference));
    EXPECT_EQ(__vmaxs4(a, b), EachLane<int8_t>(a, b, larger));
    EXPECT_EQ(__vmaxs2(a, b), EachLane<int16_t>(a, b, larger));
    EXPECT_EQ(__vmaxu2(a, b), EachLane<uint16_t>(a, b, larger));
    EXPECT_EQ(__vmins4(a, b), EachLane<int8_t>(a, b, smaller));
    EXPECT_EQ(__vminu4(a, b), EachLane<uint8_t>(a, b, smaller));
    EXPECT_EQ(__vabsdiffu4(a, b), EachLane<uint8_t>(a, b, apart));
    EXPECT_EQ(__vabsdiffs4(a, b), EachLane<int8_t>(a, b, apart));
    EXPECT_EQ(__vcmplts2(a, b), EachLane<int16_t>(a, b, [](int x, int y) { return x < y ? -1 : 0; }));
    EXPECT_EQ(__vcmpleu4(a, b), EachLane<uint8_t>(a, b, [](int x, int y) { return x <= y ? -1 : 0; }));
    EXPECT_EQ(__vsetges4(a, b), EachLane<int8_t>(a, b, [](int x, int y) { return x >= y ? 1 : 0; }));
    EXPECT_EQ(__vsetne2(a, b), EachLane<int16_t>(a, b, [](int x, int y) { return x != y ? 1 : 0; }));
  }
}

TEST(DpxTest, KnownValues) {
  EXPECT_EQ(__vimax3_s32(-5, 7, 3), 7);
  EXPECT_EQ(__vimin3_u32(~0u, 7u, 3u), 3u);
  EXPECT_EQ(__viaddmax_s32(kMax, 1, 0), 0) << "the sum wraps";
  EXPECT_EQ(__viaddmin_s32_relu(-5, 2, 9), 0);
  EXPECT_EQ(__vimax_s32_relu(-5, -2), 0);
  EXPECT_EQ(__vimax3_s16x2(0x00017fffu, 0xffff8000u, 0x00020000u), 0x00027fffu);
  EXPECT_EQ(__viaddmax_s16x2_relu(0x0001ffffu, 0x0001fffeu, 0xffffffffu), 0x00020000u);
  bool first = false, high = true, low = false;
  EXPECT_EQ(__vibmax_s32(4, 4, &first), 4);
  EXPECT_TRUE(first);
  EXPECT_EQ(__vibmin_u16x2(0x00050001u, 0x00040002u, &high, &low), 0x00040001u);
  EXPECT_FALSE(high);
  EXPECT_TRUE(low);
}

}  // namespace
