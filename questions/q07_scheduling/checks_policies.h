// Part A's checks, in two files.
#ifndef QUESTIONS_Q07_SCHEDULING_CHECKS_POLICIES_H_
#define QUESTIONS_Q07_SCHEDULING_CHECKS_POLICIES_H_

#include "grader/question.h"

namespace q07 {

// checks_policies.cc: a policy each, and what all have to do with.
void CheckFifo(workbench::CheckContext& context);
void CheckSjf(workbench::CheckContext& context);
void CheckPriority(workbench::CheckContext& context);
void CheckTies(workbench::CheckContext& context);
void CheckAgeing(workbench::CheckContext& context);
void CheckSrtf(workbench::CheckContext& context);
void CheckLeastAttained(workbench::CheckContext& context);
void CheckEasy(workbench::CheckContext& context);
void CheckConservative(workbench::CheckContext& context);
void CheckEstimates(workbench::CheckContext& context);
void CheckFailures(workbench::CheckContext& context);

// checks_policies_runs.cc: what is true of whole runs.
void CheckArguments(workbench::CheckContext& context);
void CheckDeterministic(workbench::CheckContext& context);
void CheckQueueing(workbench::CheckContext& context);
void CheckOptimum(workbench::CheckContext& context);
void CheckRandomPolicies(workbench::CheckContext& context);
void CheckScale(workbench::CheckContext& context);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_CHECKS_POLICIES_H_
