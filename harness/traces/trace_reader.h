// Reads public cluster traces: Alibaba 2023, Philly, Helios, Gavel, and the CSV that the workbench writes; plain or
// gzip. What is wrong with a file is told in one line that begins with FILE:LINE:COLUMN (the column counts bytes).
#ifndef HARNESS_TRACES_TRACE_READER_H_
#define HARNESS_TRACES_TRACE_READER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "harness/status.h"
#include "harness/traces/cluster_trace.h"
#include "harness/traces/trace_formats.h"

namespace workbench {

struct TraceReadOptions {
  // A row with a bad value is left out and counted, and is no fault of the file. What makes a file unreadable (a
  // missing column, an unended quote, a gzip cut off) stays one.
  bool skip_bad_rows = false;
};

// Reads files one after another into one trace.
class TraceReader {
 public:
  explicit TraceReader(const TraceReadOptions& options = {});
  ~TraceReader();

  // The format is known by what the file holds. No name may come twice, in all files; nodes and jobs are apart. After
  // an error nothing more may be added.
  Result<TraceFormat> Add(const std::string& path);

  // What was read, in order.
  ClusterTrace Take();

  // With skip_bad_rows: how many were left out, and why the first one.
  int64_t skipped() const;
  const std::string& first_skipped() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Reads `paths` into one trace.
Result<ClusterTrace> ReadTrace(std::span<const std::string> paths, const TraceReadOptions& options = {});

// The Alibaba trace of a folder that has openb_node_list_gpu_node.csv and openb_pod_list_default.csv, as they are or
// with .gz.
Result<ClusterTrace> ReadAlibabaTrace(const std::string& folder);

}  // namespace workbench

#endif  // HARNESS_TRACES_TRACE_READER_H_
