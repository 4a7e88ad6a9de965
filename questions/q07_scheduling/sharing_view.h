// Part C's judge: what the cluster looks like at one moment, or would look like if jobs were preempted or started, and
// the words of sharing_api.h about it (share, limits, fits, the earliest time at which a job fits), each computed anew
// from what runs. Plain and slow on purpose.
#ifndef QUESTIONS_Q07_SCHEDULING_SHARING_VIEW_H_
#define QUESTIONS_Q07_SCHEDULING_SHARING_VIEW_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "questions/q07_scheduling/simulator.h"

namespace q07 {

inline constexpr int kKinds = 3;  // of resources
inline constexpr Time kNever = INT64_MAX;

int64_t Amount(const Resources& resources, int kind);
int64_t& Amount(Resources& resources, int kind);
const char* KindName(int kind);
int64_t SaturatingSum(int64_t a, int64_t b);
// Of all members.
Resources Total(const Job& job);

// How two tenants' shares compare.
enum class ShareComparison {
  kLess,
  kGreater,
  kEqual,  // the lower tenant comes first
  kNear,   // different by less than rounding may be: either may come first
};

// Tenants are known by their place in ClusterState::quotas(), jobs by their index.
class SharingView {
 public:
  SharingView(const ClusterState& state, Sharing sharing);

  // What if.
  void Start(int32_t index, std::span<const int32_t> nodes);
  void Stop(int32_t index);
  // Where a running job runs, for after it has been stopped.
  void Keep(int32_t index);

  const Job& job(int32_t index) const { return state_->jobs()[static_cast<size_t>(index)].truth->job; }
  const Quota& quota(int32_t tenant) const { return state_->quotas()[static_cast<size_t>(tenant)]; }
  int32_t tenants() const { return static_cast<int32_t>(used_.size()); }
  int32_t TenantOf(int32_t index) const;
  const Resources& used(int32_t tenant) const { return used_[static_cast<size_t>(tenant)]; }
  const std::vector<Resources>& free() const { return free_; }

  ShareComparison Compare(int32_t a, int32_t b) const;
  // Whether tenant a comes before tenant b beyond doubt.
  bool ComesFirst(int32_t a, int32_t b) const;
  std::string ShareText(int32_t tenant) const;

  // All members fit on nodes that are up.
  bool Fits(int32_t index) const { return FitsIn(free_, index); }
  // The limits of its tenant and its cohort hold with all members counted; if not and `why` is given, which does not.
  bool WithinLimits(int32_t index, std::string* why = nullptr) const { return Within(used_, index, why); }
  // Its tenant would borrow nothing.
  bool WithinQuota(int32_t index) const;
  // The tenant uses more than its quota in some resource.
  bool AboveQuota(int32_t tenant) const;

  // The earliest time at which the job fits and is within its limits if running jobs end at their start + estimate and
  // nothing else starts; kNever: not even when all have ended.
  Time Earliest(int32_t index) const;
  // The same is so by `at`.
  bool PossibleBy(int32_t index, Time at) const;
  // Some choice of nodes for `index`, which can start now, lets `reserved` start by `at`, and one does not have to be
  // clever to find it: it ends by then; or it has one member, which some node can take; or there is room for all of its
  // members that takes no place from those of `reserved`; or there are places enough for both wherever they go. Who
  // puts one member after the other onto a node where it takes the fewest places finds it in all these cases.
  bool CanLeave(int32_t index, int32_t reserved, Time at) const;

 private:
  struct Release {
    Time at;  // kNever: it has no estimate
    int32_t index;
  };

  const std::vector<int32_t>& NodesOf(int32_t index) const;
  void ReleaseBy(Time at, std::vector<Resources>* free, std::vector<Resources>* used) const;
  bool FitsIn(const std::vector<Resources>& free, int32_t index) const;
  bool Within(const std::vector<Resources>& used, int32_t index, std::string* why) const;

  const ClusterState* state_;
  Sharing sharing_;
  std::vector<Resources> free_;
  std::vector<Resources> used_;
  std::vector<Release> running_;
  // Where those run that have been started here, or kept.
  std::vector<std::pair<int32_t, std::vector<int32_t>>> placed_;
  Resources capacity_;
};

// How many members with this demand a node with this room holds, up to `most`.
int64_t Places(const Resources& room, const Resources& demand, int64_t most);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_SHARING_VIEW_H_
