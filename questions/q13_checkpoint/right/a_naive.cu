// Odd but right: memory in pieces from a list of what is free, a thread and a queue for each save, so that saves are
// written at once and in no order; tensors from the last to the first; copies to pinned memory in the caller's own
// stream; a call of Write with no bytes for an empty tensor. A restore has readers that fill whatever place is free,
// and the calling thread copies them one by one, from the last piece to the first, in the caller's own stream.
#include <cuda_runtime.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "questions/q13_checkpoint/device_api.h"

namespace {

using q13::DeviceTensor;

struct Extent {
  int64_t begin;
  int64_t bytes;
};

// REQUIRES, for all: the lock.
class Heap {
 public:
  explicit Heap(int64_t bytes) { Give({0, bytes}); }
  int64_t free() const { return free_bytes_; }
  // Some of what is free, `most` bytes at most. REQUIRES: something is free
  Extent Take(int64_t most) {
    const auto first = free_.begin();
    const Extent extent = {first->first, std::min(most, first->second)};
    if (extent.bytes < first->second) free_[extent.begin + extent.bytes] = first->second - extent.bytes;
    free_.erase(first);
    free_bytes_ -= extent.bytes;
    return extent;
  }
  void Give(Extent extent) {
    if (extent.bytes == 0) return;
    free_bytes_ += extent.bytes;
    auto next = free_.upper_bound(extent.begin);
    if (next != free_.end() && extent.begin + extent.bytes == next->first) {
      extent.bytes += next->second;
      next = free_.erase(next);
    }
    if (next != free_.begin()) {
      const auto before = std::prev(next);
      if (before->first + before->second == extent.begin) {
        before->second += extent.bytes;
        return;
      }
    }
    free_[extent.begin] = extent.bytes;
  }

 private:
  std::map<int64_t, int64_t> free_;  // begin -> bytes
  int64_t free_bytes_ = 0;
};

struct Piece {
  int32_t tensor;
  int64_t offset;
  const char* data;  // in device memory
  Extent place;      // in device memory, or in pinned memory with `copied`
  cudaEvent_t copied = nullptr;
};

struct Job {
  int64_t save = 0;
  bool staged = false;
  bool complete = false;  // no more pieces will come
  int error = 0;
  std::deque<Piece> pieces;
  cudaEvent_t ready = nullptr;
};

class Naive : public q13::Snapshotter {
 public:
  Naive(const q13::SnapshotConfig& config, q13::Sink* sink)
      : sink_(sink), chunk_(config.chunk_bytes), device_heap_(config.device_bytes), pinned_heap_(config.pinned_bytes) {}

  bool Start(const q13::SnapshotConfig& config) {
    const size_t device = static_cast<size_t>(config.device_bytes), pinned = static_cast<size_t>(config.pinned_bytes);
    return cudaGetDevice(&gpu_) == cudaSuccess && (device == 0 || cudaMalloc(&device_, device) == cudaSuccess) &&
           cudaMallocHost(&pinned_, pinned) == cudaSuccess;
  }

  ~Naive() override {
    Join();
    if (device_ != nullptr) (void)cudaFree(device_);
    if (pinned_ != nullptr) (void)cudaFreeHost(pinned_);
  }

  int Save(int64_t save, std::span<const DeviceTensor> tensors, cudaStream_t stream) override {
    std::unique_lock lock(mutex_);
    if (!errors_.empty()) {
      const int error = errors_.front();
      errors_.pop_front();
      return error;
    }
    int64_t bytes = 0;
    for (const DeviceTensor& tensor : tensors) {
      if (tensor.bytes < 0 || (tensor.bytes > 0 && tensor.data == nullptr)) return q13::kInvalid;
      bytes += tensor.bytes;
    }
    auto job = std::make_shared<Job>();
    job->save = save;
    job->staged = bytes <= device_heap_.free();
    const bool fits = !job->staged && bytes <= pinned_heap_.free();
    const bool copies_at_once = job->staged || fits;
    if (!copies_at_once) threads_.emplace_back([this, job] { Write(job); });
    cudaError_t error = cudaSuccess;
    Heap& heap = job->staged ? device_heap_ : pinned_heap_;
    char* const memory = static_cast<char*>(job->staged ? device_ : pinned_);
    for (size_t t = tensors.size(); t-- > 0;) {
      int64_t offset = 0;
      do {
        const int64_t left = tensors[t].bytes - offset;
        if (!copies_at_once && left > 0) changed_.wait(lock, [&] { return pinned_heap_.free() > 0; });
        const Extent place = left == 0 ? Extent{0, 0} : heap.Take(std::min(left, chunk_));
        const char* data = static_cast<const char*>(tensors[t].data) + offset;
        Piece piece = {static_cast<int32_t>(t), offset, data, place};
        if (error == cudaSuccess && left > 0) {
          error = cudaMemcpyAsync(memory + place.begin, data, static_cast<size_t>(place.bytes),
                                  job->staged ? cudaMemcpyDeviceToDevice : cudaMemcpyDeviceToHost, stream);
        }
        if (error == cudaSuccess && !job->staged) error = Mark(&piece.copied, stream);
        job->pieces.push_back(piece);
        changed_.notify_all();
        offset += place.bytes;
      } while (offset < tensors[t].bytes);
    }
    if (error == cudaSuccess && job->staged) error = Mark(&job->ready, stream);
    if (error != cudaSuccess) job->error = -EIO;
    job->complete = true;
    changed_.notify_all();
    if (copies_at_once) {
      threads_.emplace_back([this, job] { Write(job); });
    } else {
      lock.unlock();
      error = cudaStreamSynchronize(stream);
    }
    return error == cudaSuccess ? 0 : -EIO;
  }

