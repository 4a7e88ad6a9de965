// Part A inside the runner: the answer's snapshotter, taken through a script, and its restore.
#ifndef QUESTIONS_Q13_CHECKPOINT_SNAPSHOT_RANK_H_
#define QUESTIONS_Q13_CHECKPOINT_SNAPSHOT_RANK_H_

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "harness/status.h"
#include "questions/q13_checkpoint/device_api.h"
#include "questions/q13_checkpoint/restore_source.h"
#include "questions/q13_checkpoint/snapshot_sink.h"

namespace q13 {

class SnapshotRank {
 public:
  workbench::Status Load(void* library);
  // Ends the run (FailRun) where the device reports an error.
  workbench::Result<std::vector<std::byte>> Run(std::span<const std::byte> request);

 private:
  std::vector<std::byte> RunScript(std::span<const std::byte> request);
  std::vector<std::byte> RunOneRestore(std::span<const std::byte> request);

  decltype(&q13_snapshot_create) create_ = nullptr;
  decltype(&q13_restore) restore_ = nullptr;
  std::shared_ptr<RecordingSink> last_sink_;  // a snapshotter that is gone may still call it
  std::shared_ptr<RecordingSource> last_source_;
};

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_SNAPSHOT_RANK_H_
