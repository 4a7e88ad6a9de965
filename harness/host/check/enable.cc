#include <dlfcn.h>
#include <execinfo.h>

#include <cstdlib>
#include <cstring>

#include "harness/host/check/checker.h"
#include "harness/host/check/hooks.h"

namespace cuda_host {
void Fence(bool block_only);
}

namespace cuda_host::check {

void Enable() {
  if (g_enabled) return;
  g_enabled = true;
  // At exit, before the runtime's own end.
  std::atexit(ReportLeaks);
}

const void* HostCaller() {
  if (!g_enabled) return nullptr;
  static const void* const own = [] {
    Dl_info info{};
    return dladdr(reinterpret_cast<const void*>(&Enable), &info) != 0 ? info.dli_fbase : nullptr;
  }();
  void* frames[24];
  const int count = backtrace(frames, 24);
  for (int i = 1; i < count; ++i) {
    Dl_info info{};
    if (dladdr(frames[i], &info) != 0 && info.dli_fbase != own) return frames[i];
  }
  return nullptr;
}

void LetOthersRun(const void* caller) {
  if (Block* const block = CurrentBlock(); block != nullptr) block->YieldThread(Site::Of(caller));
}

void FenceHere() { ::cuda_host::Fence(false); }

namespace {

// The compilers' description of an array access (UBSan's OutOfBoundsData).
struct SourceLocation {
  const char* file;
  uint32_t line;
  uint32_t column;
};
struct TypeDescriptor {
  uint16_t kind;
  uint16_t info;
  char name[1];
};
struct TypeMismatchData {
  SourceLocation location;
  const TypeDescriptor* type;
  uint8_t log_alignment;
  uint8_t kind;
};
struct OutOfBoundsData {
  SourceLocation location;
  const TypeDescriptor* array;
  const TypeDescriptor* index;
};

}  // namespace

void OnIndex(const void* opaque, unsigned long index) {
  const auto* const data = static_cast<const OutOfBoundsData*>(opaque);
  std::string type = data->array->name;  // quoted
  if (type.size() > 2 && type.front() == '\'') type = type.substr(1, type.size() - 2);
  if (const size_t space = type.find(" ["); space != std::string::npos) type.erase(space, 1);
  Block* const block = CurrentBlock();
  Report("out of bounds: " + Place() + ": index " + std::to_string(static_cast<long>(index)) + " out of bounds of " +
         type + " at " + data->location.file + ":" + std::to_string(data->location.line));
  if (block != nullptr) block->Fail(cudaErrorIllegalAddress);
}

void OnPointer(const void* opaque, unsigned long pointer) {
  const auto* const data = static_cast<const TypeMismatchData*>(opaque);
  Block* const block = CurrentBlock();
  const unsigned long alignment = 1ul << data->log_alignment;
  // Host code may do what the CPU allows; and a null pointer is told by the access itself.
  if (block == nullptr || pointer == 0 || pointer % alignment == 0) return;
  Report("misaligned access: " + Place() + " takes a " + data->type->name + " at an address that is no multiple of " +
         std::to_string(alignment) + ", at " + data->location.file + ":" + std::to_string(data->location.line));
  block->Fail(cudaErrorMisalignedAddress);
}

}  // namespace cuda_host::check
