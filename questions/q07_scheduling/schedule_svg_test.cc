#include "questions/q07_scheduling/schedule_svg.h"

#include <gtest/gtest.h>

#include "questions/q07_scheduling/run_json.h"

namespace q07 {
namespace {

int Count(const std::string& text, const std::string& word) {
  int count = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

struct Example {
  Workload workload;
  SimulationResult result;
};

Example ThreeJobs() {
  Example example;
  example.workload.nodes = {{0, {2000, 0, 0}}, {1, {1000, 0, 0}}};
  for (JobId id = 0; id < 3; ++id) {
    TrueJob job;
    job.job.id = id;
    job.job.tenant = static_cast<int32_t>(id % 2);
    job.job.demand.gpu_milli = 1000;
    job.job.members = id == 2 ? 3 : 1;
    job.duration = 1000;
    example.workload.jobs.push_back(job);
  }
  example.result.runs = {{0, 0, 1000, StopReason::kFinished, {0}},
                         {1, 0, 500, StopReason::kPreempted, {0}},
                         {2, 1000, 2000, StopReason::kFinished, {0, 0, 1}}};
  example.result.open = {{1, 2000, 2500, StopReason::kFinished, {1}}};
  example.result.end = 2500;
  return example;
}

TEST(ScheduleSvgTest, DrawsEachMemberAndMarksWhatWasCutShort) {
  const Example example = ThreeJobs();
  const std::string svg = ScheduleSvg(example.workload, example.result, {"a <title>", {"x", "y & z"}});
  EXPECT_EQ(Count(svg, "<svg "), 1);
  EXPECT_EQ(Count(svg, "</svg>"), 1);
  // Jobs 0 and 2 are of tenant 0; a rectangle for each GPU, or for neighbouring GPUs of one member; one in the legend.
  EXPECT_EQ(Count(svg, "<rect class=\"c0\""), 1 + 3 + 1);
  EXPECT_EQ(Count(svg, "<rect class=\"c1\""), 2 + 1);
  EXPECT_EQ(Count(svg, "<rect class=\"cut\""), 1);
  EXPECT_EQ(Count(svg, "a &lt;title>"), 1);
  EXPECT_EQ(Count(svg, "y &amp; z"), 1);
  EXPECT_NE(svg.find("3 jobs in 4 runs on 3 GPUs"), std::string::npos);
  EXPECT_NE(svg.find("prefers-color-scheme: dark"), std::string::npos);
}

TEST(ScheduleSvgTest, JobsInPiecesAndNothingAtAll) {
  Example example = ThreeJobs();
  // 600 and 400 are free in two pieces.
  example.workload.nodes = {{0, {2000, 0, 0}}};
  const int64_t gpu_milli[] = {600, 1000, 1000};
  for (size_t i = 0; i < 3; ++i) example.workload.jobs[i].job.demand.gpu_milli = gpu_milli[i];
  example.workload.jobs[2].job.members = 1;
  example.result.open.clear();
  example.result.runs = {{0, 0, 100, StopReason::kFinished, {0}},
                         {1, 0, 1000, StopReason::kFinished, {0}},
                         {2, 100, 1000, StopReason::kFinished, {0}}};
  const std::string svg = ScheduleSvg(example.workload, example.result, {"", {}});
  EXPECT_EQ(Count(svg, "<rect class=\"c2\""), 2);
  EXPECT_NE(ScheduleSvg(Workload(), SimulationResult(), {}).find("0 jobs"), std::string::npos);
}

TEST(ScheduleSvgTest, ManyRunsStaySmall) {
  Example example;
  example.workload.nodes = {{0, {1'000'000, 0, 0}}};
  for (JobId id = 0; id < 50'000; ++id) {
    TrueJob job;
    job.job.id = id;
    job.job.demand.gpu_milli = 1000;
    example.workload.jobs.push_back(job);
    example.result.runs.push_back({id, id * 10, id * 10 + 900, StopReason::kFinished, {0}});
  }
  const std::string svg = ScheduleSvg(example.workload, example.result, {"many", {}});
  EXPECT_LT(svg.size(), size_t{2} << 20);
  EXPECT_NE(svg.find("the first 128 are drawn"), std::string::npos);
}

TEST(RunJsonTest, SaysWhatRan) {
  const Example example = ThreeJobs();
  const std::string json = RunJson("title \xff", example.workload, {"x", "y"}, example.result);
  EXPECT_NE(json.find(R"("format":"q07-run-1")"), std::string::npos);
  EXPECT_NE(json.find(R"({"job":2,"start":1000,"end":2000,"reason":"finished","nodes":[0,0,1]})"), std::string::npos);
  EXPECT_NE(json.find(R"("reason":"preempted")"), std::string::npos);
  EXPECT_NE(json.find(R"("reason":"open")"), std::string::npos);
  EXPECT_EQ(json.back(), '\n');
}

}  // namespace
}  // namespace q07
