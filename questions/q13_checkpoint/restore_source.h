// The source of part A's q13_restore, inside the runner: it writes down every call out of turn, and can give less than
// it is asked for, be slow, fail, and hold calls back until several are under way.
#ifndef QUESTIONS_Q13_CHECKPOINT_RESTORE_SOURCE_H_
#define QUESTIONS_Q13_CHECKPOINT_RESTORE_SOURCE_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "questions/q13_checkpoint/device_api.h"
#include "questions/q13_checkpoint/restore_case.h"
#include "questions/q13_checkpoint/snapshot_sink.h"

namespace q13 {

class RecordingSource : public Source {
 public:
  RecordingSource(RestoreCase asked, std::shared_ptr<Gate> gate) : asked_(std::move(asked)), gate_(std::move(gate)) {}

  int64_t Read(int32_t tensor, int64_t offset, void* data, int64_t bytes) override;

  void Close();  // from here on nobody may call
  RestoreReads reads() const;

 private:
  using Clock = std::chrono::steady_clock;
  using Lock = std::unique_lock<std::mutex>;

  void Gather(Lock& lock);
  int64_t Give(int32_t tensor, int64_t offset, int64_t bytes);

  const RestoreCase asked_;
  const std::shared_ptr<Gate> gate_;
  mutable std::mutex mutex_;
  std::condition_variable gathered_changed_;
  RestoreReads reads_;
  int64_t under_way_ = 0;
  int64_t given_ = 0;      // bytes
  bool gathered_ = false;  // or given up
  Clock::time_point gather_until_{};
  bool failed_ = false;
  bool closed_ = false;
  std::map<std::pair<int32_t, int64_t>, uint64_t> interrupted_;  // times, by tensor and offset
};

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_RESTORE_SOURCE_H_
