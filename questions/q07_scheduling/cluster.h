// The simulator's inside: the cluster's state, what happens to it, and what a scheduler does to it. simulator.h has the
// way in.
#ifndef QUESTIONS_Q07_SCHEDULING_CLUSTER_H_
#define QUESTIONS_Q07_SCHEDULING_CLUSTER_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <queue>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "questions/q07_scheduling/simulator.h"

namespace q07 {

inline constexpr Time kNever = std::numeric_limits<Time>::max();

inline void Take(const Resources& demand, Resources* free) {
  free->gpu_milli -= demand.gpu_milli;
  free->cpu_milli -= demand.cpu_milli;
  free->memory_mib -= demand.memory_mib;
}

inline void GiveBack(const Resources& demand, Resources* free) {
  free->gpu_milli += demand.gpu_milli;
  free->cpu_milli += demand.cpu_milli;
  free->memory_mib += demand.memory_mib;
}

class Cluster : public ClusterState, public Actions {
 public:
  Cluster(const Workload& workload, PolicyJudge* judge, bool record, bool timed,
          void (*set_quota)(Scheduler*, const Quota&));

  SimulationResult Simulate(Scheduler& scheduler);
  void Break(const std::string& rule, JobId job, const std::string& message);
  bool broken() const { return result_.broken; }

  // Actions
  bool Start(JobId job, std::span<const int32_t> nodes) override;
  bool Preempt(JobId job) override;
  bool Reserve(JobId job, Time at) override;

  // ClusterState
  Time now() const override { return now_; }
  const Workload& workload() const override { return workload_; }
  const std::vector<LiveJob>& jobs() const override { return jobs_; }
  std::vector<int32_t> Queued() const override;
  std::vector<int32_t> Running() const override;
  const std::vector<Resources>& free() const override { return free_; }
  const std::vector<bool>& up() const override { return up_; }
  const std::vector<Quota>& quotas() const override { return quotas_; }
  int32_t IndexOf(JobId id) const override;

 private:
  // When a run ends unless it is stopped before. A later start of the same job makes it void.
  struct End {
    Time at;
    JobId id;
    int32_t index;
    int32_t start;
    StopReason reason;
    bool operator>(const End& other) const { return std::tie(at, id) > std::tie(other.at, other.id); }
  };
  struct Promise {
    Time at;
    int32_t index;
    bool operator>(const Promise& other) const { return std::tie(at, index) > std::tie(other.at, other.index); }
  };

  LiveJob& live(int32_t index) { return jobs_[static_cast<size_t>(index)]; }
  const LiveJob& live(int32_t index) const { return jobs_[static_cast<size_t>(index)]; }
  const Job& job(int32_t index) const { return live(index).truth->job; }

  // Calls the scheduler; on the clock if decisions are timed.
  template <typename Call>
  void Tell(Call call);
  Time NextInstant();
  void TellEvents();
  void Submit(int32_t index);
  void Stop(int32_t index, StopReason reason);
  void ChangeNode(const NodeChange& change);
  void ChangeQuota(const QuotaChange& change);
  void VoidPromises();
  // False if a promise for `before` or earlier has not been kept.
  bool CheckPromises(Time before);
  void Decide();
  void Queue(int32_t index);
  bool CheckStart(JobId id, int32_t index, std::span<const int32_t> nodes);
  bool MayAct(JobId job);
  bool Judge(bool (PolicyJudge::*function)(const ClusterState&, const Action&, Violation*), const Action& action);
  void Record(Action action);
  void Finish();

  const Workload& workload_;
  PolicyJudge* judge_;
  bool record_, timed_;
  void (*set_quota_)(Scheduler*, const Quota&);
  Scheduler* scheduler_ = nullptr;

  Time now_ = 0;
  bool told_ = false;  // something happened at this instant
  bool deciding_ = false;
  int idle_ticks_ = 0;
  int64_t told_ns_ = 0;
  size_t next_submit_ = 0, next_node_ = 0, next_quota_ = 0;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
  std::priority_queue<Promise, std::vector<Promise>, std::greater<>> promises_;

  std::vector<LiveJob> jobs_;
  std::vector<size_t> failures_;  // that have happened, of each job
  std::unordered_map<JobId, int32_t> index_;
  std::vector<Resources> free_;
  std::vector<bool> up_;
  std::vector<Quota> quotas_;
  std::vector<std::vector<int32_t>> on_node_;  // jobs, once for each member; only where nodes change
  int64_t queued_ = 0, running_ = 0;
  int64_t actions_ = 0;

  // For judges: jobs by place in the order of submission, and by start.
  std::vector<int32_t> place_, by_place_;
  std::set<int32_t> queued_places_;
  std::set<std::tuple<Time, int32_t>> running_places_;

  SimulationResult result_;
};

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_CLUSTER_H_
