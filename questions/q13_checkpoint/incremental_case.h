// Part c's cases: what the grader asks a runner to try, and what comes back. The runner makes all inputs from the seed
// and compares with a plain model, since a case is thousands of calls on megabytes.
#ifndef QUESTIONS_Q13_CHECKPOINT_INCREMENTAL_CASE_H_
#define QUESTIONS_Q13_CHECKPOINT_INCREMENTAL_CASE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "questions/q13_checkpoint/protocol.h"

namespace q13 {

// One for each check.
enum class IncrementalScenario : int32_t {
  kHash = 0,
  kAvalanche,
  kRoundtrip,
  kChanges,
  kTensors,
  kSteps,
  kKeep,
  kCompact,
  kRestart,
  kCrash,
  kErrors,
  kBitflips,
  kStats,
  kArguments,
  kHashSpeed,
  kSaveSpeed,
  kScenarios,  // how many
};

// How much is affordable.
enum class IncrementalSize : int32_t { kChecked = 0, kCpu, kGpu, kLong };

struct IncrementalRequest {
  RequestKind kind = RequestKind::kIncremental;
  IncrementalScenario scenario = IncrementalScenario::kHash;
  uint64_t seed = 0;
  IncrementalSize size = IncrementalSize::kCpu;
  int32_t padding = 0;
};
std::vector<std::byte> Encode(const IncrementalRequest& request);
std::optional<IncrementalRequest> DecodeIncrementalRequest(std::span<const std::byte> bytes);

struct IncrementalReply {
  // What does not hold, of what comes first; empty: all holds.
  std::string property, expected, actual, detail;
  std::vector<std::pair<std::string, std::string>> inputs;

  uint64_t cases = 0;
  std::vector<std::pair<std::string, double>> figures;
  std::vector<double> seconds, others;  // of the timed call; of what it is compared with
  std::string device;
};
std::vector<std::byte> Encode(const IncrementalReply& reply);
std::optional<IncrementalReply> DecodeIncrementalReply(std::span<const std::byte> bytes);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_INCREMENTAL_CASE_H_
