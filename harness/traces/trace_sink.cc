#include "harness/traces/trace_sink.h"

#include <algorithm>

#include "harness/traces/trace_fields.h"

namespace workbench {

Status TraceSink::BadRow(Status why) {
  if (!options_.skip_bad_rows) return why;
  if (skipped_++ == 0) first_skipped_ = why.message();
  return Status::Ok();
}

Status TraceSink::Once(const TraceFile& file, const std::string& what, const std::string& name, TracePlace place,
                       Names* names) {
  if (name.empty()) return file.At(place.line, place.column, "the " + what + " has no name");
  const auto [known, is_new] = names->try_emplace(name, std::to_string(place.line));
  if (is_new) return Status::Ok();
  return file.At(place.line, place.column,
                 "the " + what + " " + ShownText(name) + " was on line " + known->second + " already");
}

Status TraceSink::AddNode(const TraceFile& file, TraceNode node, TracePlace name) {
  if (Status once = Once(file, "node", node.name, name, &node_names_); !once.ok()) return BadRow(std::move(once));
  trace_.nodes.push_back(std::move(node));
  return Status::Ok();
}

Status TraceSink::CheckJob(const TraceFile& file, const TraceJob& job, const TraceJobPlaces& places) {
  const auto at = [&](TracePlace place, const std::string& message) {
    return file.At(place.line, place.column, message);
  };
  if (job.gpus == 0 && job.gpu_milli != 0) {
    return at(places.gpu_milli, std::to_string(job.gpu_milli) + " thousandths of a GPU, but no GPU");
  }
  if (job.gpus > 0 && (job.gpu_milli < 1 || job.gpu_milli > 1000)) {
    return at(places.gpu_milli,
              std::to_string(job.gpu_milli) + " thousandths of each GPU, where 1 to 1000 can be asked for");
  }
  if (job.gpus > 1 && job.gpu_milli != 1000) {
    return at(places.gpu_milli, "a part of each of " + std::to_string(job.gpus) + " GPUs: only one GPU can be shared");
  }
  if (job.start_ms != kUnknownTime && job.start_ms < job.submit_ms)
    return at(places.start, "it starts before it is submitted");
  if (job.end_ms != kUnknownTime && job.end_ms < std::max(job.submit_ms, job.start_ms)) {
    return at(places.end, job.ran() ? "it ends before it starts" : "it ends before it is submitted");
  }
  return Status::Ok();
}

Status TraceSink::AddJob(const TraceFile& file, TraceJob job, const TraceJobPlaces& places) {
  if (Status check = CheckJob(file, job, places); !check.ok()) return BadRow(std::move(check));
  if (Status once = Once(file, "job", job.name, places.name, &job_names_); !once.ok()) return BadRow(std::move(once));
  if (job.start_ms != kUnknownTime && job.end_ms != kUnknownTime) job.duration_ms = job.end_ms - job.start_ms;
  trace_.jobs.push_back(std::move(job));
  return Status::Ok();
}

ClusterTrace TraceSink::Take() {
  std::stable_sort(trace_.jobs.begin(), trace_.jobs.end(),
                   [](const TraceJob& a, const TraceJob& b) { return a.submit_ms < b.submit_ms; });
  node_names_.clear();
  job_names_.clear();
  return std::move(trace_);
}

}  // namespace workbench
