// From what a cluster recorded (harness/traces) to what the simulator runs: workloads of parts A and C, and sequences
// of part B's requests. For the tool `simulate` and tests on traces; no judge depends on it.
#ifndef QUESTIONS_Q07_SCHEDULING_TRACE_WORKLOAD_H_
#define QUESTIONS_Q07_SCHEDULING_TRACE_WORKLOAD_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/status.h"
#include "harness/traces/cluster_trace.h"
#include "questions/q07_scheduling/placement_api.h"
#include "questions/q07_scheduling/simulator.h"

namespace q07 {

enum class Shape : int32_t {
  kRecorded = 0,  // jobs come when they came, and run for as long as they ran
  // Jobs come one by one and stay, until they have asked for `target` of the cluster's GPUs: in the order of
  // submission, and over again from the first as often as that takes. Jobs that were never scheduled ask too. (Part B
  // only.)
  kArrivals = 1,
  // As recorded, but compressed in time so that the offered load is `target` (harness/traces/trace_shapes.h).
  kLoad = 2,
};

enum class TraceEstimates : int32_t {
  kTrue = 0,     // the run time; jobs are killed at it, so that there are promises
  kOver = 1,     // run time * f, f uniform in 1 .. 5 (Mu'alem and Feitelson's f-model); jobs are killed at it
  kWrong = 2,    // run time * 2^x, x normal of deviation 1: too low as often as too high
  kMissing = 3,  // nobody says
};

struct TraceShape {
  Shape shape = Shape::kRecorded;
  double target = 0;
  TraceEstimates estimates = TraceEstimates::kTrue;
  uint64_t seed = 1;  // of the estimates
  // The cluster: nodes of the trace, evenly spread over its list, until they have as many GPUs; 0: all nodes. A trace
  // that lists no nodes gets nodes of 8 GPUs, 96 CPUs and 768 GiB; 0: as many as the GPUs that it used at once.
  int64_t gpus = 0;
  // kLoad: longer jobs are cut to this; 0: none is.
  Time longest = 0;
};

// "recorded", "arrivals:1.0", "load:0.9".
workbench::Status ParseShape(std::string_view text, TraceShape* shape);
std::string ShapeName(const TraceShape& shape);

// Why jobs of the trace are not in a workload; and what is left.
struct TraceCounts {
  int64_t jobs = 0;  // in the workload
  int64_t never_scheduled = 0;
  int64_t no_run_time = 0;  // it is not known
  int64_t no_gpus = 0;      // part A: nothing to ask for
  int64_t too_long = 0;     // TraceShape::longest
  int64_t too_large = 0;    // fits not even the empty cluster
  double compression = 1;   // what times of submission were divided by
  double gpus = 0;          // of the cluster
  double load = 0;          // offered, by the jobs in the workload
};

// Part A: one node with all GPUs of the cluster. priority: 2 for LS, 1 for Guaranteed and Burstable, else 0.
workbench::Result<Workload> PolicyWorkload(const workbench::ClusterTrace& trace, const TraceShape& shape,
                                           TraceCounts* counts);

// Part C: nodes and gangs; a stop loses what was done since the last checkpoint, every 10 minutes, and 1 minute.
// Tenants are the trace's, or else its qos, numbered in the order of their names (`tenants`); they share one cohort,
// and may borrow all of it. Their quotas add up to the cluster; each is in proportion to the GPU time of the tenant's
// jobs, but no less than a hundredth.
workbench::Result<Workload> SharingWorkload(const workbench::ClusterTrace& trace, const TraceShape& shape,
                                            TraceCounts* counts, std::vector<std::string>* tenants);

struct PlacementEvent {
  Time at = 0;
  int32_t request = 0;
  bool release = false;  // nothing happens if it was refused
};

struct PlacementSequence {
  std::vector<GpuNode> nodes;
  std::vector<std::string> models;  // by number
  std::vector<Request> requests;
  std::vector<PlacementEvent> events;  // by time; releases first
  std::vector<TypicalRequest> typical;
  // kArrivals: after how many requests 90, 100 and 120 % of the GPUs have been asked for, as far as `target` is above.
  std::vector<std::pair<double, size_t>> marks;
};

// The mix is that of all jobs in the sequence, without shares; at most kMaxTypical kinds, the most frequent ones.
inline constexpr size_t kMaxTypical = 256;
workbench::Result<PlacementSequence> PlacementRequests(const workbench::ClusterTrace& trace, const TraceShape& shape,
                                                       TraceCounts* counts);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_TRACE_WORKLOAD_H_
