// Checks of part E that are about sizes and times.
#ifndef QUESTIONS_Q13_CHECKPOINT_CHECKS_COMPRESS_H_
#define QUESTIONS_Q13_CHECKPOINT_CHECKS_COMPRESS_H_

#include "grader/question.h"

namespace q13 {

void CheckCompressRatio(workbench::CheckContext& context);
void CheckCompressBudget(workbench::CheckContext& context);
void CheckCompressRandom(workbench::CheckContext& context);
void CheckCompressSpeed(workbench::CheckContext& context);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_CHECKS_COMPRESS_H_
