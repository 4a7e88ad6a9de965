// Q7 part C: whose turn it is. The contract is in questions/q07_scheduling/sharing_api.h: read what a share is, what
// startable means, and what each of the three steps of a Decide owes to whom.
//
// A way to go about it:
//   1. What each tenant and each node holds, given back whatever the reason for which a job stops.
//   2. Filling, with one member a job: the shares, the limits of tenants and cohorts, the order in a tenant's queue.
//   3. Gangs: all members or none. Nodes that go and come.
//   4. Reclaim: who may be a victim, in which order, and which of those found are not needed after all.
//   5. The reservation: for whom, and for when; then everything that may not make it later, and the walk.
//   6. Ten thousand nodes and a long queue: what costs O(nodes) or O(queue) at every Decide?
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "questions/q07_scheduling/sharing_api.h"

using q07::Actions;
using q07::Job;
using q07::JobId;
using q07::Scheduler;
using q07::StopReason;
using q07::Time;

namespace {

// This start knows no tenants: one job runs at a time, in the order in which they come, all its members on node 0.
class OneByOne : public Scheduler {
 public:
  void OnSubmit(const Job& job) override { queue_.emplace_back(job.id, job.members); }

  void OnStop(JobId, StopReason reason, Time) override {
    if (reason != StopReason::kFinished && reason != StopReason::kKilled) queue_.push_back(running_);
    running_ = {};
  }

  void OnNode(int32_t, bool) override {}

  void Decide(Time, Actions& actions) override {
    if (running_.second > 0 || queue_.empty()) return;
    running_ = queue_.front();
    queue_.pop_front();
    actions.Start(running_.first, std::vector<int32_t>(static_cast<size_t>(running_.second), 0));
  }

 private:
  std::deque<std::pair<JobId, int32_t>> queue_;  // with the number of members
  std::pair<JobId, int32_t> running_;            // no members: nobody
};

}  // namespace

extern "C" q07::Scheduler* q07_sharing_create(const q07::ClusterConfig& cluster, const q07::SharingConfig& config) {
  (void)cluster;
  (void)config;
  return new OneByOne;
}

extern "C" void q07_sharing_set_quota(q07::Scheduler* scheduler, const q07::Quota& quota) {
  (void)scheduler;
  (void)quota;
}
