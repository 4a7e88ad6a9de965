// The CommonMark specification's own examples come out as cmark renders them. They are read from where a Debian package
// has them; without it the test skips itself (cmark_test.cc has examples of our own).
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "docs/render/cmark_reference.h"

namespace workbench {
namespace {

constexpr char kExamples[] = "/usr/share/gocode/src/github.com/yuin/goldmark/_test/spec.json";
constexpr char kPackage[] = "golang-github-yuin-goldmark-dev";

TEST(CommonMark, ExamplesOfTheSpecification) {
  std::ifstream file(kExamples);
  if (!file) GTEST_SKIP();
  const nlohmann::json examples = nlohmann::json::parse(file);
  ASSERT_GT(examples.size(), 600u) << kExamples;
  for (const nlohmann::json& example : examples) {
    const std::string markdown = example["markdown"];
    for (const bool unsafe : {true, false}) {
      EXPECT_EQ(RenderedByUs(markdown, unsafe), RenderedByCmark(markdown, unsafe))
          << "example " << example["example"] << ", " << example["section"] << ":\n"
          << markdown;
    }
  }
}

}  // namespace
}  // namespace workbench

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const int result = RUN_ALL_TESTS();
  if (!std::ifstream(workbench::kExamples)) {
    std::printf("SKIPPED: the specification's examples are not here: apt-get install %s\n", workbench::kPackage);
  }
  return result;
}
