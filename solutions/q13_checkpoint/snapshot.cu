// Q13 part A: snapshots, and the way back.
//
// A state is taken as one sequence of bytes, its tensors one behind the other. It flows through two rings, one in
// device memory and one in pinned host memory, and is cut anywhere: so a state of exactly the free bytes fits.
//
//   tensors --(stream)--> device ring --(drain stream)--+
//      |                                                +--> pinned ring --(writer thread)--> sink
//      +-----------------(direct stream)----------------+
//
// Save takes the upper way where the device ring has room, and is then done. Otherwise it enqueues the copies of the
// lower way itself, waiting for bytes of the pinned ring where they are short; `stream` waits for the copies, or Save
// does. One thread feeds the pinned ring from the device's and empties it into the sink, in the order in which the
// ring's bytes were given out; so both rings are freed in order, and a position in each is all there is to manage.
//
//   source --(readers)--> two slots of pinned memory each --(a stream each)--> tensors
//
// A restore is taken as one sequence of bytes, too. Its readers take the next megabyte of it, again and again, and
// share nothing but the number of the next one; what one reads into a slot is copied while it reads into the other.
#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "questions/q13_checkpoint/device_api.h"
#include "solutions/q13_checkpoint/cuda_owned.h"

namespace {

using q13::DeviceMemory;
using q13::DeviceTensor;
using q13::Event;
using q13::EventPool;
using q13::LatePinned;
using q13::Make;
using q13::PinnedMemory;
using q13::RestoreConfig;
using q13::RestoreTensor;
using q13::Sink;
using q13::Sleeper;
using q13::SnapshotConfig;
using q13::Source;
using q13::Stream;

// ---- Rings

// Which bytes of a ring are in use: those between two positions that only grow.
class Ring {
 public:
  explicit Ring(int64_t bytes) : bytes_(bytes) {}
  int64_t free() const { return bytes_ - (end_ - begin_); }
  int64_t end() const { return end_; }
  int64_t Offset(int64_t position) const { return bytes_ == 0 ? 0 : position % bytes_; }
  // Bytes from `position` to where the ring starts over.
  int64_t Straight(int64_t position) const { return bytes_ - Offset(position); }
  int64_t Take(int64_t bytes) { return std::exchange(end_, end_ + bytes); }
  void Release(int64_t bytes) { begin_ += bytes; }
  void Untake(int64_t bytes) { end_ -= bytes; }

 private:
  int64_t bytes_;
  int64_t begin_ = 0, end_ = 0;
};

// ---- Gathering tensors in a few launches

struct Segment {
  std::byte* to;
  const std::byte* from;
  int64_t bytes;
};

constexpr int kGatherThreads = 256;
constexpr int kMostSegments = 128;               // in a launch: they are its parameters, of which there may be 4 KiB
constexpr int64_t kCopyFrom = int64_t{1} << 18;  // so large, a segment is worth a call of its own

struct Segments {
  Segment of[kMostSegments];
};

template <typename T>
__device__ void CopyAs(const Segment& segment, int64_t head) {
  const int64_t first = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  const int64_t words = (segment.bytes - head) / static_cast<int64_t>(sizeof(T));
  const int64_t tail = head + words * static_cast<int64_t>(sizeof(T));
  T* to = reinterpret_cast<T*>(segment.to + head);
  const T* from = reinterpret_cast<const T*>(segment.from + head);
  for (int64_t i = first; i < words; i += stride) to[i] = from[i];
  for (int64_t i = first; i < head; i += stride) segment.to[i] = segment.from[i];
  for (int64_t i = tail + first; i < segment.bytes; i += stride) segment.to[i] = segment.from[i];
}

// blockIdx.y: the segment. In the widest words that suit both ends.
__global__ void GatherKernel(const __grid_constant__ Segments segments) {
  const Segment segment = segments.of[blockIdx.y];
  const uintptr_t to = reinterpret_cast<uintptr_t>(segment.to);
  const uintptr_t apart = to - reinterpret_cast<uintptr_t>(segment.from);
  const auto head = [&](uintptr_t width) {
    return min(static_cast<int64_t>((width - to % width) % width), segment.bytes);
  };
  if (apart % 16 == 0) {
    CopyAs<uint4>(segment, head(16));
  } else if (apart % 4 == 0) {
    CopyAs<uint32_t>(segment, head(4));
  } else {
    CopyAs<uint8_t>(segment, 0);
  }
}

cudaError_t Gather(const std::vector<Segment>& segments, cudaStream_t stream) {
  Segments table{};
  int count = 0;
  int64_t longest = 0;
  const auto flush = [&] {
    if (count == 0) return cudaSuccess;
    constexpr int64_t kBlockBytes = kGatherThreads * static_cast<int64_t>(sizeof(uint4));
    const dim3 grid(static_cast<unsigned>((longest + kBlockBytes - 1) / kBlockBytes), static_cast<unsigned>(count));
    GatherKernel<<<grid, kGatherThreads, 0, stream>>>(table);
    count = 0, longest = 0;
    return cudaGetLastError();
  };
  for (const Segment& segment : segments) {
    if (segment.bytes >= kCopyFrom) {
      const cudaError_t error = cudaMemcpyAsync(segment.to, segment.from, static_cast<size_t>(segment.bytes),
                                                cudaMemcpyDeviceToDevice, stream);
      if (error != cudaSuccess) return error;
      continue;
    }
    table.of[count++] = segment;
    longest = std::max(longest, segment.bytes);
    if (count < kMostSegments) continue;
    if (const cudaError_t error = flush(); error != cudaSuccess) return error;
  }
  return flush();
}

// ---- Saves

// Bytes [offset, offset + bytes) of a tensor.
struct Piece {
  int32_t tensor;
  int64_t offset;
  int64_t bytes;
};

// One save, and how far its tensors have been walked over.
class State {
 public:
  State(int64_t save, std::span<const DeviceTensor> tensors) : save_(save), tensors_(tensors.begin(), tensors.end()) {
    for (const DeviceTensor& tensor : tensors_) left_ += tensor.bytes;
  }

