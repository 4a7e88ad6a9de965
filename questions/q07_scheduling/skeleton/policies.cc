// Q7 part A: which job next. The contract is in questions/q07_scheduling/api.h: read there what each policy wants, what
// "in order" means, and what an estimate is worth when it has passed.
//
// A way to go about it:
//   1. kFifo: jobs queue, run and come back; what is free is yours to count.
//   2. kSjf, then kPriority: another order, the same walk. Which job is the most urgent changes with time: when?
//   3. kSrtf and kLeastAttained: the set of jobs that should run, and only then who is preempted and who starts.
//   4. kEasy: the head's shadow time and the extra GPUs, then the walk; then the promise.
//   5. kConservative: free GPUs as a function of time, and the places in it. When may a place be moved?
//   6. A queue of a hundred thousand jobs: what costs O(n) at every Decide?
#include <cstdint>
#include <deque>

#include "questions/q07_scheduling/api.h"

using q07::Actions;
using q07::Job;
using q07::JobId;
using q07::Scheduler;
using q07::StopReason;
using q07::Time;

namespace {

// This start runs one job at a time, in the order in which they come, whatever the policy.
class OneByOne : public Scheduler {
 public:
  void OnSubmit(const Job& job) override { queue_.push_back(job.id); }

  void OnStop(JobId job, StopReason reason, Time) override {
    running_ = false;
    if (reason != StopReason::kFinished && reason != StopReason::kKilled) queue_.push_back(job);
  }

  void OnNode(int32_t, bool) override {}

  void Decide(Time, Actions& actions) override {
    if (running_ || queue_.empty()) return;
    const JobId job = queue_.front();
    queue_.pop_front();
    running_ = true;
    actions.Start(job);
  }

 private:
  std::deque<JobId> queue_;
  bool running_ = false;
};

}  // namespace

extern "C" q07::Scheduler* q07_policy_create(const q07::ClusterConfig& cluster, const q07::PolicyConfig& config) {
  (void)cluster;
  (void)config;
  return new OneByOne;
}
