#include "questions/q07_scheduling/simulator.h"

#include "questions/q07_scheduling/cluster.h"

namespace q07 {
namespace {

// Does what a log says.
class Replayer : public Scheduler {
 public:
  Replayer(const DecisionLog& log, Cluster* cluster) : log_(log), cluster_(cluster) {}

  void OnSubmit(const Job&) override {}
  void OnStop(JobId, StopReason, Time) override {}
  void OnNode(int32_t, bool) override {}
  void Decide(Time, Actions& actions) override {
    if (next_ == log_.decisions.size()) {
      return cluster_->Break("log_short", 0, "the decisions end before the run does");
    }
    for (const Action& action : log_.decisions[next_++]) {
      bool done = false;
      if (action.kind == ActionKind::kStart) done = actions.Start(action.job, action.nodes);
      if (action.kind == ActionKind::kPreempt) done = actions.Preempt(action.job);
      if (action.kind == ActionKind::kReserve) done = actions.Reserve(action.job, action.at);
      if (!done) return;
    }
  }
  bool all_done() const { return next_ == log_.decisions.size(); }

 private:
  const DecisionLog& log_;
  Cluster* cluster_;
  size_t next_ = 0;
};

}  // namespace

SimulationResult Simulate(const Workload& workload, Scheduler& scheduler, PolicyJudge* judge, bool record, bool time,
                          void (*set_quota)(Scheduler*, const Quota&)) {
  return Cluster(workload, judge, record, time, set_quota).Simulate(scheduler);
}

SimulationResult Replay(const Workload& workload, const DecisionLog& log, PolicyJudge* judge) {
  Cluster cluster(workload, judge, false, false, nullptr);
  Replayer replayer(log, &cluster);
  SimulationResult result = cluster.Simulate(replayer);
  if (!result.broken && !replayer.all_done()) {
    result.broken = true;
    result.ending = Ending::kBroken;
    result.violation = {result.end, 0, "log_long", "the decisions go on after the end of the run"};
  }
  return result;
}

}  // namespace q07
