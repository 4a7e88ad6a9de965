// The report of a comparison: marks, ratios, curves, sources.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "grader/html/case_name.h"
#include "grader/html/chart.h"
#include "grader/html/diff.h"
#include "grader/html/page.h"
#include "grader/html/svg.h"
#include "grader/html/text.h"
#include "grader/html/verdict_words.h"
#include "grader/statistics.h"

namespace workbench::html {
namespace {

std::string MarksText(const Json& marks) {
  if (Text(marks, "state") == "not_graded" || !marks.is_object()) return "not graded yet";
  return Number(Value(marks, "earned")) + " / " + Number(Value(marks, "possible"));
}

std::string Banner(const Json& document) {
  const Json& marks = Field(Field(document, "marks"), "answer");
  const std::string state = Text(marks, "state"), lead = Text(marks, "lead"), who = Text(document, "implementation");
  const std::string number = Text(document, "question").substr(0, Text(document, "question").find('_'));
  std::string style = "none", icon = "?", headline = "Not graded yet", note;
  if (state == "wrong") {
    style = "wrong", icon = "\u2717", headline = "The " + who + " is WRONG: the ratios count for nothing";
    note = "Its last grade failed " + lead + " (" + std::string(WordsOf(Text(marks, "verdict")).state) +
           "). Mend that first.";
  } else if (state == "right") {
    style = "pass", icon = "\u2713", headline = "Right, beside the reference";
  } else if (state == "no_verdict") {
    headline = "The last grade came to no verdict",
    note = "Whether the ratios count is not known: ./workbench grade " + number;
  } else {
    note = "Ratios count only for a correct answer: ./workbench grade " + number;
  }
  if (Field(marks, "stale") == true)
    note += (note.empty() ? "" : " ") + std::string("The source has changed since that grade.");
  std::string about = Text(document, "mode") == "gpu" ? "GPU mode" : "host mode: nothing was measured on a GPU";
  if (!Text(document, "date").empty()) about += " \u00b7 " + DateText(Text(document, "date"));
  return "<div class=\"verdict " + style + "\"><div><h1><span class=\"icon\" aria-hidden=\"true\">" + icon +
         "</span> " + Escape(headline) + "</h1>\n" + (note.empty() ? "" : "<p>" + Escape(note) + "</p>\n") +
         "<p class=\"muted\">" + Escape(about) + "</p></div></div>\n";
}

std::string MarksSection(const Json& document) {
  std::string out =
      "<h2>Marks</h2>\n<table><thead><tr><th scope=\"col\">implementation</th><th scope=\"col\">last marks</th>"
      "<th scope=\"col\">first check that failed</th></tr></thead><tbody>\n";
  for (const char* who : {"answer", "reference"}) {
    const Json& marks = Field(Field(document, "marks"), who);
    const std::string name = std::string(who) == "answer" ? Text(document, "implementation") : who;
    const std::string lead = Text(marks, "lead");
    out += "<tr><th scope=\"row\">" + Escape(name) + "</th><td>" + Escape(MarksText(marks)) + "</td><td>" +
           (lead.empty() ? "" : "<code>" + Escape(lead) + "</code> " + Escape(WordsOf(Text(marks, "verdict")).state)) +
           "</td></tr>\n";
  }
  return out + "</tbody></table>\n";
}

// Ratio and interval on a small logarithmic strip from 1/4 to 4; the line in the middle is 1.
std::string RatioStrip(double low, double median, double high) {
  if (!std::isfinite(low + median + high) || low <= 0) return "";
  const auto at = [](double ratio) { return 80 + 74 * std::clamp(std::log2(ratio) / 2, -1.0, 1.0); };
  std::string out = "<svg class=\"strip\" width=\"160\" height=\"18\" viewBox=\"0 0 160 18\" aria-hidden=\"true\">";
  AppendF(&out, "<path class=\"grid\" d=\"M6 9H154M80 1V17\"/><path class=\"median\" d=\"M%.1f 9H%.1f\"/>", at(low),
          std::max(at(high), at(low) + 2));
  AppendF(&out, "<circle class=\"m s1\" cx=\"%.1f\" cy=\"9\" r=\"4\"/></svg>", at(median));
  return out;
}

std::string RatioSection(const Json& document) {
  // A skeleton that returns at once is not faster.
  const bool right = Text(Field(Field(document, "marks"), "answer"), "state") == "right";
  std::string out =
      "<h2>Ratios</h2>\n<p class=\"muted\">Time over the reference's time, batch by batch in turns; the median and a "
      "95 % interval of "
      "it. Below 1 is faster. The strip goes from 1/4 to 4.</p>\n<div class=\"wide\"><table><thead><tr><th "
      "scope=\"col\">case</th><th "
      "scope=\"col\" class=\"number\">answer</th><th scope=\"col\" class=\"number\">reference</th><th scope=\"col\" "
      "class=\"number\">ratio</th><th scope=\"col\" class=\"number\">95 % interval</th><th scope=\"col\"><span "
      "class=\"unseen\">drawn"
      "</span></th><th scope=\"col\">what it says</th><th scope=\"col\">library / reference</th></tr></thead><tbody>\n";
  for (const Json& one : Field(document, "cases")) {
    out += "<tr><th scope=\"row\"><code>" + Escape(Text(one, "name")) + "</code></th>";
    if (!Text(one, "error").empty()) {
      out += "<td colspan=\"7\">failed: " + Escape(Text(one, "error")) + "</td></tr>\n";
      continue;
    }
    const Json& ratio = Field(one, "ratio");
    const double median = Value(ratio, "median"), low = Value(ratio, "low"), high = Value(ratio, "high");
    const char* says = !std::isfinite(median) ? ""
                       : !right               ? "nothing yet"
                       : low > 1              ? "slower"
                       : high < 1             ? "faster"
                                              : "no difference seen";
    for (const char* who : {"answer", "reference"}) {
      out += "<td class=\"number\">" + Escape(Format(Unit::kSeconds, Median(Values(Field(one, who))))) + "</td>";
    }
    out += "<td class=\"number\"><b>" + Escape(Number(median)) + "</b></td><td class=\"number\">" +
           Escape(Number(low) + " \u2013 " + Number(high)) + "</td><td>" + RatioStrip(low, median, high) + "</td><td>" +
           says + "</td>";
    const Json& peer = Field(one, "peer");
    const double peer_ratio = Median(Values(Field(peer, "seconds"))) / Median(Values(Field(one, "reference")));
    out += "<td>" + (std::isfinite(peer_ratio) ? Escape(Number(peer_ratio) + " " + Text(peer, "name")) : "") +
           "</td></tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

// Cases of one part and number of ranks, in one chart if their sizes differ.
std::string CurvesSection(const Json& document) {
  std::map<std::string, std::vector<Json>> groups;
  for (const Json& one : Field(document, "cases")) {
    const CaseName name = ParseCaseName(Text(one, "name"), false);
    if (!Text(one, "error").empty() || !(name.bytes > 0)) continue;
    groups["Part " + name.part + ", " + Number(name.ranks) + " ranks"].push_back(one);
  }
  std::string out;
  for (const auto& [title, cases] : groups) {
    std::map<std::string, Series> series;  // by variant and who, where a size occurs twice
    std::set<double> sizes;
    for (const Json& one : cases) sizes.insert(ParseCaseName(Text(one, "name"), false).bytes);
    const bool variants = sizes.size() < cases.size();
    for (const Json& one : cases) {
      const CaseName name = ParseCaseName(Text(one, "name"), false);
      const std::string suffix = variants && !name.variant.empty() ? ", " + name.variant : "";
      for (const auto& [who, values] : {std::pair<std::string, const Json&>("1answer", Field(one, "answer")),
                                        std::pair<std::string, const Json&>("2reference", Field(one, "reference")),
                                        std::pair<std::string, const Json&>("3" + Text(Field(one, "peer"), "name"),
                                                                            Field(Field(one, "peer"), "seconds"))}) {
        if (Values(values).empty()) continue;
        Series& line = series[who + suffix];
        line.name = who.substr(1) + suffix;
        line.points.emplace_back(name.bytes, Median(Values(values)));
      }
    }
    Chart chart;
    chart.title = title + ": time over size";
    chart.x = {"bytes of a rank's buffer", "bytes", true};
    chart.y = {"time of a call, median", "seconds", true};
    chart.measured_on =
        Text(document, "mode") == "gpu" ? MeasuredOnNamed(Text(cases[0], "measured_on")) : MeasuredOn::kCpu;
    for (const auto& [key, line] : series) chart.series.push_back(line);
    out += ChartFigure(chart);
  }
  return out.empty() ? "" : "<h2>Curves</h2>\n<div class=\"charts\">\n" + out + "</div>\n";
}

std::string SourcesSection(const Json& document) {
  std::string out;
  for (const Json& pair : Field(document, "sources")) {
    const Json &left = Field(pair, "answer"), &right = Field(pair, "reference");
    const std::string name = Text(left, "path");
    out += "<h3><code>" + Escape(name.substr(name.rfind('/') + 1)) + "</code></h3>\n" +
           SideBySide(name, Text(left, "text"), Text(right, "path"), Text(right, "text"));
  }
  return out.empty() ? ""
                     : "<h2>Sources</h2>\n<p class=\"muted\">Lines with <b>-</b> are only in the first, with <b>+</b> "
                       "only in the "
                       "second.</p>\n" +
                           out;
}

}  // namespace

std::string ComparePage(const Json& document) {
  const std::string question = Text(document, "question");
  return Page(question + ": comparison",
              Eyebrow(question + ": " + Text(document, "implementation") + " beside the reference") + Banner(document) +
                  MarksSection(document) + RatioSection(document) + CurvesSection(document) + SourcesSection(document) +
                  EnvironmentSection(document) + RepeatSection(document));
}

}  // namespace workbench::html
