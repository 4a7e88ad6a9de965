#include "grader/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>

namespace workbench {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(EnvironmentTest, NamesWhatEveryLinuxKnows) {
  std::map<std::string, std::string> facts;
  for (const auto& [name, value] : DescribeEnvironment(false)) facts[name] = value;
  EXPECT_TRUE(std::regex_match(facts["cores"], std::regex("[1-9][0-9]*( of [0-9]+)?"))) << facts["cores"];
  EXPECT_TRUE(std::regex_match(facts["memory"], std::regex("[0-9.]+ GiB"))) << facts["memory"];
  EXPECT_THAT(facts["kernel"], HasSubstr("Linux "));
  EXPECT_THAT(facts["compiler"], Not(testing::IsEmpty()));
}

TEST(EnvironmentTest, WithoutAGpuNothingIsSaidOfOne) {
  for (const auto& [name, value] : DescribeEnvironment(false)) {
    EXPECT_THAT(name, Not(HasSubstr("GPU")));
    EXPECT_THAT(name, Not(HasSubstr("CUDA")));
    EXPECT_THAT(name, Not(HasSubstr("NCCL")));
  }
}

TEST(EnvironmentTest, TheDateIsInUtc) {
  EXPECT_TRUE(
      std::regex_match(UtcDate(), std::regex("20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]Z")))
      << UtcDate();
}

}  // namespace
}  // namespace workbench
