#include "harness/host/runtime/memory.h"

#include <algorithm>
#include <cstring>

#include "harness/host/check/memory.h"
#include "harness/host/runtime/arena.h"
#include "harness/host/runtime/runtime.h"

namespace cuda_host {
namespace {

constexpr size_t kGarbageBytes = size_t{64} << 20;

uintptr_t Address(const void* data) { return reinterpret_cast<uintptr_t>(data); }

}  // namespace

void FillWithGarbage(void* data, size_t bytes, uint64_t draw) {
  Random random(Seed() ^ draw * 0x9e3779b97f4a7c15u);
  char* out = static_cast<char*>(data);
  char* const end = out + std::min(bytes, kGarbageBytes);
  for (; end - out >= 8; out += 8) {
    const uint64_t word = random.Next();
    std::memcpy(out, &word, 8);
  }
  while (out < end) *out++ = static_cast<char>(random.Next());
}

Memory& Memory::Get() {
  static auto* const memory = new Memory;
  return *memory;
}

std::optional<Range> Memory::Find(const void* data) const {
  std::lock_guard<std::mutex> lock(mutex_);
  auto after = ranges_.upper_bound(Address(data));
  if (after == ranges_.begin()) return std::nullopt;
  const Range& range = std::prev(after)->second;
  if (Address(data) >= Address(range.data) + range.bytes) return std::nullopt;
  return range;
}

void Memory::Add(const Range& range) {
  std::lock_guard<std::mutex> lock(mutex_);
  ranges_[Address(range.data)] = range;
}

std::optional<Range> Memory::Remove(const void* data) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = ranges_.find(Address(data));
  if (found == ranges_.end()) return std::nullopt;
  const Range range = found->second;
  ranges_.erase(found);
  return range;
}

bool Memory::Overlaps(const void* data, size_t bytes) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto after = ranges_.lower_bound(Address(data) + bytes);
  if (after == ranges_.begin()) return false;
  const Range& range = std::prev(after)->second;
  return Address(range.data) + range.bytes > Address(data);
}

bool Memory::BeginFreeing(const void* data) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = ranges_.find(Address(data));
  if (found == ranges_.end() || found->second.freeing) return false;
  if (found->second.kind != Range::Kind::kPool && found->second.kind != Range::Kind::kDevice) return false;
  found->second.freeing = true;
  return true;
}

bool Memory::Charge(int device, size_t bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  size_t& used = used_[device];
  if (bytes > Limits().memory_bytes || used > Limits().memory_bytes - bytes) return false;
  used += bytes;
  return true;
}

void Memory::Discharge(int device, size_t bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  used_[device] -= std::min(bytes, used_[device]);
}

size_t Memory::used(int device) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = used_.find(device);
  return found == used_.end() ? 0 : found->second;
}

void* Memory::AllocateDevice(Range range, const char* api) {
  if (!Charge(range.device, range.bytes)) return nullptr;
  range.data = static_cast<char*>(Arena::Get().Allocate(range.bytes));
  if (range.data == nullptr) {
    Discharge(range.device, range.bytes);
    return nullptr;
  }
  uint64_t draw;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    draw = ++fills_;
  }
  if (range.kind != Range::Kind::kPool) FillWithGarbage(range.data, range.bytes, draw);
  Add(range);
  check::OnAllocate(range.data, range.bytes,
                    range.kind == Range::Kind::kManaged ? check::MemoryKind::kManaged : check::MemoryKind::kDevice,
                    api);
  return range.data;
}

void Memory::FreeDevice(const Range& range) {
  check::OnFree(range.data);
  Arena::Get().Free(range.data);
  Discharge(range.device, range.bytes);
}

std::vector<Range> Memory::RemoveAll() {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<Range> all;
  for (const auto& [address, range] : ranges_) {
    if (range.kind != Range::Kind::kSymbol) all.push_back(range);
  }
  std::erase_if(ranges_, [](const auto& entry) { return entry.second.kind != Range::Kind::kSymbol; });
  return all;
}

}  // namespace cuda_host
