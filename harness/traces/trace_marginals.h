// For tests: how far two traces are apart in their marginals.
#ifndef HARNESS_TRACES_TRACE_MARGINALS_H_
#define HARNESS_TRACES_TRACE_MARGINALS_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <vector>

#include "harness/traces/cluster_trace.h"

namespace workbench {

// Kolmogorov and Smirnov's distance: the largest gap between the two distribution functions.
inline double KsDistance(std::vector<int64_t> a, std::vector<int64_t> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  double most = 0;
  size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    const int64_t value = std::min(a[i], b[j]);
    while (i < a.size() && a[i] == value) ++i;
    while (j < b.size() && b[j] == value) ++j;
    most = std::max(most, std::abs(static_cast<double>(i) / static_cast<double>(a.size()) -
                                   static_cast<double>(j) / static_cast<double>(b.size())));
  }
  return most;
}

template <typename Keep, typename Value>
std::vector<int64_t> ValuesOf(const ClusterTrace& trace, Keep keep, Value value) {
  std::vector<int64_t> values;
  for (const TraceJob& job : trace.jobs) {
    if (keep(job)) values.push_back(value(job));
  }
  return values;
}

template <typename Keep>
double ShareOf(const ClusterTrace& trace, Keep keep) {
  return static_cast<double>(std::count_if(trace.jobs.begin(), trace.jobs.end(), keep)) /
         static_cast<double>(trace.jobs.size());
}

inline double MeanOf(const std::vector<int64_t>& values) {
  double sum = 0;
  for (const int64_t value : values) sum += static_cast<double>(value);
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

}  // namespace workbench

#endif  // HARNESS_TRACES_TRACE_MARGINALS_H_
