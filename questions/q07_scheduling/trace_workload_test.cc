#include "questions/q07_scheduling/trace_workload.h"

#include <gtest/gtest.h>

namespace q07 {
namespace {

using workbench::ClusterTrace;
using workbench::TraceJob;
using workbench::TraceNode;

TraceJob MakeJob(int64_t submit_s, int64_t run_s, int32_t gpus, int64_t gpu_milli, const char* qos) {
  TraceJob job;
  job.name = "job-" + std::to_string(submit_s);
  job.submit_ms = submit_s * 1000;
  job.gpus = gpus;
  job.gpu_milli = gpu_milli;
  job.cpu_milli = 4000;
  job.memory_mib = 1024;
  job.qos = qos;
  if (run_s < 0) return job;  // never scheduled
  job.start_ms = job.submit_ms;
  job.end_ms = job.submit_ms + run_s * 1000;
  job.duration_ms = run_s * 1000;
  return job;
}

// 12 GPUs.
ClusterTrace SmallTrace() {
  ClusterTrace trace;
  for (int i = 0; i < 3; ++i) {
    TraceNode node;
    node.name = "node-" + std::to_string(i);
    node.cpu_milli = 32'000;
    node.memory_mib = 65'536;
    node.gpus = 4;
    node.model = i == 2 ? "V100" : "T4";
    trace.nodes.push_back(node);
  }
  trace.jobs = {MakeJob(100, 50, 1, 500, "LS"), MakeJob(110, 100, 4, 1000, "BE"), MakeJob(120, -1, 1, 1000, "LS"),
                MakeJob(130, 20, 0, 0, "BE"), MakeJob(200, 100, 8, 1000, "LS")};
  trace.jobs[1].models = {"V100"};
  trace.jobs[4].nodes = 2;
  return trace;
}

TraceShape ShapeOf(const char* text) {
  TraceShape shape;
  EXPECT_TRUE(ParseShape(text, &shape).ok());
  return shape;
}

TEST(TraceWorkloadTest, ReadsShapes) {
  EXPECT_EQ(ShapeName(ShapeOf("recorded")), "recorded");
  EXPECT_EQ(ShapeName(ShapeOf("arrivals:1.2")), "arrivals:1.2");
  EXPECT_EQ(ShapeName(ShapeOf("load:0.9")), "load:0.9");
  TraceShape shape;
  for (const char* text :
       {"", "recorded:1", "load", "load:", "load:x", "load:0", "load:-1", "load:nan", "load:11", "load:1 "}) {
    EXPECT_FALSE(ParseShape(text, &shape).ok()) << text;
  }
}

TEST(TraceWorkloadTest, PoliciesGetOneNodeAndJobsWithGpus) {
  TraceCounts counts;
  auto workload = PolicyWorkload(SmallTrace(), ShapeOf("recorded"), &counts);
  ASSERT_TRUE(workload.ok());
  ASSERT_EQ(workload->nodes.size(), 1u);
  EXPECT_EQ(workload->nodes[0].capacity.gpu_milli, 12'000);
  ASSERT_EQ(workload->jobs.size(), 3u);
  EXPECT_EQ(workload->jobs[0].job.demand.gpu_milli, 500);
  EXPECT_EQ(workload->jobs[0].job.submit, 0);
  EXPECT_EQ(workload->jobs[0].job.priority, 2);
  EXPECT_EQ(workload->jobs[2].job.demand.gpu_milli, 8000);
  EXPECT_EQ(workload->jobs[2].job.submit, 100'000);
  EXPECT_EQ(workload->jobs[2].job.estimate, workload->jobs[2].duration);
  EXPECT_TRUE(workload->kill_at_estimate);
  EXPECT_EQ(counts.never_scheduled, 1);
  EXPECT_EQ(counts.no_gpus, 1);
  EXPECT_FALSE(PolicyWorkload(SmallTrace(), ShapeOf("arrivals:1"), &counts).ok());
}

TEST(TraceWorkloadTest, CompressesToTheLoad) {
  TraceCounts counts;
  auto workload = PolicyWorkload(SmallTrace(), ShapeOf("load:0.5"), &counts);
  ASSERT_TRUE(workload.ok());
  EXPECT_NEAR(counts.load, 0.5, 1e-4);
  // 0.5 * 50 + 4 * 100 + 8 * 100 GPU seconds, on 12 GPUs.
  EXPECT_NEAR(static_cast<double>(workload->jobs.back().job.submit), 1225e3 / 12 / 0.5, 1);
}

TEST(TraceWorkloadTest, EstimatesAreAsAskedFor) {
  TraceShape shape = ShapeOf("recorded");
  TraceCounts counts;
  shape.estimates = TraceEstimates::kOver;
  auto over = PolicyWorkload(SmallTrace(), shape, &counts);
  for (const TrueJob& job : over->jobs) {
    EXPECT_GE(job.job.estimate, job.duration);
    EXPECT_LE(job.job.estimate, 5 * job.duration);
  }
  EXPECT_TRUE(over->kill_at_estimate);
  shape.estimates = TraceEstimates::kWrong;
  EXPECT_FALSE(PolicyWorkload(SmallTrace(), shape, &counts)->kill_at_estimate);
  shape.estimates = TraceEstimates::kMissing;
  auto missing = PolicyWorkload(SmallTrace(), shape, &counts);
  for (const TrueJob& job : missing->jobs) EXPECT_EQ(job.job.estimate, kUnknown);
  EXPECT_FALSE(missing->kill_at_estimate);
}

TEST(TraceWorkloadTest, SharingHasNodesGangsAndQuotasThatAddUp) {
  TraceCounts counts;
  std::vector<std::string> tenants;
  auto workload = SharingWorkload(SmallTrace(), ShapeOf("recorded"), &counts, &tenants);
  ASSERT_TRUE(workload.ok());
  EXPECT_EQ(workload->nodes.size(), 3u);
  EXPECT_EQ(tenants, (std::vector<std::string>{"BE", "LS"}));
  ASSERT_EQ(workload->jobs.size(), 4u);
  EXPECT_EQ(workload->jobs[0].job.tenant, 1);
  EXPECT_EQ(workload->jobs[3].job.members, 2);
  EXPECT_EQ(workload->jobs[3].job.demand.gpu_milli, 4000);
  EXPECT_EQ(workload->jobs[3].job.demand.cpu_milli, 2000);
  ASSERT_EQ(workload->quotas.size(), 2u);
  EXPECT_EQ(workload->quotas[0].quota.gpu_milli + workload->quotas[1].quota.gpu_milli, 12'000);
  EXPECT_EQ(workload->quotas[0].quota.memory_mib + workload->quotas[1].quota.memory_mib, 3 * 65'536);
  EXPECT_GT(workload->quotas[1].quota.gpu_milli, workload->quotas[0].quota.gpu_milli);
}

TEST(TraceWorkloadTest, JobsThatFitNowhereAreCounted) {
  ClusterTrace trace = SmallTrace();
  trace.jobs[0].gpus = 5;  // on one node, of four
  trace.jobs[0].gpu_milli = 1000;
  TraceCounts counts;
  std::vector<std::string> tenants;
  auto workload = SharingWorkload(trace, ShapeOf("recorded"), &counts, &tenants);
  ASSERT_TRUE(workload.ok());
  EXPECT_EQ(counts.too_large, 1);
  EXPECT_EQ(workload->jobs.size(), 3u);
}

TEST(TraceWorkloadTest, PlacementsComeAndGo) {
  TraceCounts counts;
  auto sequence = PlacementRequests(SmallTrace(), ShapeOf("recorded"), &counts);
  ASSERT_TRUE(sequence.ok());
  EXPECT_EQ(sequence->requests.size(), 4u);
  EXPECT_EQ(sequence->events.size(), 8u);
  for (size_t i = 1; i < sequence->events.size(); ++i) EXPECT_LE(sequence->events[i - 1].at, sequence->events[i].at);
  EXPECT_EQ(sequence->models, (std::vector<std::string>{"T4", "V100"}));
  EXPECT_EQ(sequence->requests[1].models, 2u);
  EXPECT_EQ(sequence->requests[3].shares, 2);
  EXPECT_EQ(sequence->requests[3].gpus, 4);
  double sum = 0;
  for (const TypicalRequest& typical : sequence->typical) {
    sum += typical.weight;
    EXPECT_EQ(typical.request.shares, 1);
  }
  EXPECT_NEAR(sum, 1, 1e-12);
}

TEST(TraceWorkloadTest, ArrivalsAskForAll) {
  TraceCounts counts;
  auto sequence = PlacementRequests(SmallTrace(), ShapeOf("arrivals:1.2"), &counts);
  ASSERT_TRUE(sequence.ok());
  int64_t asked = 0;
  for (const Request& request : sequence->requests) asked += request.shares * request.gpus * request.gpu_milli;
  EXPECT_GE(asked, 14'400);
  EXPECT_EQ(sequence->events.size(), sequence->requests.size());  // nobody leaves
  ASSERT_EQ(sequence->marks.size(), 2u);
  EXPECT_DOUBLE_EQ(sequence->marks[0].first, 0.9);
  EXPECT_DOUBLE_EQ(sequence->marks[1].first, 1.0);
}

TEST(TraceWorkloadTest, PartOfTheCluster) {
  TraceShape shape = ShapeOf("recorded");
  TraceCounts counts;
  std::vector<std::string> tenants;
  shape.gpus = 8;
  EXPECT_EQ(SharingWorkload(SmallTrace(), shape, &counts, &tenants)->nodes.size(), 2u);
  EXPECT_EQ(counts.gpus, 8);

  ClusterTrace no_nodes = SmallTrace();
  no_nodes.nodes.clear();
  shape.gpus = 0;
  auto workload = SharingWorkload(no_nodes, shape, &counts, &tenants);
  ASSERT_TRUE(workload.ok());
  // 12 at once, from the 200th second on.
  EXPECT_EQ(workload->nodes.size(), 2u);
  EXPECT_EQ(workload->nodes[0].capacity.gpu_milli, 8000);
}

}  // namespace
}  // namespace q07
