#include "harness/host/check/memory.h"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>

#include "harness/host/check/checker.h"
#include "harness/host/check/hooks.h"
#include "harness/host/executor/location.h"

namespace cuda_host::check {

bool g_enabled = false;
bool Enabled() { return g_enabled; }

Checker& TheChecker() {
  static auto* checker = new Checker;
  return *checker;
}

void Checker::Lock() {
  while (busy_.test_and_set(std::memory_order_acquire)) {
  }
}

namespace {

struct Guard {
  Guard() { TheChecker().Lock(); }
  ~Guard() { TheChecker().Unlock(); }
};

std::string AtCaller(const void* caller) {
  return caller == nullptr ? "" : " at " + DescribeLocation(reinterpret_cast<uintptr_t>(caller) - 1);
}

std::string Bytes(size_t n) { return std::to_string(n) + (n == 1 ? " byte" : " bytes"); }

}  // namespace

// ------------------------------------------------------------------------------------------------------- allocations

void OnAllocate(const void* data, size_t bytes, MemoryKind kind, const char* api) {
  Guard guard;
  Checker& checker = TheChecker();
  const uintptr_t begin = reinterpret_cast<uintptr_t>(data);
  // What was freed there before is no longer told apart.
  auto it = checker.allocations.lower_bound(begin);
  if (it != checker.allocations.begin()) {
    const auto before = std::prev(it);
    if (before->second.freed && before->first + before->second.bytes > begin) checker.allocations.erase(before);
  }
  while (it != checker.allocations.end() && it->first < begin + std::max<size_t>(bytes, 1)) {
    it = it->second.freed ? checker.allocations.erase(it) : std::next(it);
  }
  checker.allocations[begin] = {bytes, kind, api, false, false, HostCaller()};
  checker.shadow.Reset(begin, bytes, kind != MemoryKind::kDevice);
  checker.clocks.ForgetFlags(data, bytes);
}

void OnFree(const void* data) {
  Guard guard;
  Checker& checker = TheChecker();
  const auto it = checker.allocations.find(reinterpret_cast<uintptr_t>(data));
  if (it == checker.allocations.end()) return;
  // The memory stays the program's own, or its addresses are given to something else.
  if (std::strcmp(it->second.api, "cudaHostRegister") == 0 || std::strcmp(it->second.api, "cuMemMap") == 0) {
    checker.allocations.erase(it);
    return;
  }
  it->second.freed = true;
}

void OnExport(const void* data) {
  Guard guard;
  Checker& checker = TheChecker();
  const auto it = checker.Find(reinterpret_cast<uintptr_t>(data));
  if (it == checker.allocations.end()) return;
  it->second.shared_with_peers = true;
  checker.shadow.SetDefined(it->first, it->second.bytes, true);
}

std::map<uintptr_t, Allocation>::iterator Checker::Find(uintptr_t address) {
  auto it = allocations.upper_bound(address);
  if (it == allocations.begin()) return allocations.end();
  --it;
  return address < it->first + it->second.bytes ? it : allocations.end();
}

void OnDoubleFree(const void* data, const char* api) {
  if (!g_enabled) return;
  const void* const caller = HostCaller();
  bool known;
  {
    Guard guard;
    const auto it = TheChecker().allocations.find(reinterpret_cast<uintptr_t>(data));
    known = it != TheChecker().allocations.end();
  }
  Report(known ? std::string("double free: ") + api + AtCaller(caller) + " of memory that has been freed already"
               : std::string("invalid free: ") + api + AtCaller(caller) + " of a pointer that no allocation gave");
}

void OnBadRange(size_t bytes, size_t left, size_t size) {
  if (!g_enabled) return;
  Report("out of bounds: a copy or fill of " + Bytes(bytes) + AtCaller(HostCaller()) + ", " + Bytes(bytes - left) +
         " past the end of an allocation of " + Bytes(size));
}

void ReportLeaks() {
  if (!g_enabled) return;
  struct Leak {
    std::string api;
    size_t count = 0, bytes = 0;
  };
  std::map<const void*, Leak> leaks;  // by the call that made them
  {
    Guard guard;
    for (auto& [begin, allocation] : TheChecker().allocations) {
      if (allocation.freed || allocation.kind == MemoryKind::kPeer) continue;
      Leak& leak = leaks[allocation.caller];
      leak.api = allocation.api;
      ++leak.count;
      leak.bytes += allocation.bytes;
      allocation.freed = true;  // told
    }
  }
  for (const auto& [caller, leak] : leaks) {
    Report("leak: " + Bytes(leak.bytes) + " from " + leak.api + AtCaller(caller) +
           (leak.count == 1 ? "" : " (" + std::to_string(leak.count) + " calls)") + " are never freed");
  }
}

// ------------------------------------------------------------------------------------------------------------ places

uint32_t Checker::PlaceOf(const void* caller) {
  const auto [it, added] = place_index_.try_emplace(caller, static_cast<uint32_t>(places_.size()));
  if (added) places_.push_back({caller, nullptr});
  return it->second;
}
uint32_t Checker::PlaceOfApi(const char* api, const void* caller) {
  const auto [it, added] =
      place_index_.try_emplace(caller != nullptr ? caller : api, static_cast<uint32_t>(places_.size()));
  if (added) places_.push_back({caller, api});
  return it->second;
}

std::string Checker::DescribePlace(uint32_t place) const {
  const Place& p = places_[place];
  // One less than a return address is inside the call.
  if (p.caller == nullptr) return std::string("in ") + p.api;
  return "at " + DescribeLocation(reinterpret_cast<uintptr_t>(p.caller) - 1);
}

std::string Checker::DescribeMemory(uintptr_t address, const Block* block) {
  if (block != nullptr && block->shared() != nullptr) {
    const uintptr_t base = reinterpret_cast<uintptr_t>(block->shared());
    if (address >= base && address < base + kSharedReserve) {
      for (const Block::SharedVariable& variable : block->shared_variables()) {
        const uintptr_t begin = reinterpret_cast<uintptr_t>(variable.data);
        if (address >= begin && address < begin + variable.bytes) {
          return "shared memory `" + std::string(variable.name) + "` (byte " + std::to_string(address - begin) + ")";
        }
      }
      return "shared memory (byte " + std::to_string(address - base) + " of the dynamic part)";
    }
  }
  const auto it = Find(address);
  if (it == allocations.end()) return "global memory";
  const char* kind = it->second.kind == MemoryKind::kPinned ? "host memory" : "global memory";
  return std::string(kind) + " (byte " + std::to_string(address - it->first) + " of the " + Bytes(it->second.bytes) +
         " from " + it->second.api + ")";
}

// ----------------------------------------------------------------------------------------------------- where memory is

namespace {

// Whether some loaded module's data holds the address: __device__ and __constant__ variables, literals, tables.
bool InModule(uintptr_t address) {
  struct Search {
    uintptr_t address;
    bool found;
  } search{address, false};
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* data) {
        auto* const wanted = static_cast<Search*>(data);
        for (int i = 0; i < info->dlpi_phnum && !wanted->found; ++i) {
          const auto& header = info->dlpi_phdr[i];
          const uintptr_t begin = info->dlpi_addr + header.p_vaddr;
          if (header.p_type == PT_LOAD && wanted->address >= begin && wanted->address < begin + header.p_memsz) {
            wanted->found = true;
          }
        }
        return wanted->found ? 1 : 0;
      },
      &search);
  return search.found;
}

