// Part E: one product, run and compared with sums in double.
#ifndef QUESTIONS_Q05_MIXED_PRECISION_GEMM_CASE_H_
#define QUESTIONS_Q05_MIXED_PRECISION_GEMM_CASE_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "questions/q05_mixed_precision/judge.h"

namespace q05 {

// 1, 0 and -1: sums that cannot go wrong on the way.
double OnesAndZeros(Draws* draws);

struct GemmCase {
  int64_t m = 0, n = 0, k = 0;
  int64_t pads[4] = {0, 0, 0, 0};         // of a, b, c, d: elements between a row's (or column's) end and the next
  uint32_t offsets[5] = {0, 0, 0, 0, 0};  // of a, b, c, d, bias: elements from a 256-byte boundary
  bool a_column_major = false, b_column_major = false;
  float alpha = 1, beta = 0;
  int32_t epilogue = 0;  // device_api.h's Epilogue
  Addend addend = Addend::kNull;
  bool c_is_nan = false;
  uint32_t calls = 1;
  bool graph = false;
  // Elements are drawn; what is between rows is NaN.
  std::function<double(Draws*)> ab = OnesAndZeros;
  std::function<double(Draws*)> c = OnesAndZeros;  // and the bias
  uint64_t seed = 0;
  // No sum in fp32, in whatever order, is rounded: one result is right. Otherwise the bound of device_api.h holds.
  bool exact = false;
};

enum class GemmProperty { kValues, kBounds, kInput };

Inputs Describe(const GemmCase& c);

// False when a failure was recorded.
bool JudgeGemm(workbench::CheckContext& context, const GemmCase& c, GemmProperty property = GemmProperty::kValues);

// D from the exact sum, before it is rounded, and how far fp32 may be from it. `magnitude`: the sum of |a b|.
struct GemmExpected {
  double value;
  double tolerance;
};
GemmExpected Finish(const GemmParameters& gemm, double sum, double magnitude, double c, double bias);

// Whether a bf16 code is a rounding of something that near.
bool Near(const GemmExpected& expected, uint32_t code);

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_GEMM_CASE_H_
