#include "questions/q07_scheduling/metrics.h"

#include <gtest/gtest.h>

#include <numeric>

namespace q07 {
namespace {

TEST(Metrics, TakesPercentilesByNearestRank) {
  std::vector<double> values(200);
  std::iota(values.begin(), values.end(), 1);
  const Distribution all = Summarize(values);
  EXPECT_EQ(all.count, 200);
  EXPECT_DOUBLE_EQ(all.mean, 100.5);
  EXPECT_EQ(all.median, 100);
  EXPECT_EQ(all.p99, 198);
  EXPECT_EQ(all.max, 200);
  EXPECT_EQ(Summarize({7}).p99, 7);
  EXPECT_EQ(Summarize({3, 1, 2}).median, 2);
  EXPECT_EQ(Summarize({}).count, 0);
}

TEST(Metrics, HasJainsIndex) {
  const double same[] = {3, 3, 3, 3}, one[] = {8, 0, 0, 0}, some[] = {1, 2, 3};
  EXPECT_DOUBLE_EQ(JainIndex(same), 1);
  EXPECT_DOUBLE_EQ(JainIndex(one), 0.25);
  EXPECT_DOUBLE_EQ(JainIndex(some), 36.0 / 42);
  EXPECT_EQ(JainIndex({}), 1);
}

TrueJob MakeJob(JobId id, int32_t tenant, Time submit, int64_t gpus, Time duration) {
  TrueJob truth;
  truth.job.id = id;
  truth.job.tenant = tenant;
  truth.job.submit = submit;
  truth.job.demand.gpu_milli = 1000 * gpus;
  truth.duration = duration;
  return truth;
}

// 4 GPUs. Job 1 (3 GPUs) runs 10-30, keeps 18 of that, and runs again 50-85, with a restart of 5. Job 2 (1 GPU) is
// killed after 40. Job 3 never runs.
TEST(Metrics, AddsUpAScheduleByHand) {
  Workload workload;
  workload.nodes = {{0, {4000, 0, 0}}};
  workload.jobs = {MakeJob(1, 0, 0, 3, 48), MakeJob(2, 1, 10, 1, 100), MakeJob(3, 1, 20, 4, 10)};
  workload.jobs[0].job.checkpoint_interval = 9;
  workload.jobs[0].job.restart_cost = 5;
  SimulationResult result;
  result.runs = {{1, 10, 30, StopReason::kPreempted, {0}},
                 {2, 10, 50, StopReason::kKilled, {0}},
                 {1, 50, 85, StopReason::kFinished, {0}}};
  result.decision_ns = {100, 300};
  const Metrics metrics = Measure(workload, result);
  EXPECT_EQ(metrics.finished, 1);
  EXPECT_EQ(metrics.killed, 1);
  EXPECT_EQ(metrics.left, 1);
  EXPECT_EQ(metrics.preemptions, 1);
  EXPECT_DOUBLE_EQ(metrics.jct.mean, (85 + 40) / 2.0);
  EXPECT_DOUBLE_EQ(metrics.wait.mean, (10 + 0) / 2.0);
  EXPECT_EQ(metrics.makespan, 85);
  const double held = 3 * (20 + 35) + 40;
  EXPECT_DOUBLE_EQ(metrics.allocation, held / (4 * 85));
  EXPECT_DOUBLE_EQ(metrics.utilisation, 3 * 48 / held);
  const double shares[] = {3 * 55, 40};
  EXPECT_DOUBLE_EQ(metrics.jain, JainIndex(shares));
  // Two tenants: alone, job 1 would have half of the 4 GPUs and take 3/2 as long.
  EXPECT_DOUBLE_EQ(metrics.rho.mean, 85 / (48 * 1.5));
  EXPECT_DOUBLE_EQ(metrics.decisions_per_second, 2 / 400e-9);
  EXPECT_EQ(metrics.p99_decision_ns, 300);
}

TEST(Metrics, CountsWhatIsKeptOfRunsThatWereCutShort) {
  Workload workload;
  workload.nodes = {{0, {1000, 0, 0}}};
  workload.jobs = {MakeJob(1, 0, 0, 1, 100)};
  workload.jobs[0].job.checkpoint_interval = 9;
  SimulationResult result;
  result.runs = {{1, 0, 20, StopReason::kFailed, {0}}};  // keeps 18
  result.open = {{1, 20, 40, StopReason::kFinished, {0}}};
  const Metrics metrics = Measure(workload, result);
  EXPECT_EQ(metrics.left, 1);
  EXPECT_EQ(metrics.failures, 1);
  EXPECT_EQ(metrics.makespan, 40);
  EXPECT_DOUBLE_EQ(metrics.allocation, 1);
  EXPECT_DOUBLE_EQ(metrics.utilisation, 38.0 / 40);
  EXPECT_EQ(metrics.jct.count, 0);
}

}  // namespace
}  // namespace q07
