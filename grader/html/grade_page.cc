// The report of one grade.
#include <algorithm>
#include <cmath>
#include <set>

#include "grader/html/chart.h"
#include "grader/html/figures.h"
#include "grader/html/page.h"
#include "grader/html/text.h"
#include "grader/html/verdict_words.h"

namespace workbench::html {
namespace {

std::string PartOf(const std::string& id) {
  return id.find('.') == std::string::npos ? "" : id.substr(0, id.find('.'));
}

bool Failed(const Json& check) {
  const std::string verdict = Text(check, "verdict");
  return verdict != "pass" && verdict != "not_graded";
}

// GitHub's anchor for a heading that is a check's id.
std::string Anchor(std::string id) {
  std::erase(id, '.');
  return id;
}

std::string Marks(double earned, double possible) { return Number(earned) + " / " + Number(possible); }

// The report lies in .workbench/results/NAME/ in the checkout, three folders below its root.
std::string HintsLink(const Json& document, const Json& check) {
  const std::string question = Text(document, "question"), id = Text(check, "id");
  if (!(Value(check, "marks") > 0) || Text(check, "verdict") == "grader_fault") return "";
  const std::string path = "questions/" + question + "/hints.md#" + Anchor(id);
  return "<a href=\"../../../" + Escape(path) + "\">" + Escape(path) + "</a>, or <code>./workbench hint " +
         Escape(question.substr(0, question.find('_'))) + "</code>";
}

void AppendFact(const std::string& name, const std::string& markup, const char* style, std::string* out) {
  if (markup.empty()) return;
  *out += "<dt>" + name + "</dt><dd" + (*style == '\0' ? "" : " class=\"" + std::string(style) + "\"") + ">" + markup +
          "</dd>\n";
}

// What a check that failed has to say: the property, the input, what was expected and what came, causes, hints.
std::string FindingFacts(const Json& document, const Json& check) {
  const Json& finding = Field(check, "finding");
  std::string out, input, where, causes;
  AppendFact("should hold", Escape(Text(finding, "property")), "", &out);
  if (Field(finding, "input").is_object()) {
    for (const auto& [name, value] : Field(finding, "input").items()) {
      input += "<span>" + Escape(name) + " <b>" + Escape(Shown(value)) + "</b></span>";
    }
  }
  if (!input.empty()) out += "<dt>input</dt><dd class=\"chips\">" + input + "</dd>\n";
  if (!Field(finding, "rank").is_null()) where = "rank " + Shown(Field(finding, "rank"));
  if (!Field(finding, "index").is_null()) {
    where += (where.empty() ? "" : ", ") + std::string("element ") + Shown(Field(finding, "index"));
  }
  AppendFact("where", Escape(where), "", &out);
  AppendFact("expected", Escape(Text(finding, "expected")), "code", &out);
  AppendFact("actual", Escape(Text(finding, "actual")), "code", &out);
  if (!Field(finding, "total").is_null()) {
    AppendFact(
        "extent",
        Escape(Shown(Field(finding, "differing")) + " of " + Shown(Field(finding, "total")) + " elements are wrong"),
        "", &out);
  }
  AppendFact("note", Escape(Text(finding, "detail")), "", &out);
  if (Text(check, "verdict") == "grader_fault") {
    AppendFact("whose fault",
               "the workbench's, not the answer's; no marks are taken. <code>./workbench doctor</code> may tell more.",
               "", &out);
  } else {
    for (const Json& cause : Field(check, "causes")) causes += "<li>" + Escape(Text(cause)) + "</li>";
    if (!causes.empty()) out += "<dt>usual causes</dt><dd><ol>" + causes + "</ol></dd>\n";
  }
  AppendFact("hints", HintsLink(document, check), "", &out);
  out = "<dl class=\"facts\">\n" + out + "</dl>\n";
  if (const std::string printed = Text(finding, "output"); !printed.empty()) {
    out += "<p class=\"muted\">It printed:</p>\n<pre>" + Escape(printed) + "</pre>\n";
  }
  return out;
}

std::string Verdict(const Json& document, const Json& lead) {
  const Json& marks = Field(document, "marks");
  const double earned = Value(marks, "earned"), possible = Value(marks, "possible"),
               missing = Value(marks, "not_graded");
  VerdictWords words = WordsOf(lead.is_null() ? "pass" : Text(lead, "verdict"));
  std::string headline = lead.is_null() ? "Full marks" : std::string(words.headline) + ": " + Text(lead, "id");
  if (lead.is_null() && !(possible > 0)) {
    headline = "Nothing of it could be judged here";
    words = WordsOf("not_graded");
  }
  std::string about = Text(document, "implementation");
  about += Text(document, "mode") == "gpu"
               ? " \u00b7 GPU mode, " + (Text(document, "device").empty() ? "GPU not named" : Text(document, "device"))
           : Text(document, "mode") == "host" ? " \u00b7 host mode, no GPU"
                                              : "";
  if (!Field(document, "seed").is_null()) about += " \u00b7 seed " + Shown(Field(document, "seed"));
  if (std::isfinite(Value(document, "seconds")))
    about += " \u00b7 took " + Format(Unit::kSeconds, Value(document, "seconds"));
  if (!Text(document, "date").empty()) about += " \u00b7 " + DateText(Text(document, "date"));
  std::string out = "<div class=\"verdict " + std::string(words.style) +
                    "\">\n<div><h1><span class=\"icon\" aria-hidden=\"true\">" + words.icon + "</span> " +
                    Escape(headline) + "</h1>\n<p class=\"muted\">" + Escape(about) + "</p></div>\n";
  out += "<p class=\"score\"><span class=\"unseen\">Marks: </span>" + Number(earned) + " <span class=\"of\">/ " +
         Number(possible) + "</span>";
  if (missing > 0) out += "<small>" + Number(missing) + " more not graded here</small>";
  return out + "</p>\n</div>\n";
}

// Those that have checks: in the question's order, then any that it does not name.
std::vector<std::string> PartsOf(const Json& document) {
  std::vector<std::string> parts;
  if (Field(document, "parts").is_object()) {
    for (const auto& [part, title] : Field(document, "parts").items()) parts.push_back(part);
  }
  std::set<std::string> with_checks;
  for (const Json& check : Field(document, "checks")) {
    const std::string part = PartOf(Text(check, "id"));
    with_checks.insert(part);
    if (std::find(parts.begin(), parts.end(), part) == parts.end()) parts.push_back(part);
  }
  std::erase_if(parts, [&](const std::string& part) { return !with_checks.contains(part); });
  return parts;
}

std::string PartTitle(const Json& document, const std::string& part) {
  const std::string title = Text(Field(document, "parts"), part.c_str());
  return part.empty() ? "At the end" : "Part " + part + (title.empty() ? "" : ": " + title);
}

std::string PartBars(const Json& document) {
  std::string out;
  for (const std::string& part : PartsOf(document)) {
    double earned = 0, possible = 0, missing = 0;
    for (const Json& check : Field(document, "checks")) {
      if (PartOf(Text(check, "id")) != part || !std::isfinite(Value(check, "marks"))) continue;
      const std::string verdict = Text(check, "verdict");
      earned += Value(check, "earned");
      (verdict == "not_graded" || verdict == "grader_fault" ? missing : possible) += Value(check, "marks");
    }
    if (possible + missing == 0) continue;
    const double percent = possible > 0 ? std::clamp(100 * earned / possible, 0.0, 100.0) : 0;
    const char* style = possible == 0 ? "none" : percent >= 100 ? "pass" : "wrong";
    out += "<li class=\"" + std::string(style) + "\"><div class=\"row\"><span>" + Escape(PartTitle(document, part)) +
           "</span><b>" + (possible > 0 ? Marks(earned, possible) : "not graded") +
           "</b></div><div class=\"meter\" aria-hidden=\"true\"><i style=\"width:" + Number(percent) +
           "%\"></i></div></li>\n";
  }
  return out.empty() ? "" : "<ul class=\"parts\" aria-label=\"Marks of each part\">\n" + out + "</ul>\n";
}

// One line of a finding, for those that do not lead.
std::string InShort(const Json& finding) {
  const std::string expected = Text(finding, "expected"), actual = Text(finding, "actual");
  if (actual.empty()) return Text(finding, "property");
  return (expected.empty() ? "" : "expected " + expected + ", got ") + actual.substr(0, 200);
}

std::string CheckRow(const Json& document, const Json& check, const std::string& lead) {
  const std::string verdict = Text(check, "verdict"), id = Text(check, "id");
  const VerdictWords words = WordsOf(verdict);
  const bool failed = Failed(check);
  std::string out =
      "<tr class=\"" + std::string(words.style) + (failed ? " has-more" : "") +
      "\"><td class=\"state\"><span class=\"icon\" aria-hidden=\"true\">" + words.icon + "</span> " + words.state +
      "</td><th scope=\"row\"><code>" + Escape(id) + "</code></th><td class=\"title\">" + Escape(Text(check, "title")) +
      (Text(check, "reason").empty() ? ""
                                     : " <span class=\"muted\">\u00b7 " + Escape(Text(check, "reason")) + "</span>") +
      "</td><td class=\"number marks\">";
  if (Value(check, "marks") > 0) {
    out += verdict == "not_graded" ? "\u2013 / " + Number(Value(check, "marks"))
                                   : Marks(Value(check, "earned"), Value(check, "marks"));
  }
  const double cases = Value(check, "cases"), seconds = Value(check, "seconds");
  out += "</td><td class=\"number cases\">" + (cases > 0 ? Number(cases) : "") + "</td><td class=\"number took\">" +
         (seconds > 0 ? Escape(Format(Unit::kSeconds, seconds)) : "") + "</td></tr>\n";
  if (!failed) return out;
  out += "<tr class=\"more " + std::string(words.style) + "\"><td></td><td colspan=\"5\">";
  if (id == lead) {
    out += "<a href=\"#lead\">told above</a>";
  } else {
    out += "<details><summary>" + Escape(InShort(Field(check, "finding"))) + "</summary>" +
           FindingFacts(document, check) + "</details>";
  }
  return out + "</td></tr>\n";
}

std::string ChecksSection(const Json& document) {
  std::string out = "<h2>Checks</h2>\n";
  for (const std::string& part : PartsOf(document)) {
    out += "<h3>" + Escape(PartTitle(document, part)) +
           "</h3>\n<table class=\"checks\"><thead><tr><th scope=\"col\">state</th><th scope=\"col\">check</th><th "
           "scope=\"col\">what it "
           "looks at</th><th scope=\"col\" class=\"number\">marks</th><th scope=\"col\" class=\"number\">cases</th><th "
           "scope=\"col\" "
           "class=\"number\">took</th></tr></thead>\n<tbody>\n";
    for (const Json& check : Field(document, "checks")) {
      if (PartOf(Text(check, "id")) == part) out += CheckRow(document, check, Text(document, "lead"));
    }
    out += "</tbody></table>\n";
  }
  return out;
}

std::string AttachmentsSection(const Json& document, const Attachments& attachments) {
  std::string out;
  for (const Json& name : Field(document, "attachments")) {
    const auto it = attachments.find(Text(name));
    if (it == attachments.end()) {
      out += "<p class=\"muted\">" + Escape(Text(name)) + " did not lie beside the result.</p>\n";
      continue;
    }
    const std::string& file = it->first;
    if (file.size() < 5 || file.substr(file.size() - 4) != ".svg") {
      out += "<p>Beside this page: " + Escape(file) + "</p>\n";
      continue;
    }
    // As an image and never as markup: what it holds cannot run.
    out += "<figure class=\"attached\"><img alt=\"" + Escape(file) + "\" src=\"data:image/svg+xml;base64," +
           Base64(it->second) + "\"><figcaption>" + Escape(file) + "</figcaption></figure>\n";
  }
  return out.empty() ? "" : "<h2>Figures</h2>\n" + out;
}

}  // namespace

std::string GradePage(const Json& document, const Attachments& attachments) {
  const std::string title = Text(document, "title").empty() ? Text(document, "question") : Text(document, "title");
  Json lead;
  for (const Json& check : Field(document, "checks")) {
    if (Failed(check) && Text(check, "id") == Text(document, "lead")) lead = check;
  }
  std::string body =
      Eyebrow(title + " (" + Text(document, "question") + ")") + Verdict(document, lead) + PartBars(document);
  if (!lead.is_null()) {
    const VerdictWords words = WordsOf(Text(lead, "verdict"));
    body += "<h2 id=\"lead\">First to mend</h2>\n<div class=\"finding " + std::string(words.style) + "\"><h3><code>" +
            Escape(Text(lead, "id")) + "</code> " + words.state + ", " + Escape(Text(lead, "title")) + "</h3>\n" +
            FindingFacts(document, lead) + "</div>\n";
  }
  body += ChecksSection(document) + MeasurementsSection(document) + AttachmentsSection(document, attachments) +
          EnvironmentSection(document) + RepeatSection(document);
  return Page(
      title + ": " + Marks(Value(Field(document, "marks"), "earned"), Value(Field(document, "marks"), "possible")),
      body);
}

}  // namespace workbench::html
