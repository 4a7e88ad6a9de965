#include "questions/q07_scheduling/schedule_svg.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <map>
#include <numeric>
#include <tuple>
#include <unordered_map>

namespace q07 {
namespace {

constexpr int kColours = 8;

// Corners of the two plots, which share their time axis; the legend's row is above them.
constexpr int kWidth = 900;
constexpr double kLeft = 74;
constexpr double kRight = 880;
constexpr double kTop = 74;
constexpr double kLeastRow = 2.5;  // of a GPU
constexpr double kMostRow = 16;
constexpr double kMostHeight = 380;
constexpr double kGap = 26;
constexpr double kShareHeight = 90;
// With more bars than this, cells of so many pixels are drawn.
constexpr size_t kMaxBars = 6000;
constexpr double kCell = 2;

constexpr const char* kStyle = R"(<style>
.q07-schedule { --paper: #ffffff; --ink: #1b1b1b; --quiet: #5c5c5c; --grid: #e3e3e3; --share: #0072b2;
  --c0: #0072b2; --c1: #d98200; --c2: #00805e; --c3: #b0528a; --c4: #56a5d8; --c5: #b8a800; --c6: #c24e00;
  --c7: #8a8a8a; }
@media (prefers-color-scheme: dark) { .q07-schedule { --paper: #16181c; --ink: #ececec; --quiet: #a9adb3;
  --grid: #34383f; --share: #62b8ee; --c0: #3f9fe0; --c1: #f0a13c; --c2: #3fcf9f; --c3: #ec9fcb; --c4: #a7d8f5;
  --c5: #e8dc5a; --c6: #f07b4a; --c7: #9a9a9a; } }
.q07-schedule .paper { fill: var(--paper); }
.q07-schedule text { fill: var(--ink); font: 12px system-ui, sans-serif; }
.q07-schedule .title { font-size: 15px; font-weight: 600; }
.q07-schedule .quiet { fill: var(--quiet); }
.q07-schedule .grid { stroke: var(--grid); stroke-width: 1; }
.q07-schedule .frame { fill: none; stroke: var(--quiet); stroke-width: 1; }
.q07-schedule .share { fill: var(--share); fill-opacity: 0.25; stroke: var(--share); stroke-width: 1.2; }
.q07-schedule .cut { fill: var(--ink); }
.q07-schedule .c0 { fill: var(--c0); } .q07-schedule .c1 { fill: var(--c1); } .q07-schedule .c2 { fill: var(--c2); }
.q07-schedule .c3 { fill: var(--c3); } .q07-schedule .c4 { fill: var(--c4); } .q07-schedule .c5 { fill: var(--c5); }
.q07-schedule .c6 { fill: var(--c6); } .q07-schedule .c7 { fill: var(--c7); }
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

std::string Escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '"') {
      out += "&quot;";
    } else {
      out += c;
    }
  }
  return out;
}

struct Tick {
  Time step;
  Time unit;
  const char* name;
};

// The finest of those that give at most nine ticks.
Tick TimeTick(Time end) {
  constexpr Time kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;
  constexpr Tick kTicks[] = {{1, 1, "ms"},
                             {2, 1, "ms"},
                             {5, 1, "ms"},
                             {10, 1, "ms"},
                             {50, 1, "ms"},
                             {200, 1, "ms"},
                             {kSecond, kSecond, "s"},
                             {5 * kSecond, kSecond, "s"},
                             {20 * kSecond, kSecond, "s"},
                             {kMinute, kMinute, "min"},
                             {5 * kMinute, kMinute, "min"},
                             {10 * kMinute, kMinute, "min"},
                             {20 * kMinute, kMinute, "min"},
                             {kHour, kHour, "h"},
                             {3 * kHour, kHour, "h"},
                             {6 * kHour, kHour, "h"},
                             {kDay, kDay, "d"},
                             {2 * kDay, kDay, "d"},
                             {7 * kDay, kDay, "d"},
                             {20 * kDay, kDay, "d"},
                             {50 * kDay, kDay, "d"},
                             {200 * kDay, kDay, "d"}};
  for (const Tick& tick : kTicks) {
    if (end / tick.step <= 9) return tick;
  }
  return {(end / 9 / kDay + 1) * kDay, kDay, "d"};
}

// GPU thousandths of one node on a line, [0, capacity).
class Line {
 public:
  explicit Line(int64_t capacity) { free_[0] = capacity; }

