// A made-up trace that is like the Alibaba 2023 one in its published marginals: the embedded default, for machines
// without the trace. Each job is drawn by itself; nothing of the trace is copied, and nothing beyond the marginals is
// imitated (no time of day, no user who submits fifty at once, no services that stay for the whole trace).
#ifndef HARNESS_TRACES_TRACE_GENERATOR_H_
#define HARNESS_TRACES_TRACE_GENERATOR_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "harness/status.h"
#include "harness/traces/cluster_trace.h"

namespace workbench {

struct TraceGeneratorOptions {
  uint64_t seed = 1;
  int64_t jobs = 8152;
  int64_t nodes = 1213;  // of the shapes of the trace, in their proportions
  double gpu_spec = 0;   // the share of GPU jobs that name the models that will do; 0.33 in the authors' cluster
  // 0: none. Else tenant-1, tenant-2, ..., with shares as 1 : 1/2 : 1/3 : ... (ASSUMED: the trace has none)
  int32_t tenants = 0;
};

// The same options give the same trace, on every machine.
Result<ClusterTrace> GenerateTrace(const TraceGeneratorOptions& options);

// What the generator is fitted to, for its tests and for the docs. The numbers were counted in the trace's files
// openb_pod_list_default.csv and openb_node_list_gpu_node.csv (Weng et al., USENIX ATC 2023), and rounded as said in
// trace_generator.cc.
struct TraceMarginals {
  struct Class {
    std::string_view name;
    int32_t gpus;
    bool part_of_gpu;
    double share;      // of all jobs
    double scheduled;  // the share of these that were ever scheduled
  };
  std::span<const Class> classes;
  double mean_gap_s;  // between submissions
};
TraceMarginals AlibabaMarginals();

}  // namespace workbench

#endif  // HARNESS_TRACES_TRACE_GENERATOR_H_
