// html_report IN.json OUT.html: makes the page of a result that was kept.
#include <cstdio>

#include "grader/html_report.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr,
                 "usage: html_report IN.json OUT.html\n"
                 "Makes the page of a result of grade, compare or bench. Example:\n"
                 "  html_report .workbench/results/q02.json q02.html\n");
    return 2;
  }
  const workbench::Status status = workbench::WriteHtmlReport(argv[1], argv[2]);
  if (!status.ok()) std::fprintf(stderr, "html_report: %s\n", status.message().c_str());
  return status.ok() ? 0 : 1;
}
