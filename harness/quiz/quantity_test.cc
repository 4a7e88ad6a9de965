#include "harness/quiz/quantity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

#include "harness/quiz/expression.h"

namespace workbench::quiz {
namespace {

struct Case {
  const char* text;
  Dimension dimension;
  const char* unit;
  double value;
};

TEST(QuantityTest, ReadsWhatPeopleWrite) {
  const Case cases[] = {
      {"1.5G", Dimension::kBytes, "GiB", 1.5e9},
      {"1.5e9", Dimension::kBytes, "GiB", 1.5e9},
      {"1.5e9 bytes", Dimension::kBytes, "MiB", 1.5e9},
      {"12 GiB", Dimension::kBytes, "MiB", 12 * 0x1p30},
      {"12GiB", Dimension::kBytes, "MiB", 12 * 0x1p30},
      {"12 gb", Dimension::kBytes, "MiB", 12e9},
      {"12Gi", Dimension::kBytes, "MiB", 12 * 0x1p30},
      {"12", Dimension::kBytes, "GiB", 12 * 0x1p30},
      {"8 Gbit", Dimension::kBytes, "GB", 1e9},
      {"8 Gb", Dimension::kBytes, "GB", 1e9},
      {"1,000", Dimension::kNumber, "", 1000},
      {"1_000_000", Dimension::kNumber, "", 1e6},
      {"1,234,567.5", Dimension::kNumber, "", 1234567.5},
      {"7B", Dimension::kNumber, "parameters", 7e9},
      {"7 billion parameters", Dimension::kNumber, "parameters", 7e9},
      {"1 step", Dimension::kNumber, "steps", 1},
      {"14 steps", Dimension::kNumber, "steps", 14},
      {"2*(8-1)", Dimension::kNumber, "steps", 14},
      {"1.5x10^9", Dimension::kNumber, "", 1.5e9},
      {"1.5\u00d710^9", Dimension::kNumber, "", 1.5e9},
      {"2^31", Dimension::kNumber, "", 2147483648},
      {"~ 3.5", Dimension::kNumber, "", 3.5},
      {"= -2", Dimension::kNumber, "", -2},
      {"45%", Dimension::kFraction, "%", 0.45},
      {"45 percent", Dimension::kFraction, "%", 0.45},
      {"45", Dimension::kFraction, "%", 0.45},
      {"0.45", Dimension::kFraction, "%", 0.45},
      {"5/11", Dimension::kFraction, "%", 5.0 / 11},
      {"120 us", Dimension::kSeconds, "ms", 120e-6},
      {"120 \u00b5s", Dimension::kSeconds, "ms", 120e-6},
      {"2h30m", Dimension::kSeconds, "s", 9000},
      {"1 h 30 min", Dimension::kSeconds, "s", 5400},
      {"3 days", Dimension::kSeconds, "s", 259200},
      {"40", Dimension::kSeconds, "ms", 0.04},
      {"100 Gbit/s", Dimension::kBytesPerSecond, "GB/s", 12.5e9},
      {"100Gbps", Dimension::kBytesPerSecond, "GB/s", 12.5e9},
      {"12 GB/s", Dimension::kBytesPerSecond, "GB/s", 12e9},
      {"400 TFLOP/s", Dimension::kFlopPerSecond, "TFLOP/s", 4e14},
      {"400 TFLOPS", Dimension::kFlopPerSecond, "PFLOP/s", 4e14},
      {"3e21 FLOPs", Dimension::kFlop, "FLOP", 3e21},
      {"2.5k/s", Dimension::kPerSecond, "tokens/s", 2500},
      {"2500 tokens per second", Dimension::kPerSecond, "tokens/s", 2500},
      {"2,500 tokens/s", Dimension::kPerSecond, "tokens/s", 2500},
  };
  for (const Case& c : cases) {
    const auto read = ParseQuantity(c.text, c.dimension, c.unit);
    ASSERT_TRUE(read.ok()) << c.text << ": " << read.status().message();
    EXPECT_NEAR(read.value().value, c.value, 1e-12 * std::fabs(c.value)) << c.text;
    EXPECT_FALSE(read.value().understood.empty()) << c.text;
  }
}

TEST(QuantityTest, SaysHowItUnderstood) {
  EXPECT_EQ(ParseQuantity("12 GiB", Dimension::kBytes, "MiB").value().understood, "12 GiB = 1.28849e10 bytes");
  EXPECT_EQ(ParseQuantity("12", Dimension::kBytes, "MiB").value().understood, "12 MiB = 12,582,912 bytes");
  EXPECT_EQ(ParseQuantity("8 Gb", Dimension::kBytes, "MiB").value().understood, "8 Gb = 1e9 bytes");
  EXPECT_EQ(ParseQuantity("0.45", Dimension::kFraction, "%").value().understood, "0.45");
  EXPECT_EQ(ParseQuantity("45", Dimension::kFraction, "%").value().understood, "45% = 0.45");
}

TEST(QuantityTest, RefusesWhatHasNoOrTwoReadings) {
  const Case cases[] = {
      {"", Dimension::kNumber, "", 0},         {"   ", Dimension::kBytes, "GiB", 0},
      {"lots", Dimension::kNumber, "", 0},     {"1,5", Dimension::kNumber, "", 0},
      {"1.2.3", Dimension::kNumber, "", 0},    {"12 parsecs", Dimension::kBytes, "GiB", 0},
      {"5 GiB", Dimension::kSeconds, "s", 0},  {"5 s", Dimension::kBytes, "GiB", 0},
      {"1/0", Dimension::kNumber, "", 0},      {"9e999", Dimension::kNumber, "", 0},
      {"nan", Dimension::kNumber, "", 0},      {"inf", Dimension::kNumber, "", 0},
      {"(3", Dimension::kNumber, "", 0},       {"3)", Dimension::kNumber, "", 0},
      {"2h30", Dimension::kSeconds, "s", 0},   {"3 +", Dimension::kNumber, "", 0},
      {"0x10", Dimension::kNumber, "", 0},     {"12 GiB 3", Dimension::kBytes, "GiB", 0},
      {"\xff\xfe", Dimension::kBytes, "B", 0}, {"5 %", Dimension::kNumber, "", 0},
      {".", Dimension::kNumber, "", 0},
  };
  for (const Case& c : cases) {
    const auto read = ParseQuantity(c.text, c.dimension, c.unit);
    ASSERT_FALSE(read.ok()) << c.text << " was read as " << read.value().understood;
    EXPECT_NE(read.status().message().find("Write it like"), std::string::npos);
  }
}

TEST(QuantityTest, GarbageNeverCrashesAndNeverIsInfinite) {
  std::mt19937 random(1);
  const std::string alphabet = "0123456789.,eE+-*/^() %kKMGTPBibsxhmu\u00b5\u00d7'_~=\n\t\xff";
  for (int i = 0; i < 200000; ++i) {
    std::string text;
    for (size_t length = random() % 14; length > 0; --length) text += alphabet[random() % alphabet.size()];
    const auto dimension = static_cast<Dimension>(random() % 8);
    const auto read = ParseQuantity(text, dimension, dimension == Dimension::kBytes ? "GiB" : "");
    if (read.ok()) {
      EXPECT_TRUE(std::isfinite(read.value().value)) << text;
    }
    const auto formula = Evaluate(text, {{"N", 3}});
    if (formula.ok()) {
      EXPECT_TRUE(std::isfinite(formula.value())) << text;
    }
  }
  for (const char* piece : {"(", "-", "2^", "1+", "sqrt", "((1)", "9"}) {
    std::string deep;
    while (deep.size() < 900) deep += piece;
    EXPECT_FALSE(Evaluate(deep, {{"N", 3}}).ok()) << piece;
    EXPECT_FALSE(ParseQuantity(deep, Dimension::kSeconds, "s").ok()) << piece;
    EXPECT_FALSE(Evaluate(deep + deep, {{"N", 3}}).ok()) << piece;
  }
}

TEST(ExpressionTest, Values) {
  const Variables variables = {{"N", 8}, {"S", 3}, {"m", 5}, {"M", 7}};
  struct {
    const char* text;
    double value;
  } const cases[] = {
      {"2(N-1)", 14},       {"2N-2", 14},        {"2 * n - 2", 14}, {"NS", 24},       {"2(N-1)/N*S", 5.25},
      {"-2^2", -4},         {"2^-1", 0.5},       {"2^3^2", 512},    {"2**3", 8},      {"log2(N)", 3},
      {"log2 N", 3},        {"2log2(N)", 6},     {"min(N, S)", 3},  {"ceil(7/2)", 4}, {"m+M", 12},
      {"(N-1)(N+1)", 63},   {"1,000 + 1", 1001}, {"sqrt(2*N)", 4},  {"1 - -1", 2},    {"8/2/2", 2},
      {"floor(0.1*30)", 3}, {"exp(0)", 1},       {"2\u00b73", 6},
  };
  for (const auto& c : cases) {
    const auto value = Evaluate(c.text, variables);
    ASSERT_TRUE(value.ok()) << c.text << ": " << value.status().message();
    EXPECT_DOUBLE_EQ(value.value(), c.value) << c.text;
  }
  for (const char* text : {"S/2N", "x", "2 N 3", "min(1)", "N-", "()", "log2(0)", "sqrt(-1)", "O(N)", "2(N-1", ""}) {
    EXPECT_FALSE(Evaluate(text, variables).ok()) << text;
  }
}

TEST(FormatTest, Numbers) {
  EXPECT_EQ(FormatNumber(65504), "65,504");
  EXPECT_EQ(FormatNumber(-1234), "-1,234");
  EXPECT_EQ(FormatNumber(0.4375), "0.4375");
  EXPECT_EQ(FormatNumber(1.28849018880e10), "1.28849e10");
  EXPECT_EQ(FormatNumber(6.1e-5), "6.1e-5");
  EXPECT_EQ(FormatQuantity(0.4375, Dimension::kFraction, "%"), "43.75 %");
  EXPECT_EQ(FormatQuantity(12 * 0x1p30, Dimension::kBytes, "GiB"), "12 GiB");
  EXPECT_EQ(FormatQuantity(14, Dimension::kNumber, "steps"), "14 steps");
}

}  // namespace
}  // namespace workbench::quiz
