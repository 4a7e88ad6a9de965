// Reclaim: who is preempted, for whom, and whether it had to be.
#include <algorithm>
#include <tuple>

#include "questions/q07_scheduling/sharing_judge.h"

namespace q07 {
namespace {

bool Has(const std::vector<int32_t>& all, int32_t one) { return std::find(all.begin(), all.end(), one) != all.end(); }

}  // namespace

bool SharingJudge::LessDeserving(int32_t a, int32_t b) const {
  const Time since_a = state_->jobs()[static_cast<size_t>(a)].started;
  const Time since_b = state_->jobs()[static_cast<size_t>(b)].started;
  return std::tuple(job(a).priority, -since_a, -job(a).id) < std::tuple(job(b).priority, -since_b, -job(b).id);
}

std::vector<int32_t> SharingJudge::Candidates(const SharingView& view, int32_t index) const {
  const int32_t tenant = TenantOf(index);
  std::vector<int32_t> candidates = state_->Running();
  candidates.insert(candidates.end(), victims_.begin(), victims_.end());
  std::erase_if(candidates, [&](int32_t one) {
    const int32_t other = TenantOf(one);
    return !job(one).preemptible || other == tenant || view.quota(other).cohort != view.quota(tenant).cohort ||
           Has(started_, one);
  });
  std::sort(candidates.begin(), candidates.end(), [&](int32_t a, int32_t b) { return LessDeserving(a, b); });
  return candidates;
}

bool SharingJudge::MayClaim(const SharingView& view, int32_t tenant) const {
  const int32_t first = First(tenant);
  return first >= 0 && view.quota(tenant).cohort >= 0 && !Has(preempted_, first) && view.WithinQuota(first);
}

std::vector<int32_t> SharingJudge::TakeVictims(const SharingView& view, int32_t index, Time no_later,
                                               int32_t below) const {
  SharingView after = view;
  std::vector<int32_t> taken;
  for (const int32_t candidate : Candidates(view, index)) {
    if (below >= 0 && !LessDeserving(candidate, below)) break;
    if (!after.AboveQuota(TenantOf(candidate))) continue;
    after.Stop(candidate);
    taken.push_back(candidate);
    if (MustStart(after, index, no_later)) return taken;
  }
  return {};
}

bool SharingJudge::JudgeReclaimOver() {
  if (!rules_.reclaim) return true;
  const Time earliest = ReservedEarliest();
  for (int32_t tenant = 0; tenant < view_->tenants(); ++tenant) {
    if (!MayClaim(*view_, tenant) || Startable(*view_, First(tenant))) continue;
    const std::vector<int32_t> taken = TakeVictims(*view_, First(tenant), earliest, -1);
    if (taken.empty()) continue;
    return Fail(
        First(tenant), "reclaim_missed", Name(First(tenant)) + " is left queued, within its tenant's own quota",
        "it starts in this Decide: it would, were (at most) these preempted, whose tenants borrow: " + Names(taken));
  }
  return true;
}

bool SharingJudge::JudgePreempt(int32_t index) {
  const int32_t tenant = TenantOf(index);
  if (!rules_.reclaim) {
    return Fail(index, "not_reclaim", Name(index) + " is preempted, and reclaim is off", "nobody is preempted");
  }
  if (backfilling_) {
    return Fail(index, "after_backfill", Name(index) + " is preempted after backfill has begun",
                "reclaim comes before backfill");
  }
  if (victims_.empty()) {
    if (!JudgeFillingOver(Name(index) + " is preempted")) return false;
    before_victims_ = view_;
    earliest_before_victims_ = ReservedEarliest();
  }
  if (!view_->AboveQuota(tenant)) {
    return Fail(index, "within_quota",
                Name(index) + " is preempted, whose tenant uses no more than its quota at that moment",
                "only jobs of tenants above their quota (in some resource) are preempted");
  }
  before_victims_->Keep(index);
  return true;
}

bool SharingJudge::JudgeBeneficiary(int32_t index, const std::vector<int32_t>& nodes) {
  const int32_t tenant = TenantOf(index);
  const SharingView& before = *before_victims_;
  for (const int32_t victim : victims_) {
    const int32_t other = TenantOf(victim);
    if (other != tenant && before.quota(other).cohort == before.quota(tenant).cohort &&
        before.quota(tenant).cohort >= 0) {
      continue;
    }
    return Fail(victim, "outside_cohort", Name(victim) + " is preempted for " + Name(index),
                "victims are jobs of other tenants in the same cohort");
  }
  if (First(tenant) != index) {
    return Fail(index, "claimant", Names(victims_) + " preempted for " + Name(index),
                "only a tenant's first queued job, here job " + std::to_string(job(First(tenant)).id) + ", reclaims");
  }
  if (!before.WithinQuota(index)) {
    return Fail(index, "claim_to_borrow", Names(victims_) + " preempted for " + Name(index) + ", which borrows",
                "only a job that leaves its tenant within its own quota, in every resource, reclaims");
  }
  for (int32_t other = 0; other < before.tenants(); ++other) {
    // Startable without victims, it would have been started before; so it has to wait for the reservation.
    if (!before.ComesFirst(other, tenant) || !MayClaim(before, other) || First(other) < 0) continue;
    const int32_t first = First(other);
    if (Startable(before, first) || TakeVictims(before, first, earliest_before_victims_, -1).empty()) continue;
    return Fail(
        index, "claim_order",
        Names(victims_) + " preempted for " + Name(index) + ", whose tenant's share is " + before.ShareText(tenant),
        Name(first) + " reclaims first: its tenant's share is " + before.ShareText(other));
  }
  if ((rules_.judge_victims && !JudgeVictims(index)) || !JudgeDelay(index, nodes)) return false;
  ++reclaimed_;
  return true;
}

bool SharingJudge::JudgeVictims(int32_t index) {
  for (const int32_t spared : victims_) {
    SharingView without = *before_victims_;
    for (const int32_t victim : victims_) {
      if (victim != spared) without.Stop(victim);
    }
    if (!MustStart(without, index, earliest_before_victims_)) continue;
    return Fail(spared, "needless", Names(victims_) + " preempted for " + Name(index),
                "job " + std::to_string(job(spared).id) + " is left alone: " + Name(index) + " can start without it");
  }
  const int32_t most =
      *std::max_element(victims_.begin(), victims_.end(), [&](int32_t a, int32_t b) { return LessDeserving(a, b); });
  const std::vector<int32_t> instead = TakeVictims(*before_victims_, index, earliest_before_victims_, most);
  if (instead.empty()) return true;
  return Fail(most, "more_deserving", Names(victims_) + " preempted for " + Name(index),
              "job " + std::to_string(job(most).id) +
                  " is left alone: less deserving ones (by priority, latest start, id) suffice: " + Names(instead));
}

}  // namespace q07
