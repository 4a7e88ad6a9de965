// Part D: one call over a list of tensors, and what should come of it.
#ifndef QUESTIONS_Q05_MIXED_PRECISION_ADAM_CASE_H_
#define QUESTIONS_Q05_MIXED_PRECISION_ADAM_CASE_H_

#include <cstdint>
#include <vector>

#include "questions/q05_mixed_precision/judge.h"
#include "questions/q05_mixed_precision/oracle_adam.h"

namespace q05 {

struct AdamWeights {
  std::vector<uint32_t> gradients;  // codes of the gradient's format
  std::vector<float> masters, first, second;
  std::vector<uint32_t> copies;  // codes, before the call
  bool has_copy = true;
  uint32_t offset = 0;  // elements from a 256-byte boundary; the copy's is one more
};

struct AdamCase {
  AdamParameters config;  // `tensors` is filled in
  std::vector<AdamWeights> tensors;
  float inverse_scale = 0;  // 0: nullptr
  float found_inf = 0;
  int64_t step = 0;    // before the call
  uint32_t calls = 1;  // one after the other, each on what the last has left
  bool graph = false;

  Format gradient_format() const { return static_cast<Format>(config.gradient_format); }
  Format copy_format() const { return static_cast<Format>(config.copy_format); }
};

struct AdamJudged {
  bool values = false;  // masters, moments, step
  bool copies = false;  // the masters that came back, rounded
  bool bounds = false;  // red zones, what lies between tensors, inputs
};

// A tensor in the middle of a training: gradients and weights around 1e-2 and 1e-1, moments to match. Gradients are
// multiplied by `scale`.
AdamWeights MakeWeights(const AdamCase& c, size_t count, double scale, Draws* draws);

Inputs Describe(const AdamCase& c);

// False when a failure was recorded. `after`, if given, becomes the case with what came back; it may be `c`.
bool JudgeAdam(workbench::CheckContext& context, const AdamCase& c, const AdamJudged& judged,
               AdamCase* after = nullptr);

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_ADAM_CASE_H_
