// Medians and their kin, as docs/metrics.md defines them.
#ifndef GRADER_STATISTICS_H_
#define GRADER_STATISTICS_H_

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace workbench {

// The middle value, or the mean of the two middle ones; NaN for no values.
inline double Median(std::vector<double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

}  // namespace workbench

#endif  // GRADER_STATISTICS_H_
