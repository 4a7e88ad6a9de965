#include "grader/html/svg.h"

#include <cstdarg>
#include <cstdio>

namespace workbench::html {
namespace {

constexpr double kLetter = 6.9;  // what a letter takes at 13 px, on average

// Counts code points, not bytes.
double TextWidth(const std::string& text) {
  size_t letters = 0;
  for (const char c : text) letters += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return static_cast<double>(letters) * kLetter;
}

}  // namespace

void AppendF(std::string* out, const char* format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  const int length = std::vsnprintf(nullptr, 0, format, arguments);
  va_end(arguments);
  const size_t old = out->size();
  out->resize(old + static_cast<size_t>(length) + 1);
  std::vsnprintf(out->data() + old, static_cast<size_t>(length) + 1, format, again);
  va_end(again);
  out->resize(old + static_cast<size_t>(length));
}

std::string SeriesClass(size_t index) { return "s" + std::to_string(index % kSeriesStyles + 1); }

std::string Marker(size_t series, double x, double y, const std::string& tip) {
  std::string out;
  const std::string name = "m " + SeriesClass(series);
  const char* c = name.c_str();
  switch (series % kSeriesStyles) {
    case 0:
      AppendF(&out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.2\">", c, x, y);
      break;
    case 1:
      AppendF(&out, "<path class=\"%s\" d=\"M%.1f %.1fh7.6v7.6h-7.6z\">", c, x - 3.8, y - 3.8);
      break;
    case 2:
      AppendF(&out, "<path class=\"%s\" d=\"M%.1f %.1fl5 8.6h-10z\">", c, x, y - 5.4);
      break;
    case 3:
      AppendF(&out, "<path class=\"%s\" d=\"M%.1f %.1fl5 5.2l-5 5.2l-5-5.2z\">", c, x, y - 5.2);
      break;
    case 4:
      AppendF(&out, "<path class=\"%s\" d=\"M%.1f %.1fl-5-8.6h10z\">", c, x, y + 5.4);
      break;
    default:
      AppendF(&out, "<path class=\"%s cross\" d=\"M%.1f %.1fh9m-4.5-4.5v9\">", c, x - 4.5, y);
      break;
  }
  return out + "<title>" + Escape(tip) + "</title>" + (series % kSeriesStyles == 0 ? "</circle>" : "</path>");
}

Legend DrawLegend(const std::vector<std::string>& names, bool bars, double left, double top) {
  Legend legend;
  double x = left, y = top + 8;
  for (size_t i = 0; i < names.size(); ++i) {
    const double width = 38 + TextWidth(names[i]) + 18;
    if (x > left && x + width > kChartWidth) {
      x = left;
      y += 20;
    }
    const std::string style = SeriesClass(i);
    if (bars) {
      AppendF(&legend.svg, "<rect class=\"bar %s\" x=\"%.1f\" y=\"%.1f\" width=\"22\" height=\"12\"/>", style.c_str(),
              x, y - 6);
    } else {
      AppendF(&legend.svg, "<path class=\"curve %s\" d=\"M%.1f %.1fh28\"/>", style.c_str(), x, y);
      legend.svg += Marker(i, x + 14, y, names[i]);
    }
    AppendF(&legend.svg, "<text x=\"%.1f\" y=\"%.1f\">%s</text>", x + 36, y + 4.5, Escape(names[i]).c_str());
    x += width;
  }
  legend.height = names.empty() ? 0 : y + 12 - top;
  return legend;
}

std::string YTicks(const Frame& frame, const Scale& y, Unit unit, const std::string& label) {
  std::string out;
  for (const double tick : y.ticks()) {
    AppendF(&out, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>", frame.left, y.At(tick), frame.right);
    AppendF(&out, "<text class=\"tick\" text-anchor=\"end\" x=\"%.1f\" y=\"%.1f\">%s</text>", frame.left - 8,
            y.At(tick) + 4, Escape(Format(unit, tick)).c_str());
  }
  AppendF(&out, "<text class=\"axis\" x=\"4\" y=\"%.1f\">%s</text>", frame.top - 12, Escape(label).c_str());
  return out;
}

std::string XLabel(const Frame& frame, const std::string& label) {
  std::string out;
  AppendF(&out, "<text class=\"axis\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">%s</text>",
          (frame.left + frame.right) / 2, frame.bottom + 40, Escape(label).c_str());
  return out;
}

std::string DrawAxes(const Frame& frame, const Scale& x, Unit x_unit, const std::string& x_label, const Scale& y,
                     Unit y_unit, const std::string& y_label) {
  std::string out = YTicks(frame, y, y_unit, y_label);
  for (const double tick : x.ticks()) {
    AppendF(&out, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>", x.At(tick), frame.top, frame.bottom);
    AppendF(&out, "<text class=\"tick\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">%s</text>", x.At(tick),
            frame.bottom + 19, Escape(Format(x_unit, tick)).c_str());
  }
  out += XLabel(frame, x_label);
  AppendF(&out, "<path class=\"frame\" d=\"M%.1f %.1fV%.1fH%.1f\"/>", frame.left, frame.top, frame.bottom, frame.right);
  return out;
}

std::string WrapSvg(const std::string& title, double height, const std::string& content) {
  std::string out;
  const std::string name = Escape(title);
  AppendF(&out, "<svg role=\"img\" viewBox=\"0 0 %.0f %.0f\" aria-label=\"%s\"><title>%s</title>", kChartWidth, height,
          name.c_str(), name.c_str());
  return out + content + "</svg>\n";
}

std::string WrapFigure(const std::string& title, const std::string& svg, const std::string& caption,
                       const std::string& table) {
  const std::string name = Escape(title);
  std::string out = "<figure class=\"chart\">\n<figcaption><strong>" + name + "</strong>";
  if (!caption.empty()) out += "<span>" + caption + "</span>";
  out += "</figcaption>\n<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"" + name + "\">" + svg +
         "</div>\n";
  if (!table.empty()) {
    out += "<details><summary>The numbers<span class=\"unseen\"> of " + name + "</span></summary><div class=\"wide\">" +
           table + "</div></details>\n";
  }
  return out + "</figure>\n";
}

}  // namespace workbench::html
