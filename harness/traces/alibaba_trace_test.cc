// The real Alibaba 2023 trace, where the variable WORKBENCH_TRACES names a folder with openb_node_list_gpu_node.csv and
// openb_pod_list_default.csv (or a folder with a folder q07 that has them).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "harness/traces/trace_csv.h"
#include "harness/traces/trace_generator.h"
#include "harness/traces/trace_marginals.h"
#include "harness/traces/trace_reader.h"
#include "harness/traces/trace_shapes.h"

namespace workbench {
namespace {

std::string Folder() {
  const char* named = std::getenv("WORKBENCH_TRACES");
  if (named == nullptr || *named == '\0') return "";
  const std::string inner = std::string(named) + "/q07";
  return access(inner.c_str(), F_OK) == 0 ? inner : named;
}

class AlibabaTrace : public testing::Test {
 protected:
  void SetUp() override {
    if (Folder().empty()) GTEST_SKIP();
    Result<ClusterTrace> read = ReadAlibabaTrace(Folder());
    ASSERT_TRUE(read.ok()) << read.status().message();
    trace_ = *std::move(read);
  }
  ClusterTrace trace_;
};

TEST_F(AlibabaTrace, HasWhatIsPublishedOfIt) {
  EXPECT_EQ(trace_.nodes.size(), 1213u);
  EXPECT_EQ(trace_.TotalGpus(), 6212);
  EXPECT_EQ(trace_.jobs.size(), 8152u);
  for (const TraceNode& node : trace_.nodes) EXPECT_GT(node.gpu_memory_mib, 0) << node.model;
  int64_t never = 0;
  for (const TraceJob& job : trace_.jobs) {
    never += !job.ran();
    // Never scheduled: an empty scheduled_time; these are those in the phase Pending, and they too have a
    // deletion_time.
    EXPECT_EQ(job.ran(), job.status != "Pending") << job.name;
    EXPECT_NE(job.end_ms, kUnknownTime) << job.name;
    EXPECT_TRUE(job.models.empty());
  }
  EXPECT_EQ(never, 897);
  EXPECT_EQ((PeakGpuMilli(trace_) + 999) / 1000, 66);  // 65.59 GPUs
}

TEST_F(AlibabaTrace, IsShaped) {
  const ShapedJobs recorded = AsRecorded(trace_);
  EXPECT_EQ(recorded.jobs.size(), 8152u - 897);
  EXPECT_EQ(recorded.never_scheduled, 897);
  for (const double fraction : {0.9, 1.0, 1.2}) {
    const ShapedJobs arrivals = *ArrivalsOnly(trace_, fraction, ArrivalOrder::kShuffled, 1);
    int64_t asked = 0;
    for (const TraceJob& job : arrivals.jobs) asked += job.TotalGpuMilli();
    EXPECT_GE(static_cast<double>(asked), fraction * 6'212'000);
    EXPECT_LT(static_cast<double>(asked), fraction * 6'212'000 + 8000);
  }
  const ShapedJobs compressed = *CompressToLoad(trace_, {.load = 0.9});
  EXPECT_NEAR(OfferedLoad(compressed.jobs, 6212), 0.9, 1e-6);
  EXPECT_NEAR(static_cast<double>(compressed.jobs.back().submit_ms) / 3.6e6, 9.2, 0.1);  // hours
}

TEST_F(AlibabaTrace, IsConvertedAndReadBack) {
  const std::string path = testing::TempDir() + "/alibaba.csv";
  ASSERT_TRUE(WriteTraceCsv(trace_, path).ok());
  Result<ClusterTrace> back = ReadTrace(std::vector{path});
  ASSERT_TRUE(back.ok()) << back.status().message();
  ASSERT_EQ(back->jobs.size(), trace_.jobs.size());
  for (size_t i = 0; i < trace_.jobs.size(); ++i) {
    EXPECT_EQ(back->jobs[i].name, trace_.jobs[i].name);
    EXPECT_EQ(back->jobs[i].duration_ms, trace_.jobs[i].duration_ms);
  }
  EXPECT_EQ(back->TotalGpus(), 6212);
}

// Tolerances: what is asked for together is the most frequent 94 % of each class, rounded; run times are interpolated
// between 13 quantiles. A sample of 8,152 alone is off by 0.015 (KS, 5 %).
TEST_F(AlibabaTrace, GeneratedOnesAreLikeIt) {
  TraceGeneratorOptions options;
  options.jobs = 100'000;
  const ClusterTrace made = *GenerateTrace(options);
  const auto any = [](const TraceJob&) { return true; };
  const auto part = [](const TraceJob& job) { return job.gpus == 1 && job.gpu_milli < 1000; };
  const auto ran = [](const TraceJob& job) { return job.ran(); };
  const auto never = [](const TraceJob& job) { return !job.ran(); };
  for (const int32_t gpus : {0, 1, 2, 4, 8}) {
    const auto is = [gpus](const TraceJob& job) { return job.gpus == gpus; };
    EXPECT_NEAR(ShareOf(made, is), ShareOf(trace_, is), 0.01) << gpus;
  }
  for (const char* qos : {"LS", "BE", "Burstable"}) {
    const auto is = [qos](const TraceJob& job) { return job.qos == qos; };
    EXPECT_NEAR(ShareOf(made, is), ShareOf(trace_, is), 0.02) << qos;
  }
  for (const char* status : {"Running", "Failed", "Succeeded", "Pending"}) {
    const auto is = [status](const TraceJob& job) { return job.status == status; };
    EXPECT_NEAR(ShareOf(made, is), ShareOf(trace_, is), 0.02) << status;
  }
  const auto apart = [&](auto keep, auto value) {
    return KsDistance(ValuesOf(made, keep, value), ValuesOf(trace_, keep, value));
  };
  EXPECT_LT(apart(part, [](const TraceJob& job) { return job.gpu_milli; }), 0.05);
  EXPECT_LT(apart(ran, [](const TraceJob& job) { return job.duration_ms; }), 0.04);
  // Half of the waits are of 0, 1 or 2 seconds: each is a large step of the distribution.
  EXPECT_LT(apart(ran, [](const TraceJob& job) { return job.start_ms - job.submit_ms; }), 0.1);
  EXPECT_LT(apart(never, [](const TraceJob& job) { return job.end_ms - job.submit_ms; }), 0.08);
  // In the steps to which the constants are rounded.
  EXPECT_LT(apart(any, [](const TraceJob& job) { return (job.cpu_milli + 50) / 100; }), 0.05);
  EXPECT_LT(apart(any, [](const TraceJob& job) { return (job.memory_mib + 128) / 256; }), 0.05);
  const auto mean = [&](const ClusterTrace& trace, auto value) { return MeanOf(ValuesOf(trace, any, value)); };
  const auto same_mean = [&](auto value, double tolerance) {
    EXPECT_NEAR(mean(made, value) / mean(trace_, value), 1, tolerance);
  };
  same_mean([](const TraceJob& job) { return job.cpu_milli; }, 0.05);
  same_mean([](const TraceJob& job) { return job.memory_mib; }, 0.05);
  same_mean([](const TraceJob& job) { return job.TotalGpuMilli(); }, 0.03);
  std::multiset<std::string> models, made_models;
  for (const TraceNode& node : trace_.nodes) models.insert(node.model + std::to_string(node.gpus));
  for (const TraceNode& node : made.nodes) made_models.insert(node.model + std::to_string(node.gpus));
  EXPECT_EQ(models, made_models);
}

}  // namespace
}  // namespace workbench

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  const int result = RUN_ALL_TESTS();
  if (workbench::Folder().empty()) std::printf("SKIPPED: WORKBENCH_TRACES names no folder with the Alibaba trace\n");
  return result;
}
