// Part A's checks that have files of their own.
#ifndef QUESTIONS_Q13_CHECKPOINT_CHECKS_SNAPSHOT_H_
#define QUESTIONS_Q13_CHECKPOINT_CHECKS_SNAPSHOT_H_

#include "grader/question.h"

namespace q13 {

// checks_snapshot_saves.cc
void CheckSnapshotOverlapping(workbench::CheckContext& context);
void CheckSnapshotErrors(workbench::CheckContext& context);
void CheckSnapshotMemory(workbench::CheckContext& context);
void CheckSnapshotShutdown(workbench::CheckContext& context);

// checks_snapshot_speed.cc
void CheckSnapshotStall(workbench::CheckContext& context);
void CheckSnapshotSlowdown(workbench::CheckContext& context);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_CHECKS_SNAPSHOT_H_
