#include "grader/html/figures.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "grader/html/chart.h"
#include "grader/html/text.h"

namespace workbench::html {
namespace {

// Figures named "CASE: QUANTITY" as a table with a row a case; others have a row of their own and no case.
struct FigureTable {
  std::vector<std::string> rows, columns;
  std::map<std::pair<std::string, std::string>, double> cells;
};

void AddOnce(const std::string& item, std::vector<std::string>* list) {
  if (std::find(list->begin(), list->end(), item) == list->end()) list->push_back(item);
}

FigureTable ReadFigures(const Json& figures) {
  FigureTable table;
  if (!figures.is_object()) return table;
  for (const auto& [name, value] : figures.items()) {
    const size_t colon = name.find(": ");
    const std::string row = colon == std::string::npos ? "" : name.substr(0, colon);
    const std::string column = colon == std::string::npos ? name : name.substr(colon + 2);
    AddOnce(row, &table.rows);
    AddOnce(column, &table.columns);
    table.cells[{row, column}] = Value(value);
  }
  return table;
}

std::string InUnits(const std::string& column) { return column == "us" ? "\u00b5s" : column; }

std::string Markup(const FigureTable& table) {
  std::string out = "<div class=\"wide\"><table><thead><tr><th scope=\"col\">case</th>";
  for (const std::string& column : table.columns)
    out += "<th scope=\"col\" class=\"number\">" + Escape(InUnits(column)) + "</th>";
  out += "</tr></thead><tbody>\n";
  for (const std::string& row : table.rows) {
    out += "<tr><th scope=\"row\">" + Escape(row.empty() ? "all" : row) + "</th>";
    for (const std::string& column : table.columns) {
      const auto cell = table.cells.find({row, column});
      out += "<td class=\"number\">" + (cell == table.cells.end() ? "" : Escape(Number(cell->second))) + "</td>";
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

// "8 ranks" -> 8, else NaN.
double RanksOf(const std::string& row) {
  char* end = nullptr;
  const double ranks = std::strtod(row.c_str(), &end);
  return end != row.c_str() && std::string(end) == " ranks" ? ranks : NAN;
}

// How a check scales over the ranks, as far as its figures tell.
std::string ScalingCharts(const FigureTable& table, MeasuredOn where) {
  std::string out;
  for (const std::string& column : table.columns) {
    const bool time = column == "us", percent = column.rfind("% of", 0) == 0;
    if (!time && !percent) continue;
    Chart chart;
    chart.title = time ? "Time over the number of ranks" : InUnits(column);
    chart.bars = percent;
    chart.x = {"ranks", "", true};
    chart.y = {time ? "time of a call" : "percent", time ? "seconds" : "", false};
    chart.measured_on = where;
    if (percent) chart.limits = {{"the measured ceiling", 100}};
    Series series{"measured", {}};
    for (const std::string& row : table.rows) {
      const auto cell = table.cells.find({row, column});
      if (cell == table.cells.end() || !std::isfinite(RanksOf(row))) continue;
      series.points.emplace_back(RanksOf(row), time ? cell->second * 1e-6 : cell->second);
    }
    if (series.points.size() < 2) continue;
    chart.series = {series};
    out += ChartFigure(chart);
  }
  return out;
}

}  // namespace

std::string MeasurementsSection(const Json& document) {
  const bool gpu = Text(document, "mode") == "gpu";
  std::string out;
  for (const Json& check : Field(document, "checks")) {
    MeasuredOn where = MeasuredOnNamed(Text(check, "measured_on"));
    if (!gpu && where != MeasuredOn::kModel) where = MeasuredOn::kCpu;
    std::string tables, charts;
    const FigureTable figures = ReadFigures(Field(check, "figures"));
    if (!figures.rows.empty()) tables = Markup(figures);
    if (Field(check, "charts").empty()) charts += ScalingCharts(figures, where);
    for (const Json& json : Field(check, "charts")) {
      Chart chart = ReadChart(json);
      if (!gpu && chart.measured_on == MeasuredOn::kGpu) chart.measured_on = MeasuredOn::kCpu;
      charts += ChartFigure(chart);
    }
    if (Field(check, "samples").is_object()) {
      for (const auto& [name, samples] : Field(check, "samples").items()) {
        charts += DistributionFigure("Times: " + name, ReadSamples(samples), where);
      }
    }
    if (gpu) charts += RooflineFigure("Roofline", ReadRoofline(Field(check, "roofline")));
    if (tables.empty() && charts.empty()) continue;
    out += "<h3><code>" + Escape(Text(check, "id")) + "</code> " + Escape(Text(check, "title")) + "</h3>\n" + tables;
    if (!charts.empty()) out += "<div class=\"charts\">\n" + charts + "</div>\n";
  }
  return out.empty() ? "" : "<h2>Measurements</h2>\n" + out;
}

}  // namespace workbench::html
