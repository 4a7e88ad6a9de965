// The reports as pages for a browser: one self-contained HTML file for each JSON document that a grade, a comparison or
// a benchmark leaves behind, made from that document alone, now or later.
#ifndef GRADER_HTML_REPORT_H_
#define GRADER_HTML_REPORT_H_

#include <map>
#include <string>

#include "harness/status.h"

namespace workbench {

// `json` is the text of grader/result.schema.json's, grader/compare.schema.json's or Google Benchmark's document.
// `attachments`: the files that a grade's document names, by name; SVG figures become part of the page. Fields that are
// unknown are ignored, those that are missing leave their place empty. An error if it is not JSON, or none of the
// three. Whatever the document holds, it never becomes markup or script of the page.
Result<std::string> HtmlReport(const std::string& json, const std::map<std::string, std::string>& attachments = {});

// Reads a document and the attachments beside it, and writes the page (atomically). A file that is named but is not
// there is left out. The attachments' folder: next to IN.json, or IN/ as ./workbench keeps them.
Status WriteHtmlReport(const std::string& json_path, const std::string& html_path);

}  // namespace workbench

#endif  // GRADER_HTML_REPORT_H_