  int64_t save() const { return save_; }
  int64_t left() const { return left_; }
  const std::byte* DataOf(const Piece& piece) const {
    return static_cast<const std::byte*>(tensors_[static_cast<size_t>(piece.tensor)].data) + piece.offset;
  }
  // The next `bytes`. REQUIRES: there are as many left
  std::vector<Piece> Next(int64_t bytes) {
    std::vector<Piece> pieces;
    left_ -= bytes;
    while (bytes > 0) {
      const int64_t n = std::min(bytes, tensors_[tensor_].bytes - offset_);
      if (n > 0) pieces.push_back({static_cast<int32_t>(tensor_), offset_, n});
      bytes -= n;
      offset_ += n;
      if (offset_ < tensors_[tensor_].bytes) continue;
      ++tensor_;
      offset_ = 0;
    }
    return pieces;
  }
  // To walk once more.
  void Rewind(int64_t bytes) { tensor_ = 0, offset_ = 0, left_ = bytes; }

  int64_t staged_at = 0;  // in the device ring
  Event staged;           // it is there
  int error = 0;          // of Write, or -EIO; the writer's own
  bool told = false;      // Save itself has returned it

 private:
  const int64_t save_;
  const std::vector<DeviceTensor> tensors_;
  int64_t left_ = 0;
  size_t tensor_ = 0;
  int64_t offset_ = 0;
};

// Bytes on their way through the pinned ring.
struct Chunk {
  std::shared_ptr<State> state;
  std::vector<Piece> pieces;
  int64_t at = 0;
  int64_t bytes = 0;
  int64_t staged_bytes = 0;  // of the device ring, free once they have arrived
  Event arrived;
  bool last = false;
};

class RingSnapshotter : public q13::Snapshotter {
 public:
  RingSnapshotter(const SnapshotConfig& config, Sink* sink)
      : sink_(sink),
        device_ring_(config.device_bytes),
        pinned_ring_(config.pinned_bytes),
        // Two fit at least: one is filled while the other is written.
        chunk_bytes_(std::max<int64_t>(1, std::min(config.chunk_bytes, config.pinned_bytes / 2))) {}

  bool Start(const SnapshotConfig& config) {
    void* memory = nullptr;
    if (cudaGetDevice(&device_) != cudaSuccess) return false;
    // Loaded now: a kernel that is first launched while the device is at work waits for it to be done.
    cudaFuncAttributes attributes;
    if (cudaFuncGetAttributes(&attributes, GatherKernel) != cudaSuccess) return false;
    if (config.device_bytes > 0) {
      if (cudaMalloc(&memory, static_cast<size_t>(config.device_bytes)) != cudaSuccess) return false;
      device_memory_.reset(static_cast<std::byte*>(memory));
    }
    if (cudaMallocHost(&memory, static_cast<size_t>(config.pinned_bytes)) != cudaSuccess) return false;
    pinned_memory_.reset(static_cast<std::byte*>(memory));
    if (!Make(&drain_stream_) || !Make(&direct_stream_)) return false;
    if (!save_sleeper_.Start() || !writer_sleeper_.Start()) return false;
    writer_ = std::thread([this] { RunWriter(); });
    return true;
  }

