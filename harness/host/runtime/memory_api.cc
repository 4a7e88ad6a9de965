#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "cuda_runtime_api.h"
#include "harness/host/check/memory.h"
#include "harness/host/runtime/ipc.h"
#include "harness/host/runtime/memory.h"
#include "harness/host/runtime/runtime.h"

namespace cuda_host {
namespace {

constexpr size_t kHostPage = 4096;
constexpr size_t kPitchAlignment = 512;

cudaError_t AllocateDevice(void** data, size_t bytes, Range::Kind kind, unsigned flags, const char* api) {
  *data = nullptr;
  if (bytes == 0) return cudaSuccess;
  *data = Memory::Get().AllocateDevice({.kind = kind, .bytes = bytes, .device = CurrentDevice(), .flags = flags}, api);
  return *data == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
}

// Of page-locked memory: how it lies in its pages.
size_t HostPages(size_t bytes) { return (bytes + kHostPage - 1) / kHostPage * kHostPage; }

cudaError_t AllocateHost(void** data, size_t bytes, unsigned flags, const char* api) {
  *data = nullptr;
  constexpr unsigned kKnown = cudaHostAllocPortable | cudaHostAllocMapped | cudaHostAllocWriteCombined;
  if ((flags & ~kKnown) != 0) return cudaErrorInvalidValue;
  if (bytes == 0) return cudaSuccess;
  if (bytes > (size_t{1} << 46)) return cudaErrorMemoryAllocation;
  // A page behind it that nobody may touch.
  const size_t pages = HostPages(bytes);
  void* const mapped = mmap(nullptr, pages + kHostPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return cudaErrorMemoryAllocation;
  (void)mprotect(static_cast<char*>(mapped) + pages, kHostPage, PROT_NONE);
  FillWithGarbage(mapped, bytes, pages);
  Memory::Get().Add({.kind = Range::Kind::kHost,
                     .data = static_cast<char*>(mapped),
                     .bytes = bytes,
                     .device = CurrentDevice(),
                     .flags = flags});
  check::OnAllocate(mapped, bytes, check::MemoryKind::kPinned, api);
  *data = mapped;
  return cudaSuccess;
}

void FreeHost(const Range& range) {
  check::OnFree(range.data);
  const size_t pages = HostPages(range.bytes) + kHostPage;
  if (!check::Enabled()) {
    (void)munmap(range.data, pages);
    return;
  }
  // The addresses stay taken: the program's own memory there would be told as used after it was freed.
  (void)madvise(range.data, pages, MADV_DONTNEED);
  (void)mprotect(range.data, pages, PROT_NONE);
}

// Freeing waits for all of the device's work.
cudaError_t WaitForDevice(int device) {
  Scheduler& scheduler = Scheduler::Get();
  auto lock = scheduler.Acquire();
  return scheduler.WaitForDevice(lock, device);
}

cudaError_t Free(void* data) {
  if (data == nullptr) return cudaSuccess;
  const std::optional<Range> range = Memory::Get().Find(data);
  const bool ours = range && range->data == data && !range->freeing &&
                    (range->kind == Range::Kind::kDevice || range->kind == Range::Kind::kPool ||
                     range->kind == Range::Kind::kManaged);
  if (!ours) {
    check::OnDoubleFree(data, "cudaFree");
    return cudaErrorInvalidValue;
  }
  if (const cudaError_t error = WaitForDevice(range->device); error != cudaSuccess) return error;
  if (!Memory::Get().Remove(data)) return cudaErrorInvalidValue;
  Memory::Get().FreeDevice(*range);
  return cudaSuccess;
}

cudaError_t FreePinned(void* data) {
  if (data == nullptr) return cudaSuccess;
  const std::optional<Range> range = Memory::Get().Find(data);
  if (!range || range->data != data || range->kind != Range::Kind::kHost) {
    check::OnDoubleFree(data, "cudaFreeHost");
    return cudaErrorInvalidValue;
  }
  if (const cudaError_t error = WaitForDevice(range->device); error != cudaSuccess) return error;
  if (!Memory::Get().Remove(data)) return cudaErrorInvalidValue;
  FreeHost(*range);
  return cudaSuccess;
}

}  // namespace

void FreeAllMemory() {
  for (const Range& range : Memory::Get().RemoveAll()) {
    switch (range.kind) {
      case Range::Kind::kDevice:
      case Range::Kind::kPool:
      case Range::Kind::kManaged:
        Memory::Get().FreeDevice(range);
        break;
      case Range::Kind::kHost:
        FreeHost(range);
        break;
      default:
        check::OnFree(range.data);
    }
  }
}

const void* RegisterSymbol(const void* symbol, size_t bytes) {
  const std::optional<Range> known = Memory::Get().Find(symbol);
  if (!known || known->kind != Range::Kind::kSymbol || known->bytes < bytes) {
    Memory::Get().Add({.kind = Range::Kind::kSymbol,
                       .data = const_cast<char*>(static_cast<const char*>(symbol)),
                       .bytes = bytes,
                       .device = CurrentDevice()});
  }
  return symbol;
}

}  // namespace cuda_host

using namespace cuda_host;  // NOLINT(build/namespaces): the API's functions are global

extern "C" {

cudaError_t cudaMalloc(void** data, size_t bytes) {
  if (const cudaError_t error = EnterUnsafe(); error != cudaSuccess) return Return(error);
  if (data == nullptr) return Return(cudaErrorInvalidValue);
  return Return(AllocateDevice(data, bytes, Range::Kind::kDevice, 0, "cudaMalloc"));
}

cudaError_t cudaMallocPitch(void** data, size_t* pitch, size_t width, size_t height) {
  if (const cudaError_t error = EnterUnsafe(); error != cudaSuccess) return Return(error);
  if (data == nullptr || pitch == nullptr) return Return(cudaErrorInvalidValue);
  *pitch = (width + kPitchAlignment - 1) / kPitchAlignment * kPitchAlignment;
  if (height != 0 && *pitch > SIZE_MAX / height) return Return(cudaErrorMemoryAllocation);
  return Return(AllocateDevice(data, *pitch * height, Range::Kind::kDevice, 0, "cudaMallocPitch"));
}

cudaError_t cudaMalloc3D(cudaPitchedPtr* pitched, cudaExtent extent) {
  if (const cudaError_t error = EnterUnsafe(); error != cudaSuccess) return Return(error);
  if (pitched == nullptr) return Return(cudaErrorInvalidValue);
  *pitched = {nullptr, (extent.width + kPitchAlignment - 1) / kPitchAlignment * kPitchAlignment, extent.width,
              extent.height};
  return Return(AllocateDevice(&pitched->ptr, pitched->pitch * extent.height * extent.depth, Range::Kind::kDevice, 0,
                               "cudaMalloc3D"));
}

cudaError_t cudaMallocManaged(void** data, size_t bytes, unsigned flags) {
  if (const cudaError_t error = EnterUnsafe(); error != cudaSuccess) return Return(error);
  if (data == nullptr || (flags != cudaMemAttachGlobal && flags != cudaMemAttachHost)) {
    return Return(cudaErrorInvalidValue);
  }
  return Return(AllocateDevice(data, bytes, Range::Kind::kManaged, flags, "cudaMallocManaged"));
}

cudaError_t cudaFree(void* data) {
  if (const cudaError_t error = EnterUnsafe(); error != cudaSuccess) return Return(error);
  return Return(Free(data));
}

cudaError_t cudaHostAlloc(void** data, size_t bytes, unsigned flags) {
  if (const cudaError_t error = EnterUnsafe(); error != cudaSuccess) return Return(error);
  if (data == nullptr) return Return(cudaErrorInvalidValue);
  return Return(AllocateHost(data, bytes, flags, "cudaHostAlloc"));
}

cudaError_t cudaMallocHost(void** data, size_t bytes) {
  if (const cudaError_t error = EnterUnsafe(); error != cudaSuccess) return Return(error);
  if (data == nullptr) return Return(cudaErrorInvalidValue);
  return Return(AllocateHost(data, bytes, cudaHostAllocDefault, "cudaMallocHost"));
}

cudaError_t cudaFreeHost(void* data) {
  if (const cudaError_t error = EnterUnsafe(); error != cudaSuccess) return Return(error);
  return Return(FreePinned(data));
}

cudaError_t cudaHostRegister(void* data, size_t bytes, unsigned flags) {
  if (const cudaError_t error = EnterUnsafe(); error != cudaSuccess) return Return(error);
  constexpr unsigned kKnown =
      cudaHostRegisterPortable | cudaHostRegisterMapped | cudaHostRegisterIoMemory | cudaHostRegisterReadOnly;
  if (data == nullptr || bytes == 0 || (flags & ~kKnown) != 0) return Return(cudaErrorInvalidValue);
  const std::optional<Range> known = Memory::Get().Find(data);
  if (known && known->kind != Range::Kind::kRegistered) return Return(cudaErrorInvalidValue);
  if (Memory::Get().Overlaps(data, bytes)) return Return(cudaErrorHostMemoryAlreadyRegistered);
  Memory::Get().Add({.kind = Range::Kind::kRegistered,
                     .data = static_cast<char*>(data),
                     .bytes = bytes,
                     .device = CurrentDevice(),
                     .flags = flags});
  check::OnAllocate(data, bytes, check::MemoryKind::kPinned, "cudaHostRegister");
  return cudaSuccess;
}

cudaError_t cudaHostUnregister(void* data) {
  if (const cudaError_t error = EnterUnsafe(); error != cudaSuccess) return Return(error);
  const std::optional<Range> range = Memory::Get().Find(data);
  if (!range || range->data != data || range->kind != Range::Kind::kRegistered) {
    return Return(cudaErrorHostMemoryNotRegistered);
  }
  if (const cudaError_t error = WaitForDevice(range->device); error != cudaSuccess) return Return(error);
  Memory::Get().Remove(data);
  check::OnFree(data);
  return cudaSuccess;
}

cudaError_t cudaHostGetDevicePointer(void** device, void* host, unsigned flags) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (device == nullptr || flags != 0) return Return(cudaErrorInvalidValue);
  const std::optional<Range> range = Memory::Get().Find(host);
  if (!range || !range->host_memory()) return Return(cudaErrorInvalidValue);
  *device = host;
  return cudaSuccess;
}

cudaError_t cudaHostGetFlags(unsigned* flags, void* host) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  const std::optional<Range> range = Memory::Get().Find(host);
  if (flags == nullptr || !range || range->device_memory()) return Return(cudaErrorInvalidValue);
  *flags = range->flags | cudaHostAllocMapped;
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (free == nullptr || total == nullptr) return Return(cudaErrorInvalidValue);
  *total = Limits().memory_bytes;
  *free = *total - Memory::Get().used(CurrentDevice());
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* data) {
  if (const cudaError_t error = EnterQuery(); error != cudaSuccess) return Return(error);
  if (attributes == nullptr) return Return(cudaErrorInvalidValue);
  *attributes = {};
  void* const pointer = const_cast<void*>(data);
  const std::optional<Range> range = Memory::Get().Find(data);
  if (!range) {
    attributes->type = cudaMemoryTypeUnregistered;
    attributes->device = cudaInvalidDeviceId;
    attributes->hostPointer = pointer;
    return cudaSuccess;
  }
  attributes->device = range->device;
  attributes->devicePointer = pointer;
  if (range->host_memory()) attributes->hostPointer = pointer;
  attributes->type = range->kind == Range::Kind::kManaged ? cudaMemoryTypeManaged
                     : range->device_memory()             ? cudaMemoryTypeDevice
                                                          : cudaMemoryTypeHost;
  return cudaSuccess;
}

