// The one format that all traces are converted to: a CSV file with a row for each node and each job.
//
//   kind            node or job
//   name            unique among its kind
//   user, tenant    of a job, may be empty
//   submit_ms, start_ms, end_ms, duration_ms   of a job; empty: not known. start_ms is empty if it was never scheduled.
//   gpus, gpu_milli, cpu_milli, memory_mib     what a node has (without gpu_milli), or a job asks for
//   nodes           over which a job is spread
//   models          GPU model of a node; of a job, those that will do, separated by |; empty: any
//   gpu_memory_mib  of each GPU of a node; empty: not known
//   status, qos     of a job, in the words of the trace that it comes from
//   type, steps     of a job of Gavel's
//
// Units as in cluster_trace.h.
#ifndef HARNESS_TRACES_TRACE_CSV_H_
#define HARNESS_TRACES_TRACE_CSV_H_

#include <cstdio>
#include <string>

#include "harness/status.h"
#include "harness/traces/cluster_trace.h"

namespace workbench {

Status WriteTraceCsv(const ClusterTrace& trace, std::FILE* out);

// Makes or replaces the file `path`, when all of it is written and not before.
Status WriteTraceCsv(const ClusterTrace& trace, const std::string& path);

}  // namespace workbench

#endif  // HARNESS_TRACES_TRACE_CSV_H_
