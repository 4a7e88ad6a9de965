// Part A inside a runner: the answer's schedulers, driven by the simulator.
#ifndef QUESTIONS_Q07_SCHEDULING_POLICY_RANK_H_
#define QUESTIONS_Q07_SCHEDULING_POLICY_RANK_H_

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "harness/status.h"
#include "questions/q07_scheduling/policy_case.h"

namespace q07 {

class PolicyRank {
 public:
  // `library`: the dlopen handle of the implementation.
  workbench::Status Load(void* library);
  // A kPolicyRuns or kPolicyCreate request; policy_case.h has what is replied.
  workbench::Result<std::vector<std::byte>> Run(std::span<const std::byte> request);

 private:
  std::unique_ptr<Scheduler> Create(const PolicyParameters& parameters, const Workload& workload) const;

  decltype(&q07_policy_create) create_ = nullptr;
};

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_POLICY_RANK_H_
