// What part A gets from CUDA, owned.
#ifndef SOLUTIONS_Q13_CHECKPOINT_CUDA_OWNED_H_
#define SOLUTIONS_Q13_CHECKPOINT_CUDA_OWNED_H_

#include <cuda_runtime.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace q13 {

struct FreeDevice {
  void operator()(std::byte* data) const { (void)cudaFree(data); }
};
struct FreePinned {
  void operator()(std::byte* data) const { (void)cudaFreeHost(data); }
};
struct DestroyStream {
  void operator()(cudaStream_t stream) const { (void)cudaStreamDestroy(stream); }
};
struct DestroyEvent {
  void operator()(cudaEvent_t event) const { (void)cudaEventDestroy(event); }
};
using DeviceMemory = std::unique_ptr<std::byte, FreeDevice>;
using PinnedMemory = std::unique_ptr<std::byte, FreePinned>;
using Stream = std::unique_ptr<std::remove_pointer_t<cudaStream_t>, DestroyStream>;
using Event = std::unique_ptr<std::remove_pointer_t<cudaEvent_t>, DestroyEvent>;

// Of the highest priority, and none that the default stream waits for.
inline bool Make(Stream* stream) {
  int lowest = 0, highest = 0;
  cudaStream_t made = nullptr;
  if (cudaDeviceGetStreamPriorityRange(&lowest, &highest) != cudaSuccess) return false;
  if (cudaStreamCreateWithPriority(&made, cudaStreamNonBlocking, highest) != cudaSuccess) return false;
  stream->reset(made);
  return true;
}

inline bool Make(Event* event, unsigned flags = cudaEventDisableTiming) {
  cudaEvent_t made = nullptr;
  if (cudaEventCreateWithFlags(&made, flags) != cudaSuccess) return false;
  event->reset(made);
  return true;
}

// Host memory that is pinned once it has been written to. cudaMallocHost takes small pages and pins them one by one,
// which is 0.6 ms for a MiB: as long as copying 30. Huge pages are pinned in a tenth of that, and whoever writes first
// to a piece of memory has its pages made, on its own core.
class LatePinned {
 public:
  LatePinned() = default;
  explicit LatePinned(int64_t bytes) : bytes_(static_cast<size_t>(bytes)) {
    constexpr size_t kPage = 4096, kHugePage = size_t{2} << 20;
    const size_t alignment = bytes_ < kHugePage ? kPage : kHugePage;
    const size_t whole = (bytes_ + alignment - 1) / alignment * alignment;
    data_ = std::aligned_alloc(alignment, whole);
    if (data_ != nullptr) (void)madvise(data_, whole, MADV_HUGEPAGE);
  }
  LatePinned(LatePinned&& other) noexcept { *this = std::move(other); }
  LatePinned& operator=(LatePinned&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    std::swap(pinned_, other.pinned_);
    return *this;
  }
  ~LatePinned() {
    if (pinned_) (void)cudaHostUnregister(data_);
    std::free(data_);
  }
  // nullptr: there is no memory.
  std::byte* data() const { return static_cast<std::byte*>(data_); }
  // Before copies. False: it cannot be.
  bool Pin() {
    if (!pinned_) pinned_ = cudaHostRegister(data_, bytes_, cudaHostRegisterDefault) == cudaSuccess;
    return pinned_;
  }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
  bool pinned_ = false;
};

// Events are used again: making one may cost more than a small copy. REQUIRES, for both: the owner's lock.
//
// None has cudaEventBlockingSync: of such events CUDA lets only so many wait in a stream (56 on an H100), and whoever
// enqueues the next copy behind them waits for one.
class EventPool {
 public:
  Event Take() {
    Event event;
    if (free_.empty()) {
      (void)Make(&event);
    } else {
      event = std::move(free_.back());
      free_.pop_back();
    }
    return event;
  }
  void Return(Event event) {
    if (event != nullptr) free_.push_back(std::move(event));
  }

 private:
  std::vector<Event> free_;
};

// Waits for events of a pool asleep, as training needs the core: a blocking event of its own comes after them, in a
// stream of its own. For one thread at a time.
class Sleeper {
 public:
  bool Start() { return Make(&stream_) && Make(&event_, cudaEventDisableTiming | cudaEventBlockingSync); }
  cudaError_t Await(cudaEvent_t event) {
    if (const cudaError_t error = cudaStreamWaitEvent(stream_.get(), event, 0); error != cudaSuccess) return error;
    if (const cudaError_t error = cudaEventRecord(event_.get(), stream_.get()); error != cudaSuccess) return error;
    return cudaEventSynchronize(event_.get());
  }

 private:
  Stream stream_;
  Event event_;
};

}  // namespace q13

#endif  // SOLUTIONS_Q13_CHECKPOINT_CUDA_OWNED_H_
