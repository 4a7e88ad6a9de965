// Part C's judge. It follows every action of a Decide and judges it by the state that it is made in: never against a
// run of its own, since which nodes a scheduler chooses is free, and with it all that follows. What must happen and
// what may happen are two things where an answer may be cleverer than it has to be (see CanLeave, TakeVictims).
#ifndef QUESTIONS_Q07_SCHEDULING_SHARING_JUDGE_H_
#define QUESTIONS_Q07_SCHEDULING_SHARING_JUDGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "questions/q07_scheduling/sharing_view.h"
#include "questions/q07_scheduling/simulator.h"

namespace q07 {

// SharingConfig without its span: the quotas are the workload's.
struct SharingRules {
  Sharing sharing = Sharing::kFairShare;
  bool reclaim = false;
  int32_t backfill_depth = 0;
  // Judge which jobs are preempted, not only for whom and from whom. The answer is not told.
  bool judge_victims = true;
};

class SharingJudge : public PolicyJudge {
 public:
  explicit SharingJudge(const SharingRules& rules) : rules_(rules) {}

  bool BeforeDecide(const ClusterState& state, Violation* violation) override;
  bool BeforeAction(const ClusterState& state, const Action& action, Violation* violation) override;
  bool AfterAction(const ClusterState& state, const Action& action, Violation* violation) override;
  bool AfterDecide(const ClusterState& state, Violation* violation) override;

  // Of the violation found: what should have been.
  const std::string& expected() const { return expected_; }
  // Steps of the three kinds that have been judged, for tests of the checks themselves.
  int64_t filled() const { return filled_; }
  int64_t reclaimed() const { return reclaimed_; }
  int64_t backfilled() const { return backfilled_; }
  int64_t promised() const { return promised_; }

 private:
  // A job that has to be able to start by `at`.
  struct Reservation {
    int32_t index = -1;
    Time at = kNever;
  };

  bool JudgeStart(int32_t index, const std::vector<int32_t>& nodes);
  bool JudgeFilling(int32_t index);
  bool JudgeBackfill(int32_t index);
  bool JudgePreempt(int32_t index);
  bool JudgeBeneficiary(int32_t index, const std::vector<int32_t>& nodes);
  bool JudgeVictims(int32_t index);
  bool JudgeReserve(int32_t index, Time at);
  bool JudgeDelay(int32_t index, const std::vector<int32_t>& nodes);
  // Nobody's first job has to start, in the current state; `instead`: what is done in place of it.
  bool JudgeFillingOver(const std::string& instead);
  bool JudgeReclaimOver();
  // Filling and reclaim are over, and the walk begins.
  bool BeginBackfill(const std::string& instead);
  bool JudgeWalkUpTo(size_t place, const std::string& instead);

  bool Backfills() const { return rules_.backfill_depth > 0 && state_->workload().kill_at_estimate; }
  const Job& job(int32_t index) const { return state_->jobs()[static_cast<size_t>(index)].truth->job; }
  int32_t TenantOf(int32_t index) const { return view_->TenantOf(index); }
  bool MoreUrgent(int32_t a, int32_t b) const;
  // The tenant's first queued job, or -1.
  int32_t First(int32_t tenant) const;
  bool Startable(const SharingView& view, int32_t index) const;
  // Startable, and some choice of nodes makes the reservation no later than `no_later`.
  bool MustStart(const SharingView& view, int32_t index, Time no_later) const;
  // The reservation's earliest time in the current state; kNever without one.
  Time ReservedEarliest() const;

  // Running jobs that may be preempted for `index`, the least deserving first.
  std::vector<int32_t> Candidates(const SharingView& view, int32_t index) const;
  bool LessDeserving(int32_t a, int32_t b) const;
  // Takes victims one after the other, of those less deserving than `below` (-1: of all), until the job must start:
  // those taken, or none if it never does.
  std::vector<int32_t> TakeVictims(const SharingView& view, int32_t index, Time no_later, int32_t below) const;
  // The first job of the tenant may be the beneficiary of a reclaim.
  bool MayClaim(const SharingView& view, int32_t tenant) const;

  bool Fail(int32_t index, const std::string& rule, const std::string& message, const std::string& expected);
  std::string Name(int32_t index) const;
  std::string Names(const std::vector<int32_t>& indices) const;

  SharingRules rules_;
  std::string expected_;
  int64_t filled_ = 0, reclaimed_ = 0, backfilled_ = 0, promised_ = 0;

  // Of this Decide.
  const ClusterState* state_ = nullptr;
  Violation* violation_ = nullptr;
  std::optional<SharingView> view_;          // now
  std::vector<std::vector<int32_t>> queue_;  // of each tenant, the most urgent first
  std::vector<int32_t> started_, preempted_;
  Reservation reservation_;  // in force

  // Preempted, and whom for is not yet known; the state before; and the reservation's earliest time then.
  std::vector<int32_t> victims_;
  std::optional<SharingView> before_victims_;
  Time earliest_before_victims_ = kNever;

  // Step 3.
  bool backfilling_ = false;
  std::vector<int32_t> walk_;
  size_t walked_ = 0;             // of which none before has to start any more
  std::vector<int32_t> held_up_;  // who may be promised a start, the least share first
  Reservation implied_;           // the promise that has to be made before Decide returns
};

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_SHARING_JUDGE_H_
