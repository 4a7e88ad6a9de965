// The report of a benchmark, from Google Benchmark's own JSON.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "grader/html/case_name.h"
#include "grader/html/chart.h"
#include "grader/html/page.h"
#include "grader/html/text.h"

namespace workbench::html {
namespace {

struct Row {
  CaseName name;
  std::string full_name;
  double seconds = NAN, algbw = NAN, busbw = NAN, ceiling = NAN;
  std::string error;
};

std::vector<Row> ReadRows(const Json& document) {
  std::vector<Row> rows;
  for (const Json& one : Field(document, "benchmarks")) {
    if (Text(one, "run_type") == "aggregate") continue;
    Row row;
    row.full_name = Text(one, "name");
    row.name = ParseCaseName(row.full_name, true);
    row.seconds = Value(one, "median_us") * 1e-6;
    row.algbw = Value(one, "algbw_GB/s") * 1e9;
    row.busbw = Value(one, "busbw_GB/s") * 1e9;
    row.ceiling = Value(one, "busbw_ceiling_GB/s") * 1e9;
    row.error = Text(one, "error_message");
    rows.push_back(row);
  }
  return rows;
}

// The rows of `who`, in a chart's series: `x` and `y` pick the numbers.
template <typename X, typename Y>
std::vector<Series> SeriesByWho(const std::vector<Row>& rows, X x, Y y) {
  std::vector<Series> series;
  for (const Row& row : rows) {
    auto it = std::find_if(series.begin(), series.end(), [&](const Series& s) { return s.name == row.name.who; });
    if (it == series.end()) it = series.insert(series.end(), Series{row.name.who, {}});
    if (row.error.empty()) it->points.emplace_back(x(row), y(row));
  }
  return series;
}

MeasuredOn WhereOf(const Json& document, const std::string& part) {
  const Json& context = Field(document, "context");
  if (Text(context, "mode") == "host") return MeasuredOn::kCpu;
  return MeasuredOnNamed(Text(context, ("measured_on." + part).c_str()));
}

std::string SizeChart(const std::string& part, double ranks, const std::vector<Row>& rows, MeasuredOn where) {
  Chart chart;
  chart.title = "Part " + part + ", " + Number(ranks) + " ranks: bus bandwidth over size";
  chart.x = {"bytes of a rank's buffer", "bytes", true};
  chart.y = {"busbw", "bytes/s", true};
  chart.measured_on = where;
  chart.series = SeriesByWho(
      rows, [](const Row& r) { return r.name.bytes; }, [](const Row& r) { return r.busbw; });
  Series ceiling{"most that the measured copy bandwidth allows", {}};
  for (const Row& row : rows) {
    if (std::isfinite(row.ceiling)) ceiling.points.emplace_back(row.name.bytes, row.ceiling);
  }
  if (!ceiling.points.empty()) chart.series.push_back(ceiling);
  std::string out = ChartFigure(chart);
  chart.title = "Part " + part + ", " + Number(ranks) + " ranks: time over size";
  chart.y = {"time of a call, median", "seconds", true};
  chart.series = SeriesByWho(
      rows, [](const Row& r) { return r.name.bytes; }, [](const Row& r) { return r.seconds; });
  return out + ChartFigure(chart);
}

// The smallest and the largest size over the number of ranks.
std::string ScalingCharts(const std::string& part, const std::vector<Row>& rows, MeasuredOn where) {
  std::set<double> sizes, ranks;
  for (const Row& row : rows) {
    sizes.insert(row.name.bytes);
    ranks.insert(row.name.ranks);
  }
  if (ranks.size() < 2) return "";
  std::string out;
  for (const double bytes : std::set<double>{*sizes.begin(), *sizes.rbegin()}) {
    std::vector<Row> some = rows;
    std::erase_if(some, [&](const Row& row) { return row.name.bytes != bytes; });
    Chart chart;
    chart.title = "Part " + part + ", " + Format(Unit::kBytes, bytes) + ": time over the number of ranks";
    chart.x = {"ranks", "", true};
    chart.y = {"time of a call, median", "seconds", true};
    chart.measured_on = where;
    chart.series = SeriesByWho(
        some, [](const Row& r) { return r.name.ranks; }, [](const Row& r) { return r.seconds; });
    out += ChartFigure(chart);
  }
  return out;
}

std::string Table(const std::vector<Row>& rows) {
  std::string out =
      "<div class=\"wide\"><table><thead><tr><th scope=\"col\">algorithm</th><th scope=\"col\" "
      "class=\"number\">size</th>"
      "<th scope=\"col\" class=\"number\">ranks</th><th scope=\"col\">of</th><th scope=\"col\" class=\"number\">time, "
      "median</th><th scope=\"col\" class=\"number\">algbw</th><th scope=\"col\" "
      "class=\"number\">busbw</th></tr></thead><tbody>\n";
  for (const Row& row : rows) {
    out += "<tr><td>" + Escape(row.name.variant) + "</td><td class=\"number\">" +
           (row.name.bytes > 0 ? Format(Unit::kBytes, row.name.bytes) : "") + "</td><td class=\"number\">" +
           (row.name.ranks > 0 ? Number(row.name.ranks) : "") + "</td><th scope=\"row\">" +
           Escape(row.name.who.empty() ? row.full_name : row.name.who) + "</th>";
    if (!row.error.empty()) {
      out += "<td colspan=\"3\">failed: " + Escape(row.error) + "</td></tr>\n";
      continue;
    }
    for (const auto& [unit, value] :
         {std::pair(Unit::kSeconds, row.seconds), std::pair(Unit::kBytesPerSecond, row.algbw),
          std::pair(Unit::kBytesPerSecond, row.busbw)}) {
      out += "<td class=\"number\">" + Escape(Format(unit, value)) + "</td>";
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string ContextSection(const Json& context) {
  std::vector<std::pair<std::string, std::string>> facts;
  if (!context.is_object()) return "";
  const std::vector<std::string> other = {"caches", "date", "executable", "json_schema_version", "question", "repeat"};
  for (const auto& [name, value] : context.items()) {
    if (std::find(other.begin(), other.end(), name) != other.end() || name.rfind("measured_on.", 0) == 0) continue;
    facts.emplace_back(name == "mode" ? "mode" : name, Shown(value));
  }
  return "<h2>Environment</h2>\n" + FactList(facts);
}

}  // namespace

std::string BenchPage(const Json& document) {
  const Json& context = Field(document, "context");
  const std::vector<Row> rows = ReadRows(document);
  const std::string question = Text(context, "question").empty() ? "Benchmark" : Text(context, "question");
  std::string body = Eyebrow(question) + "<h1>Benchmark over sizes and ranks</h1>\n";
  const bool host = Text(context, "mode") == "host";
  body += "<p class=\"muted\">" +
          Escape(DateText(Text(context, "date")) + (host ? " \u00b7 host mode: nothing was measured on a GPU" : "")) +
          " \u00b7 Bandwidths as <code>docs/metrics.md</code> defines them.</p>\n";
  std::map<std::string, std::vector<Row>> parts;
  for (const Row& row : rows) parts[row.name.part].push_back(row);
  if (rows.empty()) body += "<p>No case ran.</p>\n";
  for (const auto& [part, of_part] : parts) {
    std::map<double, std::vector<Row>> by_ranks;
    for (const Row& row : of_part) by_ranks[row.name.ranks].push_back(row);
    std::string charts;
    for (const auto& [ranks, some] : by_ranks) charts += SizeChart(part, ranks, some, WhereOf(document, part));
    charts += ScalingCharts(part, of_part, WhereOf(document, part));
    body += "<h2>Part " + Escape(part) + "</h2>\n";
    if (!charts.empty()) body += "<div class=\"charts\">\n" + charts + "</div>\n";
    body += "<h3>All numbers</h3>\n" + Table(of_part);
  }
  Json repeat;
  repeat["repeat"] = Text(context, "repeat");
  return Page(question + ": benchmark", body + ContextSection(context) + RepeatSection(repeat));
}

}  // namespace workbench::html
