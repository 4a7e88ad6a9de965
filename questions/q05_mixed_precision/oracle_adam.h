// One element's step of Adam or AdamW in double, and how far from it fp32 may be (device_api.h: 4 ulp of the largest
// term).
#ifndef QUESTIONS_Q05_MIXED_PRECISION_ORACLE_ADAM_H_
#define QUESTIONS_Q05_MIXED_PRECISION_ORACLE_ADAM_H_

#include <cstdint>

#include "questions/q05_mixed_precision/protocol.h"

namespace q05 {

struct AdamElement {
  double master = 0, first = 0, second = 0;
};

struct AdamExpected {
  AdamElement value;
  AdamElement tolerance;
};

// 1 - beta^step.
double BiasCorrection(double beta, int64_t step);

// Spacing of fp32 numbers at |value|.
double FloatUlp(double value);

// `gradient` is unscaled; `step` is that after the step, t.
AdamExpected AdamStep(const AdamParameters& config, int64_t step, double gradient, const AdamElement& before);

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_ORACLE_ADAM_H_
