#include <algorithm>
#include <cmath>

#include "grader/html/chart.h"
#include "grader/html/svg.h"

namespace workbench::html {
namespace {

bool Positive(double value) { return std::isfinite(value) && value > 0; }

std::string TableOf(const Roofline& roofline) {
  std::string out =
      "<table><thead><tr><th scope=\"col\">case</th><th scope=\"col\">bytes needed</th><th scope=\"col\">FLOPs needed"
      "</th><th scope=\"col\">time</th><th scope=\"col\">% of copy bandwidth</th><th scope=\"col\">% of compute peak"
      "</th></tr></thead><tbody>";
  for (const RooflinePoint& point : roofline.points) {
    const double bandwidth = 100 * point.bytes / point.seconds / roofline.bytes_per_second;
    const double compute = 100 * point.flops / point.seconds / roofline.flops_per_second.value_or(NAN);
    out += "<tr><th scope=\"row\">" + Escape(point.name) + "</th>";
    for (const std::string& cell : {Format(Unit::kBytes, point.bytes), Number(point.flops),
                                    Format(Unit::kSeconds, point.seconds), Number(bandwidth), Number(compute)}) {
      out += "<td class=\"number\">" + Escape(cell) + "</td>";
    }
    out += "</tr>";
  }
  return out + "</tbody></table>";
}

}  // namespace

std::string RooflineFigure(const std::string& title, const Roofline& roofline) {
  if (!Positive(roofline.bytes_per_second)) return "";
  std::vector<RooflinePoint> points = roofline.points;
  const size_t left_out = std::erase_if(points, [](const RooflinePoint& point) {
    return !Positive(point.bytes) || !Positive(point.flops) || !Positive(point.seconds);
  });
  if (points.empty()) return "";
  const bool has_peak = roofline.flops_per_second && Positive(*roofline.flops_per_second);
  const double ridge = has_peak ? *roofline.flops_per_second / roofline.bytes_per_second : 0;
  double left = has_peak ? ridge / 4 : INFINITY, right = has_peak ? ridge * 4 : 0;
  double bottom = INFINITY, top = has_peak ? *roofline.flops_per_second * 1.6 : 0;
  std::vector<std::string> names;
  for (const RooflinePoint& point : points) {
    const double intensity = point.flops / point.bytes;
    left = std::min(left, intensity / 3);
    right = std::max(right, intensity * 3);
    bottom = std::min(bottom, point.flops / point.seconds / 3);
    names.push_back(point.name);
  }
  bottom = std::min(bottom, left * roofline.bytes_per_second);
  top = std::max(top, right * (has_peak ? 0 : roofline.bytes_per_second));
  const Legend legend = DrawLegend(names, false, 4, 0);
  const Frame frame{104, legend.height + 30, kChartWidth - 24, legend.height + 300};
  const Scale x(left, right, Unit::kPlain, true, frame.left, frame.right);
  const Scale y(bottom, top, Unit::kFlopsPerSecond, true, frame.bottom, frame.top);
  std::string content = legend.svg + DrawAxes(frame, x, Unit::kPlain, "FLOPs for each byte that the problem needs", y,
                                              Unit::kFlopsPerSecond, "FLOP/s reached");
  const double bend = has_peak ? std::clamp(ridge, left, right) : right;
  AppendF(&content, "<path class=\"roof\" d=\"M%.1f %.1fL%.1f %.1f%s\"/>", x.At(left),
          y.At(left * roofline.bytes_per_second), x.At(bend), y.At(bend * roofline.bytes_per_second),
          has_peak ? ("H" + std::to_string(static_cast<int>(frame.right))).c_str() : "");
  AppendF(&content, "<text class=\"limit-name\" x=\"%.1f\" y=\"%.1f\">measured copy bandwidth, %s</text>",
          frame.left + 8, frame.top + 14, Escape(Format(Unit::kBytesPerSecond, roofline.bytes_per_second)).c_str());
  AppendF(&content, "<text class=\"limit-name\" x=\"%.1f\" y=\"%.1f\">compute peak: %s</text>", frame.left + 8,
          frame.top + 31, Escape(Format(Unit::kFlopsPerSecond, roofline.flops_per_second.value_or(NAN))).c_str());
  for (size_t i = 0; i < points.size(); ++i) {
    const RooflinePoint& point = points[i];
    content += Marker(i, x.At(point.flops / point.bytes), y.At(point.flops / point.seconds),
                      point.name + ": " + Format(Unit::kFlopsPerSecond, point.flops / point.seconds) + ", " +
                          Format(Unit::kBytesPerSecond, point.bytes / point.seconds));
  }
  std::string caption = Escape(WhereText(MeasuredOn::kGpu)) + "; the line is what the GPU was measured to allow";
  if (left_out > 0) caption += "; " + std::to_string(left_out) + " points without bytes, FLOPs or a time are left out";
  return WrapFigure(title, WrapSvg(title, frame.bottom + 50, content), caption, TableOf(roofline));
}

}  // namespace workbench::html
