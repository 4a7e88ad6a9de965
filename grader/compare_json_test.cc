#include "grader/compare_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "grader/html/markup_check.h"
#include "grader/html_report.h"
#include "grader/report_files.h"

namespace workbench {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;
using testing::Not;

std::string ReadFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

bool KeepsToTheSchema(const Json& document) {
  const Json json = Json::parse(ReadFile("grader/compare.schema.json"));
  valijson::Schema schema;
  valijson::SchemaParser().populateSchema(valijson::adapters::NlohmannJsonAdapter(json), schema);
  return valijson::Validator().validate(schema, valijson::adapters::NlohmannJsonAdapter(document), nullptr);
}

Comparison FullComparison() {
  Comparison comparison;
  comparison.question = "q02_allreduce";
  comparison.implementation = "answer";
  comparison.date = "2026-11-27T10:00:00Z";
  comparison.repeat = "./workbench compare q02";
  comparison.answer = {GradeState::kWrong, 19, 36, "a.tail", "wrong", true};
  ComparedCase good{.name = "a/1KiB/ranks:2",
                    .part = "a",
                    .answer = {2, 3, 4},
                    .reference = {1, 1, 1},
                    .peer = "MPI_Allreduce",
                    .peer_seconds = {1},
                    .error = ""};
  ComparedCase failed{.name = "a/8KiB/ranks:2",
                      .part = "a",
                      .answer = {},
                      .reference = {},
                      .peer = "",
                      .peer_seconds = {},
                      .error = "it hung"};
  comparison.cases = {good, failed};
  comparison.sources = {{"answer/x.cc", "</pre><script>evil()</script>\xff\n", "solutions/x.cc", "fine\n"}};
  comparison.environment = {{"CPU", "a processor"}};
  return comparison;
}

TEST(CompareJsonTest, KeepsToItsSchema) {
  const Json document = Json::parse(CompareJson(FullComparison()));
  EXPECT_TRUE(KeepsToTheSchema(document));
  Comparison least;
  least.implementation = "skeleton";
  EXPECT_TRUE(KeepsToTheSchema(Json::parse(CompareJson(least))));
  for (const char* field : {"schema", "marks", "cases", "sources"}) {
    Json edited = document;
    edited.erase(field);
    EXPECT_FALSE(KeepsToTheSchema(edited)) << field;
  }
  Json edited = document;
  edited["cases"][0].erase("ratio");
  EXPECT_FALSE(KeepsToTheSchema(edited));
}

TEST(CompareJsonTest, RatiosAreOfRoundsAndWhatWasNotTimedHasNone) {
  const Json cases = Json::parse(CompareJson(FullComparison()))["cases"];
  EXPECT_EQ(cases[0]["ratio"]["median"], 3);
  EXPECT_EQ(cases[0]["ratio"]["low"], 2);
  EXPECT_EQ(cases[0]["ratio"]["high"], 4);
  EXPECT_EQ(cases[1]["error"], "it hung");
  EXPECT_FALSE(cases[1].contains("ratio"));
}

TEST(CompareJsonTest, ItsPageRunsNothingOfTheSources) {
  Result<std::string> page = HtmlReport(CompareJson(FullComparison()));
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(html::MarkupFault(*page), "");
  EXPECT_THAT(*page, HasSubstr("&lt;script&gt;evil()"));
  EXPECT_THAT(*page, Not(HasSubstr("<script>evil")));
  EXPECT_THAT(*page, HasSubstr("\ufffd"));
}

// A grade whose checks have these verdicts, by id.
std::string GradeWith(const std::vector<std::pair<std::string, std::string>>& checks) {
  Json document = {{"schema", 1}, {"marks", {{"earned", 5}, {"possible", 9}}}, {"checks", Json::array()}};
  for (const auto& [id, verdict] : checks) document["checks"].push_back({{"id", id}, {"verdict", verdict}});
  return document.dump();
}

TEST(LastMarksTest, EveryFailureOfCorrectnessIsWrong) {
  for (const char* verdict : {"wrong", "crash", "hang", "forbidden", "device_error", "leak"}) {
    const LastMarks marks = ReadLastMarks(GradeWith({{"a.one", "pass"}, {"a.two", verdict}, {"a.three", "wrong"}}));
    EXPECT_EQ(marks.state, GradeState::kWrong) << verdict;
    EXPECT_EQ(marks.lead, "a.two");
    EXPECT_EQ(marks.earned, 5);
    EXPECT_EQ(marks.possible, 9);
  }
}

TEST(LastMarksTest, SlowIsRightButDoesNotHideWhatIsWrong) {
  EXPECT_EQ(ReadLastMarks(GradeWith({{"a.one", "pass"}, {"b.one", "not_graded"}})).state, GradeState::kRight);
  EXPECT_EQ(ReadLastMarks(GradeWith({{"a.speed", "too_slow"}})).state, GradeState::kRight);
  const LastMarks marks = ReadLastMarks(GradeWith({{"a.speed", "too_slow"}, {"b.values", "wrong"}}));
  EXPECT_EQ(marks.state, GradeState::kWrong);
  EXPECT_EQ(marks.lead, "b.values");
  EXPECT_EQ(ReadLastMarks(GradeWith({{"a.one", "grader_fault"}})).state, GradeState::kNoVerdict);
  EXPECT_EQ(ReadLastMarks(GradeWith({{"a.one", "wrong"}, {"a.two", "grader_fault"}})).state, GradeState::kWrong);
}

TEST(LastMarksTest, WhatIsNoResultIsNotGraded) {
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[1]"), std::string("{\"schema\": 2, \"checks\": []}"),
        GradeWith({}), GradeWith({{"b.one", "not_graded"}})}) {
    EXPECT_EQ(ReadLastMarks(text).state, GradeState::kNotGraded) << text;
  }
}

