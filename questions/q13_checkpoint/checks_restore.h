// Part A's checks of q13_restore.
#ifndef QUESTIONS_Q13_CHECKPOINT_CHECKS_RESTORE_H_
#define QUESTIONS_Q13_CHECKPOINT_CHECKS_RESTORE_H_

#include "grader/question.h"

namespace q13 {

void CheckRestoreBytes(workbench::CheckContext& context);
void CheckRestoreOrder(workbench::CheckContext& context);
void CheckRestoreOverlap(workbench::CheckContext& context);
void CheckRestoreErrors(workbench::CheckContext& context);

// checks_restore_speed.cc
void CheckRestoreSpeed(workbench::CheckContext& context);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_CHECKS_RESTORE_H_
