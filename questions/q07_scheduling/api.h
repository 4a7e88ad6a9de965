// Q7 GPU cluster scheduling: what an answer implements. The types that all parts share, and the scheduler of parts A
// and C; part A's entry point. Part B is in placement_api.h, part C in sharing_api.h, part D in executor_api.h.
//
// Sources: Feitelson and Weil, "Utilization and Predictability in Scheduling the IBM SP2 with Backfilling", IPPS 1998
// (EASY and conservative backfill); Lifka, "The ANL/IBM SP Scheduling System", JSSPP 1995 (EASY); Gu et al.,
// "Tiresias", NSDI 2019 (discretised least attained service).
#ifndef QUESTIONS_Q07_SCHEDULING_API_H_
#define QUESTIONS_Q07_SCHEDULING_API_H_

#include <cstdint>
#include <span>

namespace q07 {

// Milliseconds since the simulation's start. All times are whole, so that every comparison is exact.
using Time = int64_t;
// Given by the judge; unique, otherwise arbitrary (neither dense nor in the order of submission).
using JobId = int64_t;

inline constexpr Time kUnknown = -1;

// GPUs in thousandths, CPUs in thousandths, host memory in MiB. Never negative.
struct Resources {
  int64_t gpu_milli = 0;
  int64_t cpu_milli = 0;
  int64_t memory_mib = 0;
};

struct Node {
  int32_t id = 0;  // 0 .. nodes - 1
  Resources capacity;
};

struct Job {
  JobId id = 0;
  Time submit = 0;
  int32_t tenant = 0;    // parts with tenants
  int32_t priority = 0;  // the greater the more urgent
  // A gang: `members` >= 1 processes, each of which needs all of `demand` on one node; several may share a node. All of
  // them run or none does.
  int32_t members = 1;
  Resources demand;  // of one member
  // How long its user says that it runs, > 0; kUnknown: not said. It may be wrong, either way.
  Time estimate = kUnknown;
  // A stop before its end (preemption, failure, loss of a node) loses the work done since the last checkpoint, which
  // are taken every `checkpoint_interval` of run time (0: all the time, so that nothing is lost), and each start after
  // the first costs `restart_cost` of run time before work goes on.
  Time checkpoint_interval = 0;
  Time restart_cost = 0;
  bool preemptible = true;
};

enum class StopReason : int32_t {
  kFinished = 0,   // its work is done; the job is gone
  kKilled = 1,     // its run time has reached its estimate, where that is a limit; the job is gone
  kFailed = 2,     // it broke; it is queued again
  kNodeLost = 3,   // a node that it ran on went down; it is queued again
  kPreempted = 4,  // by Actions::Preempt; it is queued again (OnStop is called from within Preempt)
};

// What a scheduler may do, from within Decide. The judge checks every call as it is made: a call that breaks a rule of
// the cluster returns false, changes nothing, and ends the run (nothing that is called afterwards counts).
class Actions {
 public:
  // Starts a queued job: member i on nodes[i], all at once. Broken by: a job that is not queued (unknown, running,
  // gone), nodes.size() != members, a node that is down or does not exist, more than a node has free.
  virtual bool Start(JobId job, std::span<const int32_t> nodes) = 0;
  // Part A, whose cluster is the one node 0: the one member starts there.
  bool Start(JobId job) {
    const int32_t node = 0;
    return Start(job, std::span(&node, 1));
  }
  // Stops a running job and queues it again, where it was in the order of submission; its resources are free at once.
  // Broken by: a job that does not run, or is not preemptible; a job that has started in this same Decide.
  virtual bool Preempt(JobId job) = 0;
  // Promises a queued job that it starts at `at` or before. A later promise may only be earlier or the same. Broken by:
  // a job that is not queued, at < now, at later than what was promised to the job before, any promise in a run whose
  // jobs are not killed at their estimates (nobody can know), and later by the promise not being kept. The loss of a
  // node, a failure and a change of quotas void all promises: new ones may be later.
  virtual bool Reserve(JobId job, Time at) = 0;

