// Part A's cases: workloads and the policies that run them. A kPolicyRuns request has a number of runs, done one after
// the other in one process; the reply has for each whether the answer made a scheduler, and the runner's account of the
// run. A kPolicyCreate request has configurations alone; the reply has a byte for each: 1 if a scheduler was made.
#ifndef QUESTIONS_Q07_SCHEDULING_POLICY_CASE_H_
#define QUESTIONS_Q07_SCHEDULING_POLICY_CASE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "questions/q07_scheduling/api.h"
#include "questions/q07_scheduling/decision_log.h"
#include "questions/q07_scheduling/protocol.h"
#include "questions/q07_scheduling/simulator.h"

namespace q07 {

// A PolicyConfig that owns what it has.
struct PolicyParameters {
  Policy policy = Policy::kFifo;
  std::vector<int64_t> thresholds;
  Time ageing_interval = 0;
  int32_t backfill_depth = 100;
};

struct PolicyRun {
  PolicyParameters parameters;
  Workload workload;
};

struct PolicyCase {
  // The second run takes place within the first one, before its tenth Decide; the fourth within the third, and so on.
  bool nested = false;
  std::vector<PolicyRun> runs;
};

struct PolicyReply {
  bool created = false;
  RunnerReply run;
};

std::vector<std::byte> EncodePolicyCase(const PolicyCase& policy_case);
std::vector<std::byte> EncodePolicyCreate(const std::vector<PolicyParameters>& configurations);

// False for bytes that are none. `request` begins with its kind.
bool DecodePolicyCase(std::span<const std::byte> request, PolicyCase* policy_case);
bool DecodePolicyCreate(std::span<const std::byte> request, std::vector<PolicyParameters>* configurations);

std::vector<std::byte> EncodePolicyReplies(const std::vector<PolicyReply>& replies);
// False for bytes that are not the replies to `runs` runs.
bool DecodePolicyReplies(std::span<const std::byte> bytes, size_t runs, std::vector<PolicyReply>* replies);

std::string Name(Policy policy);  // "kFifo"

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_POLICY_CASE_H_
