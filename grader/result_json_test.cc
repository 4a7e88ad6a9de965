#include "grader/result_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <sstream>
#include <string>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

namespace workbench {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Empty when `document` keeps to the schema, else what is amiss.
std::string SchemaErrors(const Json& document) {
  static const valijson::Schema* const schema = [] {
    const Json json = Json::parse(ReadFile("grader/result.schema.json"));
    auto* parsed = new valijson::Schema;
    valijson::SchemaParser().populateSchema(valijson::adapters::NlohmannJsonAdapter(json), *parsed);
    return parsed;
  }();
  valijson::ValidationResults results;
  valijson::Validator validator;
  if (validator.validate(*schema, valijson::adapters::NlohmannJsonAdapter(document), &results)) return "";
  std::string text = "invalid";
  for (valijson::ValidationResults::Error error; results.popError(error);) {
    text += "\n";
    for (const std::string& step : error.context) text += step;
    text += ": " + error.description;
  }
  return text;
}

constexpr VerdictKind kAllKinds[] = {
    VerdictKind::kPass,      VerdictKind::kWrong,       VerdictKind::kCrash, VerdictKind::kHang,
    VerdictKind::kForbidden, VerdictKind::kDeviceError, VerdictKind::kLeak,  VerdictKind::kTooSlow,
    VerdictKind::kNotGraded, VerdictKind::kGraderFault,
};

// Valijson keeps integers in an int64: what is above it looks negative to it.
constexpr uint64_t kLargest = std::numeric_limits<int64_t>::max();

// A check of that kind with everything that such a check can carry, some of it hostile.
CheckResult FullCheck(VerdictKind kind) {
  CheckResult check;
  check.spec = {std::string("a.") + VerdictName(kind), "a title", 3, false, {"one cause", "another"}};
  check.kind = kind;
  check.cases = 12;
  check.seconds = 0.25;
  check.figures = {{"ratio", 1.02}, {"GB/s", std::nan("")}, {"worst", std::numeric_limits<double>::infinity()}};
  check.measured_on = MeasuredOn::kGpu;
  check.samples = {{"64 MiB", {{"answer", {1e-3, std::nan("")}}, {"reference", {}}}}};
  check.charts = {{.title = "sizes",
                   .x = {"size", "bytes", true},
                   .y = {"time", "seconds", true},
                   .series = {{"answer", {{1024, 1e-3}, {2048, std::nan("")}}}},
                   .limits = {{"ceiling", 2e-3}},
                   .measured_on = MeasuredOn::kModel}};
  check.roofline = {.bytes_per_second = 4e12, .flops_per_second = 8e14, .points = {{"gemm", 1e9, 1e12, 2e-3}}};
  if (kind == VerdictKind::kPass) {
    check.earned = 3;
  } else if (kind == VerdictKind::kNotGraded) {
    check.reason = "no GPU";
  } else {
    Finding finding;
    finding.kind = kind;
    finding.property = "the sum is exact";
    finding.input = {{"ranks", "3"}, {"type", "fp16"}};
    finding.expected = "1.5";
    finding.actual = "quote \" backslash \\ and \x01";
    finding.index = kLargest;
    finding.rank = 2;
    finding.differing = 4;
    finding.total = 9;
    finding.detail = "a detail";
    finding.output =
        "not UTF-8: \xff\xfe\x80 cut off: \xe2\x82 nul: " + std::string(1, '\0') + " surrogate: \xed\xa0\x80";
    check.finding = finding;
  }
  return check;
}

GradeResult FullGrade() {
  GradeResult grade;
  grade.question = "q02_allreduce";
  grade.title = "Q2 AllReduce";
  grade.implementation = "answer";
  grade.seed = kLargest;
  grade.mode = "host";
  grade.repeat_command = "./workbench grade q02 --seed 7";
  grade.seconds = 4.5;
  for (const VerdictKind kind : kAllKinds) grade.checks.push_back(FullCheck(kind));
  grade.attachments = {{"cost.svg", "<svg/>"}};
  grade.date = "2026-11-27T10:00:00Z";
  grade.parts = {{"a", "messages"}};
  grade.environment = {{"CPU", "a processor"}};
  return grade;
}

Json FullDocument() { return Json::parse(ResultJson(FullGrade())); }

TEST(ResultJsonTest, EveryVerdictKindKeepsToTheSchema) { EXPECT_EQ(SchemaErrors(FullDocument()), ""); }

TEST(ResultJsonTest, EachKindAloneKeepsToTheSchema) {
  for (const VerdictKind kind : kAllKinds) {
    GradeResult grade = FullGrade();
    grade.checks = {FullCheck(kind)};
    const Json document = Json::parse(ResultJson(grade));
    EXPECT_EQ(SchemaErrors(document), "") << VerdictName(kind);
    EXPECT_EQ(document["checks"][0]["verdict"], VerdictName(kind));
    const bool failed = kind != VerdictKind::kPass && kind != VerdictKind::kNotGraded;
    EXPECT_EQ(document["lead"].is_null(), !failed) << VerdictName(kind);
  }
}

TEST(ResultJsonTest, TheLeastThatAGradeCanHoldKeepsToTheSchema) {
  GradeResult grade;
  grade.question = "q02_allreduce";
  grade.implementation = "skeleton";
  grade.mode = "gpu";
  EXPECT_EQ(SchemaErrors(Json::parse(ResultJson(grade))), "");
  CheckResult check;
  check.spec.id = "end";
  check.kind = VerdictKind::kLeak;
  check.finding.emplace();
  check.finding->kind = VerdictKind::kLeak;
  grade.checks.push_back(check);
  EXPECT_EQ(SchemaErrors(Json::parse(ResultJson(grade))), "");
}

TEST(ResultJsonTest, NumbersThatJsonLacksBecomeNull) {
  const Json figures = FullDocument()["checks"][0]["figures"];
  EXPECT_EQ(figures["ratio"], 1.02);
  EXPECT_TRUE(figures["GB/s"].is_null());
  EXPECT_TRUE(figures["worst"].is_null());
}

TEST(ResultJsonTest, MeasurementsAreKept) {
  const Json check = FullDocument()["checks"][0];
  EXPECT_EQ(check["measured_on"], "gpu");
  EXPECT_EQ(check["samples"]["64 MiB"]["answer"], Json({1e-3, nullptr}));
  EXPECT_EQ(check["charts"][0]["series"][0]["points"], Json({{1024.0, 1e-3}, {2048.0, nullptr}}));
  EXPECT_EQ(check["charts"][0]["kind"], "lines");
  EXPECT_EQ(check["charts"][0]["measured_on"], "model");
  EXPECT_EQ(check["roofline"]["points"][0]["flops"], 1e12);
  EXPECT_EQ(FullDocument()["environment"]["CPU"], "a processor");
}

TEST(ResultJsonTest, LargeIntegersKeepEveryDigit) {
  const Json document = FullDocument();
  EXPECT_EQ(document["seed"].get<uint64_t>(), kLargest);
  EXPECT_EQ(document["checks"][1]["finding"]["index"].get<uint64_t>(), kLargest);
  GradeResult grade = FullGrade();
  grade.seed = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(Json::parse(ResultJson(grade))["seed"].get<uint64_t>(), std::numeric_limits<uint64_t>::max());
}

TEST(ResultJsonTest, BytesThatAreNotUtf8AreReplacedAndTheRestKept) {
  const std::string output = FullDocument()["checks"][1]["finding"]["output"];
  EXPECT_THAT(output, HasSubstr("not UTF-8: \xef\xbf\xbd"));
  EXPECT_THAT(output, HasSubstr(" surrogate: "));
  EXPECT_EQ(output.find('\xff'), std::string::npos);
}

TEST(ResultJsonTest, MarksAreSums) {
  const Json marks = FullDocument()["marks"];
  EXPECT_EQ(marks["earned"], 3);
  // Of nine kinds with three marks each, neither what was not graded nor the grader's own fault counts against the
  // answer.
  EXPECT_EQ(marks["possible"], 24);
  EXPECT_EQ(marks["not_graded"], 6);
}

// Shows every object of `document`, however deep, and where it is.
void ForEveryObject(const Json& document, const std::function<void(const Json::json_pointer&, const Json&)>& visit,
                    const Json::json_pointer& at = Json::json_pointer()) {
  if (document.is_object()) visit(at, document);
  if (!document.is_structured()) return;
  for (const auto& [key, value] : document.items()) {
    ForEveryObject(value, visit, document.is_array() ? at / std::stoul(key) : at / key);
  }
}

// Objects whose names are data, not fields.
bool IsFreeForm(const Json::json_pointer& at) {
  if (at.empty()) return false;
  const std::string name = at.back(), above = at.parent_pointer().empty() ? "" : at.parent_pointer().back();
  return name == "figures" || name == "input" || name == "samples" || above == "samples" || name == "parts" ||
         name == "environment";
}

TEST(ResultSchemaTest, RefusesAnUnknownFieldInAnyObject) {
  const Json document = FullDocument();
  int objects = 0;
  ForEveryObject(document, [&](const Json::json_pointer& at, const Json&) {
    if (IsFreeForm(at)) return;
    Json edited = document;
    edited[at]["unknown"] = 1;
    EXPECT_NE(SchemaErrors(edited), "") << at;
    ++objects;
  });
  // The document and its marks, the checks, the findings; of each check a chart with two axes, a series and a limit,
  // and a roofline with a point.
  EXPECT_EQ(objects, 2 + 10 + 8 + 10 * (5 + 2));
}

TEST(ResultSchemaTest, RefusesAMissingField) {
  const Json document = FullDocument();
  const std::vector<std::string> optional = {
      "expected", "actual", "index",  "rank",     "detail",           "output", "figures", "measured_on",
      "samples",  "charts", "limits", "roofline", "flops_per_second", "date",   "parts",   "environment"};
  int removed = 0;
  ForEveryObject(document, [&](const Json::json_pointer& at, const Json& object) {
    if (IsFreeForm(at)) return;
    for (const auto& [key, value] : object.items()) {
      Json edited = document;
      edited[at].erase(key);
      const bool may_be_absent = std::find(optional.begin(), optional.end(), key) != optional.end();
      EXPECT_EQ(SchemaErrors(edited) == "", may_be_absent) << at << " without " << key;
      ++removed;
    }
  });
  EXPECT_GT(removed, 100);
}

TEST(ResultSchemaTest, RefusesAWrongType) {
  const Json document = FullDocument();
  ForEveryObject(document, [&](const Json::json_pointer& at, const Json& object) {
    for (const auto& [key, value] : object.items()) {
      Json edited = document;
      edited[at][key] = value.is_boolean() ? Json("text") : Json(true);
      EXPECT_NE(SchemaErrors(edited), "") << at << " " << key;
    }
  });
}

TEST(ResultSchemaTest, RefusesUnknownWordsAndContradictions) {
  const auto refused = [](const std::function<void(Json&)>& edit) {
    Json document = FullDocument();
    edit(document);
    return !SchemaErrors(document).empty();
  };
  EXPECT_TRUE(refused([](Json& json) { json["schema"] = 2; }));
  EXPECT_TRUE(refused([](Json& json) { json["mode"] = "cpu"; }));
  EXPECT_TRUE(refused([](Json& json) { json["question"] = "../q02"; }));
  EXPECT_TRUE(refused([](Json& json) { json["checks"][1]["verdict"] = "WRONG"; }));
  EXPECT_TRUE(refused([](Json& json) { json["checks"][1]["verdict"] = "pass"; }));        // it has a finding
  EXPECT_TRUE(refused([](Json& json) { json["checks"][0]["verdict"] = "not_graded"; }));  // it has no reason
  EXPECT_TRUE(refused([](Json& json) { json["checks"][1]["finding"]["kind"] = "pass"; }));
  EXPECT_TRUE(refused([](Json& json) { json["marks"]["earned"] = -1; }));
}

class WriteFileTest : public testing::Test {
 protected:
  WriteFileTest() : folder_(testing::TempDir() + "write_file_test") {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
  }
  size_t Files() const { return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder_), {})); }
  const std::string folder_;
};

