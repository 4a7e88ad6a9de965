// Virtual memory management: physical memory is a shared-memory file of its own, which is mapped where it was reserved.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

#include "cuda.h"
#include "harness/host/check/memory.h"
#include "harness/host/executor/progress.h"
#include "harness/host/runtime/memory.h"
#include "harness/host/runtime/runtime.h"

namespace cuda_host {
namespace {

constexpr size_t kGranularity = size_t{2} << 20;

// Lives until it is released and nowhere mapped.
struct Physical {
  int fd = -1;
  size_t bytes = 0;
  bool imported = false;
  CUmemAllocationProp properties{};
  int references = 1;  // of handles

  ~Physical() {
    if (!imported) Memory::Get().Discharge(properties.location.id, bytes);
    close(fd);
  }
};

struct Mapping {
  size_t bytes = 0;
  std::shared_ptr<Physical> physical;
  CUmemGenericAllocationHandle handle = 0;
  int access = CU_MEM_ACCESS_FLAGS_PROT_NONE;
};

struct VirtualMemory {
  std::mutex mutex;
  std::map<CUdeviceptr, size_t> reserved;
  std::map<CUdeviceptr, Mapping> mapped;
  std::map<CUmemGenericAllocationHandle, std::shared_ptr<Physical>> physical;
  CUmemGenericAllocationHandle handles = 0;
  uint64_t fills = 0;
};

VirtualMemory& TheMemory() {
  static auto* const memory = new VirtualMemory;
  return *memory;
}

char* Pointer(CUdeviceptr address) { return reinterpret_cast<char*>(address); }
bool Granular(size_t bytes) { return bytes > 0 && bytes % kGranularity == 0; }

CUresult Entered() { return static_cast<CUresult>(Enter()); }

CUresult Reserve(CUdeviceptr* address, size_t bytes, size_t alignment) {
  if (alignment != 0 && (alignment & (alignment - 1)) != 0) return CUDA_ERROR_INVALID_VALUE;
  const size_t aligned = std::max(alignment, kGranularity);
  void* const mapped = mmap(nullptr, bytes + aligned, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return CUDA_ERROR_OUT_OF_MEMORY;
  const auto begin = reinterpret_cast<uintptr_t>(mapped);
  const uintptr_t start = (begin + aligned - 1) / aligned * aligned;
  if (start > begin) (void)munmap(mapped, start - begin);
  if (begin + aligned > start) (void)munmap(reinterpret_cast<void*>(start + bytes), begin + aligned - start);
  *address = start;
  std::lock_guard<std::mutex> lock(TheMemory().mutex);
  TheMemory().reserved[*address] = bytes;
  return CUDA_SUCCESS;
}

CUresult Create(CUmemGenericAllocationHandle* handle, size_t bytes, const CUmemAllocationProp& properties) {
  const int device = properties.location.id;
  if (properties.type != CU_MEM_ALLOCATION_TYPE_PINNED || properties.location.type != CU_MEM_LOCATION_TYPE_DEVICE) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (!ValidDevice(device)) return CUDA_ERROR_INVALID_DEVICE;
  if ((properties.requestedHandleTypes & ~CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR) != 0) {
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  if (!Memory::Get().Charge(device, bytes)) return CUDA_ERROR_OUT_OF_MEMORY;
  const int fd = memfd_create("cuda_host_physical_memory", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, static_cast<off_t>(bytes)) != 0) {
    Memory::Get().Discharge(device, bytes);
    if (fd >= 0) close(fd);
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
  auto physical = std::make_shared<Physical>();
  physical->fd = fd;
  physical->bytes = bytes;
  physical->properties = properties;
  void* const mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) return CUDA_ERROR_OUT_OF_MEMORY;
  std::lock_guard<std::mutex> lock(TheMemory().mutex);
  FillWithGarbage(mapped, bytes, ++TheMemory().fills << 48);
  (void)munmap(mapped, bytes);
  *handle = ++TheMemory().handles;
  TheMemory().physical[*handle] = std::move(physical);
  return CUDA_SUCCESS;
}

// Whether one reservation holds the range, and nothing is mapped in it.
bool FreeInReservation(const VirtualMemory& memory, CUdeviceptr address, size_t bytes) {
  auto reservation = memory.reserved.upper_bound(address);
  if (reservation == memory.reserved.begin()) return false;
  --reservation;
  if (address + bytes > reservation->first + reservation->second) return false;
  const auto after = memory.mapped.lower_bound(address + bytes);
  return after == memory.mapped.begin() || std::prev(after)->first + std::prev(after)->second.bytes <= address;
}

CUresult Map(CUdeviceptr address, size_t bytes, CUmemGenericAllocationHandle handle) {
  VirtualMemory& memory = TheMemory();
  std::lock_guard<std::mutex> lock(memory.mutex);
  const auto physical = memory.physical.find(handle);
  if (physical == memory.physical.end() || bytes > physical->second->bytes) return CUDA_ERROR_INVALID_VALUE;
  if (!FreeInReservation(memory, address, bytes)) return CUDA_ERROR_INVALID_VALUE;
  void* const mapped = mmap(Pointer(address), bytes, PROT_NONE, MAP_SHARED | MAP_FIXED, physical->second->fd, 0);
  if (mapped == MAP_FAILED) return CUDA_ERROR_MAP_FAILED;
  memory.mapped[address] = {bytes, physical->second, handle, CU_MEM_ACCESS_FLAGS_PROT_NONE};
  Memory::Get().Add({.kind = Range::Kind::kMapped,
                     .data = Pointer(address),
                     .bytes = bytes,
                     .device = physical->second->properties.location.id});
  check::OnAllocate(Pointer(address), bytes,
                    physical->second->imported ? check::MemoryKind::kPeer : check::MemoryKind::kDevice, "cuMemMap");
  return CUDA_SUCCESS;
}

// Calls `use` for each mapping of the range, which has to be made of whole ones.
template <typename Use>
CUresult ForEachMapping(CUdeviceptr address, size_t bytes, Use use) {
  VirtualMemory& memory = TheMemory();
  CUdeviceptr at = address;
  while (at < address + bytes) {
    const auto mapping = memory.mapped.find(at);
    if (mapping == memory.mapped.end() || at + mapping->second.bytes > address + bytes) return CUDA_ERROR_INVALID_VALUE;
    at += mapping->second.bytes;
  }
  for (at = address; at < address + bytes;) {
    const auto mapping = memory.mapped.find(at);
    at += mapping->second.bytes;
    use(mapping);
  }
  return CUDA_SUCCESS;
}

}  // namespace
}  // namespace cuda_host

using namespace cuda_host;  // NOLINT(build/namespaces): the API's functions are global

extern "C" {

CUresult cuMemGetAllocationGranularity(size_t* granularity, const CUmemAllocationProp* properties,
                                       CUmemAllocationGranularity_flags) {
  if (const CUresult error = Entered(); error != CUDA_SUCCESS) return error;
  if (granularity == nullptr || properties == nullptr) return CUDA_ERROR_INVALID_VALUE;
  *granularity = kGranularity;
  return CUDA_SUCCESS;
}

CUresult cuMemAddressReserve(CUdeviceptr* address, size_t bytes, size_t alignment, CUdeviceptr, unsigned long long) {
  if (const CUresult error = Entered(); error != CUDA_SUCCESS) return error;
  if (address == nullptr || !Granular(bytes)) return CUDA_ERROR_INVALID_VALUE;
  return Reserve(address, bytes, alignment);
}

CUresult cuMemAddressFree(CUdeviceptr address, size_t bytes) {
  if (const CUresult error = Entered(); error != CUDA_SUCCESS) return error;
  VirtualMemory& memory = TheMemory();
  std::lock_guard<std::mutex> lock(memory.mutex);
  const auto reservation = memory.reserved.find(address);
  if (reservation == memory.reserved.end() || reservation->second != bytes) return CUDA_ERROR_INVALID_VALUE;
  if (!FreeInReservation(memory, address, bytes)) return CUDA_ERROR_INVALID_VALUE;
  (void)munmap(Pointer(address), bytes);
  memory.reserved.erase(reservation);
  return CUDA_SUCCESS;
}

CUresult cuMemCreate(CUmemGenericAllocationHandle* handle, size_t bytes, const CUmemAllocationProp* properties,
                     unsigned long long flags) {
  if (const CUresult error = Entered(); error != CUDA_SUCCESS) return error;
  if (handle == nullptr || properties == nullptr || flags != 0 || !Granular(bytes)) return CUDA_ERROR_INVALID_VALUE;
  return Create(handle, bytes, *properties);
}

CUresult cuMemRelease(CUmemGenericAllocationHandle handle) {
  if (const CUresult error = Entered(); error != CUDA_SUCCESS) return error;
  std::lock_guard<std::mutex> lock(TheMemory().mutex);
  const auto found = TheMemory().physical.find(handle);
  if (found == TheMemory().physical.end()) return CUDA_ERROR_INVALID_VALUE;
  if (--found->second->references == 0) TheMemory().physical.erase(found);
  return CUDA_SUCCESS;
}

CUresult cuMemMap(CUdeviceptr address, size_t bytes, size_t offset, CUmemGenericAllocationHandle handle,
                  unsigned long long flags) {
  if (const CUresult error = Entered(); error != CUDA_SUCCESS) return error;
  if (offset != 0 || flags != 0 || !Granular(bytes) || address % kGranularity != 0) return CUDA_ERROR_INVALID_VALUE;
  return Map(address, bytes, handle);
}

CUresult cuMemUnmap(CUdeviceptr address, size_t bytes) {
  if (const CUresult error = Entered(); error != CUDA_SUCCESS) return error;
  if (bytes == 0) return CUDA_ERROR_INVALID_VALUE;
  std::lock_guard<std::mutex> lock(TheMemory().mutex);
  return ForEachMapping(address, bytes, [](auto mapping) {
    char* const data = Pointer(mapping->first);
    Memory::Get().Remove(data);
    check::OnFree(data);
    (void)mmap(data, mapping->second.bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    TheMemory().mapped.erase(mapping);
  });
}

CUresult cuMemSetAccess(CUdeviceptr address, size_t bytes, const CUmemAccessDesc* access, size_t count) {
  if (const CUresult error = Entered(); error != CUDA_SUCCESS) return error;
  if (bytes == 0 || access == nullptr || count == 0) return CUDA_ERROR_INVALID_VALUE;
  int flags = CU_MEM_ACCESS_FLAGS_PROT_NONE;
  for (size_t i = 0; i < count; ++i) {
    if (access[i].location.type != CU_MEM_LOCATION_TYPE_DEVICE) return CUDA_ERROR_INVALID_VALUE;
    if (!ValidDevice(access[i].location.id)) return CUDA_ERROR_INVALID_DEVICE;
    flags = std::max<int>(flags, access[i].flags);
  }
  const int protection = flags == CU_MEM_ACCESS_FLAGS_PROT_READWRITE ? PROT_READ | PROT_WRITE
                         : flags == CU_MEM_ACCESS_FLAGS_PROT_READ    ? PROT_READ
                                                                     : PROT_NONE;
  std::lock_guard<std::mutex> lock(TheMemory().mutex);
  return ForEachMapping(address, bytes, [&](auto mapping) {
    mapping->second.access = flags;
    (void)mprotect(Pointer(mapping->first), mapping->second.bytes, protection);
  });
}

CUresult cuMemGetAccess(unsigned long long* flags, const CUmemLocation* location, CUdeviceptr address) {
  if (const CUresult error = Entered(); error != CUDA_SUCCESS) return error;
  if (flags == nullptr || location == nullptr) return CUDA_ERROR_INVALID_VALUE;
  std::lock_guard<std::mutex> lock(TheMemory().mutex);
  const auto after = TheMemory().mapped.upper_bound(address);
  if (after == TheMemory().mapped.begin()) return CUDA_ERROR_INVALID_VALUE;
  const auto& [begin, mapping] = *std::prev(after);
  if (address >= begin + mapping.bytes) return CUDA_ERROR_INVALID_VALUE;
  *flags = static_cast<unsigned long long>(mapping.access);
  return CUDA_SUCCESS;
}

CUresult cuMemExportToShareableHandle(void* out, CUmemGenericAllocationHandle handle, CUmemAllocationHandleType type,
                                      unsigned long long flags) {
  if (const CUresult error = Entered(); error != CUDA_SUCCESS) return error;
  if (out == nullptr || flags != 0) return CUDA_ERROR_INVALID_VALUE;
  std::lock_guard<std::mutex> lock(TheMemory().mutex);
  const auto found = TheMemory().physical.find(handle);
  if (found == TheMemory().physical.end() || type != CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR ||
      (found->second->properties.requestedHandleTypes & type) == 0) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  const int fd = fcntl(found->second->fd, F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return CUDA_ERROR_OPERATING_SYSTEM;
  ExpectPeers();
  for (const auto& [address, mapping] : TheMemory().mapped) {
    if (mapping.physical == found->second) check::OnExport(Pointer(address));
  }
  *static_cast<int*>(out) = fd;
  return CUDA_SUCCESS;
}

CUresult cuMemImportFromShareableHandle(CUmemGenericAllocationHandle* handle, void* os_handle,
                                        CUmemAllocationHandleType type) {
  if (const CUresult error = Entered(); error != CUDA_SUCCESS) return error;
  if (handle == nullptr || type != CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR) return CUDA_ERROR_INVALID_VALUE;
  const int fd = fcntl(static_cast<int>(reinterpret_cast<intptr_t>(os_handle)), F_DUPFD_CLOEXEC, 0);
  struct stat status {};
  if (fd < 0 || fstat(fd, &status) != 0 || !Granular(static_cast<size_t>(status.st_size))) {
    if (fd >= 0) close(fd);
    return CUDA_ERROR_INVALID_VALUE;
  }
  ExpectPeers();
  auto physical = std::make_shared<Physical>();
  physical->fd = fd;
  physical->bytes = static_cast<size_t>(status.st_size);
  physical->imported = true;
  physical->properties.type = CU_MEM_ALLOCATION_TYPE_PINNED;
  physical->properties.requestedHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
  physical->properties.location = {CU_MEM_LOCATION_TYPE_DEVICE, CurrentDevice()};
  std::lock_guard<std::mutex> lock(TheMemory().mutex);
  *handle = ++TheMemory().handles;
  TheMemory().physical[*handle] = std::move(physical);
  return CUDA_SUCCESS;
}

CUresult cuMemGetAllocationPropertiesFromHandle(CUmemAllocationProp* properties, CUmemGenericAllocationHandle handle) {
  if (const CUresult error = Entered(); error != CUDA_SUCCESS) return error;
  std::lock_guard<std::mutex> lock(TheMemory().mutex);
  const auto found = TheMemory().physical.find(handle);
  if (properties == nullptr || found == TheMemory().physical.end()) return CUDA_ERROR_INVALID_VALUE;
  *properties = found->second->properties;
  return CUDA_SUCCESS;
}

CUresult cuMemRetainAllocationHandle(CUmemGenericAllocationHandle* handle, void* data) {
  if (const CUresult error = Entered(); error != CUDA_SUCCESS) return error;
  VirtualMemory& memory = TheMemory();
  std::lock_guard<std::mutex> lock(memory.mutex);
  const auto address = static_cast<CUdeviceptr>(reinterpret_cast<uintptr_t>(data));
  const auto after = memory.mapped.upper_bound(address);
  if (handle == nullptr || after == memory.mapped.begin()) return CUDA_ERROR_INVALID_VALUE;
  const auto& [begin, mapping] = *std::prev(after);
  if (address >= begin + mapping.bytes) return CUDA_ERROR_INVALID_VALUE;
  const auto [entry, fresh] = memory.physical.try_emplace(mapping.handle, mapping.physical);
  mapping.physical->references = fresh ? 1 : mapping.physical->references + 1;
  *handle = mapping.handle;
  return CUDA_SUCCESS;
}

}  // extern "C"
