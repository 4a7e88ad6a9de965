#include "grader/report.h"

#include <cstdio>
#include <sstream>

namespace workbench {
namespace {

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

const char* Word(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::kPass:
      return "ok";
    case VerdictKind::kWrong:
      return "WRONG";
    case VerdictKind::kCrash:
      return "CRASH";
    case VerdictKind::kHang:
      return "HANG";
    case VerdictKind::kForbidden:
      return "FORBIDDEN";
    case VerdictKind::kDeviceError:
      return "GPU ERROR";
    case VerdictKind::kLeak:
      return "LEAK";
    case VerdictKind::kTooSlow:
      return "SLOW";
    case VerdictKind::kNotGraded:
      return "-";
    case VerdictKind::kGraderFault:
      return "GRADER FAULT";
  }
  return "?";
}

class Writer {
 public:
  explicit Writer(bool colour) : colour_(colour) {}
  void Line(const std::string& text = "") { out_ << text << '\n'; }
  std::string Paint(const std::string& text, VerdictKind kind) const {
    if (!colour_) return text;
    const char* code = kind == VerdictKind::kPass        ? "32"
                       : kind == VerdictKind::kNotGraded ? "2"
                       : kind == VerdictKind::kTooSlow   ? "33"
                                                         : "1;31";
    return std::string("\033[") + code + "m" + text + "\033[0m";
  }
  std::string str() const { return out_.str(); }

