// Part A's judge: on schedules worked out by hand, right ones and wrong ones.
#include "questions/q07_scheduling/policy_judge.h"

#include <gtest/gtest.h>

#include "questions/q07_scheduling/policy_optimum.h"
#include "questions/q07_scheduling/policy_workloads.h"
#include "questions/q07_scheduling/scripted_scheduler.h"
#include "questions/q07_scheduling/shrink.h"

namespace q07 {
namespace {

using Script = std::map<Time, ScriptedScheduler::Step>;

struct Do {
  std::vector<JobId> preempt, start;
  std::map<JobId, Time> reserve;
};

// What is broken first, or "" for a run that is right to its end.
std::string Judge(const PolicyParameters& parameters, const Workload& workload, const std::map<Time, Do>& decisions,
                  std::string* expected = nullptr) {
  Script script;
  for (const auto& [at, what] : decisions) {
    script[at] = [=](Actions& actions) {
      for (const JobId job : what.preempt) actions.Preempt(job);
      for (const JobId job : what.start) actions.Start(job);
      for (const auto& [job, time] : what.reserve) actions.Reserve(job, time);
    };
  }
  ScriptedScheduler scheduler(script);
  PolicyOracle oracle(parameters, true);
  const SimulationResult result = Simulate(workload, scheduler, &oracle, false, false, nullptr);
  if (expected != nullptr) *expected = oracle.expected();
  return result.broken ? result.violation.rule : result.ending == Ending::kDone ? "" : "unfinished";
}

PolicyParameters With(Policy policy, int32_t depth = 100, Time ageing_interval = 0,
                      std::vector<int64_t> thresholds = {}) {
  PolicyParameters parameters;
  parameters.policy = policy;
  parameters.backfill_depth = depth;
  parameters.ageing_interval = ageing_interval;
  parameters.thresholds = std::move(thresholds);
  return parameters;
}

TEST(PolicyJudge, ExpectsPassedEstimatesToDouble) {
  EXPECT_EQ(ExpectedRunTime(10, 0), 10);
  EXPECT_EQ(ExpectedRunTime(10, 9), 10);
  EXPECT_EQ(ExpectedRunTime(10, 10), 20);
  EXPECT_EQ(ExpectedRunTime(10, 79), 80);
  EXPECT_EQ(ExpectedRunTime(10, 80), 160);
  EXPECT_EQ(ExpectedRunTime(kUnknown, 5), kForever);
  EXPECT_EQ(ExpectedRunTime(kForever / 2 + 1, kForever / 2 + 1), kForever);
}

TEST(PolicyJudge, Fifo) {
  const Workload workload = MakeWorkload(4, {{1, 0, 3, 100}, {2, 10, 2, 50}, {3, 20, 1, 10}});
  const PolicyParameters fifo = With(Policy::kFifo);
  EXPECT_EQ(Judge(fifo, workload, {{0, {{}, {1}, {}}}, {100, {{}, {2, 3}, {}}}}), "");
  EXPECT_EQ(Judge(fifo, workload, {{0, {{}, {1}, {}}}, {100, {{}, {3, 2}, {}}}}), "");
  std::string expected;
  EXPECT_EQ(Judge(fifo, workload, {{0, {{}, {1}, {}}}, {20, {{}, {3}, {}}}}, &expected), "wrong_jobs");
  EXPECT_EQ(expected, "it stays queued; job 2 is before it and does not fit");
  EXPECT_EQ(Judge(fifo, workload, {}), "wrong_jobs");
  EXPECT_EQ(Judge(fifo, workload, {{0, {{}, {1}, {}}}, {100, {{}, {2}, {}}}}), "wrong_jobs");
  EXPECT_EQ(Judge(fifo, workload, {{0, {{}, {1}, {}}}, {10, {{1}, {2}, {}}}}), "needless_preemption");
}

TEST(PolicyJudge, SjfPutsMissingEstimatesLastAndBreaksTiesBySubmission) {
  Workload workload = MakeWorkload(1, {{1, 0, 1, 10}, {9, 1, 1, 5}, {3, 2, 1, 5}, {4, 3, 1, 4}, {5, 4, 1, 1}});
  workload.jobs[4].job.estimate = kUnknown;
  const PolicyParameters sjf = With(Policy::kSjf);
  EXPECT_EQ(
      Judge(sjf, workload,
            {{0, {{}, {1}, {}}}, {10, {{}, {4}, {}}}, {14, {{}, {9}, {}}}, {19, {{}, {3}, {}}}, {24, {{}, {5}, {}}}}),
      "");
  EXPECT_EQ(Judge(sjf, workload, {{0, {{}, {1}, {}}}, {10, {{}, {4}, {}}}, {14, {{}, {3}, {}}}}), "wrong_jobs");
  EXPECT_EQ(Judge(sjf, workload, {{0, {{}, {1}, {}}}, {10, {{}, {5}, {}}}}), "wrong_jobs");
}

TEST(PolicyJudge, SrtfCountsAllRuns) {
  // At 60, 1 has 40 left, more than the 10 of 2; at 65, 3 asks for 50; at 75, 4 for 30: 1 has 35 left.
  const Workload workload = MakeWorkload(1, {{1, 0, 1, 100}, {2, 60, 1, 10}, {3, 65, 1, 50}, {4, 75, 1, 30}});
  const PolicyParameters srtf = With(Policy::kSrtf);
  const std::map<Time, Do> right = {{0, {{}, {1}, {}}},   {60, {{1}, {2}, {}}}, {70, {{}, {1}, {}}},
                                    {75, {{1}, {4}, {}}}, {105, {{}, {1}, {}}}, {140, {{}, {3}, {}}}};
  EXPECT_EQ(Judge(srtf, workload, right), "");
  std::map<Time, Do> wrong = right;
  wrong[70] = {{}, {3}, {}};
  EXPECT_EQ(Judge(srtf, workload, wrong), "wrong_jobs");
  wrong = right;
  wrong[65] = {{2}, {2}, {}};
  EXPECT_EQ(Judge(srtf, workload, wrong), "needless_preemption");
}

TEST(PolicyJudge, LeastAttainedCountsGpuTimeUpToTheThreshold) {
  const Workload workload = MakeWorkload(2, {{1, 0, 2, 20}, {2, 5, 1, 20}}, false, 10);
  // At 10 the first has had 2 GPUs * 10 ms.
  EXPECT_EQ(Judge(With(Policy::kLeastAttained, 0, 0, {20000}), workload,
                  {{0, {{}, {1}, {}}}, {10, {{1}, {2}, {}}}, {30, {{}, {1}, {}}}}),
            "");
  EXPECT_EQ(Judge(With(Policy::kLeastAttained, 0, 0, {20001}), workload, {{0, {{}, {1}, {}}}, {10, {{1}, {2}, {}}}}),
            "needless_preemption");
}

TEST(PolicyJudge, PrioritiesAge) {
  for (const Time length : {20, 21}) {
    const Workload workload = MakeWorkload(1, {{1, 0, 1, length, 0, 9}, {2, 1, 1, 10, 0, 0}, {3, 2, 1, 10, 0, 1}});
    // At 21 the second is one older, and as urgent as the third, which came later.
    const JobId first = length == 21 ? 2 : 3;
    const std::map<Time, Do> decisions = {
        {0, {{}, {1}, {}}}, {length, {{}, {first}, {}}}, {length + 10, {{}, {5 - first}, {}}}};
    EXPECT_EQ(Judge(With(Policy::kPriority, 0, 20), workload, decisions), "") << length;
    EXPECT_EQ(Judge(With(Policy::kPriority), workload, decisions), length == 21 ? "wrong_jobs" : "") << length;
  }
}

TEST(PolicyJudge, EasyBackfillsWhatDelaysNobody) {
  // The head (2) is reserved for 100, with one extra GPU: 3 ends after that and takes it, 4 would too, 5 ends by 100.
  const Workload workload =
      MakeWorkload(5, {{1, 0, 3, 100}, {2, 10, 4, 50}, {3, 20, 1, 500}, {4, 30, 1, 500}, {5, 40, 1, 60}}, true);
  const PolicyParameters easy = With(Policy::kEasy);
  const auto promise = [](std::vector<JobId> start) { return Do{{}, start, {{2, 100}}}; };
  const std::map<Time, Do> right = {{0, {{}, {1}, {}}},  {10, promise({})},  {20, promise({3})},
                                    {30, promise({})},   {40, promise({5})}, {100, {{}, {2}, {{4, 150}}}},
                                    {150, {{}, {4}, {}}}};
  EXPECT_EQ(Judge(easy, workload, right), "");
  std::map<Time, Do> wrong = right;
  wrong[30] = promise({4});
  EXPECT_EQ(Judge(easy, workload, wrong), "wrong_jobs");
  wrong = right;
  wrong[40] = promise({});
  EXPECT_EQ(Judge(easy, workload, wrong), "wrong_jobs");
  wrong = right;
  wrong[10] = {};
  EXPECT_EQ(Judge(easy, workload, wrong), "promise_missing");
  wrong[10] = {{}, {}, {{2, 101}}};
  EXPECT_EQ(Judge(easy, workload, wrong), "promise_wrong");
  // No backfill: 3 waits. A depth of two: 3 and 4 are looked at, 5 is not.
  EXPECT_EQ(Judge(With(Policy::kEasy, 0), workload, right), "wrong_jobs");
  EXPECT_EQ(Judge(With(Policy::kEasy, 1), workload, right), "wrong_jobs");
  EXPECT_EQ(Judge(With(Policy::kEasy, 2), workload, right), "");
}

TEST(PolicyJudge, ConservativePromisesDoNotMoveBack) {
  // 4 GPUs: 1 has 2 of them till 9, 2 has 2 till 13 and ends at 6. 3 (3 GPUs) is promised 13, 4 (2 GPUs for 4) is
  // promised 9. At 6, 3 would fit at 9, but for 4's place; that becomes 6, and 3 moves to 10.
  const Workload workload = MakeWorkload(4, {{1, 0, 2, 9}, {2, 1, 2, 5, 12}, {3, 2, 3, 100}, {4, 3, 2, 4}}, true);
  const PolicyParameters conservative = With(Policy::kConservative);
  std::map<Time, Do> right = {{0, {{}, {1}, {}}},      {1, {{}, {2}, {}}},        {2, {{}, {}, {{3, 13}}}},
                              {3, {{}, {}, {{4, 9}}}}, {6, {{}, {4}, {{3, 10}}}}, {10, {{}, {3}, {}}}};
  EXPECT_EQ(Judge(conservative, workload, right), "");
  std::map<Time, Do> wrong = right;
  wrong[6] = {{}, {4}, {}};
  EXPECT_EQ(Judge(conservative, workload, wrong), "promise_wrong");
  wrong[6] = {{}, {}, {{3, 9}, {4, 9}}};
  EXPECT_EQ(Judge(conservative, workload, wrong), "wrong_jobs");
  wrong = right;
  wrong[3] = {};
  EXPECT_EQ(Judge(conservative, workload, wrong), "promise_missing");
}

TEST(PolicyOptimum, IsWhatOneFindsByHand) {
  EXPECT_EQ(LeastTotalWait(MakeWorkload(1, {{1, 0, 1, 3}, {2, 0, 1, 1}, {3, 0, 1, 2}})), 1 + 3);
  // 1 runs 0-1 and 3-6, 2 runs 1-3.
  EXPECT_EQ(LeastTotalTime(MakeWorkload(1, {{1, 0, 1, 4}, {2, 1, 1, 2}})), 6 + 2);
  EXPECT_EQ(LeastTotalTime(MakeWorkload(1, {{1, 3, 1, 4}})), 4);
  const std::map<JobId, Time> fifo = FifoStarts(MakeWorkload(4, {{1, 0, 3, 10}, {2, 1, 4, 10}, {3, 2, 1, 5}}));
  EXPECT_EQ(fifo, (std::map<JobId, Time>{{1, 0}, {2, 10}, {3, 20}}));
}

TEST(PolicyWorkloads, ComeFromTheSeedAlone) {
  WorkloadOptions options;
  options.failures = true;
  const Workload one = RandomWorkload(7, options), same = RandomWorkload(7, options),
                 other = RandomWorkload(8, options);
  std::vector<std::byte> bytes[3];
  int i = 0;
  for (const Workload* workload : {&one, &same, &other}) {
    ByteWriter writer(&bytes[i++]);
    Write(*workload, &writer);
  }
  EXPECT_EQ(bytes[0], bytes[1]);
  EXPECT_NE(bytes[0], bytes[2]);
  const Workload renamed = WithOtherIds(one, 1);
  for (size_t a = 0; a < one.jobs.size(); ++a) {
    EXPECT_LE(one.jobs[a].job.demand.gpu_milli, one.nodes[0].capacity.gpu_milli);
    for (size_t b = 0; b < a; ++b) {
      EXPECT_EQ(one.jobs[a].job.id < one.jobs[b].job.id, renamed.jobs[a].job.id < renamed.jobs[b].job.id);
    }
  }
}

TEST(Shrink, LeavesOutWhatDoesNotMatter) {
  WorkloadOptions options;
  options.jobs = 50;
  options.failures = true;
  const Workload workload = RandomWorkload(3, options);
  const JobId a = workload.jobs[4].job.id, b = workload.jobs[40].job.id;
  const Workload smaller = Shrink(workload, 1000, [&](const Workload& candidate) {
    int found = 0;
    for (const TrueJob& truth : candidate.jobs) found += truth.job.id == a || truth.job.id == b;
    return found == 2;
  });
  EXPECT_EQ(smaller.jobs.size(), 2u);
  for (const TrueJob& truth : smaller.jobs) EXPECT_TRUE(truth.failures.empty());
}

}  // namespace
}  // namespace q07