  ~RingSnapshotter() override {
    if (!writer_.joinable()) return;
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    work_.notify_all();
    writer_.join();
  }

  int Save(int64_t save, std::span<const DeviceTensor> tensors, cudaStream_t stream) override {
    const std::lock_guard one_at_a_time(save_mutex_);
    std::unique_lock lock(mutex_);
    if (const int error = TakeError(); error != 0) return error;
    for (const DeviceTensor& tensor : tensors) {
      if (tensor.bytes < 0 || (tensor.bytes > 0 && tensor.data == nullptr)) return q13::kInvalid;
    }
    const auto state = std::make_shared<State>(save, tensors);
    const bool staged = state->left() <= device_ring_.free();
    const cudaError_t error = staged ? Stage(lock, state, stream) : CopyDirectly(lock, state, stream);
    if (error == cudaSuccess) return 0;
    (void)cudaGetLastError();
    return -EIO;
  }

  int Wait() override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return unfinished_ == 0; });
    return TakeError();
  }

 private:
  using Lock = std::unique_lock<std::mutex>;
  using SharedState = std::shared_ptr<State>;

  // All that take a lock hold it when they return.

  int TakeError() {
    if (errors_.empty()) return 0;
    const int error = errors_.front();
    errors_.pop_front();
    return error;
  }

  // Into the device ring, in `stream`'s order.
  cudaError_t Stage(Lock& lock, const SharedState& state, cudaStream_t stream) {
    const int64_t bytes = state->left();
    state->staged = events_.Take();
    if (state->staged == nullptr) return cudaErrorMemoryAllocation;
    state->staged_at = device_ring_.Take(bytes);
    lock.unlock();  // the writer goes on; other Saves do not
    std::vector<Segment> segments;
    for (int64_t at = state->staged_at; state->left() > 0;) {
      for (const Piece& piece : state->Next(std::min(state->left(), device_ring_.Straight(at)))) {
        segments.push_back({device_memory_.get() + device_ring_.Offset(at), state->DataOf(piece), piece.bytes});
        at += piece.bytes;
      }
    }
    cudaError_t error = Gather(segments, stream);
    if (error == cudaSuccess) error = cudaEventRecord(state->staged.get(), stream);
    lock.lock();
    if (error != cudaSuccess) {
      device_ring_.Untake(bytes);
      return error;
    }
    state->Rewind(bytes);
    ++unfinished_;
    staged_.push_back(state);
    work_.notify_all();
    return cudaSuccess;
  }

  // Into the pinned ring, as it has room.
  cudaError_t CopyDirectly(Lock& lock, const SharedState& state, cudaStream_t stream) {
    // As long as the lock is held nobody else takes of the ring.
    const bool fits = state->left() <= pinned_ring_.free();
    Event event = events_.Take();
    if (event == nullptr) return cudaErrorMemoryAllocation;
    cudaError_t error = cudaEventRecord(event.get(), stream);
    if (error == cudaSuccess) error = cudaStreamWaitEvent(direct_stream_.get(), event.get(), 0);
    ++unfinished_;
    while (state->left() > 0) {
      const int64_t wanted = std::min(chunk_bytes_, state->left());
      changed_.wait(lock, [&] { return NextChunkBytes(wanted) <= pinned_ring_.free(); });
      Chunk chunk = NewChunk(state, NextChunkBytes(wanted));
      int64_t at = pinned_ring_.Offset(chunk.at);
      for (const Piece& piece : chunk.pieces) {
        if (error == cudaSuccess) {
          error = cudaMemcpyAsync(pinned_memory_.get() + at, state->DataOf(piece), static_cast<size_t>(piece.bytes),
                                  cudaMemcpyDeviceToHost, direct_stream_.get());
        }
        at += piece.bytes;
      }
      Push(std::move(chunk), direct_stream_.get(), &error);
      state->told = error != cudaSuccess;
    }
    if (error == cudaSuccess) error = cudaEventRecord(event.get(), direct_stream_.get());
    if (error == cudaSuccess && fits) error = cudaStreamWaitEvent(stream, event.get(), 0);
    if (error == cudaSuccess && !fits) {
      lock.unlock();
      error = save_sleeper_.Await(event.get());
      lock.lock();
    }
    events_.Return(std::move(event));
    return error;
  }

  // A chunk does not wrap around.
  int64_t NextChunkBytes(int64_t wanted) const { return std::min(wanted, pinned_ring_.Straight(pinned_ring_.end())); }

  Chunk NewChunk(const SharedState& state, int64_t bytes) {
    Chunk chunk;
    chunk.state = state;
    chunk.pieces = state->Next(bytes);
    chunk.at = pinned_ring_.Take(bytes);
    chunk.bytes = bytes;
    chunk.last = state->left() == 0;
    chunk.arrived = events_.Take();
    return chunk;
  }

  // A chunk whose copy could not be enqueued (*error) has no event, and is not written.
  void Push(Chunk chunk, cudaStream_t stream, cudaError_t* error) {
    if (*error == cudaSuccess) {
      *error = chunk.arrived == nullptr ? cudaErrorMemoryAllocation : cudaEventRecord(chunk.arrived.get(), stream);
    }
    if (*error != cudaSuccess) events_.Return(std::move(chunk.arrived));
    chunks_.push_back(std::move(chunk));
    work_.notify_all();
  }

  // From the device ring to the pinned one, as far as that has room.
  void Drain() {
    while (!staged_.empty()) {
      const SharedState& state = staged_.front();
      const int64_t bytes =
          NextChunkBytes(std::min({chunk_bytes_, state->left(), device_ring_.Straight(state->staged_at)}));
      if (bytes > pinned_ring_.free()) return;
      cudaError_t error = cudaSuccess;
      if (state->staged != nullptr) {
        error = cudaStreamWaitEvent(drain_stream_.get(), state->staged.get(), 0);
        events_.Return(std::move(state->staged));
      }
      Chunk chunk = NewChunk(state, bytes);
      chunk.staged_bytes = bytes;
      if (error == cudaSuccess && bytes > 0) {
        error = cudaMemcpyAsync(pinned_memory_.get() + pinned_ring_.Offset(chunk.at),
                                device_memory_.get() + device_ring_.Offset(state->staged_at),
                                static_cast<size_t>(bytes), cudaMemcpyDeviceToHost, drain_stream_.get());
      }
      state->staged_at += bytes;
      const bool last = chunk.last;
      Push(std::move(chunk), drain_stream_.get(), &error);
      if (last) staged_.pop_front();
    }
  }

  void RunWriter() {
    (void)cudaSetDevice(device_);
    Lock lock(mutex_);
    while (true) {
      work_.wait(lock, [&] { return stopping_ || !chunks_.empty() || !staged_.empty(); });
      Drain();  // where no chunk is left there is room, and Drain makes some
      if (chunks_.empty()) return;
      Chunk chunk = std::move(chunks_.front());
      chunks_.pop_front();
      lock.unlock();
      Deliver(chunk);
      lock.lock();
      device_ring_.Release(chunk.staged_bytes);
      pinned_ring_.Release(chunk.bytes);
      events_.Return(std::move(chunk.arrived));
      if (chunk.last) Finish(lock, *chunk.state);
      changed_.notify_all();
    }
  }

  void Deliver(const Chunk& chunk) {
    State& state = *chunk.state;
    const bool copied = chunk.arrived != nullptr && writer_sleeper_.Await(chunk.arrived.get()) == cudaSuccess;
    if (!copied && state.error == 0) state.error = -EIO;
    const std::byte* data = pinned_memory_.get() + pinned_ring_.Offset(chunk.at);
    for (const Piece& piece : chunk.pieces) {
      if (state.error != 0) return;
      state.error = sink_->Write(state.save(), piece.tensor, piece.offset, data, piece.bytes);
      data += piece.bytes;
    }
  }

  void Finish(Lock& lock, const State& state) {
    // Whoever hears of Finish finds the error.
    if (state.error != 0 && !state.told) errors_.push_back(state.error);
    lock.unlock();
    sink_->Finish(state.save(), state.error);
    lock.lock();
    --unfinished_;
  }

  Sink* const sink_;
  int device_ = 0;
  DeviceMemory device_memory_;
  PinnedMemory pinned_memory_;
  Stream drain_stream_, direct_stream_;
  Sleeper save_sleeper_, writer_sleeper_;  // of the thread that calls Save, of the writer

  std::mutex save_mutex_;            // taken before mutex_
  std::mutex mutex_;                 // of all below
  std::condition_variable work_;     // for the writer
  std::condition_variable changed_;  // for those who wait for room, or for the end
  Ring device_ring_, pinned_ring_;
  const int64_t chunk_bytes_;
  EventPool events_;
  std::deque<SharedState> staged_;  // in the device ring, not yet all in the pinned one
  std::deque<Chunk> chunks_;        // in the order of the pinned ring
  std::deque<int> errors_;          // that nobody has been told
  int64_t unfinished_ = 0;
  bool stopping_ = false;
  std::thread writer_;
};

