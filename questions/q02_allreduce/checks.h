// Q2's checks, a file for each part.
#ifndef QUESTIONS_Q02_ALLREDUCE_CHECKS_H_
#define QUESTIONS_Q02_ALLREDUCE_CHECKS_H_

#include <vector>

#include "grader/question.h"

namespace q02 {

std::vector<workbench::Check> HostChecks();         // part a: results
std::vector<workbench::Check> HostTrafficChecks();  // part a: messages, order, size, speed
std::vector<workbench::Check> DeviceChecks();       // part b
std::vector<workbench::Check> ChooseChecks();       // part c

}  // namespace q02

#endif  // QUESTIONS_Q02_ALLREDUCE_CHECKS_H_
