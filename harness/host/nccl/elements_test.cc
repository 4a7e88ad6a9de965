// Reductions where a mistake would hide among small numbers: wrapping around, cutting off, rounding once, NaN.
#include "harness/host/nccl/elements.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace cuda_host::nccl {
namespace {

template <typename T>
std::vector<T> ReduceAll(ncclDataType_t type, ReduceKind kind, const std::vector<std::vector<T>>& in,
                         const std::vector<T>& factors = {}) {
  std::vector<const void*> pointers;
  for (const auto& values : in) pointers.push_back(values.data());
  std::vector<Scalar> scalars(in.size());
  for (size_t i = 0; i < factors.size(); ++i) std::memcpy(scalars[i].bytes, &factors[i], sizeof(T));
  std::vector<T> out(in[0].size());
  Reduce(type, kind, static_cast<int>(in.size()), pointers.data(), scalars.data(), out.size(), out.data());
  return out;
}

TEST(Elements, IntegersWrapAround) {
  EXPECT_EQ(ReduceAll<int8_t>(ncclInt8, ReduceKind::kSum, {{127, -128}, {1, -1}}), (std::vector<int8_t>{-128, 127}));
  EXPECT_EQ(ReduceAll<uint8_t>(ncclUint8, ReduceKind::kProd, {{200}, {3}}), std::vector<uint8_t>{88});
  EXPECT_EQ(ReduceAll<int32_t>(ncclInt32, ReduceKind::kProd, {{65536}, {65537}}), std::vector<int32_t>{65536});
  EXPECT_EQ(ReduceAll<int64_t>(ncclInt64, ReduceKind::kSum, {{std::numeric_limits<int64_t>::max()}, {1}}),
            std::vector<int64_t>{std::numeric_limits<int64_t>::min()});
  EXPECT_EQ(ReduceAll<uint64_t>(ncclUint64, ReduceKind::kPreMulSum, {{1ULL << 63}, {5}}, {2, 3}),
            std::vector<uint64_t>{15});
}

TEST(Elements, SignDecidesOrder) {
  EXPECT_EQ(ReduceAll<int8_t>(ncclInt8, ReduceKind::kMax, {{-1, 5}, {1, -5}}), (std::vector<int8_t>{1, 5}));
  EXPECT_EQ(ReduceAll<uint8_t>(ncclUint8, ReduceKind::kMax, {{255}, {1}}), std::vector<uint8_t>{255});
  EXPECT_EQ(ReduceAll<int64_t>(ncclInt64, ReduceKind::kMin, {{-1}, {1}}), std::vector<int64_t>{-1});
  EXPECT_EQ(ReduceAll<uint32_t>(ncclUint32, ReduceKind::kMin, {{0x80000000U}, {1}}), std::vector<uint32_t>{1});
}

TEST(Elements, IntegerAveragesAreCutOffTowardsZero) {
  EXPECT_EQ(ReduceAll<int32_t>(ncclInt32, ReduceKind::kAvg, {{-7, 7}, {0, 0}}), (std::vector<int32_t>{-3, 3}));
  EXPECT_EQ(ReduceAll<uint32_t>(ncclUint32, ReduceKind::kAvg, {{0xfffffffeU}, {1}}),
            std::vector<uint32_t>{0x7fffffffU});
  EXPECT_EQ(ReduceAll<int8_t>(ncclInt8, ReduceKind::kAvg, std::vector<std::vector<int8_t>>(200, {0})),
            std::vector<int8_t>{0});
}

TEST(Elements, HalvesAreRoundedOnce) {
  // 2048 + 1 is a tie in fp16 and goes to even; summed pair by pair, 2048 would stay.
  const auto half = [](float value) { return __float2half(value); };
  const auto sum = ReduceAll<__half>(ncclFloat16, ReduceKind::kSum, {{half(2048)}, {half(1)}, {half(1)}});
  EXPECT_EQ(__half2float(sum[0]), 2050.0F);
  const auto average = ReduceAll<__half>(ncclFloat16, ReduceKind::kAvg, {{half(60000)}, {half(60000)}});
  EXPECT_EQ(__half2float(average[0]), 60000.0F);
}

TEST(Elements, TheAverageOfFloatDoesNotOverflow) {
  EXPECT_EQ(ReduceAll<float>(ncclFloat32, ReduceKind::kAvg, {{3e38F}, {3e38F}}), std::vector<float>{3e38F});
  EXPECT_EQ(ReduceAll<float>(ncclFloat32, ReduceKind::kSum, {{3e38F}, {3e38F}}), std::vector<float>{INFINITY});
}

TEST(Elements, NanIsPassedOverByMaxAndMinOnly) {
  const std::vector<std::vector<float>> in = {{NAN, 1.0F, NAN}, {2.0F, NAN, NAN}};
  for (const ReduceKind kind : {ReduceKind::kMax, ReduceKind::kMin}) {
    const std::vector<float> out = ReduceAll<float>(ncclFloat32, kind, in);
    EXPECT_EQ(out[0], 2.0F);
    EXPECT_EQ(out[1], 1.0F);
    EXPECT_TRUE(std::isnan(out[2]));
  }
  EXPECT_TRUE(std::isnan(ReduceAll<float>(ncclFloat32, ReduceKind::kSum, in)[0]));
}

TEST(Elements, SumsGoInTheOrderOfTheRanks) {
  EXPECT_EQ(ReduceAll<float>(ncclFloat32, ReduceKind::kSum, {{1e8F}, {1.0F}, {-1e8F}}), std::vector<float>{0.0F});
  EXPECT_EQ(ReduceAll<float>(ncclFloat32, ReduceKind::kSum, {{1e8F}, {-1e8F}, {1.0F}}), std::vector<float>{1.0F});
}

TEST(Elements, MayOverwriteAnInput) {
  std::vector<int> a(2000, 1), b(2000, 2);
  const void* in[] = {a.data(), b.data()};
  Reduce(ncclInt32, ReduceKind::kSum, 2, in, nullptr, a.size(), b.data());
  EXPECT_EQ(b, std::vector<int>(2000, 3));
}

TEST(Elements, Sizes) {
  EXPECT_EQ(TypeBytes(ncclFloat8e5m2), 1U);
  EXPECT_EQ(TypeBytes(ncclBfloat16), 2U);
  EXPECT_EQ(TypeBytes(ncclFloat32), 4U);
  EXPECT_EQ(TypeBytes(ncclUint64), 8U);
  EXPECT_EQ(TypeBytes(ncclNumTypes), 0U);
}

}  // namespace
}  // namespace cuda_host::nccl
