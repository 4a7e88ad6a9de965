#include "questions/q07_scheduling/sharing_random.h"

#include <algorithm>
#include <set>

#include "grader/inputs.h"
#include "questions/q07_scheduling/sharing_script.h"

namespace q07 {
namespace {

class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(workbench::Mix(seed)) {}
  int64_t Below(int64_t bound) {
    return static_cast<int64_t>(workbench::Mix(++state_) % static_cast<uint64_t>(std::max<int64_t>(1, bound)));
  }
  int64_t Between(int64_t low, int64_t high) { return low + Below(high - low + 1); }
  bool OneIn(int64_t n) { return Below(n) == 0; }

 private:
  uint64_t state_;
};

Quota MakeQuota(const RandomSharing& options, int32_t tenant, int64_t gpus, Dice* dice) {
  Quota quota;
  quota.tenant = tenant;
  quota.cohort = options.cohorts ? static_cast<int32_t>(dice->Between(-1, 1)) : options.limits ? -1 : 0;
  if (options.reclaim) quota.cohort = options.cohorts && dice->OneIn(4) ? 1 : 0;
  const bool binds = options.limits || options.cohorts;
  // Without limits the cohort's sum is far above what there is, by quotas whose ratios differ.
  const int64_t amount = binds ? dice->Between(0, gpus) : 1000 + dice->Between(1, 5) * gpus;
  quota.quota.gpu_milli = std::max<int64_t>(binds && !options.zeros ? 1 : 0, amount) * kGpu;
  const auto plenty = [&] { return options.cohorts && dice->OneIn(2) ? kUnlimited : kPlenty; };
  quota.quota.cpu_milli = plenty();
  quota.quota.memory_mib = plenty();
  quota.borrowing_limit = {plenty(), plenty(), plenty()};
  if (binds && options.resources && dice->OneIn(2)) quota.quota.cpu_milli = dice->Between(1, 2 * gpus) * kGpu;
  if (binds && options.resources && dice->OneIn(3)) quota.quota.memory_mib = dice->Between(1, 4 * gpus) * kGib;
  if (options.sharing == Sharing::kDominant && dice->OneIn(4)) quota.quota.gpu_milli = plenty();
  if (binds && dice->OneIn(3)) quota.borrowing_limit.gpu_milli = dice->Between(0, gpus / 2) * kGpu;
  if (binds && options.resources && dice->OneIn(4)) {
    quota.borrowing_limit.cpu_milli = dice->Between(0, gpus) * kGpu;
  }
  if (options.weights)
    quota.weight = static_cast<double>(dice->Between(1, 12)) / static_cast<double>(dice->Between(1, 4));
  if (options.weights && dice->OneIn(6)) quota.weight = dice->OneIn(2) ? 1e-6 : 1e6;
  if (options.zeros && dice->OneIn(4)) {
    quota.weight = 0;
    if (!binds) quota.quota.gpu_milli = 0;
  }
  return quota;
}

}  // namespace