bool IsMapped(uintptr_t address) {
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  return msync(reinterpret_cast<void*>(address / page * page), 1, MS_ASYNC) == 0;
}

std::string Verb(bool write, size_t bytes) { return (write ? "writes " : "reads ") + Bytes(bytes); }

}  // namespace

std::string Checker::OutsideShared(uintptr_t address, size_t bytes, const Block& block) const {
  const uintptr_t base = reinterpret_cast<uintptr_t>(block.shared());
  const size_t dynamic = block.dynamic_shared_bytes();
  if (address >= base && address + bytes <= base + dynamic) return "";
  std::string nearest;
  uintptr_t best = ~uintptr_t{0};
  const auto consider = [&](uintptr_t begin, size_t size, const std::string& name) {
    const uintptr_t last = address + bytes;
    const uintptr_t distance = address >= begin ? (last > begin + size ? last - (begin + size) : 0) : begin - address;
    if (distance >= best) return;
    best = distance;
    if (distance == 0) {
      nearest.clear();
    } else if (address >= begin) {
      nearest = Bytes(last - (begin + size)) + " past the end of shared memory " + name + " of " + Bytes(size);
    } else {
      nearest = Bytes(distance) + " in front of shared memory " + name + " of " + Bytes(size);
    }
  };
  if (dynamic > 0) consider(base, dynamic, "(dynamic)");
  for (const Block::SharedVariable& variable : block.shared_variables()) {
    consider(reinterpret_cast<uintptr_t>(variable.data), variable.bytes, "`" + std::string(variable.name) + "`");
  }
  if (best == 0) return "";
  return nearest.empty() ? "shared memory, of which the kernel has none" : nearest;
}

