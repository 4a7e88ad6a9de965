// Part F: one call on rows, and what should come of it.
#ifndef QUESTIONS_Q05_MIXED_PRECISION_NORM_CASE_H_
#define QUESTIONS_Q05_MIXED_PRECISION_NORM_CASE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "questions/q05_mixed_precision/judge.h"
#include "questions/q05_mixed_precision/oracle_norm.h"

namespace q05 {

struct NormCase {
  NormFunction function = NormFunction::kLayerNorm;
  Format format = Format::kBFloat16;
  int64_t rows = 0, hidden = 0;
  float epsilon = 1e-5f;
  uint32_t offset = 0;  // elements from a 256-byte boundary, of all buffers of 16-bit elements
  uint32_t calls = 1;
  bool graph = false;
  uint64_t seed = 0;
  // Element i of row r; rounded to the format.
  std::function<double(Draws* draws, int64_t r, int64_t i)> x = [](Draws* draws, int64_t, int64_t) {
    return draws->Normal();
  };
  std::function<double(Draws* draws)> dy = [](Draws* draws) { return draws->Normal(); };
};

struct NormJudged {
  bool values = true;
  bool coarse = false;  // values to 2 % of the largest in the row
  bool bounds = false;  // red zones and inputs
};

// "q05_layer_norm", ...
const char* NameOf(NormFunction function);
bool IsBackward(NormFunction function);
// A buffer of the call is one of these.
enum class Role { kX, kDy, kGamma, kBeta, kGivenMean, kGivenRstd, kOut, kMean, kRstd, kDgamma, kDbeta };
// In the order of the arguments.
std::vector<Role> RolesOf(NormFunction function);

Inputs Describe(const NormCase& c);

// False when a failure was recorded. `outputs`, if given, receives all outputs' bytes.
bool JudgeNorm(workbench::CheckContext& context, const NormCase& c, const NormJudged& judged,
               std::vector<std::byte>* outputs = nullptr);

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_NORM_CASE_H_
