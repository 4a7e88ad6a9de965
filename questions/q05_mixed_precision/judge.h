// What the checks of all device parts share: running a call, and saying what was wrong with it.
#ifndef QUESTIONS_Q05_MIXED_PRECISION_JUDGE_H_
#define QUESTIONS_Q05_MIXED_PRECISION_JUDGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "grader/inputs.h"
#include "grader/question.h"
#include "harness/device/device_call.h"
#include "questions/q05_mixed_precision/oracle_formats.h"
#include "questions/q05_mixed_precision/protocol.h"

namespace q05 {

using Inputs = workbench::CheckContext::Inputs;

// Random numbers of a check, one after another.
class Draws {
 public:
  explicit Draws(uint64_t seed) : state_(workbench::Mix(seed)) {}
  Draws(const workbench::CheckContext& context, uint64_t salt) : Draws(context.seed() ^ (salt << 32)) {}
  uint64_t Next() { return state_ = workbench::Mix(state_); }
  uint64_t Below(uint64_t limit) { return Next() % limit; }
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1p-53; }  // in [0, 1)
  double Signed() { return 2 * Uniform() - 1; }
  double Normal();

 private:
  uint64_t state_;
};

// `most` where kernels run on a GPU, less on a CPU, still less with host mode's checks.
size_t Affordable(const workbench::CheckContext& context, size_t gpu, size_t cpu, size_t checked);

// What came back from one rank.
struct Answer {
  workbench::CallOutcome outcome;
  std::vector<std::byte> reply;

  // Output `buffer` of the call.
  const std::byte* Bytes(const workbench::DeviceCall& call, int buffer) const {
    return reply.data() + call.ReplyOffset(buffer);
  }
  template <typename T>
  std::vector<T> Output(const workbench::DeviceCall& call, int buffer) const {
    return ReadAll<T>(reply, call.ReplyOffset(buffer), call.spec(buffer).bytes / sizeof(T));
  }
};

// "q05_convert" for RequestKind::kConvert, and so on.
const char* FunctionName(RequestKind kind);

// Runs the call in one process; false, and the check has its finding, unless it returned cudaSuccess and the device
// agreed.
bool RunCall(workbench::CheckContext& context, const std::string& part, RequestKind kind,
             const workbench::DeviceCall& call, std::span<const std::byte> parameters, const Inputs& inputs,
             Answer* answer);
template <typename Parameters>
bool RunCall(workbench::CheckContext& context, const std::string& part, RequestKind kind,
             const workbench::DeviceCall& call, const Parameters& parameters, const Inputs& inputs, Answer* answer) {
  return RunCall(context, part, kind, call, std::as_bytes(std::span(&parameters, 1)), inputs, answer);
}

// The call must return cudaErrorInvalidValue (and may do nothing).
template <typename Parameters>
bool MustRefuse(workbench::CheckContext& context, const std::string& part, RequestKind kind,
                const workbench::DeviceCall& call, const Parameters& parameters, const Inputs& inputs);

// Each records a finding and returns false where it does not hold.
bool NoCallError(workbench::CheckContext& context, RequestKind kind, int32_t error, const char* name,
                 const Inputs& inputs);
bool ZonesIntact(workbench::CheckContext& context, const Answer& answer, const std::vector<std::string>& names,
                 const Inputs& inputs);
bool InputsIntact(workbench::CheckContext& context, const Answer& answer, const std::vector<std::string>& names,
                  const Inputs& inputs);

workbench::Finding NewFinding(std::string property, const Inputs& inputs);

// Collects wrong elements of an output; the first is told.
class Mismatches {
 public:
  void Add(uint64_t index, std::string expected, std::string actual) {
    if (count_++ == 0) first_ = {index, std::move(expected), std::move(actual)};
  }
  bool any() const { return count_ > 0; }
  bool first_time() const { return count_ == 0; }
  // Counts without words, once the first is known.
  void Count() { ++count_; }
  // True where there are none.
  bool Judge(workbench::CheckContext& context, const std::string& property, const Inputs& inputs, uint64_t total,
             const std::string& detail = "") const;

 private:
  struct First {
    uint64_t index = 0;
    std::string expected, actual;
  };
  uint64_t count_ = 0;
  First first_;
};

// "1.25e-07", with digits to tell floats apart.
std::string Number(double value);

// ---- Implementation

bool MustRefuseBytes(workbench::CheckContext& context, const std::string& part, RequestKind kind,
                     const std::vector<std::byte>& request, const Inputs& inputs);

template <typename Parameters>
bool MustRefuse(workbench::CheckContext& context, const std::string& part, RequestKind kind,
                const workbench::DeviceCall& call, const Parameters& parameters, const Inputs& inputs) {
  return MustRefuseBytes(context, part, kind, call.Pack(static_cast<uint32_t>(kind), parameters), inputs);
}

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_JUDGE_H_
