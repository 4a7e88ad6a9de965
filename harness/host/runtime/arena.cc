#include "harness/host/runtime/arena.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "harness/host/executor/executor.h"
#include "harness/host/runtime/runtime.h"

namespace cuda_host {
namespace {

constexpr size_t RoundUp(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }
constexpr size_t kHeaderBytes = RoundUp(sizeof(ArenaHeader), kPageBytes);
// Freed addresses are used again only after this many times the devices' memory has been given out.
constexpr size_t kTimesMemory = 4;

}  // namespace

Arena& Arena::Get() {
  static auto* const arena = new Arena;
  return *arena;
}

Arena::Arena() : random_(Seed() ^ 0xa4e4au) {
  const size_t most = kTimesMemory * Limits().memory_bytes * static_cast<size_t>(Limits().devices) + (size_t{1} << 30);
  fd_ = memfd_create("cuda_host_device_memory", MFD_CLOEXEC);
  size_t size = RoundUp(most, kPageBytes);
  if (rlimit limit{}; getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < size) {
    size = limit.rlim_cur / kPageBytes * kPageBytes;
  }
  void* base = MAP_FAILED;
  if (fd_ >= 0 && size > 2 * kHeaderBytes && ftruncate(fd_, static_cast<off_t>(size)) == 0) {
    base = mmap(nullptr, size, PROT_NONE, MAP_SHARED | MAP_NORESERVE, fd_, 0);
  }
  if (base == MAP_FAILED || mprotect(base, kHeaderBytes, PROT_READ | PROT_WRITE) != 0) {
    Report("cannot map " + std::to_string(size >> 20) +
           " MiB of sparse shared memory for the stand-in's device memory: " + std::strerror(errno) +
           "; set WORKBENCH_HOST_MEMORY_MIB to less than " + std::to_string(Limits().memory_bytes >> 20));
    return;
  }
  base_ = static_cast<char*>(base);
  size_ = size;
  const size_t first = kHeaderBytes + kPageBytes;
  free_[first] = size_ - first;
  ArenaHeader* const header = this->header();
  header->magic = kArenaMagic;
  header->pid = getpid();
  if (getrandom(&header->nonce, sizeof header->nonce, 0) != sizeof header->nonce) header->nonce = 0;
}

void* Arena::Allocate(size_t bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (bytes > size_) return nullptr;
  void* data = Take(bytes);
  if (data == nullptr && !freed_.empty()) {
    Reuse();
    data = Take(bytes);
  }
  return data;
}

void* Arena::Take(size_t bytes) {
  const size_t end_aligned = RoundUp(bytes, kAllocationAlignment);
  const size_t pages = RoundUp(end_aligned, kPageBytes);
  const size_t wanted = pages + kPageBytes * (1 + random_.Below(3));
  const auto range = std::find_if(free_.begin(), free_.end(), [&](const auto& r) { return r.second >= wanted; });
  if (range == free_.end()) return nullptr;
  const auto [offset, size] = *range;
  if (mprotect(base_ + offset, pages, PROT_READ | PROT_WRITE) != 0) return nullptr;
  free_.erase(range);
  if (size > wanted) free_[offset + wanted] = size - wanted;
  void* const data = base_ + offset + (pages - end_aligned);
  allocated_[data] = wanted;
  return data;
}

void Arena::Reuse() {
  free_.merge(freed_);
  freed_.clear();
  for (auto range = free_.begin(); range != free_.end();) {
    const auto next = std::next(range);
    if (next != free_.end() && range->first + range->second == next->first) {
      range->second += next->second;
      free_.erase(next);
    } else {
      range = next;
    }
  }
}

void Arena::Free(void* data) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = allocated_.find(data);
  if (found == allocated_.end()) return;
  const size_t size = found->second;
  const size_t offset = OffsetOf(data) / kPageBytes * kPageBytes;
  allocated_.erase(found);
  freed_[offset] = size;
  (void)fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                  static_cast<off_t>(size));
  (void)mprotect(base_ + offset, size, PROT_NONE);
}

bool Arena::Contains(const void* data) const {
  const auto* const address = static_cast<const char*>(data);
  return base_ != nullptr && address >= base_ && address < base_ + size_;
}

}  // namespace cuda_host
