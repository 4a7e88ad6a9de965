// All state of the checks, under one lock.
#ifndef HARNESS_HOST_CHECK_CHECKER_H_
#define HARNESS_HOST_CHECK_CHECKER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness/host/check/clocks.h"
#include "harness/host/check/memory.h"
#include "harness/host/check/shadow.h"

namespace cuda_host::check {

struct Allocation {
  size_t bytes = 0;
  MemoryKind kind = MemoryKind::kDevice;
  const char* api = "";
  bool freed = false;
  bool shared_with_peers = false;  // exported: other processes write to it
  const void* caller = nullptr;    // of the program's call
};

class Checker {
 public:
  // Who accesses: a thread of `block`, or an operation (block is null) that comes after `before`.
  struct Who {
    uint32_t segment;
    uint32_t place;
    BlockState* block;
    const OperationClock* before;
    uint32_t operation;  // index; 0 is the host
  };

  void Lock();
  void Unlock() { busy_.clear(std::memory_order_release); }

  // ---- with the lock held ----
  std::map<uintptr_t, Allocation>::iterator Find(uintptr_t address);
  // Whether the access may be made; if not, it has been reported. Host memory that host code touches: false,
  // unreported.
  bool CheckAddress(uintptr_t address, size_t bytes, bool write, const void* caller, Block* block);
  // "" if inside; "host" if near nothing; else "KIND: where".
  std::string OutsideGlobal(uintptr_t address, size_t bytes, bool in_kernel);
  // Looks for races with what is remembered, and remembers this one. kYes: atomic or
  // volatile. kInWarp: volatile in shared memory, which is no flag between lanes of one warp.
  enum class Flag { kNone, kInWarp, kYes };
  void Record(const Who& who, uintptr_t address, size_t bytes, bool write, Flag flag);
  void CheckDefined(uintptr_t address, size_t bytes, const void* caller, const Block* block);

  uint32_t PlaceOf(const void* caller);
  uint32_t PlaceOfApi(const char* api, const void* caller);
  std::string DescribePlace(uint32_t place) const;
  std::string DescribeMemory(uintptr_t address, const Block* block);

  std::map<uintptr_t, Allocation> allocations;
  Shadow shadow;
  Clocks clocks;

 private:
  struct Place {
    const void* caller;
    const char* api;
  };

  void RecordInCell(const Who& who, Cell* cell, uintptr_t address, size_t bytes, bool write, Flag flag);
  bool Ordered(const Who& who, uint32_t segment) const;
  void ReportRace(const Who& who, const Past& other, bool other_writes, uintptr_t address, size_t bytes, bool write);
  std::string OutsideShared(uintptr_t address, size_t bytes, const Block& block) const;
  bool Accuse(const std::string& text);
  void AccuseOnce(const void* key, const std::string& text);

  std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
  std::vector<Place> places_{{nullptr, "an unknown place"}};
  std::unordered_map<const void*, uint32_t> place_index_;
  std::set<const void*> told_;
  std::set<std::pair<uint32_t, uint32_t>> told_races_;
};

Checker& TheChecker();

}  // namespace cuda_host::check

#endif  // HARNESS_HOST_CHECK_CHECKER_H_
