// A trace made into workloads: as it was recorded, its arrivals alone until a cluster is full, or compressed in time
// until the cluster has a given load.
#ifndef HARNESS_TRACES_TRACE_SHAPES_H_
#define HARNESS_TRACES_TRACE_SHAPES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "harness/status.h"
#include "harness/traces/cluster_trace.h"

namespace workbench {

// Jobs to be run on the trace's nodes. submit_ms begins at 0; start_ms and end_ms are not known: a scheduler finds
// them.
struct ShapedJobs {
  std::vector<TraceJob> jobs;   // by submit_ms
  int64_t never_scheduled = 0;  // jobs of the trace that are left out, as they never ran: their run time is not known
  int64_t no_duration = 0;      // others that are left out since their run time is not known or 0
};

// The most that was in use at once, in thousandths of a GPU, from the recorded starts and ends; a job that ends at an
// instant is gone for those that start at it.
int64_t PeakGpuMilli(const ClusterTrace& trace);

// The jobs that ran, submitted as recorded (counted from the first submission of the trace), with their recorded run
// times.
ShapedJobs AsRecorded(const ClusterTrace& trace);

enum class ArrivalOrder {
  kRecorded,  // in the order of submission, from the beginning again if there are not enough
  kShuffled,  // each once in random order, then each once more, ...
  kSampled,   // each time any of them, with replacement
};

// Jobs that arrive one a millisecond and stay for ever (duration_ms unknown), until they ask for `fraction` of the GPUs
// of the trace's nodes in all: the last one is that with which this is reached. Jobs that were never scheduled arrive
// too. With kSampled, this is how Weng et al. (USENIX ATC 2023, section 6.1) fill a cluster to see what a placement
// strands. A job that comes again is called NAME#2, NAME#3, ... An error if the trace has no nodes with GPUs, or no job
// with GPUs, or the fraction makes no sense.
Result<ShapedJobs> ArrivalsOnly(const ClusterTrace& trace, double fraction, ArrivalOrder order, uint64_t seed);

struct CompressOptions {
  // Offered load: the run times of all jobs times the GPUs that they ask for / (the GPUs of the nodes times the time
  // from the first to the last submission).
  double load = 0.9;
  // Longer jobs are cut to this; kUnknownTime: none is. In the Alibaba trace, 58 pods that were there before the rest
  // and stayed for months are two thirds of all GPU time: with them, the compressed trace lasts 9 hours, and they
  // longer than all else.
  int64_t max_duration_ms = kUnknownTime;
};

// The jobs that ran, with their recorded run times, the gaps between submissions all multiplied by one factor so that
// the load is options.load. An error if that cannot be: no GPUs, no GPU time, or all submitted at one instant.
Result<ShapedJobs> CompressToLoad(const ClusterTrace& trace, const CompressOptions& options);

// The offered load of `jobs` on `gpus` GPUs, as above; 0 if they are submitted at one instant.
double OfferedLoad(const std::vector<TraceJob>& jobs, int64_t gpus);

}  // namespace workbench

#endif  // HARNESS_TRACES_TRACE_SHAPES_H_
