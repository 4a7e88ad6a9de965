// Part C's oracle: what an iteration does to the scale, told by lengths of runs rather than by counters that are reset,
// and sequences of scales that the original implementations are known to give.
#ifndef QUESTIONS_Q05_MIXED_PRECISION_SCALER_ORACLE_H_
#define QUESTIONS_Q05_MIXED_PRECISION_SCALER_ORACLE_H_

#include <string>
#include <vector>

#include "questions/q05_mixed_precision/api.h"

namespace q05 {

class ScalerOracle {
 public:
  explicit ScalerOracle(const ScalerConfig& config) : config_(config), scale_(config.initial_scale) {}

  double scale() const { return scale_; }
  // One iteration; what q05_scaler_step returns.
  Result Iterate(bool overflow);
  ScalerState state() const;

 private:
  bool Grows() const;

  ScalerConfig config_;
  double scale_;
  int64_t iterations_ = 0;
  int64_t last_overflow_ = -1;
  int64_t run_ = 0;    // iterations without overflow since the last one with
  int64_t spent_ = 0;  // overflows since the hysteresis was last refilled
};

// One character an iteration: 'x' with overflow, '.' without.
struct RecordedSequence {
  std::string source;
  ScalerConfig config;
  std::string iterations;
  std::vector<double> scales;  // after each
};

// torch.amp.GradScaler's.
std::vector<RecordedSequence> TorchSequences();
// DeepSpeed's: growth after overflow.
std::vector<RecordedSequence> DeepSpeedSequences();
// DeepSpeed's: falling to the floor.
std::vector<RecordedSequence> DeepSpeedFloorSequences();
// DeepSpeed's: delayed_shift and consecutive_hysteresis.
std::vector<RecordedSequence> DeepSpeedHysteresisSequences();

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_SCALER_ORACLE_H_