cudaError_t cudaMemAdvise(const void* data, size_t bytes, cudaMemoryAdvise, cudaMemLocation) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  const std::optional<Range> range = Memory::Get().Find(data);
  const bool managed = range && range->kind == Range::Kind::kManaged;
  if (!managed || static_cast<const char*>(data) + bytes > range->data + range->bytes) {
    return Return(cudaErrorInvalidValue);
  }
  return cudaSuccess;
}

cudaError_t cudaMemPrefetchAsync(const void* data, size_t bytes, cudaMemLocation location, unsigned flags,
                                 cudaStream_t stream) {
  if (flags != 0) return Return(cudaErrorInvalidValue);
  if (const cudaError_t error = cudaMemAdvise(data, bytes, cudaMemAdviseSetPreferredLocation, location);
      error != cudaSuccess) {
    return error;
  }
  Scheduler& scheduler = Scheduler::Get();
  auto lock = scheduler.Acquire();
  const Scheduler::Stream found = StreamOf(stream);
  return Return(found == nullptr ? cudaErrorInvalidResourceHandle : cudaSuccess);
}

cudaError_t cudaGetSymbolAddress(void** data, const void* symbol) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  const std::optional<Range> range = Memory::Get().Find(symbol);
  if (data == nullptr) return Return(cudaErrorInvalidValue);
  if (!range || range->kind != Range::Kind::kSymbol) return Return(cudaErrorInvalidSymbol);
  *data = range->data;
  return cudaSuccess;
}

cudaError_t cudaGetSymbolSize(size_t* bytes, const void* symbol) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  const std::optional<Range> range = Memory::Get().Find(symbol);
  if (bytes == nullptr) return Return(cudaErrorInvalidValue);
  if (!range || range->kind != Range::Kind::kSymbol) return Return(cudaErrorInvalidSymbol);
  *bytes = range->bytes;
  return cudaSuccess;
}

}  // extern "C"
