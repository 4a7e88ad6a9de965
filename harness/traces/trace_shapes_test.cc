#include "harness/traces/trace_shapes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "harness/traces/trace_generator.h"

namespace workbench {
namespace {

using testing::HasSubstr;

TraceJob Ran(const std::string& name, int64_t submit, int64_t start, int64_t end, int32_t gpus, int64_t milli = 1000) {
  TraceJob job;
  job.name = name;
  job.submit_ms = submit;
  job.start_ms = start;
  job.end_ms = end;
  job.duration_ms = end - start;
  job.gpus = gpus;
  job.gpu_milli = gpus > 0 ? milli : 0;
  return job;
}

TraceJob NeverRan(const std::string& name, int64_t submit, int32_t gpus) {
  TraceJob job = Ran(name, submit, 0, 0, gpus);
  job.start_ms = job.duration_ms = kUnknownTime;
  job.end_ms = submit + 10;
  return job;
}

// 8 GPUs; 2 + 0.5 + 4 GPUs are asked for by those that ran.
ClusterTrace Small() {
  ClusterTrace trace;
  trace.nodes.push_back({"n", 1000, 1000, 8, "T4", 16384});
  trace.jobs = {Ran("a", 100, 110, 210, 2), Ran("b", 150, 150, 350, 1, 500), NeverRan("c", 160, 1),
                Ran("d", 300, 350, 400, 4)};
  return trace;
}

int64_t Asked(const std::vector<TraceJob>& jobs) {
  int64_t asked = 0;
  for (const TraceJob& job : jobs) asked += job.TotalGpuMilli();
  return asked;
}

TEST(TraceShapes, PeakCountsAnEndBeforeAStartOfTheSameInstant) {
  EXPECT_EQ(PeakGpuMilli(Small()), 4000);
  ClusterTrace trace = Small();
  trace.jobs[3] = Ran("d", 200, 209, 400, 4);
  EXPECT_EQ(PeakGpuMilli(trace), 6500);
  EXPECT_EQ(PeakGpuMilli({}), 0);
}

TEST(TraceShapes, AsRecordedLeavesOutWhatNeverRan) {
  ClusterTrace trace = Small();
  trace.jobs.push_back(Ran("e", 400, 401, 401, 1));
  const ShapedJobs shaped = AsRecorded(trace);
  ASSERT_EQ(shaped.jobs.size(), 3u);
  EXPECT_EQ(shaped.never_scheduled, 1);
  EXPECT_EQ(shaped.no_duration, 1);
  EXPECT_EQ(shaped.jobs[0].submit_ms, 0);
  EXPECT_EQ(shaped.jobs[2].submit_ms, 200);
  EXPECT_EQ(shaped.jobs[2].duration_ms, 50);
  EXPECT_EQ(shaped.jobs[2].start_ms, kUnknownTime);
}

TEST(TraceShapes, ArrivalsEndWhenEnoughIsAskedFor) {
  const ClusterTrace trace = Small();
  const ShapedJobs shaped = *ArrivalsOnly(trace, 1.0, ArrivalOrder::kRecorded, 1);
  ASSERT_EQ(shaped.jobs.size(), 5u);  // 2, 2.5, 3.5, 7.5, and again 2
  EXPECT_EQ(shaped.jobs[2].name, "c");
  EXPECT_EQ(shaped.jobs[4].name, "a#2");
  EXPECT_EQ(shaped.jobs[4].submit_ms, 4);
  EXPECT_EQ(shaped.jobs[4].duration_ms, kUnknownTime);
  EXPECT_EQ(ArrivalsOnly(trace, 7.5 / 8, ArrivalOrder::kRecorded, 1)->jobs.size(), 4u);  // reached exactly
}

TEST(TraceShapes, RandomOrdersAreOfTheSeed) {
  const ClusterTrace trace = *GenerateTrace({});
  for (const ArrivalOrder order : {ArrivalOrder::kShuffled, ArrivalOrder::kSampled}) {
    const ShapedJobs one = *ArrivalsOnly(trace, 1.2, order, 5), again = *ArrivalsOnly(trace, 1.2, order, 5),
                     other = *ArrivalsOnly(trace, 1.2, order, 6);
    std::vector<std::string> names, again_names, other_names;
    for (const TraceJob& job : one.jobs) names.push_back(job.name);
    for (const TraceJob& job : again.jobs) again_names.push_back(job.name);
    for (const TraceJob& job : other.jobs) other_names.push_back(job.name);
    EXPECT_EQ(names, again_names);
    EXPECT_NE(names, other_names);
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
    const double target = 1.2 * 1000 * static_cast<double>(trace.TotalGpus());
    EXPECT_GE(static_cast<double>(Asked(one.jobs)), target);
    EXPECT_LT(static_cast<double>(Asked(one.jobs) - one.jobs.back().TotalGpuMilli()), target);
    // A shuffle takes each once before any a second time; samples do not.
    std::set<std::string> first(names.begin(), names.begin() + 8152);
    EXPECT_EQ(first.contains("job-00000") && first.contains("job-08151") && !names[8151].ends_with("#2"),
              order == ArrivalOrder::kShuffled);
  }
}

TEST(TraceShapes, CompressesToALoad) {
  const ClusterTrace trace = Small();
  // 100 * 2 + 200 * 0.5 + 50 * 4 = 500 GPU ms on 8 GPUs within 200 ms.
  EXPECT_DOUBLE_EQ(OfferedLoad(AsRecorded(trace).jobs, 8), 500.0 / 1600);
  const ShapedJobs half = *CompressToLoad(trace, {.load = 0.625});
  EXPECT_EQ(half.jobs[1].submit_ms, 25);
  EXPECT_EQ(half.jobs[2].submit_ms, 100);
  EXPECT_EQ(half.jobs[2].duration_ms, 50);
  EXPECT_DOUBLE_EQ(OfferedLoad(half.jobs, 8), 0.625);
  EXPECT_EQ(half.never_scheduled, 1);
  const ShapedJobs cut = *CompressToLoad(trace, {.load = 0.625, .max_duration_ms = 50});
  EXPECT_EQ(cut.jobs[0].duration_ms, 50);
  EXPECT_EQ(cut.jobs[2].submit_ms, 65);  // 325 GPU ms
  const ClusterTrace large = *GenerateTrace({});
  for (const double load : {0.5, 0.9, 1.5}) {
    EXPECT_NEAR(OfferedLoad(CompressToLoad(large, {.load = load})->jobs, large.TotalGpus()), load, load * 1e-6);
  }
}

TEST(TraceShapes, TellsWhatCannotBeDone) {
  ClusterTrace trace = Small();
  EXPECT_THAT(ArrivalsOnly(trace, 0, ArrivalOrder::kRecorded, 1).status().message(), HasSubstr("above 0"));
  EXPECT_THAT(ArrivalsOnly(trace, 0.0 / 0.0, ArrivalOrder::kRecorded, 1).status().message(), HasSubstr("above 0"));
  EXPECT_THAT(CompressToLoad(trace, {.load = -1}).status().message(), HasSubstr("above 0"));
  EXPECT_THAT(CompressToLoad(trace, {.load = 1e-300}).status().message(), HasSubstr("last too long"));
  EXPECT_THAT(CompressToLoad(trace, {.load = 1, .max_duration_ms = 0}).status().message(), HasSubstr("no run time"));
  for (TraceJob& job : trace.jobs) job.gpus = job.gpu_milli = 0;
  EXPECT_THAT(ArrivalsOnly(trace, 1, ArrivalOrder::kRecorded, 1).status().message(), HasSubstr("no job"));
  EXPECT_THAT(CompressToLoad(trace, {}).status().message(), HasSubstr("no load"));
  trace = Small();
  trace.nodes.clear();
  EXPECT_THAT(ArrivalsOnly(trace, 1, ArrivalOrder::kRecorded, 1).status().message(), HasSubstr("no nodes"));
  EXPECT_THAT(CompressToLoad(trace, {}).status().message(), HasSubstr("no nodes"));
  trace = Small();
  trace.jobs.resize(1);
  EXPECT_THAT(CompressToLoad(trace, {}).status().message(), HasSubstr("no load"));
}

}  // namespace
}  // namespace workbench
