// Runs an answer's policies and judges them: the way from a case to a finding.
#ifndef QUESTIONS_Q07_SCHEDULING_POLICY_SUITE_H_
#define QUESTIONS_Q07_SCHEDULING_POLICY_SUITE_H_

#include <string>
#include <vector>

#include "grader/question.h"
#include "questions/q07_scheduling/policy_case.h"

namespace q07 {

struct JudgedRun {
  SimulationResult result;  // of the replay
  RunnerReply runner;
};

// What is wrong with what the runner says of a run.
struct PolicyProblem {
  bool found = false;
  Violation violation;
  std::string expected;
  std::string situation;
};

// Judges one run; *result is that of the replay.
PolicyProblem JudgePolicyRun(const PolicyRun& run, const RunnerReply& reply, SimulationResult* result);

// Runs the case and judges each of its runs. A run that is wrong is made smaller before it is reported. False when a
// failure was recorded. `judged` may be nullptr. `source`: what the workloads are, for the report.
bool JudgePolicies(workbench::CheckContext& context, const PolicyCase& policy_case, const std::string& source,
                   std::vector<JudgedRun>* judged = nullptr);

// Runs the case; the replies are not judged but for being there. False when a failure was recorded.
bool RunPolicies(workbench::CheckContext& context, const PolicyCase& policy_case, double deadline_seconds,
                 const workbench::CheckContext::Inputs& inputs, std::vector<PolicyReply>* replies);

// For a finding's input: the policy, the cluster and the jobs if they are few.
workbench::CheckContext::Inputs Describe(const PolicyRun& run, const std::string& source);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_POLICY_SUITE_H_
