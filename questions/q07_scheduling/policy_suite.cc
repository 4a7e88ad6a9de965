#include "questions/q07_scheduling/policy_suite.h"

#include <map>
#include <utility>

#include "questions/q07_scheduling/policy_judge.h"
#include "questions/q07_scheduling/shrink.h"

namespace q07 {
namespace {

using workbench::CheckContext;
using workbench::Finding;

constexpr double kDeadlineSeconds = 60;
constexpr int kShrinkAttempts = 300;
constexpr size_t kJobsInWords = 12;

std::string Number(int64_t value) { return std::to_string(value); }

std::string PropertyOf(const std::string& rule, Policy policy) {
  static const std::map<std::string, std::string> properties = {
      {"wrong_jobs", "after Decide the jobs run that " + std::string("%") + " wants"},
      {"needless_preemption", "a job that is to go on running is left alone, and % preempts no other than it has to"},
      {"promise_missing", "% promises what it has reserved"},
      {"promise_wrong", "% promises the times that it has reserved"},
      {"over_allocation", "no more is used than the cluster has"},
      {"dead_node", "jobs start on nodes that exist and are up"},
      {"gang_incomplete", "a job starts with all its members"},
      {"not_queued", "only a job that is queued is started or promised a start"},
      {"not_running", "only a job that runs is preempted"},
      {"not_preemptible", "only a preemptible job is preempted"},
      {"started_now", "a job that starts in a Decide is not preempted in it"},
      {"clock", "actions are taken in Decide, promises are for the future"},
      {"promise_broken", "a promised job starts by the time that it was promised"},
      {"promise_later", "a promise is not followed by a later one"},
      {"promise_unfounded", "nothing is promised where jobs are not killed at their estimates"},
      {"stuck", "a job that fits an empty cluster starts some day"},
      {"out_of_time", "all jobs end"},
      {"littles_law", "the mean number of jobs is their rate times their mean time"},
  };
  const auto found = properties.find(rule);
  std::string property = found == properties.end() ? "the run can be repeated from its decisions" : found->second;
  const size_t place = property.find('%');
  if (place != std::string::npos) property.replace(place, 1, Name(policy));
  return property;
}

// L = lambda W, times the length of the run: the same sum over time as over jobs.
bool KeepsLittlesLaw(const PolicyRun& run, const SimulationResult& result, const PolicyOracle& oracle) {
  std::map<JobId, Time> ended;
  int64_t ran = 0, in_system = 0;
  for (const Run& one : result.runs) {
    ran += one.end - one.start;
    ended[one.job] = one.end;
  }
  for (const TrueJob& truth : run.workload.jobs) in_system += ended[truth.job.id] - truth.job.submit;
  return in_system == oracle.job_time() && in_system - ran == oracle.queue_time();
}

}  // namespace

PolicyProblem JudgePolicyRun(const PolicyRun& run, const RunnerReply& reply, SimulationResult* result) {
  PolicyOracle oracle(run.parameters);
  *result = Replay(run.workload, reply.log, &oracle);
  PolicyProblem problem;
  if (!result->broken && result->ending == Ending::kDone && KeepsLittlesLaw(run, *result, oracle)) return problem;
  problem.found = true;
  problem.violation = result->violation;
  if (result->ending == Ending::kStuck || result->ending == Ending::kOutOfTime) {
    const bool stuck = result->ending == Ending::kStuck;
    problem.violation = {result->end, result->queued.empty() ? 0 : result->queued[0], stuck ? "stuck" : "out_of_time",
                         Number(static_cast<int64_t>(result->queued.size())) + " jobs are still queued at " +
                             Number(result->end) + (stuck ? ", and nothing is left to happen" : "")};
  } else if (!result->broken) {
    problem.violation = {result->end, 0, "littles_law", "the two sums differ"};
  } else if (result->violation.rule == "log_short" && reply.broken) {
    // What is not in the log, since it was done outside of Decide: the runner saw it.
    problem.violation = reply.violation;
  } else {
    PolicyOracle again(run.parameters, true);
    Replay(run.workload, reply.log, &again);
    problem.expected = again.expected();
    problem.situation = again.Situation();
  }
  return problem;
}

CheckContext::Inputs Describe(const PolicyRun& run, const std::string& source) {
  const Workload& workload = run.workload;
  CheckContext::Inputs inputs = {{"policy", Name(run.parameters.policy)}};
  if (!source.empty()) inputs.emplace_back("workload", source);
  if (run.parameters.policy == Policy::kLeastAttained) {
    std::string thresholds;
    for (const int64_t threshold : run.parameters.thresholds) thresholds += " " + Number(threshold);
    inputs.emplace_back("thresholds", thresholds.empty() ? "none" : thresholds.substr(1));
  }
  if (run.parameters.policy == Policy::kPriority) {
    inputs.emplace_back("ageing_interval", Number(run.parameters.ageing_interval));
  }
  if (run.parameters.policy == Policy::kEasy) {
    inputs.emplace_back("backfill_depth", Number(run.parameters.backfill_depth));
  }
  inputs.emplace_back("gpu_milli of the node", Number(workload.nodes[0].capacity.gpu_milli));
  if (workload.kill_at_estimate) inputs.emplace_back("kill_at_estimate", "true");
  if (workload.tick > 0) inputs.emplace_back("tick", Number(workload.tick));
  inputs.emplace_back("jobs", Number(static_cast<int64_t>(workload.jobs.size())));
  for (size_t i = 0; i < workload.jobs.size() && workload.jobs.size() <= kJobsInWords; ++i) {
    const TrueJob& truth = workload.jobs[i];
    std::string text = "submitted at " + Number(truth.job.submit) + ", needs " + Number(truth.job.demand.gpu_milli) +
                       ", runs for " + Number(truth.duration);
    text += truth.job.estimate == kUnknown ? ", no estimate" : ", estimate " + Number(truth.job.estimate);
    if (run.parameters.policy == Policy::kPriority) text += ", priority " + Number(truth.job.priority);
    for (const Time failure : truth.failures) text += ", fails after " + Number(failure);
    inputs.emplace_back("job " + Number(truth.job.id), text);
  }
  return inputs;
}

bool RunPolicies(CheckContext& context, const PolicyCase& policy_case, double deadline_seconds,
                 const CheckContext::Inputs& inputs, std::vector<PolicyReply>* replies) {
  CheckContext::Replies bytes;
  if (!context.Run("a", 0, EncodePolicyCase(policy_case), deadline_seconds, inputs, &bytes)) return false;
  if (!DecodePolicyReplies(bytes[0], policy_case.runs.size(), replies)) {
    Finding finding;
    finding.property = "the runner's reply can be read";
    finding.input = inputs;
    finding.expected = "a log for each run";
    finding.actual = "other bytes: the answer has written to memory that is not its own";
    context.Fail(finding);
    return false;
  }
  for (size_t i = 0; i < replies->size(); ++i) {
    if ((*replies)[i].created) continue;
    Finding finding;
    finding.property = "q07_policy_create makes a scheduler of every policy";
    finding.input = Describe(policy_case.runs[i], "");
    finding.expected = "a scheduler";
    finding.actual = "nullptr";
    context.Fail(finding);
    return false;
  }
  return true;
}

bool JudgePolicies(CheckContext& context, const PolicyCase& policy_case, const std::string& source,
                   std::vector<JudgedRun>* judged) {
  if (judged != nullptr) judged->clear();
  std::vector<PolicyReply> replies;
  CheckContext::Inputs inputs = {{"runs", Number(static_cast<int64_t>(policy_case.runs.size()))}};
  if (!source.empty()) inputs.emplace_back("workload", source);
  if (policy_case.runs.size() == 1) inputs = Describe(policy_case.runs[0], source);
  if (!RunPolicies(context, policy_case, kDeadlineSeconds, inputs, &replies)) return false;
  for (size_t i = 0; i < policy_case.runs.size(); ++i) {
    PolicyRun run = policy_case.runs[i];
    SimulationResult result;
    PolicyProblem problem = JudgePolicyRun(run, replies[i].run, &result);
    if (!problem.found) {
      if (judged != nullptr) judged->push_back({std::move(result), std::move(replies[i].run)});
      continue;
    }
    const size_t jobs = run.workload.jobs.size();
    const auto judge_again = [&](const Workload& workload, PolicyProblem* again) {
      PolicyCase smaller;
      smaller.runs.push_back({run.parameters, workload});
      std::vector<PolicyReply> reply;
      SimulationResult unused;
      if (context.failed() || !RunPolicies(context, smaller, kDeadlineSeconds, inputs, &reply)) return false;
      *again = JudgePolicyRun(smaller.runs[0], reply[0].run, &unused);
      return again->found && again->violation.rule == problem.violation.rule;
    };
    PolicyProblem again;
    run.workload =
        Shrink(run.workload, kShrinkAttempts, [&](const Workload& workload) { return judge_again(workload, &again); });
    const bool smaller = run.workload.jobs.size() < jobs;
    if (smaller && judge_again(run.workload, &again)) problem = again;
    Finding finding;
    finding.property = PropertyOf(problem.violation.rule, run.parameters.policy);
    finding.input = Describe(run, source);
    finding.input.emplace_back("time", Number(problem.violation.now));
    finding.expected = problem.expected;
    finding.actual = problem.violation.message;
    finding.detail = problem.situation;
    if (smaller) finding.detail += "; made smaller, from " + Number(static_cast<int64_t>(jobs)) + " jobs";
    context.Fail(finding);
    return false;
  }
  return true;
}

}  // namespace q07
