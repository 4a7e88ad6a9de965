// Filling, and what all steps share. Reclaim is in sharing_judge_reclaim.cc, backfill in sharing_judge_backfill.cc.
#include "questions/q07_scheduling/sharing_judge.h"

#include <algorithm>
#include <tuple>

namespace q07 {
namespace {

bool Has(const std::vector<int32_t>& all, int32_t one) { return std::find(all.begin(), all.end(), one) != all.end(); }

}  // namespace

// ---- The frame

bool SharingJudge::BeforeDecide(const ClusterState& state, Violation* violation) {
  state_ = &state;
  violation_ = violation;
  view_.emplace(state, rules_.sharing);
  queue_.assign(state.quotas().size(), {});
  reservation_ = {};
  for (const int32_t index : state.Queued()) {
    queue_[static_cast<size_t>(TenantOf(index))].push_back(index);
    const Time promised = state.jobs()[static_cast<size_t>(index)].promised;
    if (promised != kUnknown) reservation_ = {index, promised};
  }
  for (std::vector<int32_t>& one : queue_) {
    std::sort(one.begin(), one.end(), [&](int32_t a, int32_t b) { return MoreUrgent(a, b); });
  }
  started_.clear();
  preempted_.clear();
  victims_.clear();
  before_victims_.reset();
  backfilling_ = false;
  walk_.clear();
  walked_ = 0;
  held_up_.clear();
  implied_ = {};
  return true;
}

bool SharingJudge::BeforeAction(const ClusterState& state, const Action& action, Violation* violation) {
  state_ = &state;
  violation_ = violation;
  const int32_t index = state.IndexOf(action.job);
  switch (action.kind) {
    case ActionKind::kStart:
      return JudgeStart(index, action.nodes);
    case ActionKind::kPreempt:
      return JudgePreempt(index);
    case ActionKind::kReserve:
      return JudgeReserve(index, action.at);
  }
  return true;
}

bool SharingJudge::AfterAction(const ClusterState& state, const Action& action, Violation*) {
  const int32_t index = state.IndexOf(action.job);
  if (action.kind == ActionKind::kReserve) {
    reservation_ = {index, action.at};
    implied_ = {};
    ++promised_;
    return true;
  }
  std::vector<int32_t>& queue = queue_[static_cast<size_t>(TenantOf(index))];
  if (action.kind == ActionKind::kStart) {
    std::erase(queue, index);
    started_.push_back(index);
    if (reservation_.index == index) reservation_ = {};
    victims_.clear();
    before_victims_.reset();
  } else {
    queue.insert(
        std::upper_bound(queue.begin(), queue.end(), index, [&](int32_t a, int32_t b) { return MoreUrgent(a, b); }),
        index);
    preempted_.push_back(index);
    victims_.push_back(index);
  }
  view_.emplace(state, rules_.sharing);
  return true;
}

bool SharingJudge::AfterDecide(const ClusterState& state, Violation* violation) {
  state_ = &state;
  violation_ = violation;
  if (!victims_.empty()) {
    return Fail(victims_.front(), "victims_wasted",
                Names(victims_) + " preempted, and no job is started in their place in the same Decide",
                "victims are preempted for a job that starts in the same Decide");
  }
  if (!backfilling_ && !BeginBackfill("Decide returns")) return false;
  if (!Backfills()) return true;
  if (!JudgeWalkUpTo(walk_.size(), "Decide returns")) return false;
  if (implied_.index >= 0) {
    return Fail(implied_.index, "no_reservation", "no job has a reservation as Decide returns",
                Name(implied_.index) + " is held up and is promised to start at " + std::to_string(implied_.at));
  }
  return true;
}

bool SharingJudge::Fail(int32_t index, const std::string& rule, const std::string& message,
                        const std::string& expected) {
  violation_->now = state_->now();
  violation_->job = job(index).id;
  violation_->rule = rule;
  violation_->message = message;
  expected_ = expected;
  return false;
}

std::string SharingJudge::Name(int32_t index) const {
  return "job " + std::to_string(job(index).id) + " of tenant " + std::to_string(job(index).tenant);
}

std::string SharingJudge::Names(const std::vector<int32_t>& indices) const {
  std::string text = indices.size() > 1 ? "jobs" : "job";
  for (size_t i = 0; i < indices.size(); ++i) {
    text += (i == 0 ? " " : ", ") + std::to_string(job(indices[i]).id);
  }
  return text + (indices.size() > 1 ? " are" : " is");
}

// ---- What has to start

bool SharingJudge::MoreUrgent(int32_t a, int32_t b) const {
  const Job &one = job(a), &other = job(b);
  return std::tie(other.priority, one.submit, one.id) < std::tie(one.priority, other.submit, other.id);
}

int32_t SharingJudge::First(int32_t tenant) const {
  const std::vector<int32_t>& queue = queue_[static_cast<size_t>(tenant)];
  return queue.empty() ? -1 : queue.front();
}

bool SharingJudge::Startable(const SharingView& view, int32_t index) const {
  return !Has(preempted_, index) && view.WithinLimits(index) && view.Fits(index);
}

bool SharingJudge::MustStart(const SharingView& view, int32_t index, Time no_later) const {
  const Reservation& reservation = reservation_.index >= 0 ? reservation_ : implied_;
  if (!Startable(view, index)) return false;
  if (reservation.index < 0 || reservation.index == index || no_later == kNever) return true;
  // By what was promised, too: who looks at that time chooses nodes by what they have then.
  return view.CanLeave(index, reservation.index, no_later) &&
         (no_later == reservation.at || view.CanLeave(index, reservation.index, reservation.at));
}

Time SharingJudge::ReservedEarliest() const {
  const Reservation& reservation = reservation_.index >= 0 ? reservation_ : implied_;
  return reservation.index < 0 ? kNever : view_->Earliest(reservation.index);
}

bool SharingJudge::JudgeFillingOver(const std::string& instead) {
  const Time earliest = ReservedEarliest();
  int32_t left = -1;
  for (int32_t tenant = 0; tenant < view_->tenants(); ++tenant) {
    const int32_t first = First(tenant);
    if (first < 0 || (left >= 0 && !view_->ComesFirst(tenant, TenantOf(left)))) continue;
    if (MustStart(*view_, first, earliest)) left = first;
  }
  if (left < 0) return true;
  return Fail(left, "idle", instead + ", and " + Name(left) + " is left queued",
              Name(left) + " starts first: it is its tenant's first, it is within its limits and fits" +
                  (earliest == kNever ? "" : ", and the reservation is no later for it"));
}

// ---- Starts

bool SharingJudge::JudgeStart(int32_t index, const std::vector<int32_t>& nodes) {
  if (Has(preempted_, index)) {
    return Fail(index, "restarted", Name(index) + " is preempted and started again in the same Decide",
                "what has been preempted in this Decide is not started in it");
  }
  std::string why;
  if (!view_->WithinLimits(index, &why)) {
    return Fail(index, "over_limit", Name(index) + " is started: " + why,
                "it waits until the limits of its tenant and its cohort hold with all its members");
  }
  if (!victims_.empty()) return JudgeBeneficiary(index, nodes);
  const bool is_first = First(TenantOf(index)) == index;
  if (reservation_.index == index && !is_first) return true;  // its time has come, whoever is its tenant's first
  if (!backfilling_ && !is_first) {
    if (!Backfills()) {
      const int32_t first = First(TenantOf(index));
      return Fail(index, "overtaken", Name(index) + " is started before job " + std::to_string(job(first).id),
                  Name(first) + " comes first by priority, submission, id; nothing overtakes it, startable or not");
    }
    if (!BeginBackfill(Name(index) + " is started past its tenant's first job")) return false;
  }
  if (backfilling_ ? !JudgeBackfill(index) : !JudgeFilling(index)) return false;
  if (!JudgeDelay(index, nodes)) return false;
  ++(backfilling_ ? backfilled_ : filled_);
  return true;
}

bool SharingJudge::JudgeFilling(int32_t index) {
  const int32_t tenant = TenantOf(index);
  const Time earliest = ReservedEarliest();
  int32_t better = -1;
  for (int32_t other = 0; other < view_->tenants(); ++other) {
    const int32_t first = First(other);
    if (first < 0 || !view_->ComesFirst(other, better < 0 ? tenant : TenantOf(better))) continue;
    if (MustStart(*view_, first, earliest)) better = first;
  }
  if (better < 0) return true;
  return Fail(
      index, "share_order", Name(index) + " is started, whose tenant's share is " + view_->ShareText(tenant),
      Name(better) + ", startable too, starts first: its tenant's share is " + view_->ShareText(TenantOf(better)) +
          (view_->Compare(TenantOf(better), tenant) == ShareComparison::kEqual ? ", and it is the lower tenant" : ""));
}

}  // namespace q07
