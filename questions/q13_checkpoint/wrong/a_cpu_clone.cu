// check: a.asynchronous
// source: the source's save_async: {k: v.cpu().clone()}, "non-blocking"
// why: every tensor is copied to pageable memory before Save returns, which waits for the stream and for each copy
#include <cuda_runtime.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "questions/q13_checkpoint/device_api.h"

namespace {

struct Job {
  int64_t save = 0;
  std::vector<std::vector<char>> tensors;
};

class CpuClone : public q13::Snapshotter {
 public:
  CpuClone(const q13::SnapshotConfig& config, q13::Sink* sink)
      : sink_(sink), chunk_(config.chunk_bytes), writer_([this] { Run(); }) {}

  ~CpuClone() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    writer_.join();
  }

  int Save(int64_t save, std::span<const q13::DeviceTensor> tensors, cudaStream_t stream) override {
    std::unique_lock lock(mutex_);
    if (const int error = TakeError(); error != 0) return error;
    lock.unlock();
    Job job;
    job.save = save;
    for (const q13::DeviceTensor& tensor : tensors) {
      if (tensor.bytes < 0 || (tensor.bytes > 0 && tensor.data == nullptr)) return q13::kInvalid;
      job.tensors.emplace_back(static_cast<size_t>(tensor.bytes));
      if (tensor.bytes == 0) continue;
      if (cudaMemcpyAsync(job.tensors.back().data(), tensor.data, job.tensors.back().size(), cudaMemcpyDeviceToHost,
                          stream) != cudaSuccess) {
        return -EIO;
      }
    }
    if (cudaStreamSynchronize(stream) != cudaSuccess) return -EIO;
    lock.lock();
    jobs_.push_back(std::move(job));
    ++unfinished_;
    changed_.notify_all();
    return 0;
  }

  int Wait() override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return unfinished_ == 0; });
    return TakeError();
  }

 private:
  int TakeError() {
    if (errors_.empty()) return 0;
    const int error = errors_.front();
    errors_.pop_front();
    return error;
  }

  int Write(const Job& job) {
    for (size_t t = 0; t < job.tensors.size(); ++t) {
      const int64_t bytes = static_cast<int64_t>(job.tensors[t].size());
      for (int64_t at = 0; at < bytes; at += chunk_) {
        const int error = sink_->Write(job.save, static_cast<int32_t>(t), at, job.tensors[t].data() + at,
                                       std::min(chunk_, bytes - at));
        if (error != 0) return error;
      }
    }
    return 0;
  }

  void Run() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      const Job job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      const int error = Write(job);
      lock.lock();
      if (error != 0) errors_.push_back(error);
      lock.unlock();
      sink_->Finish(job.save, error);
      lock.lock();
      --unfinished_;
      changed_.notify_all();
    }
  }

  q13::Sink* const sink_;
  const int64_t chunk_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::deque<int> errors_;
  int unfinished_ = 0;
  bool stopping_ = false;
  std::thread writer_;
};

}  // namespace

extern "C" q13::Snapshotter* q13_snapshot_create(const q13::SnapshotConfig& config, q13::Sink* sink) {
  constexpr int64_t kMost = int64_t{1} << 40;
  if (sink == nullptr || config.device_bytes < 0 || config.chunk_bytes < 1 ||
      config.pinned_bytes < config.chunk_bytes || config.device_bytes > kMost || config.pinned_bytes > kMost) {
    return nullptr;
  }
  return new CpuClone(config, sink);
}

// As the source's torch.load, then load_state_dict: right, with pageable memory and one Read after the other.
extern "C" int q13_restore(const q13::RestoreConfig& config, q13::Source* source,
                           std::span<const q13::RestoreTensor> tensors, cudaStream_t stream) {
  std::vector<char> data;
  for (const q13::RestoreTensor& tensor : tensors) {
    data.resize(static_cast<size_t>(tensor.bytes));
    for (int64_t at = 0; at < tensor.bytes;) {
      const int64_t got = source->Read(static_cast<int32_t>(&tensor - tensors.data()), at, data.data() + at,
                                       std::min(config.chunk_bytes, tensor.bytes - at));
      if (got == 0) return -EIO;
      if (got < 0 && got != -EINTR) return static_cast<int>(got);
      at += std::max<int64_t>(got, 0);
    }
    if (cudaMemcpyAsync(tensor.data, data.data(), data.size(), cudaMemcpyHostToDevice, stream) != cudaSuccess ||
        cudaStreamSynchronize(stream) != cudaSuccess) {
      return -EIO;
    }
  }
  return 0;
}