  int Wait() override {
    Join();
    std::lock_guard lock(mutex_);
    if (errors_.empty()) return 0;
    const int error = errors_.front();
    errors_.pop_front();
    return error;
  }

 private:
  static cudaError_t Mark(cudaEvent_t* event, cudaStream_t stream) {
    const cudaError_t error = cudaEventCreateWithFlags(event, cudaEventDisableTiming);
    return error == cudaSuccess ? cudaEventRecord(*event, stream) : error;
  }

  void Join() {
    std::vector<std::thread> threads;
    {
      std::lock_guard lock(mutex_);
      threads.swap(threads_);
    }
    for (std::thread& thread : threads) thread.join();
  }

  // A piece in pinned memory.
  void WriteOne(Job* job, const Piece& piece) {
    if (job->error != 0) return;
    job->error = sink_->Write(job->save, piece.tensor, piece.offset, static_cast<char*>(pinned_) + piece.place.begin,
                              piece.place.bytes);
  }

  // A piece on the device, through whatever pinned memory there is.
  void WriteStaged(Job* job, const Piece& piece, cudaStream_t stream) {
    if (piece.place.bytes == 0) return WriteOne(job, piece);
    for (int64_t done = 0; done < piece.place.bytes;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return pinned_heap_.free() > 0; });
      const Extent place = pinned_heap_.Take(std::min(piece.place.bytes - done, chunk_));
      lock.unlock();
      if (cudaMemcpyAsync(static_cast<char*>(pinned_) + place.begin,
                          static_cast<char*>(device_) + piece.place.begin + done, static_cast<size_t>(place.bytes),
                          cudaMemcpyDeviceToHost, stream) != cudaSuccess ||
          cudaStreamSynchronize(stream) != cudaSuccess) {
        job->error = -EIO;
      }
      WriteOne(job, {piece.tensor, piece.offset + done, nullptr, place});
      done += place.bytes;
      lock.lock();
      pinned_heap_.Give(place);
      changed_.notify_all();
    }
  }

  void Write(const std::shared_ptr<Job>& job) {
    (void)cudaSetDevice(gpu_);
    cudaStream_t stream = nullptr;
    (void)cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    if (job->ready != nullptr) {
      (void)cudaEventSynchronize(job->ready);
      (void)cudaEventDestroy(job->ready);
    }
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return job->complete || !job->pieces.empty(); });
      if (job->pieces.empty()) break;
      const Piece piece = job->pieces.front();
      job->pieces.pop_front();
      lock.unlock();
      if (piece.copied != nullptr) {
        (void)cudaEventSynchronize(piece.copied);
        (void)cudaEventDestroy(piece.copied);
      }
      job->staged ? WriteStaged(job.get(), piece, stream) : WriteOne(job.get(), piece);
      lock.lock();
      (job->staged ? device_heap_ : pinned_heap_).Give(piece.place);
      changed_.notify_all();
    }
    if (job->error != 0) errors_.push_back(job->error);
    lock.unlock();
    (void)cudaStreamDestroy(stream);
    sink_->Finish(job->save, job->error);
  }

  q13::Sink* const sink_;
  const int64_t chunk_;
  int gpu_ = 0;
  void* device_ = nullptr;
  void* pinned_ = nullptr;
  std::mutex mutex_;
  std::condition_variable changed_;
  Heap device_heap_, pinned_heap_;
  std::deque<int> errors_;
  std::vector<std::thread> threads_;
};

// What the readers and the copying thread of a restore share. REQUIRES, for all of it: the lock.
struct Places {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<char*> free;
  struct Filled {
    char* place;
    char* to;
    int64_t bytes;
  };
  std::deque<Filled> filled;
  int64_t next = 0;  // piece
  int reading = 0;   // threads
  int error = 0;

  void Fail(int with) {
    if (error == 0) error = with;
    changed.notify_all();
  }
};

