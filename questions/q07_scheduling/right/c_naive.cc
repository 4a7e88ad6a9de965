// Odd but right: keeps what nodes have free and tenants use, and works everything else out anew at every step.
// Members go on the highest nodes; the reservation's time is looked for again in every Decide.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "questions/q07_scheduling/sharing_api.h"

namespace q07 {
namespace {

constexpr Time kNever = INT64_MAX;

int64_t Sum(int64_t a, int64_t b) { return b > 0 && a > INT64_MAX - b ? INT64_MAX : a + b; }

void Add(const Resources& what, int64_t times, Resources* to) {
  to->gpu_milli = Sum(to->gpu_milli, what.gpu_milli * times);
  to->cpu_milli = Sum(to->cpu_milli, what.cpu_milli * times);
  to->memory_mib = Sum(to->memory_mib, what.memory_mib * times);
}

bool Within(const Resources& a, const Resources& b) {
  return a.gpu_milli <= b.gpu_milli && a.cpu_milli <= b.cpu_milli && a.memory_mib <= b.memory_mib;
}

int64_t Places(const Resources& room, const Resources& demand) {
  int64_t places = INT32_MAX;
  if (demand.gpu_milli > 0) places = std::min(places, room.gpu_milli / demand.gpu_milli);
  if (demand.cpu_milli > 0) places = std::min(places, room.cpu_milli / demand.cpu_milli);
  if (demand.memory_mib > 0) places = std::min(places, room.memory_mib / demand.memory_mib);
  return std::max<int64_t>(places, 0);
}

struct Entry {
  Job job;
  std::vector<int32_t> nodes;  // empty: queued
  Time started = 0;
  Time preempted = kUnknown;

  bool runs() const { return !nodes.empty(); }
  Time End(Time now) const { return job.estimate == kUnknown ? kNever : Sum(runs() ? started : now, job.estimate); }
};

using Order = std::vector<Entry*>;
using Room = std::vector<Resources>;

class Naive final : public Scheduler {
 public:
  Naive(const ClusterConfig& cluster, const SharingConfig& config)
      : config_(config), backfills_(cluster.kill_at_estimate && config.backfill_depth > 0) {
    free_.resize(cluster.nodes.size());
    up_.assign(cluster.nodes.size(), true);
    for (const Node& node : cluster.nodes) {
      free_[static_cast<size_t>(node.id)] = node.capacity;
      Add(node.capacity, 1, &capacity_);
    }
    for (const Quota& quota : config.quotas) quotas_[quota.tenant] = quota;
  }

  void SetQuota(const Quota& quota) {
    quotas_[quota.tenant] = quota;
    reserved_ = nullptr;
  }

  void OnSubmit(const Job& job) override { entries_[job.id].job = job; }

  void OnStop(JobId job, StopReason reason, Time ran) override {
    Entry& entry = entries_.at(job);
    Drop(&entry);
    if (reason == StopReason::kPreempted) entry.preempted = entry.started + ran;
    if (reason == StopReason::kFailed || reason == StopReason::kNodeLost) reserved_ = nullptr;
    if (reason == StopReason::kFinished || reason == StopReason::kKilled) entries_.erase(job);
  }

  void OnNode(int32_t node, bool up) override {
    up_[static_cast<size_t>(node)] = up;
    if (!up) reserved_ = nullptr;
  }

  void Decide(Time now, Actions& actions) override {
    now_ = now;
    actions_ = &actions;
    do {
      if (reserved_ != nullptr) promise_ = std::min(promise_, Earliest(*reserved_));
      while (StartOne()) {
      }
    } while (config_.reclaim && Reclaim());
    if (backfills_) Backfill();
  }

 private:
  // ---- Tenants

  Resources Used(int32_t tenant, Time at) const {
    const auto now = used_.find(tenant);
    Resources used = now == used_.end() ? Resources() : now->second;
    for (const Entry* entry : running_) {
      if (at == kUnknown) break;
      if (entry->job.tenant == tenant && !Counts(*entry, at)) Add(entry->job.demand, -entry->job.members, &used);
    }
    return used;
  }

  // Whether a running job runs at that time; kUnknown: now.
  bool Counts(const Entry& entry, Time at) const { return at == kUnknown || entry.End(now_) > at; }

