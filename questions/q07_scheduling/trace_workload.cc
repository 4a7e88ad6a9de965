#include "questions/q07_scheduling/trace_workload.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <map>
#include <numbers>
#include <random>
#include <set>
#include <tuple>

#include "harness/traces/trace_shapes.h"

namespace q07 {
namespace {

using workbench::ClusterTrace;
using workbench::Result;
using workbench::ShapedJobs;
using workbench::TraceJob;
using workbench::TraceNode;

// What a trace that lists no nodes gets.
constexpr int32_t kUnlistedGpus = 8;
constexpr int64_t kUnlistedCpuMilli = 96'000;
constexpr int64_t kUnlistedMemoryMib = 768 * 1024;

constexpr Time kCheckpointInterval = 10 * 60 * 1000;
constexpr Time kRestartCost = 60 * 1000;
constexpr int32_t kMaxModels = 32;
constexpr double kLeastPart = 0.01;  // of a tenant's quota

Time Rounded(double ms) { return static_cast<Time>(std::floor(ms + 0.5)); }

// In (0, 1]; the same on every machine.
double Uniform(std::mt19937_64& random) { return (static_cast<double>(random() >> 11) + 1) * 0x1p-53; }

double Normal(std::mt19937_64& random) {
  const double radius = std::sqrt(-2 * std::log(Uniform(random)));
  return radius * std::cos(2 * std::numbers::pi * Uniform(random));
}

// Evenly spread over the list, until there are `gpus`.
std::vector<TraceNode> NodesOf(const ClusterTrace& trace, int64_t gpus) {
  if (trace.nodes.empty()) {
    const int64_t wanted = gpus > 0 ? gpus : std::max<int64_t>(1, (workbench::PeakGpuMilli(trace) + 999) / 1000);
    std::vector<TraceNode> nodes(static_cast<size_t>((wanted + kUnlistedGpus - 1) / kUnlistedGpus));
    for (TraceNode& node : nodes) {
      node.cpu_milli = kUnlistedCpuMilli;
      node.memory_mib = kUnlistedMemoryMib;
      node.gpus = kUnlistedGpus;
    }
    return nodes;
  }
  if (gpus <= 0 || gpus >= trace.TotalGpus()) return trace.nodes;
  std::vector<TraceNode> nodes;
  int64_t seen = 0;
  int64_t taken = 0;
  for (const TraceNode& node : trace.nodes) {
    seen += node.gpus;
    // Behind its due share of the GPUs seen so far?
    if (taken >= gpus || (taken + node.gpus / 2) * trace.TotalGpus() > seen * gpus) continue;
    nodes.push_back(node);
    taken += node.gpus;
  }
  return nodes;
}

int64_t MembersOf(const TraceJob& job) {
  const int64_t members = std::max(1, job.nodes);
  return job.gpus > 0 ? std::min<int64_t>(members, job.gpus) : members;
}

// Of one of its members. GPUs that do not divide evenly are rounded up: each member gets as many.
struct MemberDemand {
  int64_t gpus;
  int64_t gpu_milli;  // of each GPU
  int64_t cpu_milli;
  int64_t memory_mib;
};

MemberDemand DemandOf(const TraceJob& job) {
  const int64_t members = MembersOf(job);
  const auto each = [members](int64_t all) { return (all + members - 1) / members; };
  return {each(job.gpus), job.gpus == 0 ? 0 : job.gpu_milli, each(job.cpu_milli), each(job.memory_mib)};
}

int32_t PriorityOf(const TraceJob& job) {
  if (job.qos == "LS") return 2;
  return job.qos == "Guaranteed" || job.qos == "Burstable" ? 1 : 0;
}

const std::string& TenantOf(const TraceJob& job) { return job.tenant.empty() ? job.qos : job.tenant; }

// The trace's jobs in the shape asked for, on the cluster asked for.
Result<ShapedJobs> Shaped(const ClusterTrace& trace, const TraceShape& shape, ClusterTrace* cluster,
                          TraceCounts* counts) {
  *counts = {};
  cluster->nodes = NodesOf(trace, shape.gpus);
  cluster->jobs = trace.jobs;
  counts->gpus = static_cast<double>(cluster->TotalGpus());
  Result<ShapedJobs> shaped = workbench::AsRecorded(*cluster);
  if (shape.shape == Shape::kArrivals) {
    shaped = workbench::ArrivalsOnly(*cluster, shape.target, workbench::ArrivalOrder::kRecorded, 0);
  } else if (shape.shape == Shape::kLoad) {
    const int64_t longest = shape.longest > 0 ? shape.longest : workbench::kUnknownTime;
    shaped = workbench::CompressToLoad(*cluster, {shape.target, longest});
  }
  if (!shaped.ok()) return shaped;
  counts->never_scheduled = shaped->never_scheduled;
  counts->no_run_time = shaped->no_duration;
  return shaped;
}

// For parts A and C: nothing that stays for ever.
Result<ShapedJobs> ShapedToEnd(const ClusterTrace& trace, const TraceShape& shape, ClusterTrace* cluster,
                               TraceCounts* counts) {
  if (shape.shape == Shape::kArrivals) return workbench::Error("jobs of the shape 'arrivals' never end");
  return Shaped(trace, shape, cluster, counts);
}

Time EstimateOf(Time duration, TraceEstimates estimates, std::mt19937_64& random) {
  switch (estimates) {
    case TraceEstimates::kTrue:
      return duration;
    case TraceEstimates::kOver:
      return std::max(duration, Rounded(static_cast<double>(duration) * (1 + 4 * Uniform(random))));
    case TraceEstimates::kWrong:
      return std::max<Time>(1, Rounded(static_cast<double>(duration) * std::exp2(Normal(random))));
    case TraceEstimates::kMissing:
      break;
  }
  return kUnknown;
}

bool KillsAtEstimate(TraceEstimates estimates) {
  return estimates == TraceEstimates::kTrue || estimates == TraceEstimates::kOver;
}

// The job without what differs between the parts.
TrueJob Common(const TraceJob& job, const TraceShape& shape, JobId id, std::mt19937_64& random) {
  TrueJob made;
  made.duration = job.duration_ms;
  made.job.id = id;
  made.job.submit = job.submit_ms;
  made.job.priority = PriorityOf(job);
  made.job.estimate = EstimateOf(job.duration_ms, shape.estimates, random);
  return made;
}

// All members of a gang fit an empty cluster: enough members on each node, summed.
bool FitsEmpty(const std::vector<Node>& nodes, const Job& job) {
  int64_t members = 0;
  const auto times = [&](int64_t has, int64_t each) { return each == 0 ? int64_t{job.members} : has / each; };
  for (const Node& node : nodes) {
    members += std::min({times(node.capacity.gpu_milli, job.demand.gpu_milli),
                         times(node.capacity.cpu_milli, job.demand.cpu_milli),
                         times(node.capacity.memory_mib, job.demand.memory_mib), int64_t{job.members}});
    if (members >= job.members) return true;
  }
  return false;
}

// `work`: of each tenant.
std::vector<Quota> QuotasByWork(const std::vector<Node>& nodes, std::vector<double> work) {
  Resources left;
  for (const Node& node : nodes) {
    left.gpu_milli += node.capacity.gpu_milli;
    left.cpu_milli += node.capacity.cpu_milli;
    left.memory_mib += node.capacity.memory_mib;
  }
  double sum = 0;
  for (const double one : work) sum += one;
  for (double& one : work) one = std::max(one, kLeastPart * sum);
  sum = 0;
  for (const double one : work) sum += one;
  std::vector<Quota> quotas;
  for (size_t i = 0; i < work.size(); ++i) {
    // Of what is left, so that the quotas add up.
    const double part = sum > 0 ? work[i] / sum : 1 / static_cast<double>(work.size() - i);
    sum -= work[i];
    const bool last = i + 1 == work.size();
    const auto take = [&](int64_t* from) {
      const int64_t taken = last ? *from : Rounded(static_cast<double>(*from) * part);
      *from -= taken;
      return taken;
    };
    Quota quota;
    quota.tenant = static_cast<int32_t>(i);
    quota.cohort = 0;
    quota.quota = {take(&left.gpu_milli), take(&left.cpu_milli), take(&left.memory_mib)};
    quota.borrowing_limit = {kUnlimited, kUnlimited, kUnlimited};
    quotas.push_back(quota);
  }
  return quotas;
}

// ---------------------------------------------------------------------------------------------------- Part B

class Models {
 public:
  // 31 stands for all models that come too late to have a number of their own.
  int32_t NumberOf(const std::string& name) {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found != names_.end()) return static_cast<int32_t>(found - names_.begin());
    if (names_.size() == kMaxModels) return kMaxModels - 1;
    names_.push_back(name);
    return static_cast<int32_t>(names_.size()) - 1;
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
};

Request RequestOf(const TraceJob& job, Models& models) {
  const MemberDemand demand = DemandOf(job);
  Request request;
  request.cpu_milli = demand.cpu_milli;
  request.memory_mib = demand.memory_mib;
  request.gpus = static_cast<int32_t>(demand.gpus);
  request.gpu_milli = demand.gpu_milli;
  for (const std::string& model : job.models) request.models |= 1u << models.NumberOf(model);
  request.shares = static_cast<int32_t>(MembersOf(job));
  return request;
}

std::vector<TypicalRequest> MixOf(const std::vector<Request>& requests) {
  using Kind = std::tuple<int64_t, int64_t, int32_t, int64_t, uint32_t>;
  std::map<Kind, std::pair<int64_t, Request>> kinds;
  for (const Request& request : requests) {
    auto& [count, example] =
        kinds[Kind{request.cpu_milli, request.memory_mib, request.gpus, request.gpu_milli, request.models}];
    ++count;
    example = request;
    example.shares = 1;
  }
  std::vector<std::pair<int64_t, Request>> most;
  for (const auto& [kind, counted] : kinds) most.push_back(counted);
  std::stable_sort(most.begin(), most.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  if (most.size() > kMaxTypical) most.resize(kMaxTypical);
  double sum = 0;
  for (const auto& [count, request] : most) sum += static_cast<double>(count);
  std::vector<TypicalRequest> mix;
  for (const auto& [count, request] : most) mix.push_back({request, static_cast<double>(count) / sum});
  return mix;
}

// After how many requests 90, 100, ... % of the GPUs had been asked for.
std::vector<std::pair<double, size_t>> MarksOf(const std::vector<Request>& requests, double target, double gpus) {
  std::vector<double> wanted = {0.9, 1.0, 1.2};
  std::erase_if(wanted, [target](double mark) { return mark >= target; });
  std::vector<std::pair<double, size_t>> marks;
  double asked = 0;
  for (size_t i = 0; i < requests.size(); ++i) {
    asked += static_cast<double>(requests[i].shares * requests[i].gpus * requests[i].gpu_milli) / 1000;
    while (marks.size() < wanted.size() && asked >= wanted[marks.size()] * gpus) {
      marks.push_back({wanted[marks.size()], i + 1});
    }
  }
  return marks;
}

}  // namespace

workbench::Status ParseShape(std::string_view text, TraceShape* shape) {
  const size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const auto bad = [&] {
    return workbench::Error(
        "'" + std::string(text.substr(0, 40)) +
        "' is no shape; give recorded, arrivals:SHARE or load:SHARE, with a share of the GPUs above 0 and up to 10, "
        "as in arrivals:1.0");
  };
  if (name == "recorded" && colon == std::string_view::npos) {
    shape->shape = Shape::kRecorded;
    return workbench::Status::Ok();
  }
  if ((name != "arrivals" && name != "load") || colon == std::string_view::npos) return bad();
  const std::string_view number = text.substr(colon + 1);
  double target = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), target);
  if (error != std::errc() || end != number.data() + number.size() || !(target > 0 && target <= 10)) return bad();
  shape->shape = name == "arrivals" ? Shape::kArrivals : Shape::kLoad;
  shape->target = target;
  return workbench::Status::Ok();
}

