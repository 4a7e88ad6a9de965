#include "questions/q13_checkpoint/snapshot_sink.h"

#include <algorithm>
#include <cstring>
#include <thread>

namespace q13 {

bool IsHostMemory(const void* data) {
  cudaPointerAttributes attributes{};
  if (cudaPointerGetAttributes(&attributes, data) != cudaSuccess) {
    (void)cudaGetLastError();
    return true;
  }
  return attributes.type == cudaMemoryTypeUnregistered || attributes.type == cudaMemoryTypeHost;
}

void Gate::Close(std::chrono::milliseconds at_most, int64_t threshold) {
  std::lock_guard lock(mutex_);
  closed_ = true;
  by_itself_ = false;
  threshold_ = threshold;
  until_ = Clock::now() + at_most;
}

void Gate::Open() {
  std::lock_guard lock(mutex_);
  closed_ = false;
  changed_.notify_all();
}

void Gate::Pass(int64_t value) {
  std::unique_lock lock(mutex_);
  if (!closed_ || value < threshold_) return;
  if (changed_.wait_until(lock, until_, [&] { return !closed_; })) return;
  closed_ = false;
  by_itself_ = true;
  changed_.notify_all();
}

bool Gate::opened_by_itself() const {
  std::lock_guard lock(mutex_);
  return by_itself_;
}

cudaError_t EnqueueGate(const std::shared_ptr<Gate>& gate, cudaStream_t stream) {
  auto* const argument = new std::shared_ptr<Gate>(gate);
  return cudaLaunchHostFunc(
      stream,
      [](void* data) {
        const std::unique_ptr<std::shared_ptr<Gate>> owner(static_cast<std::shared_ptr<Gate>*>(data));
        (*owner)->Pass();
      },
      argument);
}

RecordingSink::RecordingSink(const std::vector<SnapshotTensor>& tensors, int32_t saves) : tensors_(tensors) {
  int64_t bytes = 0;
  for (const SnapshotTensor& tensor : tensors_) {
    begin_.push_back(bytes);
    bytes += tensor.bytes;
  }
  records_.resize(static_cast<size_t>(saves));
  for (Record& record : records_) {
    record.expected_tensors = static_cast<int64_t>(tensors_.size());
    record.contents.resize(static_cast<size_t>(bytes));
    record.times.resize(static_cast<size_t>(bytes));
  }
}

RecordingSink::Record* RecordingSink::Find(int64_t save) {
  if (save >= 0 && save < static_cast<int64_t>(records_.size())) return &records_[static_cast<size_t>(save)];
  ++unknown_saves_;
  return nullptr;
}

int RecordingSink::Write(int64_t save, int32_t tensor, int64_t offset, const void* data, int64_t bytes) {
  const bool is_host = IsHostMemory(data);
  std::unique_lock lock(mutex_);
  Record* record = Find(save);
  if (record == nullptr) return -EINVAL;
  SnapshotSaveResult& result = record->result;
  const int64_t number = result.writes++;
  if (record->under_way++ > 0) ++result.at_once;
  if (record->ended) ++result.after_end;
  if (closed_) ++result.after_destroy;
  if (!is_host) ++result.not_host;
  result.largest = std::max(result.largest, bytes);
  const bool inside = tensor >= 0 && tensor < record->expected_tensors && offset >= 0 && bytes >= 0 &&
                      bytes <= tensors_[static_cast<size_t>(tensor)].bytes &&
                      offset <= tensors_[static_cast<size_t>(tensor)].bytes - bytes;
  if (!inside) ++result.outside;
  const int64_t before = record->taken;
  const auto delay = delay_;
  const bool usable = inside && is_host && !record->ended && !closed_;
  std::byte* to = usable ? record->contents.data() + begin_[static_cast<size_t>(tensor)] + offset : nullptr;
  lock.unlock();

  // Held or slow: what is in `data` must stay.
  if (usable && bytes > 0) std::memcpy(to, data, static_cast<size_t>(bytes));
  gate_.Pass(before);
  if (delay.count() > 0) std::this_thread::sleep_for(delay);
  const bool changed = usable && bytes > 0 && std::memcmp(to, data, static_cast<size_t>(bytes)) != 0;

  lock.lock();
  if (changed) ++result.changed;
  --record->under_way;
  if (number == record->fail_at) {
    record->ended = true;
    return record->fail_with;
  }
  if (!usable) return 0;
  uint8_t* times = record->times.data() + begin_[static_cast<size_t>(tensor)] + offset;
  for (int64_t i = 0; i < bytes; ++i) times[i] = static_cast<uint8_t>(std::min(times[i] + 1, 2));
  record->taken += bytes;
  return 0;
}

void RecordingSink::Finish(int64_t save, int error) {
  std::lock_guard lock(mutex_);
  Record* record = Find(save);
  if (record == nullptr) return;
  if (record->under_way > 0) ++record->result.at_once;
  if (closed_) ++record->result.after_destroy;
  ++record->result.finishes;
  record->result.error = error;
  record->ended = true;
  finish_.notify_all();
}

void RecordingSink::set_delay(std::chrono::microseconds delay) {
  std::lock_guard lock(mutex_);
  delay_ = delay;
}

void RecordingSink::FailAt(int64_t save, int64_t write, int error) {
  std::lock_guard lock(mutex_);
  if (Record* record = Find(save)) {
    record->fail_at = write;
    record->fail_with = error;
  }
}

void RecordingSink::ExpectTensors(int64_t save, int64_t tensors) {
  std::lock_guard lock(mutex_);
  if (Record* record = Find(save)) record->expected_tensors = tensors;
}

void RecordingSink::Close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
}

bool RecordingSink::AwaitFinish(int64_t save, std::chrono::seconds at_most) {
  std::unique_lock lock(mutex_);
  Record* record = Find(save);
  return record != nullptr && finish_.wait_for(lock, at_most, [&] { return record->result.finishes > 0; });
}

int32_t RecordingSink::finished() const {
  std::lock_guard lock(mutex_);
  return static_cast<int32_t>(
      std::count_if(records_.begin(), records_.end(), [](const Record& r) { return r.result.finishes > 0; }));
}

int64_t RecordingSink::taken(int64_t save) const {
  std::lock_guard lock(mutex_);
  return save >= 0 && save < static_cast<int64_t>(records_.size()) ? records_[static_cast<size_t>(save)].taken : 0;
}

void RecordingSink::Report(SnapshotReply* reply) const {
  std::lock_guard lock(mutex_);
  for (const Record& record : records_) {
    SnapshotSaveResult result = record.result;
    result.outside += unknown_saves_;
    for (int32_t t = 0; t < record.expected_tensors; ++t) {
      for (int64_t i = 0; i < tensors_[static_cast<size_t>(t)].bytes; ++i) {
        const uint8_t times = record.times[static_cast<size_t>(begin_[static_cast<size_t>(t)] + i)];
        if (times == 1) continue;
        ++(times == 0 ? result.missing : result.repeated);
        if (result.first_tensor >= 0) continue;
        result.first_tensor = t;
        result.first_offset = i;
      }
    }
    reply->saves.push_back(result);
    reply->contents.insert(reply->contents.end(), record.contents.begin(), record.contents.end());
  }
}

}  // namespace q13
