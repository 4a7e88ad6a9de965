#include "harness/practice/records.h"

#include <chrono>
#include <nlohmann/json.hpp>

namespace workbench {

using Json = nlohmann::json;

Result<GradeRecord> ParseResult(const std::string& json) {
  GradeRecord grade;
  try {
    const Json document = Json::parse(ValidUtf8(json));
    const int schema = document.at("schema").get<int>();
    if (schema != 1) {
      return Error("the result is of schema " + std::to_string(schema) + ", and this program reads schema 1");
    }
    grade.question = document.at("question").get<std::string>();
    grade.implementation = document.at("implementation").get<std::string>();
    grade.mode = document.at("mode").get<std::string>();
    grade.seed = document.at("seed").get<uint64_t>();
    grade.seconds = document.at("seconds").get<double>();
    const Json& marks = document.at("marks");
    grade.earned = marks.at("earned").get<double>();
    grade.possible = marks.at("possible").get<double>();
    grade.not_graded = marks.at("not_graded").get<double>();
    if (!document.at("lead").is_null()) grade.lead = document.at("lead").get<std::string>();
    for (const Json& check : document.at("checks")) {
      grade.checks.push_back({check.at("id").get<std::string>(), check.at("verdict").get<std::string>(),
                              check.at("marks").get<double>(), check.at("earned").get<double>()});
    }
  } catch (const Json::exception& fault) {
    return Error(std::string("it is no result of a grade: ") + fault.what());
  }
  return grade;
}

std::string ValidUtf8(const std::string& text) {
  const std::string quoted = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  return Json::parse(quoted).get<std::string>();
}

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace workbench
