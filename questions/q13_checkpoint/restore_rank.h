// Part A's q13_restore inside the runner: one call, and what is enqueued around it.
#ifndef QUESTIONS_Q13_CHECKPOINT_RESTORE_RANK_H_
#define QUESTIONS_Q13_CHECKPOINT_RESTORE_RANK_H_

#include <memory>

#include "harness/status.h"
#include "questions/q13_checkpoint/device_api.h"
#include "questions/q13_checkpoint/restore_case.h"
#include "questions/q13_checkpoint/restore_source.h"

namespace q13 {

bool IsSensible(const RestoreCase& asked);
// An error is the device's. *source: threads that the call has left behind may still use it.
workbench::Status RunRestore(const RestoreCase& asked, decltype(&q13_restore) restore,
                             std::shared_ptr<RecordingSource>* source, RestoreReply* reply);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_RESTORE_RANK_H_
