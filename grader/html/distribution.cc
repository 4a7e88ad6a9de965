#include <algorithm>
#include <cmath>

#include "grader/html/chart.h"
#include "grader/html/svg.h"
#include "grader/statistics.h"

namespace workbench::html {
namespace {

constexpr double kRow = 54;
constexpr size_t kMostDots = 300;

// Up to kMostDots of the sorted values, evenly spread over them, the first and the last included.
std::vector<double> Thinned(const std::vector<double>& sorted) {
  if (sorted.size() <= kMostDots) return sorted;
  std::vector<double> some;
  for (size_t i = 0; i < kMostDots; ++i) some.push_back(sorted[i * (sorted.size() - 1) / (kMostDots - 1)]);
  return some;
}

std::string Row(size_t index, const std::string& name, const std::vector<double>& sorted, const Scale& x, double y) {
  std::string out;
  const std::string series = SeriesClass(index);
  const char* style = series.c_str();
  AppendF(&out, "<text x=\"4\" y=\"%.1f\">%s</text>", y + 4, Escape(name).c_str());
  if (sorted.size() >= 5) {
    const double low = x.At(Percentile(sorted, 25)), high = x.At(Percentile(sorted, 75));
    AppendF(&out, "<path class=\"whisker %s\" d=\"M%.1f %.1fH%.1fM%.1f %.1fv10M%.1f %.1fv10\"/>", style,
            x.At(Percentile(sorted, 10)), y, x.At(Percentile(sorted, 90)), x.At(Percentile(sorted, 10)), y - 5,
            x.At(Percentile(sorted, 90)), y - 5);
    AppendF(&out, "<rect class=\"box %s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"20\"/>", style, low, y - 10,
            std::max(1.0, high - low));
  }
  const std::vector<double> dots = Thinned(sorted);
  for (size_t i = 0; i < dots.size(); ++i) {
    // Neighbours at three heights, so that equal times stay countable.
    AppendF(&out, "<circle class=\"dot %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.6\"/>", style, x.At(dots[i]),
            y + 6 * (static_cast<double>(i % 3) - 1));
  }
  const double median = x.At(Median(sorted));
  AppendF(&out, "<path class=\"median\" d=\"M%.1f %.1fv30\"/>", median, y - 15);
  const bool left_half = median < kChartWidth * 0.7;
  AppendF(&out, "<text class=\"tick\" text-anchor=\"%s\" x=\"%.1f\" y=\"%.1f\">median %s</text>",
          left_half ? "start" : "end", median + (left_half ? 4 : -4), y - 15,
          Escape(Format(Unit::kSeconds, Median(sorted))).c_str());
  return out;
}

}  // namespace

std::string DistributionFigure(const std::string& title, const Samples& samples, MeasuredOn measured_on) {
  std::vector<std::pair<std::string, std::vector<double>>> rows;
  double least = INFINITY, most = 0;
  size_t left_out = 0, longest = 0;
  for (const auto& [who, values] : samples) {
    std::vector<double> sorted = values;
    left_out += std::erase_if(sorted, [](double value) { return !(std::isfinite(value) && value > 0); });
    if (sorted.empty()) continue;
    std::sort(sorted.begin(), sorted.end());
    least = std::min(least, sorted.front());
    most = std::max(most, sorted.back());
    longest = std::max(longest, who.size());
    rows.emplace_back(who, std::move(sorted));
  }
  if (rows.empty()) return "";
  const bool logarithmic = most > 8 * least;
  const double room = logarithmic ? 0 : (most - least) * 0.04;
  const Frame frame{std::clamp(static_cast<double>(longest) * 7.4 + 20, 90.0, 200.0), 22, kChartWidth - 24,
                    22 + kRow * static_cast<double>(rows.size())};
  Scale x(least - room, most + room, Unit::kSeconds, logarithmic, frame.left, frame.right);
  std::vector<double> ticks = x.ticks();
  x.TickAt(ticks, 62);
  std::string content;
  for (const double tick : x.ticks()) {
    AppendF(&content, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>", x.At(tick), frame.top - 10, frame.bottom);
    AppendF(&content, "<text class=\"tick\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">%s</text>", x.At(tick),
            frame.bottom + 18, Escape(Format(Unit::kSeconds, tick)).c_str());
  }
  content += XLabel(frame, "time of a call; dots: samples, box: middle half, whiskers: p10 and p90");
  std::string table =
      "<table><thead><tr><th scope=\"col\">of</th><th scope=\"col\">samples</th><th scope=\"col\">least</th>"
      "<th scope=\"col\">p10</th><th scope=\"col\">median</th><th scope=\"col\">p90</th><th scope=\"col\">most</th>"
      "</tr></thead><tbody>";
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto& [who, sorted] = rows[i];
    content += Row(i, who, sorted, x, frame.top + kRow * (static_cast<double>(i) + 0.5));
    table +=
        "<tr><th scope=\"row\">" + Escape(who) + "</th><td class=\"number\">" + std::to_string(sorted.size()) + "</td>";
    for (const double value :
         {sorted.front(), Percentile(sorted, 10), Median(sorted), Percentile(sorted, 90), sorted.back()}) {
      table += "<td class=\"number\">" + Escape(Format(Unit::kSeconds, value)) + "</td>";
    }
    table += "</tr>";
  }
  std::string caption = Escape(WhereText(measured_on));
  if (left_out > 0) {
    caption += (caption.empty() ? "" : "; ") + std::to_string(left_out) + " samples without a time are left out";
  }
  return WrapFigure(title, WrapSvg(title, frame.bottom + 50, content), caption, table + "</tbody></table>");
}

}  // namespace workbench::html
