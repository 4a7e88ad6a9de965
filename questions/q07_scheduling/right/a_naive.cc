// Odd but right: the running jobs are in no order, and looked through at every Decide, as their keys are at that time.
// The queued ones are in classes of jobs that differ in submission alone; the most urgent is one of the classes' first.
// Places are found by trying, in a list of who is to run from when to when.
#include <algorithm>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "questions/q07_scheduling/api.h"

namespace q07 {
namespace {

constexpr Time kNever = INT64_MAX;

Time Sum(Time a, Time b) { return a > kNever - b ? kNever : a + b; }

struct Entry {
  Job job;
  bool runs = false;
  Time started = 0;
  Time before = 0;  // run time of its earlier runs
  Time place = kUnknown;

  int64_t gpu() const { return job.demand.gpu_milli; }
  // Of one that has run for `ran`.
  Time Expected(Time estimate, Time ran) const {
    if (job.estimate == kUnknown) return kNever;
    while (ran >= estimate) estimate = Sum(estimate, estimate);
    return estimate;
  }
  Time End(Time now) const { return Sum(started, Expected(job.estimate, now - started)); }
};

using Order = std::vector<Entry*>;

class Naive final : public Scheduler {
 public:
  Naive(const ClusterConfig& cluster, const PolicyConfig& config)
      : capacity_(cluster.nodes.empty() ? 0 : cluster.nodes[0].capacity.gpu_milli),
        promises_(cluster.kill_at_estimate),
        config_(config),
        thresholds_(config.thresholds.begin(), config.thresholds.end()) {}

  void OnSubmit(const Job& job) override {
    Entry& entry = entries_[job.id];
    entry.job = job;
    least_ = std::min(least_, entry.gpu());
    Enqueue(&entry);
  }

  void OnStop(JobId job, StopReason reason, Time ran) override {
    Entry& entry = entries_.at(job);
    running_.erase(job);
    entry.runs = false;
    entry.before += ran;
    entry.place = kUnknown;
    if (reason == StopReason::kFinished || reason == StopReason::kKilled) {
      entries_.erase(job);
      return;
    }
    Enqueue(&entry);
    if (reason != StopReason::kFailed) return;
    for (auto& [id, other] : entries_) other.place = kUnknown;
  }

  void OnNode(int32_t, bool) override {}

  void Decide(Time now, Actions& actions) override {
    now_ = now;
    actions_ = &actions;
    switch (config_.policy) {
      case Policy::kFifo:
      case Policy::kSjf:
      case Policy::kPriority:
        StartInOrder();
        break;
      case Policy::kSrtf:
      case Policy::kLeastAttained:
        RunTheFirst();
        break;
      case Policy::kEasy:
        Easy();
        break;
      case Policy::kConservative:
        Conservative();
        break;
    }
  }

 private:
  // By which a job is ordered now; of a queued job that is its class, which stays as it is while it is queued, but for
  // kPriority.
  int64_t KeyOf(const Entry& entry) const {
    const Time ran = entry.before + (entry.runs ? now_ - entry.started : 0);
    switch (config_.policy) {
      case Policy::kSjf:
        return entry.Expected(entry.job.estimate, 0);
      case Policy::kPriority:
        return -int64_t{entry.job.priority};
      case Policy::kSrtf: {
        const Time expected = entry.Expected(entry.job.estimate, ran);
        return expected == kNever ? kNever : expected - ran;
      }
      case Policy::kLeastAttained:
        return std::count_if(thresholds_.begin(), thresholds_.end(),
                             [&](int64_t threshold) { return threshold <= entry.gpu() * ran; });
      default:
        return 0;
    }
  }

  using Key = std::tuple<int64_t, Time, JobId>;
  Key FullKeyOf(const Entry& entry) const { return {KeyOf(entry), entry.job.submit, entry.job.id}; }

  void Enqueue(Entry* entry) { queued_[KeyOf(*entry)][{entry->job.submit, entry->job.id}] = entry; }

  void Start(Entry* entry) {
    const auto of_class = queued_.find(KeyOf(*entry));
    of_class->second.erase({entry->job.submit, entry->job.id});
    if (of_class->second.empty()) queued_.erase(of_class);
    entry->runs = true;
    entry->started = now_;
    running_[entry->job.id] = entry;
    actions_->Start(entry->job.id);
  }

  // The first `most` of the queue, but for kPriority.
  Order First(size_t most) const {
    Order order;
    for (const auto& [key, jobs] : queued_) {
      for (auto job = jobs.begin(); job != jobs.end() && order.size() < most; ++job) order.push_back(job->second);
      if (order.size() == most) break;
    }
    return order;
  }

  Entry* MostUrgent() const {
    Entry* best = nullptr;
    Key least;
    for (const auto& [key, jobs] : queued_) {
      Entry* const first = jobs.begin()->second;
      const Time interval = config_.policy == Policy::kPriority ? config_.ageing_interval : 0;
      const Time age = interval == 0 ? 0 : (now_ - first->job.submit) / interval;
      const Key aged = {key - age, first->job.submit, first->job.id};
      if (best == nullptr || aged < least) best = first, least = aged;
      if (config_.policy != Policy::kPriority) break;
    }
    return best;
  }

  int64_t Free() const {
    int64_t free = capacity_;
    for (const auto& [id, entry] : running_) free -= entry->gpu();
    return free;
  }

