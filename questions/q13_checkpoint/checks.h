// Q13's checks, a function for each part: they add to what is there, in the order in which they lead a verdict.
#ifndef QUESTIONS_Q13_CHECKPOINT_CHECKS_H_
#define QUESTIONS_Q13_CHECKPOINT_CHECKS_H_

#include <vector>

#include "grader/question.h"

namespace q13 {

void AddSnapshotChecks(std::vector<workbench::Check>* checks);     // part a
void AddDurableChecks(std::vector<workbench::Check>* checks);      // part b
void AddIncrementalChecks(std::vector<workbench::Check>* checks);  // part c
void AddReshardChecks(std::vector<workbench::Check>* checks);      // part d
void AddCompressChecks(std::vector<workbench::Check>* checks);     // part e
void AddSafetensorsChecks(std::vector<workbench::Check>* checks);  // part f

// Checks whose id ends so are about speed: judged only once the part is correct.
inline constexpr const char* kSpeedSuffix = ".speed";

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_CHECKS_H_