 private:
  bool colour_;
  std::ostringstream out_;
};

std::string Padded(std::string text, size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

// GitHub's anchor for a heading that is a check's id.
std::string Anchor(const std::string& id) {
  std::string anchor;
  for (const char c : id) {
    if (c != '.') anchor += c;
  }
  return anchor;
}

void WriteFinding(const Question& question, const CheckResult& check, Writer* out) {
  const Finding& finding = *check.finding;
  const std::string indent = "      ";
  if (!finding.property.empty()) out->Line(indent + "should hold  " + finding.property);
  if (!finding.input.empty()) {
    std::string text;
    for (const auto& [name, value] : finding.input) text += (text.empty() ? "" : ", ") + name + " " + value;
    out->Line(indent + "input        " + text);
  }
  std::string where;
  if (finding.rank >= 0) where = "rank " + std::to_string(finding.rank);
  if (finding.index) where += (where.empty() ? "" : ", ") + std::string("element ") + std::to_string(*finding.index);
  if (!where.empty()) out->Line(indent + "where        " + where);
  if (!finding.expected.empty()) out->Line(indent + "expected     " + finding.expected);
  if (!finding.actual.empty()) out->Line(indent + "actual       " + finding.actual);
  if (finding.total > 0) {
    out->Line(indent + "extent       " + std::to_string(finding.differing) + " of " + std::to_string(finding.total) +
              " elements are wrong");
  }
  if (!finding.detail.empty()) out->Line(indent + "note         " + finding.detail);
  if (finding.kind == VerdictKind::kGraderFault) {
    out->Line(
        indent +
        "This is the workbench's fault, not the answer's; no marks are taken. `./workbench doctor` may tell more.");
  } else {
    for (size_t i = 0; i < check.spec.causes.size(); ++i) {
      out->Line(indent + (i == 0 ? "usual cause  " : "        or   ") + check.spec.causes[i]);
    }
    if (check.spec.marks > 0) {
      out->Line(indent + "hints        questions/" + question.name + "/hints.md#" + Anchor(check.spec.id));
    }
  }
  const std::string quoted = QuoteOutput(finding.output, 8, indent + "  | ", finding.kind == VerdictKind::kGraderFault);
  if (!quoted.empty()) out->Line(indent + "it printed\n" + quoted.substr(0, quoted.size() - 1));
}

}  // namespace

std::string QuoteOutput(const std::string& output, int lines, const std::string& prefix, bool keep_launchers) {
  std::istringstream in(output);
  std::string quoted;
  bool in_banner = false;
  int count = 0;
  for (std::string line; std::getline(in, line);) {
    // mpirun frames its own messages with lines of dashes.
    if (line.size() > 40 && line.find_first_not_of('-') == std::string::npos) {
      in_banner = !in_banner;
      continue;
    }
    if ((in_banner && !keep_launchers) || line.empty()) continue;
    if (++count > lines) {
      quoted += prefix + "...\n";
      break;
    }
    std::string clean;
    for (const char c : line.substr(0, 200)) clean += (static_cast<unsigned char>(c) < 32 || c == 127) ? '?' : c;
    quoted += prefix + clean + "\n";
  }
  return quoted;
}

std::string TerminalReport(const Question& question, const GradeResult& grade, const ReportOptions& options) {
  Writer out(options.colour);
  out.Line(
      question.title + "  (" + question.name + ")   " + grade.implementation + "   " +
      (grade.mode == "gpu" ? "GPU mode" + (grade.device.empty() ? "" : ": " + grade.device) : "host mode: no GPU") +
      "   seed " + std::to_string(grade.seed));
  const CheckResult* lead = grade.lead();
  for (const auto& [part, title] : question.parts) {
    double earned = 0, possible = 0;
    bool any = false;
    for (const CheckResult& check : grade.checks) {
      if (check.spec.part() != part) continue;
      any = true;
      earned += check.earned;
      if (WasJudged(check)) possible += check.spec.marks;
    }
    if (!any) continue;
    out.Line();
    out.Line("  Part " + part + ": " + title + "   " + Number(earned) + " / " + Number(possible));
    // A part of which nothing can be judged here says so once.
    std::string common_reason;
    bool all_same = true;
    for (const CheckResult& check : grade.checks) {
      if (check.spec.part() != part) continue;
      if (check.kind != VerdictKind::kNotGraded || (!common_reason.empty() && check.reason != common_reason))
        all_same = false;
      common_reason = check.reason;
    }
    if (all_same) {
      out.Line("    " + out.Paint(common_reason, VerdictKind::kNotGraded));
      continue;
    }
    for (const CheckResult& check : grade.checks) {
      if (check.spec.part() != part) continue;
      std::string line =
          "    " + Padded(Word(check.kind), 9) + " " + Padded(check.spec.id, 32) + Padded(check.spec.title, 54);
      if (check.spec.marks > 0 && check.kind != VerdictKind::kNotGraded) {
        line += Number(check.earned) + " / " + Number(check.spec.marks);
      }
      if (check.kind == VerdictKind::kNotGraded) line += "not graded: " + check.reason;
      out.Line(out.Paint(line, check.kind));
      if (options.figures) {
        for (const auto& [name, value] : check.figures)
          out.Line("              " + Padded(name, 40) + " " + Number(value));
      }
      // The lead is told in full below; of the others the first line is enough to go on with.
      if (check.finding && &check != lead) {
        const Finding& finding = *check.finding;
        std::string text = finding.actual.empty() ? finding.property : finding.actual.substr(0, 160);
        if (!finding.expected.empty()) text = "expected " + finding.expected + ", got " + text;
        out.Line("              " + text);
      }
    }
  }
  for (const CheckResult& check : grade.checks) {
    if (check.spec.id == "end")
      out.Line("\n    " + out.Paint(Padded(Word(check.kind), 9) + " " + check.finding->actual, check.kind));
  }
  out.Line();
  if (lead != nullptr) {
    out.Line("  First to mend: " + out.Paint(lead->spec.id + " " + Word(lead->kind), lead->kind) + ", " +
             lead->spec.title);
    WriteFinding(question, *lead, &out);
    out.Line();
  }
  std::string marks = "  Marks " + Number(grade.earned()) + " / " + Number(grade.possible());
  if (grade.not_graded() > 0) marks += "   (" + Number(grade.not_graded()) + " more are not graded here)";
  out.Line(marks + "   " + Number(grade.seconds) + " s");
  if (!grade.repeat_command.empty()) out.Line("  Again with the same inputs: " + grade.repeat_command);
  return out.str();
}

}  // namespace workbench
