// All device memory of the process: one sparse shared-memory file, mapped once, which other processes can map, too.
//
// Every allocation has pages of its own and ends at the end of one, and what is not allocated cannot be accessed: a
// stray access faults.
#ifndef HARNESS_HOST_RUNTIME_ARENA_H_
#define HARNESS_HOST_RUNTIME_ARENA_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

#include "harness/host/executor/random.h"
#include "harness/host/runtime/operation.h"

namespace cuda_host {

// At the start of the file.
struct ArenaHeader {
  uint64_t magic;
  uint64_t nonce;  // a process's own
  int64_t pid;
  uint64_t events;  // interprocess events made so far
  CUevent_st::Shared event[4000];
};
inline constexpr uint64_t kArenaMagic = 0x3172656e61617543u;
inline constexpr size_t kPageBytes = 4096;
inline constexpr size_t kAllocationAlignment = 256;

class Arena {
 public:
  static Arena& Get();

  // Null if there is no room, or the system does not give any. The contents are zero. REQUIRES: bytes > 0
  void* Allocate(size_t bytes);
  // What was there is gone, here and in processes that have it mapped.
  void Free(void* data);

  bool Contains(const void* data) const;
  ArenaHeader* header() const { return reinterpret_cast<ArenaHeader*>(base_); }
  int fd() const { return fd_; }
  size_t OffsetOf(const void* data) const { return static_cast<size_t>(static_cast<const char*>(data) - base_); }

 private:
  Arena();
  void* Take(size_t bytes);
  void Reuse();

  std::mutex mutex_;
  int fd_ = -1;
  char* base_ = nullptr;
  size_t size_ = 0;
  // Offset to size, of whole pages.
  std::map<size_t, size_t> free_;
  std::map<size_t, size_t> freed_;           // used again only when the rest is used up
  std::map<const void*, size_t> allocated_;  // to the size of its pages
  Random random_;
};

}  // namespace cuda_host

#endif  // HARNESS_HOST_RUNTIME_ARENA_H_