std::string ShapeName(const TraceShape& shape) {
  if (shape.shape == Shape::kRecorded) return "recorded";
  char text[32];
  const char* name = shape.shape == Shape::kArrivals ? "arrivals" : "load";
  std::snprintf(text, sizeof(text), "%s:%g", name, shape.target);
  return text;
}

Result<Workload> PolicyWorkload(const ClusterTrace& trace, const TraceShape& shape, TraceCounts* counts) {
  ClusterTrace cluster;
  Result<ShapedJobs> shaped = ShapedToEnd(trace, shape, &cluster, counts);
  if (!shaped.ok()) return shaped.status();
  Workload workload;
  workload.nodes = {{0, {1000 * cluster.TotalGpus(), 0, 0}}};
  workload.kill_at_estimate = KillsAtEstimate(shape.estimates);
  std::erase_if(shaped->jobs, [&](const TraceJob& job) {
    const bool none = job.gpus == 0;
    const bool too_large = job.TotalGpuMilli() > workload.nodes[0].capacity.gpu_milli;
    counts->no_gpus += none ? 1 : 0;
    counts->too_large += too_large ? 1 : 0;
    return none || too_large;
  });
  std::mt19937_64 random(shape.seed);
  for (const TraceJob& traced : shaped->jobs) {
    TrueJob job = Common(traced, shape, static_cast<JobId>(workload.jobs.size()), random);
    job.job.demand.gpu_milli = traced.TotalGpuMilli();
    workload.jobs.push_back(job);
  }
  counts->jobs = static_cast<int64_t>(workload.jobs.size());
  counts->load = workbench::OfferedLoad(shaped->jobs, cluster.TotalGpus());
  return workload;
}

