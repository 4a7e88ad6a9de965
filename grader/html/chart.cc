#include "grader/html/chart.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "grader/html/svg.h"

namespace workbench::html {
namespace {

struct Extent {
  double least = std::numeric_limits<double>::infinity();
  double most = -std::numeric_limits<double>::infinity();
  void Add(double value) {
    least = std::min(least, value);
    most = std::max(most, value);
  }
};

bool Drawable(double value, bool logarithmic) { return std::isfinite(value) && (!logarithmic || value > 0); }

std::string CaptionOf(const Chart& chart, size_t left_out) {
  std::string caption = Escape(WhereText(chart.measured_on));
  if (left_out > 0) {
    caption += (caption.empty() ? "" : "; ") + std::to_string(left_out) + (left_out == 1 ? " number" : " numbers") +
               " could not be drawn";
  }
  return caption;
}

std::string TableOf(const Chart& chart, const std::set<double>& xs) {
  const Unit x_unit = UnitNamed(chart.x.unit), y_unit = UnitNamed(chart.y.unit);
  std::string out = "<table><thead><tr><th scope=\"col\">" + Escape(chart.x.label) + "</th>";
  for (const Series& series : chart.series)
    out += "<th scope=\"col\" class=\"number\">" + Escape(series.name) + "</th>";
  out += "</tr></thead><tbody>";
  for (const double x : xs) {
    out += "<tr><th scope=\"row\">" + Escape(Format(x_unit, x)) + "</th>";
    for (const Series& series : chart.series) {
      const auto point =
          std::find_if(series.points.begin(), series.points.end(), [&](const auto& p) { return p.first == x; });
      out += "<td class=\"number\">" + (point == series.points.end() ? "" : Escape(Format(y_unit, point->second))) +
             "</td>";
    }
    out += "</tr>";
  }
  return out + "</tbody></table>";
}

std::string Bars(const Chart& chart, const Frame& frame, const std::set<double>& xs, const Scale& y) {
  std::string out;
  const double slot = (frame.right - frame.left) / static_cast<double>(xs.size());
  const double width = std::min(34.0, slot * 0.8 / static_cast<double>(chart.series.size()));
  const size_t every = (xs.size() + 11) / 12;  // not every bar has room for a label
  size_t position = 0;
  for (const double x : xs) {
    const double middle = frame.left + slot * (static_cast<double>(position) + 0.5);
    const std::string label = Format(UnitNamed(chart.x.unit), x);
    if (position++ % every == 0) {
      AppendF(&out, "<text class=\"tick\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">%s</text>", middle,
              frame.bottom + 19, Escape(label).c_str());
    }
    double left = middle - width * static_cast<double>(chart.series.size()) / 2;
    for (size_t s = 0; s < chart.series.size(); ++s, left += width) {
      for (const auto& [at, value] : chart.series[s].points) {
        if (at != x || !y.Shows(value)) continue;
        AppendF(&out, "<rect class=\"bar %s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">",
                SeriesClass(s).c_str(), left + 1, y.At(value), std::max(1.0, width - 2),
                std::max(0.0, frame.bottom - y.At(value)));
        out += "<title>" + Escape(chart.series[s].name + ", " + label + ": " + Format(UnitNamed(chart.y.unit), value)) +
               "</title></rect>";
      }
    }
  }
  return out;
}

std::string Lines(const Chart& chart, const Scale& x, const Scale& y) {
  std::string out;
  for (size_t s = 0; s < chart.series.size(); ++s) {
    std::vector<std::pair<double, double>> points = chart.series[s].points;
    std::erase_if(points, [&](const auto& p) { return !x.Shows(p.first) || !y.Shows(p.second); });
    std::stable_sort(points.begin(), points.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    if (points.empty()) continue;
    std::string path, markers;
    for (const auto& [at, value] : points) {
      AppendF(&path, "%c%.1f %.1f", path.empty() ? 'M' : 'L', x.At(at), y.At(value));
      if (points.size() <= 40) {
        markers += Marker(s, x.At(at), y.At(value),
                          chart.series[s].name + ", " + Format(UnitNamed(chart.x.unit), at) + ": " +
                              Format(UnitNamed(chart.y.unit), value));
      }
    }
    AppendF(&out, "<path class=\"curve %s\" d=\"%s\"/>", SeriesClass(s).c_str(), path.c_str());
    out += markers;
  }
  return out;
}

std::string Limits(const Chart& chart, const Frame& frame, const Scale& y) {
  std::string out;
  for (const auto& [name, value] : chart.limits) {
    if (!y.Shows(value)) continue;
    AppendF(&out, "<path class=\"limit\" d=\"M%.1f %.1fH%.1f\"/>", frame.left, y.At(value), frame.right);
    AppendF(&out, "<text class=\"limit-name\" text-anchor=\"end\" x=\"%.1f\" y=\"%.1f\">%s</text>", frame.right - 4,
            y.At(value) - 5, Escape(name + ", " + Format(UnitNamed(chart.y.unit), value)).c_str());
  }
  return out;
}

}  // namespace

std::string WhereText(MeasuredOn where) {
  switch (where) {
    case MeasuredOn::kUnknown:
      return "";
    case MeasuredOn::kCpu:
      return "measured on the CPU";
    case MeasuredOn::kGpu:
      return "measured on the GPU";
    case MeasuredOn::kModel:
      return "counted by the judge, not timed";
  }
  return "";
}

std::string ChartFigure(const Chart& chart) {
  std::set<double> xs;
  Extent x_extent, y_extent;
  size_t left_out = 0;
  for (const Series& series : chart.series) {
    for (const auto& [x, y] : series.points) {
      if (!Drawable(x, chart.x.logarithmic && !chart.bars) || !Drawable(y, chart.y.logarithmic)) {
        ++left_out;
        continue;
      }
      xs.insert(x);
      x_extent.Add(x);
      y_extent.Add(y);
    }
  }
  if (xs.empty()) return "";
  for (const auto& [name, value] : chart.limits) {
    if (Drawable(value, chart.y.logarithmic)) y_extent.Add(value);
  }
  if (!chart.y.logarithmic) {
    y_extent.Add(0);
    y_extent.most *= 1.08;
  }
  std::vector<std::string> names;
  for (const Series& series : chart.series) names.push_back(series.name);
  const Legend legend = DrawLegend(names, chart.bars, 4, 0);
  const Unit x_unit = UnitNamed(chart.x.unit), y_unit = UnitNamed(chart.y.unit);
  const Frame frame{88, legend.height + 30, kChartWidth - 24, legend.height + 280};
  const Scale y(y_extent.least, y_extent.most, y_unit, chart.y.logarithmic, frame.bottom, frame.top);
  std::string content = legend.svg;
  if (chart.bars) {
    content += YTicks(frame, y, y_unit, chart.y.label) + Bars(chart, frame, xs, y) + XLabel(frame, chart.x.label);
    AppendF(&content, "<path class=\"frame\" d=\"M%.1f %.1fH%.1f\"/>", frame.left, frame.bottom, frame.right);
  } else {
    Scale x(x_extent.least, x_extent.most, x_unit, chart.x.logarithmic, frame.left + 14, frame.right - 14);
    if (xs.size() <= 9) x.TickAt({xs.begin(), xs.end()}, 52);
    content += DrawAxes(frame, x, x_unit, chart.x.label, y, y_unit, chart.y.label) + Lines(chart, x, y);
  }
  content += Limits(chart, frame, y);
  return WrapFigure(chart.title, WrapSvg(chart.title, frame.bottom + 50, content), CaptionOf(chart, left_out),
                    TableOf(chart, xs));
}

MeasuredOn MeasuredOnNamed(const std::string& name) {
  for (const MeasuredOn where : {MeasuredOn::kCpu, MeasuredOn::kGpu, MeasuredOn::kModel}) {
    if (name == MeasuredOnName(where)) return where;
  }
  return MeasuredOn::kUnknown;
}

Chart ReadChart(const Json& json) {
  Chart chart;
  chart.title = Text(json, "title");
  chart.bars = Text(json, "kind") == "bars";
  const auto axis = [](const Json& from) {
    const Json& logarithmic = Field(from, "logarithmic");
    return Axis{Text(from, "label"), Text(from, "unit"), logarithmic.is_boolean() && logarithmic.get<bool>()};
  };
  chart.x = axis(Field(json, "x"));
  chart.y = axis(Field(json, "y"));
  for (const Json& one : Field(json, "series")) {
    Series series{Text(one, "name"), {}};
    for (const Json& point : Field(one, "points")) {
      const std::vector<double> pair = Values(point);
      if (pair.size() == 2) series.points.emplace_back(pair[0], pair[1]);
    }
    chart.series.push_back(std::move(series));
  }
  for (const Json& limit : Field(json, "limits")) chart.limits.emplace_back(Text(limit, "name"), Value(limit, "value"));
  chart.measured_on = MeasuredOnNamed(Text(json, "measured_on"));
  return chart;
}

Samples ReadSamples(const Json& json) {
  Samples samples;
  if (!json.is_object()) return samples;
  for (const auto& [who, values] : json.items()) samples[who] = Values(values);
  return samples;
}

Roofline ReadRoofline(const Json& json) {
  Roofline roofline;
  roofline.bytes_per_second = Value(json, "bytes_per_second");
  if (const double flops = Value(json, "flops_per_second"); std::isfinite(flops)) roofline.flops_per_second = flops;
  for (const Json& point : Field(json, "points")) {
    roofline.points.push_back(
        {Text(point, "name"), Value(point, "bytes"), Value(point, "flops"), Value(point, "seconds")});
  }
  return roofline;
}

}  // namespace workbench::html
