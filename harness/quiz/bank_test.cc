// Every template over many seeds: the right answer is accepted, coded mistakes are rejected, explanations come to the
// answer.
#include "harness/quiz/bank.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>
#include <string>

#include "harness/quiz/expression.h"
#include "harness/quiz/judge.h"

namespace workbench::quiz {
namespace {

constexpr uint64_t kSeeds = 1000;

std::string Digits(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.15g", value);
  return text;
}

// In base units, whatever unit is asked for.
std::string AsTyped(const Item& item, double value) {
  switch (item.dimension) {
    case Dimension::kBytes:
      return Digits(value) + " bytes";
    case Dimension::kSeconds:
      return Digits(value) + " s";
    case Dimension::kBytesPerSecond:
      return Digits(value) + " B/s";
    case Dimension::kFlop:
      return Digits(value) + " FLOP";
    case Dimension::kFlopPerSecond:
      return Digits(value) + " FLOP/s";
    case Dimension::kFraction:
      return Digits(value * 100) + " %";
    case Dimension::kPerSecond:
      return Digits(value) + "/s";
    case Dimension::kNumber:
      return Digits(value);
  }
  return "";
}

template <typename Body>
void ForAll(Kind kind, const Body& body) {
  for (const Template& from : Bank()) {
    if (from.kind != kind) continue;
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      SCOPED_TRACE(std::string(from.id) + " seed " + std::to_string(seed));
      body(from, MakeItem(from, seed));
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST(BankTest, HasEnoughOfEveryTopicAndUniqueIds) {
  std::map<std::string_view, int> per_topic;
  std::set<std::string_view> ids;
  for (const Template& from : Bank()) {
    ++per_topic[TopicOf(from)];
    EXPECT_TRUE(ids.insert(from.id).second) << from.id;
    EXPECT_LT(from.id.size(), 24U) << "--list has 24 columns";
  }
  EXPECT_GE(Bank().size(), 40U);
  ASSERT_EQ(Topics().size(), 14U);
  for (const Topic& topic : Topics()) EXPECT_GE(per_topic[topic.number], 4) << topic.number;
  EXPECT_EQ(per_topic.size(), 14U);
}

TEST(BankTest, SameSeedSameItemOtherSeedOtherParameters) {
  for (const Template& from : Bank()) {
    std::set<std::string> prompts;
    for (uint64_t seed = 0; seed < 50; ++seed) {
      const Item item = MakeItem(from, seed);
      const Item again = MakeItem(from, seed);
      EXPECT_EQ(item.prompt, again.prompt);
      EXPECT_EQ(item.choices, again.choices);
      EXPECT_EQ(item.answer, again.answer);
      prompts.insert(item.prompt);
    }
    if (from.kind == Kind::kNumeric) {
      EXPECT_GE(prompts.size(), 3U) << from.id;
    }
  }
}

TEST(BankTest, TextsAreComplete) {
  for (const Kind kind : {Kind::kNumeric, Kind::kExpression, Kind::kChoice, Kind::kTrueFalse}) {
    ForAll(kind, [](const Template&, const Item& item) {
      EXPECT_FALSE(item.prompt.empty());
      EXPECT_FALSE(item.steps.empty());
      EXPECT_FALSE(item.source.empty());
      EXPECT_FALSE(item.mistakes.empty());
      std::string all = item.prompt + item.working + item.source + item.right;
      for (const std::string& text : item.steps) all += text;
      for (const Mistake& mistake : item.mistakes) {
        EXPECT_FALSE(mistake.says.empty());
        all += mistake.value + mistake.says;
      }
      EXPECT_EQ(all.find_first_of("{}"), std::string::npos) << "a name was not replaced: " << all;
    });
  }
}

TEST(BankTest, NumericAnswersAreAcceptedAndMistakesNamed) {
  ForAll(Kind::kNumeric, [](const Template&, const Item& item) {
    const double a = item.answer;
    ASSERT_TRUE(std::isfinite(a));
    ASSERT_NE(a, 0);
    const double margin = std::fabs(a) * item.tolerance;
    for (const double value : {a, a + 0.9 * margin, a - 0.9 * margin}) {
      const Judgement judged = Judge(item, AsTyped(item, value));
      EXPECT_EQ(judged.mark, Mark::kRight) << AsTyped(item, value) << " " << judged.problem << judged.understood;
    }
    EXPECT_EQ(Judge(item, AsTyped(item, a + 1.1 * margin + 1e-12)).mark, Mark::kWrong);
    EXPECT_EQ(Judge(item, AsTyped(item, -a)).mark, Mark::kWrong);
    // As it is shown to people, too.
    EXPECT_EQ(Judge(item, RightAnswer(item)).mark, Mark::kRight) << RightAnswer(item);
    for (const Mistake& mistake : item.mistakes) {
      const auto value = Evaluate(mistake.value);
      ASSERT_TRUE(value.ok()) << mistake.value << ": " << value.status().message();
      EXPECT_GT(std::fabs(*value - a), item.tolerance * std::fabs(a)) << mistake.value;
      const Judgement judged = Judge(item, AsTyped(item, *value));
      EXPECT_EQ(judged.mark, Mark::kWrong) << mistake.value;
      EXPECT_FALSE(judged.mistake.empty()) << mistake.value;
    }
  });
}

TEST(BankTest, BareNumbersInTheUnitAskedForAreAccepted) {
  ForAll(Kind::kNumeric, [](const Template&, const Item& item) {
    const double unit =
        item.dimension == Dimension::kFraction ? 0.01 : *UnitFactor(item.dimension, item.unit, item.unit);
    const double amount = item.answer / unit;
    if (item.dimension == Dimension::kFraction) {
      EXPECT_GT(amount, 1) << "a bare number up to 1 is read as a fraction";
    } else if (item.dimension != Dimension::kNumber) {
      EXPECT_GT(amount, 1e-3) << "another unit would be easier to read";
      EXPECT_TRUE(amount < 1e6 || unit < 1e6) << "it would be read in base units";
    }
    EXPECT_EQ(Judge(item, Digits(amount)).mark, Mark::kRight) << Digits(amount) << " " << item.unit;
  });
}

TEST(BankTest, ExplanationsComeToTheAnswer) {
  ForAll(Kind::kNumeric, [](const Template&, const Item& item) {
    const auto value = Evaluate(item.working);
    ASSERT_TRUE(value.ok()) << item.working << ": " << value.status().message();
    EXPECT_NEAR(*value, item.answer, 1e-9 * std::fabs(item.answer)) << item.working;
  });
}

TEST(BankTest, FormulasAreJudgedByValue) {
  ForAll(Kind::kExpression, [](const Template&, const Item& item) {
    EXPECT_EQ(Judge(item, item.formula).mark, Mark::kRight);
    EXPECT_EQ(Judge(item, "(" + item.formula + ")*1").mark, Mark::kRight);
    EXPECT_EQ(Judge(item, item.formula + " + 1e-3").mark, Mark::kWrong);
    for (const Mistake& mistake : item.mistakes) {
      const Judgement judged = Judge(item, mistake.value);
      EXPECT_EQ(judged.mark, Mark::kWrong) << mistake.value;
      EXPECT_EQ(judged.mistake, mistake.says);
    }
    EXPECT_EQ(Judge(item, "lots").mark, Mark::kUnreadable);
  });
  for (const Template& from : Bank()) {
    if (from.id != "q02.ring_steps") continue;
    for (const char* same : {"2(N-1)", "2n - 2", "2*(N - 1)", "(N-1)*2", "N+N-2", "2N-2"}) {
      EXPECT_EQ(Judge(MakeItem(from, 1), same).mark, Mark::kRight) << same;
    }
  }
}

TEST(BankTest, ChoicesHaveOneRightAnswerAndAllOthersAreExplained) {
  ForAll(Kind::kChoice, [](const Template&, const Item& item) {
    ASSERT_GE(item.choices.size(), 3U);
    EXPECT_EQ(std::count(item.choices.begin(), item.choices.end(), item.right), 1);
    for (size_t i = 0; i < item.choices.size(); ++i) {
      const Judgement judged = Judge(item, std::string(1, static_cast<char>('a' + i)));
      EXPECT_EQ(judged.mark, item.choices[i] == item.right ? Mark::kRight : Mark::kWrong);
      EXPECT_EQ(judged.mistake.empty(), item.choices[i] == item.right) << item.choices[i];
    }
    EXPECT_EQ(Judge(item, "z").mark, Mark::kUnreadable);
    EXPECT_EQ(Judge(item, "").mark, Mark::kUnreadable);
  });
}

TEST(BankTest, StatementsAreSometimesTrueAndSometimesFalse) {
  std::map<std::string_view, std::set<bool>> truths;
  ForAll(Kind::kTrueFalse, [&](const Template& from, const Item& item) {
    truths[from.id].insert(item.truth);
    EXPECT_EQ(Judge(item, item.truth ? "true" : "False").mark, Mark::kRight);
    const Judgement judged = Judge(item, item.truth ? "f" : "T");
    EXPECT_EQ(judged.mark, Mark::kWrong);
    EXPECT_FALSE(judged.mistake.empty());
    EXPECT_EQ(Judge(item, "perhaps").mark, Mark::kUnreadable);
  });
  for (const auto& [id, seen] : truths) EXPECT_EQ(seen.size(), 2U) << id << " always has the same answer";
}

TEST(BankTest, TopicsGoByNumberAndName) {
  for (const char* word : {"q02", "2", "02", "Q2", "allreduce", "q02_allreduce", "allr"}) {
    const auto topic = FindTopic(word);
    ASSERT_TRUE(topic.ok()) << word;
    EXPECT_EQ(topic.value().number, "q02");
  }
  for (const char* word : {"", "q", "q15", "0", "p", "nothing", "q02x"}) EXPECT_FALSE(FindTopic(word).ok()) << word;
}

}  // namespace
}  // namespace workbench::quiz
