// Part A: each policy on workloads by hand, which show one thing each, and on random ones of its own kind.
#include "questions/q07_scheduling/checks_policies.h"

#include <limits>

#include "questions/q07_scheduling/checks.h"
#include "questions/q07_scheduling/policy_suite.h"
#include "questions/q07_scheduling/policy_workloads.h"

namespace q07 {
namespace {

using workbench::CheckContext;

PolicyParameters With(Policy policy) {
  PolicyParameters parameters;
  parameters.policy = policy;
  return parameters;
}

PolicyParameters Priority(Time ageing_interval) {
  PolicyParameters parameters = With(Policy::kPriority);
  parameters.ageing_interval = ageing_interval;
  return parameters;
}

PolicyParameters LeastAttained(std::vector<int64_t> thresholds) {
  PolicyParameters parameters = With(Policy::kLeastAttained);
  parameters.thresholds = std::move(thresholds);
  return parameters;
}

PolicyParameters Easy(int32_t depth) {
  PolicyParameters parameters = With(Policy::kEasy);
  parameters.backfill_depth = depth;
  return parameters;
}

// Runs `jobs` by hand.
bool Judge(CheckContext& context, const PolicyParameters& parameters, const Workload& workload,
           const std::string& source) {
  PolicyCase policy_case;
  policy_case.runs.push_back({parameters, workload});
  return JudgePolicies(context, policy_case, source);
}

// `count` random workloads.
bool JudgeRandom(CheckContext& context, const PolicyParameters& parameters, const WorkloadOptions& options, int count,
                 const std::string& source = "random jobs") {
  PolicyCase policy_case;
  for (int i = 0; i < count; ++i) {
    const uint64_t seed = context.seed() * 7919 + static_cast<uint64_t>(i);
    policy_case.runs.push_back({parameters, RandomWorkload(seed, options)});
  }
  return JudgePolicies(context, policy_case, source);
}

}  // namespace

void CheckFifo(CheckContext& context) {
  const PolicyParameters fifo = With(Policy::kFifo);
  if (!Judge(context, fifo, MakeWorkload(1, {{30, 0, 1, 10}, {10, 1, 1, 5}, {20, 2, 1, 5}}), "one GPU, one by one")) {
    return;
  }
  // The job of 4 GPUs waits for the one of 3; that of 1 fits, and waits behind it.
  const Workload large =
      MakeWorkload(4, {{5, 0, 3, 100}, {4, 10, 4, 50}, {3, 20, 1, 10}, {2, 30, 1, 10}, {1, 40, 1, 200}});
  if (!Judge(context, fifo, large, "a large job that does not fit holds up small ones that do")) return;
  const Workload exact = MakeWorkload(4, {{1, 0, 2, 50}, {2, 1, 2, 30}, {3, 2, 4, 10}, {4, 3, 3, 10}, {5, 4, 1, 10}});
  if (!Judge(context, fifo, exact, "jobs that fill the node exactly")) return;
  WorkloadOptions options;
  JudgeRandom(context, fifo, options, 40);
}

void CheckSjf(CheckContext& context) {
  const PolicyParameters sjf = With(Policy::kSjf);
  const Workload order = MakeWorkload(1, {{1, 0, 1, 10}, {2, 1, 1, 30}, {3, 2, 1, 20}, {4, 3, 1, 5}, {5, 25, 1, 1}});
  if (!Judge(context, sjf, order, "one GPU, jobs of all lengths")) return;
  const Workload large = MakeWorkload(4, {{1, 0, 3, 100}, {2, 10, 4, 5}, {3, 20, 1, 50}, {4, 30, 1, 60}});
  if (!Judge(context, sjf, large, "the shortest does not fit and holds up the others")) return;
  WorkloadOptions options;
  options.estimates = Estimates::kOver;
  JudgeRandom(context, sjf, options, 40, "random jobs, estimates that are too long");
}

void CheckPriority(CheckContext& context) {
  const PolicyParameters priority = Priority(0);
  const Workload order =
      MakeWorkload(1, {{1, 0, 1, 10, 0, 1}, {2, 1, 1, 10, 0, -3}, {3, 2, 1, 10, 0, 7}, {4, 3, 1, 10, 0, 2}});
  if (!Judge(context, priority, order, "one GPU, priorities of both signs")) return;
  constexpr int32_t kLeast = std::numeric_limits<int32_t>::min(), kMost = std::numeric_limits<int32_t>::max();
  const Workload extreme = MakeWorkload(
      1, {{1, 0, 1, 10, 0, 0}, {2, 1, 1, 10, 0, kLeast}, {3, 2, 1, 10, 0, kMost}, {4, 3, 1, 10, 0, -1}, {5, 4, 1, 10}});
  if (!Judge(context, priority, extreme, "the least and the greatest priority")) return;
  const Workload large =
      MakeWorkload(4, {{1, 0, 3, 100, 0, 0}, {2, 10, 4, 5, 0, 9}, {3, 20, 1, 50, 0, 8}, {4, 30, 1, 60, 0, 7}});
  if (!Judge(context, priority, large, "the most urgent does not fit and holds up the others")) return;
  WorkloadOptions options;
  options.priorities = 1 << 30;
  JudgeRandom(context, priority, options, 40);
}

void CheckTies(CheckContext& context) {
  // Submitted at one instant, told in the order 9, 3, 6: in order of id, for all policies.
  const std::vector<Sketch> together = {{7, 0, 1, 10}, {9, 5, 1, 20}, {3, 5, 1, 20}, {6, 5, 1, 20}};
  // The greater id comes first.
  const std::vector<Sketch> reversed = {{7, 0, 1, 10}, {9, 3, 1, 20}, {6, 4, 1, 20}, {3, 5, 1, 20}};
  const std::vector<PolicyParameters> all = {
      With(Policy::kFifo), With(Policy::kSjf),         Priority(0), Priority(1000),
      With(Policy::kSrtf), LeastAttained({100000000}), Easy(100),   With(Policy::kConservative)};
  for (const PolicyParameters& parameters : all) {
    if (!Judge(context, parameters, MakeWorkload(1, reversed), "equal jobs, one after the other")) return;
    if (!Judge(context, parameters, MakeWorkload(1, together), "equal jobs, submitted at one instant")) return;
  }
  for (const PolicyParameters& parameters : all) {
    WorkloadOptions options;
    options.ties = true;
    options.load = 1.5;
    if (!JudgeRandom(context, parameters, options, 15, "random jobs, many of them equal")) return;
  }
}

void CheckAgeing(CheckContext& context) {
  // Every 10 ms an urgent job comes; the old one of priority 0 has to get its turn before they end.
  std::vector<Sketch> stream = {{1000, 0, 1, 10, 0, 5}, {999, 1, 1, 10, 0, 0}};
  for (int i = 1; i < 40; ++i) stream.push_back({i, 10 * i - 5, 1, 10, 0, 5});
  if (!Judge(context, Priority(20), MakeWorkload(1, stream), "a stream of urgent jobs, and one that gets older"))
    return;
  // 20 ms after its submission, and not a millisecond earlier, the first is as urgent as the second.
  for (const Time start : {19, 20, 21}) {
    const Workload edge = MakeWorkload(1, {{1, 0, 1, start, 0, 9}, {2, 0, 1, 10, 0, 0}, {3, 1, 1, 10, 0, 1}});
    if (!Judge(context, Priority(20), edge, "one step older, or not yet")) return;
  }
  // With an interval of 1 ms and priorities at the ends of the range.
  constexpr int32_t kLeast = std::numeric_limits<int32_t>::min(), kMost = std::numeric_limits<int32_t>::max();
  constexpr Time kLong = Time{1} << 33;
  const Workload extreme = MakeWorkload(1, {{1, 0, 1, kLong, 0, 0},
                                            {2, 10, 1, 10, 0, kLeast},
                                            {3, 20, 1, 10, 0, kMost},
                                            {4, 30, 1, 10, 0, kMost - 5},
                                            {5, kLong - 100, 1, 10, 0, kMost},
                                            {6, kLong - 50, 1, 10, 0, 0}});
  if (!Judge(context, Priority(1), extreme, "ages and priorities that do not fit 32 bits together")) return;
  for (const Time interval : {1, 100, 5000, 1000000}) {
    WorkloadOptions options;
    options.load = 2;
    if (!JudgeRandom(context, Priority(interval), options, 15)) return;
    options.tick = 2500;
    if (!JudgeRandom(context, Priority(interval), options, 5, "random jobs, with ticks")) return;
  }
}

void CheckSrtf(CheckContext& context) {
  const PolicyParameters srtf = With(Policy::kSrtf);
  const Workload preempts = MakeWorkload(1, {{1, 0, 1, 100}, {2, 10, 1, 20}, {3, 15, 1, 5}});
  if (!Judge(context, srtf, preempts, "shorter jobs come while a long one runs")) return;
  // When 2 comes, 1 has 40 of 100 left; 60 is shorter than 100, and longer than 40.
  const Workload remaining = MakeWorkload(1, {{1, 0, 1, 100}, {2, 60, 1, 60}, {3, 70, 1, 90}});
  if (!Judge(context, srtf, remaining, "a long job that is nearly done")) return;
  // 1 has run for 60 when it is preempted: it has 40 left while it is queued, and when it runs again.
  const Workload again = MakeWorkload(1, {{1, 0, 1, 100}, {2, 60, 1, 10}, {3, 65, 1, 50}, {4, 75, 1, 30}});
  if (!Judge(context, srtf, again, "a job that has been preempted goes on")) return;
  const Workload passed = MakeWorkload(4, {{1, 0, 3, 100}, {2, 10, 4, 20}, {3, 20, 1, 50}, {4, 30, 2, 90}});
  if (!Judge(context, srtf, passed, "what does not fit is passed over")) return;
  WorkloadOptions options;
  if (!JudgeRandom(context, srtf, options, 30)) return;
  options.tick = 500;
  JudgeRandom(context, srtf, options, 10, "random jobs, with ticks");
}

void CheckLeastAttained(CheckContext& context) {
  // At 10 the first has had 1 GPU for 10 ms, which is the threshold: it is in the next queue.
  const Workload edge = MakeWorkload(1, {{1, 0, 1, 30}, {2, 5, 1, 30}, {3, 6, 1, 8}}, false, 10);
  for (const int64_t threshold : {9999, 10000, 10001}) {
    if (!Judge(context, LeastAttained({threshold}), edge, "at, before and behind a threshold")) return;
  }
  // Two GPUs count twice.
  const Workload wide = MakeWorkload(2, {{1, 0, 2, 60}, {2, 5, 1, 60}, {3, 12, 1, 60}}, false, 10);
  if (!Judge(context, LeastAttained({20000, 50000}), wide, "GPU time, not time")) return;
  // What it has had before it was preempted counts.
  const Workload back = MakeWorkload(1, {{1, 0, 1, 50}, {2, 15, 1, 5}, {3, 25, 1, 5}, {4, 38, 1, 40}}, false, 10);
  if (!Judge(context, LeastAttained({20000, 40000}), back, "attained service over several runs")) return;
  if (!Judge(context, LeastAttained({}), back, "no thresholds: by submission")) return;
  for (const Time tick : {0, 1000}) {
    WorkloadOptions options;
    options.tick = tick;
    if (!JudgeRandom(context, LeastAttained({1000000, 10000000, 100000000}), options, 25)) return;
  }
}

void CheckEasy(CheckContext& context) {
  for (const bool kill : {false, true}) {
    // Job 1 of 3 GPUs ends at 100, when the head (2) starts; 3 ends by then, 4 does not and there is nothing extra.
    const Workload shadow =
        MakeWorkload(4, {{1, 0, 3, 100}, {2, 10, 4, 50}, {4, 15, 1, 86}, {3, 20, 1, 80}, {5, 30, 1, 10}}, kill);
    if (!Judge(context, Easy(100), shadow, "what ends by the shadow time may go first")) return;
    // At 100 there is one extra GPU: for 3 or for 4, not for both.
    const Workload extra = MakeWorkload(
        5, {{1, 0, 2, 100}, {6, 1, 1, 400}, {2, 10, 3, 50}, {3, 20, 1, 500}, {4, 30, 1, 500}, {5, 40, 1, 50}}, kill);
    if (!Judge(context, Easy(100), extra, "extra GPUs are used up")) return;
    // The head fits once both have ended, not when the first has.
    const Workload both = MakeWorkload(4, {{1, 0, 1, 50}, {2, 1, 2, 100}, {3, 10, 4, 50}, {4, 20, 1, 70}}, kill);
    if (!Judge(context, Easy(100), both, "the head waits for several jobs")) return;
    // Estimates are too long: jobs end early, and the reservation moves forward.
    const Workload early =
        MakeWorkload(4, {{1, 0, 3, 40, 100}, {2, 10, 4, 20, 50}, {3, 15, 1, 30, 200}, {4, 20, 1, 5, 60}}, kill);
    if (!Judge(context, Easy(100), early, "jobs that end before their estimates")) return;
    for (const int32_t depth : {0, 1, 2, 100}) {
      WorkloadOptions options;
      options.kill_at_estimate = kill;
      options.load = 1.6;
      if (!JudgeRandom(context, Easy(depth), options, 10)) return;
      options.estimates = Estimates::kOver;
      if (!JudgeRandom(context, Easy(depth), options, 10, "random jobs, estimates that are too long")) return;
    }
  }
}

void CheckConservative(CheckContext& context) {
  const PolicyParameters conservative = With(Policy::kConservative);
  for (const bool kill : {false, true}) {
    // 4 would not delay 2, the first that waits, but 3, which has a place too.
    const Workload second = MakeWorkload(
        4, {{1, 0, 3, 100}, {2, 10, 3, 50}, {3, 20, 4, 50}, {4, 30, 1, 130}, {5, 40, 1, 110}, {6, 45, 1, 55}}, kill);
    if (!Judge(context, conservative, second, "nobody that waits is delayed, not the first alone")) return;
    // When 2 ends early, at 6, 3 could move to 9; but 4 was promised that.
    const Workload compressed = MakeWorkload(
        4, {{1, 0, 2, 9}, {2, 1, 2, 5, 12}, {3, 2, 3, 100}, {4, 3, 2, 5}, {5, 4, 1, 30}, {6, 5, 2, 20, 40}}, kill);
    if (!Judge(context, conservative, compressed, "a job ends early, and places move forward")) return;
    WorkloadOptions options;
    options.kill_at_estimate = kill;
    options.load = 1.6;
    if (!JudgeRandom(context, conservative, options, 30)) return;
    options.estimates = Estimates::kOver;
    if (!JudgeRandom(context, conservative, options, 40, "random jobs, estimates that are too long")) return;
  }
}

void CheckEstimates(CheckContext& context) {
  // Job 1 says 10 and runs for 100: at 10 it is expected to run for 20, at 20 for 40, ...
  const Workload passed = MakeWorkload(
      1, {{1, 0, 1, 100, 10}, {2, 5, 1, 30}, {3, 12, 1, 9}, {4, 22, 1, 15}, {5, 41, 1, 50}, {6, 85, 1, 90}}, false, 5);
  if (!Judge(context, With(Policy::kSrtf), passed, "an estimate that has passed")) return;
  const Workload head = MakeWorkload(
      4, {{1, 0, 3, 100, 10}, {2, 5, 4, 50}, {3, 12, 1, 9}, {4, 22, 1, 15}, {5, 41, 1, 40}, {6, 85, 1, 76}}, false, 5);
  if (!Judge(context, Easy(100), head, "an estimate that has passed")) return;
  if (!Judge(context, With(Policy::kConservative), head, "an estimate that has passed")) return;
  Workload missing = MakeWorkload(1, {{1, 0, 1, 10}, {2, 1, 1, 10}, {3, 2, 1, 1000}, {4, 3, 1, 20}});
  missing.jobs[1].job.estimate = kUnknown;
  for (const Policy policy : {Policy::kSjf, Policy::kSrtf}) {
    if (!Judge(context, With(policy), missing, "a job without an estimate comes last")) return;
  }
  for (const Policy policy : {Policy::kSjf, Policy::kSrtf, Policy::kEasy, Policy::kConservative}) {
    WorkloadOptions options;
    options.estimates = Estimates::kWrong;
    options.load = 1.5;
    if (!JudgeRandom(context, With(policy), options, 25, "random jobs, estimates wrong either way")) return;
    options.tick = 1000;
    options.missing_estimates = policy != Policy::kConservative;
    if (!JudgeRandom(context, With(policy), options, 15, "random jobs, estimates wrong either way, with ticks")) return;
    options.kill_at_estimate = true;
    options.missing_estimates = false;
    if (!JudgeRandom(context, With(policy), options, 15, "random jobs, killed at their estimates")) return;
  }
}

void CheckFailures(CheckContext& context) {
  // Job 1 fails at 20 and is first in the queue again; the second run is its last.
  Workload once = MakeWorkload(2, {{1, 0, 2, 50}, {2, 5, 1, 10}, {3, 6, 1, 30}, {4, 7, 2, 10}}, true);
  once.jobs[0].failures = {20};
  Workload often = MakeWorkload(4, {{1, 0, 3, 50}, {2, 5, 4, 40}, {3, 6, 1, 60}, {4, 7, 1, 30}, {5, 8, 2, 20}}, true);
  for (TrueJob& truth : often.jobs) truth.failures = {7, 13, 4};
  const std::vector<PolicyParameters> all = {
      With(Policy::kFifo), With(Policy::kSjf),         Priority(10), With(Policy::kSrtf), LeastAttained({20000, 60000}),
      Easy(100),           With(Policy::kConservative)};
  for (const PolicyParameters& parameters : all) {
    if (!Judge(context, parameters, once, "a job that fails once")) return;
    if (!Judge(context, parameters, often, "jobs that fail several times")) return;
  }
  for (const PolicyParameters& parameters : all) {
    WorkloadOptions options;
    options.failures = true;
    options.load = 1.4;
    if (!JudgeRandom(context, parameters, options, 15, "random jobs, some of which fail")) return;
    options.kill_at_estimate = true;
    options.estimates = Estimates::kOver;
    const bool preemptive = parameters.policy == Policy::kSrtf || parameters.policy == Policy::kLeastAttained;
    if (!preemptive) options.restart_cost = 500;
    if (!JudgeRandom(context, parameters, options, 15, "random jobs, some of which fail; killed at their estimates")) {
      return;
    }
  }
}

void AddPolicyChecks(std::vector<workbench::Check>* checks) {
  const auto add = [&](const char* id, const char* title, double marks, std::vector<std::string> causes,
                       void (*check)(CheckContext&)) {
    checks->push_back({{id, title, marks, false, std::move(causes)}, check});
  };
  add("a.fifo", "first come, first served", 2,
      {"scanning past the first job that does not fit: a large job starves",
       "resources of a job that ended are not free", "`<` where what is needed may be all that is free"},
      CheckFifo);
  add("a.sjf", "the shortest estimate first", 2,
      {"the true order is kept only within what was queued at once",
       "a shorter job that fits overtakes one that does not"},
      CheckSjf);
  add("a.priority", "priorities", 1, {"the least first", "a difference of priorities that overflows"}, CheckPriority);
  add("a.ageing", "priorities with ageing", 2,
      {"the effective priority in 32 bits", "the order is made at submission and not again", "rounding up"},
      CheckAgeing);
  add("a.srtf", "the shortest remaining time first", 3,
      {"the whole estimate in place of what remains", "earlier runs are forgotten",
       "the first that does not fit holds up", "a job that goes on running is preempted and started again"},
      CheckSrtf);
  add("a.least_attained", "least attained service", 2,
      {"thresholds off by one (<= puts a job in the next queue)", "attained service is forgotten at preemption",
       "time is counted, not GPU time"},
      CheckLeastAttained);
  add("a.easy", "EASY backfill", 3,
      {"backfill that delays the reservation", "extra GPUs used twice", "the shadow time of the wrong job",
       "the depth counts what was started", "no promise in a Decide that starts nothing"},
      CheckEasy);
  add("a.conservative", "conservative backfill", 3,
      {"only the head has a reservation", "a place moves back when a job ends early",
       "a hole that is too short is used"},
      CheckConservative);
  add("a.ties", "equal keys", 1,
      {"ties by id, not by submission", "ties by the order in which submissions were told, not by id",
       "an order that compares something else"},
      CheckTies);
  add("a.estimates", "estimates that are wrong, missing or have passed", 2,
      {"an estimate is trusted after it has passed", "a missing estimate is taken for -1 or 0",
       "doubling one time too few when ran = estimate"},
      CheckEstimates);
  add("a.failures", "failures", 1,
      {"resources are not returned on failure", "a failed job queues at the end", "a promise that is void is kept"},
      CheckFailures);
  add("a.arguments", "arguments and edges", 1,
      {"a policy that does not exist is taken for the default", "equal thresholds are accepted",
       "spans are kept after the call"},
      CheckArguments);
  add("a.deterministic", "the same decisions again", 1,
      {"the order comes from hashes or addresses", "state in a global", "an order of actions that depends on ids"},
      CheckDeterministic);
  add("a.queueing", "M/M/1 and M/D/1", 1, {"the queue is idle while jobs wait"}, CheckQueueing);
  add("a.optimum", "no worse than the best schedule", 1,
      {"SJF or SRTF is not optimal where it has to be", "backfill delays what it promised"}, CheckOptimum);
  add("a.random", "random workloads of all kinds", 3, {"what only happens together: a failure, a tie and an early end"},
      CheckRandomPolicies);
  add("a.scale", "long queues", 1,
      {"work in proportion to the queue's length at every Decide", "sorting at every Decide"}, CheckScale);
}

}  // namespace q07
