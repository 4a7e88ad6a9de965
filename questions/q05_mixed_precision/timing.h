// Performance: answer and reference in turns on data that is made on the GPU, with parts of every timed result checked.
#ifndef QUESTIONS_Q05_MIXED_PRECISION_TIMING_H_
#define QUESTIONS_Q05_MIXED_PRECISION_TIMING_H_

#include <string>

#include "questions/q05_mixed_precision/timed_case.h"

namespace q05 {

// A check's times: ratio to the reference, share of what the GPU was measured to do, marks.
class Speed {
 public:
  Speed(workbench::CheckContext& context, std::string part) : context_(context), part_(std::move(part)) {}

  // False when a failure was recorded.
  bool Time(const TimedCase& timed);
  // Marks: the mean over the cases.
  void Finish();

 private:
  bool Measure();
  bool Sample(const TimedCase& timed, uint64_t seed, bool reference, double* median);

  workbench::CheckContext& context_;
  std::string part_;
  Ceilings ceilings_;
  bool measured_ = false;
  double fraction_ = 0;
  int cases_ = 0;
  std::string detail_;
};

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_TIMING_H_
