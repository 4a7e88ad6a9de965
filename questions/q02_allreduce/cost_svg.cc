#include "questions/q02_allreduce/cost_svg.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdarg>
#include <cstdio>

#include "questions/q02_allreduce/cost.h"

namespace q02 {
namespace {

constexpr Algorithm kAlgorithms[] = {Algorithm::kRing, Algorithm::kRecursiveDoubling, Algorithm::kHalvingDoubling,
                                     Algorithm::kTree};
constexpr const char* kClasses[] = {"ring", "recursive", "halving", "tree"};
constexpr const char* kLegend[] = {"ring", "recursive doubling", "halving-doubling", "tree, best segments"};

// The plot's corners within the drawing, and the legend's column right of it.
constexpr int kWidth = 812;
constexpr int kHeight = 440;
constexpr double kLeft = 72;
constexpr double kRight = 590;
constexpr double kTop = 58;
constexpr double kBottom = 380;
constexpr double kLegendLeft = 610;

// Class names are scoped, so that a page that holds the drawing keeps its own styles.
constexpr const char* kStyle = R"(<style>
.q02-cost { --paper: #ffffff; --ink: #1b1b1b; --quiet: #5c5c5c; --grid: #e3e3e3;
  --ring: #0072b2; --recursive: #c24e00; --halving: #00805e; --tree: #b0528a; }
@media (prefers-color-scheme: dark) { .q02-cost { --paper: #16181c; --ink: #ececec; --quiet: #a9adb3; --grid: #34383f;
  --ring: #62b8ee; --recursive: #f0a13c; --halving: #3fcf9f; --tree: #ec9fcb; } }
.q02-cost .paper { fill: var(--paper); }
.q02-cost text { fill: var(--ink); font: 12px system-ui, sans-serif; }
.q02-cost .title { font-size: 15px; font-weight: 600; }
.q02-cost .quiet { fill: var(--quiet); }
.q02-cost .grid { stroke: var(--grid); stroke-width: 1; }
.q02-cost .frame { fill: none; stroke: var(--quiet); stroke-width: 1; }
.q02-cost .curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
.q02-cost .bound { fill: none; stroke: var(--quiet); stroke-width: 1.5; stroke-dasharray: 6 4; }
.q02-cost .choice { stroke: var(--ink); stroke-width: 1.5; }
.q02-cost .ring { stroke: var(--ring); } .q02-cost .choice.ring { fill: var(--ring); stroke: var(--ink); }
.q02-cost .recursive { stroke: var(--recursive); }
.q02-cost .choice.recursive { fill: var(--recursive); stroke: var(--ink); }
.q02-cost .halving { stroke: var(--halving); } .q02-cost .choice.halving { fill: var(--halving); stroke: var(--ink); }
.q02-cost .tree { stroke: var(--tree); } .q02-cost .choice.tree { fill: var(--tree); stroke: var(--ink); }
.q02-cost .choice.any { fill: none; }
</style>
)";

[[gnu::format(printf, 2, 3)]] void Append(std::string& out, const char* format, ...) {
  char buffer[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof(buffer), format, arguments);
  va_end(arguments);
  out += buffer;
}

// "4 KiB"; exact for the powers of two at the ticks, three digits otherwise.
std::string Bytes(double bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  int unit = 0;
  for (; bytes >= 1024 && unit < 4; ++unit) bytes /= 1024;
  std::string text;
  Append(text, bytes < 1000 ? "%.3g %s" : "%.0f %s", bytes, kUnits[unit]);
  return text;
}

std::string Seconds(double seconds) {
  const auto [scale, unit] = seconds < 0.9e-6   ? std::pair(1e9, "ns")
                             : seconds < 0.9e-3 ? std::pair(1e6, "\u00b5s")
                             : seconds < 0.9    ? std::pair(1e3, "ms")
                                                : std::pair(1.0, "s");
  std::string text;
  Append(text, seconds * scale < 1000 ? "%.3g %s" : "%.0f %s", seconds * scale, unit);
  return text;
}

// "25 GB/s" for the time of a byte.
std::string Rate(double seconds_per_byte) {
  if (seconds_per_byte == 0) return "free";
  std::string text;
  Append(text, "%.3g GB/s", 1e-9 / seconds_per_byte);
  return text;
}

// What is drawn: 2^first_octave to 2^last_octave bytes, 10^first_decade to 10^last_decade seconds.
struct Axes {
  int first_octave;
  int last_octave;
  int first_decade;
  int last_decade;

  double X(double bytes) const {
    return kLeft + (kRight - kLeft) * (std::log2(bytes) - first_octave) / (last_octave - first_octave);
  }
  double Y(double seconds) const {
    return kBottom - (kBottom - kTop) * (std::log10(seconds) - first_decade) / (last_decade - first_decade);
  }
};

constexpr int kOctavesPerTick = 4;

double BestCost(const CostModel& model, Algorithm algorithm, uint64_t bytes) {
  if (algorithm != Algorithm::kTree) return Cost(model, algorithm, bytes, 0);
  return BestTree(model, bytes).seconds;
}

Axes AxesFor(const CostModel& model, const std::vector<std::pair<uint64_t, Choice>>& chosen) {
  Axes axes{4, 32, 0, 0};
  for (const auto& [bytes, choice] : chosen) {
    if (bytes == 0) continue;
    const int octave = std::bit_width(bytes) - 1;
    axes.first_octave = std::min(axes.first_octave, octave / kOctavesPerTick * kOctavesPerTick);
    axes.last_octave = std::max(axes.last_octave, (octave / kOctavesPerTick + 1) * kOctavesPerTick);
  }
  axes.last_octave = std::min(axes.last_octave, 60);
  const uint64_t least = uint64_t{1} << axes.first_octave;
  const uint64_t most = uint64_t{1} << axes.last_octave;
  double top = 0;
  for (Algorithm algorithm : kAlgorithms) top = std::max(top, BestCost(model, algorithm, most));
  axes.first_decade = static_cast<int>(std::floor(std::log10(LowerBound(model, least))));
  axes.last_decade = static_cast<int>(std::ceil(std::log10(top)));
  return axes;
}

void DrawGrid(const Axes& axes, std::string& svg) {
  for (int octave = axes.first_octave; octave <= axes.last_octave; octave += kOctavesPerTick) {
    const double x = axes.X(std::exp2(octave));
    Append(svg, "<line class=\"grid\" x1=\"%.1f\" y1=\"%.0f\" x2=\"%.1f\" y2=\"%.0f\"/>\n", x, kTop, x, kBottom);
    Append(svg, "<text x=\"%.1f\" y=\"%.0f\" text-anchor=\"middle\">%s</text>\n", x, kBottom + 18,
           Bytes(std::exp2(octave)).c_str());
  }
  for (int decade = axes.first_decade; decade <= axes.last_decade; ++decade) {
    const double y = axes.Y(std::pow(10, decade));
    Append(svg, "<line class=\"grid\" x1=\"%.0f\" y1=\"%.1f\" x2=\"%.0f\" y2=\"%.1f\"/>\n", kLeft, y, kRight, y);
    Append(svg, "<text x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", kLeft - 8, y + 4,
           Seconds(std::pow(10, decade)).c_str());
  }
  Append(svg, "<rect class=\"frame\" x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\"/>\n", kLeft, kTop,
         kRight - kLeft, kBottom - kTop);
  Append(svg, "<text class=\"quiet\" x=\"%.0f\" y=\"%.0f\" text-anchor=\"middle\">buffer, bytes a rank</text>\n",
         (kLeft + kRight) / 2, kBottom + 42);
  Append(svg, "<text class=\"quiet\" transform=\"translate(16 %.0f) rotate(-90)\" text-anchor=\"middle\">time</text>\n",
         (kTop + kBottom) / 2);
}

// seconds_of(bytes), four points an octave.
template <typename Function>
void DrawCurve(const Axes& axes, const char* classes, Function seconds_of, std::string& svg) {
  Append(svg, "<polyline class=\"%s\" points=\"", classes);
  for (int quarter = 4 * axes.first_octave; quarter <= 4 * axes.last_octave; ++quarter) {
    const auto bytes = static_cast<uint64_t>(std::exp2(quarter / 4.0));
    Append(svg, "%.1f,%.1f ", axes.X(static_cast<double>(bytes)), axes.Y(seconds_of(bytes)));
  }
  svg += "\"/>\n";
}

void DrawLegend(std::string& svg) {
  double y = kTop + 12;
  auto entry = [&](const char* classes, const char* text) {
    Append(svg, "<line class=\"%s\" x1=\"%.0f\" y1=\"%.0f\" x2=\"%.0f\" y2=\"%.0f\"/>\n", classes, kLegendLeft, y,
           kLegendLeft + 26, y);
    Append(svg, "<text x=\"%.0f\" y=\"%.0f\">%s</text>\n", kLegendLeft + 34, y + 4, text);
    y += 22;
  };
  for (size_t i = 0; i < std::size(kLegend); ++i) entry((std::string("curve ") + kClasses[i]).c_str(), kLegend[i]);
  entry("bound", "lower bound");
  Append(svg, "<circle class=\"choice any\" cx=\"%.0f\" cy=\"%.0f\" r=\"5\"/>\n", kLegendLeft + 13, y);
  Append(svg, "<text x=\"%.0f\" y=\"%.0f\">the answer's choice,</text>\n", kLegendLeft + 34, y + 4);
  Append(svg, "<text x=\"%.0f\" y=\"%.0f\">coloured by algorithm</text>\n", kLegendLeft + 34, y + 20);
}

}  // namespace

std::string CostCurveSvg(const CostModel& model, const std::vector<std::pair<uint64_t, Choice>>& chosen) {
  const Axes axes = AxesFor(model, chosen);
  std::string svg;
  Append(svg,
         "<svg class=\"q02-cost\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" "
         "aria-label=\"Cost of all-reduce over the size of the buffer\">\n",
         kWidth, kHeight);
  svg += kStyle;
  Append(svg, "<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n", kWidth, kHeight);
  Append(svg, "<text class=\"title\" x=\"%.0f\" y=\"24\">All-reduce over %lld ranks</text>\n", kLeft,
         static_cast<long long>(model.ranks));
  Append(svg, "<text class=\"quiet\" x=\"%.0f\" y=\"43\">a message %s, moving %s, reducing %s</text>\n", kLeft,
         Seconds(model.alpha).c_str(), Rate(model.beta).c_str(), Rate(model.gamma).c_str());
  DrawGrid(axes, svg);
  for (Algorithm algorithm : kAlgorithms) {
    const std::string classes = std::string("curve ") + kClasses[static_cast<int>(algorithm)];
    DrawCurve(
        axes, classes.c_str(), [&](uint64_t bytes) { return BestCost(model, algorithm, bytes); }, svg);
  }
  DrawCurve(
      axes, "bound", [&](uint64_t bytes) { return LowerBound(model, bytes); }, svg);
  for (const auto& [bytes, choice] : chosen) {
    const auto index = static_cast<uint32_t>(choice.algorithm);
    if (bytes == 0 || index >= std::size(kClasses)) continue;
    const double seconds = Cost(model, choice.algorithm, bytes, choice.segment_bytes);
    const double y = std::clamp(axes.Y(seconds), kTop, kBottom);  // segments of one byte can go through the roof
    Append(svg, "<circle class=\"choice %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"><title>%s: %s", kClasses[index],
           axes.X(static_cast<double>(bytes)), y, Bytes(static_cast<double>(bytes)).c_str(), kClasses[index]);
    Append(svg, ", %s</title></circle>\n", Seconds(seconds).c_str());
  }
  DrawLegend(svg);
  svg += "</svg>\n";
  return svg;
}

}  // namespace q02
