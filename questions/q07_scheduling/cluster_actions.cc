// What a scheduler does to the cluster, and the rules that it may break.
#include <algorithm>
#include <utility>

#include "questions/q07_scheduling/cluster.h"

namespace q07 {
namespace {

std::string Number(int64_t value) { return std::to_string(value); }

bool Holds(const Resources& free, const Resources& demand) {
  return demand.gpu_milli <= free.gpu_milli && demand.cpu_milli <= free.cpu_milli &&
         demand.memory_mib <= free.memory_mib;
}

std::string Text(const Resources& resources) {
  std::string text = Number(resources.gpu_milli) + " gpu_milli";
  if (resources.cpu_milli != 0) text += ", " + Number(resources.cpu_milli) + " cpu_milli";
  if (resources.memory_mib != 0) text += ", " + Number(resources.memory_mib) + " memory_mib";
  return text;
}

}  // namespace

bool Cluster::MayAct(JobId job) {
  if (result_.broken) return false;
  if (deciding_) return true;
  Break("clock", job, "an action outside of Decide, on job " + Number(job));
  return false;
}

void Cluster::Record(Action action) {
  if (record_) result_.log.decisions.back().push_back(std::move(action));
}

bool Cluster::Judge(bool (PolicyJudge::*function)(const ClusterState&, const Action&, Violation*),
                    const Action& action) {
  Violation violation{now_, action.job, "", ""};
  if (judge_ == nullptr || (judge_->*function)(*this, action, &violation)) return true;
  Break(violation.rule, violation.job, violation.message);
  return false;
}

bool Cluster::CheckStart(JobId id, int32_t index, std::span<const int32_t> nodes) {
  const std::string name = "job " + Number(id);
  if (index < 0 || live(index).state != JobState::kQueued) {
    const bool runs = index >= 0 && live(index).state == JobState::kRunning;
    const bool gone = index >= 0 && live(index).state == JobState::kGone;
    Break("not_queued", id,
          name + " is started, which " +
              (runs   ? "runs already"
               : gone ? "is gone"
                      : "has not been submitted"));
    return false;
  }
  if (nodes.size() != static_cast<size_t>(job(index).members)) {
    Break("gang_incomplete", id,
          name + " has " + Number(job(index).members) + " members and is started with " +
              Number(static_cast<int64_t>(nodes.size())));
    return false;
  }
  for (const int32_t node : nodes) {
    if (node >= 0 && static_cast<size_t>(node) < up_.size() && up_[static_cast<size_t>(node)]) continue;
    Break("dead_node", id, name + " is started on node " + Number(node) + ", which is down or does not exist");
    return false;
  }
  for (size_t i = 0; i < nodes.size(); ++i) {
    Resources& free = free_[static_cast<size_t>(nodes[i])];
    if (Holds(free, job(index).demand)) {
      Take(job(index).demand, &free);
      continue;
    }
    const std::string has = Text(free);
    for (size_t j = 0; j < i; ++j) GiveBack(job(index).demand, &free_[static_cast<size_t>(nodes[j])]);
    Break("over_allocation", id,
          name + " is started: it needs " + Text(job(index).demand) + " on node " + Number(nodes[i]) + ", where " +
              has + " are free");
    return false;
  }
  return true;  // what it needs has been taken
}

bool Cluster::Start(JobId id, std::span<const int32_t> nodes) {
  if (!MayAct(id)) return false;
  const int32_t index = IndexOf(id);
  Action action;
  if (record_ || judge_ != nullptr) {
    // No more than could be right, and one that tells that it is wrong.
    const size_t most = index < 0 ? 0 : static_cast<size_t>(job(index).members) + 1;
    action = {ActionKind::kStart, id, 0, {nodes.begin(), nodes.begin() + std::min(nodes.size(), most)}};
    Record(action);
  }
  if (!CheckStart(id, index, nodes)) return false;
  LiveJob& live = this->live(index);
  if (judge_ != nullptr) {
    for (const int32_t node : nodes) GiveBack(job(index).demand, &free_[static_cast<size_t>(node)]);
    if (!Judge(&PolicyJudge::BeforeAction, action)) return false;
    for (const int32_t node : nodes) Take(job(index).demand, &free_[static_cast<size_t>(node)]);
    queued_places_.erase(place_[static_cast<size_t>(index)]);
    running_places_.insert({now_, place_[static_cast<size_t>(index)]});
  }
  ++actions_;
  --queued_;
  ++running_;
  live.state = JobState::kRunning;
  live.started = now_;
  live.promised = kUnknown;
  live.nodes.assign(nodes.begin(), nodes.end());
  ++live.starts;
  if (!on_node_.empty()) {
    for (const int32_t node : nodes) on_node_[static_cast<size_t>(node)].push_back(index);
  }
  // Finishing comes before being killed, that before failing, where they coincide.
  const TrueJob& truth = *live.truth;
  Time run = truth.duration - live.done + (live.starts > 1 ? truth.job.restart_cost : 0);
  StopReason reason = StopReason::kFinished;
  if (workload_.kill_at_estimate && truth.job.estimate != kUnknown && truth.job.estimate < run) {
    run = truth.job.estimate;
    reason = StopReason::kKilled;
  }
  const size_t failed = failures_[static_cast<size_t>(index)];
  if (failed < truth.failures.size() && std::max<Time>(1, truth.failures[failed]) < run) {
    run = std::max<Time>(1, truth.failures[failed]);
    reason = StopReason::kFailed;
  }
  ends_.push({now_ + run, id, index, live.starts, reason});
  return Judge(&PolicyJudge::AfterAction, action);
}

bool Cluster::Preempt(JobId id) {
  if (!MayAct(id)) return false;
  const Action action = {ActionKind::kPreempt, id, 0, {}};
  Record(action);
  const int32_t index = IndexOf(id);
  const std::string name = "job " + Number(id);
  if (index < 0 || live(index).state != JobState::kRunning) {
    Break("not_running", id, name + " is preempted, which does not run");
  } else if (!job(index).preemptible) {
    Break("not_preemptible", id, name + " is preempted, which is not preemptible");
  } else if (live(index).started == now_) {
    Break("started_now", id, name + " is preempted in the Decide in which it started");
  } else if (Judge(&PolicyJudge::BeforeAction, action)) {
    ++actions_;
    Stop(index, StopReason::kPreempted);
    return !result_.broken && Judge(&PolicyJudge::AfterAction, action);
  }
  return false;
}

bool Cluster::Reserve(JobId id, Time at) {
  if (!MayAct(id)) return false;
  const Action action = {ActionKind::kReserve, id, at, {}};
  Record(action);
  const int32_t index = IndexOf(id);
  const std::string name = "job " + Number(id);
  if (index < 0 || live(index).state != JobState::kQueued) {
    Break("not_queued", id, name + " is promised a start, and is not queued");
  } else if (!workload_.kill_at_estimate) {
    Break("promise_unfounded", id,
          name + " is promised a start at " + Number(at) +
              ", but jobs are not killed at their estimates, so nobody can know");
  } else if (at < now_) {
    Break("clock", id, name + " is promised a start at " + Number(at) + ", which has passed");
  } else if (live(index).promised != kUnknown && at > live(index).promised) {
    Break("promise_later", id,
          name + " was promised to start at " + Number(live(index).promised) + " or before, and is now promised " +
              Number(at));
  } else if (Judge(&PolicyJudge::BeforeAction, action)) {
    if (live(index).promised != at) promises_.push({at, index});
    live(index).promised = at;
    return Judge(&PolicyJudge::AfterAction, action);
  }
  return false;
}

}  // namespace q07
