// Part B: one call over a list of tensors, and what should come of it.
#ifndef QUESTIONS_Q05_MIXED_PRECISION_UNSCALE_CASE_H_
#define QUESTIONS_Q05_MIXED_PRECISION_UNSCALE_CASE_H_

#include <cstdint>
#include <vector>

#include "questions/q05_mixed_precision/judge.h"

namespace q05 {

struct Tensor {
  std::vector<uint32_t> codes;
  uint32_t offset = 0;  // elements from a 256-byte boundary
  bool null = false;    // nullptr; only where there are no elements
};

struct UnscaleCase {
  Format format = Format::kFloat16;
  std::vector<Tensor> tensors;
  float inverse_scale = 1;
  float found_before = 0;
  uint32_t calls = 1;
  bool graph = false;

  size_t elements() const;
};

// What a check looks at.
struct UnscaleJudged {
  bool values = false;
  bool norm = false;
  bool found = false;
  bool bounds = false;  // red zones, what lies between tensors, inputs
};

// A tensor of `count` values that are scaled gradients: value(i) in any number, rounded to the format.
template <typename Value>
Tensor MakeTensor(Format format, size_t count, const Value& value) {
  Tensor tensor;
  for (size_t i = 0; i < count; ++i) tensor.codes.push_back(EncodeNearest(format, value(i)));
  return tensor;
}

Inputs Describe(const UnscaleCase& c);

// False when a failure was recorded. `norm_bits`, if given, receives the norm as it came back.
bool JudgeUnscale(workbench::CheckContext& context, const UnscaleCase& c, const UnscaleJudged& judged,
                  uint32_t* norm_bits = nullptr);

// A case for each rank, at once; found_inf and the norms are judged, on each.
bool JudgeUnscaleRanks(workbench::CheckContext& context, const std::vector<UnscaleCase>& cases);

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_UNSCALE_CASE_H_
