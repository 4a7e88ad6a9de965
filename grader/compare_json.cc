#include "grader/compare_json.h"

#include <cmath>

#include "grader/html/json_view.h"
#include "grader/html/verdict_words.h"
#include "grader/statistics.h"

namespace workbench {
namespace {

using html::Field;
using html::Json;

Json ToJson(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(std::isfinite(value) ? Json(value) : Json(nullptr));
  return list;
}

const char* Name(GradeState state) {
  switch (state) {
    case GradeState::kNotGraded:
      return "not_graded";
    case GradeState::kRight:
      return "right";
    case GradeState::kWrong:
      return "wrong";
    case GradeState::kNoVerdict:
      return "no_verdict";
  }
  return "not_graded";
}

Json ToJson(const LastMarks& marks) {
  Json json = {{"state", Name(marks.state)}};
  if (marks.state == GradeState::kNotGraded) return json;
  json.update({{"earned", marks.earned}, {"possible", marks.possible}, {"stale", marks.stale}});
  if (!marks.lead.empty()) json.update({{"lead", marks.lead}, {"verdict", marks.verdict}});
  return json;
}

Json ToJson(const ComparedCase& one) {
  Json json = {{"name", one.name}, {"part", one.part}, {"measured_on", MeasuredOnName(one.measured_on)}};
  if (!one.error.empty() || one.answer.empty() || one.answer.size() != one.reference.size()) {
    json["error"] = one.error.empty() ? "it was not timed" : one.error;
    return json;
  }
  std::vector<double> ratios;
  for (size_t i = 0; i < one.answer.size(); ++i) ratios.push_back(one.answer[i] / one.reference[i]);
  const MedianInterval ratio = MedianWithInterval(ratios);
  json["answer"] = ToJson(one.answer);
  json["reference"] = ToJson(one.reference);
  const std::vector<double> interval = {ratio.median, ratio.low, ratio.high};
  const Json numbers = ToJson(interval);
  json["ratio"] = {{"median", numbers[0]}, {"low", numbers[1]}, {"high", numbers[2]}};
  if (!one.peer.empty()) json["peer"] = {{"name", one.peer}, {"seconds", ToJson(one.peer_seconds)}};
  return json;
}

}  // namespace

std::string CompareJson(const Comparison& comparison) {
  Json cases = Json::array(), sources = Json::array(), environment = Json::object();
  for (const ComparedCase& one : comparison.cases) cases.push_back(ToJson(one));
  for (const SourcePair& pair : comparison.sources) {
    sources.push_back({{"answer", {{"path", pair.answer_path}, {"text", pair.answer_text}}},
                       {"reference", {{"path", pair.reference_path}, {"text", pair.reference_text}}}});
  }
  for (const auto& [name, value] : comparison.environment) environment[name] = value;
  const Json json = {
      {"schema", 1},
      {"question", comparison.question},
      {"implementation", comparison.implementation},
      {"mode", comparison.gpu ? "gpu" : "host"},
      {"date", comparison.date},
      {"repeat", comparison.repeat},
      {"marks", {{"answer", ToJson(comparison.answer)}, {"reference", ToJson(comparison.reference)}}},
      {"cases", cases},
      {"sources", sources},
      {"environment", environment},
  };
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

LastMarks ReadLastMarks(const std::string& result_json) {
  LastMarks last;
  const Json document = Json::parse(result_json, nullptr, false);
  const Json& marks = Field(document, "marks");
  if (Field(document, "schema") != 1 || !Field(document, "checks").is_array() || !marks.is_object()) return last;
  bool judged = false;
  for (const Json& check : Field(document, "checks")) {
    const std::string verdict = html::Text(check, "verdict");
    const bool wrong = html::WordsOf(verdict).means_wrong;
    judged = judged || verdict != "not_graded";
    if (verdict == "pass" || verdict == "not_graded") continue;
    // What is wrong counts before what is slow.
    if (last.lead.empty() || (wrong && last.state != GradeState::kWrong)) {
      last.lead = html::Text(check, "id");
      last.verdict = verdict;
    }
    if (wrong) last.state = GradeState::kWrong;
    if (verdict == "grader_fault" && last.state != GradeState::kWrong) last.state = GradeState::kNoVerdict;
  }
  last.earned = std::isfinite(html::Value(marks, "earned")) ? html::Value(marks, "earned") : 0;
  last.possible = std::isfinite(html::Value(marks, "possible")) ? html::Value(marks, "possible") : 0;
  if (judged && last.state == GradeState::kNotGraded) last.state = GradeState::kRight;
  return last;
}

}  // namespace workbench
