// Part d's checks are in several files.
#ifndef QUESTIONS_Q13_CHECKPOINT_CHECKS_RESHARD_H_
#define QUESTIONS_Q13_CHECKPOINT_CHECKS_RESHARD_H_

#include <vector>

#include "grader/question.h"

namespace q13 {

void AddReshardTrafficChecks(std::vector<workbench::Check>* checks);  // bytes written and read
void AddReshardFaultChecks(std::vector<workbench::Check>* checks);    // crashes, errors, lost ranks, damage
void AddReshardRandomCheck(std::vector<workbench::Check>* checks);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_CHECKS_RESHARD_H_
