// Part C's cases as the checks write them down, and how they are run and judged.
#ifndef QUESTIONS_Q07_SCHEDULING_SHARING_SCRIPT_H_
#define QUESTIONS_Q07_SCHEDULING_SHARING_SCRIPT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "grader/question.h"
#include "questions/q07_scheduling/sharing_case.h"

namespace q07 {

inline constexpr int64_t kGpu = 1000;  // gpu_milli, or cpu_milli of a CPU
inline constexpr int64_t kGib = 1024;  // memory_mib
// More than there ever is, and not the kUnlimited that overflows when something is added.
inline constexpr int64_t kPlenty = 1'000'000'000'000;

class SharingScript {
 public:
  explicit SharingScript(Sharing sharing = Sharing::kFairShare) { one_.rules.sharing = sharing; }

  SharingRules& rules() { return one_.rules; }
  Workload& workload() { return one_.workload; }

  // `count` nodes of so many whole GPUs and CPUs, and GiB of memory.
  void Nodes(int count, int64_t gpus, int64_t cpus = 64, int64_t memory = 512);
  // A tenant with a quota of GPUs, of other resources as much as it likes. What is returned may be changed until the
  // next call, as that of all below.
  Quota& Tenant(int32_t tenant, int64_t gpus, int32_t cohort = -1);
  // A job of one member with whole GPUs and as many CPUs; it has a small id of its own, in no order. Its estimate is
  // its duration.
  TrueJob& Add(Time submit, int32_t tenant, int64_t gpus, Time duration);
  TrueJob& AddGang(Time submit, int32_t tenant, int32_t members, int64_t gpus, Time duration);
  void Node(Time at, int32_t node, bool up);
  void Change(Time at, const Quota& quota);
  void KillAtEstimate(int32_t backfill_depth);

  // What there is so far, with the jobs in order of submission.
  SharingCase Case() const;

 private:
  SharingCase one_;
};

// Runs and judges it; otherwise the finding is told, and false returned. `what`: what the case is about, a few words.
// shrink: take away what is not needed for it to fail first.
bool JudgeSharing(workbench::CheckContext& context, const SharingCase& one, const std::string& what,
                  bool shrink = false, double deadline_seconds = 30);

// q07_sharing_create gives a scheduler if and only if `valid`.
bool JudgeSharingCreate(workbench::CheckContext& context, const SharingCase& one, bool valid, const std::string& what);

// The words of a finding about a violation.
workbench::Finding ExplainSharing(const SharingCase& one, const SharingReply& reply, const SimulationResult& result,
                                  const std::string& expected, const std::string& what);

std::vector<std::pair<std::string, std::string>> DescribeSharing(const SharingCase& one);

// A smaller case for which `fails` holds as it does for `one`. Asks at most `attempts` times.
SharingCase ShrinkSharing(SharingCase one, const std::function<bool(const SharingCase&)>& fails, int attempts);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_SHARING_SCRIPT_H_
