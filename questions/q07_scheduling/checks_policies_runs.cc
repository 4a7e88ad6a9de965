// Part A: what is true of whole runs, whatever is decided in them.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>

#include "questions/q07_scheduling/checks_policies.h"
#include "questions/q07_scheduling/policy_judge.h"
#include "questions/q07_scheduling/policy_optimum.h"
#include "questions/q07_scheduling/policy_suite.h"
#include "questions/q07_scheduling/policy_workloads.h"

namespace q07 {
namespace {

using workbench::CheckContext;
using workbench::Finding;

constexpr Policy kPolicies[] = {Policy::kFifo,          Policy::kSjf,  Policy::kPriority,    Policy::kSrtf,
                                Policy::kLeastAttained, Policy::kEasy, Policy::kConservative};

std::string Number(int64_t value) { return std::to_string(value); }

std::string Number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

PolicyParameters Usual(Policy policy) {
  PolicyParameters parameters;
  parameters.policy = policy;
  parameters.thresholds = {1000000, 20000000};
  parameters.ageing_interval = 5000;
  return parameters;
}

bool Preemptive(Policy policy) { return policy == Policy::kSrtf || policy == Policy::kLeastAttained; }

// The latest end of each job, and the first start.
std::map<JobId, Time> Ends(const SimulationResult& result) {
  std::map<JobId, Time> ends;
  for (const Run& run : result.runs) ends[run.job] = run.end;
  return ends;
}

std::map<JobId, Time> FirstStarts(const SimulationResult& result) {
  std::map<JobId, Time> starts;
  for (const Run& run : result.runs) {
    const auto [at, is_new] = starts.emplace(run.job, run.start);
    if (!is_new) at->second = std::min(at->second, run.start);
  }
  return starts;
}

void Fail(CheckContext& context, const std::string& property, const CheckContext::Inputs& input,
          const std::string& expected, const std::string& actual) {
  Finding finding;
  finding.property = property;
  finding.input = input;
  finding.expected = expected;
  finding.actual = actual;
  context.Fail(finding);
}

}  // namespace

void CheckArguments(CheckContext& context) {
  std::vector<PolicyParameters> configurations;
  std::vector<std::string> names;
  std::vector<bool> made;
  const auto add = [&](const PolicyParameters& parameters, const std::string& name, bool expected) {
    configurations.push_back(parameters);
    names.push_back(name);
    made.push_back(expected);
  };
  for (const Policy policy : kPolicies) add(Usual(policy), Name(policy), true);
  for (const int32_t policy : {-1, 7, 1000, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()}) {
    add(Usual(static_cast<Policy>(policy)), "policy " + Number(int64_t{policy}), false);
  }
  const auto thresholds = [&](std::vector<int64_t> values, bool expected) {
    PolicyParameters parameters = Usual(Policy::kLeastAttained);
    std::string name = "kLeastAttained with thresholds";
    for (const int64_t value : values) name += " " + Number(value);
    parameters.thresholds = std::move(values);
    add(parameters, name, expected);
  };
  thresholds({}, true);
  thresholds({5}, true);
  thresholds({5, 6, 7000000000000}, true);
  thresholds({5, 5}, false);
  thresholds({6, 5}, false);
  thresholds({1, 2, 3, 3}, false);
  thresholds({1, 7, 3, 9}, false);
  CheckContext::Replies replies;
  const CheckContext::Inputs inputs = {{"configurations", Number(static_cast<int64_t>(names.size()))}};
  if (!context.Run("a", 0, EncodePolicyCreate(configurations), 10, inputs, &replies)) return;
  for (size_t i = 0; i < names.size(); ++i) {
    const bool actual = i < replies[0].size() && replies[0][i] == std::byte{1};
    if (actual == made[i]) continue;
    return Fail(context, "q07_policy_create makes what exists, and nothing else", {{"configuration", names[i]}},
                made[i] ? "a scheduler" : "nullptr", actual ? "a scheduler" : "nullptr");
  }
  // What is allowed and unusual: nothing to do, nothing needed, a GPU's thousandth, long ago and far ahead.
  Workload nothing = MakeWorkload(4, {});
  Workload edges = MakeWorkload(1, {{1, Time{1} << 40, 1, Time{1} << 36},
                                    {2, (Time{1} << 40) + 1, 1, 1},
                                    {-3, (Time{1} << 40) + 2, 0, 5},
                                    {std::numeric_limits<JobId>::min(), (Time{1} << 40) + 3, 1, 7},
                                    {std::numeric_limits<JobId>::max(), (Time{1} << 40) + 4, 0, 9}});
  edges.jobs[1].job.demand.gpu_milli = 1;
  for (const Policy policy : kPolicies) {
    PolicyCase policy_case;
    for (PolicyParameters parameters : {Usual(policy), Usual(policy)}) {
      policy_case.runs.push_back({parameters, nothing});
      policy_case.runs.push_back({parameters, edges});
      parameters.thresholds.clear();
      parameters.ageing_interval = 0;
      parameters.backfill_depth = 0;
      policy_case.runs.push_back({parameters, edges});
    }
    if (!JudgePolicies(context, policy_case, "edges")) return;
  }
}

namespace {

bool SameLog(CheckContext& context, const PolicyRun& run, const PolicyRun& again, const DecisionLog& log,
             const DecisionLog& other, const std::string& how) {
  std::map<JobId, JobId> ids;
  for (size_t i = 0; i < run.workload.jobs.size(); ++i) {
    ids[run.workload.jobs[i].job.id] = again.workload.jobs[i].job.id;
  }
  const auto text = [](const Action& action) {
    const char* const what = action.kind == ActionKind::kStart     ? "Start("
                             : action.kind == ActionKind::kPreempt ? "Preempt("
                                                                   : "Reserve(";
    return what + Number(action.job) + (action.kind == ActionKind::kReserve ? ", " + Number(action.at) : "") + ")";
  };
  for (size_t i = 0; i < std::max(log.decisions.size(), other.decisions.size()); ++i) {
    static const std::vector<Action> kNone;
    const std::vector<Action>& one = i < log.decisions.size() ? log.decisions[i] : kNone;
    const std::vector<Action>& two = i < other.decisions.size() ? other.decisions[i] : kNone;
    for (size_t j = 0; j < std::max(one.size(), two.size()); ++j) {
      Action expected = j < one.size() ? one[j] : Action{ActionKind::kStart, 0, 0, {}};
      expected.job = ids[expected.job];
      const std::string was = j < one.size() ? text(expected) : "nothing more",
                        is = j < two.size() ? text(two[j]) : "nothing more";
      if (was == is) continue;
      CheckContext::Inputs input = Describe(run, "random jobs");
      input.emplace_back("again", how);
      input.emplace_back("Decide, action", Number(static_cast<int64_t>(i)) + ", " + Number(static_cast<int64_t>(j)));
      Fail(context, "the same events get the same decisions", input, was + ", as the first time", is);
      return false;
    }
  }
  return true;
}

}  // namespace

void CheckDeterministic(CheckContext& context) {
  std::vector<PolicyRun> runs, renamed;
  for (const Policy policy : kPolicies) {
    for (uint64_t i = 0; i < 6; ++i) {
      WorkloadOptions options;
      options.jobs = 40;
      options.ties = true;
      options.failures = true;
      options.load = 2;
      options.kill_at_estimate = true;
      options.estimates = Estimates::kOver;
      const uint64_t seed = context.seed() * 31 + i;
      runs.push_back({Usual(policy), RandomWorkload(seed, options)});
      renamed.push_back({Usual(policy), WithOtherIds(runs.back().workload, seed + 1000)});
    }
  }
  PolicyCase policy_case;
  policy_case.runs = runs;
  std::vector<JudgedRun> first;
  std::vector<PolicyReply> again;
  const CheckContext::Inputs inputs = {{"runs", Number(static_cast<int64_t>(runs.size()))}};
  if (!JudgePolicies(context, policy_case, "random jobs, many of them equal", &first)) return;
  const auto same = [&](const std::vector<PolicyRun>& others, const std::string& how) {
    for (size_t i = 0; i < runs.size(); ++i) {
      if (!SameLog(context, runs[i], others[i], first[i].runner.log, again[i].run.log, how)) return false;
    }
    return true;
  };
  if (!RunPolicies(context, policy_case, 60, inputs, &again)) return;
  if (!same(runs, "in the same process")) return;
  policy_case.nested = true;
  if (!RunPolicies(context, policy_case, 60, inputs, &again)) return;
  if (!same(runs, "with another scheduler's run in between")) return;
  policy_case.nested = false;
  policy_case.runs = renamed;
  if (!RunPolicies(context, policy_case, 60, inputs, &again)) return;
  if (!same(renamed, "with other ids in the same order")) return;
  context.DropSession("a", 0);
  policy_case.runs = runs;
  if (!RunPolicies(context, policy_case, 60, inputs, &again)) return;
  same(runs, "in another process");
}

namespace {

// One GPU, jobs that come at random, `utilisation` of what it can do. Times in microseconds, as it were: so large that
// rounding to whole ones does not matter.
Workload OneServer(uint64_t seed, int jobs, double utilisation, bool fixed_length) {
  constexpr double kMeanLength = 1e6;
  Random random(seed);
  std::vector<Sketch> sketches;
  double now = 0;
  for (int i = 0; i < jobs; ++i) {
    now += random.Exponential(kMeanLength / utilisation);
    const double length = fixed_length ? kMeanLength : random.Exponential(kMeanLength);
    sketches.push_back({i, static_cast<Time>(now), 1, std::max<Time>(1, static_cast<Time>(length))});
  }
  Workload workload = MakeWorkload(1, sketches);
  workload.end = 0;
  return workload;
}

// Mean wait over batches, in mean lengths, and the standard error of their mean (Law, "Simulation Modeling and
// Analysis", on batch means). The first batch is not counted: the queue is still filling.
std::pair<double, double> MeanWait(const Workload& workload, const SimulationResult& result, int batches) {
  const std::map<JobId, Time> starts = FirstStarts(result);
  const size_t size = workload.jobs.size() / static_cast<size_t>(batches);
  std::vector<double> means;
  for (size_t batch = 1; batch < static_cast<size_t>(batches); ++batch) {
    double sum = 0;
    for (size_t i = batch * size; i < (batch + 1) * size; ++i) {
      const Job& job = workload.jobs[i].job;
      sum += static_cast<double>(starts.at(job.id) - job.submit) / 1e6;
    }
    means.push_back(sum / static_cast<double>(size));
  }
  double mean = 0, square = 0;
  for (const double one : means) mean += one / static_cast<double>(means.size());
  for (const double one : means) square += (one - mean) * (one - mean);
  const double count = static_cast<double>(means.size());
  return {mean, std::sqrt(square / (count - 1) / count)};
}

}  // namespace

void CheckQueueing(CheckContext& context) {
  constexpr double kUtilisation = 0.7;
  const int jobs = context.long_tier() ? 400000 : 60000;
  for (const bool fixed_length : {false, true}) {
    PolicyCase policy_case;
    policy_case.runs.push_back(
        {Usual(Policy::kFifo), OneServer(fixed_length ? 11 : 12, jobs, kUtilisation, fixed_length)});
    const std::string name = fixed_length ? "M/D/1" : "M/M/1";
    std::vector<JudgedRun> judged;
    if (!JudgePolicies(context, policy_case, name + " at 0.7", &judged)) return;
    // Pollaczek and Khinchine: rho / (1 - rho) mean lengths, and half of that where all have one length.
    const double expected = kUtilisation / (1 - kUtilisation) / (fixed_length ? 2 : 1);
    const auto [mean, error] = MeanWait(policy_case.runs[0].workload, judged[0].result, 30);
    context.Figure(name + ", mean wait / theory", mean / expected);
    if (std::abs(mean - expected) <= 5 * error) continue;
    return Fail(context, "the mean wait of FIFO on one server is that of queueing theory",
                {{"queue", name + " at 0.7"}}, Number(expected) + " mean lengths, within 5 standard errors",
                Number(mean) + " +- " + Number(error));
  }
}

void CheckOptimum(CheckContext& context) {
  PolicyCase sjf, srtf, backfill;
  Random random(context.seed() + 77);
  const int instances = context.long_tier() ? 400 : 60;
  for (int instance = 0; instance < instances; ++instance) {
    std::vector<Sketch> together, spread, gangs;
    const int64_t jobs = random.Between(2, 6);
    for (int64_t i = 0; i < jobs; ++i) {
      together.push_back({i + 1, 0, 1, random.Between(1, 50)});
      spread.push_back({i + 1, random.Below(8), 1, random.Between(1, 4)});
      gangs.push_back({i + 1, random.Below(20), random.Between(1, 4), random.Between(1, 30)});
    }
    const auto by_submit = [](const Sketch& a, const Sketch& b) { return a.submit < b.submit; };
    std::stable_sort(spread.begin(), spread.end(), by_submit);
    std::stable_sort(gangs.begin(), gangs.end(), by_submit);
    sjf.runs.push_back({Usual(Policy::kSjf), MakeWorkload(1, together)});
    srtf.runs.push_back({Usual(Policy::kSrtf), MakeWorkload(1, spread)});
    backfill.runs.push_back({Usual(Policy::kEasy), MakeWorkload(4, gangs, true)});
    backfill.runs.push_back({Usual(Policy::kConservative), MakeWorkload(4, gangs, true)});
  }
  std::vector<JudgedRun> judged;
  if (!JudgePolicies(context, sjf, "up to 6 jobs, true estimates", &judged)) return;
  for (size_t i = 0; i < judged.size(); ++i) {
    Time total = 0;
    for (const auto& [job, start] : FirstStarts(judged[i].result)) total += start;
    const Time least = LeastTotalWait(sjf.runs[i].workload);
    if (total == least) continue;
    return Fail(context, "SJF with true estimates has the least mean wait of all orders", Describe(sjf.runs[i], ""),
                Number(least) + " ms in total", Number(total));
  }
  if (!JudgePolicies(context, srtf, "up to 6 jobs, true estimates", &judged)) return;
  for (size_t i = 0; i < judged.size(); ++i) {
    Time total = 0;
    const std::map<JobId, Time> ends = Ends(judged[i].result);
    for (const TrueJob& truth : srtf.runs[i].workload.jobs) total += ends.at(truth.job.id) - truth.job.submit;
    const Time least = LeastTotalTime(srtf.runs[i].workload);
    if (total == least) continue;
    return Fail(context, "SRTF with true estimates has the least mean completion time of all schedules",
                Describe(srtf.runs[i], ""), Number(least) + " ms in total", Number(total));
  }
  if (!JudgePolicies(context, backfill, "up to 6 jobs, true estimates", &judged)) return;
  for (size_t i = 0; i < judged.size(); ++i) {
    const PolicyRun& run = backfill.runs[i];
    const std::map<JobId, Time> starts = FirstStarts(judged[i].result), fifo = FifoStarts(run.workload);
    for (const TrueJob& truth : run.workload.jobs) {
      const JobId job = truth.job.id;
      if (starts.at(job) > fifo.at(job)) {
        return Fail(context, Name(run.parameters.policy) + " starts nobody that it protects later than FIFO would",
                    Describe(run, ""), "job " + Number(job) + " by " + Number(fifo.at(job)), Number(starts.at(job)));
      }
      // EASY protects the first that has to wait; who comes behind it may be overtaken.
      if (run.parameters.policy == Policy::kEasy && fifo.at(job) > truth.job.submit) break;
    }
  }
}

void CheckRandomPolicies(CheckContext& context) {
  const int rounds = context.long_tier() ? 40 : 4;
  int64_t decisions = 0;
  for (int round = 0; round < rounds; ++round) {
    for (const Policy policy : kPolicies) {
      PolicyCase policy_case;
      for (int i = 0; i < 60; ++i) {
        const uint64_t seed = (context.seed() * 1009 + static_cast<uint64_t>(round)) * 1013 + static_cast<uint64_t>(i);
        Random random(seed);
        WorkloadOptions options;
        options.jobs = static_cast<int>(random.Between(5, 60));
        options.gpus = random.Between(1, 12);
        options.load = random.OneIn(6) ? 0 : 0.5 + 1.5 * random.Uniform();
        options.estimates = static_cast<Estimates>(random.Below(3));
        options.ties = random.OneIn(2);
        options.failures = random.OneIn(2);
        options.fractions = random.OneIn(3);
        options.priorities = random.OneIn(2) ? 3 : 1 << 30;
        options.kill_at_estimate = random.OneIn(2);
        options.missing_estimates = !options.kill_at_estimate && policy != Policy::kConservative && random.OneIn(2);
        if (random.OneIn(3)) options.tick = options.ties ? 10 : 1000;
        if (!Preemptive(policy) && random.OneIn(3)) options.restart_cost = options.ties ? 20 : 500;
        PolicyParameters parameters = Usual(policy);
        parameters.ageing_interval = random.OneIn(3) ? 0 : random.Between(1, 5000);
        parameters.backfill_depth = static_cast<int32_t>(random.OneIn(3) ? random.Below(4) : 100);
        if (random.OneIn(2)) parameters.thresholds = {20000, 50000, 100000, 10000000};
        policy_case.runs.push_back({parameters, RandomWorkload(seed, options)});
      }
      std::vector<JudgedRun> judged;
      if (!JudgePolicies(context, policy_case, "random jobs of all kinds", &judged)) return;
      for (const JudgedRun& run : judged) decisions += run.result.decisions;
    }
  }
  context.Figure("decisions", static_cast<double>(decisions));
}

namespace {

// Judges a few Decides of many, of which each takes as long as the queue.
class SampledOracle : public PolicyJudge {
 public:
  SampledOracle(const PolicyParameters& parameters, int64_t every) : oracle_(parameters), every_(every) {}

