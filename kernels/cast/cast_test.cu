#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/cast/cast.cuh"
#include "kernels/testing/device_array.h"
#include "kernels/testing/formats.h"

namespace kernels {
namespace {

constexpr size_t kSizes[] = {0, 1, 2, 7, 8, 9, 15, 16, 17, 255, 257, 1023, 4096, 4097, 8191, 20000};

// Every exponent and sign, with fractions around where formats round; NaN and infinity among them.
std::vector<float> ManyFloats(size_t count) {
  Sequence sequence(17);
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    uint32_t bits = sequence.Bits();
    const int kept = static_cast<int>(sequence.Bits() % 12);  // fraction bits in front of a midpoint, or next to one
    const uint32_t half = 0x400000u >> kept;
    if (i % 3 != 0) bits = (bits & ~(2 * half - 1)) | half;
    if (i % 3 == 2) bits += sequence.Bits() % 3 - 1;
    values[i] = FloatFromBits(bits);
  }
  return values;
}

template <typename F>
struct Fields;
template <>
struct Fields<Float16> {
  static constexpr FormatFields kFields = kBinary16;
};
template <>
struct Fields<BFloat16> {
  static constexpr FormatFields kFields = kBrain16;
};
template <>
struct Fields<E4M3> {
  static constexpr FormatFields kFields = kOcpE4M3;
};
template <>
struct Fields<E5M2> {
  static constexpr FormatFields kFields = kOcpE5M2;
};

template <typename F>
class CastTest : public testing::Test {
 protected:
  static constexpr FormatFields kFields = Fields<F>::kFields;

  void ExpectEncoded(const std::vector<float>& values, bool saturate, size_t in_offset, size_t out_offset) {
    DeviceArray<float> in(values, in_offset);
    DeviceArray<typename F::Code> out(values.size(), out_offset);
    ASSERT_EQ(EncodeArray<F>(in.data(), out.data(), values.size(), saturate, nullptr), cudaSuccess);
    const std::vector<typename F::Code> codes = out.Read();
    for (size_t i = 0; i < values.size(); ++i) {
      const double expected = RoundTo(kFields, values[i], saturate);
      ASSERT_PRED2(SameValue, ValueOf(kFields, codes[i]), expected)
          << values[i] << " at " << i << " of " << values.size() << ", offsets " << in_offset << ", " << out_offset;
    }
  }
};
using Formats = testing::Types<Float16, BFloat16, E4M3, E5M2>;
TYPED_TEST_SUITE(CastTest, Formats);

TYPED_TEST(CastTest, DecodesEveryCode) {
  using Code = typename TypeParam::Code;
  std::vector<Code> codes;
  for (uint32_t c = 0; c < 1u << TypeParam::kBits; ++c) codes.push_back(static_cast<Code>(c));
  DeviceArray<Code> in(codes);
  DeviceArray<float> out(codes.size());
  ASSERT_EQ(DecodeArray<TypeParam>(in.data(), out.data(), codes.size(), nullptr), cudaSuccess);
  const std::vector<float> values = out.Read();
  for (size_t c = 0; c < codes.size(); ++c) {
    ASSERT_PRED2(SameValue, values[c], ValueOf(this->kFields, codes[c])) << "code " << c;
  }
}

TYPED_TEST(CastTest, RoundsToNearestEven) {
  std::vector<float> values = ManyFloats(100000);
  for (float x : {0.0f, -0.0f, INFINITY, -INFINITY, NAN, -NAN, 464.0f, 464.00003f, 448.0f, 61439.996f, 61440.0f,
                  65519.996f, 65520.0f, 3.3895313e38f, 3.3961775e38f, 3.4028235e38f, 1e-45f, -1e-45f}) {
    values.push_back(x);
  }
  this->ExpectEncoded(values, false, 0, 0);
  this->ExpectEncoded(values, true, 0, 0);
}

TYPED_TEST(CastTest, AnySizeAtAnyAlignment) {
  const std::vector<float> all = ManyFloats(20000);
  for (size_t size : kSizes) {
    const std::vector<float> values(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size));
    for (auto [in, out] : {std::pair<size_t, size_t>{0, 0}, {1, 1}, {3, 3}, {1, 0}, {0, 5}, {4, 8}}) {
      this->ExpectEncoded(values, size % 2 == 0, in, out);
    }
  }
}

