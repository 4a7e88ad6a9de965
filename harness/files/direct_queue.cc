#include "harness/files/direct_queue.h"

#include <liburing.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace workbench {
namespace {

// What O_DIRECT asks of memory: no disk that Linux knows wants more.
constexpr uintptr_t kMemoryAlignment = 512;

bool IsAligned(const void* data) { return reinterpret_cast<uintptr_t>(data) % kMemoryAlignment == 0; }

}  // namespace

struct DirectQueue::Ring {
  io_uring uring;

  static std::unique_ptr<Ring> Make(int32_t depth) {
    auto ring = std::make_unique<Ring>();
    // Containers often refuse it (EPERM, ENOSYS).
    if (io_uring_queue_init(static_cast<unsigned>(depth), &ring->uring, 0) < 0) return nullptr;
    ring->made = true;
    return ring;
  }
  ~Ring() {
    if (made) io_uring_queue_exit(&uring);
  }
  bool made = false;
};

struct DirectQueue::Slot {
  std::unique_ptr<char, decltype(&std::free)> bounce{nullptr, &std::free};
  int64_t chunk = -1;      // that is in flight; -1: none
  char* memory = nullptr;  // of the request: the caller's, or `bounce`
};

// Chunk i is block i of the file from `begin` (rounded down) on; the caller's bytes are [offset, end).
struct DirectQueue::Transfer {
  bool write = false;
  int fd = -1;
  int64_t offset = 0;
  int64_t end = 0;
  char* data = nullptr;
  int64_t begin = 0;
  int64_t block = 0;
  int64_t next = 0;                // chunk to start
  std::vector<int64_t> done = {};  // of each chunk: bytes of the file that were moved, or minus an errno
  bool stopped = false;

  int64_t chunk_begin(int64_t chunk) const { return begin + chunk * block; }
  int64_t chunk_bytes(int64_t chunk) const {
    const int64_t bytes = std::min(block, end - chunk_begin(chunk));
    return (bytes + kDirectAlignment - 1) / kDirectAlignment * kDirectAlignment;
  }
};

DirectQueue::DirectQueue(const DirectQueueOptions& options)
    : options_(options), slots_(static_cast<size_t>(std::max(options.depth, 1))) {
  if (options_.uring) ring_ = Ring::Make(static_cast<int32_t>(slots_.size()));
  if (ring_ == nullptr) slots_.resize(1);
}
DirectQueue::~DirectQueue() = default;

int64_t DirectQueue::Write(int fd, int64_t offset, const void* data, int64_t bytes) {
  // Never written to: only a read's slot copies into it.
  char* memory = const_cast<char*>(static_cast<const char*>(data));
  Transfer transfer{true, fd, offset, offset + bytes, memory, offset, options_.block};
  return Run(&transfer);
}

int64_t DirectQueue::Read(int fd, int64_t offset, void* data, int64_t bytes) {
  Transfer transfer{
      false,         fd, offset, offset + bytes, static_cast<char*>(data), offset / kDirectAlignment * kDirectAlignment,
      options_.block};
  return Run(&transfer);
}

bool DirectQueue::Start(Transfer* transfer, int32_t index) {
  Slot& slot = slots_[static_cast<size_t>(index)];
  const int64_t chunk = transfer->next;
  const int64_t begin = transfer->chunk_begin(chunk), bytes = transfer->chunk_bytes(chunk);
  const bool whole = begin >= transfer->offset && begin + bytes <= transfer->end;
  slot.memory = transfer->data + (begin - transfer->offset);
  if (!whole || !IsAligned(slot.memory)) {
    if (slot.bounce == nullptr) {
      slot.bounce.reset(static_cast<char*>(
          std::aligned_alloc(static_cast<size_t>(kDirectAlignment), static_cast<size_t>(options_.block))));
      if (slot.bounce == nullptr) {
        transfer->done[static_cast<size_t>(chunk)] = -ENOMEM;
        transfer->stopped = true;
        return false;
      }
    }
    if (transfer->write) std::memcpy(slot.bounce.get(), slot.memory, static_cast<size_t>(bytes));
    slot.memory = slot.bounce.get();
  }
  slot.chunk = chunk;
  ++transfer->next;
  if (ring_ == nullptr) {
    const auto size = static_cast<size_t>(bytes);
    const ssize_t result = transfer->write ? pwrite(transfer->fd, slot.memory, size, begin)
                                           : pread(transfer->fd, slot.memory, size, begin);
    Finish(transfer, index, result < 0 ? -errno : result);
    return true;
  }
  io_uring_sqe* entry = io_uring_get_sqe(&ring_->uring);
  if (entry == nullptr) return false;  // cannot be: there are as many as slots
  const auto size = static_cast<unsigned>(bytes);
  const auto at = static_cast<uint64_t>(begin);
  if (transfer->write) {
    io_uring_prep_write(entry, transfer->fd, slot.memory, size, at);
  } else {
    io_uring_prep_read(entry, transfer->fd, slot.memory, size, at);
  }
  io_uring_sqe_set_data64(entry, static_cast<uint64_t>(index));
  return true;
}

void DirectQueue::Finish(Transfer* transfer, int32_t index, int64_t result) {
  Slot& slot = slots_[static_cast<size_t>(index)];
  const int64_t chunk = slot.chunk;
  slot.chunk = -1;
  transfer->done[static_cast<size_t>(chunk)] = result;
  if (result < transfer->chunk_bytes(chunk)) transfer->stopped = true;
  if (result <= 0 || transfer->write || slot.memory != slot.bounce.get()) return;
  const int64_t begin = transfer->chunk_begin(chunk);
  const int64_t from = std::max(begin, transfer->offset), to = std::min(begin + result, transfer->end);
  if (to <= from) return;
  std::memcpy(transfer->data + (from - transfer->offset), slot.memory + (from - begin), static_cast<size_t>(to - from));
}

int64_t DirectQueue::Run(Transfer* transfer) {
  const int64_t chunks = (transfer->end - transfer->begin + transfer->block - 1) / transfer->block;
  transfer->done.assign(static_cast<size_t>(chunks), 0);
  int32_t in_flight = 0;
  while (true) {
    bool started = false;
    for (int32_t i = 0; i < static_cast<int32_t>(slots_.size()); ++i) {
      if (slots_[static_cast<size_t>(i)].chunk >= 0 || transfer->next == chunks || transfer->stopped) continue;
      if (!Start(transfer, i)) break;
      started = true;
      in_flight += ring_ != nullptr;
    }
    if (in_flight == 0) {
      if (started) continue;
      break;
    }
    const int submitted = io_uring_submit_and_wait(&ring_->uring, 1);
    // Requests point into the caller's memory: there is no way out while the kernel has any.
    if (submitted < 0 && submitted != -EINTR && submitted != -EAGAIN && submitted != -EBUSY) std::abort();
    io_uring_cqe* completion = nullptr;
    if (io_uring_peek_cqe(&ring_->uring, &completion) < 0) continue;
    const auto slot = static_cast<int32_t>(io_uring_cqe_get_data64(completion));
    const int64_t result = completion->res;
    io_uring_cqe_seen(&ring_->uring, completion);
    --in_flight;
    Finish(transfer, slot, result);
  }
  int64_t at = transfer->begin;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    const int64_t done = transfer->done[static_cast<size_t>(chunk)];
    if (done < 0 && at <= transfer->offset) return done;
    if (done > 0) at += done;
    if (done < transfer->chunk_bytes(chunk)) break;
  }
  return std::clamp(at, transfer->offset, transfer->end) - transfer->offset;
}

}  // namespace workbench
