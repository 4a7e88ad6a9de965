// The judge of part C, given scripts of decisions: right ones pass, and each wrong one breaks the rule that it should.
#include "questions/q07_scheduling/sharing_judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "questions/q07_scheduling/sharing_random.h"
#include "questions/q07_scheduling/sharing_script.h"

namespace q07 {
namespace {

// Decides what it was told to, at each time.
class Scripted : public Scheduler {
 public:
  Scripted& At(Time at, std::vector<Action> actions) {
    for (Action& action : actions) script_[at].push_back(std::move(action));
    return *this;
  }
  void OnSubmit(const Job&) override {}
  void OnStop(JobId, StopReason, Time) override {}
  void OnNode(int32_t, bool) override {}
  void Decide(Time now, Actions& actions) override {
    for (const Action& action : script_[now]) {
      switch (action.kind) {
        case ActionKind::kStart:
          actions.Start(action.job, action.nodes);
          break;
        case ActionKind::kPreempt:
          actions.Preempt(action.job);
          break;
        case ActionKind::kReserve:
          actions.Reserve(action.job, action.at);
          break;
      }
    }
  }

 private:
  std::map<Time, std::vector<Action>> script_;
};

Action Start(JobId job, std::vector<int32_t> nodes = {0}) { return {ActionKind::kStart, job, 0, std::move(nodes)}; }
Action Preempt(JobId job) { return {ActionKind::kPreempt, job, 0, {}}; }
Action Reserve(JobId job, Time at) { return {ActionKind::kReserve, job, at, {}}; }

// The rule that is broken; empty if none is.
std::string Judge(const SharingCase& one, Scripted scheduler) {
  SharingJudge judge(one.rules);
  const SimulationResult result = Simulate(one.workload, scheduler, &judge, false, false, nullptr);
  return result.broken ? result.violation.rule : "";
}

TrueJob& AddJob(SharingScript* script, JobId id, Time submit, int32_t tenant, int64_t gpus, Time duration) {
  TrueJob& truth = script->Add(submit, tenant, gpus, duration);
  truth.job.id = id;
  return truth;
}

TEST(SharingJudgeTest, LeastRatioFirst) {
  SharingScript script;  // the example: used 30, 40, 10 of 50, 30, 20
  script.Nodes(1, 100, 1000);
  script.Tenant(1, 50, 0);
  script.Tenant(2, 30, 0);
  script.Tenant(3, 20, 0);
  AddJob(&script, 11, 0, 1, 30, 100);
  AddJob(&script, 12, 0, 2, 40, 100);
  AddJob(&script, 13, 0, 3, 10, 100);
  for (int32_t tenant : {1, 2, 3}) AddJob(&script, 20 + tenant, 10, tenant, 5, 90);
  script.workload().end = 50;
  const auto run = [&](std::vector<Action> then) {
    return Judge(script.Case(), Scripted().At(0, {Start(11), Start(12), Start(13)}).At(10, std::move(then)));
  };
  EXPECT_EQ(run({Start(23), Start(21), Start(22)}), "");
  EXPECT_EQ(run({Start(21), Start(23), Start(22)}), "share_order");
  EXPECT_EQ(run({Start(23), Start(22), Start(21)}), "share_order");
  EXPECT_EQ(run({Start(23), Start(21)}), "idle");
  EXPECT_EQ(run({}), "idle");
}

TEST(SharingJudgeTest, OrderWithinTenantAndLimits) {
  SharingScript script;
  script.Nodes(1, 8);
  script.Tenant(1, 4);
  AddJob(&script, 7, 0, 1, 2, 10);
  AddJob(&script, 5, 0, 1, 2, 10);
  AddJob(&script, 9, 0, 1, 2, 10).job.priority = 1;
  EXPECT_EQ(Judge(script.Case(), Scripted().At(0, {Start(9), Start(5)}).At(10, {Start(7)})), "");
  EXPECT_EQ(Judge(script.Case(), Scripted().At(0, {Start(5)})), "overtaken");
  EXPECT_EQ(Judge(script.Case(), Scripted().At(0, {Start(9), Start(7)})), "overtaken");
  EXPECT_EQ(Judge(script.Case(), Scripted().At(0, {Start(9), Start(5), Start(7)})), "over_limit");
}

TEST(SharingJudgeTest, DominantSharesWithinRoundingMayComeInEitherOrder) {
  SharingScript script(Sharing::kDominant);  // 3/10 / 3 and 1/10 / 1
  script.Nodes(1, 10);
  script.Tenant(1, 100).weight = 3;
  script.Tenant(2, 100).weight = 1;
  AddJob(&script, 1, 0, 1, 3, 50);
  AddJob(&script, 2, 0, 2, 1, 50);
  AddJob(&script, 3, 5, 1, 1, 50);
  AddJob(&script, 4, 5, 2, 1, 50);
  const Scripted start = Scripted().At(0, {Start(1), Start(2)});
  EXPECT_EQ(Judge(script.Case(), Scripted(start).At(5, {Start(3), Start(4)})), "");
  EXPECT_EQ(Judge(script.Case(), Scripted(start).At(5, {Start(4), Start(3)})), "");
}

class ReclaimTest : public testing::Test {
 protected:
  // Tenant 1 has borrowed 4 of tenant 2's 6: jobs 1, 2 (more urgent) and 3; job 9 of tenant 2 wants 2.
  ReclaimTest() {
    script_.rules().reclaim = true;
    script_.Nodes(1, 8);
    script_.Tenant(1, 2, 0);
    script_.Tenant(2, 6, 0);
    AddJob(&script_, 1, 0, 1, 2, 100);
    AddJob(&script_, 2, 1, 1, 2, 100).job.priority = 1;
    AddJob(&script_, 3, 2, 1, 2, 100);
    AddJob(&script_, 4, 2, 2, 2, 100);
    AddJob(&script_, 9, 10, 2, 2, 100);
    script_.workload().end = 50;
  }
  std::string Run(std::vector<Action> then) {
    return Judge(script_.Case(),
                 Scripted().At(0, {Start(1)}).At(1, {Start(2)}).At(2, {Start(4), Start(3)}).At(10, std::move(then)));
  }
  SharingScript script_;
};

TEST_F(ReclaimTest, VictimsAreJudged) {
  EXPECT_EQ(Run({Preempt(3), Start(9)}), "");
  EXPECT_EQ(Run({}), "reclaim_missed");
  EXPECT_EQ(Run({Preempt(3)}), "victims_wasted");
  EXPECT_EQ(Run({Preempt(1), Start(9)}), "more_deserving");  // earlier
  EXPECT_EQ(Run({Preempt(2), Start(9)}), "more_deserving");  // more urgent
  EXPECT_EQ(Run({Preempt(3), Preempt(1), Start(9)}), "needless");
  EXPECT_EQ(Run({Preempt(3), Start(3)}), "restarted");
  EXPECT_EQ(Run({Preempt(4), Start(9)}), "within_quota");
}

TEST_F(ReclaimTest, NotWithoutReclaim) {
  script_.rules().reclaim = false;
  EXPECT_EQ(Run({}), "");
  EXPECT_EQ(Run({Preempt(3), Start(9)}), "not_reclaim");
}

TEST_F(ReclaimTest, NotToBorrow) {
  script_.workload().quotas[1].quota.gpu_milli = 3 * kGpu;
  script_.workload().quotas[0].quota.gpu_milli = 5 * kGpu;
  EXPECT_EQ(Run({}), "");
  EXPECT_EQ(Run({Preempt(3), Start(9)}), "claim_to_borrow");
}

class BackfillTest : public testing::Test {
 protected:
  // 6 of 8 GPUs are in use until 100; job 2 wants 8, jobs 3 to 5 want 1 each.
  explicit BackfillTest(int32_t depth = 100) {
    script_.KillAtEstimate(depth);
    script_.Nodes(1, 8);
    script_.Tenant(1, 100, 0);
    script_.Tenant(2, 100, 0);
    AddJob(&script_, 1, 0, 1, 6, 100);
    AddJob(&script_, 2, 1, 2, 8, 50);
    AddJob(&script_, 3, 1, 2, 1, 200);
    AddJob(&script_, 4, 1, 2, 1, 99);
    AddJob(&script_, 5, 1, 2, 1, 20);
    script_.workload().end = 20;
  }
  std::string Run(std::vector<Action> then) {
    return Judge(script_.Case(), Scripted().At(0, {Start(1)}).At(1, std::move(then)));
  }
  SharingScript script_;
};

TEST_F(BackfillTest, IsJudged) {
  EXPECT_EQ(Run({Reserve(2, 100), Start(4), Start(5)}), "");
  EXPECT_EQ(Run({Start(4), Start(5), Reserve(2, 100)}), "");  // promised last
  EXPECT_EQ(Run({Start(4), Start(5)}), "no_reservation");
  EXPECT_EQ(Run({Reserve(2, 101), Start(4), Start(5)}), "wrong_promise");
  EXPECT_EQ(Run({Reserve(2, 99), Start(4), Start(5)}), "wrong_promise");
  EXPECT_EQ(Run({Reserve(3, 100)}), "not_held_up");
  EXPECT_EQ(Run({Reserve(2, 100), Start(3)}), "delays");
  EXPECT_EQ(Run({Start(3)}), "delays");
  EXPECT_EQ(Run({Reserve(2, 100), Start(5), Start(4)}), "backfill_missed");  // in order
  EXPECT_EQ(Run({Reserve(2, 100), Start(4)}), "backfill_missed");
}

TEST_F(BackfillTest, DepthCountsTheHeldUpJob) {
  script_.rules().backfill_depth = 3;
  EXPECT_EQ(Run({Reserve(2, 100), Start(4)}), "");
  EXPECT_EQ(Run({Reserve(2, 100), Start(4), Start(5)}), "backfill_depth");
}

TEST_F(BackfillTest, PromiseBindsLaterSteps) {
  AddJob(&script_, 8, 10, 1, 1, 200);
  AddJob(&script_, 9, 10, 1, 1, 60).job.priority = 1;
  const Scripted start = Scripted().At(0, {Start(1)}).At(1, {Reserve(2, 100), Start(4)});
  script_.workload().jobs.erase(script_.workload().jobs.begin() + 4);  // 5
  EXPECT_EQ(Judge(script_.Case(), Scripted(start).At(10, {Start(9)})), "");
  EXPECT_EQ(Judge(script_.Case(), Scripted(start).At(10, {})), "idle");
  EXPECT_EQ(Judge(script_.Case(), Scripted(start).At(10, {Reserve(8, 200), Start(9)})), "not_held_up");
  script_.workload().jobs.pop_back();  // 9
  EXPECT_EQ(Judge(script_.Case(), Scripted(start).At(10, {Start(8)})), "delays");
  EXPECT_EQ(Judge(script_.Case(), start), "");
}

TEST(SharingCaseTest, RoundTripAndGarbage) {
  RandomSharing options;
  options.limits = options.cohorts = options.failures = options.nodes = options.changes = true;
  const SharingCase one = MakeRandomSharing(options, 3);
  const std::vector<std::byte> bytes = EncodeSharing(one);
  const std::span<const std::byte> body = std::span(bytes).subspan(sizeof(int32_t));
  SharingCase other;
  ASSERT_TRUE(DecodeSharing(body, &other));
  EXPECT_EQ(EncodeSharing(other), bytes);
  for (size_t size = 0; size < body.size(); size += 7) {
    SharingReply reply;
    EXPECT_FALSE(DecodeSharing(body.first(size), &other));
    DecodeSharingReply(body.first(size), &reply);  // whatever it is, it ends
  }
}

TEST(SharingShrinkTest, KeepsWhatFails) {
  RandomSharing options;
  options.nodes = options.failures = true;
  const SharingCase one = MakeRandomSharing(options, 5);
  const JobId wanted = one.workload.jobs[40].job.id;
  const SharingCase smaller = ShrinkSharing(
      one,
      [&](const SharingCase& candidate) {
        return std::any_of(candidate.workload.jobs.begin(), candidate.workload.jobs.end(),
                           [&](const TrueJob& truth) { return truth.job.id == wanted; });
      },
      1000);
  ASSERT_EQ(smaller.workload.jobs.size(), 1u);
  EXPECT_EQ(smaller.workload.jobs[0].job.id, wanted);
  EXPECT_TRUE(smaller.workload.node_changes.empty());
}

}  // namespace
}  // namespace q07
