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

}  // namespace
}  // namespace workbench
