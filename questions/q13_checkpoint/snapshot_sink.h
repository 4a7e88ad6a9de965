// The sinks of part A, inside the runner: one that writes down every byte and every call out of turn, and can be slow,
// fail and be held back; and a gate for streams.
#ifndef QUESTIONS_Q13_CHECKPOINT_SNAPSHOT_SINK_H_
#define QUESTIONS_Q13_CHECKPOINT_SNAPSHOT_SINK_H_

#include <cuda_runtime_api.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "questions/q13_checkpoint/device_api.h"
#include "questions/q13_checkpoint/snapshot_case.h"

namespace q13 {

// Keeps whoever passes waiting until it is opened, or has opened by itself: a call that has to return although it is
// closed either does, or is found out when it does not. A program that is right never waits for the time.
class Gate {
 public:
  // `threshold` is what Pass is compared with.
  void Close(std::chrono::milliseconds at_most, int64_t threshold = 0);
  void Open();
  void Pass(int64_t value = 0);
  bool opened_by_itself() const;  // since it was last closed

 private:
  using Clock = std::chrono::steady_clock;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false;
  bool by_itself_ = false;
  int64_t threshold_ = 0;
  Clock::time_point until_;
};

// What is enqueued behind it waits at the gate. The gate is kept until it has been passed.
cudaError_t EnqueueGate(const std::shared_ptr<Gate>& gate, cudaStream_t stream);

// Also for memory that CUDA does not know.
bool IsHostMemory(const void* data);

class RecordingSink : public Sink {
 public:
  RecordingSink(const std::vector<SnapshotTensor>& tensors, int32_t saves);

  int Write(int64_t save, int32_t tensor, int64_t offset, const void* data, int64_t bytes) override;
  void Finish(int64_t save, int error) override;

  Gate& gate() { return gate_; }
  void set_delay(std::chrono::microseconds delay);
  void FailAt(int64_t save, int64_t write, int error);
  void ExpectTensors(int64_t save, int64_t tensors);  // the first so many only
  void Close();                                       // from here on nobody may call
  bool AwaitFinish(int64_t save, std::chrono::seconds at_most);
  int32_t finished() const;
  int64_t taken(int64_t save) const;
  void Report(SnapshotReply* reply) const;

 private:
  struct Record {
    SnapshotSaveResult result;
    int64_t expected_tensors = 0;
    int64_t fail_at = -1;
    int fail_with = 0;
    int64_t taken = 0;
    int under_way = 0;
    bool ended = false;  // finished, or a write has failed
    std::vector<std::byte> contents;
    std::vector<uint8_t> times;  // that each byte was written
  };

  Record* Find(int64_t save);

  const std::vector<SnapshotTensor> tensors_;
  std::vector<int64_t> begin_;  // of each tensor in the contents
  Gate gate_;
  mutable std::mutex mutex_;
  std::condition_variable finish_;
  std::vector<Record> records_;
  std::chrono::microseconds delay_{0};
  bool closed_ = false;
  int32_t unknown_saves_ = 0;
};

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_SNAPSHOT_SINK_H_
