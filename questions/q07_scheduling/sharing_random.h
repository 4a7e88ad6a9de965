// Part C's random workloads: small clusters with everything that a check asks for, kept busy.
#ifndef QUESTIONS_Q07_SCHEDULING_SHARING_RANDOM_H_
#define QUESTIONS_Q07_SCHEDULING_SHARING_RANDOM_H_

#include <cstdint>

#include "questions/q07_scheduling/sharing_case.h"

namespace q07 {

struct RandomSharing {
  Sharing sharing = Sharing::kFairShare;
  int jobs = 60;
  bool sizes = true;       // otherwise all of one GPU, and ids in the order of submission
  bool limits = false;     // quotas that bind; otherwise all tenants borrow what they like
  bool cohorts = false;    // several, and none
  bool zeros = false;      // weights, quotas
  bool weights = false;    // other than 1
  bool resources = false;  // CPUs and memory bind too
  bool fractions = false;  // of GPUs
  bool gangs = false;
  bool priorities = false;
  bool failures = false;
  bool kills = false;    // estimates are limits, and may be too small
  bool nodes = false;    // go and come
  bool changes = false;  // of quotas
  bool reclaim = false;
  bool judge_victims = true;
  bool pinned = false;  // some jobs are not preemptible
  bool ticks = false;
  int32_t backfill_depth = 0;
};

SharingCase MakeRandomSharing(const RandomSharing& options, uint64_t seed);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_SHARING_RANDOM_H_
