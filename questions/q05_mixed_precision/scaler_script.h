// A sequence of operations on scalers, done by oracles as it is written down, and compared with what an answer does.
#ifndef QUESTIONS_Q05_MIXED_PRECISION_SCALER_SCRIPT_H_
#define QUESTIONS_Q05_MIXED_PRECISION_SCALER_SCRIPT_H_

#include <string>
#include <vector>

#include "grader/question.h"
#include "questions/q05_mixed_precision/scaler_case.h"
#include "questions/q05_mixed_precision/scaler_oracle.h"

namespace q05 {

// What a check looks at, so that each has its own matter. Results of all calls but q05_scaler_step always count.
enum ScalerAspect : unsigned { kScale = 1, kResult = 2, kCalls = 4, kState = 8, kAll = 15 };

// What is expected of an operation.
struct ScalerExpectation {
  ScalerRecord record;
  std::vector<RecordedCall> calls;  // of the first optimiser, then of the second...
};

class ScalerScript {
 public:
  explicit ScalerScript(const ScalerConfig& config);

  void Create(int scaler);
  void Step(const ScalerOperation& operation);
  // With one optimiser; 'x' is an iteration with overflow.
  void Steps(const std::string& iterations, int scaler = 0);
  void Save(int scaler, int place);
  void Restore(int scaler, int place);
  // A state that scaler 0 has to refuse.
  void Refuse(const ScalerState& state);

  ScalerState state(int scaler) const { return oracles_[static_cast<size_t>(scaler)].state(); }
  const ScalerConfig& config() const { return config_; }
  const std::vector<ScalerOperation>& operations() const { return operations_; }
  const ScalerExpectation& expected(size_t operation) const { return expected_[operation]; }
  // "..x": the last iterations of an operation's scaler up to it.
  const std::string& iterations(size_t operation) const { return iterations_[operation]; }

 private:
  ScalerExpectation Same(int scaler) const;
  void Add(const ScalerOperation& operation, const ScalerExpectation& expected);

  ScalerConfig config_;
  std::vector<ScalerOracle> oracles_, saved_;
  std::vector<ScalerOperation> operations_;
  std::vector<ScalerExpectation> expected_;
  std::vector<std::string> history_;     // of each scaler
  std::vector<std::string> iterations_;  // of each operation
};

// Runs it and compares. False when a failure was recorded. `source`: where the sequence is from, for the report.
bool JudgeScaler(workbench::CheckContext& context, const ScalerScript& script, unsigned aspects,
                 const std::string& source = "");

// q05_scaler_create refuses the configuration. False when a failure was recorded.
bool JudgeRefused(workbench::CheckContext& context, const ScalerConfig& config, const std::string& what);

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_SCALER_SCRIPT_H_
