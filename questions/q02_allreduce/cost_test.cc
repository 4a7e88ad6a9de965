#include "questions/q02_allreduce/cost.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "questions/q02_allreduce/cost_simulation.h"

namespace q02 {
namespace {

constexpr Algorithm kAll[] = {Algorithm::kRing, Algorithm::kRecursiveDoubling, Algorithm::kHalvingDoubling,
                              Algorithm::kTree};
constexpr double kExact = 1e-9;

// A message of one segment takes 1 s and its reduction `reduction` s, when `bytes` is the number of segments.
CostModel UnitModel(int64_t ranks, double reduction) { return {ranks, 0, 1, reduction}; }

const std::vector<ChoiceCase>& Cases() {
  static const auto* const kCases = new std::vector<ChoiceCase>(ChoiceCases(1));
  return *kCases;
}

class ClosedForm : public testing::TestWithParam<int> {};

TEST_P(ClosedForm, OfStepsIsWhatTheSimulationTakes) {
  const int n = GetParam();
  const CostModel models[] = {{n, 1e-6, 1e-9, 0}, {n, 5e-6, 1e-10, 0.6e-10}, {n, 2e-7, 1e-9, 2e-9}};
  for (Algorithm algorithm : kAll) {
    if (algorithm == Algorithm::kTree || (algorithm == Algorithm::kRing && n > 130)) continue;
    for (const CostModel& model : models) {
      const uint64_t bytes = 100'003;
      const double cost = Cost(model, algorithm, bytes, 0);
      EXPECT_NEAR(SimulateAllReduce(model, algorithm, bytes, 1), cost, kExact * cost) << AlgorithmName(algorithm);
      if (n > 100) break;
    }
  }
}

TEST_P(ClosedForm, OfTheTreeIsExactForOneSegment) {
  const int n = GetParam();
  for (double reduction : {0.0, 0.4, 1.0, 1.3, 2.5}) {
    const CostModel model = UnitModel(n, reduction);
    const double cost = Cost(model, Algorithm::kTree, 1, 0);
    EXPECT_NEAR(SimulateAllReduce(model, Algorithm::kTree, 1, 1), cost, kExact * cost) << reduction;
  }
}

// While a reduction takes no longer than a message, the closed form is a bound from above, two messages high at most.
TEST_P(ClosedForm, OfTheTreeIsTwoMessagesAboveTheSimulationAtMost) {
  const int n = GetParam();
  for (int segments : {2, 3, 5, 12, 40}) {
    for (double reduction : {0.0, 0.3, 0.6, 1.0}) {
      if (n * segments > 1200) continue;
      const CostModel model = UnitModel(n, reduction);
      const double simulated = SimulateAllReduce(model, Algorithm::kTree, segments, segments);
      const double cost = Cost(model, Algorithm::kTree, segments, 1);
      EXPECT_GE(cost, simulated * (1 - kExact)) << segments << " segments, reduction " << reduction;
      EXPECT_LE(cost, simulated + (n <= 4 ? 0 : 2) + 1e-6) << segments << " segments, reduction " << reduction;
    }
  }
}

// Where the CPUs are the bottleneck, or close to it, the simulated orders lose a little to jitter.
TEST_P(ClosedForm, OfTheTreeIsCloseWhereReductionIsSlow) {
  const int n = GetParam();
  if (n == 1) return;
  for (int segments : {2, 3, 6, 10, 40}) {
    for (double reduction : {1.2, 1.6, 2.0}) {
      if (n * segments > 1200) continue;
      const CostModel model = UnitModel(n, reduction);
      const double ratio =
          Cost(model, Algorithm::kTree, segments, 1) / SimulateAllReduce(model, Algorithm::kTree, segments, segments);
      EXPECT_GE(ratio, 0.93) << segments << " segments, reduction " << reduction;
      EXPECT_LE(ratio, 1.11) << segments << " segments, reduction " << reduction;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, ClosedForm,
                         testing::Values(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 23, 31, 32, 33, 47,
                                         64, 95, 100, 127, 128, 129, 257, 512, 1000, 1023, 1024));

// Where it matters: at the sizes and segment counts at which the tree is the right choice.
TEST(Tree, ClosedFormIsTwoPercentFromTheSimulationWhereTheTreeIsBest) {
  int compared = 0;
  for (const ChoiceCase& c : Cases()) {
    if (c.best.algorithm != Algorithm::kTree || c.best.segment_bytes == 0 || c.model.ranks > 1024) continue;
    const auto segments = static_cast<int>((c.bytes + c.best.segment_bytes - 1) / c.best.segment_bytes);
    if (segments * c.model.ranks > 4'000) continue;
    EXPECT_NEAR(c.best.seconds / SimulateAllReduce(c.model, Algorithm::kTree, c.bytes, segments), 1, 0.025)
        << c.model.ranks << " ranks, " << segments << " segments";
    ++compared;
  }
  EXPECT_GE(compared, 20);
}

TEST(Cost, HandComputed) {
  const CostModel model{6, 10, 2, 1};  // p = 4, two ranks fold
  EXPECT_DOUBLE_EQ(Cost(model, Algorithm::kRing, 60, 0), 10 * 10 + 2 * 5. / 6 * 120 + 5. / 6 * 60);
  EXPECT_DOUBLE_EQ(Cost(model, Algorithm::kRecursiveDoubling, 60, 0), 2 * (10 + 120 + 60) + 2 * (10 + 120) + 60);
  EXPECT_DOUBLE_EQ(Cost(model, Algorithm::kHalvingDoubling, 60, 0), 4 * 10 + 180 + 45 + 2 * (10 + 120) + 60);
  // e = 3, c = 2; three segments of 20 bytes: a message takes 50, a reduction 20.
  EXPECT_DOUBLE_EQ(Cost(model, Algorithm::kTree, 60, 20), 3 * (50 + 50) + 2 * 20 + 2 * 3 * 50);
  EXPECT_DOUBLE_EQ(Cost(model, Algorithm::kTree, 60, 29), Cost(model, Algorithm::kTree, 60, 20));
  EXPECT_DOUBLE_EQ(Cost(model, Algorithm::kTree, 60, 0), Cost(model, Algorithm::kTree, 60, 60));
}

TEST(Cost, IsZeroForOneRankOrNoBytes) {
  for (Algorithm algorithm : kAll) {
    EXPECT_EQ(Cost({1, 1, 1, 1}, algorithm, 100, 10), 0);
    EXPECT_EQ(Cost({8, 1, 1, 1}, algorithm, 0, 0), 0);
  }
}

TEST(LowerBound, IsBelowEveryCost) {
  for (const ChoiceCase& c : Cases()) {
    const double bound = LowerBound(c.model, c.bytes) * (1 - kExact);
    for (Algorithm algorithm : kAll) {
      EXPECT_LE(bound, Cost(c.model, algorithm, c.bytes, 0));
      EXPECT_LE(bound, Cost(c.model, algorithm, c.bytes, std::max<uint64_t>(1, c.bytes / 37)));
    }
    EXPECT_LE(bound, c.best.seconds);
  }
}

TEST(BestChoice, IsTheLeastOfAllChoicesForSmallBuffers) {
  for (int64_t n : {2, 3, 5, 8, 17, 100, 4097, 65535}) {
    for (double alpha : {0.0, 0.02, 1.0, 30.0}) {
      for (double gamma : {0.0, 0.5, 1.3, 2.0}) {
        const CostModel model{n, alpha, 1, gamma};
        for (uint64_t bytes : {1, 2, 7, 100, 1009, 2000}) {
          double least = std::numeric_limits<double>::infinity();
          for (Algorithm algorithm : kAll) {
            const uint64_t sizes = algorithm == Algorithm::kTree ? bytes : 0;
            for (uint64_t segment = 0; segment <= sizes; ++segment) {
              least = std::min(least, Cost(model, algorithm, bytes, segment));
            }
          }
          const Best best = BestChoice(model, bytes);
          EXPECT_LE(best.seconds, least * (1 + 1e-4)) << n << " " << alpha << " " << gamma << " " << bytes;
          EXPECT_EQ(best.seconds, Cost(model, best.algorithm, bytes, best.segment_bytes));
        }
      }
    }
  }
}

TEST(BestChoice, IsNotBeatenByOtherSegmentsOfLargeBuffers) {
  for (const ChoiceCase& c : Cases()) {
    for (double segment = 1; segment < static_cast<double>(c.bytes); segment *= 1.07) {
      const double cost = Cost(c.model, Algorithm::kTree, c.bytes, static_cast<uint64_t>(segment));
      ASSERT_LE(c.best.seconds, cost * (1 + 1e-4)) << c.model.ranks << " ranks, " << c.bytes << " bytes, " << segment;
    }
  }
}

TEST(ChoiceCases, HaveEveryGroupAndAClearWinOfEveryAlgorithm) {
  for (uint64_t seed : {1, 2}) {
    std::map<Group, int> groups;
    std::map<Algorithm, int> clear_wins;
    std::set<int64_t> ranks;
    const std::vector<ChoiceCase> cases = ChoiceCases(seed);
    for (const ChoiceCase& c : cases) {
      ++groups[c.group];
      ranks.insert(c.model.ranks);
      double next = std::numeric_limits<double>::infinity();
      for (Algorithm algorithm : kAll) {
        if (algorithm == c.best.algorithm) continue;
        next = std::min(next, Cost(c.model, algorithm, c.bytes, algorithm == Algorithm::kTree ? c.bytes / 64 : 0));
      }
      if (next > 1.02 * c.best.seconds) ++clear_wins[c.best.algorithm];
    }
    EXPECT_GE(cases.size(), 1500u);
    for (Group group : kGroups) EXPECT_GE(groups[group], 100) << CheckId(group);
    for (Algorithm algorithm : kAll) EXPECT_GE(clear_wins[algorithm], cases.size() / 20) << AlgorithmName(algorithm);
    EXPECT_EQ(*ranks.begin(), 1);
    EXPECT_EQ(*ranks.rbegin(), 65536);
  }
}

TEST(ChoiceCases, AreTheSameForTheSameSeed) {
  const std::vector<ChoiceCase> again = ChoiceCases(1);
  ASSERT_EQ(again.size(), Cases().size());
  EXPECT_EQ(again.back().bytes, Cases().back().bytes);
  EXPECT_NE(ChoiceCases(2).back().bytes, Cases().back().bytes);
}

TEST(JudgeChoice, AcceptsTheBestAndWhatIsOnePercentWorse) {
  for (const ChoiceCase& c : Cases()) {
    const ChoiceVerdict verdict = JudgeChoice(c, {c.best.algorithm, c.best.segment_bytes});
    EXPECT_TRUE(verdict.ok) << verdict.reason;
    EXPECT_DOUBLE_EQ(verdict.ratio, 1);
    EXPECT_TRUE(verdict.reason.empty());
  }
}

TEST(JudgeChoice, AcceptsAnyChoiceWhenThereIsNothingToDo) {
  for (const CostModel& model : {CostModel{1, 1, 1, 1}, CostModel{8, 1, 1, 1}}) {
    const uint64_t bytes = model.ranks == 1 ? 100 : 0;
    const ChoiceCase c{model, bytes, Group::kSmall, BestChoice(model, bytes)};
    for (Algorithm algorithm : kAll) EXPECT_TRUE(JudgeChoice(c, {algorithm, 0}).ok);
    EXPECT_FALSE(JudgeChoice(c, {Algorithm::kTree, 101}).ok);
  }
}

TEST(JudgeChoice, RejectsNonsense) {
  const CostModel model{8, 1e-6, 1e-9, 0};
  const ChoiceCase c{model, 1 << 20, Group::kLarge, BestChoice(model, 1 << 20)};
  for (int32_t index : {-1, 4, std::numeric_limits<int32_t>::max()}) {
    const ChoiceVerdict verdict = JudgeChoice(c, {static_cast<Algorithm>(index), 0});
    EXPECT_FALSE(verdict.ok);
    EXPECT_NE(verdict.reason.find("none of the four"), std::string::npos) << verdict.reason;
  }
  EXPECT_NE(JudgeChoice(c, {Algorithm::kTree, (1 << 20) + 1}).reason.find("segments of 1048577"), std::string::npos);
  const ChoiceVerdict slow = JudgeChoice(c, {Algorithm::kTree, 1});
  EXPECT_FALSE(slow.ok);
  EXPECT_GT(slow.ratio, 100);
  EXPECT_NE(slow.reason.find("halving-doubling"), std::string::npos) << slow.reason;
  EXPECT_TRUE(JudgeChoice(c, {Algorithm::kHalvingDoubling, 1 << 30}).ok) << "the segment size is ignored";
}

}  // namespace
}  // namespace q02
