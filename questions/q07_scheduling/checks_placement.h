// Part B's checks, a function each. What they are about is in checks_placement.cc, where they are registered.
#ifndef QUESTIONS_Q07_SCHEDULING_CHECKS_PLACEMENT_H_
#define QUESTIONS_Q07_SCHEDULING_CHECKS_PLACEMENT_H_

#include <functional>
#include <string>

#include "grader/question.h"
#include "questions/q07_scheduling/placement_judge.h"

namespace q07 {

inline constexpr PlacementPolicy kAllPolicies[] = {
    PlacementPolicy::kFirstFit, PlacementPolicy::kBestFit,       PlacementPolicy::kWorstFit, PlacementPolicy::kSpread,
    PlacementPolicy::kPack,     PlacementPolicy::kFragmentation, PlacementPolicy::kRandom};

// Judges the same script under every policy: first fit's choices, and of the others that what they do is possible
// (their choices are other checks' matter). False when a failure was recorded.
bool JudgeUnderAll(workbench::CheckContext& context, const std::function<PlacementScript(PlacementPolicy)>& script_of,
                   const std::string& what);

// checks_placement_rules.cc
void CheckPlacementFit(workbench::CheckContext& context);
void CheckPlacementFractions(workbench::CheckContext& context);
void CheckPlacementResources(workbench::CheckContext& context);
void CheckPlacementModels(workbench::CheckContext& context);
void CheckPlacementIslands(workbench::CheckContext& context);
void CheckPlacementRacks(workbench::CheckContext& context);
void CheckPlacementRelease(workbench::CheckContext& context);
void CheckPlacementNodes(workbench::CheckContext& context);
void CheckPlacementComplete(workbench::CheckContext& context);
void CheckPlacementArguments(workbench::CheckContext& context);

// checks_placement_policies.cc
void CheckPlacementBestFit(workbench::CheckContext& context);
void CheckPlacementWorstFit(workbench::CheckContext& context);
void CheckPlacementSpread(workbench::CheckContext& context);
void CheckPlacementPack(workbench::CheckContext& context);
void CheckPlacementFragmentation(workbench::CheckContext& context);
void CheckPlacementRandom(workbench::CheckContext& context);

// checks_placement_long.cc
void CheckPlacementSequences(workbench::CheckContext& context);
void CheckPlacementStranded(workbench::CheckContext& context);
void CheckPlacementScale(workbench::CheckContext& context);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_CHECKS_PLACEMENT_H_