  struct Piece {
    int64_t begin;
    int64_t end;
  };

  // The lowest piece that is long enough, or else the lowest pieces. Fewer if there is not enough.
  std::vector<Piece> Take(int64_t wanted) {
    std::vector<Piece> pieces;
    for (const auto& [begin, end] : free_) {
      if (end - begin < wanted) continue;
      pieces.push_back({begin, begin + wanted});
      break;
    }
    if (pieces.empty()) {
      for (const auto& [begin, end] : free_) {
        pieces.push_back({begin, std::min(end, begin + wanted)});
        wanted -= pieces.back().end - begin;
        if (wanted == 0) break;
      }
    }
    for (const Piece& piece : pieces) {
      const int64_t end = free_[piece.begin];
      free_.erase(piece.begin);
      if (piece.end < end) free_[piece.end] = end;
    }
    return pieces;
  }

  void Give(Piece piece) {
    const auto next = free_.lower_bound(piece.begin);
    if (next != free_.end() && next->first == piece.end) {
      piece.end = next->second;
      free_.erase(next);
    }
    const auto after = free_.lower_bound(piece.begin);
    if (after != free_.begin() && std::prev(after)->second == piece.begin) {
      std::prev(after)->second = piece.end;
    } else {
      free_[piece.begin] = piece.end;
    }
  }

 private:
  std::map<int64_t, int64_t> free_;  // begin -> end
};

struct Bar {
  const Run* run;
  int64_t begin;  // thousandths, over all nodes
  int64_t end;
};

struct Allocation {
  std::vector<Bar> bars;
  std::vector<std::pair<Time, int64_t>> used;  // thousandths from each instant on
};

using Jobs = std::unordered_map<JobId, const Job*>;

Allocation Allocate(const Workload& workload, const std::vector<const Run*>& runs, const Jobs& jobs) {
  std::vector<Line> lines;
  std::vector<int64_t> offsets;
  int64_t offset = 0;
  for (const Node& node : workload.nodes) {
    lines.emplace_back(node.capacity.gpu_milli);
    offsets.push_back(offset);
    offset += node.capacity.gpu_milli;
  }
  std::vector<std::tuple<Time, bool, size_t>> events;  // time, starts, run; what ends comes first
  for (size_t i = 0; i < runs.size(); ++i) {
    if (runs[i]->end <= runs[i]->start) continue;
    events.push_back({runs[i]->start, true, i});
    events.push_back({runs[i]->end, false, i});
  }
  std::sort(events.begin(), events.end());

  Allocation allocation;
  std::vector<std::vector<std::pair<size_t, Line::Piece>>> held(runs.size());
  int64_t used = 0;
  for (const auto& [at, starts, i] : events) {
    const Run& run = *runs[i];
    const int64_t each = jobs.at(run.job)->demand.gpu_milli;
    used += (starts ? each : -each) * static_cast<int64_t>(run.nodes.size());
    if (!allocation.used.empty() && allocation.used.back().first == at) {
      allocation.used.back().second = used;
    } else {
      allocation.used.push_back({at, used});
    }
    if (!starts) {
      for (const auto& [node, piece] : held[i]) lines[node].Give(piece);
      continue;
    }
    if (each == 0) continue;
    for (const int32_t node : run.nodes) {
      const auto index = static_cast<size_t>(node);
      for (const Line::Piece& piece : lines[index].Take(each)) {
        held[i].push_back({index, piece});
        allocation.bars.push_back({&run, offsets[index] + piece.begin, offsets[index] + piece.end});
      }
    }
  }
  return allocation;
}

struct Axes {
  Time end;
  int64_t rows;  // thousandths that are drawn
  double bottom;

