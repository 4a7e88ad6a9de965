#include "questions/q13_checkpoint/restore_source.h"

#include <algorithm>
#include <cerrno>
#include <thread>

namespace q13 {
namespace {

constexpr std::chrono::seconds kTogether{2};

}  // namespace

int64_t RecordingSource::Read(int32_t tensor, int64_t offset, void* data, int64_t bytes) {
  const RestorePlan& plan = asked_.plan;
  const bool is_host = IsHostMemory(data);
  Lock lock(mutex_);
  const int64_t number = reads_.calls++;
  reads_.largest = std::max(reads_.largest, bytes);
  reads_.after_failure += failed_;
  reads_.after_return += closed_;
  reads_.not_host += !is_host;
  const bool inside = tensor >= 0 && tensor < static_cast<int64_t>(asked_.tensors.size()) && offset >= 0 && bytes > 0 &&
                      offset <= asked_.tensors[static_cast<size_t>(tensor)].bytes - bytes;
  reads_.outside += !inside;
  if (closed_ || !is_host || !inside) return -EFAULT;  // what it would write to may be anything
  reads_.most_at_once = std::max(reads_.most_at_once, ++under_way_);
  if (plan.gate_bytes >= 0 && given_ >= plan.gate_bytes) gate_->Open();
  Gather(lock);
  const int64_t gives = Give(tensor, offset, bytes);
  lock.unlock();

  if (plan.delay_us > 0) std::this_thread::sleep_for(std::chrono::microseconds(plan.delay_us));
  const uint64_t key = PatternKey(plan.seed, 1, tensor);
  for (int64_t i = 0; i < gives; ++i) {
    static_cast<uint8_t*>(data)[i] = PatternByte(key, static_cast<uint64_t>(offset + i));
  }

  lock.lock();
  --under_way_;
  if (number == plan.fail_at) {
    failed_ = true;
    return plan.fail_with;
  }
  given_ += std::max<int64_t>(gives, 0);
  if (plan.gate_bytes >= 0 && given_ >= asked_.bytes()) gate_->Open();
  return gives;
}

// Waits for others, but not for those that do not come.
void RecordingSource::Gather(Lock& lock) {
  if (gathered_ || asked_.plan.at_once == 0) return;
  if (gather_until_ == Clock::time_point()) gather_until_ = Clock::now() + kTogether;
  if (under_way_ < asked_.plan.at_once &&
      !gathered_changed_.wait_until(lock, gather_until_, [&] { return gathered_; })) {
    reads_.gave_up_together = 1;
  }
  gathered_ = true;
  gathered_changed_.notify_all();
}

// By place, since the calls have no order.
int64_t RecordingSource::Give(int32_t tensor, int64_t offset, int64_t bytes) {
  if (!asked_.plan.short_reads) return bytes;
  const uint64_t draw = PatternMix(PatternKey(asked_.plan.seed, 2, tensor) + static_cast<uint64_t>(offset));
  uint64_t& times = interrupted_[{tensor, offset}];
  if (times < draw % 8 / 5) {  // by three of eight, once
    ++times;
    return -EINTR;
  }
  switch (draw / 8 % 8) {
    case 0:
      return bytes;
    case 1:
    case 2:
      return 1;
    default:
      return 1 + static_cast<int64_t>(draw / 64 % static_cast<uint64_t>(bytes));
  }
}

void RecordingSource::Close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  reads_.left_under_way = under_way_;
}

RestoreReads RecordingSource::reads() const {
  std::lock_guard lock(mutex_);
  return reads_;
}

}  // namespace q13