SharingCase MakeRandomSharing(const RandomSharing& options, uint64_t seed) {
  Dice dice(seed);
  SharingScript script(options.sharing);
  const int nodes = static_cast<int>(dice.Between(1, 5));
  const int64_t gpus = dice.Between(2, 8);
  for (int node = 0; node < nodes; ++node) {
    // Nodes of one kind, or of several.
    const int64_t here = dice.OneIn(3) ? dice.Between(1, 8) : gpus;
    script.Nodes(1, here, options.resources ? dice.Between(here, 3 * here) : 64,
                 options.resources ? dice.Between(here, 5 * here) : 512);
  }
  int64_t all = 0, largest = 0;
  for (const Node& node : script.workload().nodes) {
    all += node.capacity.gpu_milli / kGpu;
    largest = std::max(largest, node.capacity.gpu_milli / kGpu);
  }

  std::set<int32_t> tenants;
  const int64_t names = dice.OneIn(2) ? 8 : 1000000;
  const size_t wanted = static_cast<size_t>(dice.Between(2, 5));
  while (tenants.size() < wanted) tenants.insert(static_cast<int32_t>(dice.Below(names)));
  std::vector<int32_t> tenant(tenants.begin(), tenants.end());
  for (size_t i = tenant.size(); i > 1; --i)
    std::swap(tenant[i - 1], tenant[static_cast<size_t>(dice.Below(static_cast<int64_t>(i)))]);
  if (!options.limits && !options.cohorts) script.Tenant(2000000, kPlenty / kGpu, 0);  // lends, and wants nothing
  const int64_t share = std::max<int64_t>(2, 2 * all / static_cast<int64_t>(tenant.size()));
  for (const int32_t one : tenant) {
    script.workload().quotas.push_back(MakeQuota(options, one, share, &dice));
  }

  std::set<JobId> ids;
  Time now = 0;
  // As much work arrives as the cluster can do, or twice or four times as much.
  const Time between = std::max<Time>(1, 60 / std::max<int64_t>(1, all) / (Time{1} << dice.Below(3)));
  for (int i = 0; i < options.jobs; ++i) {
    if (!dice.OneIn(3)) now += dice.Between(0, 4 * between);  // several at an instant
    TrueJob& truth = script.Add(now, tenant[static_cast<size_t>(dice.Below(static_cast<int64_t>(tenant.size())))],
                                !options.sizes  ? 1
                                : dice.OneIn(4) ? dice.Between(1, largest)
                                                : dice.Between(1, std::min<int64_t>(2, largest)),
                                dice.OneIn(4) ? dice.Between(1, 100) : dice.Between(1, 20));
    Job& job = truth.job;
    do job.id = static_cast<JobId>(dice.Between(1, 999));
    while (!ids.insert(job.id).second);
    if (!options.sizes) job.id = i + 1;
    if (options.gangs && dice.OneIn(3)) job.members = static_cast<int32_t>(dice.Between(2, 5));
    if (options.fractions && dice.OneIn(2)) job.demand.gpu_milli = dice.Between(1, 8) * 125;
    if (options.resources) {
      job.demand.cpu_milli = dice.Between(0, 3) * kGpu;
      job.demand.memory_mib = dice.Between(0, 4) * kGib;
      if (dice.OneIn(8)) job.demand.gpu_milli = 0;
    }
    if (options.priorities) job.priority = static_cast<int32_t>(dice.Between(-1, 2));
    if (options.kills) {
      job.estimate = dice.OneIn(6)   ? std::max<Time>(1, truth.duration - dice.Between(1, 10))
                     : dice.OneIn(2) ? truth.duration + dice.Between(0, 30)
                                     : truth.duration;
    } else if (dice.OneIn(4)) {
      job.estimate = kUnknown;
    }
    if (options.failures && dice.OneIn(5)) {
      for (int64_t failures = dice.Between(1, 2); failures > 0; --failures) {
        truth.failures.push_back(dice.Between(1, truth.duration));
      }
    }
    if (options.failures || options.reclaim || options.nodes) {
      job.checkpoint_interval = dice.OneIn(2) ? 0 : dice.Between(1, 10);
      job.restart_cost = dice.OneIn(2) ? 0 : dice.Between(1, 5);
    }
    if (options.pinned && dice.OneIn(5)) job.preemptible = false;
  }

  if (options.nodes) {
    std::vector<bool> up(static_cast<size_t>(nodes), true);
    for (Time at = 0; at < now;) {
      at += dice.Between(1, std::max<Time>(2, now / 6));
      const size_t node = static_cast<size_t>(dice.Below(nodes));
      up[node] = !up[node];
      script.Node(at, static_cast<int32_t>(node), up[node]);
    }
    for (size_t node = 0; node < up.size(); ++node) {
      if (!up[node]) script.Node(now * 2 + 200, static_cast<int32_t>(node), true);
    }
  }
  if (options.changes) {
    for (Time at = 0; at < now;) {
      at += dice.Between(1, std::max<Time>(2, now / 4));
      script.Change(at, MakeQuota(options, tenant[static_cast<size_t>(dice.Below(static_cast<int64_t>(tenant.size())))],
                                  share, &dice));
    }
  }
  script.rules().reclaim = options.reclaim;
  script.rules().judge_victims = options.judge_victims;
  script.rules().backfill_depth = options.backfill_depth;
  script.workload().kill_at_estimate = options.kills;
  if (options.ticks && dice.OneIn(3)) script.workload().tick = dice.Between(3, 20);
  // A job that is larger than its tenant's limits waits for ever.
  script.workload().end = now * 3 + 1000;
  return script.Case();
}

}  // namespace q07
