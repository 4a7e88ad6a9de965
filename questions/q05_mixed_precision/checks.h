// Q5's checks, a file for each part.
#ifndef QUESTIONS_Q05_MIXED_PRECISION_CHECKS_H_
#define QUESTIONS_Q05_MIXED_PRECISION_CHECKS_H_

#include <vector>

#include "grader/question.h"

namespace q05 {

std::vector<workbench::Check> ConvertChecks();  // part a
std::vector<workbench::Check> UnscaleChecks();  // part b
std::vector<workbench::Check> ScalerChecks();   // part c
std::vector<workbench::Check> AdamChecks();     // part d
std::vector<workbench::Check> GemmChecks();     // part e
std::vector<workbench::Check> NormChecks();     // part f
std::vector<workbench::Check> TrainChecks();    // part g

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_CHECKS_H_
