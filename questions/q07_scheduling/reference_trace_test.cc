// The references on the Alibaba trace of 2023, where WORKBENCH_TRACES names a folder that has it (or a folder with a
// folder q07 that does), and on a trace like it that is made up: each run takes less than two seconds of one core and
// does all its jobs, and placement by fragmentation strands fewer GPUs than best fit, packing and random once all GPUs
// have been asked for.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "harness/traces/trace_generator.h"
#include "harness/traces/trace_reader.h"
#include "questions/q07_scheduling/metrics.h"
#include "questions/q07_scheduling/placement_metrics.h"
#include "questions/q07_scheduling/simulate_options.h"
#include "questions/q07_scheduling/trace_workload.h"

namespace q07 {
namespace {

using workbench::ClusterTrace;
using workbench::Result;

constexpr double kMostSeconds = 2;
constexpr int64_t kThresholds[] = {3'600'000'000, 36'000'000'000};  // 1 and 10 GPU hours

Result<ClusterTrace> Load(const std::string& which) {
  if (which == "made_up") return workbench::GenerateTrace({});
  const char* named = std::getenv("WORKBENCH_TRACES");
  if (named == nullptr || *named == '\0') return workbench::Error("");
  const std::string inner = std::string(named) + "/q07";
  return workbench::ReadAlibabaTrace(access(inner.c_str(), F_OK) == 0 ? inner : named);
}

double CpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

class ReferenceTraceTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    Result<ClusterTrace> loaded = Load(GetParam());
    if (!loaded.ok() && loaded.status().message().empty()) GTEST_SKIP();
    ASSERT_TRUE(loaded.ok()) << loaded.status().message();
    trace_ = *std::move(loaded);
  }

  // A run that comes to its end in time.
  static void Check(const std::string& name, const Workload& workload, Scheduler* made) {
    SCOPED_TRACE(name);
    const std::unique_ptr<Scheduler> scheduler(made);
    ASSERT_NE(scheduler, nullptr);
    const double before = CpuSeconds();
    const SimulationResult result = Simulate(workload, *scheduler, nullptr, false, false, &q07_sharing_set_quota);
    EXPECT_LT(CpuSeconds() - before, kMostSeconds);
    EXPECT_FALSE(result.broken) << result.violation.message;
    EXPECT_EQ(result.ending, Ending::kDone);
    EXPECT_EQ(Measure(workload, result).finished, static_cast<int64_t>(workload.jobs.size()));
  }

  static ClusterConfig ClusterOf(const Workload& workload) {
    ClusterConfig cluster;
    cluster.nodes = workload.nodes;
    cluster.tick = workload.tick;
    cluster.kill_at_estimate = workload.kill_at_estimate;
    return cluster;
  }

  void CheckAll(const TraceShape& shape) {
    TraceCounts counts;
    Result<Workload> policies = PolicyWorkload(trace_, shape, &counts);
    ASSERT_TRUE(policies.ok()) << policies.status().message();
    for (size_t i = 0; i < kPolicyNames.size(); ++i) {
      PolicyConfig config;
      config.policy = static_cast<Policy>(i);
      config.thresholds = kThresholds;
      config.ageing_interval = 3'600'000;
      policies->tick = config.policy == Policy::kLeastAttained ? 60'000 : 0;
      Check(kPolicyNames[i], *policies, q07_policy_create(ClusterOf(*policies), config));
    }
    std::vector<std::string> tenants;
    Result<Workload> sharing = SharingWorkload(trace_, shape, &counts, &tenants);
    ASSERT_TRUE(sharing.ok()) << sharing.status().message();
    for (size_t i = 0; i < kSharingNames.size(); ++i) {
      SharingConfig config;
      config.sharing = static_cast<Sharing>(i % 2);
      config.quotas = sharing->quotas;
      config.reclaim = i / 2 == 1;
      config.backfill_depth = i / 2 == 2 ? 100 : 0;
      Check(kSharingNames[i], *sharing, q07_sharing_create(ClusterOf(*sharing), config));
    }
    for (const PlacementRun& run : Placements(shape)) EXPECT_LT(run.seconds, kMostSeconds);
  }

  std::vector<PlacementRun> Placements(const TraceShape& shape) {
    TraceCounts counts;
    Result<PlacementSequence> sequence = PlacementRequests(trace_, shape, &counts);
    EXPECT_TRUE(sequence.ok());
    std::vector<PlacementRun> runs;
    for (size_t i = 0; i < kPlacementNames.size() && sequence.ok(); ++i) {
      PlacementConfig config;
      config.policy = static_cast<PlacementPolicy>(i);
      config.typical = sequence->typical;
      config.seed = 1;
      const std::unique_ptr<Placer> placer(q07_placer_create(sequence->nodes, config));
      runs.push_back(RunPlacement(*sequence, *placer));
      EXPECT_EQ(runs.back().broken, "") << kPlacementNames[i];
    }
    return runs;
  }

  ClusterTrace trace_;
};

TEST_P(ReferenceTraceTest, AsRecorded) { CheckAll({}); }

TEST_P(ReferenceTraceTest, CompressedToLoad) {
  TraceShape shape;
  shape.shape = Shape::kLoad;
  shape.target = 0.9;
  CheckAll(shape);
}

TEST_P(ReferenceTraceTest, CompressedToLoadOnAPartOfTheCluster) {
  TraceShape shape;
  shape.shape = Shape::kLoad;
  shape.target = 0.9;
  shape.gpus = 512;
  shape.longest = Time{24} * 3600 * 1000;
  CheckAll(shape);
}

TEST_P(ReferenceTraceTest, FragmentationStrandsFewestGpus) {
  for (const double target : {0.9, 1.0, 1.2}) {
    TraceShape shape;
    shape.shape = Shape::kArrivals;
    shape.target = target;
    const std::vector<PlacementRun> runs = Placements(shape);
    ASSERT_EQ(runs.size(), kPlacementNames.size());
    const PlacementPoint& ours = runs[static_cast<size_t>(PlacementPolicy::kFragmentation)].points.back();
    for (const PlacementPolicy other : {PlacementPolicy::kBestFit, PlacementPolicy::kPack, PlacementPolicy::kRandom}) {
      const PlacementPoint& theirs = runs[static_cast<size_t>(other)].points.back();
      EXPECT_LT(ours.stranded_gpus, theirs.stranded_gpus)
          << target << " " << kPlacementNames[static_cast<size_t>(other)];
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Traces, ReferenceTraceTest, testing::Values("alibaba", "made_up"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace q07
