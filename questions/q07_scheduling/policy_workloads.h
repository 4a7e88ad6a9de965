// Workloads of part A: from a seed alone.
#ifndef QUESTIONS_Q07_SCHEDULING_POLICY_WORKLOADS_H_
#define QUESTIONS_Q07_SCHEDULING_POLICY_WORKLOADS_H_

#include <cstdint>
#include <vector>

#include "questions/q07_scheduling/policy_case.h"

namespace q07 {

// splitmix64 with a counter: the same on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : counter_(seed * 0x9e3779b97f4a7c15u) {}
  uint64_t Next();
  int64_t Below(int64_t bound) { return static_cast<int64_t>(Next() % static_cast<uint64_t>(bound)); }
  int64_t Between(int64_t least, int64_t most) { return least + Below(most - least + 1); }
  bool OneIn(int64_t n) { return Below(n) == 0; }
  double Uniform() { return (static_cast<double>(Next() >> 11) + 0.5) * 0x1p-53; }  // in (0, 1)
  double Exponential(double mean);

 private:
  uint64_t counter_;
};

enum class Estimates { kExact, kOver, kWrong };  // true, never too short, either way

struct WorkloadOptions {
  int jobs = 30;
  int64_t gpus = 8;   // of the node
  double load = 1.2;  // what is asked for in the time in which jobs are submitted; a burst at 0 if it is 0
  Estimates estimates = Estimates::kExact;
  bool missing_estimates = false;  // some
  bool kill_at_estimate = false;
  bool failures = false;
  bool ties = false;       // submissions, estimates, priorities and sizes from a few values
  bool fractions = false;  // of GPUs, and none at all
  int32_t priorities = 5;  // 0 .. priorities - 1
  Time tick = 0;
  Time restart_cost = 0;  // and checkpoints at intervals: not for preemptive policies
};

// One node; every job fits it when it is empty; ids are arbitrary.
Workload RandomWorkload(uint64_t seed, const WorkloadOptions& options);

// A job by hand.
struct Sketch {
  JobId id = 0;
  Time submit = 0;
  int64_t gpus = 1;
  Time duration = 1;
  Time estimate = 0;  // 0: the duration
  int32_t priority = 0;
};
Workload MakeWorkload(int64_t gpus, const std::vector<Sketch>& jobs, bool kill_at_estimate = false, Time tick = 0);

// Other ids, in the same order.
Workload WithOtherIds(const Workload& workload, uint64_t seed);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_POLICY_WORKLOADS_H_
