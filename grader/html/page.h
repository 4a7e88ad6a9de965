// The frame of every report, and pieces that more than one of them shows.
#ifndef GRADER_HTML_PAGE_H_
#define GRADER_HTML_PAGE_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "grader/html/json_view.h"

namespace workbench::html {

// Files that lie beside a document, by name.
using Attachments = std::map<std::string, std::string>;

// A whole document. Nothing is loaded from elsewhere and no script runs but the page's own: a Content-Security-Policy
// says so to the browser, in case that something unescaped ever gets through. `body` is markup, `title` is not.
std::string Page(const std::string& title, const std::string& body);

// A line above the headline.
std::string Eyebrow(const std::string& text);

// Names and values, neither of them escaped yet; empty values are left out.
std::string FactList(const std::vector<std::pair<std::string, std::string>>& facts);

// Sections "Environment" and "Again", from the fields `environment`, `device` and `repeat`; each only if it has
// something to say. In host mode nothing of it is called a GPU's.
std::string EnvironmentSection(const Json& document);
std::string RepeatSection(const Json& document);

// "2026-11-27T10:00:00Z" as "2026-11-27 10:00 UTC"; anything else as it is.
std::string DateText(const std::string& date);

// How each kind of report is made of its document. The document may be of any shape; what is missing is left out.
std::string GradePage(const Json& document, const Attachments& attachments);
std::string ComparePage(const Json& document);
std::string BenchPage(const Json& document);

}  // namespace workbench::html

#endif  // GRADER_HTML_PAGE_H_