 protected:
  ~Actions() = default;
};

// The judge tells what happens, and asks for decisions once all events of an instant have been told. A scheduler has no
// clock, threads or files, and the same events get the same decisions (nothing depends on addresses or hashes).
class Scheduler {
 public:
  virtual ~Scheduler() = default;
  // The job queues from now on. `job` is valid during the call only.
  virtual void OnSubmit(const Job& job) = 0;
  // The job runs no longer; its resources are free. `ran`: for how long it has run since its latest start.
  virtual void OnStop(JobId job, StopReason reason, Time ran) = 0;
  // A node goes down (after OnStop for the jobs it ran) or comes up again, empty. Not in part A.
  virtual void OnNode(int32_t node, bool up) = 0;
  // Called at every instant at which something was told, and at the ticks (ClusterConfig); `now` never decreases.
  virtual void Decide(Time now, Actions& actions) = 0;
};

struct ClusterConfig {
  std::span<const Node> nodes;  // valid during the call only; all are up at first
  // Decide is also called at every multiple of `tick` at which a job is queued or runs; 0: at events only.
  Time tick = 0;
  // Jobs are stopped when they have run for their estimate since their latest start (never in runs with jobs whose
  // estimate is kUnknown). Only then are promises possible.
  bool kill_at_estimate = false;
};

// ---------------------------------------------------------------------------------------------------- Part A
//
// Which job next: policies. The cluster is one node; a job has one member and needs gpu_milli alone. What a policy
// wants is defined at each call of Decide, and judged as Decide returns. "In order" is by the key given, then by
// submission, then by id, and goes over all jobs that are queued (kSrtf, kLeastAttained: and those that run).
// Every job fits the empty cluster. What counts is which jobs run after Decide, not the order of the calls (but the
// same events get the same calls, also where jobs have other ids in the same order). Only kSrtf and kLeastAttained
// preempt. In runs of kEasy and kConservative every job has an estimate.
//
// An estimate that has passed is worth nothing. Where a policy asks for the expected run time of a job that has already
// run for `ran` since its latest start, it is estimate * 2^k for the smallest k >= 0 with ran < estimate * 2^k. Without
// an estimate it is infinite (and infinite <= infinite holds).
//
// kFifo          by submission. Jobs start in order while they fit; the first that does not fit holds up all others.
// kSjf           by estimate, the shortest first, jobs without one last. Otherwise as kFifo.
// kSrtf          by the expected remaining time, preemptive: estimate * 2^k - ran for the smallest k >= 0 for which
//                that is greater than 0, where `ran` is the job's run time so far over all its runs (nothing is lost:
//                restart_cost and checkpoint_interval are 0, all jobs are preemptible), whether it runs or is queued;
//                without an estimate infinite. The jobs that run after Decide are those that one finds by walking
//                through all in order and taking each that still fits (a job that does not fit is passed over, it
//                does not hold up the others). A job that is to go on running is left alone: it is not preempted and
//                started again.
// kLeastAttained by queue, preemptive: a job is in queue i if i of `thresholds` are <= its attained service, which is
//                gpu_milli * run time over all its runs. Within a queue by submission. Taken as in kSrtf.
// kPriority      by effective priority, the greatest first: priority + floor((now - submit) / ageing_interval),
//                without the second term if ageing_interval is 0. Otherwise as kFifo. (No overflow: priorities are
//                any int32.)
// kEasy          by submission. Jobs start in order while they fit. The first that does not fit (the head) has a
//                reservation: its shadow time is the earliest time at which it fits if running jobs end at their
//                start + expected run time; the extra GPUs are what is free at that time besides. Then the next
//                `backfill_depth` queued jobs are walked in order, and each starts that fits now and either ends by
//                the shadow time (now + estimate <= shadow) or needs no more than the extra GPUs, which it then uses
//                up. Where jobs are killed at their estimates, the head's shadow time is promised in every Decide
//                that leaves a head.
// kConservative  by submission. Every queued job has a place: the earliest start at which it fits for its estimate
//                beside the running jobs (start + expected run time) and the places of all other queued jobs. At
//                every Decide the queued jobs, in order, each give up the place they have (a new one has none) and
//                take the earliest at which they fit beside the running jobs and the places that the others have at
//                that moment, which is never later than the one given up; and so again from the first until no place
//                changes (compression). A job starts when its place is now; places are promised where jobs are killed
//                at their estimates. Where a void of promises (Actions::Reserve) or a running job that outlives its
//                expected run time takes room from places, all are void first: they are found as if all queued jobs
//                were new. So they are at every Decide of runs in which jobs are not killed.
enum class Policy : int32_t {
  kFifo = 0,
  kSjf = 1,
  kSrtf = 2,
  kLeastAttained = 3,
  kPriority = 4,
  kEasy = 5,
  kConservative = 6,
};

struct PolicyConfig {
  Policy policy = Policy::kFifo;
  // kLeastAttained: increasing, in gpu_milli * ms; valid during the call only.
  std::span<const int64_t> thresholds;
  Time ageing_interval = 0;      // kPriority
  int32_t backfill_depth = 100;  // kEasy; 0: nothing is backfilled
};

// A scheduler of its own, to be deleted by the caller; nullptr for a policy that does not exist, or thresholds that do
// not increase. Several may live at once.
extern "C" q07::Scheduler* q07_policy_create(const q07::ClusterConfig& cluster, const q07::PolicyConfig& config);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_API_H_
