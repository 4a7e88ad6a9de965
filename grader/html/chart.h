// Charts as SVG inside of a page: drawn here, in C++, so that they need no script and no library.
#ifndef GRADER_HTML_CHART_H_
#define GRADER_HTML_CHART_H_

#include <string>

#include "grader/html/json_view.h"
#include "grader/measurements.h"

namespace workbench::html {

// Each returns a <figure> with a drawing, a caption and a table of the numbers; empty where there is nothing to draw.
// Numbers that are not finite, and those that are not positive on a logarithmic axis, are left out and counted in the
// caption.

// Lines or bars over x, one style a series.
std::string ChartFigure(const Chart& chart);

// Every single time as a dot, with the median, the quartiles as a box, and the 10th and 90th percentile.
std::string DistributionFigure(const std::string& title, const Samples& samples, MeasuredOn measured_on);

// FLOP/s over FLOP/byte, under the ceilings that were measured.
std::string RooflineFigure(const std::string& title, const Roofline& roofline);

// "measured on the GPU", ...; empty when unknown.
std::string WhereText(MeasuredOn where);

// From the JSON documents; what is missing stays empty.
MeasuredOn MeasuredOnNamed(const std::string& name);
Chart ReadChart(const Json& json);
Samples ReadSamples(const Json& json);
Roofline ReadRoofline(const Json& json);

}  // namespace workbench::html

#endif  // GRADER_HTML_CHART_H_