// ---- The way back

constexpr size_t kSlotsOfReader = 2;              // one is read into while the other is copied
constexpr int64_t kSlotBytes = int64_t{1} << 20;  // two make a huge page, and stay in a core's cache until copied

// A place for a piece of the state. Its reader fills it when it is free, the copying thread frees it.
struct Slot {
  enum State { kFree, kFilled, kCopied };
  std::atomic<State> state = kFree;
  std::byte* data = nullptr;
  int64_t begin = 0, bytes = 0;  // of the piece, in the state
  Event copied;
};

struct Reader {
  LatePinned memory;
  std::array<Slot, kSlotsOfReader> slots;
  size_t slot_count = 0;  // the others stay free
};

// One call.
class Restore {
 public:
  Restore(const RestoreConfig& config, Source* source, std::span<const RestoreTensor> tensors)
      : source_(source), tensors_(tensors), slot_bytes_(std::min(config.chunk_bytes, kSlotBytes)) {
    for (const RestoreTensor& tensor : tensors) {
      begins_.push_back(bytes_);
      bytes_ += tensor.bytes;
    }
    const int64_t pieces = (bytes_ + slot_bytes_ - 1) / slot_bytes_;
    const size_t slots = static_cast<size_t>(config.pinned_bytes / slot_bytes_);
    const size_t readers = std::min({static_cast<size_t>(config.readers), static_cast<size_t>(pieces), slots});
    readers_ = std::vector<Reader>(readers);
    // Those that are left over go to the first ones.
    for (size_t r = 0; r < readers; ++r) {
      readers_[r].slot_count = std::min(kSlotsOfReader, (slots + readers - 1 - r) / readers);
    }
  }

