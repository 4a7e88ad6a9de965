// What a cluster recorded of its nodes and jobs, whichever public trace it came from; see docs/traces.md.
//
// Units: times are milliseconds since an instant of the trace's own (its first event, or the Unix epoch for traces that
// have dates); CPUs are thousandths of a core, GPUs thousandths of a GPU, memory is MiB (2^20 bytes).
#ifndef HARNESS_TRACES_CLUSTER_TRACE_H_
#define HARNESS_TRACES_CLUSTER_TRACE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace workbench {

// An instant or a length of time that the trace does not tell.
inline constexpr int64_t kUnknownTime = -1;

struct TraceNode {
  std::string name;
  int64_t cpu_milli = 0;
  int64_t memory_mib = 0;
  int32_t gpus = 0;
  std::string model;           // of all its GPUs; "" if there are none, or if the trace does not tell
  int64_t gpu_memory_mib = 0;  // of each GPU; 0: not known. See GpuMemoryMib.
};

struct TraceJob {
  std::string name;
  std::string user;
  std::string tenant;  // virtual cluster or quota group; "" if the trace has none
  int64_t submit_ms = 0;
  int64_t start_ms = kUnknownTime;     // of its first run; kUnknownTime: never scheduled, or the trace has no starts
  int64_t end_ms = kUnknownTime;       // also of jobs that were never scheduled: when they were given up
  int64_t duration_ms = kUnknownTime;  // run time; known only if it ran, end - start if both are known
  int32_t gpus = 0;                    // of the whole job
  int64_t gpu_milli = 0;               // of each GPU: 1 .. 1000, less than 1000 only if gpus == 1; 0 if gpus == 0
  int64_t cpu_milli = 0;               // of the whole job; 0 if the trace does not tell
  int64_t memory_mib = 0;              // of the whole job; 0 if the trace does not tell
  int32_t nodes = 1;                   // over which it is spread
  std::vector<std::string> models;     // GPU models that will do; empty: any
  std::string status;                  // in the trace's own words: Running, Pass, COMPLETED, ...
  std::string qos;                     // LS, BE, ... of Alibaba; "" elsewhere
  // Gavel: the kind of training job, and how many steps it trains; its run time is steps / the throughput of the type
  // on a GPU model, which other files tell. "" and 0 elsewhere.
  std::string type;
  int64_t steps = 0;

  // False in a trace that records starts: it waited until it was given up.
  bool ran() const { return start_ms != kUnknownTime; }
  // What it asks for, in thousandths of a GPU.
  int64_t TotalGpuMilli() const { return gpus * gpu_milli; }
};

struct ClusterTrace {
  std::vector<TraceNode> nodes;  // in the order of the file; empty if the trace lists none
  std::vector<TraceJob> jobs;    // by submit_ms, then in the order of the file

  int64_t TotalGpus() const;
};

// Memory of one GPU of this model in MiB; 0 if it is not known. What NVIDIA sells it with: P100 16 GiB, T4 16 GiB,
// V100M16 16 GiB, V100M32 32 GiB, A10 24 GiB. The Alibaba traces name some models G1, G2, G3 and do not disclose them
// ("internal GPU codes", README of cluster-trace-gpu-v2023): ASSUMED to have 10,000, 20,000 and 30,000 MiB, as the
// comments in the authors' own simulator have it (MapGpuTypeMemoryMiB in hkust-adsl/kubernetes-scheduler-simulator).
int64_t GpuMemoryMib(std::string_view model);

}  // namespace workbench

#endif  // HARNESS_TRACES_CLUSTER_TRACE_H_