  // With `more` of the job's tenant's jobs besides.
  bool IsWithinLimits(const Job& job, Time at, const Entry* more = nullptr) const {
    const Quota& quota = quotas_.at(job.tenant);
    Resources limit = quota.quota, used = Used(job.tenant, at), of_all, all_used;
    Add(job.demand, job.members, &used);
    if (more != nullptr && more->job.tenant == job.tenant) Add(more->job.demand, more->job.members, &used);
    if (quota.cohort == -1) return Within(used, limit);
    Add(quota.borrowing_limit, 1, &limit);
    if (!Within(used, limit)) return false;
    Add(job.demand, job.members, &all_used);
    for (const auto& [tenant, other] : quotas_) {
      if (other.cohort != quota.cohort) continue;
      Add(other.quota, 1, &of_all);
      Add(Used(tenant, at), 1, &all_used);
      if (more != nullptr && more->job.tenant == tenant) Add(more->job.demand, more->job.members, &all_used);
    }
    return Within(all_used, of_all);
  }

  bool IsAboveQuota(int32_t tenant) const { return !Within(Used(tenant, kUnknown), quotas_.at(tenant).quota); }

  // Ordered by shares. Fair shares are compared as fractions, by whole parts and then by the parts' remainders.
  bool IsBefore(const Quota& a, const Resources& a_used, const Quota& b, const Resources& b_used) const {
    if (config_.sharing == Sharing::kFairShare) {
      const int64_t a_quota = a.quota.gpu_milli, b_quota = b.quota.gpu_milli;
      if (a_quota == 0 || b_quota == 0) return a_quota != 0 || (b_quota == 0 && a.tenant < b.tenant);
      const __int128 left = static_cast<__int128>(a_used.gpu_milli) * b_quota;
      const __int128 right = static_cast<__int128>(b_used.gpu_milli) * a_quota;
      return left != right ? left < right : a.tenant < b.tenant;
    }
    const double left = Dominant(a, a_used), right = Dominant(b, b_used);
    return left != right ? left < right : a.tenant < b.tenant;
  }

  double Dominant(const Quota& quota, const Resources& used) const {
    if (quota.weight == 0) return INFINITY;
    double share = 0;
    for (const auto each : {&Resources::gpu_milli, &Resources::cpu_milli, &Resources::memory_mib}) {
      if (capacity_.*each == 0) continue;
      share = std::max(share, static_cast<double>(used.*each) / static_cast<double>(capacity_.*each));
    }
    return share / quota.weight;
  }

  // The tenants' first jobs, by the tenants' shares.
  Order FirstJobs() {
    std::map<int32_t, Entry*> first;
    for (auto& [id, entry] : entries_) {
      if (entry.runs()) continue;
      Entry*& best = first[entry.job.tenant];
      const auto key = [](const Job& job) { return std::tuple(-int64_t{job.priority}, job.submit, job.id); };
      if (best == nullptr || key(entry.job) < key(best->job)) best = &entry;
    }
    Order order;
    for (const auto& [tenant, entry] : first) order.push_back(entry);
    std::sort(order.begin(), order.end(), [&](Entry* a, Entry* b) {
      return IsBefore(quotas_.at(a->job.tenant), used_[a->job.tenant], quotas_.at(b->job.tenant), used_[b->job.tenant]);
    });
    return order;
  }

  // ---- Nodes

  Room RoomAt(Time at) const {
    Room room = free_;
    for (const Entry* entry : running_) {
      if (Counts(*entry, at)) continue;
      for (const int32_t node : entry->nodes) Add(entry->job.demand, 1, &room[static_cast<size_t>(node)]);
    }
    return room;
  }

  int64_t AllPlaces(const Room& room, const Job& job) const {
    int64_t places = 0;
    for (size_t node = 0; node < room.size(); ++node) places += up_[node] ? Places(room[node], job.demand) : 0;
    return places;
  }

