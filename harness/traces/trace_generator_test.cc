#include "harness/traces/trace_generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "harness/traces/trace_marginals.h"
#include "harness/traces/trace_shapes.h"

namespace workbench {
namespace {

bool IsOf(const TraceMarginals::Class& kind, const TraceJob& job) {
  return job.gpus == kind.gpus && (job.gpus == 1 && job.gpu_milli < 1000) == kind.part_of_gpu;
}

TEST(TraceGenerator, SharesAreTheConstantsWithinFiveSigma) {
  TraceGeneratorOptions options;
  options.jobs = 200'000;
  options.nodes = 10;
  const ClusterTrace trace = *GenerateTrace(options);
  const double n = static_cast<double>(trace.jobs.size());
  double total = 0;
  for (const TraceMarginals::Class& kind : AlibabaMarginals().classes) {
    const double share = ShareOf(trace, [&](const TraceJob& job) { return IsOf(kind, job); });
    EXPECT_NEAR(share, kind.share, 5 * std::sqrt(kind.share * (1 - kind.share) / n)) << kind.name;
    const double scheduled = ShareOf(trace, [&](const TraceJob& job) { return IsOf(kind, job) && job.ran(); }) / share;
    EXPECT_NEAR(scheduled, kind.scheduled, 5 * std::sqrt(kind.scheduled * (1 - kind.scheduled) / (n * share)) + 1e-12)
        << kind.name;
    total += kind.share;
  }
  EXPECT_NEAR(total, 1, 1e-12);
  // The gaps' mean is the quantiles', whose interpolation is not exact: 5 %.
  EXPECT_NEAR(static_cast<double>(trace.jobs.back().submit_ms) / 1000 / n, AlibabaMarginals().mean_gap_s,
              0.05 * AlibabaMarginals().mean_gap_s);
}

TEST(TraceGenerator, DefaultIsTheSizeOfTheTrace) {
  const ClusterTrace trace = *GenerateTrace({});
  EXPECT_EQ(trace.nodes.size(), 1213u);
  EXPECT_EQ(trace.TotalGpus(), 6212);
  EXPECT_EQ(trace.jobs.size(), 8152u);
  for (const TraceNode& node : trace.nodes) EXPECT_GT(node.gpu_memory_mib, 0) << node.model;
}

TEST(TraceGenerator, JobsAreConsistent) {
  TraceGeneratorOptions options;
  options.gpu_spec = 0.33;
  options.tenants = 4;
  const ClusterTrace trace = *GenerateTrace(options);
  int64_t before = 0, choosy = 0, with_gpus = 0;
  std::map<std::string, int> tenants;
  for (const TraceJob& job : trace.jobs) {
    EXPECT_GE(job.submit_ms, before);
    before = job.submit_ms;
    EXPECT_EQ(job.submit_ms % 1000, 0);
    if (job.ran()) {
      EXPECT_GE(job.start_ms, job.submit_ms);
      EXPECT_EQ(job.end_ms, job.start_ms + job.duration_ms);
      EXPECT_GT(job.duration_ms, 0);
      EXPECT_NE(job.status, "Pending");
    } else {
      EXPECT_EQ(job.status, "Pending");
      EXPECT_EQ(job.duration_ms, kUnknownTime);
    }
    EXPECT_EQ(job.gpus == 0, job.gpu_milli == 0);
    EXPECT_TRUE(job.gpus == 1 || job.gpu_milli == 0 || job.gpu_milli == 1000);
    choosy += !job.models.empty();
    with_gpus += job.gpus > 0;
    for (const std::string& model : job.models) EXPECT_GT(GpuMemoryMib(model), 0) << model;
    ++tenants[job.tenant];
  }
  EXPECT_NEAR(static_cast<double>(choosy) / static_cast<double>(with_gpus), 0.33, 0.03);
  EXPECT_EQ(tenants.size(), 4u);
  EXPECT_GT(tenants["tenant-1"], tenants["tenant-2"]);
  EXPECT_GT(tenants["tenant-3"], tenants["tenant-4"]);
}

TEST(TraceGenerator, IsOfTheSeed) {
  const auto sum = [](uint64_t seed) {
    TraceGeneratorOptions options;
    options.seed = seed;
    options.jobs = 500;
    const ClusterTrace trace = *GenerateTrace(options);
    uint64_t hash = 0;
    for (const TraceJob& job : trace.jobs) {
      for (const int64_t value : {job.submit_ms, job.start_ms, job.end_ms, job.cpu_milli, job.TotalGpuMilli()}) {
        hash = hash * 1'000'003 + static_cast<uint64_t>(value);
      }
    }
    return hash;
  };
  EXPECT_EQ(sum(1), sum(1));
  EXPECT_NE(sum(1), sum(2));
  // More jobs begin with the same ones.
  TraceGeneratorOptions more;
  more.jobs = 501;
  TraceGeneratorOptions fewer;
  fewer.jobs = 500;
  EXPECT_EQ(GenerateTrace(more)->jobs[499].end_ms, GenerateTrace(fewer)->jobs[499].end_ms);
}

TEST(TraceGenerator, NodesKeepTheirProportions) {
  for (const int64_t nodes : {int64_t{0}, int64_t{1}, int64_t{7}, int64_t{100}, int64_t{10'000}}) {
    TraceGeneratorOptions options;
    options.jobs = 1;
    options.nodes = nodes;
    const ClusterTrace trace = *GenerateTrace(options);
    EXPECT_EQ(trace.nodes.size(), static_cast<size_t>(nodes));
    const auto g2 =
        std::count_if(trace.nodes.begin(), trace.nodes.end(), [](const TraceNode& n) { return n.model == "G2"; });
    EXPECT_NEAR(static_cast<double>(g2), static_cast<double>(nodes) * 549 / 1213, 1);
  }
}

TEST(TraceGenerator, TellsOptionsThatMakeNoSense) {
  for (const TraceGeneratorOptions& options :
       {TraceGeneratorOptions{.jobs = 0}, TraceGeneratorOptions{.jobs = int64_t{1} << 60},
        TraceGeneratorOptions{.nodes = -1}, TraceGeneratorOptions{.gpu_spec = 1.5},
        TraceGeneratorOptions{.tenants = -1}}) {
    EXPECT_FALSE(GenerateTrace(options).ok());
  }
}

}  // namespace
}  // namespace workbench
