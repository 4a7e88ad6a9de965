#include "grader/html_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "grader/html/markup_check.h"
#include "grader/html/page.h"
#include "grader/html/style.h"
#include "grader/html/text.h"
#include "grader/result_json.h"

namespace workbench {
namespace {

using html::Json;
using testing::HasSubstr;
using testing::Not;

// Breaks out of elements, comments, attributes and scripts, wherever nobody escaped it.
constexpr char kHostile[] =
    "</pre></title></style></script>--><evil>\"><evil onload=evil()> ' onerror='evil() ]]> &lt;evil&gt;";

constexpr VerdictKind kAllKinds[] = {
    VerdictKind::kPass,      VerdictKind::kWrong,       VerdictKind::kCrash, VerdictKind::kHang,
    VerdictKind::kForbidden, VerdictKind::kDeviceError, VerdictKind::kLeak,  VerdictKind::kTooSlow,
    VerdictKind::kNotGraded, VerdictKind::kGraderFault,
};

CheckResult FullCheck(VerdictKind kind) {
  CheckResult check;
  check.spec = {std::string("a.") + VerdictName(kind), "a title", 3, false, {"one cause", "another"}};
  check.kind = kind;
  check.cases = 12;
  check.seconds = 0.25;
  check.figures = {{"2 ranks: us", 20.5}, {"4 ranks: us", 31.5}, {"4 ranks: % of measured copy bandwidth", NAN}};
  check.measured_on = MeasuredOn::kGpu;
  check.samples = {{"64 MiB", {{"answer", {1e-3, 2e-3, NAN}}, {"reference", {1e-3}}}}};
  check.charts = {{.title = "a chart",
                   .x = {"x", "bytes", true},
                   .y = {"y", "seconds", true},
                   .series = {{"line", {{1024, 1e-3}, {2048, 2e-3}}}},
                   .limits = {{"a limit", 3e-3}},
                   .measured_on = MeasuredOn::kGpu}};
  check.roofline = {.bytes_per_second = 4e12, .flops_per_second = {}, .points = {{"a point", 1e9, 1e8, 1e-3}}};
  if (kind == VerdictKind::kPass) check.earned = 3;
  if (kind == VerdictKind::kNotGraded) check.reason = "no GPU";
  if (kind == VerdictKind::kPass || kind == VerdictKind::kNotGraded) return check;
  Finding finding;
  finding.kind = kind;
  finding.property = "the sum is exact";
  finding.input = {{"ranks", "3"}, {"type", "fp16"}};
  finding.expected = "1.5";
  finding.actual = "2.5";
  finding.index = 7;
  finding.rank = 2;
  finding.differing = 4;
  finding.total = 9;
  finding.detail = "a detail";
  finding.output = "bytes: \xff\xfe\x80 nul: " + std::string(1, '\0') + " end";
  check.finding = finding;
  return check;
}

Json GradeOf(std::vector<CheckResult> checks, const std::string& mode = "gpu") {
  GradeResult grade;
  grade.question = "q02_allreduce";
  grade.title = "Q2 AllReduce";
  grade.implementation = "answer";
  grade.seed = 18446744073709551615u;
  grade.mode = mode;
  grade.device = mode == "gpu" ? "NVIDIA H200" : "";
  grade.repeat_command = "./workbench grade q02 --seed 7";
  grade.date = "2026-11-27T10:00:00Z";
  grade.parts = {{"a", "messages"}};
  grade.environment = {{"CPU", "a processor"}};
  grade.checks = std::move(checks);
  grade.attachments = {{"curve.svg", ""}};
  return Json::parse(ResultJson(grade));
}

Json FullGrade(const std::string& mode = "gpu") {
  std::vector<CheckResult> checks;
  for (const VerdictKind kind : kAllKinds) checks.push_back(FullCheck(kind));
  return GradeOf(checks, mode);
}

// One of each shape.
Json SomeChecks(const std::string& mode) {
  return GradeOf({FullCheck(VerdictKind::kPass), FullCheck(VerdictKind::kWrong), FullCheck(VerdictKind::kNotGraded)},
                 mode);
}

Json FullComparison() {
  return Json::parse(R"({"schema": 1, "question": "q02_allreduce", "implementation": "answer", "mode": "gpu",
    "date": "2026-11-27T10:00:00Z", "repeat": "./workbench compare q02",
    "marks": {"answer": {"state": "wrong", "earned": 19, "possible": 36, "stale": true, "lead": "a.tail", "verdict": "wrong"},
              "reference": {"state": "right", "earned": 36, "possible": 36, "stale": false}},
    "cases": [{"name": "a/1KiB/ranks:2", "part": "a", "measured_on": "cpu", "answer": [2e-6, 2.5e-6], "reference": [1e-6, 1e-6],
               "ratio": {"median": 2.25, "low": 2.0, "high": 2.5}, "peer": {"name": "MPI_Allreduce", "seconds": [1e-6]}},
              {"name": "a/8KiB/ranks:2", "part": "a", "measured_on": "cpu", "error": "it hung"}],
    "sources": [{"answer": {"path": "answer/x.cc", "text": "one\ntwo\n"}, "reference": {"path": "ref/x.cc", "text": "one\n2\n"}}],
    "environment": {"CPU": "a processor"}})");
}

Json FullBenchmark() {
  return Json::parse(
      R"({"context": {"date": "2026-11-24T20:27:15+00:00", "mode": "gpu", "measured_on.b": "gpu", "question": "q02_allreduce"},
    "benchmarks": [{"name": "b/two-shot/64MiB/ranks:2/reference/iterations:4/manual_time", "run_type": "iteration", "median_us": 78.4,
                    "algbw_GB/s": 855.8, "busbw_GB/s": 855.8, "busbw_ceiling_GB/s": 1050.0},
                   {"name": "b/two-shot/1MiB/ranks:2/reference/iterations:4/manual_time", "median_us": 12.9, "algbw_GB/s": 81.0, "busbw_GB/s": 81.0},
                   {"name": "b/one-shot/4KiB/ranks:4/answer", "error_occurred": true, "error_message": "it crashed"}]})");
}

