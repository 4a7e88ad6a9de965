// Part C's cases: a configuration and a sequence of operations on scalers made from it; the reply has a record for each
// operation, with the calls that the scaler made to the judge's optimisers. Trivially copyable.
#ifndef QUESTIONS_Q05_MIXED_PRECISION_SCALER_CASE_H_
#define QUESTIONS_Q05_MIXED_PRECISION_SCALER_CASE_H_

#include <cstdint>

#include "questions/q05_mixed_precision/api.h"
#include "questions/q05_mixed_precision/protocol.h"

namespace q05 {

inline constexpr int kMaxOptimizers = 4;
// Scalers that live at once, and as many places for saved states.
inline constexpr int kScalers = 2;
// Calls that are recorded of one operation; more are only counted.
inline constexpr uint32_t kMaxCalls = 32;

enum class ScalerOp : int32_t {
  kCreate = 0,   // scaler `scaler` from the request's configuration; the one that was there is destroyed
  kStep = 1,     // `optimizers` optimisers, of which bit i of `overflow` says whether optimiser i has one
  kSave = 2,     // scaler's state into place `place`, and into the reply
  kRestore = 3,  // scaler's state from place `place`
  kGiven = 4,    // scaler's state from the operation's `state`
};

struct ScalerOperation {
  ScalerOp op = ScalerOp::kStep;
  int32_t scaler = 0;
  int32_t place = 0;
  int32_t optimizers = 1;
  uint32_t overflow = 0;
  int32_t padding = 0;
  double max_norm = 0;
  double norm[kMaxOptimizers] = {1, 1, 1, 1};  // what Unscale tells; NaN where there is overflow
  ScalerState state = {};
};

// Followed by any number of ScalerOperation.
struct ScalerRequest {
  RequestKind kind = RequestKind::kScaler;
  int32_t padding = 0;
  ScalerConfig config;
};

enum class OptimizerCall : int32_t { kUnscale = 0, kClip = 1, kStep = 2 };

struct RecordedCall {
  OptimizerCall call = OptimizerCall::kUnscale;
  int32_t optimizer = 0;
  double argument = 0;  // inverse scale or factor
};

// For each operation; followed by min(calls, kMaxCalls) RecordedCall.
struct ScalerRecord {
  Result result = Result::kOk;
  uint32_t calls = 0;
  double scale = 0;        // afterwards; 0: none was made; -1: *scaler was not set as api.h says
  ScalerState state = {};  // afterwards, if the operation was kSave
};

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_SCALER_CASE_H_