  int Run(cudaStream_t stream) {
    if (bytes_ == 0) return 0;
    for (Reader& reader : readers_) {
      reader.memory = LatePinned(static_cast<int64_t>(reader.slot_count) * slot_bytes_);
      if (reader.memory.data() == nullptr) return -ENOMEM;
      for (size_t s = 0; s < reader.slot_count; ++s) {
        reader.slots[s].data = reader.memory.data() + static_cast<int64_t>(s) * slot_bytes_;
        if (!Make(&reader.slots[s].copied)) return -EIO;
      }
    }
    reading_ = readers_.size();
    std::vector<std::thread> threads;
    for (Reader& reader : readers_) threads.emplace_back([this, &reader] { Read(reader); });
    CopySlots(stream);
    for (std::thread& thread : threads) thread.join();
    if (cudaStreamSynchronize(stream) != cudaSuccess) Fail(-EIO);
    return error_;
  }

 private:
  // The first one counts, and stops all readers.
  void Fail(int error) {
    int none = 0;
    (void)error_.compare_exchange_strong(none, error);
  }

  void Read(Reader& reader) {
    for (size_t s = 0; error_ == 0; s = (s + 1) % reader.slot_count) {
      const int64_t begin = next_.fetch_add(slot_bytes_);
      if (begin >= bytes_) break;
      Slot& slot = reader.slots[s];
      for (Slot::State state; (state = slot.state) != Slot::kFree;) slot.state.wait(state);
      slot.begin = begin;
      slot.bytes = std::min(slot_bytes_, bytes_ - begin);
      if (const int error = Fill(slot); error != 0) Fail(error);
      slot.state = Slot::kFilled;
      Tell();
    }
    --reading_;
    Tell();
  }

  // The copying thread.
  void Tell() {
    ++news_;
    news_.notify_one();
  }

