// Part A's times, inside the runner.
#ifndef QUESTIONS_Q13_CHECKPOINT_SNAPSHOT_SPEED_H_
#define QUESTIONS_Q13_CHECKPOINT_SNAPSHOT_SPEED_H_

#include <cstddef>
#include <span>
#include <vector>

#include "harness/status.h"
#include "questions/q13_checkpoint/device_api.h"

namespace q13 {

// Appends a SnapshotSpeedReply and its times. An error is the device's.
workbench::Status RunSnapshotSpeed(std::span<const std::byte> request, decltype(&q13_snapshot_create) create,
                                   std::vector<std::byte>* reply);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_SNAPSHOT_SPEED_H_