std::string Render(const Json& document, const std::map<std::string, std::string>& attachments = {}) {
  Result<std::string> page = HtmlReport(document.dump(), attachments);
  EXPECT_TRUE(page.ok()) << page.status().message();
  return page.ok() ? *page : "";
}

void ForEveryValue(const Json& json, const std::function<void(const Json::json_pointer&)>& visit,
                   const Json::json_pointer& at = Json::json_pointer()) {
  if (!at.empty()) visit(at);
  if (!json.is_structured()) return;
  for (const auto& [key, value] : json.items())
    ForEveryValue(value, visit, json.is_array() ? at / std::stoul(key) : at / key);
}

class EveryDocument : public testing::TestWithParam<Json (*)()> {};
INSTANTIATE_TEST_SUITE_P(Kinds, EveryDocument,
                         testing::Values(
                             +[] { return SomeChecks("gpu"); }, +[] { return SomeChecks("host"); }, &FullComparison,
                             &FullBenchmark));

TEST_P(EveryDocument, IsOneWellFormedPageThatLoadsNothing) {
  const std::string page = Render(GetParam()(), {{"curve.svg", "<svg/>"}});
  EXPECT_EQ(html::MarkupFault(page), "");
  for (const char* outside : {"http://", "https://", "src=\"//", "@import", "url(", "<link"}) {
    EXPECT_THAT(page, Not(HasSubstr(outside)));
  }
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
}

TEST_P(EveryDocument, TextsNeverBecomeMarkup) {
  const Json document = GetParam()();
  int replaced = 0;
  ForEveryValue(document, [&](const Json::json_pointer& at) {
    if (!document[at].is_string()) return;
    Json edited = document;
    edited[at] = kHostile;
    const Result<std::string> page = HtmlReport(edited.dump(), {{kHostile, "<svg/>"}});
    ASSERT_TRUE(page.ok());
    EXPECT_EQ(html::MarkupFault(*page), "") << at;
    EXPECT_THAT(*page, Not(HasSubstr("<evil"))) << at;
    ++replaced;
  });
  EXPECT_GT(replaced, 3);
}