TYPED_TEST(CastTest, DecodesAtAnyAlignment) {
  using Code = typename TypeParam::Code;
  for (size_t size : kSizes) {
    for (auto [in_offset, out_offset] : {std::pair<size_t, size_t>{1, 1}, {7, 3}, {1, 0}}) {
      std::vector<Code> codes(size);
      for (size_t i = 0; i < size; ++i) codes[i] = static_cast<Code>(i * 31);
      DeviceArray<Code> in(codes, in_offset);
      DeviceArray<float> out(size, out_offset);
      ASSERT_EQ(DecodeArray<TypeParam>(in.data(), out.data(), size, nullptr), cudaSuccess);
      const std::vector<float> values = out.Read();
      for (size_t i = 0; i < size; ++i) ASSERT_PRED2(SameValue, values[i], ValueOf(this->kFields, codes[i]));
    }
  }
}

std::vector<uint16_t> Stochastic(const std::vector<float>& values, uint64_t seed, size_t offset = 0,
                                 bool saturate = false) {
  DeviceArray<float> in(values, offset);
  DeviceArray<uint16_t> out(values.size());
  EXPECT_EQ(EncodeArrayStochastically(in.data(), out.data(), values.size(), saturate, seed, nullptr), cudaSuccess);
  return out.Read();
}

TEST(StochasticTest, GivesANeighbourAndIsReproducible) {
  const std::vector<float> values = ManyFloats(10003);
  const std::vector<uint16_t> codes = Stochastic(values, 1);
  EXPECT_EQ(codes, Stochastic(values, 1));
  EXPECT_EQ(codes, Stochastic(values, 1, 1)) << "depends on the alignment";
  EXPECT_NE(codes, Stochastic(values, 2));
  for (size_t i = 0; i < values.size(); ++i) {
    const double value = ValueOf(kBrain16, codes[i]);
    if (std::isnan(values[i])) {
      EXPECT_TRUE(std::isnan(value));
    } else if (std::isinf(value)) {
      EXPECT_GT(std::abs(values[i]), MaxFinite(kBrain16));
    } else {
      const double unit = std::ldexp(1.0, std::max(values[i] == 0 ? -126 : std::ilogb(values[i]), -126) - 7);
      EXPECT_LT(std::abs(value - values[i]), unit) << values[i];
    }
  }
}

TEST(StochasticTest, IsUnbiased) {
  constexpr size_t kCount = 1 << 16;
  for (const double part : {0.5, 0.125, 0.9, 1.0 / 65536, 0.0}) {
    const float x = static_cast<float>(-(1 + part / 128));
    const double probability = (-static_cast<double>(x) - 1) * 128;
    double up = 0;
    for (uint16_t code : Stochastic(std::vector<float>(kCount, x), 5)) up += code == 0xbf81;
    const double sigma = std::sqrt(kCount * probability * (1 - probability));
    EXPECT_LE(std::abs(up - kCount * probability), 5 * sigma) << part;
  }
}

TEST(StochasticTest, SaturatesOnlyIfAsked) {
  const std::vector<float> values(64, 3.4028235e38f);
  for (uint16_t code : Stochastic(values, 3, 0, true)) EXPECT_EQ(code, 0x7f7f);
  int infinite = 0;
  for (uint16_t code : Stochastic(values, 3)) infinite += code == 0x7f80;
  EXPECT_GT(infinite, 60);
}

// The known answer for zeros that Random123 publishes (kat_vectors, philox4x32 10).
TEST(PhiloxTest, KnownAnswers) {
  const PhiloxWords zeros = Philox(0, 0);
  EXPECT_EQ(zeros.word[0], 0x6627e8d5u);
  EXPECT_EQ(zeros.word[1], 0xe169c58du);
  EXPECT_EQ(zeros.word[2], 0xbc57ac4cu);
  EXPECT_EQ(zeros.word[3], 0x9b00dbd8u);
}

}  // namespace
}  // namespace kernels
