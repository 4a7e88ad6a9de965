// Part c's way of chunks from the device to a file.
#ifndef SOLUTIONS_Q13_CHECKPOINT_INCREMENTAL_RING_H_
#define SOLUTIONS_Q13_CHECKPOINT_INCREMENTAL_RING_H_

#include <cuda_runtime.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "solutions/q13_checkpoint/commit.h"
#include "solutions/q13_checkpoint/incremental_manifest.h"

namespace q13 {

inline int ErrorOf(cudaError_t status) {
  if (status == cudaSuccess) return 0;
  (void)cudaGetLastError();
  return status == cudaErrorMemoryAllocation ? -ENOMEM : -EIO;
}

// Memory that grows when there is need, and is freed.
class Buffer {
 public:
  explicit Buffer(bool pinned) : pinned_(pinned) {}
  ~Buffer() { Free(); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  int Reserve(size_t bytes) {
    if (bytes <= bytes_) return 0;
    Free();
    const cudaError_t status = pinned_ ? cudaMallocHost(&data_, bytes) : cudaMalloc(&data_, bytes);
    if (status != cudaSuccess) data_ = nullptr;
    bytes_ = status == cudaSuccess ? bytes : 0;
    return ErrorOf(status);
  }
  template <typename T>
  T* As() const {
    return static_cast<T*>(data_);
  }

 private:
  void Free() {
    if (data_ != nullptr) (void)(pinned_ ? cudaFreeHost(data_) : cudaFree(data_));
    data_ = nullptr;
    bytes_ = 0;
  }

  bool pinned_;
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

// A chunk on its way to a file.
struct NewChunk {
  const std::byte* data = nullptr;  // on the device
  Chunk* chunk = nullptr;           // length and offset are known; gets the digest
};

// Device memory to a file, through pinned buffers that are copied to while others are written.
class Ring {
 public:
  ~Ring() {
    for (cudaEvent_t event : copied_) (void)cudaEventDestroy(event);
  }

  // `chunks` lie in the file one behind the other, from its start on.
  int Write(const std::vector<NewChunk>& chunks, File* file, cudaStream_t stream) {
    if (const int error = Allocate(); error != 0) return error;
    const std::vector<Batch> batches = Batches(chunks);
    Progress progress;
    int device = 0;
    if (const int error = ErrorOf(cudaGetDevice(&device)); error != 0) return error;
    std::thread writer([&] {
      (void)cudaSetDevice(device);
      for (size_t b = 0; b < batches.size(); ++b) {
        if (!progress.WaitFor([&] { return progress.copies > b; })) return;
        int error = ErrorOf(cudaEventSynchronize(copied_[b % kSlots]));
        if (error == 0) error = WriteBatch(chunks, batches[b], Slot(b), file);
        progress.Report([&] { progress.writes = b + 1; }, error);
      }
    });
    for (size_t b = 0; b < batches.size(); ++b) {
      if (!progress.WaitFor([&] { return progress.writes + kSlots > b; })) break;
      const int error = CopyBatch(chunks, batches[b], b, stream);
      progress.Report([&] { progress.copies = b + 1; }, error);
    }
    writer.join();
    (void)cudaStreamSynchronize(stream);  // also after an error nothing is copied to the buffers any more
    return progress.error;
  }

 private:
  static constexpr size_t kSlots = 4;
  static constexpr int64_t kSlotBytes = 4 * kChunk;

  struct Batch {
    size_t begin = 0, end = 0;  // of the chunks
    int64_t offset = 0, bytes = 0;
  };

  struct Progress {
    // False after an error.
    bool WaitFor(const std::function<bool()>& ready) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return error != 0 || ready(); });
      return error == 0;
    }
    void Report(const std::function<void()>& update, int with) {
      const std::lock_guard lock(mutex);
      if (with == 0) update();
      if (error == 0) error = with;
      changed.notify_all();
    }

    std::mutex mutex;
    std::condition_variable changed;
    size_t copies = 0, writes = 0;  // enqueued, done
    int error = 0;
  };

  int Allocate() {
    if (const int error = slots_.Reserve(kSlots * kSlotBytes); error != 0) return error;
    while (copied_.size() < kSlots) {
      cudaEvent_t event = nullptr;
      if (const int error = ErrorOf(cudaEventCreateWithFlags(&event, cudaEventDisableTiming)); error != 0) return error;
      copied_.push_back(event);
    }
    return 0;
  }
  std::byte* Slot(size_t batch) const { return slots_.As<std::byte>() + batch % kSlots * kSlotBytes; }

  static std::vector<Batch> Batches(const std::vector<NewChunk>& chunks) {
    std::vector<Batch> batches;
    for (size_t c = 0; c < chunks.size(); ++c) {
      const int64_t length = chunks[c].chunk->length;
      if (batches.empty() || batches.back().bytes + length > kSlotBytes) {
        batches.push_back({c, c, chunks[c].chunk->offset, 0});
      }
      batches.back().end = c + 1;
      batches.back().bytes += length;
    }
    return batches;
  }

  int CopyBatch(const std::vector<NewChunk>& chunks, const Batch& batch, size_t index, cudaStream_t stream) {
    std::byte* to = Slot(index);
    for (size_t c = batch.begin; c < batch.end;) {
      const std::byte* from = chunks[c].data;
      int64_t run = 0;  // neighbours on the device are one copy
      for (; c < batch.end && chunks[c].data == from + run; ++c) run += chunks[c].chunk->length;
      const auto status = cudaMemcpyAsync(to, from, static_cast<size_t>(run), cudaMemcpyDeviceToHost, stream);
      if (status != cudaSuccess) return ErrorOf(status);
      to += run;
    }
    return ErrorOf(cudaEventRecord(copied_[index % kSlots], stream));
  }

  static int WriteBatch(const std::vector<NewChunk>& chunks, const Batch& batch, const std::byte* data, File* file) {
    const std::byte* at = data;
    for (size_t c = batch.begin; c < batch.end; ++c) {
      Chunk* chunk = chunks[c].chunk;
      chunk->digest = DigestOf(at, static_cast<size_t>(chunk->length));
      at += chunk->length;
    }
    return WriteAll(file, batch.offset, data, batch.bytes);
  }

  Buffer slots_{true};
  std::vector<cudaEvent_t> copied_;
};

}  // namespace q13

#endif  // SOLUTIONS_Q13_CHECKPOINT_INCREMENTAL_RING_H_
