#include "grader/result_json.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace workbench {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const Finding& finding) {
  Json input = Json::object();
  for (const auto& [name, value] : finding.input) input[name] = value;
  Json json = {{"kind", VerdictName(finding.kind)}, {"property", finding.property}, {"input", input}};
  if (!finding.expected.empty()) json["expected"] = finding.expected;
  if (!finding.actual.empty()) json["actual"] = finding.actual;
  if (finding.index) json["index"] = *finding.index;
  if (finding.rank >= 0) json["rank"] = finding.rank;
  if (finding.total > 0) {
    json["differing"] = finding.differing;
    json["total"] = finding.total;
  }
  if (!finding.detail.empty()) json["detail"] = finding.detail;
  if (!finding.output.empty()) json["output"] = finding.output;
  return json;
}

// JSON has no NaN and no infinity.
Json Number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json ToJson(const Samples& samples) {
  Json json = Json::object();
  for (const auto& [who, seconds] : samples) {
    Json list = Json::array();
    for (const double value : seconds) list.push_back(Number(value));
    json[who] = list;
  }
  return json;
}

Json ToJson(const Axis& axis) {
  return {{"label", axis.label}, {"unit", axis.unit}, {"logarithmic", axis.logarithmic}};
}

Json ToJson(const Chart& chart) {
  Json series = Json::array();
  for (const Series& one : chart.series) {
    Json points = Json::array();
    for (const auto& [x, y] : one.points) points.push_back(Json::array({Number(x), Number(y)}));
    series.push_back({{"name", one.name}, {"points", points}});
  }
  Json json = {{"title", chart.title},
               {"kind", chart.bars ? "bars" : "lines"},
               {"x", ToJson(chart.x)},
               {"y", ToJson(chart.y)},
               {"series", series}};
  if (!chart.limits.empty()) json["limits"] = Json::array();
  for (const auto& [name, value] : chart.limits) json["limits"].push_back({{"name", name}, {"value", Number(value)}});
  if (chart.measured_on != MeasuredOn::kUnknown) json["measured_on"] = MeasuredOnName(chart.measured_on);
  return json;
}

Json ToJson(const Roofline& roofline) {
  Json points = Json::array();
  for (const RooflinePoint& point : roofline.points) {
    points.push_back({{"name", point.name},
                      {"bytes", Number(point.bytes)},
                      {"flops", Number(point.flops)},
                      {"seconds", Number(point.seconds)}});
  }
  Json json = {{"bytes_per_second", Number(roofline.bytes_per_second)}, {"points", points}};
  if (roofline.flops_per_second) json["flops_per_second"] = Number(*roofline.flops_per_second);
  return json;
}

Json ToJson(const CheckResult& check) {
  Json json = {{"id", check.spec.id},       {"title", check.spec.title}, {"verdict", VerdictName(check.kind)},
               {"marks", check.spec.marks}, {"earned", check.earned},    {"cases", check.cases},
               {"seconds", check.seconds}};
  if (!check.reason.empty()) json["reason"] = check.reason;
  if (!check.figures.empty()) {
    Json figures = Json::object();
    for (const auto& [name, value] : check.figures) figures[name] = Number(value);
    json["figures"] = figures;
  }
  if (check.measured_on != MeasuredOn::kUnknown) json["measured_on"] = MeasuredOnName(check.measured_on);
  for (const auto& [name, samples] : check.samples) json["samples"][name] = ToJson(samples);
  for (const Chart& chart : check.charts) json["charts"].push_back(ToJson(chart));
  if (check.roofline) json["roofline"] = ToJson(*check.roofline);
  if (check.finding) {
    json["finding"] = ToJson(*check.finding);
    json["causes"] = check.spec.causes;
  }
  return json;
}

}  // namespace

std::string ResultJson(const GradeResult& grade) {
  Json checks = Json::array();
  for (const CheckResult& check : grade.checks) checks.push_back(ToJson(check));
  const CheckResult* lead = grade.lead();
  Json attachments = Json::array();
  for (const auto& [name, content] : grade.attachments) attachments.push_back(name);
  Json json = {
      {"schema", 1},
      {"question", grade.question},
      {"title", grade.title},
      {"implementation", grade.implementation},
      {"mode", grade.mode},
      {"device", grade.device},
      {"seed", grade.seed},
      {"repeat", grade.repeat_command},
      {"seconds", grade.seconds},
      {"marks", {{"earned", grade.earned()}, {"possible", grade.possible()}, {"not_graded", grade.not_graded()}}},
      {"lead", lead ? Json(lead->spec.id) : Json(nullptr)},
      {"checks", checks},
      {"attachments", attachments},
  };
  if (!grade.date.empty()) json["date"] = grade.date;
  for (const auto& [part, title] : grade.parts) json["parts"][part] = title;
  for (const auto& [name, value] : grade.environment) json["environment"][name] = value;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Status WriteFileAtomically(const std::string& path, const std::string& content) {
  const std::string temporary = path + "." + std::to_string(getpid()) + ".tmp";
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return ErrnoError("write " + temporary);
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t n = write(fd, content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      Status status = ErrnoError("write " + temporary);
      close(fd);
      unlink(temporary.c_str());
      return status;
    }
    done += static_cast<size_t>(n);
  }
  if (close(fd) != 0 || std::rename(temporary.c_str(), path.c_str()) != 0) {
    Status status = ErrnoError("rename to " + path);
    unlink(temporary.c_str());
    return status;
  }
  return Status::Ok();
}

}  // namespace workbench