TEST_P(EveryDocument, NamesOfFieldsNeverBecomeMarkup) {
  const Json document = GetParam()();
  ForEveryValue(document, [&](const Json::json_pointer& at) {
    if (!document[at].is_object()) return;
    Json edited = document;
    edited[at][kHostile] = kHostile;
    EXPECT_EQ(html::MarkupFault(Render(edited)), "") << at;
  });
}

TEST_P(EveryDocument, FieldsOfAnotherTypeOrMissingDoNotStopIt) {
  const Json document = GetParam()();
  ForEveryValue(document, [&](const Json::json_pointer& at) {
    if (at.parent_pointer().empty() && (at.back() == "schema" || document[at].is_array()))
      return;  // what tells the kinds apart
    for (const Json& other : {Json(nullptr), Json(true), Json(-1.5), Json("text"),
                              Json::array({1, "x", nullptr, Json::array()}), Json::object({{"x", 1}}), Json(1e308)}) {
      Json edited = document;
      edited[at] = other;
      EXPECT_EQ(html::MarkupFault(Render(edited)), "") << at << " " << other;
    }
    Json edited = document;
    if (document[at.parent_pointer()].is_array()) {
      edited[at.parent_pointer()].erase(std::stoul(at.back()));
    } else {
      edited[at.parent_pointer()].erase(at.back());
    }
    EXPECT_EQ(html::MarkupFault(Render(edited)), "") << "without " << at;
  });
}

TEST(HtmlReportTest, ShowsEachKindOfVerdict) {
  const std::pair<VerdictKind, const char*> kHeadlines[] = {
      {VerdictKind::kPass, "Full marks"},
      {VerdictKind::kWrong, "Wrong result: a.wrong"},
      {VerdictKind::kCrash, "It crashes: a.crash"},
      {VerdictKind::kHang, "It hangs: a.hang"},
      {VerdictKind::kForbidden, "A forbidden call: a.forbidden"},
      {VerdictKind::kDeviceError, "CUDA or NCCL reports an error: a.device_error"},
      {VerdictKind::kLeak, "Something is left behind: a.leak"},
      {VerdictKind::kTooSlow, "Right, but slow: a.too_slow"},
      {VerdictKind::kNotGraded, "Nothing of it could be judged here"},
      {VerdictKind::kGraderFault, "The grader itself failed: a.grader_fault"},
  };
  ASSERT_EQ(std::size(kHeadlines), std::size(kAllKinds));
  for (const auto& [kind, headline] : kHeadlines) {
    const std::string page = Render(GradeOf({FullCheck(kind)}));
    EXPECT_THAT(page, HasSubstr(std::string("</span> ") + headline + "</h1>"));
    EXPECT_EQ(page.find("id=\"lead\"") != std::string::npos,
              kind != VerdictKind::kPass && kind != VerdictKind::kNotGraded);
  }
}

TEST(HtmlReportTest, TellsOfTheLeadWhatIsKnown) {
  const std::string page = Render(GradeOf({FullCheck(VerdictKind::kWrong)}));
  for (const char* text :
       {"the sum is exact", "ranks <b>3</b>", "rank 2, element 7", ">1.5<", ">2.5<", "4 of 9 elements", "a detail",
        "one cause", "hints.md#awrong", "bytes: \ufffd\ufffd\ufffd nul: \u2400 end", "seed 18446744073709551615",
        "./workbench grade q02 --seed 7", "2026-11-27 10:00 UTC", "a processor", "NVIDIA H200", "Part a: messages"}) {
    EXPECT_THAT(page, HasSubstr(text));
  }
  EXPECT_THAT(Render(GradeOf({FullCheck(VerdictKind::kGraderFault)})), Not(HasSubstr("one cause")));
}

