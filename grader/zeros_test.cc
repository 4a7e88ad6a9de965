// An answer that writes zeros must fail every check that looks at values.
//
// Usage: zeros_test EXEMPT GRADER FLAG...   EXEMPT: ids, separated by commas, of the checks that zeros may pass
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace {

std::vector<std::string> g_exempt;
std::string g_command;

TEST(ZerosTest, FailEveryCheckThatLooksAtValues) {
  const std::string path = testing::TempDir() + "zeros.json";
  // The grader exits with 1: the answer is not right.
  ASSERT_NE(std::system((g_command + " '--json=" + path + "'").c_str()), 0);
  std::ifstream file(path);
  ASSERT_TRUE(file) << path << " was not written";
  const nlohmann::json result = nlohmann::json::parse(file);
  std::vector<std::string> seen;
  int judged = 0;
  for (const auto& check : result["checks"]) {
    const std::string id = check["id"], verdict = check["verdict"];
    seen.push_back(id);
    if (std::find(g_exempt.begin(), g_exempt.end(), id) != g_exempt.end()) continue;
    ++judged;
    // Nor may it be excused: a crash of the answer or a fault of the grader would hide what the check makes of zeros.
    EXPECT_EQ(verdict, "wrong") << id;
    EXPECT_EQ(check["earned"], 0) << id;
  }
  EXPECT_GE(judged, 3);
  for (const std::string& id : g_exempt) {
    EXPECT_NE(std::find(seen.begin(), seen.end(), id), seen.end()) << id << " is exempt, and is no check";
  }
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc < 3) return 2;
  std::istringstream exempt(argv[1]);
  for (std::string id; std::getline(exempt, id, ',');) g_exempt.push_back(id);
  for (int i = 2; i < argc; ++i) g_command += " '" + std::string(argv[i]) + "'";
  return RUN_ALL_TESTS();
}