TEST_F(WriteFileTest, ReplacesTheWholeFile) {
  const std::string path = folder_ + "/result.json";
  ASSERT_TRUE(WriteFileAtomically(path, std::string(100000, 'x')).ok());
  // A reader that has the old file open goes on seeing it whole: it is replaced, not overwritten.
  std::ifstream old(path, std::ios::binary);
  ASSERT_TRUE(WriteFileAtomically(path, "short").ok());
  EXPECT_EQ(ReadFile(path), "short");
  std::ostringstream still;
  still << old.rdbuf();
  EXPECT_EQ(still.str(), std::string(100000, 'x'));
  EXPECT_EQ(Files(), 1u);
  ASSERT_TRUE(WriteFileAtomically(path, "").ok());
  EXPECT_EQ(ReadFile(path), "");
}

TEST_F(WriteFileTest, AFolderThatIsNotThereIsAnErrorThatNamesThePath) {
  const std::string path = folder_ + "/missing/result.json";
  const Status status = WriteFileAtomically(path, "text");
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr(path));
  EXPECT_EQ(Files(), 0u);
}

TEST_F(WriteFileTest, ATargetThatCannotBeReplacedLeavesNoTemporary) {
  const std::string path = folder_ + "/a_folder";
  std::filesystem::create_directory(path);
  const Status status = WriteFileAtomically(path, "text");
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr(path));
  EXPECT_EQ(Files(), 1u);
}

TEST_F(WriteFileTest, AFullDiskIsAnErrorAndLeavesTheOldFile) {
  // Writing past RLIMIT_FSIZE would do too; /dev/full needs no limits, and a link to it stands for the temporary file.
  const std::string path = folder_ + "/result.json";
  ASSERT_TRUE(WriteFileAtomically(path, "old").ok());
  const std::string temporary = path + "." + std::to_string(getpid()) + ".tmp";
  ASSERT_EQ(symlink("/dev/full", temporary.c_str()), 0);
  const Status status = WriteFileAtomically(path, "new");
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr("No space left"));
  EXPECT_EQ(ReadFile(path), "old");
  EXPECT_EQ(Files(), 1u);
}

}  // namespace
}  // namespace workbench
