// Part B's judge: writes scripts, has them performed by the answer, and follows what it did with the oracle.
#ifndef QUESTIONS_Q07_SCHEDULING_PLACEMENT_JUDGE_H_
#define QUESTIONS_Q07_SCHEDULING_PLACEMENT_JUDGE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "grader/question.h"
#include "questions/q07_scheduling/placement_case.h"
#include "questions/q07_scheduling/placement_oracle.h"

namespace q07 {

class PlacementScript {
 public:
  PlacementScript(std::vector<GpuNode> nodes, PlacementPolicy policy, std::vector<TypicalRequest> mix = {},
                  uint64_t seed = 0);

  // The placement's id, for Release.
  int32_t Place(const Request& request, int32_t placer = 0);
  void Release(int32_t id);
  void SetUp(int32_t node, bool up, int32_t placer = 0);
  void SetBudget(double seconds) { case_.budget_seconds = seconds; }

  const PlacementCase& placement_case() const { return case_; }

 private:
  PlacementCase case_;
  std::vector<int32_t> placers_;  // of each placement
};

// What is looked at. That placements are possible and refusals are necessary always counts.
struct PlacementAspects {
  bool choices = true;       // the policy's choice
  size_t choices_every = 1;  // of every so many placements only (each looks at all nodes)
  bool shrinks = true;       // a script that fails is made smaller, which runs it many times
};

struct PlacementFailure {
  size_t operation = 0;
  std::string property;
  std::string expected;
  std::string actual;
  std::string detail;  // the nodes it is about, as they were
};

// The first thing that is wrong with what an answer did. A reply that stops before the script's end is followed that
// far. `after`: each placer's cluster at the end; may be nullptr.
std::optional<PlacementFailure> FindFailure(const PlacementCase& placement_case, const PlacementOutcome& outcome,
                                            const PlacementAspects& aspects,
                                            std::vector<ClusterOracle>* after = nullptr);

// As long as the failure stays (with the same property), leaves out operations and nodes. fails: what is wrong with the
// case now, nullopt: nothing.
PlacementCase ShrinkPlacement(const PlacementCase& failing, const PlacementFailure& failure,
                              const std::function<std::optional<PlacementFailure>(const PlacementCase&)>& fails);

// Runs a script and judges it. False when a failure was recorded. `what`: for the report, what the script is about.
bool JudgePlacement(workbench::CheckContext& context, const PlacementScript& script, const std::string& what,
                    const PlacementAspects& aspects = {}, std::vector<ClusterOracle>* after = nullptr,
                    PlacementOutcome* outcome = nullptr);

// Whether q07_placer_create makes a placer of the case (without operations). False when a failure was recorded.
bool JudgeCreation(workbench::CheckContext& context, const PlacementCase& placement_case, bool makes_sense,
                   const std::string& what);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_PLACEMENT_JUDGE_H_
