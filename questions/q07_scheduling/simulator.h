// The grader's cluster: it owns the clock, the jobs' true durations and what is free, tells a Scheduler what happens,
// and checks every decision as it is made. Event-driven; the same workload and decisions give the same run.
//
// It runs twice. In the runner it drives the answer, and what the answer decided is logged. In the grader it runs again
// with the log in the answer's place (Replay): only this second run is judged, so an answer that scribbles over the
// first one's memory gains nothing.
#ifndef QUESTIONS_Q07_SCHEDULING_SIMULATOR_H_
#define QUESTIONS_Q07_SCHEDULING_SIMULATOR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "questions/q07_scheduling/api.h"
#include "questions/q07_scheduling/sharing_api.h"

namespace q07 {

// A job, and what only the simulator knows of it.
struct TrueJob {
  Job job;
  Time duration = 0;  // run time of its work, > 0, without restarts
  // It fails when it has run for failures[i] since its latest start; each happens once, in turn (one per start).
  std::vector<Time> failures;
};

struct NodeChange {
  Time at = 0;
  int32_t node = 0;
  bool up = false;
};

struct QuotaChange {
  Time at = 0;
  Quota quota;
};

struct Workload {
  std::vector<Node> nodes;
  std::vector<TrueJob> jobs;               // in order of submit
  std::vector<NodeChange> node_changes;    // in order of time
  std::vector<Quota> quotas;               // part C
  std::vector<QuotaChange> quota_changes;  // in order of time
  Time tick = 0;
  bool kill_at_estimate = false;
  // The run is given up (kOutOfTime) at this instant; 0: never. Without it, a run ends when nothing is left to happen.
  Time end = 0;
};

enum class ActionKind : int32_t { kStart = 0, kPreempt = 1, kReserve = 2 };

struct Action {
  ActionKind kind = ActionKind::kStart;
  JobId job = 0;
  Time at = 0;                 // kReserve
  std::vector<int32_t> nodes;  // kStart
};

// What was decided, Decide by Decide.
struct DecisionLog {
  std::vector<std::vector<Action>> decisions;
};

enum class JobState : int32_t { kUnsubmitted = 0, kQueued = 1, kRunning = 2, kGone = 3 };

// What the simulator knows of a job now.
struct LiveJob {
  const TrueJob* truth = nullptr;
  JobState state = JobState::kUnsubmitted;
  Time started = 0;     // latest start
  Time ran_before = 0;  // run time of all its runs before this one
  Time done = 0;        // of its work, kept at the latest start
  int32_t starts = 0;
  std::vector<int32_t> nodes;  // while it runs, of each member
  Time promised = kUnknown;    // the promise in force
};

struct Run {
  JobId job = 0;
  Time start = 0;
  Time end = 0;
  StopReason reason = StopReason::kFinished;
  std::vector<int32_t> nodes;
};

// What broke a rule. `rule` is one of the simulator's (over_allocation, dead_node, gang_incomplete, not_queued,
// not_running, not_preemptible, started_now, clock, promise_broken, promise_later, promise_unfounded, log_short,
// log_long) or a judge's own. started_now: a job is preempted in the Decide in which it started. clock: a promise for
// the past, or an action outside of Decide.
struct Violation {
  Time now = 0;
  JobId job = 0;
  std::string rule;
  std::string message;  // for the user: what was decided, and why that is wrong
};

// What judges see. Indices into jobs are those of Workload::jobs.
class ClusterState {
 public:
  virtual ~ClusterState() = default;
  virtual Time now() const = 0;
  virtual const Workload& workload() const = 0;
  virtual const std::vector<LiveJob>& jobs() const = 0;
  // Ordered by submit, id; by start for the running ones.
  virtual std::vector<int32_t> Queued() const = 0;
  virtual std::vector<int32_t> Running() const = 0;
  virtual const std::vector<Resources>& free() const = 0;  // of each node, also those that are down
  virtual const std::vector<bool>& up() const = 0;
  virtual const std::vector<Quota>& quotas() const = 0;  // now
  virtual int32_t IndexOf(JobId id) const = 0;           // -1: no such job
};

// A judge of one policy. Each function returns false after filling in *violation, which ends the run.
class PolicyJudge {
 public:
  virtual ~PolicyJudge() = default;
  virtual bool BeforeDecide(const ClusterState&, Violation*) { return true; }
  virtual bool BeforeAction(const ClusterState&, const Action&, Violation*) {
    return true;
  }  // it breaks no rule of the cluster
  virtual bool AfterAction(const ClusterState&, const Action&, Violation*) { return true; }
  virtual bool AfterDecide(const ClusterState&, Violation*) { return true; }
};

// How a run ended.
enum class Ending : int32_t {
  kDone = 0,       // all jobs are gone
  kBroken = 1,     // a rule was broken
  kStuck = 2,      // jobs are queued, and nothing is left to happen (but ticks, of which 1000 have passed in vain)
  kOutOfTime = 3,  // Workload::end
};

struct SimulationResult {
  bool broken = false;
  Violation violation;
  Ending ending = Ending::kDone;
  std::vector<JobId> queued;  // at the end, by submission, id
  std::vector<Run> runs;      // in order of end; within an instant in the order in which they were told
  std::vector<Run> open;      // those that Workload::end, or a broken rule, cut short; their reason means nothing
  DecisionLog log;
  int64_t decisions = 0;  // calls of Decide
  Time end = 0;
  // In the runner, wall clock of the scheduler's calls of one instant together: in nanoseconds, one for each Decide.
  std::vector<int64_t> decision_ns;
};

// At one instant: jobs stop (by id), nodes change, quotas change, jobs are submitted (in the workload's order); then
// Decide. A job that would finish, be killed and fail at the same time finishes; if killed and fail, it is killed. What
// is kept of a run that stops early is what was done at its last checkpoint, at a multiple of checkpoint_interval of
// this run's time.
//
// Runs `workload` with `scheduler`. `judge` may be nullptr. Records the log if `record`, times decisions if `time`.
// set_quota: how a change of a quota is told (part C); may be nullptr.
SimulationResult Simulate(const Workload& workload, Scheduler& scheduler, PolicyJudge* judge, bool record, bool time,
                          void (*set_quota)(Scheduler*, const Quota&));

// Runs `workload` with the decisions of `log`. A log that is shorter than the run is a violation ("log_short"), one
// that is longer too ("log_long").
SimulationResult Replay(const Workload& workload, const DecisionLog& log, PolicyJudge* judge);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_SIMULATOR_H_
