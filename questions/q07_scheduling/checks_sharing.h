// Part C's checks: each is a few written cases about one thing, and random ones that have nothing that comes later.
#ifndef QUESTIONS_Q07_SCHEDULING_CHECKS_SHARING_H_
#define QUESTIONS_Q07_SCHEDULING_CHECKS_SHARING_H_

#include "grader/question.h"
#include "questions/q07_scheduling/sharing_random.h"

namespace q07 {

// `rounds` random workloads (ten times as many in the long tier).
bool JudgeRandomSharing(workbench::CheckContext& context, const RandomSharing& options, int rounds, uint64_t salt);

void CheckSharingFairShare(workbench::CheckContext& context);
void CheckSharingOrder(workbench::CheckContext& context);
void CheckSharingWeights(workbench::CheckContext& context);
void CheckSharingDominant(workbench::CheckContext& context);
void CheckSharingQuota(workbench::CheckContext& context);
void CheckSharingCohort(workbench::CheckContext& context);
void CheckSharingGang(workbench::CheckContext& context);
void CheckSharingFailures(workbench::CheckContext& context);
void CheckSharingNodes(workbench::CheckContext& context);
void CheckSharingQuotaChange(workbench::CheckContext& context);
void CheckSharingReclaim(workbench::CheckContext& context);
void CheckSharingVictims(workbench::CheckContext& context);
void CheckSharingBackfill(workbench::CheckContext& context);
void CheckSharingReservation(workbench::CheckContext& context);
void CheckSharingArguments(workbench::CheckContext& context);
void CheckSharingDeterministic(workbench::CheckContext& context);
void CheckSharingRandom(workbench::CheckContext& context);
void CheckSharingScale(workbench::CheckContext& context);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_CHECKS_SHARING_H_