  // The calling thread, and of all threads the only one that calls CUDA: calls of several would wait for each other.
  void CopySlots(cudaStream_t stream) {
    std::deque<Slot*> copying;
    while (true) {
      const uint32_t news = news_;
      const bool last = reading_ == 0;  // all that is filled can be seen below
      for (Reader& reader : readers_) {
        for (Slot& slot : reader.slots) {
          if (slot.state != Slot::kFilled) continue;
          if (const int error = Copy(slot, &reader.memory, stream); error != 0) Fail(error);
          slot.state = Slot::kCopied;
          copying.push_back(&slot);
        }
      }
      if (last) return;
      if (copying.empty()) {
        news_.wait(news);
        continue;
      }
      if (cudaEventSynchronize(copying.front()->copied.get()) != cudaSuccess) Fail(-EIO);
      copying.front()->state = Slot::kFree;
      copying.front()->state.notify_one();
      copying.pop_front();
    }
  }

  // The tensors that a slot's piece belongs to, with the part of each, in turn, until `each` returns an error.
  template <typename Each>
  int ForParts(const Slot& slot, const Each& each) const {
    int64_t begin = slot.begin;
    const int64_t end = begin + slot.bytes;
    // The last tensor that begins there or before: not an empty one.
    size_t tensor = static_cast<size_t>(std::upper_bound(begins_.begin(), begins_.end(), begin) - begins_.begin()) - 1;
    for (; begin < end; ++tensor) {
      const int64_t offset = begin - begins_[tensor], n = std::min(end - begin, tensors_[tensor].bytes - offset);
      if (n == 0) continue;
      if (const int error = each(tensor, offset, n, slot.data + (begin - slot.begin)); error != 0) return error;
      begin += n;
    }
    return 0;
  }

  int Fill(const Slot& slot) {
    return ForParts(slot, [&](size_t tensor, int64_t offset, int64_t bytes, std::byte* to) {
      while (bytes > 0) {
        if (const int error = error_; error != 0) return error;  // another reader's
        const int64_t got = source_->Read(static_cast<int32_t>(tensor), offset, to, bytes);
        if (got == -EINTR) continue;
        if (got <= 0) return got < 0 ? static_cast<int>(got) : -EIO;
        offset += got, bytes -= got, to += got;
      }
      return 0;
    });
  }

  int Copy(const Slot& slot, LatePinned* memory, cudaStream_t stream) {
    if (error_ != 0) return error_;
    if (!memory->Pin()) return -ENOMEM;
    const int error = ForParts(slot, [&](size_t tensor, int64_t offset, int64_t bytes, const std::byte* from) {
      std::byte* const to = static_cast<std::byte*>(tensors_[tensor].data) + offset;
      const size_t n = static_cast<size_t>(bytes);
      return cudaMemcpyAsync(to, from, n, cudaMemcpyHostToDevice, stream) == cudaSuccess ? 0 : -EIO;
    });
    return error == 0 && cudaEventRecord(slot.copied.get(), stream) != cudaSuccess ? -EIO : error;
  }

  Source* const source_;
  const std::span<const RestoreTensor> tensors_;
  const int64_t slot_bytes_;
  std::vector<int64_t> begins_;  // of the tensors, in the state
  int64_t bytes_ = 0;
  std::vector<Reader> readers_;
  std::atomic<int64_t> next_ = 0;    // where the next piece begins
  std::atomic<size_t> reading_ = 0;  // readers
  std::atomic<uint32_t> news_ = 0;
  std::atomic<int> error_ = 0;
};

}  // namespace

extern "C" q13::Snapshotter* q13_snapshot_create(const SnapshotConfig& config, Sink* sink) {
  if (sink == nullptr || config.device_bytes < 0 || config.chunk_bytes < 1 ||
      config.pinned_bytes < config.chunk_bytes) {
    return nullptr;
  }
  auto snapshotter = std::make_unique<RingSnapshotter>(config, sink);
  if (snapshotter->Start(config)) return snapshotter.release();
  (void)cudaGetLastError();
  return nullptr;
}

extern "C" int q13_restore(const RestoreConfig& config, Source* source, std::span<const RestoreTensor> tensors,
                           cudaStream_t stream) {
  if (source == nullptr || config.chunk_bytes < 1 || config.readers < 1 || config.pinned_bytes < config.chunk_bytes) {
    return q13::kInvalid;
  }
  for (const RestoreTensor& tensor : tensors) {
    if (tensor.bytes < 0 || (tensor.bytes > 0 && tensor.data == nullptr)) return q13::kInvalid;
  }
  const int error = Restore(config, source, tensors).Run(stream);
  if (error != 0) (void)cudaGetLastError();
  return error;
}
