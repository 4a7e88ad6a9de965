// Q7 part C: whose turn it is. The scheduler of api.h, on nodes, for tenants that share a cluster: weighted fair
// shares, dominant resource fairness, cohorts that lend and borrow, gangs, reclaim by preemption, backfill.
//
// Sources: Ghodsi et al., "Dominant Resource Fairness", NSDI 2011 (progressive filling, weights in section 4.3); Kueue,
// "Cluster Queue" (nominal quota, borrowing limit, cohort, reclaim within it); Mu'alem and Feitelson, IEEE TPDS 2001
// (EASY).
#ifndef QUESTIONS_Q07_SCHEDULING_SHARING_API_H_
#define QUESTIONS_Q07_SCHEDULING_SHARING_API_H_

#include <cstdint>
#include <span>

#include "questions/q07_scheduling/api.h"

namespace q07 {

inline constexpr int64_t kUnlimited = INT64_MAX;

// What a tenant is due. Tenants of one cohort lend each other what they do not use: a tenant may use more than its
// quota, in any resource, while the cohort as a whole uses no more than the sum of its members' quotas, and it itself
// no more than quota + borrowing_limit. A tenant of no cohort (-1) has its own quota and no more.
struct Quota {
  int32_t tenant = 0;
  int32_t cohort = -1;
  double weight = 1;          // kDominant; >= 0
  Resources quota;            // each 0 .. kUnlimited
  Resources borrowing_limit;  // each 0 .. kUnlimited
};

// Which tenant is next: the one with the least share, ties: the lower tenant. Usage is what its running jobs hold, at
// this moment: every start and preemption in the same Decide counts.
//
// kFairShare  share = used GPUs / quota of GPUs. (Not the deficit quota - used, which favours large tenants.)
// kDominant   share = the greatest, over GPUs, CPUs and memory, of used / what all nodes have (up or down; a resource
//             that no node has does not count), divided by the weight. A tenant whose quota or weight is 0 has an
//             infinite share if it comes to that, used or not: it comes after all others.
enum class Sharing : int32_t { kFairShare = 0, kDominant = 1 };

struct SharingConfig {
  Sharing sharing = Sharing::kFairShare;
  std::span<const Quota> quotas;  // valid during the call only; every job's tenant has one
  // Reclaim: jobs that borrow are preempted for a tenant that asks for what is its own.
  bool reclaim = false;
  // 0: no backfill. Otherwise, where kill_at_estimate is set, EASY backfill with a reservation for the job that is held
  // up.
  int32_t backfill_depth = 0;
};

// What Decide does; every step is judged. A tenant's queue is ordered by priority (the greatest first), submission, id.
// Limits are checked in every resource, as used + all members <= limit.
//
// 1. Filling. Repeat: of the tenants whose first queued job is *startable*, the one with the least share starts it.
//    Startable: the tenant and its cohort stay within their limits with all members counted, and all members fit on
//    nodes that are up (the judge knows whether any assignment of members to nodes exists; the scheduler chooses
//    which). A tenant whose first job is not startable is passed over; its later jobs do not overtake, except by
//    backfill. Filling is over when nobody's first job is startable.
// 2. Reclaim, if `reclaim`. Of the tenants whose first queued job would leave its tenant within its own quota (in every
//    resource; so nothing borrowed) but is not startable, in the order of their shares: if preempting jobs makes it
//    startable, they are preempted and it is started in the same Decide, with nothing between these calls. Victims are
//    preemptible running jobs of other tenants in its cohort which, before each preemption, use more than their quota
//    in some resource: nobody is brought below its quota for it. Less deserving first: lower priority, then the later
//    latest start, then the greater id. It has to happen where taking victims in that order, passing over those whose
//    tenant is no longer above its quota, comes to a point where the job is startable. No more than needed: the job
//    would not be startable if any one of its victims had been left alone, nor if the victims were only such as are
//    less deserving than the most deserving of them. Then again from 1.
//    A job that has been preempted in this Decide is not started in it (it stays its tenant's first, and not
//    startable), nor is one that has started preempted.
// 3. Backfill, if backfill_depth > 0 and jobs are killed at their estimates. The job that is held up (the first job of
//    the tenant with the least share among those whose first job is within the limits of its tenant and its cohort and
//    does not fit) gets a reservation, if there is none: the earliest time at which it fits and is within the limits if
//    running jobs end at their start + estimate and nothing else starts. It is promised, lasts until the job starts or
//    it is void (api.h, Reserve), and is the only one. No start, in any step, may make the job later than its promise.
//    Then the first `backfill_depth` queued jobs of all tenants in the order of submission, then id, are walked, and
//    every one starts that is startable (as above, without being its tenant's first) and does not make the reservation
//    later. (Where running jobs end early the job's earliest time moves before its promise, which may then be renewed
//    by any time between the two; a start that makes it later than the one but not than the other is free. Where a job
//    that outlasts the reservation goes is the scheduler's to choose well: it has to be found where placing one member
//    after the other, on the node where it takes the fewest places from the reserved job, finds it.)
//
// A gang is started whole, or not at all; nothing is held for a part of one. On an empty cluster, a job that fits and
// is within its limits starts at once.
//
// A scheduler of its own, to be deleted by the caller; nullptr for a sharing that does not exist or quotas that make no
// sense (a negative number, a weight that is not finite, a tenant twice).
extern "C" q07::Scheduler* q07_sharing_create(const q07::ClusterConfig& cluster, const q07::SharingConfig& config);

// The quota of one tenant changes, from now on (what runs goes on running, and may be more than the new quota).
// `scheduler` is one that q07_sharing_create made. Called between the events of an instant; Decide follows.
extern "C" void q07_sharing_set_quota(q07::Scheduler* scheduler, const q07::Quota& quota);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_SHARING_API_H_
