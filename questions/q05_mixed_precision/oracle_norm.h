// LayerNorm, RMSNorm and softmax in double, by rows, and how far from it fp32 may be in whatever order it sums: n terms
// n 2^-24 of the sum of magnitudes, other operations a few units.
#ifndef QUESTIONS_Q05_MIXED_PRECISION_ORACLE_NORM_H_
#define QUESTIONS_Q05_MIXED_PRECISION_ORACLE_NORM_H_

#include <cstdint>
#include <vector>

#include "questions/q05_mixed_precision/oracle_formats.h"
#include "questions/q05_mixed_precision/protocol.h"

namespace q05 {

struct Bound {
  double value = 0;
  double tolerance = 0;
};

// Whether a code is a rounding of something that near.
bool Near(Format format, const Bound& bound, uint32_t code);

// One row, as doubles. What a function does not use is empty.
struct NormRow {
  std::vector<double> x, dy, gamma, beta;  // softmax's backward pass: x is y
  double mean = 0, rstd = 0;               // backward: as given
  double epsilon = 0;
};

struct NormRowExpected {
  std::vector<Bound> out;            // y or dx
  Bound mean, rstd;                  // forward
  std::vector<Bound> dgamma, dbeta;  // this row's terms; the tolerance is that of one term
};

NormRowExpected ExpectedRow(NormFunction function, const NormRow& row);

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_ORACLE_NORM_H_
