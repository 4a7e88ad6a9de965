#include "grader/inputs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <set>
#include <vector>

namespace workbench {
namespace {

constexpr ElementType kTypes[] = {ElementType::kFloat32, ElementType::kFloat16, ElementType::kBFloat16,
                                  ElementType::kInt32};
constexpr ElementType kFloats[] = {ElementType::kFloat32, ElementType::kFloat16, ElementType::kBFloat16};
constexpr InputKind kKinds[] = {InputKind::kSmallIntegers, InputKind::kRandom, InputKind::kLarge, InputKind::kSpecial,
                                InputKind::kSubnormal};
constexpr size_t kCount = 4096;

std::vector<char> Fill(InputKind kind, ElementType type, uint64_t seed, int rank, int scale = 1,
                       size_t count = kCount) {
  std::vector<char> data(count * TraitsOf(type).bytes);
  FillInput(kind, type, seed, rank, scale, count, data.data());
  return data;
}

std::vector<double> Values(InputKind kind, ElementType type, int scale = 1) {
  const std::vector<char> data = Fill(kind, type, 7, 3, scale);
  std::vector<double> values;
  for (size_t i = 0; i < kCount; ++i) values.push_back(ElementAt(type, data.data(), i));
  return values;
}

double LargestFinite(ElementType type) {
  switch (type) {
    case ElementType::kFloat16:
      return 65504;
    case ElementType::kBFloat16:
      return 0x1.fep127;
    default:
      return std::numeric_limits<float>::max();
  }
}

TEST(FillInputTest, IsAFunctionOfSeedRankAndIndex) {
  for (const InputKind kind : kKinds) {
    for (const ElementType type : kTypes) {
      const std::vector<char> data = Fill(kind, type, 7, 3);
      EXPECT_EQ(data, Fill(kind, type, 7, 3));
      EXPECT_NE(data, Fill(kind, type, 8, 3));
      EXPECT_NE(data, Fill(kind, type, 7, 4));
      // A shorter fill is the beginning of a longer one.
      const std::vector<char> shorter = Fill(kind, type, 7, 3, 1, 100);
      EXPECT_EQ(std::memcmp(shorter.data(), data.data(), shorter.size()), 0);
    }
  }
}

TEST(FillInputTest, NoTwoRanksOrSeedsShareAShiftedStream) {
  std::set<std::vector<char>> beginnings;
  for (uint64_t seed = 0; seed < 16; ++seed) {
    for (int rank = 0; rank < 16; ++rank) {
      const std::vector<char> data = Fill(InputKind::kRandom, ElementType::kInt32, seed, rank, 1, 64);
      for (size_t i = 0; i + 16 <= data.size(); i += 4) {
        EXPECT_TRUE(
            beginnings.emplace(data.begin() + static_cast<long>(i), data.begin() + static_cast<long>(i) + 16).second);
      }
    }
  }
}

TEST(FillInputTest, WritesNothingPastTheEnd) {
  for (const InputKind kind : kKinds) {
    for (const ElementType type : kTypes) {
      std::vector<char> data(8 * TraitsOf(type).bytes, 'z');
      FillInput(kind, type, 1, 0, 1, 7, data.data());
      for (size_t i = 7 * TraitsOf(type).bytes; i < data.size(); ++i) EXPECT_EQ(data[i], 'z');
      FillInput(kind, type, 1, 0, 1, 0, nullptr);
    }
  }
}

TEST(FillInputTest, SmallIntegersTakeEveryValueOfTheirRangeAndNoOther) {
  for (const ElementType type : kTypes) {
    std::map<double, int> seen;
    for (const double value : Values(InputKind::kSmallIntegers, type)) ++seen[value];
    EXPECT_EQ(seen.size(), 17u) << TraitsOf(type).name;
    EXPECT_EQ(seen.begin()->first, -8);
    EXPECT_EQ(seen.rbegin()->first, 8);
    for (const auto& [value, times] : seen) {
      EXPECT_EQ(value, std::floor(value));
      EXPECT_GT(times, static_cast<int>(kCount) / 17 / 2);
    }
    for (const int scale : {2, 7, 32}) {
      std::set<double> scaled;
      for (const double value : Values(InputKind::kSmallIntegers, type, scale)) scaled.insert(value / scale);
      EXPECT_EQ(scaled, (std::set<double>{-4, -3, -2, -1, 0, 1, 2, 3, 4}));
    }
  }
}

TEST(FillInputTest, RandomHasBothSignsAndTwelveBinades) {
  for (const ElementType type : kFloats) {
    std::set<int> binades;
    int negative = 0;
    for (const double value : Values(InputKind::kRandom, type)) {
      ASSERT_TRUE(std::isfinite(value));
      binades.insert(std::ilogb(value));
      negative += value < 0;
    }
    EXPECT_EQ(binades, (std::set<int>{-6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5}));
    EXPECT_NEAR(negative, kCount / 2.0, kCount / 10.0);
  }
  uint32_t ones = 0, zeros = 0;
  for (const double value : Values(InputKind::kRandom, ElementType::kInt32)) {
    const uint32_t bits = static_cast<uint32_t>(static_cast<int32_t>(value));
    ones |= bits;
    zeros |= ~bits;
  }
  EXPECT_EQ(ones & zeros, 0xffffffffu);
}

TEST(FillInputTest, LargeValuesOverflowInPairsThoughTheirMeanDoesNot) {
  for (const ElementType type : kFloats) {
    const std::vector<double> values = Values(InputKind::kLarge, type);
    double sum = 0, least = values[0];
    for (const double value : values) {
      ASSERT_TRUE(std::isfinite(value));
      sum += value;
      least = std::min(least, value);
    }
    EXPECT_LT(sum / kCount, LargestFinite(type));
    // Rounds to infinity: at least half a gap above the largest finite value.
    EXPECT_GE(2 * least, LargestFinite(type) * (1 + TraitsOf(type).unit_roundoff)) << TraitsOf(type).name;
  }
}

TEST(FillInputTest, SpecialHasOneOfEverything) {
  for (const ElementType type : kFloats) {
    int nan = 0, infinity = 0, minus_infinity = 0, minus_zero = 0, zero = 0, subnormal = 0, ordinary = 0;
    for (const double value : Values(InputKind::kSpecial, type)) {
      if (std::isnan(value)) {
        ++nan;
      } else if (std::isinf(value)) {
        ++(value > 0 ? infinity : minus_infinity);
      } else if (value == 0) {
        ++(std::signbit(value) ? minus_zero : zero);
      } else if (std::abs(value) <= 8 * TraitsOf(type).min_subnormal) {
        ++subnormal;
      } else {
        ++ordinary;
      }
    }
    for (const int count : {nan, infinity, minus_infinity, minus_zero, zero, subnormal}) EXPECT_GT(count, 20);
    EXPECT_GT(ordinary, static_cast<int>(kCount) / 2);
  }
  std::set<double> ints;
  for (const double value : Values(InputKind::kSpecial, ElementType::kInt32)) ints.insert(value);
  for (const double edge : {-2147483648.0, 2147483647.0, -1.0, 0.0}) EXPECT_TRUE(ints.contains(edge)) << edge;
}

TEST(FillInputTest, SubnormalsAreSmallMultiplesOfTheSmallest) {
  for (const ElementType type : kFloats) {
    std::set<double> multiples;
    for (const double value : Values(InputKind::kSubnormal, type))
      multiples.insert(value / TraitsOf(type).min_subnormal);
    EXPECT_EQ(multiples, (std::set<double>{1, 2, 3, 4, 5, 6, 7}));
  }
}

TEST(PoisonTest, IsNanInEveryFloatingTypeAndMinusOneInInt32) {
  char memory[16] = {};
  Poison(memory, 12);
  for (const ElementType type : kFloats) EXPECT_TRUE(std::isnan(ElementAt(type, memory, 1)));
  EXPECT_EQ(ElementAt(ElementType::kInt32, memory, 2), -1);
  EXPECT_EQ(memory[12], 0);
}

TEST(MixTest, FlipsAboutHalfOfTheBitsForOneOfTheInput) {
  for (int bit = 0; bit < 64; ++bit) {
    int flipped = 0;
    for (uint64_t value = 0; value < 64; ++value)
      flipped += std::popcount(Mix(value) ^ Mix(value ^ (uint64_t{1} << bit)));
    EXPECT_NEAR(flipped / 64.0, 32, 4) << bit;
  }
}

}  // namespace
}  // namespace workbench