Result<Workload> SharingWorkload(const ClusterTrace& trace, const TraceShape& shape, TraceCounts* counts,
                                 std::vector<std::string>* tenants) {
  ClusterTrace cluster;
  Result<ShapedJobs> shaped = ShapedToEnd(trace, shape, &cluster, counts);
  if (!shaped.ok()) return shaped.status();
  Workload workload;
  for (const TraceNode& node : cluster.nodes) {
    workload.nodes.push_back(
        {static_cast<int32_t>(workload.nodes.size()), {1000 * int64_t{node.gpus}, node.cpu_milli, node.memory_mib}});
  }
  workload.kill_at_estimate = KillsAtEstimate(shape.estimates);

  std::set<std::string> names;
  for (const TraceJob& job : shaped->jobs) names.insert(TenantOf(job));
  tenants->assign(names.begin(), names.end());

  std::vector<double> work(tenants->size(), 0);
  std::mt19937_64 random(shape.seed);
  for (const TraceJob& traced : shaped->jobs) {
    TrueJob job = Common(traced, shape, static_cast<JobId>(workload.jobs.size()), random);
    const MemberDemand demand = DemandOf(traced);
    job.job.members = static_cast<int32_t>(MembersOf(traced));
    job.job.demand = {demand.gpus * demand.gpu_milli, demand.cpu_milli, demand.memory_mib};
    job.job.tenant =
        static_cast<int32_t>(std::lower_bound(tenants->begin(), tenants->end(), TenantOf(traced)) - tenants->begin());
    job.job.checkpoint_interval = kCheckpointInterval;
    job.job.restart_cost = kRestartCost;
    // Else a job that was preempted early would be killed for the time that its restart takes.
    if (job.job.estimate != kUnknown) job.job.estimate += kRestartCost;
    if (!FitsEmpty(workload.nodes, job.job)) {
      ++counts->too_large;
      continue;
    }
    workload.jobs.push_back(job);
    work[static_cast<size_t>(job.job.tenant)] +=
        static_cast<double>(traced.TotalGpuMilli()) * static_cast<double>(job.duration);
  }
  workload.quotas = QuotasByWork(workload.nodes, work);
  counts->jobs = static_cast<int64_t>(workload.jobs.size());
  counts->load = workbench::OfferedLoad(shaped->jobs, cluster.TotalGpus());
  return workload;
}