  Time Earliest(const Entry& entry) const {
    std::vector<Time> ends = {now_};
    for (const Entry* other : running_) ends.push_back(other->End(now_));
    std::sort(ends.begin(), ends.end());
    // Once it fits it goes on fitting: nothing but ends follows.
    const auto first = std::partition_point(ends.begin(), ends.end(), [&](Time at) {
      return AllPlaces(RoomAt(at), entry.job) < entry.job.members || !IsWithinLimits(entry.job, at);
    });
    return first == ends.end() ? kNever : *first;
  }

  bool ChooseHighest(const Job& job, std::vector<int32_t>* nodes) const {
    nodes->clear();
    for (size_t node = free_.size(); node-- > 0;) {
      if (!up_[node]) continue;
      for (int64_t places = Places(free_[node], job.demand); places > 0; --places) {
        nodes->push_back(static_cast<int32_t>(node));
        if (std::ssize(*nodes) == job.members) return true;
      }
    }
    return false;
  }

  // One member after the other, where it takes the fewest places from the reserved job.
  bool ChooseSparingly(const Job& job, std::vector<int32_t>* nodes) const {
    Room now = free_, then = RoomAt(promise_);
    int64_t spare = AllPlaces(then, reserved_->job) - reserved_->job.members;
    nodes->clear();
    for (int32_t member = 0; member < job.members; ++member) {
      size_t best = now.size();
      int64_t least = INT64_MAX;
      for (size_t node = 0; node < now.size() && least > 0; ++node) {
        if (!up_[node] || !Within(job.demand, now[node])) continue;
        Resources room = then[node];
        Add(job.demand, -1, &room);
        const int64_t costs = Places(then[node], reserved_->job.demand) - Places(room, reserved_->job.demand);
        if (costs < least) best = node, least = costs;
      }
      if (best == now.size() || least > spare) return false;
      spare -= least;
      Add(job.demand, -1, &now[best]);
      Add(job.demand, -1, &then[best]);
      nodes->push_back(static_cast<int32_t>(best));
    }
    return true;
  }

  bool IsStartable(const Entry& entry, std::vector<int32_t>* nodes) const {
    if (entry.preempted == now_ || !IsWithinLimits(entry.job, kUnknown)) return false;
    if (!ChooseHighest(entry.job, nodes)) return false;
    if (reserved_ == nullptr || reserved_ == &entry || entry.End(now_) <= promise_) return true;
    return IsWithinLimits(reserved_->job, promise_, &entry) && ChooseSparingly(entry.job, nodes);
  }

  void Hold(Entry* entry, const std::vector<int32_t>& nodes) {
    for (const int32_t node : nodes) Add(entry->job.demand, -1, &free_[static_cast<size_t>(node)]);
    entry->nodes = nodes;
    Add(entry->job.demand, entry->job.members, &used_[entry->job.tenant]);
    running_.push_back(entry);
  }

  std::vector<int32_t> Drop(Entry* entry) {
    for (const int32_t node : entry->nodes) Add(entry->job.demand, 1, &free_[static_cast<size_t>(node)]);
    Add(entry->job.demand, -entry->job.members, &used_[entry->job.tenant]);
    running_.erase(std::find(running_.begin(), running_.end(), entry));
    return std::exchange(entry->nodes, {});
  }

  bool TryStart(Entry* entry) {
    std::vector<int32_t> nodes;
    if (!IsStartable(*entry, &nodes)) return false;
    entry->started = now_;
    Hold(entry, nodes);
    if (entry == reserved_) reserved_ = nullptr;
    actions_->Start(entry->job.id, nodes);
    return true;
  }

  // ---- The three steps

  bool StartOne() {
    for (Entry* first : FirstJobs()) {
      if (reserved_ != nullptr && reserved_->job.tenant == first->job.tenant && TryStart(reserved_)) return true;
      if (TryStart(first)) return true;
    }
    return false;
  }

  bool Reclaim() {
    for (Entry* first : FirstJobs()) {
      const Quota& quota = quotas_.at(first->job.tenant);
      Resources used = Used(first->job.tenant, kUnknown);
      Add(first->job.demand, first->job.members, &used);
      if (quota.cohort == -1 || !Within(used, quota.quota)) continue;
      const Order victims = Victims(*first);
      if (victims.empty()) continue;
      for (const Entry* victim : victims) actions_->Preempt(victim->job.id);
      return TryStart(first);
    }
    return false;
  }