std::string Checker::OutsideGlobal(uintptr_t address, size_t bytes, bool in_kernel) {
  auto next = allocations.upper_bound(address);
  const auto previous = next == allocations.begin() ? allocations.end() : std::prev(next);
  const auto is_device = [](const Allocation& a) {
    return a.kind == MemoryKind::kDevice || a.kind == MemoryKind::kManaged || a.kind == MemoryKind::kPinned ||
           a.kind == MemoryKind::kPeer;
  };
  if (previous != allocations.end() && address < previous->first + previous->second.bytes) {
    const Allocation& a = previous->second;
    if (a.freed) return "use after free: " + Bytes(a.bytes) + " from " + a.api + ", which have been freed";
    const uintptr_t end = previous->first + a.bytes;
    if (address + bytes <= end) return "";
    return "out of bounds: " + Bytes(address + bytes - end) + " past the end of the " + Bytes(a.bytes) + " from " +
           a.api;
  }
  // Near an allocation it is a wrong index; far from all a wrong pointer. Device memory is one range of addresses.
  constexpr uintptr_t kNear = uintptr_t{1} << 16;
  constexpr uintptr_t kFar = uintptr_t{16} << 30;
  const bool live_next = next != allocations.end() && is_device(next->second);
  const uintptr_t below = previous != allocations.end() && is_device(previous->second)
                              ? address - (previous->first + previous->second.bytes)
                              : ~uintptr_t{0};
  const uintptr_t above = live_next ? next->first - address : ~uintptr_t{0};
  if (above <= kNear && above < below) {
    return "out of bounds: " + Bytes(above) + " in front of the " + Bytes(next->second.bytes) + " from " +
           next->second.api;
  }
  const bool device_below = below != ~uintptr_t{0} && previous->second.kind != MemoryKind::kPinned;
  if (below <= (device_below ? kFar : kNear) && (in_kernel || device_below) && !InModule(address)) {
    const Allocation& a = previous->second;
    return "out of bounds: " + Bytes(below + bytes) + " past the end of the " + Bytes(a.bytes) + " from " + a.api;
  }
  return "host";
}