TEST(HtmlReportTest, AnUnknownVerdictIsShownAsUnknown) {
  Json document = FullGrade();
  document["checks"][1]["verdict"] = "melted";
  EXPECT_THAT(Render(document), HasSubstr("unknown"));
}

TEST(HtmlReportTest, NothingIsSaidToBeFromAGpuInHostMode) {
  const std::string gpu = Render(FullGrade("gpu")), host = Render(FullGrade("host"));
  EXPECT_THAT(gpu, HasSubstr("measured on the GPU"));
  EXPECT_THAT(gpu, HasSubstr("Roofline"));
  EXPECT_THAT(host, Not(HasSubstr("measured on the GPU")));
  EXPECT_THAT(host, Not(HasSubstr("Roofline")));
  EXPECT_THAT(host, HasSubstr("measured on the CPU"));
  Json bench = FullBenchmark(), compare = FullComparison();
  EXPECT_THAT(Render(bench), HasSubstr("measured on the GPU"));
  bench["context"]["mode"] = compare["mode"] = "host";
  compare["cases"][0]["measured_on"] = "gpu";
  EXPECT_THAT(Render(bench), Not(HasSubstr("measured on the GPU")));
  EXPECT_THAT(Render(compare), Not(HasSubstr("measured on the GPU")));
}

TEST(HtmlReportTest, AnSvgIsAnImageAndItsScriptNoneOfThePage) {
  const std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>evil()</script></svg>";
  const std::string page = Render(FullGrade(), {{"curve.svg", svg}});
  EXPECT_THAT(page, HasSubstr("src=\"data:image/svg+xml;base64," + html::Base64(svg) + "\""));
  EXPECT_THAT(page, Not(HasSubstr("evil")));
  EXPECT_THAT(Render(FullGrade()), HasSubstr("curve.svg did not lie beside"));
}

TEST(HtmlReportTest, ACorrectAnswersComparisonSaysSoAndAWrongOnesCountsForNothing) {
  Json document = FullComparison();
  EXPECT_THAT(Render(document), HasSubstr("The answer is WRONG: the ratios count for nothing"));
  EXPECT_THAT(Render(document), HasSubstr("has changed since"));
  document["marks"]["answer"] = {{"state", "right"}, {"earned", 36}, {"possible", 36}};
  EXPECT_THAT(Render(document), Not(HasSubstr("count for nothing")));
  document["marks"]["answer"] = {{"state", "not_graded"}};
  EXPECT_THAT(Render(document), HasSubstr("Not graded yet"));
}

TEST(HtmlReportTest, WhatIsNoResultIsAnErrorThatSaysWhy) {
  for (const char* text : {"", "{", "{\"schema\": 1", "\xff"})
    EXPECT_THAT(HtmlReport(text).status().message(), HasSubstr("not JSON"));
  EXPECT_THAT(HtmlReport("{\"schema\": 2, \"checks\": []}").status().message(), HasSubstr("schema"));
  EXPECT_THAT(HtmlReport("[]").status().message(), HasSubstr("schema"));
  EXPECT_THAT(HtmlReport("{\"schema\": 1}").status().message(), HasSubstr("neither"));
}