  Order Victims(const Entry& claimant) {
    Order candidates, victims;
    const int32_t cohort = quotas_.at(claimant.job.tenant).cohort;
    for (auto& [id, entry] : entries_) {
      const Job& job = entry.job;
      if (entry.runs() && entry.started != now_ && job.preemptible && job.tenant != claimant.job.tenant &&
          quotas_.at(job.tenant).cohort == cohort) {
        candidates.push_back(&entry);
      }
    }
    std::sort(candidates.begin(), candidates.end(), [](Entry* a, Entry* b) {
      return std::tuple(a->job.priority, -a->started, -a->job.id) <
             std::tuple(b->job.priority, -b->started, -b->job.id);
    });
    std::vector<int32_t> nodes;
    std::map<Entry*, std::vector<int32_t>> stopped;
    bool helps = false;
    for (size_t i = 0; i < candidates.size() && !helps; ++i) {
      if (!IsAboveQuota(candidates[i]->job.tenant)) continue;
      stopped[candidates[i]] = Drop(candidates[i]);
      victims.push_back(candidates[i]);
      helps = IsStartable(claimant, &nodes);
    }
    for (size_t i = victims.size(); helps && i-- > 0;) {  // the most deserving is spared first
      Hold(victims[i], stopped[victims[i]]);
      if (IsStartable(claimant, &nodes)) {
        stopped.erase(victims[i]);
        victims.erase(victims.begin() + static_cast<int64_t>(i));
      } else {
        Drop(victims[i]);
      }
    }
    for (auto& [entry, of] : stopped) Hold(entry, of);
    return helps ? victims : Order();
  }

  void Backfill() {
    Order queue;
    for (auto& [id, entry] : entries_) {
      if (!entry.runs()) queue.push_back(&entry);
    }
    std::sort(queue.begin(), queue.end(), [](Entry* a, Entry* b) {
      return std::pair(a->job.submit, a->job.id) < std::pair(b->job.submit, b->job.id);
    });
    if (std::ssize(queue) > config_.backfill_depth) queue.resize(static_cast<size_t>(config_.backfill_depth));
    if (reserved_ == nullptr) {
      std::vector<int32_t> nodes;
      for (Entry* first : FirstJobs()) {
        if (!IsWithinLimits(first->job, kUnknown) || ChooseHighest(first->job, &nodes)) continue;
        promise_ = Earliest(*first);
        if (promise_ == kNever) continue;
        reserved_ = first;
        break;
      }
    }
    if (reserved_ != nullptr) actions_->Reserve(reserved_->job.id, promise_);
    for (Entry* entry : queue) TryStart(entry);
  }

  const SharingConfig config_;
  const bool backfills_;
  Room free_;
  std::vector<bool> up_;
  Resources capacity_;
  std::map<int32_t, Quota> quotas_;
  std::map<JobId, Entry> entries_;
  std::vector<Entry*> running_;
  std::map<int32_t, Resources> used_;
  Entry* reserved_ = nullptr;
  Time promise_ = 0;
  Time now_ = 0;
  Actions* actions_ = nullptr;
};

bool IsSound(const Quota& quota) {
  for (const Resources& each : {quota.quota, quota.borrowing_limit}) {
    if (each.gpu_milli < 0 || each.cpu_milli < 0 || each.memory_mib < 0) return false;
  }
  return quota.tenant >= 0 && quota.cohort >= -1 && std::isfinite(quota.weight) && quota.weight >= 0;
}

}  // namespace
}  // namespace q07

extern "C" q07::Scheduler* q07_sharing_create(const q07::ClusterConfig& cluster, const q07::SharingConfig& config) {
  if (config.sharing != q07::Sharing::kFairShare && config.sharing != q07::Sharing::kDominant) return nullptr;
  std::map<int32_t, int> times;
  for (const q07::Quota& quota : config.quotas) {
    if (!q07::IsSound(quota) || ++times[quota.tenant] > 1) return nullptr;
  }
  return new q07::Naive(cluster, config);
}

extern "C" void q07_sharing_set_quota(q07::Scheduler* scheduler, const q07::Quota& quota) {
  static_cast<q07::Naive*>(scheduler)->SetQuota(quota);
}
