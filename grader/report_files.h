// Where compare and benchmark leave their reports.
#ifndef GRADER_REPORT_FILES_H_
#define GRADER_REPORT_FILES_H_

#include <string>

#include "harness/status.h"

namespace workbench {

// "q02_allreduce" from the runner's path, "questions/q02_allreduce/runner"; empty if it has no folder.
std::string QuestionOfRunner(const std::string& runner);

// BASE of BASE.json and BASE.html: `asked` if there is one, relative to where ./workbench was called from; else
// .workbench/results/q02.KIND in the checkout that $BUILD_WORKSPACE_DIRECTORY names; else empty: nothing is kept.
std::string ReportBase(const std::string& asked, const std::string& question, const std::string& kind);

// Makes BASE's folder if need be.
Status MakeFolderOf(const std::string& base);

// Writes BASE.json, and the page made of it as BASE.html, each whole or not at all.
Status WriteReport(const std::string& base, const std::string& json);

}  // namespace workbench

#endif  // GRADER_REPORT_FILES_H_