Result<PlacementSequence> PlacementRequests(const ClusterTrace& trace, const TraceShape& shape, TraceCounts* counts) {
  ClusterTrace cluster;
  Result<ShapedJobs> shaped = Shaped(trace, shape, &cluster, counts);
  if (!shaped.ok()) return shaped.status();
  Models models;
  PlacementSequence sequence;
  for (const TraceNode& node : cluster.nodes) {
    GpuNode made;
    made.cpu_milli = node.cpu_milli;
    made.memory_mib = node.memory_mib;
    made.gpus = std::min(node.gpus, kMaxGpusPerNode);
    made.gpu_memory_mib = node.gpu_memory_mib;
    made.model = models.NumberOf(node.model);
    sequence.nodes.push_back(made);
  }
  for (const TraceJob& job : shaped->jobs) {
    const auto index = static_cast<int32_t>(sequence.requests.size());
    sequence.requests.push_back(RequestOf(job, models));
    sequence.events.push_back({job.submit_ms, index, false});
    if (job.duration_ms > 0) sequence.events.push_back({job.submit_ms + job.duration_ms, index, true});
  }
  // No job ends at the instant at which it comes, so that a release never precedes its request.
  std::stable_sort(sequence.events.begin(), sequence.events.end(), [](const auto& a, const auto& b) {
    return std::make_tuple(a.at, !a.release) < std::make_tuple(b.at, !b.release);
  });
  if (shape.shape == Shape::kArrivals) sequence.marks = MarksOf(sequence.requests, shape.target, counts->gpus);
  sequence.typical = MixOf(sequence.requests);
  sequence.models = models.names();
  counts->jobs = static_cast<int64_t>(sequence.requests.size());
  counts->load = workbench::OfferedLoad(shaped->jobs, cluster.TotalGpus());
  return sequence;
}

}  // namespace q07
