// Q7's checks, a function for each part: they add to what is there, in the order in which they lead a verdict.
#ifndef QUESTIONS_Q07_SCHEDULING_CHECKS_H_
#define QUESTIONS_Q07_SCHEDULING_CHECKS_H_

#include <vector>

#include "grader/question.h"

namespace q07 {

void AddPolicyChecks(std::vector<workbench::Check>* checks);     // part a
void AddPlacementChecks(std::vector<workbench::Check>* checks);  // part b
void AddSharingChecks(std::vector<workbench::Check>* checks);    // part c
void AddExecutorChecks(std::vector<workbench::Check>* checks);   // part d

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_CHECKS_H_
