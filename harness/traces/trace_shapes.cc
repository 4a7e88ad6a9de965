#include "harness/traces/trace_shapes.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "harness/traces/trace_fields.h"
#include "harness/traces/trace_random.h"

namespace workbench {
namespace {

// A cluster is not filled with more jobs than this: small requests on a large cluster would cost all memory.
constexpr size_t kMaxArrivals = 50'000'000;

int64_t FirstSubmit(const ClusterTrace& trace) { return trace.jobs.empty() ? 0 : trace.jobs.front().submit_ms; }

void ForgetRun(TraceJob* job) { job->start_ms = job->end_ms = kUnknownTime; }

// Products of run times and GPUs pass 64 bits.
double GpuMilliMs(const std::vector<TraceJob>& jobs) {
  double total = 0;
  for (const TraceJob& job : jobs) {
    total += static_cast<double>(job.duration_ms) * static_cast<double>(job.TotalGpuMilli());
  }
  return total;
}

}  // namespace

int64_t PeakGpuMilli(const ClusterTrace& trace) {
  std::vector<std::pair<int64_t, int64_t>> changes;  // ends before starts: less comes first
  for (const TraceJob& job : trace.jobs) {
    if (job.start_ms == kUnknownTime || job.duration_ms == 0) continue;
    changes.emplace_back(job.start_ms, job.TotalGpuMilli());
    if (job.end_ms != kUnknownTime) changes.emplace_back(job.end_ms, -job.TotalGpuMilli());
  }
  std::sort(changes.begin(), changes.end());
  int64_t now = 0, peak = 0;
  for (const auto& change : changes) peak = std::max(peak, now += change.second);
  return peak;
}

ShapedJobs AsRecorded(const ClusterTrace& trace) {
  ShapedJobs shaped;
  const int64_t first = FirstSubmit(trace);
  for (TraceJob job : trace.jobs) {
    if (!job.ran() && job.duration_ms == kUnknownTime) {
      ++shaped.never_scheduled;
    } else if (job.duration_ms <= 0) {
      ++shaped.no_duration;
    } else {
      job.submit_ms -= first;
      ForgetRun(&job);
      shaped.jobs.push_back(std::move(job));
    }
  }
  return shaped;
}

Result<ShapedJobs> ArrivalsOnly(const ClusterTrace& trace, double fraction, ArrivalOrder order, uint64_t seed) {
  const double wanted = fraction * static_cast<double>(trace.TotalGpus()) * 1000;
  if (!(fraction > 0) || !(fraction <= 1000)) return Error("a share of the GPUs is above 0 and at most 1000");
  if (trace.TotalGpus() == 0) return Error("the trace has no nodes with GPUs: there is nothing to fill");
  int64_t each_once = 0;
  for (const TraceJob& job : trace.jobs) each_once += job.TotalGpuMilli();
  if (each_once == 0) return Error("no job of the trace asks for a GPU: none fills a cluster");

  TraceRandom random(seed);
  ShapedJobs shaped;
  const size_t count = trace.jobs.size();
  std::vector<size_t> turn(count);
  std::iota(turn.begin(), turn.end(), 0);
  std::vector<int64_t> times(count, 0);
  int64_t asked = 0;
  for (size_t i = 0; static_cast<double>(asked) < wanted; ++i) {
    if (i == kMaxArrivals)
      return Error("more than " + std::to_string(kMaxArrivals) + " jobs are needed to ask for that much");
    if (order == ArrivalOrder::kShuffled && i % count == 0) {
      for (size_t k = count; k > 1; --k) std::swap(turn[k - 1], turn[random.Below(k)]);
    }
    const size_t which = order == ArrivalOrder::kSampled ? random.Below(count) : turn[i % count];
    TraceJob job = trace.jobs[which];
    if (++times[which] > 1) job.name += "#" + std::to_string(times[which]);
    job.submit_ms = static_cast<int64_t>(i);
    job.duration_ms = kUnknownTime;
    ForgetRun(&job);
    asked += job.TotalGpuMilli();
    shaped.jobs.push_back(std::move(job));
  }
  return shaped;
}

double OfferedLoad(const std::vector<TraceJob>& jobs, int64_t gpus) {
  if (jobs.empty() || gpus <= 0) return 0;
  const double span = static_cast<double>(jobs.back().submit_ms - jobs.front().submit_ms);
  return span <= 0 ? 0 : GpuMilliMs(jobs) / (1000.0 * static_cast<double>(gpus) * span);
}

Result<ShapedJobs> CompressToLoad(const ClusterTrace& trace, const CompressOptions& options) {
  if (!(options.load > 0) || !(options.load <= 1000)) return Error("a load is above 0 and at most 1000");
  if (trace.TotalGpus() == 0) return Error("the trace has no nodes with GPUs: there is nothing to load");
  ShapedJobs shaped = AsRecorded(trace);
  if (options.max_duration_ms != kUnknownTime) {
    if (options.max_duration_ms <= 0) return Error("jobs cannot be cut to no run time");
    for (TraceJob& job : shaped.jobs) job.duration_ms = std::min(job.duration_ms, options.max_duration_ms);
  }
  const double recorded = OfferedLoad(shaped.jobs, trace.TotalGpus());
  if (recorded <= 0)
    return Error("the jobs take no GPU time, or are all submitted at one instant: no load can be made of them");
  const int64_t first = shaped.jobs.front().submit_ms;
  const double factor = recorded / options.load;
  if (static_cast<double>(shaped.jobs.back().submit_ms - first) * factor > static_cast<double>(kMaxTraceMs)) {
    return Error("at that load, the trace would last too long");
  }
  for (TraceJob& job : shaped.jobs) {
    job.submit_ms = std::llround(static_cast<double>(job.submit_ms - first) * factor);
  }
  return shaped;
}

}  // namespace workbench
