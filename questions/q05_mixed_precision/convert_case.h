// Part A: one conversion, run and compared with the oracle.
#ifndef QUESTIONS_Q05_MIXED_PRECISION_CONVERT_CASE_H_
#define QUESTIONS_Q05_MIXED_PRECISION_CONVERT_CASE_H_

#include <cstdint>
#include <vector>

#include "questions/q05_mixed_precision/judge.h"

namespace q05 {

inline constexpr Format kSmallFormats[] = {Format::kFloat16, Format::kBFloat16, Format::kE4M3, Format::kE5M2};

struct ConvertCase {
  Format from = Format::kFloat32;
  Format to = Format::kFloat32;
  std::vector<uint32_t> in;  // codes of `from`
  bool saturate = false;
  bool stochastic = false;
  uint64_t seed = 0;
  uint32_t in_offset = 0;  // elements from a 256-byte boundary
  uint32_t out_offset = 0;
  uint32_t calls = 1;
  bool graph = false;
};

enum class ConvertProperty { kValues, kBounds, kInput };

Inputs Describe(const ConvertCase& c);

// The codes that come out; false if the call failed.
bool RunConvert(workbench::CheckContext& context, const ConvertCase& c, Answer* answer, std::vector<uint32_t>* out);

// Runs it, to nearest even, and judges one property. False when a failure was recorded.
bool JudgeConvert(workbench::CheckContext& context, const ConvertCase& c,
                  ConvertProperty property = ConvertProperty::kValues);

// fp32 to `format` for all 2^32 numbers.
bool JudgeAllBits(workbench::CheckContext& context, Format format, bool saturate);

// The check a.stochastic.
void CheckStochastic(workbench::CheckContext& context);

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_CONVERT_CASE_H_
