// What checks measure beyond single figures: times of calls, curves and bars, points under a roofline. All of it is
// optional; the HTML report draws what is there.
#ifndef GRADER_MEASUREMENTS_H_
#define GRADER_MEASUREMENTS_H_

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace workbench {

// Where numbers come from. What was not measured on a GPU is never shown as a GPU's.
enum class MeasuredOn { kUnknown, kCpu, kGpu, kModel };

// "cpu", "gpu", "model"; "" for kUnknown.
inline const char* MeasuredOnName(MeasuredOn where) {
  switch (where) {
    case MeasuredOn::kUnknown:
      return "";
    case MeasuredOn::kCpu:
      return "cpu";
    case MeasuredOn::kGpu:
      return "gpu";
    case MeasuredOn::kModel:
      return "model";
  }
  return "";
}

// Seconds a call by who was timed: "answer", "reference", or a library's name.
using Samples = std::map<std::string, std::vector<double>>;

struct Axis {
  std::string label;         // "bytes of a rank's buffer"
  std::string unit;          // "seconds", "bytes", "bytes/s", "flops/s", or empty: a plain number
  bool logarithmic = false;  // values that are not positive are left out then
};

struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;  // x, y; NaN where a number could not be had
};

struct Chart {
  std::string title;
  bool bars = false;  // else lines
  Axis x, y;
  std::vector<Series> series;
  std::vector<std::pair<std::string, double>> limits;  // lines across: a name and a y
  MeasuredOn measured_on = MeasuredOn::kUnknown;
};

struct RooflinePoint {
  std::string name;
  double bytes = 0;  // that the problem has to move at least, reads and writes
  double flops = 0;  // that it needs at least
  double seconds = 0;
};

// Ceilings that were measured on the GPU at hand, and what was reached below them.
struct Roofline {
  double bytes_per_second = 0;
  std::optional<double> flops_per_second;  // absent: not measured
  std::vector<RooflinePoint> points;
};

}  // namespace workbench

#endif  // GRADER_MEASUREMENTS_H_