  void StartInOrder() {
    for (Entry* entry; (entry = MostUrgent()) != nullptr && entry->gpu() <= Free();) Start(entry);
  }

  void RunTheFirst() {
    std::map<Key, Entry*> running;
    for (const auto& [id, entry] : running_) running[FullKeyOf(*entry)] = entry;
    int64_t left = capacity_;
    Order stops, starts;
    const auto take = [&](Entry* entry) {
      const bool fits = entry->gpu() <= left;
      if (fits) left -= entry->gpu();
      if (fits && !entry->runs) starts.push_back(entry);
      if (!fits && entry->runs) stops.push_back(entry);
    };
    auto next = running.begin();
    for (const auto& [key, jobs] : queued_) {
      for (const auto& [submission, entry] : jobs) {
        for (; next != running.end() && next->first < FullKeyOf(*entry); ++next) take(next->second);
        if (left < least_) break;  // nobody else fits
        take(entry);
      }
      if (left < least_) break;
    }
    for (; next != running.end(); ++next) take(next->second);
    for (const Entry* entry : stops) actions_->Preempt(entry->job.id);
    for (Entry* entry : starts) Start(entry);
  }

  void Easy() {
    StartInOrder();
    const Order queue = First(static_cast<size_t>(std::max(config_.backfill_depth, 0)) + 1);
    if (queue.empty()) return;
    Entry* const head = queue.front();
    const auto free_at = [&](Time time) {
      int64_t free = capacity_;
      for (const auto& [id, entry] : running_) free -= entry->End(now_) > time ? entry->gpu() : 0;
      return free;
    };
    std::vector<Time> ends;
    for (const auto& [id, entry] : running_) ends.push_back(entry->End(now_));
    std::sort(ends.begin(), ends.end());
    const auto fits = [&](Time time) { return free_at(time) >= head->gpu(); };
    const auto first = std::partition_point(ends.begin(), ends.end(), [&](Time time) { return !fits(time); });
    const Time shadow = first == ends.end() ? kNever : *first;
    int64_t extra = free_at(shadow) - head->gpu(), free = Free();
    for (size_t i = 1; i < queue.size(); ++i) {
      const bool ends_before = Sum(now_, queue[i]->Expected(queue[i]->job.estimate, 0)) <= shadow;
      if (queue[i]->gpu() > free || (!ends_before && queue[i]->gpu() > extra)) continue;
      free -= queue[i]->gpu();
      if (!ends_before) extra -= queue[i]->gpu();
      Start(queue[i]);
    }
    if (promises_ && shadow != kNever) actions_->Reserve(head->job.id, shadow);
  }

  struct Use {
    Time from, to;
    int64_t gpu;
  };

  // The first time, now or the end of a use, from which on there is room for the whole estimate.
  Time Place(const Entry& entry, const std::map<JobId, Use>& uses) const {
    const Time length = entry.Expected(entry.job.estimate, 0);
    std::map<Time, int64_t> change;
    change[now_] = 0;
    for (const auto& [id, use] : uses) {
      change[use.from] += use.gpu;
      change[use.to] -= use.gpu;
    }
    Time start = kNever;
    int64_t used = 0;
    for (const auto& [time, more] : change) {
      if (start != kNever && time >= Sum(start, length)) break;
      used += more;
      if (used + entry.gpu() > capacity_) {
        start = kNever;
      } else if (start == kNever) {
        start = time;
      }
    }
    return start;
  }

  void Conservative() {
    std::map<JobId, Use> uses;
    for (auto& [id, entry] : entries_) {
      if (!promises_) entry.place = kUnknown;
      const Time length = entry.Expected(entry.job.estimate, 0);
      if (entry.runs) uses[id] = {now_, entry.End(now_), entry.gpu()};
      if (!entry.runs && entry.place >= 0) uses[id] = {entry.place, Sum(entry.place, length), entry.gpu()};
    }
    const Order queue = First(entries_.size());
    for (bool changed = true; changed;) {
      changed = false;
      for (Entry* entry : queue) {
        uses.erase(entry->job.id);
        const Time place = Place(*entry, uses);
        changed |= place != entry->place;
        entry->place = place;
        uses[entry->job.id] = {place, Sum(place, entry->Expected(entry->job.estimate, 0)), entry->gpu()};
      }
    }
    for (Entry* entry : queue) {
      if (entry->place == now_) {
        Start(entry);
      } else if (promises_) {
        actions_->Reserve(entry->job.id, entry->place);
      }
    }
  }

  const int64_t capacity_;
  const bool promises_;
  const PolicyConfig config_;
  const std::vector<int64_t> thresholds_;
  std::map<JobId, Entry> entries_;
  std::map<JobId, Entry*> running_;
  std::map<int64_t, std::map<std::pair<Time, JobId>, Entry*>> queued_;
  int64_t least_ = INT64_MAX;  // that any job has asked for
  Time now_ = 0;
  Actions* actions_ = nullptr;
};

}  // namespace
}  // namespace q07

extern "C" q07::Scheduler* q07_policy_create(const q07::ClusterConfig& cluster, const q07::PolicyConfig& config) {
  if (config.policy < q07::Policy::kFifo || config.policy > q07::Policy::kConservative) return nullptr;
  for (size_t i = 1; i < config.thresholds.size(); ++i) {
    if (config.thresholds[i - 1] >= config.thresholds[i]) return nullptr;
  }
  return new q07::Naive(cluster, config);
}
