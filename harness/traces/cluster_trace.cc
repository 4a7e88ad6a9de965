#include "harness/traces/cluster_trace.h"

#include <utility>

namespace workbench {

int64_t ClusterTrace::TotalGpus() const {
  int64_t total = 0;
  for (const TraceNode& node : nodes) total += node.gpus;
  return total;
}

int64_t GpuMemoryMib(std::string_view model) {
  constexpr std::pair<std::string_view, int64_t> kMemory[] = {
      {"P100", 16 * 1024}, {"T4", 16 * 1024}, {"V100M16", 16 * 1024}, {"V100M32", 32 * 1024},
      {"A10", 24 * 1024},  {"G1", 10000},     {"G2", 20000},          {"G3", 30000},
  };
  for (const auto& [name, mib] : kMemory) {
    if (name == model) return mib;
  }
  return 0;
}

}  // namespace workbench