  bool BeforeDecide(const ClusterState& state, Violation* violation) override {
    judges_ = ++decisions_ % every_ == 0;
    return !judges_ || oracle_.BeforeDecide(state, violation);
  }
  bool BeforeAction(const ClusterState& state, const Action& action, Violation* violation) override {
    return !judges_ || oracle_.BeforeAction(state, action, violation);
  }
  bool AfterDecide(const ClusterState& state, Violation* violation) override {
    return !judges_ || oracle_.AfterDecide(state, violation);
  }
  const std::string& expected() const { return oracle_.expected(); }

 private:
  PolicyOracle oracle_;
  int64_t every_, decisions_ = 0;
  bool judges_ = false;
};

}  // namespace

void CheckScale(CheckContext& context) {
  // Nearly all jobs are queued before the first of them has ended, and leave one by one.
  for (const Policy policy :
       {Policy::kFifo, Policy::kSjf, Policy::kPriority, Policy::kEasy, Policy::kLeastAttained, Policy::kSrtf}) {
    Random random(context.seed() + 5);
    std::vector<Sketch> sketches;
    const int jobs = context.checked() ? 10000 : 100000;
    for (int i = 0; i < jobs; ++i) {
      const Time length = random.Between(1000000, 2000000);
      sketches.push_back({i, i, random.OneIn(10) ? random.Between(2, 8) : 1, length, length + random.Below(1000000),
                          static_cast<int32_t>(random.Below(1000))});
    }
    PolicyCase policy_case;
    policy_case.runs.push_back({Usual(policy), MakeWorkload(64, sketches, true)});
    const Workload& workload = policy_case.runs[0].workload;
    const std::string name = Number(static_cast<int64_t>(jobs)) + " jobs, nearly all of them queued at once";
    std::vector<PolicyReply> replies;
    constexpr double kDeadline = 30;
    if (!RunPolicies(context, policy_case, kDeadline, Describe(policy_case.runs[0], name), &replies)) return;
    SampledOracle oracle(policy_case.runs[0].parameters, jobs / 4);
    const SimulationResult result = Replay(workload, replies[0].run.log, &oracle);
    context.Figure(Name(policy) + ", s in the scheduler", static_cast<double>(replies[0].run.scheduler_ns) * 1e-9);
    if (result.broken) {
      return Fail(context, "long queues are in the same order as short ones", Describe(policy_case.runs[0], name),
                  oracle.expected(), result.violation.message);
    }
    if (result.ending != Ending::kDone) {
      return Fail(context, "all jobs end", Describe(policy_case.runs[0], name), "",
                  Number(static_cast<int64_t>(result.queued.size())) + " are still queued");
    }
  }
}

}  // namespace q07
