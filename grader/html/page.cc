#include "grader/html/page.h"

#include "grader/html/style.h"
#include "grader/html/text.h"

namespace workbench::html {

std::string Page(const std::string& title, const std::string& body) {
  std::string out = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  out +=
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src "
      "data:; "
      "script-src 'sha256-" +
      std::string(kScriptHash) + "'; base-uri 'none'; form-action 'none'\">\n";
  out += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" + Escape(title) +
         "</title>\n<style>\n";
  out += ":root { " + std::string(kLightColours) + " }\n";
  out += "@media screen and (prefers-color-scheme: dark) { :root:not([data-theme]) { " + std::string(kDarkColours) +
         " } }\n";
  out += "@media screen { html[data-theme=dark] { " + std::string(kDarkColours) + " } }";
  out += std::string(kStyle) + "</style>\n</head>\n<body>\n<main>\n" + body + "</main>\n<script>" + kScript +
         "</script>\n</body>\n</html>\n";
  return out;
}

std::string Eyebrow(const std::string& text) {
  return "<div class=\"eyebrow\"><span>" + Escape(text) + "</span></div>\n";
}

std::string FactList(const std::vector<std::pair<std::string, std::string>>& facts) {
  std::string out;
  for (const auto& [name, value] : facts) {
    if (!value.empty()) out += "<dt>" + Escape(name) + "</dt><dd>" + Escape(value) + "</dd>\n";
  }
  return out.empty() ? "" : "<dl class=\"facts\">\n" + out + "</dl>\n";
}

std::string EnvironmentSection(const Json& document) {
  std::vector<std::pair<std::string, std::string>> facts;
  if (Text(document, "mode") == "gpu") facts.emplace_back("device", Text(document, "device"));
  if (Text(document, "mode") == "host") facts.emplace_back("device", "none: kernels ran on the CPU (host mode)");
  const Json& environment = Field(document, "environment");
  if (environment.is_object()) {
    for (const auto& [name, value] : environment.items()) facts.emplace_back(name, Shown(value));
  }
  const std::string list = FactList(facts);
  return list.empty() ? "" : "<h2>Environment</h2>\n" + list;
}

std::string RepeatSection(const Json& document) {
  const std::string command = Text(document, "repeat");
  return command.empty() ? "" : "<h2>Again</h2>\n<pre class=\"command\">" + Escape(command) + "</pre>\n";
}

std::string DateText(const std::string& date) {
  if (date.size() < 16 || date[10] != 'T') return date;
  return date.substr(0, 10) + " " + date.substr(11, 5) + (date.back() == 'Z' ? " UTC" : "");
}

}  // namespace workbench::html
