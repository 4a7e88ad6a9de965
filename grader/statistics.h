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

// The q-th percentile by nearest rank, a value that occurred; NaN for no values. REQUIRES: 0 < q <= 100
inline double Percentile(std::vector<double> values, double q) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(values.begin(), values.end());
  const double rank = std::ceil(q / 100 * static_cast<double>(values.size()) - 1e-9);
  return values[static_cast<size_t>(std::clamp(rank, 1.0, static_cast<double>(values.size()))) - 1];
}

struct MedianInterval {
  double median;
  double low;
  double high;
};

// The median, and the interval between the order statistics l and n-1-l that holds the median of what the values were
// drawn from with at least 95 %: binomial(n, 1/2). Fewer than six values do not allow for 95 %: it is their whole range
// then. REQUIRES: values is not empty
inline MedianInterval MedianWithInterval(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const int n = static_cast<int>(values.size());
  double tail = 0, term = std::pow(0.5, n);
  int low = 0;
  for (int k = 0; k < n / 2; ++k) {
    tail += term;
    if (2 * tail > 0.05) break;
    low = k + 1;
    term *= static_cast<double>(n - k) / (k + 1);
  }
  low = std::max(0, low - 1);
  return {Median(values), values[static_cast<size_t>(low)], values[static_cast<size_t>(n - 1 - low)]};
}

}  // namespace workbench

#endif  // GRADER_STATISTICS_H_
