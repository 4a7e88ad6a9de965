// The simulator on schedules that were worked out by hand, and each of its rules broken.
#include "questions/q07_scheduling/simulator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "questions/q07_scheduling/decision_log.h"
#include "questions/q07_scheduling/scripted_scheduler.h"

namespace q07 {
namespace {

using testing::ElementsAre;

TrueJob MakeJob(JobId id, Time submit, int64_t gpu_milli, Time duration, Time estimate = kUnknown) {
  TrueJob truth;
  truth.job.id = id;
  truth.job.submit = submit;
  truth.job.demand.gpu_milli = gpu_milli;
  truth.job.estimate = estimate;
  truth.duration = duration;
  return truth;
}

Workload TwoNodes(std::vector<TrueJob> jobs) {
  Workload workload;
  workload.nodes = {{0, {4000, 8000, 100}}, {1, {4000, 8000, 100}}};
  workload.jobs = std::move(jobs);
  return workload;
}

using Script = std::map<Time, ScriptedScheduler::Step>;

SimulationResult Play(const Workload& workload, const Script& script, std::vector<std::string>* told = nullptr) {
  ScriptedScheduler scheduler(script);
  SimulationResult result = Simulate(workload, scheduler, nullptr, true, false, nullptr);
  if (told != nullptr) *told = scheduler.told;
  // The log alone gives the same run.
  const SimulationResult again = Replay(workload, result.log, nullptr);
  EXPECT_EQ(again.broken, result.broken);
  EXPECT_EQ(again.violation.rule, result.violation.rule);
  EXPECT_EQ(again.runs.size(), result.runs.size());
  EXPECT_EQ(again.ending, result.ending);
  return result;
}

std::string Broken(const Workload& workload, const Script& script) { return Play(workload, script).violation.rule; }

std::vector<std::string> Runs(const SimulationResult& result) {
  std::vector<std::string> runs;
  for (const Run& run : result.runs) {
    runs.push_back(std::to_string(run.job) + ": " + std::to_string(run.start) + "-" + std::to_string(run.end) + " " +
                   std::to_string(static_cast<int32_t>(run.reason)));
  }
  return runs;
}

ScriptedScheduler::Step Start(JobId job, std::vector<int32_t> nodes = {0}) {
  return [=](Actions& actions) { actions.Start(job, nodes); };
}
ScriptedScheduler::Step Preempt(JobId job) {
  return [=](Actions& actions) { actions.Preempt(job); };
}
ScriptedScheduler::Step Reserve(JobId job, Time at) {
  return [=](Actions& actions) { actions.Reserve(job, at); };
}
ScriptedScheduler::Step Both(const ScriptedScheduler::Step& a, const ScriptedScheduler::Step& b) {
  return [=](Actions& actions) {
    a(actions);
    b(actions);
  };
}

TEST(Simulator, TellsTheEventsOfAnInstantBeforeOneDecide) {
  Workload workload = TwoNodes({MakeJob(9, 0, 1000, 10), MakeJob(3, 0, 1000, 10), MakeJob(5, 10, 1000, 1)});
  workload.node_changes = {{10, 1, false}, {11, 1, true}};
  std::vector<std::string> told;
  const SimulationResult result = Play(workload, {{0, Both(Start(9), Start(3))}, {10, Start(5)}}, &told);
  EXPECT_EQ(result.ending, Ending::kDone);
  EXPECT_THAT(told, ElementsAre("submit 9", "submit 3", "decide 0", "stop 3 0 10", "stop 9 0 10", "node 1 down",
                                "submit 5", "decide 10", "stop 5 0 1", "node 1 up", "decide 11"));
}

TEST(Simulator, FinishesKillsAndFails) {
  Workload workload = TwoNodes({MakeJob(1, 0, 1000, 10, 10), MakeJob(2, 0, 1000, 20, 15), MakeJob(3, 0, 1000, 9, 30)});
  workload.kill_at_estimate = true;
  workload.jobs[2].failures = {4, 4};
  const auto first = Both(Start(1), Both(Start(2), Start(3)));
  const SimulationResult result = Play(workload, {{0, first}, {4, Start(3)}, {8, Start(3)}});
  EXPECT_THAT(Runs(result), ElementsAre("3: 0-4 2", "3: 4-8 2", "3: 8-9 0", "1: 0-10 0", "2: 0-15 1"));
}

TEST(Simulator, KeepsWhatWasDoneAtTheLastCheckpointAndPaysForTheRestart) {
  Workload workload = TwoNodes({MakeJob(1, 0, 1000, 100), MakeJob(2, 25, 1, 1), MakeJob(3, 50, 1, 1)});
  workload.jobs[0].job.checkpoint_interval = 10;
  workload.jobs[0].job.restart_cost = 7;
  // 25 ran, 20 kept; then 25 ran, of which 20 count, less 7; 67 and 7 are left.
  const SimulationResult result = Play(workload, {{0, Start(1)},
                                                  {25, Both(Preempt(1), Both(Start(1), Start(2)))},
                                                  {50, Both(Preempt(1), Both(Start(1), Start(3)))}});
  EXPECT_THAT(Runs(result), ElementsAre("1: 0-25 4", "2: 25-26 0", "1: 25-50 4", "3: 50-51 0", "1: 50-124 0"));
}

TEST(Simulator, LosesWhatRunsOnALostNode) {
  Workload workload = TwoNodes({MakeJob(1, 0, 3000, 50), MakeJob(2, 0, 1000, 50)});
  workload.jobs[0].job.members = 2;
  workload.node_changes = {{20, 1, false}, {30, 1, true}};
  std::vector<std::string> told;
  const SimulationResult result =
      Play(workload, {{0, Both(Start(1, {0, 1}), Start(2, {0}))}, {30, Start(1, {1, 0})}}, &told);
  EXPECT_THAT(Runs(result), ElementsAre("1: 0-20 3", "2: 0-50 0", "1: 30-60 0"));
  EXPECT_THAT(told, testing::Contains("stop 1 3 20"));
}

TEST(Simulator, TicksWhileJobsAreThere) {
  Workload workload = TwoNodes({MakeJob(1, 3, 1000, 12), MakeJob(2, 41, 1000, 2)});
  workload.tick = 5;
  std::vector<std::string> told;
  Play(workload, {{5, Start(1)}, {41, Start(2)}}, &told);
  EXPECT_THAT(told, ElementsAre("submit 1", "decide 3", "decide 5", "decide 10", "decide 15", "stop 1 0 12",
                                "decide 17", "submit 2", "decide 41", "stop 2 0 2", "decide 43"));
}

TEST(Simulator, SaysHowARunEnded) {
  Workload workload = TwoNodes({MakeJob(1, 0, 1000, 10), MakeJob(2, 0, 1000, 10)});
  SimulationResult stuck = Play(workload, {{0, Start(1)}});
  EXPECT_EQ(stuck.ending, Ending::kStuck);
  EXPECT_THAT(stuck.queued, ElementsAre(2));
  workload.tick = 5;
  EXPECT_EQ(Play(workload, {{0, Start(1)}}).ending, Ending::kStuck);
  EXPECT_EQ(Play(workload, {{0, Start(1)}, {500, Start(2)}}).ending, Ending::kDone);
  workload.end = 7;
  const SimulationResult cut = Play(workload, {{0, Start(1)}});
  EXPECT_EQ(cut.ending, Ending::kOutOfTime);
  EXPECT_EQ(cut.end, 7);
  ASSERT_EQ(cut.open.size(), 1u);
  EXPECT_EQ(cut.open[0].end, 7);
}

TEST(Simulator, NamesTheRuleThatIsBroken) {
  Workload workload = TwoNodes({MakeJob(1, 0, 3000, 100, 100), MakeJob(2, 0, 2000, 100, 100), MakeJob(3, 60, 1, 1, 1)});
  EXPECT_EQ(Broken(workload, {{0, Both(Start(1), Start(2))}}), "over_allocation");
  EXPECT_EQ(Broken(workload, {{0, Start(2, {2})}}), "dead_node");
  EXPECT_EQ(Broken(workload, {{0, Start(2, {-1})}}), "dead_node");
  EXPECT_EQ(Broken(workload, {{0, Start(2, {0, 1})}}), "gang_incomplete");
  EXPECT_EQ(Broken(workload, {{0, Start(2, {})}}), "gang_incomplete");
  EXPECT_EQ(Broken(workload, {{0, Start(7)}}), "not_queued");
  EXPECT_EQ(Broken(workload, {{0, Start(3)}}), "not_queued");
  EXPECT_EQ(Broken(workload, {{0, Both(Start(1), Start(1, {1}))}}), "not_queued");
  EXPECT_EQ(Broken(workload, {{0, Preempt(1)}}), "not_running");
  EXPECT_EQ(Broken(workload, {{0, Both(Start(1), Preempt(1))}}), "started_now");
  EXPECT_EQ(Broken(workload, {{0, Reserve(1, 50)}}), "promise_unfounded");
  workload.jobs[0].job.preemptible = false;
  EXPECT_EQ(Broken(workload, {{0, Start(1)}, {60, Preempt(1)}}), "not_preemptible");

  workload.kill_at_estimate = true;
  EXPECT_EQ(Broken(workload, {{60, Reserve(1, 59)}}), "clock");
  EXPECT_EQ(Broken(workload, {{0, Both(Start(1), Reserve(1, 50))}}), "not_queued");
  EXPECT_EQ(Broken(workload, {{0, Both(Reserve(1, 50), Reserve(1, 51))}}), "promise_later");
  EXPECT_EQ(Broken(workload, {{0, Reserve(1, 0)}}), "promise_broken");
  EXPECT_EQ(Broken(workload, {{0, Reserve(1, 60)}}), "promise_broken");
  EXPECT_EQ(Broken(workload, {{0, Reserve(1, 50)}, {60, Start(1)}}), "promise_broken");
  EXPECT_EQ(Broken(workload, {{0, Reserve(1, 5000)}}), "promise_broken");
  EXPECT_EQ(Broken(workload, {{0, Both(Reserve(1, 60), Both(Reserve(1, 60), Start(2, {1})))}, {60, Start(1)}}), "");

  workload.node_changes = {{60, 1, false}};
  EXPECT_EQ(Broken(workload, {{60, Start(2, {1})}}), "dead_node");
}

TEST(Simulator, ChecksAllMembersOfAGangTogetherAndChangesNothingIfTheyDoNotFit) {
  Workload workload = TwoNodes({MakeJob(1, 0, 3000, 10)});
  workload.jobs[0].job.members = 2;
  EXPECT_EQ(Broken(workload, {{0, Start(1, {0, 0})}}), "over_allocation");
  EXPECT_EQ(Broken(workload, {{0, Start(1, {0, 1})}}), "");
  for (int64_t Resources::*member : {&Resources::cpu_milli, &Resources::memory_mib}) {
    Workload other = TwoNodes({MakeJob(1, 0, 0, 10)});
    other.jobs[0].job.demand.*member = other.nodes[0].capacity.*member + 1;
    EXPECT_EQ(Broken(other, {{0, Start(1)}}), "over_allocation");
  }
}

TEST(Simulator, VoidsPromisesWhenAJobFailsANodeIsLostOrAQuotaChanges) {
  Workload workload = TwoNodes({MakeJob(1, 0, 1000, 40, 50), MakeJob(2, 0, 1000, 10, 10)});
  workload.kill_at_estimate = true;
  const auto begin = Both(Start(1), Reserve(2, 40));
  EXPECT_EQ(Broken(workload, {{0, begin}}), "promise_broken");
  Workload fails = workload, loses = workload, changes = workload;
  fails.jobs[0].failures = {20};
  loses.node_changes = {{20, 1, false}};
  changes.quotas = {{}};
  changes.quota_changes = {{20, {}}};
  for (const Workload& one : {fails, loses, changes}) {
    EXPECT_EQ(Broken(one, {{0, begin}, {20, Reserve(2, 90)}}), "promise_broken");  // by 90, no earlier
    EXPECT_EQ(Play(one, {{0, begin}}).ending, Ending::kStuck);
  }
}

TEST(Simulator, StopsCountingAfterABrokenRuleAndOutsideOfDecide) {
  const Workload workload = TwoNodes({MakeJob(1, 0, 1000, 10), MakeJob(2, 0, 1000, 10)});
  const SimulationResult result = Play(workload, {{0, Both(Start(7), Start(1))}});
  EXPECT_TRUE(result.open.empty());
  ScriptedScheduler scheduler({{0, Start(1)}});
  scheduler.on_stop = [&] { scheduler.last->Start(2, std::vector<int32_t>{0}); };
  const SimulationResult outside = Simulate(workload, scheduler, nullptr, true, false, nullptr);
  EXPECT_EQ(outside.violation.rule, "clock");
}

TEST(Simulator, NoticesALogOfAnotherLength) {
  const Workload workload = TwoNodes({MakeJob(1, 0, 1000, 10)});
  DecisionLog log = Play(workload, {{0, Start(1)}}).log;
  log.decisions.emplace_back();
  EXPECT_EQ(Replay(workload, log, nullptr).violation.rule, "log_long");
  log.decisions.resize(1);
  EXPECT_EQ(Replay(workload, log, nullptr).violation.rule, "log_short");
}

TEST(DecisionLog, SurvivesTheWayThereAndBackAndNothingElseDoes) {
  Workload workload = TwoNodes({MakeJob(-5, 0, 1000, 10), MakeJob(INT64_MAX, 3, 0, 1, INT64_MIN)});
  workload.jobs[0].failures = {3, 4};
  workload.node_changes = {{1, 1, false}};
  workload.quotas = {{1, 2, 0.5, {1, 2, 3}, {kUnlimited, 0, 0}}};
  workload.quota_changes = {{4, workload.quotas[0]}};
  RunnerReply reply;
  reply.violation = {1, 2, "rule", "words"};
  reply.log.decisions = {{}, {{ActionKind::kStart, -5, 0, {0, 1}}, {ActionKind::kReserve, 7, 1000, {}}}};
  std::vector<std::byte> bytes, again;
  ByteWriter writer(&bytes), rewriter(&again);
  Write(workload, &writer);
  Write(reply, &writer);
  ByteReader reader(bytes);
  Write(ReadWorkload(&reader), &rewriter);
  Write(ReadRunnerReply(&reader), &rewriter);
  EXPECT_TRUE(reader.ok() && reader.at_end());
  EXPECT_EQ(bytes, again);
  for (size_t size = 0; size < bytes.size(); ++size) {
    ByteReader cut{std::span(bytes).first(size)};
    ReadWorkload(&cut);
    ReadRunnerReply(&cut);
    EXPECT_FALSE(cut.ok()) << size;
  }
  uint64_t state = 1;
  for (int i = 0; i < 20000; ++i) {
    std::vector<std::byte> noise = bytes;
    for (int change = 0; change < 3; ++change) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      noise[(state >> 33) % noise.size()] = static_cast<std::byte>(state >> 56);
    }
    ByteReader other(noise);  // no crash, and no memory beyond what the bytes are worth
    ReadWorkload(&other);
    ReadRunnerReply(&other);
  }
}

}  // namespace
}  // namespace q07
