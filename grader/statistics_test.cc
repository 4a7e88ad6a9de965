#include "grader/statistics.h"

#include <gtest/gtest.h>

namespace workbench {
namespace {

TEST(MedianTest, OfNothingIsNan) { EXPECT_TRUE(std::isnan(Median({}))); }

TEST(MedianTest, IsTheMiddleValue) {
  EXPECT_EQ(Median({5}), 5);
  EXPECT_EQ(Median({9, 1, 5}), 5);
  EXPECT_EQ(Median({3, 3, 3, 100, -100}), 3);
}

TEST(MedianTest, OfAnEvenNumberIsTheMeanOfTheTwoMiddleOnes) {
  EXPECT_EQ(Median({2, 1}), 1.5);
  EXPECT_EQ(Median({10, 1, 4, 2}), 3);
}

TEST(MedianTest, IsNotMovedByOneOutlier) {
  EXPECT_EQ(Median({1, 2, 3, 4, std::numeric_limits<double>::infinity()}), 3);
}

TEST(MedianTest, LeavesItsArgumentAlone) {
  const std::vector<double> values = {3, 1, 2};
  (void)Median(values);
  EXPECT_EQ(values, (std::vector<double>{3, 1, 2}));
}

TEST(PercentileTest, IsTheNearestRankAndAlwaysAValueThatOccurred) {
  EXPECT_TRUE(std::isnan(Percentile({}, 50)));
  EXPECT_EQ(Percentile({7}, 1), 7);
  EXPECT_EQ(Percentile({4, 1, 3, 2}, 50), 2);
  EXPECT_EQ(Percentile({4, 1, 3, 2}, 51), 3);
  EXPECT_EQ(Percentile({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 10), 1);
  EXPECT_EQ(Percentile({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 90), 9);
  EXPECT_EQ(Percentile({1, 2, 3}, 100), 3);
}

TEST(MedianWithIntervalTest, TakesTheOrderStatisticsOfTheBinomial) {
  // Of 11 values the second and the tenth: 1 - 2 * 12 / 2048 = 98.8 %; the third and ninth would hold 93.5 %.
  const MedianInterval eleven = MedianWithInterval({11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1});
  EXPECT_EQ(eleven.median, 6);
  EXPECT_EQ(eleven.low, 2);
  EXPECT_EQ(eleven.high, 10);
  // Of six all: 1 - 2 / 64 = 96.9 %. Of fewer nothing reaches 95 %.
  const MedianInterval six = MedianWithInterval({1, 2, 3, 4, 5, 6});
  EXPECT_EQ(six.low, 1);
  EXPECT_EQ(six.high, 6);
  const MedianInterval one = MedianWithInterval({3});
  EXPECT_EQ(one.low, 3);
  EXPECT_EQ(one.high, 3);
}

}  // namespace
}  // namespace workbench
