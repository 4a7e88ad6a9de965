// A large training cluster's load, made up: for benchmarks at scale.
#ifndef QUESTIONS_Q07_SCHEDULING_SYNTHETIC_LOAD_H_
#define QUESTIONS_Q07_SCHEDULING_SYNTHETIC_LOAD_H_

#include <cstdint>

#include "questions/q07_scheduling/simulator.h"

namespace q07 {

// Poisson arrivals; run times from a log-normal distribution (median 20 minutes, deviation 1.5); half of the jobs want
// one GPU, the others 2 .. 64, a power of two, the larger the rarer, in members of at most a node; estimates are run
// time * f, f uniform in 1 .. 5, at which jobs are killed. Deterministic: the same load, the same workload, on every
// machine.
struct SyntheticLoad {
  int32_t nodes = 10'000;
  int32_t gpus_per_node = 8;  // >= 8
  int64_t jobs = 10'000;
  double load = 0.9;  // GPU time of all jobs / (GPUs * time of the last submission), when there are many jobs
  // Twice the mean rate of arrivals in the first two of every six hours, half of it otherwise: so queues of tens of
  // thousands build up at a load at which so large a cluster would else have none.
  bool rush = false;
  uint64_t seed = 1;
};

// Part A: one node with all GPUs.
Workload SyntheticPolicyWorkload(const SyntheticLoad& load);

// Part C: 16 tenants in one cohort with equal quotas, which may borrow all of it; a node has 12 CPUs and 96 GiB a GPU.
Workload SyntheticSharingWorkload(const SyntheticLoad& load);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_SYNTHETIC_LOAD_H_
