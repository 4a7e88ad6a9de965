#include "grader/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace workbench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kClean[] = "harness/testing/calls_getenv.so";
constexpr char kForbidden[] = "harness/testing/calls_mpi.so";

TEST(PerformanceFractionTest, IsFullUpTo5PercentAndNothingFromTenfold) {
  for (const double ratio : {0.0, 0.5, 1.0, 1.05}) EXPECT_EQ(PerformanceFraction(ratio), 1) << ratio;
  for (const double ratio : {10.0, 11.0, std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(PerformanceFraction(ratio), 0) << ratio;
  }
  EXPECT_EQ(PerformanceFraction(std::nan("")), 0);
}

TEST(PerformanceFractionTest, IsLinearInTheLogarithmBetween) {
  EXPECT_NEAR(PerformanceFraction(std::sqrt(1.05 * 10)), 0.5, 1e-12);
  EXPECT_NEAR(PerformanceFraction(std::pow(1.05, 0.75) * std::pow(10, 0.25)), 0.75, 1e-12);
  // No step at either end, and never up.
  EXPECT_NEAR(PerformanceFraction(1.05 + 1e-9), 1, 1e-8);
  EXPECT_NEAR(PerformanceFraction(10 - 1e-9), 0, 1e-8);
  for (double ratio = 1; ratio < 11; ratio += 0.01) {
    EXPECT_GE(PerformanceFraction(ratio), PerformanceFraction(ratio + 0.01));
  }
}

Finding Wrong(const std::string& property) {
  Finding finding;
  finding.property = property;
  return finding;
}

Check MakeCheck(
    const std::string& id, std::function<void(CheckContext&)> run = [](CheckContext&) {}) {
  return {{id, "title of " + id, 2, false, {}}, std::move(run)};
}

Question MakeTestQuestion() {
  Question question;
  question.name = "q00_test";
  question.title = "Q0";
  question.parts = {{"a", "host"}, {"b", "device"}};
  question.performance_checks = {"a.speed"};
  return question;
}

GradeOptions HostOptions() {
  GradeOptions options;
  options.libraries = {{"a", kClean}};
  options.seed = 5;
  return options;
}

GradeResult Grade(const Question& question, const GradeOptions& options) {
  return Engine(question, options).Grade([](const std::string&) {});
}

std::vector<std::string> Verdicts(const GradeResult& grade) {
  std::vector<std::string> verdicts;
  for (const CheckResult& check : grade.checks) verdicts.push_back(check.spec.id + " " + VerdictName(check.kind));
  return verdicts;
}

TEST(EngineTest, ChecksRunInOrderAndEarnTheirMarks) {
  Question question = MakeTestQuestion();
  std::vector<uint64_t> seeds;
  question.checks = {MakeCheck("a.one", [&](CheckContext& context) { seeds.push_back(context.seed()); }),
                     MakeCheck("a.two", [](CheckContext& context) { context.Figure("ratio", 1.5); })};
  std::vector<std::string> progress;
  const GradeResult grade =
      Engine(question, HostOptions()).Grade([&](const std::string& id) { progress.push_back(id); });
  EXPECT_THAT(Verdicts(grade), ElementsAre("a.imports pass", "a.one pass", "a.two pass"));
  EXPECT_THAT(progress, ElementsAre("a.one", "a.two"));
  EXPECT_THAT(seeds, ElementsAre(5u));
  EXPECT_EQ(grade.earned(), 4);
  EXPECT_TRUE(grade.full_marks());
  EXPECT_EQ(grade.mode, "host");
  EXPECT_THAT(grade.checks[2].figures, ElementsAre(testing::Pair("ratio", 1.5)));
}

TEST(EngineTest, TheFirstFindingOfACheckCounts) {
  Question question = MakeTestQuestion();
  question.checks = {MakeCheck("a.one", [](CheckContext& context) {
    context.Fail(Wrong("first"));
    context.Fail(Wrong("second"));
    context.NotGraded("third");
    context.EarnFraction(1, "fourth");
  })};
  const GradeResult grade = Grade(question, HostOptions());
  EXPECT_EQ(grade.checks[1].finding->property, "first");
  EXPECT_EQ(grade.checks[1].kind, VerdictKind::kWrong);
  EXPECT_EQ(grade.earned(), 0);
  EXPECT_EQ(grade.lead(), &grade.checks[1]);
}

TEST(EngineTest, RecordsMeasurementsAndTakesNothingForAGpusWithoutOne) {
  for (const bool gpu : {false, true}) {
    Question question = MakeTestQuestion();
    question.checks = {MakeCheck("a.one", [](CheckContext& context) {
      context.SetMeasuredOn(MeasuredOn::kGpu);
      context.RecordSamples("64 MiB", "answer", std::vector<double>{1, 2});
      context.RecordSamples("64 MiB", "reference", std::vector<double>{3});
      context.RecordSamples("64 MiB", "answer", std::vector<double>{4});
      context.RecordChart(
          {.title = "sizes", .x = {}, .y = {}, .series = {}, .limits = {}, .measured_on = MeasuredOn::kGpu});
      context.RecordChart(
          {.title = "steps", .x = {}, .y = {}, .series = {}, .limits = {}, .measured_on = MeasuredOn::kModel});
      context.RecordRoofline(4e12, std::nullopt, {"two-shot", 1e9, 1e8, 1e-3});
      context.RecordRoofline(5e12, 8e14, {"two-shot", 1e9, 1e8, 1e-3});
    })};
    GradeOptions options = HostOptions();
    options.gpu = gpu;
    const CheckResult check = Grade(question, options).checks[1];
    const MeasuredOn where = gpu ? MeasuredOn::kGpu : MeasuredOn::kCpu;
    EXPECT_EQ(check.measured_on, where);
    ASSERT_EQ(check.samples.size(), 1u);
    EXPECT_THAT(check.samples[0].second.at("answer"), ElementsAre(1, 2, 4));
    EXPECT_THAT(check.samples[0].second.at("reference"), ElementsAre(3));
    EXPECT_EQ(check.charts[0].measured_on, where);
    EXPECT_EQ(check.charts[1].measured_on, MeasuredOn::kModel);
    ASSERT_EQ(check.roofline.has_value(), gpu);
    if (!gpu) continue;
    EXPECT_EQ(check.roofline->points.size(), 2u);
    EXPECT_EQ(check.roofline->bytes_per_second, 5e12);
    EXPECT_EQ(check.roofline->flops_per_second, 8e14);
  }
}

TEST(EngineTest, AFractionBelowOneIsTooSlowAndKeepsItsMarks) {
  Question question = MakeTestQuestion();
  question.checks = {MakeCheck("a.speed", [](CheckContext& context) { context.EarnFraction(0.25, "4x slower"); })};
  const GradeResult grade = Grade(question, HostOptions());
  EXPECT_EQ(grade.checks[1].kind, VerdictKind::kTooSlow);
  EXPECT_EQ(grade.earned(), 0.5);
}

// A part that is right, and slow in one respect, is judged in the others.
TEST(EngineTest, WhatIsSlowIsNotWrong) {
  Question question = MakeTestQuestion();
  question.performance_checks = {"a.speed", "a.other_speed"};
  question.checks = {MakeCheck("a.speed", [](CheckContext& context) { context.EarnFraction(0.25, "4x slower"); }),
                     MakeCheck("a.other_speed", [](CheckContext& context) { context.EarnFraction(1, ""); })};
  const GradeResult grade = Grade(question, HostOptions());
  EXPECT_THAT(Verdicts(grade), ElementsAre("a.imports pass", "a.speed too_slow", "a.other_speed pass"));
  EXPECT_EQ(grade.earned(), 2.5);
}

TEST(EngineTest, AFractionIsClampedToTheMarks) {
  for (const double fraction : {1.0, 1.5, 1000.0}) {
    Question question = MakeTestQuestion();
    question.checks = {MakeCheck("a.speed", [&](CheckContext& context) { context.EarnFraction(fraction, ""); })};
    EXPECT_EQ(Grade(question, HostOptions()).earned(), 2);
  }
}

TEST(EngineTest, CorrectnessGatesPerformance) {
  Question question = MakeTestQuestion();
  bool timed = false;
  question.checks = {MakeCheck("a.values", [](CheckContext& context) { context.Fail(Wrong("sum")); }),
                     MakeCheck("a.speed", [&](CheckContext&) { timed = true; })};
  const GradeResult grade = Grade(question, HostOptions());
  EXPECT_THAT(Verdicts(grade), ElementsAre("a.imports pass", "a.values wrong", "a.speed too_slow"));
  EXPECT_EQ(grade.earned(), 0);
  EXPECT_FALSE(timed);
}

TEST(EngineTest, CorrectnessOnlyLeavesPerformanceOut) {
  Question question = MakeTestQuestion();
  question.checks = {MakeCheck("a.values"), MakeCheck("a.speed")};
  GradeOptions options = HostOptions();
  options.correctness_only = true;
  EXPECT_THAT(Verdicts(Grade(question, options)), ElementsAre("a.imports pass", "a.values pass"));
}

TEST(EngineTest, StopsAtTheFirstFailureWhenAsked) {
  Question question = MakeTestQuestion();
  question.checks = {MakeCheck("a.one", [](CheckContext& context) { context.Fail(Wrong("sum")); }), MakeCheck("a.two")};
  GradeOptions options = HostOptions();
  options.stop_at_first_failure = true;
  EXPECT_THAT(Verdicts(Grade(question, options)), ElementsAre("a.imports pass", "a.one wrong"));
}

TEST(EngineTest, WhatNeedsAGpuIsNotGradedWithoutOne) {
  Question question = MakeTestQuestion();
  question.checks = {MakeCheck("a.one"), MakeCheck("a.two")};
  question.checks[1].spec.needs_gpu = true;
  const GradeResult grade = Grade(question, HostOptions());
  EXPECT_THAT(Verdicts(grade), ElementsAre("a.imports pass", "a.one pass", "a.two not_graded"));
  EXPECT_EQ(grade.possible(), 2);
  EXPECT_EQ(grade.not_graded(), 2);
  EXPECT_TRUE(grade.full_marks());
  for (const CheckResult& check : grade.checks) {
    if (check.kind != VerdictKind::kNotGraded) continue;
    EXPECT_THAT(check.reason, HasSubstr("GPU"));
  }
}

TEST(EngineTest, AForbiddenImportLeadsAndNothingOfThePartRuns) {
  Question question = MakeTestQuestion();
  bool ran = false;
  question.checks = {MakeCheck("a.one", [&](CheckContext&) { ran = true; })};
  GradeOptions options = HostOptions();
  options.libraries = {{"a", kForbidden}};
  const GradeResult grade = Grade(question, options);
  EXPECT_THAT(Verdicts(grade), ElementsAre("a.imports forbidden", "a.one forbidden"));
  EXPECT_THAT(grade.lead()->finding->actual, HasSubstr("MPI_Send"));
  EXPECT_FALSE(ran);
}

TEST(EngineTest, ARunnerThatCannotStartIsTheGradersFault) {
  Question question = MakeTestQuestion();
  question.checks = {MakeCheck("a.one", [](CheckContext& context) {
    CheckContext::Replies replies;
    EXPECT_FALSE(context.Run("a", 0, {}, 5, {{"count", "1"}}, &replies));
  })};
  GradeOptions options = HostOptions();
  options.runner = "no/such/runner";
  const GradeResult grade = Grade(question, options);
  EXPECT_THAT(Verdicts(grade), ElementsAre("a.imports pass", "a.one grader_fault"));
  EXPECT_THAT(grade.checks[1].finding->output, HasSubstr("no/such/runner"));
}

}  // namespace
}  // namespace workbench
