// Where the readers of all formats bring their nodes and jobs: what every trace must hold is checked here.
#ifndef HARNESS_TRACES_TRACE_SINK_H_
#define HARNESS_TRACES_TRACE_SINK_H_

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>

#include "harness/status.h"
#include "harness/traces/cluster_trace.h"
#include "harness/traces/trace_file.h"
#include "harness/traces/trace_reader.h"

namespace workbench {

// A place in the file that is being read.
struct TracePlace {
  int64_t line = 1;
  int64_t column = 1;
};

// Where a job's values stand, as far as it matters for messages.
struct TraceJobPlaces {
  TracePlace name, start, end, gpu_milli;
};

class TraceSink {
 public:
  explicit TraceSink(const TraceReadOptions& options) : options_(options) {}

  Status AddNode(const TraceFile& file, TraceNode node, TracePlace name);
  // Sets duration_ms from start and end if both are known.
  Status AddJob(const TraceFile& file, TraceJob job, const TraceJobPlaces& places);

  // A row is bad: Ok if it is to be left out.
  Status BadRow(Status why);

  ClusterTrace Take();
  int64_t skipped() const { return skipped_; }
  const std::string& first_skipped() const { return first_skipped_; }

 private:
  using Names = std::unordered_map<std::string, std::string>;  // where each was seen
  static Status Once(const TraceFile& file, const std::string& what, const std::string& name, TracePlace place,
                     Names* names);
  Status CheckJob(const TraceFile& file, const TraceJob& job, const TraceJobPlaces& places);

  TraceReadOptions options_;
  ClusterTrace trace_;
  Names node_names_, job_names_;
  int64_t skipped_ = 0;
  std::string first_skipped_;
};

// The readers; each reads `file` to its end.
Status ReadPhillyJobs(TraceFile* file, TraceSink* sink);

}  // namespace workbench

#endif  // HARNESS_TRACES_TRACE_SINK_H_
