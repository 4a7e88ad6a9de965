// The section of a grade's report that shows what was measured.
#ifndef GRADER_HTML_FIGURES_H_
#define GRADER_HTML_FIGURES_H_

#include <string>

#include "grader/html/json_view.h"

namespace workbench::html {

// For each check that has any of them: its figures as a table, curves over ranks where the figures are named "N ranks:
// ...", its charts, its times as distributions, its roofline (GPU mode only). Empty where no check has any.
std::string MeasurementsSection(const Json& document);

}  // namespace workbench::html

#endif  // GRADER_HTML_FIGURES_H_
