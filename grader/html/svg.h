// Small pieces of SVG, and the frame that every chart has.
#ifndef GRADER_HTML_SVG_H_
#define GRADER_HTML_SVG_H_

#include <string>
#include <utility>
#include <vector>

#include "grader/html/scale.h"

namespace workbench::html {

// printf into a string; the format writes markup, so texts among the arguments have to be escaped.
[[gnu::format(printf, 2, 3)]] void AppendF(std::string* out, const char* format, ...);

constexpr double kChartWidth = 600;
constexpr int kSeriesStyles = 6;

// "s1" to "s6", then again from the first: the style's colour, marker and dashes.
std::string SeriesClass(size_t index);

// A marker of the series' own shape, so that colour is not the only difference; `tip` (not yet escaped) shows on hover.
std::string Marker(size_t series, double x, double y, const std::string& tip);

// Shows lines or bars beside their names, in as many rows as they need.
struct Legend {
  std::string svg;
  double height = 0;
};
Legend DrawLegend(const std::vector<std::string>& names, bool bars, double left, double top);

// Ticks, grid lines and the names of both axes, around the rectangle from (left, top) to (right, bottom).
struct Frame {
  double left, top, right, bottom;
};
std::string DrawAxes(const Frame& frame, const Scale& x, Unit x_unit, const std::string& x_label, const Scale& y,
                     Unit y_unit, const std::string& y_label);
std::string YTicks(const Frame& frame, const Scale& y, Unit unit, const std::string& label);
std::string XLabel(const Frame& frame, const std::string& label);

// <svg role=img> of the given height around `content`, with `title` for those who do not see it.
std::string WrapSvg(const std::string& title, double height, const std::string& content);

// A <figure>: the drawing (it scrolls by itself on a narrow screen), a caption, and the numbers as a table that can be
// folded out. `caption` and `table` are markup, `title` is not.
std::string WrapFigure(const std::string& title, const std::string& svg, const std::string& caption,
                       const std::string& table);

}  // namespace workbench::html

#endif  // GRADER_HTML_SVG_H_
