// For tests: whether markup is well formed, and holds nothing that runs.
#ifndef GRADER_HTML_MARKUP_CHECK_H_
#define GRADER_HTML_MARKUP_CHECK_H_

#include <cctype>
#include <set>
#include <string>
#include <vector>

namespace workbench::html {

// Empty, or what is amiss: a tag that is not closed, closes another, is not one of ours, or has a quote out of place or
// an attribute that runs a script. The page's own <script> and <style> are skipped whole.
inline std::string MarkupFault(const std::string& html) {
  static const std::set<std::string> kVoid = {"meta", "col", "img", "br"};
  static const std::set<std::string> kKnown = {
      "a",      "b",      "body",       "code",   "col",    "colgroup", "dd",      "del",  "details", "div",
      "dl",     "dt",     "figcaption", "figure", "h1",     "h2",       "h3",      "head", "html",    "i",
      "img",    "ins",    "li",         "main",   "meta",   "ol",       "p",       "path", "pre",     "rect",
      "circle", "script", "small",      "span",   "strong", "style",    "summary", "svg",  "table",   "tbody",
      "td",     "text",   "th",         "thead",  "title",  "tr",       "ul"};
  std::vector<std::string> open;
  for (size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at)) {
    const std::string near = html.substr(at, 60);
    if (html.compare(at, 2, "<!") == 0) {
      at = html.find('>', at);
      continue;
    }
    const bool closing = html[at + 1] == '/';
    size_t i = at + 1 + closing;
    std::string name;
    while (i < html.size() && std::isalnum(static_cast<unsigned char>(html[i]))) name += html[i++];
    if (!kKnown.contains(name)) return "an element that is not ours: " + near;
    char quote = 0;
    std::string outside;  // of quotes
    for (; i < html.size() && (quote != 0 || html[i] != '>'); ++i) {
      if (quote == 0 && html[i] == '<') return "a < within a tag: " + near;
      if (quote == 0) outside += html[i];
      if (html[i] == '"') quote = quote == 0 ? '"' : 0;
      if (quote == 0 && html[i] == '\'') return "a single quote in a tag: " + near;
    }
    if (i >= html.size()) return "a tag that does not end: " + near;
    if (outside.find(" on") != std::string::npos) return "an attribute that runs: " + near;
    if (closing) {
      if (open.empty() || open.back() != name) return "closes another: " + near;
      open.pop_back();
    } else if (!kVoid.contains(name) && html[i - 1] != '/') {
      open.push_back(name);
      if (name == "script" || name == "style") i = html.find("</" + name, i) - 1;
    }
    at = i + 1;
  }
  return open.empty() ? "" : "not closed: " + open.back();
}

}  // namespace workbench::html

#endif  // GRADER_HTML_MARKUP_CHECK_H_
