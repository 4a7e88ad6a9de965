// The times of part A's q13_restore, inside the runner.
#ifndef QUESTIONS_Q13_CHECKPOINT_RESTORE_SPEED_H_
#define QUESTIONS_Q13_CHECKPOINT_RESTORE_SPEED_H_

#include <cstddef>
#include <span>
#include <vector>

#include "harness/status.h"
#include "questions/q13_checkpoint/device_api.h"

namespace q13 {

// Appends a RestoreSpeedReply and its times. An error is the device's.
workbench::Status RunRestoreSpeed(std::span<const std::byte> request, decltype(&q13_restore) restore,
                                  std::vector<std::byte>* reply);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_RESTORE_SPEED_H_