// The browser runs the page's script only if its hash is the one in the policy.
TEST(HtmlReportTest, ThePolicyNamesThePagesOwnScript) {
  const std::string path = testing::TempDir() + "script.js";
  std::ofstream(path, std::ios::binary) << html::kScript;
  FILE* pipe = popen(("sha256sum '" + path + "'").c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  char hex[65] = "";
  ASSERT_EQ(std::fread(hex, 1, 64, pipe), 64u);
  pclose(pipe);
  std::string bytes;
  for (int i = 0; i < 64; i += 2) bytes += static_cast<char>(std::stoi(std::string(hex + i, 2), nullptr, 16));
  EXPECT_EQ(html::Base64(bytes), html::kScriptHash);
}

TEST(WriteHtmlReportTest, FindsAttachmentsBesideTheDocumentOrInItsFolderAndNowhereElse) {
  const std::string folder = testing::TempDir() + "write_html_report_test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder + "/in/q02");
  Json document = FullGrade();
  document["attachments"] = {"beside.svg", "within.svg", "../outside.svg"};
  std::ofstream(folder + "/in/q02.json") << document.dump();
  std::ofstream(folder + "/in/beside.svg") << "beside";
  std::ofstream(folder + "/in/q02/within.svg") << "within";
  std::ofstream(folder + "/outside.svg") << "outside";
  const Status status = WriteHtmlReport(folder + "/in/q02.json", folder + "/out.html");
  ASSERT_TRUE(status.ok()) << status.message();
  std::ostringstream page;
  page << std::ifstream(folder + "/out.html").rdbuf();
  EXPECT_THAT(page.str(), HasSubstr(html::Base64("beside")));
  EXPECT_THAT(page.str(), HasSubstr(html::Base64("within")));
  EXPECT_THAT(page.str(), Not(HasSubstr(html::Base64("outside"))));
}

TEST(WriteHtmlReportTest, ErrorsNameTheFile) {
  const std::string folder = testing::TempDir();
  EXPECT_THAT(WriteHtmlReport(folder + "none.json", folder + "x.html").message(), HasSubstr("none.json"));
  std::ofstream(folder + "half.json") << "{\"schema\": 1";
  EXPECT_THAT(WriteHtmlReport(folder + "half.json", folder + "x.html").message(), HasSubstr("half.json"));
  std::ofstream(folder + "good.json") << FullGrade().dump();
  EXPECT_THAT(WriteHtmlReport(folder + "good.json", folder + "no/such/x.html").message(), HasSubstr("no/such"));
}

TEST(EscapeTest, KeepsTextAndDefusesTheRest) {
  EXPECT_EQ(html::Escape("a < b && c > \"d\" 'e'"), "a &lt; b &amp;&amp; c &gt; &quot;d&quot; &#39;e&#39;");
  EXPECT_EQ(html::Escape("\u00b5s \u4e2d \U0001f600\ttab\nline"), "\u00b5s \u4e2d \U0001f600\ttab\nline");
  EXPECT_EQ(html::Escape(std::string("\0\x1b\r\x7f", 4)), "\u2400\u241b\u240d\u2421");
  EXPECT_EQ(html::Escape("\u202e\u2066"), "\u27e8U+202E\u27e9\u27e8U+2066\u27e9");
  // Cut off, overlong, a surrogate, beyond the last code point, a stray continuation.
  for (const char* bad : {"\xe2\x82", "\xc0\xaf", "\xe0\x80\xbc", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80", "\xff"}) {
    const std::string escaped = html::Escape(std::string("<") + bad + "<");
    EXPECT_EQ(escaped.substr(0, 7), "&lt;\ufffd") << escaped;
    EXPECT_EQ(escaped.substr(escaped.size() - 7), "\ufffd&lt;");
  }
}

TEST(FormatTest, ChoosesTheUnit) {
  using html::Unit;
  EXPECT_EQ(html::Format(Unit::kSeconds, 74.25e-6), "74.25 \u00b5s");
  EXPECT_EQ(html::Format(Unit::kSeconds, 31.834), "31.83 s");
  EXPECT_EQ(html::Format(Unit::kSeconds, 1e-3), "1 ms");
  EXPECT_EQ(html::Format(Unit::kBytes, 64 << 20), "64 MiB");
  EXPECT_EQ(html::Format(Unit::kBytesPerSecond, 855.8e9), "855.8 GB/s");
  EXPECT_EQ(html::Format(Unit::kPlain, -0.0), "0");
  for (const double value : {std::nan(""), double{INFINITY}})
    EXPECT_EQ(html::Format(Unit::kSeconds, value), "not measured");
}

TEST(Base64Test, Pads) {
  EXPECT_EQ(html::Base64(""), "");
  EXPECT_EQ(html::Base64("M"), "TQ==");
  EXPECT_EQ(html::Base64("Ma"), "TWE=");
  EXPECT_EQ(html::Base64("Man\xff"), "TWFu/w==");
}

}  // namespace
}  // namespace workbench