bool Checker::CheckAddress(uintptr_t address, size_t bytes, bool write, const void* caller, Block* block) {
  if (block != nullptr && block->shared() != nullptr) {
    const uintptr_t base = reinterpret_cast<uintptr_t>(block->shared());
    if (address >= base && address < base + kSharedReserve) {
      const std::string outside = OutsideShared(address, bytes, *block);
      if (outside.empty()) return true;
      return Accuse("out of bounds: " + ::cuda_host::Place() + " " + Verb(write, bytes) + " " +
                    DescribePlace(PlaceOf(caller)) + ", " + outside);
    }
  }
  const auto it = Find(address);
  if (it != allocations.end() && !it->second.freed && address + bytes <= it->first + it->second.bytes) {
    if (block == nullptr && it->second.kind == MemoryKind::kDevice) {
      AccuseOnce(caller, "device memory used on the host: host code " + Verb(write, bytes) + " " +
                             DescribePlace(PlaceOf(caller)) + ", in the " + Bytes(it->second.bytes) + " from " +
                             it->second.api + ": copy it with cudaMemcpy");
      return false;
    }
    return true;
  }
  if (block == nullptr) return false;  // the host's own memory
  const std::string outside = OutsideGlobal(address, bytes, true);
  if (outside.empty()) return true;
  if (outside != "host") {
    const size_t colon = outside.find(": ");
    return Accuse(outside.substr(0, colon) + ": " + ::cuda_host::Place() + " " + Verb(write, bytes) + " " +
                  DescribePlace(PlaceOf(caller)) + ", " + outside.substr(colon + 2));
  }
  if (InModule(address) || !IsMapped(address)) return true;  // unmapped: the fault tells
  return Accuse("host memory used in a kernel: " + ::cuda_host::Place() + " " + Verb(write, bytes) + " " +
                DescribePlace(PlaceOf(caller)) + ", at an address that no CUDA call gave: copy it to device memory");
}

bool Checker::Accuse(const std::string& text) {
  Report(text);
  return false;
}

void Checker::AccuseOnce(const void* key, const std::string& text) {
  if (told_.insert(key).second) Report(text);
}

// ------------------------------------------------------------------------------------------------ operations' accesses

namespace {

bool CheckCopyRange(const char* api, const void* caller, uintptr_t address, size_t bytes, bool write) {
  Checker& checker = TheChecker();
  const auto it = checker.Find(address);
  if (it != checker.allocations.end() && !it->second.freed && address + bytes <= it->first + it->second.bytes)
    return true;
  const std::string outside = checker.OutsideGlobal(address, bytes, false);
  if (outside.empty()) return true;
  if (outside == "host") return false;
  const size_t colon = outside.find(": ");
  Report(outside.substr(0, colon) + ": " + api + AtCaller(caller) + " " + Verb(write, bytes) + ", " +
         outside.substr(colon + 2));
  return false;
}

}  // namespace

void OnCopy(const Operation& operation, const char* api, void* target, const void* source, size_t bytes) {
  if (!g_enabled || bytes == 0) return;
  Guard guard;
  Checker& checker = TheChecker();
  const uintptr_t to = reinterpret_cast<uintptr_t>(target), from = reinterpret_cast<uintptr_t>(source);
  const uint32_t index = checker.clocks.AddOperation({api, operation, false});
  const uint32_t segment = checker.clocks.SegmentOfOperation(index);
  const bool to_known = CheckCopyRange(api, operation.caller, to, bytes, true);
  const bool from_known = CheckCopyRange(api, operation.caller, from, bytes, false);
  const Checker::Who who{segment, checker.PlaceOfApi(api, operation.caller), nullptr, operation.before.get(), index};
  if (from_known) checker.Record(who, from, bytes, false, Checker::Flag::kNone);
  if (to_known) checker.Record(who, to, bytes, true, Checker::Flag::kNone);
  if (to_known && from_known) {
    checker.shadow.CopyDefined(to, from, bytes);
  } else if (to_known) {
    checker.shadow.SetDefined(to, bytes, true);
  }
}

void OnFill(const Operation& operation, const char* api, void* target, size_t bytes) {
  if (!g_enabled || bytes == 0) return;
  Guard guard;
  Checker& checker = TheChecker();
  const uintptr_t to = reinterpret_cast<uintptr_t>(target);
  const uint32_t index = checker.clocks.AddOperation({api, operation, false});
  if (!CheckCopyRange(api, operation.caller, to, bytes, true)) return;
  const Checker::Who who{checker.clocks.SegmentOfOperation(index), checker.PlaceOfApi(api, operation.caller), nullptr,
                         operation.before.get(), index};
  checker.Record(who, to, bytes, true, Checker::Flag::kNone);
  checker.shadow.SetDefined(to, bytes, true);
}

void OnHost(const Operation& host) {
  if (!g_enabled) return;
  Guard guard;
  TheChecker().clocks.SetHost(host);
}

}  // namespace cuda_host::check