struct TensorPiece {
  int32_t tensor;
  int64_t offset;
  int64_t bytes;
};

// 0, or what a Read has returned, or another's error.
int ReadPiece(q13::Source* source, const TensorPiece& piece, char* to, Places* places) {
  for (int64_t done = 0; done < piece.bytes;) {
    {
      std::lock_guard lock(places->mutex);
      if (places->error != 0) return places->error;
    }
    const int64_t got = source->Read(piece.tensor, piece.offset + done, to + done, piece.bytes - done);
    if (got == 0) return -EIO;
    if (got < 0 && got != -EINTR) return static_cast<int>(got);
    done += std::max<int64_t>(got, 0);
  }
  return 0;
}

void ReadPieces(q13::Source* source, std::span<const q13::RestoreTensor> tensors,
                const std::vector<TensorPiece>& pieces, Places* places) {
  std::unique_lock lock(places->mutex);
  while (true) {
    places->changed.wait(lock, [&] {
      return places->error != 0 || places->next == static_cast<int64_t>(pieces.size()) || !places->free.empty();
    });
    if (places->error != 0 || places->next == static_cast<int64_t>(pieces.size())) break;
    char* const place = places->free.back();
    places->free.pop_back();
    const TensorPiece& piece = pieces[static_cast<size_t>(places->next++)];
    lock.unlock();
    const int error = ReadPiece(source, piece, place, places);
    lock.lock();
    if (error != 0) {
      places->Fail(error);
      break;
    }
    char* const to = static_cast<char*>(tensors[static_cast<size_t>(piece.tensor)].data) + piece.offset;
    places->filled.push_back({place, to, piece.bytes});
    places->changed.notify_all();
  }
  --places->reading;
  places->changed.notify_all();
}

void CopyPieces(cudaStream_t stream, Places* places) {
  std::unique_lock lock(places->mutex);
  while (true) {
    places->changed.wait(lock, [&] { return places->reading == 0 || !places->filled.empty(); });
    if (places->filled.empty()) return;
    const Places::Filled filled = places->filled.front();
    places->filled.pop_front();
    lock.unlock();
    const bool copied = cudaMemcpyAsync(filled.to, filled.place, static_cast<size_t>(filled.bytes),
                                        cudaMemcpyHostToDevice, stream) == cudaSuccess &&
                        cudaStreamSynchronize(stream) == cudaSuccess;
    lock.lock();
    places->free.push_back(filled.place);
    if (!copied) places->Fail(-EIO);
    places->changed.notify_all();
  }
}

}  // namespace

extern "C" q13::Snapshotter* q13_snapshot_create(const q13::SnapshotConfig& config, q13::Sink* sink) {
  if (sink == nullptr || config.device_bytes < 0 || config.chunk_bytes < 1 ||
      config.pinned_bytes < config.chunk_bytes) {
    return nullptr;
  }
  auto snapshotter = std::make_unique<Naive>(config, sink);
  if (snapshotter->Start(config)) return snapshotter.release();
  (void)cudaGetLastError();
  return nullptr;
}

extern "C" int q13_restore(const q13::RestoreConfig& config, q13::Source* source,
                           std::span<const q13::RestoreTensor> tensors, cudaStream_t stream) {
  const int64_t chunk = config.chunk_bytes;
  if (source == nullptr || chunk < 1 || config.readers < 1 || config.pinned_bytes < chunk) return q13::kInvalid;
  std::vector<TensorPiece> pieces;
  for (const q13::RestoreTensor& tensor : tensors) {
    if (tensor.bytes < 0 || (tensor.bytes > 0 && tensor.data == nullptr)) return q13::kInvalid;
    for (int64_t at = 0; at < tensor.bytes; at += chunk) {
      pieces.push_back({static_cast<int32_t>(&tensor - tensors.data()), at, std::min(chunk, tensor.bytes - at)});
    }
  }
  if (pieces.empty()) return 0;
  std::reverse(pieces.begin(), pieces.end());
  const int64_t count = std::min(config.pinned_bytes / chunk, static_cast<int64_t>(pieces.size()));
  void* memory = nullptr;
  if (cudaMallocHost(&memory, static_cast<size_t>(count * chunk)) != cudaSuccess) {
    (void)cudaGetLastError();
    return -ENOMEM;
  }
  Places places;
  for (int64_t i = 0; i < count; ++i) places.free.push_back(static_cast<char*>(memory) + i * chunk);
  places.reading = config.readers;
  std::vector<std::thread> threads;
  for (int32_t i = 0; i < config.readers; ++i) {
    threads.emplace_back([&] { ReadPieces(source, tensors, pieces, &places); });
  }
  CopyPieces(stream, &places);
  for (std::thread& thread : threads) thread.join();
  (void)cudaFreeHost(memory);
  return places.error;
}