TEST(ReportFilesTest, FindsWhereToWrite) {
  EXPECT_EQ(QuestionOfRunner("questions/q02_allreduce/runner"), "q02_allreduce");
  unsetenv("BUILD_WORKSPACE_DIRECTORY");
  unsetenv("BUILD_WORKING_DIRECTORY");
  EXPECT_EQ(ReportBase("", "q02_allreduce", "compare"), "");
  EXPECT_EQ(ReportBase("x/y", "q02_allreduce", "compare"), "x/y");
  setenv("BUILD_WORKSPACE_DIRECTORY", "/checkout", 1);
  setenv("BUILD_WORKING_DIRECTORY", "/called/from", 1);
  EXPECT_EQ(ReportBase("", "q02_allreduce", "compare"), "/checkout/.workbench/results/q02.compare");
  EXPECT_EQ(ReportBase("x/y", "q02_allreduce", "compare"), "/called/from/x/y");
  EXPECT_EQ(ReportBase("/x/y", "q02_allreduce", "compare"), "/x/y");
}

TEST(ReportFilesTest, WritesBothFilesAndMakesTheFolder) {
  const std::string base = testing::TempDir() + "report files test/" + std::to_string(getpid()) + "/q02.compare";
  const Status status = WriteReport(base, CompareJson(FullComparison()));
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(ReadFile(base + ".json"), CompareJson(FullComparison()));
  EXPECT_THAT(ReadFile(base + ".html"), HasSubstr("</html>"));
}

TEST(ReportFilesTest, AFolderThatCannotBeIsAnErrorThatNamesIt) {
  const std::string file = testing::TempDir() + "a_file";
  std::ofstream(file) << "x";
  EXPECT_THAT(WriteReport(file + "/q02.compare", "{}").message(), HasSubstr(file));
  EXPECT_THAT(WriteReport("/dev/null/q02.compare", "{}").message(), HasSubstr("/dev/null"));
}

}  // namespace
}  // namespace workbench
