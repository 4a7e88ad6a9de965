// The names of benchmark cases, "b/two-shot/64MiB/ranks:4", taken apart.
#ifndef GRADER_HTML_CASE_NAME_H_
#define GRADER_HTML_CASE_NAME_H_

#include <string>

namespace workbench::html {

struct CaseName {
  std::string part;     // what stands before the first slash
  std::string variant;  // what is left of the middle: "two-shot"
  double bytes = 0;     // 0: the name has no size
  double ranks = 0;     // 0: it has no "ranks:N"
  std::string who;      // of Google Benchmark's names: "answer", "reference", "ncclAllReduce"
};

// `with_who`: the last component that is neither a size nor "name:value" says what was timed. Google Benchmark's own
// "iterations:4" and "manual_time" are left out.
CaseName ParseCaseName(const std::string& name, bool with_who);

}  // namespace workbench::html

#endif  // GRADER_HTML_CASE_NAME_H_