  double X(Time at) const { return kLeft + (kRight - kLeft) * static_cast<double>(at) / static_cast<double>(end); }
  double Y(int64_t milli) const {
    return kTop + (bottom - kTop) * static_cast<double>(milli) / static_cast<double>(rows);
  }
  double share_top() const { return bottom + kGap; }
  double share_bottom() const { return bottom + kGap + kShareHeight; }
};

Axes AxesFor(const Workload& workload, const std::vector<const Run*>& runs) {
  Axes axes{1, 0, 0};
  for (const Run* run : runs) axes.end = std::max(axes.end, run->end);
  for (const Node& node : workload.nodes) axes.rows += node.capacity.gpu_milli;
  axes.rows = std::clamp<int64_t>(axes.rows, 1000, kMaxDrawnGpus * 1000);
  const double gpus = static_cast<double>(axes.rows) / 1000;
  axes.bottom = kTop + gpus * std::clamp(kMostHeight / gpus, kLeastRow, kMostRow);
  return axes;
}

void DrawTimes(const Axes& axes, std::string& svg) {
  const Tick tick = TimeTick(axes.end);
  for (Time at = 0; at <= axes.end; at += tick.step) {
    const double x = axes.X(at);
    for (const auto& [top, bottom] : {std::pair(kTop, axes.bottom), std::pair(axes.share_top(), axes.share_bottom())}) {
      Append(svg, "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", x, top, x, bottom);
    }
    Append(svg, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%lld %s</text>\n", x, axes.share_bottom() + 18,
           static_cast<long long>(at / tick.unit), tick.name);
  }
}

void DrawNodes(const Workload& workload, const Axes& axes, std::string& svg) {
  int64_t begin = 0;
  double labelled = 0;
  for (const Node& node : workload.nodes) {
    const int64_t end = std::min(begin + node.capacity.gpu_milli, axes.rows);
    if (begin > 0) {
      Append(svg, "<line class=\"grid\" x1=\"%.0f\" y1=\"%.1f\" x2=\"%.0f\" y2=\"%.1f\"/>\n", kLeft, axes.Y(begin),
             kRight, axes.Y(begin));
    }
    const double middle = axes.Y((begin + end) / 2) + 4;
    if (workload.nodes.size() > 1 && end > begin && middle - labelled >= 13) {
      Append(svg, "<text x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">node %d</text>\n", kLeft - 8, middle, node.id);
      labelled = middle;
    }
    begin = end;
    if (begin == axes.rows) break;
  }
  if (workload.nodes.size() == 1) {
    const int64_t step = axes.rows <= 16'000 ? 1000 : axes.rows / 8'000 * 1000;
    for (int64_t milli = 0; milli <= axes.rows; milli += step) {
      Append(svg, "<text x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">%lld</text>\n", kLeft - 8, axes.Y(milli) + 4,
             static_cast<long long>(milli / 1000));
    }
    Append(svg,
           "<text class=\"quiet\" transform=\"translate(18 %.1f) rotate(-90)\" text-anchor=\"middle\">GPUs</text>\n",
           (kTop + axes.bottom) / 2);
  }
}

// A colour for each bar.
std::vector<int> ColoursOf(const Allocation& allocation, const Jobs& jobs, bool by_tenant) {
  int next = 0;
  std::unordered_map<JobId, int> of_job;
  std::vector<int> colours;
  for (const Bar& bar : allocation.bars) {
    const Job& job = *jobs.at(bar.run->job);
    const auto [colour, is_new] = of_job.try_emplace(job.id, by_tenant ? std::min(job.tenant, kColours - 1) : next);
    if (is_new) next = (next + 1) % kColours;
    colours.push_back(colour->second);
  }
  return colours;
}

void DrawBars(const Allocation& allocation, const std::vector<int>& colours, const Axes& axes, std::string& svg) {
  for (size_t i = 0; i < allocation.bars.size(); ++i) {
    const Bar& bar = allocation.bars[i];
    const int64_t end = std::min(bar.end, axes.rows);
    const double width = axes.X(bar.run->end) - axes.X(bar.run->start);
    if (bar.begin >= end) continue;
    const double x = axes.X(bar.run->start);
    const double y = axes.Y(bar.begin);
    const double height = axes.Y(end) - y;
    const double edge = height > 4 ? 0.5 : 0;  // neighbours do not touch
    Append(svg, "<rect class=\"c%d\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>", colours[i], x, y + edge,
           std::max(width - (width > 3 ? 0.6 : 0), 0.3), height - 2 * edge);
    if (bar.run->reason != StopReason::kFinished && width > 3) {
      Append(svg, "<rect class=\"cut\" x=\"%.2f\" y=\"%.2f\" width=\"1.2\" height=\"%.2f\"/>", x + width - 1.8,
             y + edge, height - 2 * edge);
    }
    svg += '\n';
  }
}

// Instead of too many bars: for each GPU and kCell pixels of time the colour that had most of it, if that was in use
// for half of it or more.
void DrawCells(const Allocation& allocation, const std::vector<int>& colours, const Axes& axes, std::string& svg) {
  const auto columns = static_cast<size_t>((kRight - kLeft) / kCell);
  const auto rows = static_cast<size_t>(axes.rows / 1000);
  std::vector<std::array<float, kColours>> cells(rows * columns, std::array<float, kColours>{});
  for (size_t i = 0; i < allocation.bars.size(); ++i) {
    const Bar& bar = allocation.bars[i];
    const double left = (axes.X(bar.run->start) - kLeft) / kCell;
    const double right = (axes.X(bar.run->end) - kLeft) / kCell;
    for (auto row = static_cast<size_t>(bar.begin / 1000); row < rows && static_cast<int64_t>(row) * 1000 < bar.end;
         ++row) {
      const auto top = static_cast<int64_t>(row) * 1000;
      const double share = static_cast<double>(std::min(bar.end, top + 1000) - std::max(bar.begin, top)) / 1000;
      for (auto column = static_cast<size_t>(left); column < columns && static_cast<double>(column) < right; ++column) {
        const auto at = static_cast<double>(column);
        const double time = std::min(right, at + 1) - std::max(left, at);
        cells[row * columns + column][static_cast<size_t>(colours[i])] += static_cast<float>(share * time);
      }
    }
  }
  const auto colour_of = [&](size_t row, size_t column) {
    const auto& cell = cells[row * columns + column];
    if (std::accumulate(cell.begin(), cell.end(), 0.0f) < 0.5f) return -1;
    return static_cast<int>(std::max_element(cell.begin(), cell.end()) - cell.begin());
  };
  std::array<std::string, kColours> paths;
  const double height = axes.Y(1000) - axes.Y(0) - 0.4;
  for (size_t row = 0; row < rows; ++row) {
    for (size_t column = 0; column < columns;) {
      const int colour = colour_of(row, column);
      size_t end = column + 1;
      while (end < columns && colour_of(row, end) == colour) ++end;
      if (colour >= 0) {
        const auto width = static_cast<double>(end - column) * kCell;
        Append(paths[static_cast<size_t>(colour)], "M%g %.1fh%gv%.1fh-%gz", kLeft + static_cast<double>(column) * kCell,
               axes.Y(static_cast<int64_t>(row) * 1000), width, height, width);
      }
      column = end;
    }
  }
  for (int colour = 0; colour < kColours; ++colour) {
    const std::string& path = paths[static_cast<size_t>(colour)];
    if (!path.empty()) svg += "<path class=\"c" + std::to_string(colour) + "\" d=\"" + path + "\"/>\n";
  }
}

// How much of the cluster is allocated; several changes in a pixel become their time average.
void DrawShare(const Allocation& allocation, const Axes& axes, int64_t all, std::string& svg) {
  const auto pixels = static_cast<int>(kRight - kLeft);
  const double top = axes.share_top();
  const double bottom = axes.share_bottom();
  std::vector<double> area(static_cast<size_t>(pixels), 0);
  for (size_t i = 0; i + 1 < allocation.used.size(); ++i) {
    const double begin = axes.X(allocation.used[i].first) - kLeft;
    const double end = axes.X(allocation.used[i + 1].first) - kLeft;
    for (int pixel = static_cast<int>(begin); pixel < pixels && pixel < end; ++pixel) {
      const double part = std::min<double>(end, pixel + 1) - std::max<double>(begin, pixel);
      area[static_cast<size_t>(pixel)] += part * static_cast<double>(allocation.used[i].second);
    }
  }
  for (const int percent : {0, 50, 100}) {
    const double y = bottom - kShareHeight * percent / 100;
    Append(svg, "<line class=\"grid\" x1=\"%.0f\" y1=\"%.1f\" x2=\"%.0f\" y2=\"%.1f\"/>\n", kLeft, y, kRight, y);
    Append(svg, "<text x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">%d %%</text>\n", kLeft - 8, y + 4, percent);
  }
  Append(svg, "<path class=\"share\" d=\"M%.0f %.1f", kLeft, bottom);
  double last = -1;
  for (int pixel = 0; pixel < pixels; ++pixel) {
    const double share = all > 0 ? std::min(1.0, area[static_cast<size_t>(pixel)] / static_cast<double>(all)) : 0;
    if (share != last) Append(svg, "H%.0fV%.1f", kLeft + pixel, bottom - kShareHeight * share);
    last = share;
  }
  Append(svg, "H%.0fV%.1fZ\"/>\n", kRight, bottom);
  Append(svg, "<rect class=\"frame\" x=\"%.0f\" y=\"%.1f\" width=\"%.0f\" height=\"%.0f\"/>\n", kLeft, top,
         kRight - kLeft, kShareHeight);
  Append(svg,
         "<text class=\"quiet\" transform=\"translate(18 %.1f) rotate(-90)\" text-anchor=\"middle\">allocated</text>\n",
         (top + bottom) / 2);
}

void DrawLegend(const std::vector<std::string>& tenants, std::string& svg) {
  double x = kLeft;
  for (size_t i = 0; i < tenants.size() && i < kColours; ++i) {
    const bool others = i + 1 == kColours && tenants.size() > kColours;
    const std::string name = others ? "others" : tenants[i].empty() ? "(none)" : tenants[i].substr(0, 16);
    Append(svg, "<rect class=\"c%zu\" x=\"%.0f\" y=\"54\" width=\"11\" height=\"11\"/>\n", i, x);
    Append(svg, "<text x=\"%.0f\" y=\"64\">", x + 16);
    svg += Escaped(name) + "</text>\n";
    x += 34 + 7.0 * static_cast<double>(name.size());
  }
}

}  // namespace

std::string ScheduleSvg(const Workload& workload, const SimulationResult& result, const ScheduleDrawing& drawing) {
  Jobs jobs;
  for (const TrueJob& job : workload.jobs) jobs[job.job.id] = &job.job;
  std::vector<const Run*> runs;
  for (const Run& run : result.runs) runs.push_back(&run);
  for (const Run& run : result.open) runs.push_back(&run);
  int64_t all = 0;
  for (const Node& node : workload.nodes) all += node.capacity.gpu_milli;
  const Axes axes = AxesFor(workload, runs);
  const Allocation allocation = Allocate(workload, runs, jobs);

  std::string svg;
  const double height = axes.share_bottom() + 30;
  Append(svg,
         "<svg class=\"q07-schedule\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" role=\"img\" "
         "aria-label=\"GPUs over time, by job\">\n",
         kWidth, height);
  svg += kStyle;
  Append(svg, "<rect class=\"paper\" width=\"%d\" height=\"%.0f\"/>\n", kWidth, height);
  Append(svg, "<text class=\"title\" x=\"%.0f\" y=\"24\">", kLeft);
  svg += Escaped(drawing.title) + "</text>\n";
  Append(svg, "<text class=\"quiet\" x=\"%.0f\" y=\"43\">%zu jobs in %zu runs on %lld GPUs", kLeft,
         workload.jobs.size(), runs.size(), static_cast<long long>(all / 1000));
  if (all > axes.rows) Append(svg, ", of which the first %lld are drawn", static_cast<long long>(axes.rows / 1000));
  if (allocation.bars.size() > kMaxBars) svg += "; a cell has the colour that had most of it";
  svg += "</text>\n";
  const bool by_tenant = drawing.tenants.size() > 1;
  if (by_tenant) DrawLegend(drawing.tenants, svg);
  DrawTimes(axes, svg);
  DrawNodes(workload, axes, svg);
  const std::vector<int> colours = ColoursOf(allocation, jobs, by_tenant);
  if (allocation.bars.size() > kMaxBars) {
    DrawCells(allocation, colours, axes, svg);
  } else {
    DrawBars(allocation, colours, axes, svg);
  }
  Append(svg, "<rect class=\"frame\" x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.1f\"/>\n", kLeft, kTop,
         kRight - kLeft, axes.bottom - kTop);
  DrawShare(allocation, axes, all, svg);
  svg += "</svg>\n";
  return svg;
}

}  // namespace q07
