// For the oracle tests: an item's answer against one that was found without the bank's formulas.
#ifndef HARNESS_QUIZ_ORACLE_H_
#define HARNESS_QUIZ_ORACLE_H_

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "harness/quiz/bank.h"

namespace workbench::quiz {

using Given = std::map<std::string, double>;

// Compares over many seeds. The oracle gets the parameters and the prompt, and returns the answer in base units.
inline void Compare(std::string_view id, const std::function<double(const Given&, const std::string&)>& oracle,
                    double tolerance = 1e-9, uint64_t seeds = 200) {
  bool found = false;
  for (const Template& from : Bank()) {
    if (from.id != id) continue;
    found = true;
    for (uint64_t seed = 0; seed < seeds; ++seed) {
      const Item item = MakeItem(from, seed);
      const double expected = oracle(item.given, item.prompt);
      const double actual = item.kind == Kind::kTrueFalse ? item.truth : item.answer;
      ASSERT_NEAR(actual, expected, tolerance * std::fabs(expected)) << id << " seed " << seed << ": " << item.prompt;
    }
  }
  ASSERT_TRUE(found) << "no template " << id;
}

}  // namespace workbench::quiz

#endif  // HARNESS_QUIZ_ORACLE_H_
