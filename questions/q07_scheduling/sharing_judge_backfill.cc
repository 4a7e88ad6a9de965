// Backfill and its reservation.
#include <algorithm>

#include "questions/q07_scheduling/sharing_judge.h"

namespace q07 {

bool SharingJudge::BeginBackfill(const std::string& instead) {
  if (!JudgeFillingOver(instead) || !JudgeReclaimOver()) return false;
  backfilling_ = true;
  if (!Backfills()) return true;
  walk_ = state_->Queued();
  walk_.resize(std::min(walk_.size(), static_cast<size_t>(rules_.backfill_depth)));
  walked_ = 0;
  if (reservation_.index >= 0) return true;
  for (int32_t tenant = 0; tenant < view_->tenants(); ++tenant) {
    const int32_t first = First(tenant);
    if (first >= 0 && view_->WithinLimits(first) && !view_->Fits(first)) held_up_.push_back(first);
  }
  std::stable_sort(held_up_.begin(), held_up_.end(), [&](int32_t a, int32_t b) {
    return view_->quota(TenantOf(a)).tenant < view_->quota(TenantOf(b)).tenant;
  });
  // By selection: comparing with a tolerance orders nothing.
  for (size_t i = 0; i < held_up_.size(); ++i) {
    for (size_t j = i + 1; j < held_up_.size(); ++j) {
      if (view_->ComesFirst(TenantOf(held_up_[j]), TenantOf(held_up_[i]))) std::swap(held_up_[i], held_up_[j]);
    }
  }
  // One that never fits has no earliest time: whether the next one's has a reservation instead is left open.
  if (!held_up_.empty()) {
    const Time at = view_->Earliest(held_up_.front());
    if (at != kNever) implied_ = {held_up_.front(), at};
  }
  return true;
}

// Whatever is startable in the walk has been started, as far as `place`.
bool SharingJudge::JudgeWalkUpTo(size_t place, const std::string& instead) {
  Time earliest = kNever;
  bool known = false;
  for (; walked_ < place; ++walked_) {
    const int32_t index = walk_[walked_];
    if (state_->jobs()[static_cast<size_t>(index)].state != JobState::kQueued || !Startable(*view_, index)) continue;
    if (!known) earliest = ReservedEarliest();
    known = true;
    if (!MustStart(*view_, index, earliest)) continue;
    return Fail(index, "backfill_missed", instead + ", and " + Name(index) + " is left queued",
                Name(index) + " is backfilled: it is among the first " + std::to_string(rules_.backfill_depth) +
                    " by submission, startable, and makes no reservation later");
  }
  return true;
}

bool SharingJudge::JudgeBackfill(int32_t index) {
  if (reservation_.index == index) return true;
  const auto found = std::find(walk_.begin(), walk_.end(), index);
  if (found == walk_.end()) {
    return Fail(index, "backfill_depth", Name(index) + " is started in backfill",
                "only the first " + std::to_string(rules_.backfill_depth) +
                    " queued jobs of all tenants by submission, id are walked");
  }
  const size_t place = static_cast<size_t>(found - walk_.begin());
  if (!JudgeWalkUpTo(place, Name(index) + " is started")) return false;
  walked_ = std::max(walked_, place + 1);
  return true;
}

// Starting `index` there leaves the reserved job its start by the time that was promised.
bool SharingJudge::JudgeDelay(int32_t index, const std::vector<int32_t>& nodes) {
  const Reservation& reservation = reservation_.index >= 0 ? reservation_ : implied_;
  if (reservation.index < 0 || reservation.index == index) return true;
  if (!view_->PossibleBy(reservation.index, reservation.at)) return true;  // late whatever starts
  SharingView after = *view_;
  after.Start(index, nodes);
  if (after.PossibleBy(reservation.index, reservation.at)) return true;
  const Time later = after.Earliest(reservation.index);
  return Fail(index, "delays",
              Name(index) + " is started; with it, " + Name(reservation.index) + " could start at " +
                  (later == kNever ? "no time" : std::to_string(later)),
              "nothing starts that makes the reservation of " + Name(reservation.index) + " later than " +
                  std::to_string(reservation.at));
}

bool SharingJudge::JudgeReserve(int32_t index, Time at) {
  if (!Backfills()) {
    return Fail(index, "not_held_up", Name(index) + " is promised a start",
                "no job has a reservation without backfill");
  }
  if (reservation_.index >= 0) {
    if (reservation_.index != index) {
      return Fail(index, "not_held_up", Name(index) + " is promised a start at " + std::to_string(at),
                  Name(reservation_.index) + " has the reservation until it starts or the reservation is void");
    }
    const Time earliest = ReservedEarliest();
    if (at >= earliest) return true;
    return Fail(index, "wrong_promise", Name(index) + " is promised to start at " + std::to_string(at),
                "the earliest time at which it fits is " + std::to_string(earliest));
  }
  if (!backfilling_ && !BeginBackfill(Name(index) + " is promised a start")) return false;
  const auto allowed = [&](int32_t one) {
    return std::none_of(held_up_.begin(), held_up_.end(), [&](int32_t other) {
      return other != one && view_->ComesFirst(TenantOf(other), TenantOf(one)) && view_->Earliest(other) != kNever;
    });
  };
  const bool held_up = std::find(held_up_.begin(), held_up_.end(), index) != held_up_.end();
  // Once something has been backfilled, it is for the job that the walk has been judged by.
  const bool may = held_up && (walked_ > 0 && implied_.index >= 0 ? index == implied_.index : allowed(index));
  if (!may) {
    return Fail(index, "not_held_up", Name(index) + " is promised a start at " + std::to_string(at),
                implied_.index >= 0 ? Name(implied_.index) +
                                          " has the reservation: its tenant's share is the least of those whose first "
                                          "job is within the limits and does not fit"
                                    : "no first job is within its limits and held up by nodes alone");
  }
  const Time earliest = index == implied_.index ? implied_.at : view_->Earliest(index);
  if (at == earliest) return true;
  return Fail(index, "wrong_promise", Name(index) + " is promised to start at " + std::to_string(at),
              earliest == kNever ? "it never fits"
                                 : "the earliest time at which it fits if running jobs end at their estimates is " +
                                       std::to_string(earliest));
}

}  // namespace q07
