#include "questions/q07_scheduling/policy_judge.h"

#include <algorithm>
#include <tuple>

namespace q07 {
namespace {

const LiveJob& At(const ClusterState& state, int32_t index) { return state.jobs()[static_cast<size_t>(index)]; }
const Job& JobAt(const ClusterState& state, int32_t index) { return At(state, index).truth->job; }
int64_t Gpus(const ClusterState& state, int32_t index) { return JobAt(state, index).demand.gpu_milli; }
int64_t Capacity(const ClusterState& state) { return state.workload().nodes[0].capacity.gpu_milli; }

Time Later(Time from, Time length) { return length >= kForever - from ? kForever : from + length; }

Time RanNow(const ClusterState& state, int32_t index) {
  const LiveJob& live = At(state, index);
  return live.state == JobState::kRunning ? state.now() - live.started : 0;
}

Time ExpectedEnd(const ClusterState& state, int32_t index) {
  return Later(At(state, index).started, ExpectedRunTime(JobAt(state, index).estimate, RanNow(state, index)));
}

// The policy's key, the least first.
int64_t Key(const PolicyParameters& parameters, const ClusterState& state, int32_t index) {
  const Job& job = JobAt(state, index);
  const Time ran = At(state, index).ran_before + RanNow(state, index);
  switch (parameters.policy) {
    case Policy::kSjf:
      return job.estimate == kUnknown ? kForever : job.estimate;
    case Policy::kSrtf: {
      const Time expected = ExpectedRunTime(job.estimate, ran);
      return expected == kForever ? kForever : expected - ran;
    }
    case Policy::kLeastAttained: {
      int64_t queue = 0;
      for (const int64_t threshold : parameters.thresholds) queue += threshold <= job.demand.gpu_milli * ran;
      return queue;
    }
    case Policy::kPriority: {
      const int64_t aged = parameters.ageing_interval > 0 ? (state.now() - job.submit) / parameters.ageing_interval : 0;
      return -(job.priority + aged);
    }
    case Policy::kFifo:
    case Policy::kEasy:
    case Policy::kConservative:
      break;
  }
  return 0;
}

std::vector<int32_t> InOrder(const PolicyParameters& parameters, const ClusterState& state, std::vector<int32_t> jobs) {
  std::vector<std::tuple<int64_t, Time, JobId, int32_t>> keyed;
  for (const int32_t index : jobs) {
    keyed.emplace_back(Key(parameters, state, index), JobAt(state, index).submit, JobAt(state, index).id, index);
  }
  std::sort(keyed.begin(), keyed.end());
  for (size_t i = 0; i < jobs.size(); ++i) jobs[i] = std::get<3>(keyed[i]);
  return jobs;
}

void ExpectEasy(const PolicyParameters& parameters, const ClusterState& state, size_t head, int64_t free,
                PolicyExpectation* expectation) {
  const int32_t head_job = expectation->order[head];
  // When what runs now, with what has just been started, ends.
  std::vector<std::pair<Time, int64_t>> ends;
  for (const int32_t index : expectation->running) {
    const bool runs = At(state, index).state == JobState::kRunning;
    const Time end =
        runs ? ExpectedEnd(state, index) : Later(state.now(), ExpectedRunTime(JobAt(state, index).estimate, 0));
    ends.emplace_back(end, Gpus(state, index));
  }
  std::sort(ends.begin(), ends.end());
  Time shadow = state.now();
  int64_t at_shadow = free;
  for (size_t i = 0; i < ends.size() && at_shadow < Gpus(state, head_job); ++i) {
    shadow = ends[i].first;
    at_shadow += ends[i].second;
    for (; i + 1 < ends.size() && ends[i + 1].first == shadow; ++i) at_shadow += ends[i + 1].second;
  }
  int64_t extra = at_shadow - Gpus(state, head_job);
  expectation->head = head_job;
  expectation->shadow = shadow;
  expectation->extra = extra;
  if (state.workload().kill_at_estimate) expectation->promises[head_job] = shadow;
  for (size_t i = head + 1; i < expectation->order.size(); ++i) {
    if (i - head > static_cast<size_t>(std::max(0, parameters.backfill_depth))) break;
    const int32_t index = expectation->order[i];
    const bool in_time = Later(state.now(), ExpectedRunTime(JobAt(state, index).estimate, 0)) <= shadow;
    if (Gpus(state, index) > free || (!in_time && Gpus(state, index) > extra)) continue;
    free -= Gpus(state, index);
    if (!in_time) extra -= Gpus(state, index);
    expectation->running.insert(index);
  }
}

// GPUs in use from an instant on until the next one.
using Profile = std::map<Time, int64_t>;

void AddTo(Profile* changes, Time from, Time until, int64_t gpus) {
  (*changes)[from] += gpus;
  (*changes)[until] -= gpus;
}

// The earliest start, not before `now`, of `gpus` for `length` beside the changes in use.
Time EarliestStart(const Profile& changes, Time now, Time length, int64_t gpus, int64_t capacity) {
  Time start = now;
  int64_t used = 0;
  for (auto it = changes.begin(); it != changes.end(); ++it) {
    used += it->second;
    const auto next = std::next(it);
    const Time until = next == changes.end() ? kForever : next->first;
    if (until <= start) continue;
    if (Later(start, length) <= it->first) break;
    if (used + gpus > capacity) start = until;
  }
  return start;
}

void ExpectConservative(const ClusterState& state, PolicyExpectation* expectation) {
  const Time now = state.now();
  Profile changes;
  for (const int32_t index : state.Running()) AddTo(&changes, now, ExpectedEnd(state, index), Gpus(state, index));
  std::map<int32_t, Time>& places = expectation->places;
  const auto length = [&](int32_t index) { return ExpectedRunTime(JobAt(state, index).estimate, 0); };
  if (state.workload().kill_at_estimate) {
    for (const int32_t index : expectation->order) {
      if (At(state, index).promised != kUnknown) places[index] = At(state, index).promised;
    }
  }
  for (const auto& [index, place] : places) {
    AddTo(&changes, place, Later(place, length(index)), Gpus(state, index));
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (const int32_t index : expectation->order) {
      const auto old = places.find(index);
      if (old != places.end()) {
        AddTo(&changes, old->second, Later(old->second, length(index)), -Gpus(state, index));
      }
      const Time place = EarliestStart(changes, now, length(index), Gpus(state, index), Capacity(state));
      changed = changed || old == places.end() || old->second != place;
      places[index] = place;
      AddTo(&changes, place, Later(place, length(index)), Gpus(state, index));
    }
  }
  for (const auto& [index, place] : places) {
    if (place == now) expectation->running.insert(index);
    if (place != now && state.workload().kill_at_estimate) expectation->promises[index] = place;
  }
}

std::string Number(int64_t value) { return value == kForever ? "infinite" : std::to_string(value); }

}  // namespace

Time ExpectedRunTime(Time length, Time ran) {
  if (length == kUnknown) return kForever;
  while (length <= ran) length = length > kForever / 2 ? kForever : length * 2;
  return length;
}

PolicyExpectation Expect(const PolicyParameters& parameters, const ClusterState& state) {
  PolicyExpectation expectation;
  const std::vector<int32_t> running = state.Running();
  std::vector<int32_t> considered = state.Queued();
  const bool preemptive = parameters.policy == Policy::kSrtf || parameters.policy == Policy::kLeastAttained;
  if (preemptive) considered.insert(considered.end(), running.begin(), running.end());
  expectation.order = InOrder(parameters, state, considered);
  int64_t free = Capacity(state);
  if (preemptive) {
    for (const int32_t index : expectation.order) {
      if (Gpus(state, index) > free) continue;
      free -= Gpus(state, index);
      expectation.running.insert(index);
    }
    return expectation;
  }
  for (const int32_t index : running) free -= Gpus(state, index);
  expectation.running.insert(running.begin(), running.end());
  if (parameters.policy == Policy::kConservative) {
    ExpectConservative(state, &expectation);
    return expectation;
  }
  for (size_t i = 0; i < expectation.order.size(); ++i) {
    const int32_t index = expectation.order[i];
    if (Gpus(state, index) > free) {
      if (parameters.policy == Policy::kEasy) ExpectEasy(parameters, state, i, free, &expectation);
      break;
    }
    free -= Gpus(state, index);
    expectation.running.insert(index);
  }
  return expectation;
}

// ---- Words

std::string PolicyOracle::Describe(const ClusterState& state) const {
  const std::vector<int32_t> running = state.Running();
  int64_t free = Capacity(state);
  for (const int32_t index : running) free -= Gpus(state, index);
  std::string text = "at " + Number(state.now()) + ", " + Number(free) + " of " + Number(Capacity(state)) + " free; ";
  constexpr size_t kMost = 16;
  const auto list = [&](const std::string& title, const std::vector<int32_t>& jobs, auto describe) {
    text += title + (jobs.empty() ? "none" : "");
    for (size_t i = 0; i < std::min(jobs.size(), kMost); ++i) {
      const Job& job = JobAt(state, jobs[i]);
      text += (i == 0 ? "" : ", ") + Number(job.id) + " (" + Number(job.demand.gpu_milli) + describe(jobs[i]) + ")";
    }
    if (jobs.size() > kMost) text += " and " + Number(static_cast<int64_t>(jobs.size() - kMost)) + " more";
  };
  const auto key = [&](int32_t index) -> std::string {
    const Job& job = JobAt(state, index);
    const std::string ran = Number(At(state, index).ran_before + RanNow(state, index));
    switch (parameters_.policy) {
      case Policy::kSjf:
        return ", estimate " + (job.estimate == kUnknown ? "unknown" : Number(job.estimate));
      case Policy::kSrtf:
        return ", remaining " + Number(Key(parameters_, state, index)) + ", ran " + ran;
      case Policy::kLeastAttained:
        return ", queue " + Number(Key(parameters_, state, index)) + ", ran " + ran;
      case Policy::kPriority:
        return ", priority " + Number(job.priority) + ", effective " + Number(-Key(parameters_, state, index));
      case Policy::kEasy:
      case Policy::kConservative:
        return ", estimate " + (job.estimate == kUnknown ? "unknown" : Number(job.estimate));
      case Policy::kFifo:
        break;
    }
    return "";
  };
  const bool preemptive = parameters_.policy == Policy::kSrtf || parameters_.policy == Policy::kLeastAttained;
  list("running: ", running, [&](int32_t index) {
    const bool plans = parameters_.policy == Policy::kEasy || parameters_.policy == Policy::kConservative;
    return plans ? ", until " + Number(ExpectedEnd(state, index)) : preemptive ? key(index) : std::string();
  });
  list("; queued, in order: ", InOrder(parameters_, state, state.Queued()), [&](int32_t index) {
    const Time promised = At(state, index).promised;
    return key(index) + (promised == kUnknown ? "" : ", promised " + Number(promised));
  });
  return text;
}

std::string PolicyOracle::Why(const ClusterState& state, int32_t job) const {
  const bool runs = expectation_.running.count(job) != 0;
  if (parameters_.policy == Policy::kConservative) {
    const auto place = expectation_.places.find(job);
    return place == expectation_.places.end() ? "" : "; its place is " + Number(place->second);
  }
  if (parameters_.policy == Policy::kEasy && expectation_.head >= 0) {
    const std::string reservation = "job " + Number(JobAt(state, expectation_.head).id) + ", which is reserved for " +
                                    Number(expectation_.shadow) + " with " + Number(expectation_.extra) +
                                    " extra GPU thousandths";
    if (job == expectation_.head) return "; it is the head, reserved for " + Number(expectation_.shadow);
    return (runs ? "; it does not delay " : "; it is behind ") + reservation;
  }
  for (const int32_t index : expectation_.order) {
    if (index == job) break;
    if (runs || expectation_.running.count(index) != 0) continue;
    const bool preemptive = parameters_.policy == Policy::kSrtf || parameters_.policy == Policy::kLeastAttained;
    if (!preemptive) return "; job " + Number(JobAt(state, index).id) + " is before it and does not fit";
  }
  return runs ? "; in the policy's order it fits" : "; in the policy's order it does not fit beside those before it";
}

bool PolicyOracle::Complain(const ClusterState& state, const std::string& rule, int32_t job, const std::string& message,
                            const std::string& expected, Violation* violation) {
  *violation = {state.now(), job < 0 ? 0 : JobAt(state, job).id, rule, message};
  expected_ = expected;
  situation_ = before_;
  return false;
}

// ---- Judging

bool PolicyOracle::BeforeDecide(const ClusterState& state, Violation*) {
  ++decisions_;
  job_time_ += in_system_ * (state.now() - last_);
  queue_time_ += in_queue_ * (state.now() - last_);
  last_ = state.now();
  const std::vector<int32_t> running = state.Running();
  ran_before_ = {running.begin(), running.end()};
  expectation_ = Expect(parameters_, state);
  expected_.clear();
  if (describe_) before_ = Describe(state);
  return true;
}

bool PolicyOracle::BeforeAction(const ClusterState& state, const Action& action, Violation* violation) {
  if (action.kind != ActionKind::kPreempt) return true;
  const int32_t job = state.IndexOf(action.job);
  if (expectation_.running.count(job) == 0) return true;
  return Complain(state, "needless_preemption", job, "job " + Number(action.job) + " is preempted",
                  "it goes on running, untouched", violation);
}

bool PolicyOracle::AfterDecide(const ClusterState& state, Violation* violation) {
  const std::vector<int32_t> queued = state.Queued(), running = state.Running();
  in_queue_ = static_cast<int64_t>(queued.size());
  in_system_ = in_queue_ + static_cast<int64_t>(running.size());
  // The first in order tells most.
  std::vector<int32_t> order = expectation_.order;
  order.insert(order.end(), ran_before_.begin(), ran_before_.end());
  for (const int32_t job : order) {
    const bool runs = At(state, job).state == JobState::kRunning;
    const bool should = expectation_.running.count(job) != 0;
    if (runs == should) continue;
    const bool ran = ran_before_.count(job) != 0;
    const std::string name = "job " + Number(JobAt(state, job).id);
    const std::string is =
        runs ? (ran ? " goes on running" : " is started") : (ran ? " is stopped" : " is not started");
    const std::string be =
        should ? (ran ? "it goes on running" : "it is started") : (ran ? "it is preempted" : "it stays queued");
    return Complain(state, "wrong_jobs", job, name + is, be + Why(state, job), violation);
  }
  for (const auto& [job, promise] : expectation_.promises) {
    const Time promised = At(state, job).promised;
    if (promised == promise) continue;
    const std::string name = "job " + Number(JobAt(state, job).id);
    return Complain(state, promised == kUnknown ? "promise_missing" : "promise_wrong", job,
                    name + (promised == kUnknown ? " is promised nothing" : " is promised " + Number(promised)),
                    "it is promised " + Number(promise), violation);
  }
  return true;
}

}  // namespace q07
