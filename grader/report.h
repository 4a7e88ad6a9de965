// The verdict as people read it in a terminal.
#ifndef GRADER_REPORT_H_
#define GRADER_REPORT_H_

#include <string>

#include "grader/question.h"
#include "grader/verdict.h"

namespace workbench {

struct ReportOptions {
  bool colour = false;
  bool figures = true;
};

// The whole report, ending in a newline.
std::string TerminalReport(const Question& question, const GradeResult& grade, const ReportOptions& options);

// What a process printed, without the launcher's own chatter (unless `keep_launchers`); at most `lines` lines, each
// with `prefix` in front.
std::string QuoteOutput(const std::string& output, int lines, const std::string& prefix, bool keep_launchers = false);

}  // namespace workbench

#endif  // GRADER_REPORT_H_
