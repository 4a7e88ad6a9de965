#include "questions/q07_scheduling/metrics.h"

#include <algorithm>
#include <map>
#include <unordered_map>

namespace q07 {
namespace {

double NearestRank(const std::vector<double>& sorted, size_t percent) {
  return sorted[(sorted.size() * percent + 99) / 100 - 1];
}

// What a job has done, run by run.
struct Account {
  const TrueJob* truth = nullptr;
  Time first_start = kUnknown, last_end = 0;
  int64_t starts = 0;
  Time held = 0;  // run time of all runs
  Time done = 0;  // work that is kept
  bool finished = false, killed = false;
};

void Count(const Run& run, bool over, Account* account) {
  const Job& job = account->truth->job;
  const Time ran = run.end - run.start;
  if (account->starts++ == 0) account->first_start = run.start;
  account->last_end = run.end;
  account->held += ran;
  const Time restart = account->starts > 1 ? job.restart_cost : 0;
  if (over && run.reason == StopReason::kFinished) {
    account->finished = true;
    account->done = account->truth->duration;
  } else if (over && run.reason == StopReason::kKilled) {
    account->killed = true;
    account->done = 0;
  } else {
    const Time lost = over && job.checkpoint_interval > 0 ? ran % job.checkpoint_interval : 0;
    account->done += std::max<Time>(0, ran - lost - restart);
  }
}

}  // namespace

Distribution Summarize(std::vector<double> values) {
  Distribution distribution;
  if (values.empty()) return distribution;
  std::sort(values.begin(), values.end());
  distribution.count = static_cast<int64_t>(values.size());
  double sum = 0;
  for (const double value : values) sum += value;
  distribution.mean = sum / static_cast<double>(values.size());
  distribution.median = NearestRank(values, 50);
  distribution.p99 = NearestRank(values, 99);
  distribution.max = values.back();
  return distribution;
}

double JainIndex(std::span<const double> values) {
  double sum = 0, squares = 0;
  for (const double value : values) {
    sum += value;
    squares += value * value;
  }
  return squares > 0 ? sum * sum / (static_cast<double>(values.size()) * squares) : 1;
}

Metrics Measure(const Workload& workload, const SimulationResult& result) {
  Metrics metrics;
  std::unordered_map<JobId, Account> accounts;
  accounts.reserve(workload.jobs.size());
  std::map<int32_t, double> held_by_tenant;
  double capacity = 0;
  for (const Node& node : workload.nodes) capacity += static_cast<double>(node.capacity.gpu_milli);
  Time first_submit = workload.jobs.empty() ? 0 : workload.jobs[0].job.submit;
  for (const TrueJob& truth : workload.jobs) {
    accounts[truth.job.id].truth = &truth;
    held_by_tenant[truth.job.tenant] = 0;
    first_submit = std::min(first_submit, truth.job.submit);
  }
  Time last_end = first_submit;
  const auto count = [&](const Run& run, bool over) {
    const auto found = accounts.find(run.job);
    if (found == accounts.end()) return;
    Count(run, over, &found->second);
    last_end = std::max(last_end, run.end);
  };
  for (const Run& run : result.runs) {
    count(run, true);
    metrics.preemptions += run.reason == StopReason::kPreempted;
    metrics.failures += run.reason == StopReason::kFailed;
    metrics.node_losses += run.reason == StopReason::kNodeLost;
  }
  for (const Run& run : result.open) count(run, false);

  std::vector<double> jct, wait, rho;
  double held = 0, useful = 0;
  const double tenants = static_cast<double>(held_by_tenant.size());
  for (const TrueJob& truth : workload.jobs) {
    const Account& account = accounts[truth.job.id];
    const double gpus = static_cast<double>(truth.job.demand.gpu_milli) * truth.job.members;
    held += gpus * static_cast<double>(account.held);
    useful += gpus * static_cast<double>(account.done);
    held_by_tenant[truth.job.tenant] += gpus * static_cast<double>(account.held);
    if (!account.finished && !account.killed) {
      ++metrics.left;
      continue;
    }
    ++(account.finished ? metrics.finished : metrics.killed);
    jct.push_back(static_cast<double>(account.last_end - truth.job.submit));
    wait.push_back(static_cast<double>(account.first_start - truth.job.submit));
    if (!account.finished) continue;
    const double slower = capacity > 0 ? std::max(1.0, tenants * gpus / capacity) : 1;
    rho.push_back(jct.back() / (static_cast<double>(truth.duration) * slower));
  }
  metrics.jct = Summarize(std::move(jct));
  metrics.wait = Summarize(std::move(wait));
  metrics.rho = Summarize(std::move(rho));
  metrics.makespan = last_end - first_submit;
  const double whole = capacity * static_cast<double>(metrics.makespan);
  metrics.allocation = whole > 0 ? held / whole : 0;
  metrics.utilisation = held > 0 ? useful / held : 0;
  std::vector<double> shares;
  for (const auto& [tenant, gpu_time] : held_by_tenant) shares.push_back(gpu_time);
  metrics.jain = JainIndex(shares);

  const std::vector<double> times(result.decision_ns.begin(), result.decision_ns.end());
  const Distribution decisions = Summarize(times);
  metrics.p99_decision_ns = decisions.p99;
  const double seconds = decisions.mean * static_cast<double>(decisions.count) * 1e-9;
  metrics.decisions_per_second = seconds > 0 ? static_cast<double>(decisions.count) / seconds : 0;
  return metrics;
}

}  // namespace q07
