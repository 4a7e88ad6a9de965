// What happens to the cluster, and the run from its beginning to its end.
#include "questions/q07_scheduling/cluster.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>

namespace q07 {
namespace {

// Ticks at which nothing is decided while nothing runs and nothing else is to come: then the run is stuck.
constexpr int kIdleTicks = 1000;

std::string Number(int64_t value) { return std::to_string(value); }

}  // namespace

Cluster::Cluster(const Workload& workload, PolicyJudge* judge, bool record, bool timed,
                 void (*set_quota)(Scheduler*, const Quota&))
    : workload_(workload), judge_(judge), record_(record), timed_(timed), set_quota_(set_quota) {
  const size_t jobs = workload.jobs.size();
  jobs_.resize(jobs);
  failures_.resize(jobs);
  index_.reserve(jobs);
  by_place_.resize(jobs);
  std::iota(by_place_.begin(), by_place_.end(), 0);
  for (size_t i = 0; i < jobs; ++i) {
    jobs_[i].truth = &workload.jobs[i];
    index_.emplace(workload.jobs[i].job.id, static_cast<int32_t>(i));
  }
  std::sort(by_place_.begin(), by_place_.end(), [&](int32_t a, int32_t b) {
    return std::tie(job(a).submit, job(a).id) < std::tie(job(b).submit, job(b).id);
  });
  place_.resize(jobs);
  for (size_t i = 0; i < jobs; ++i) place_[static_cast<size_t>(by_place_[i])] = static_cast<int32_t>(i);
  for (const Node& node : workload.nodes) free_.push_back(node.capacity);
  up_.assign(workload.nodes.size(), true);
  if (!workload.node_changes.empty()) on_node_.resize(workload.nodes.size());
  quotas_ = workload.quotas;
}

// ---- What judges see

std::vector<int32_t> Cluster::Queued() const {
  std::vector<int32_t> queued;
  if (judge_ != nullptr) {
    for (const int32_t place : queued_places_) queued.push_back(by_place_[static_cast<size_t>(place)]);
    return queued;
  }
  for (const int32_t index : by_place_) {
    if (live(index).state == JobState::kQueued) queued.push_back(index);
  }
  return queued;
}

std::vector<int32_t> Cluster::Running() const {
  std::vector<int32_t> running;
  if (judge_ != nullptr) {
    for (const auto& [start, place] : running_places_) running.push_back(by_place_[static_cast<size_t>(place)]);
    return running;
  }
  for (const int32_t index : by_place_) {
    if (live(index).state == JobState::kRunning) running.push_back(index);
  }
  std::stable_sort(running.begin(), running.end(),
                   [&](int32_t a, int32_t b) { return live(a).started < live(b).started; });
  return running;
}

int32_t Cluster::IndexOf(JobId id) const {
  const auto found = index_.find(id);
  return found == index_.end() ? -1 : found->second;
}

// ---- What happens

template <typename Call>
void Cluster::Tell(Call call) {
  if (!timed_) return call();
  const auto start = std::chrono::steady_clock::now();
  call();
  told_ns_ += std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count();
}

void Cluster::Break(const std::string& rule, JobId job, const std::string& message) {
  if (result_.broken) return;
  result_.broken = true;
  result_.ending = Ending::kBroken;
  result_.violation = {now_, job, rule, message};
}

Time Cluster::NextInstant() {
  while (!ends_.empty()) {
    const End& end = ends_.top();
    if (live(end.index).state == JobState::kRunning && live(end.index).starts == end.start) break;
    ends_.pop();
  }
  Time next = ends_.empty() ? kNever : ends_.top().at;
  if (next_submit_ < jobs_.size()) next = std::min(next, workload_.jobs[next_submit_].job.submit);
  if (next_node_ < workload_.node_changes.size()) next = std::min(next, workload_.node_changes[next_node_].at);
  if (next_quota_ < workload_.quota_changes.size()) next = std::min(next, workload_.quota_changes[next_quota_].at);
  if (queued_ + running_ == 0 || workload_.tick <= 0) {
    // Nodes and quotas may go on changing; nobody is there to care once all jobs are gone.
    return queued_ + running_ == 0 && next_submit_ == jobs_.size() ? kNever : next;
  }
  if (next == kNever && idle_ticks_ >= kIdleTicks) return kNever;
  if (next == kNever) ++idle_ticks_;  // nothing runs, nothing is to come: the policy alone could change something
  return std::min(next, (now_ / workload_.tick + 1) * workload_.tick);
}

void Cluster::TellEvents() {
  while (!ends_.empty() && ends_.top().at == now_) {
    const End end = ends_.top();
    ends_.pop();
    if (live(end.index).state == JobState::kRunning && live(end.index).starts == end.start) Stop(end.index, end.reason);
  }
  while (next_node_ < workload_.node_changes.size() && workload_.node_changes[next_node_].at == now_) {
    ChangeNode(workload_.node_changes[next_node_++]);
  }
  while (next_quota_ < workload_.quota_changes.size() && workload_.quota_changes[next_quota_].at == now_) {
    ChangeQuota(workload_.quota_changes[next_quota_++]);
  }
  while (next_submit_ < jobs_.size() && workload_.jobs[next_submit_].job.submit == now_) {
    Submit(static_cast<int32_t>(next_submit_++));
  }
}

void Cluster::Queue(int32_t index) {
  live(index).state = JobState::kQueued;
  ++queued_;
  if (judge_ != nullptr) queued_places_.insert(place_[static_cast<size_t>(index)]);
}

void Cluster::Submit(int32_t index) {
  Queue(index);
  const Job copy = job(index);  // a scheduler that keeps the reference finds nothing there
  Tell([&] { scheduler_->OnSubmit(copy); });
}

void Cluster::Stop(int32_t index, StopReason reason) {
  LiveJob& live = this->live(index);
  const TrueJob& truth = *live.truth;
  const Time ran = now_ - live.started;
  for (const int32_t node : live.nodes) {
    GiveBack(truth.job.demand, &free_[static_cast<size_t>(node)]);
    if (on_node_.empty()) continue;
    std::vector<int32_t>& there = on_node_[static_cast<size_t>(node)];
    const auto found = std::find(there.begin(), there.end(), index);
    *found = there.back();
    there.pop_back();
  }
  --running_;
  if (judge_ != nullptr) running_places_.erase({live.started, place_[static_cast<size_t>(index)]});
  result_.runs.push_back({truth.job.id, live.started, now_, reason, std::move(live.nodes)});
  live.nodes.clear();
  live.ran_before += ran;
  if (reason == StopReason::kFinished || reason == StopReason::kKilled) {
    live.state = JobState::kGone;
    if (reason == StopReason::kFinished) live.done = truth.duration;
  } else {
    Time kept = ran;
    if (truth.job.checkpoint_interval > 0) kept -= ran % truth.job.checkpoint_interval;
    if (live.starts > 1) kept -= truth.job.restart_cost;
    live.done += std::max<Time>(0, kept);
    if (reason == StopReason::kFailed) ++failures_[static_cast<size_t>(index)];
    Queue(index);
    if (reason != StopReason::kPreempted) VoidPromises();
  }
  Tell([&] { scheduler_->OnStop(truth.job.id, reason, ran); });
}

void Cluster::ChangeNode(const NodeChange& change) {
  const size_t node = static_cast<size_t>(change.node);
  if (node >= up_.size() || up_[node] == change.up) return;
  if (!change.up) {
    // By id, as all that stops.
    std::vector<int32_t> lost = on_node_[node];
    std::sort(lost.begin(), lost.end(), [&](int32_t a, int32_t b) { return job(a).id < job(b).id; });
    lost.erase(std::unique(lost.begin(), lost.end()), lost.end());
    up_[node] = false;
    for (const int32_t index : lost) Stop(index, StopReason::kNodeLost);
    VoidPromises();
  }
  up_[node] = change.up;
  Tell([&] { scheduler_->OnNode(change.node, change.up); });
}

void Cluster::ChangeQuota(const QuotaChange& change) {
  bool known = false;
  for (Quota& quota : quotas_) {
    if (quota.tenant == change.quota.tenant) {
      quota = change.quota;
      known = true;
    }
  }
  if (!known) return;
  VoidPromises();
  if (set_quota_ != nullptr) Tell([&] { set_quota_(scheduler_, change.quota); });
}

void Cluster::VoidPromises() {
  for (; !promises_.empty(); promises_.pop()) live(promises_.top().index).promised = kUnknown;
}

bool Cluster::CheckPromises(Time before) {
  for (; !promises_.empty() && promises_.top().at <= before; promises_.pop()) {
    const Promise promise = promises_.top();
    const LiveJob& live = this->live(promise.index);
    if (live.state != JobState::kQueued || live.promised != promise.at) continue;
    now_ = std::max(now_, promise.at);
    Break("promise_broken", job(promise.index).id,
          "job " + Number(job(promise.index).id) + " was promised to start at " + Number(promise.at) +
              " or before, and did not");
    return false;
  }
  return true;
}

// ---- What is decided

void Cluster::Decide() {
  if (judge_ != nullptr) {
    Violation violation{now_, 0, "", ""};
    if (!judge_->BeforeDecide(*this, &violation)) return Break(violation.rule, violation.job, violation.message);
  }
  ++result_.decisions;
  if (record_) result_.log.decisions.emplace_back();
  const int64_t before = actions_;
  deciding_ = true;
  Tell([&] { scheduler_->Decide(now_, *this); });
  deciding_ = false;
  if (timed_) result_.decision_ns.push_back(std::exchange(told_ns_, 0));
  if (actions_ != before) idle_ticks_ = 0;
  if (result_.broken) return;
  if (judge_ != nullptr) {
    Violation violation{now_, 0, "", ""};
    if (!judge_->AfterDecide(*this, &violation)) return Break(violation.rule, violation.job, violation.message);
  }
  CheckPromises(now_);
}

// ---- The run

SimulationResult Cluster::Simulate(Scheduler& scheduler) {
  scheduler_ = &scheduler;
  while (!result_.broken) {
    const Time next = NextInstant();
    const Time last = workload_.end > 0 ? std::min(next, workload_.end) : next;
    if (!CheckPromises(last == kNever ? last : last - 1)) break;
    if (next == kNever) {
      if (queued_ > 0) result_.ending = Ending::kStuck;
      break;
    }
    if (workload_.end > 0 && next >= workload_.end) {
      now_ = workload_.end;
      result_.ending = Ending::kOutOfTime;
      break;
    }
    now_ = next;
    TellEvents();
    if (!result_.broken) Decide();
  }
  Finish();
  return std::move(result_);
}

void Cluster::Finish() {
  result_.end = now_;
  if (queued_ + running_ == 0) return;
  for (const int32_t index : by_place_) {
    if (live(index).state == JobState::kQueued) result_.queued.push_back(job(index).id);
    if (live(index).state != JobState::kRunning) continue;
    result_.open.push_back({job(index).id, live(index).started, now_, StopReason::kFinished, live(index).nodes});
  }
}

}  // namespace q07
