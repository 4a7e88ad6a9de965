#include "harness/host/runtime/ipc.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "cuda_runtime_api.h"
#include "harness/host/check/memory.h"
#include "harness/host/executor/executor.h"
#include "harness/host/executor/progress.h"
#include "harness/host/runtime/arena.h"
#include "harness/host/runtime/event.h"
#include "harness/host/runtime/memory.h"
#include "harness/host/runtime/runtime.h"

namespace cuda_host {
namespace {

constexpr uint32_t kMemoryMagic = 0x6d637069u, kEventMagic = 0x65637069u;

// What is in a handle: where the owner's arena is to be found, and what part of it.
struct Wire {
  uint32_t magic;
  int32_t pid;
  int32_t fd;
  int32_t device;
  uint64_t nonce;
  uint64_t offset;  // of the first page; of events, the slot's number
  uint64_t bytes;
  uint32_t skew;  // of the data in its first page
};
static_assert(sizeof(Wire) <= CUDA_IPC_HANDLE_SIZE);

struct Mapping {
  void* pages = nullptr;
  size_t bytes = 0;
  char* data = nullptr;
  int uses = 0;
};
using MappingKey = std::pair<uint64_t, uint64_t>;  // nonce, offset

struct Peers {
  std::mutex mutex;
  std::map<MappingKey, Mapping> mappings;
  std::map<uint64_t, ArenaHeader*> headers;  // by nonce
};
Peers& ThePeers() {
  static auto* const peers = new Peers;
  return *peers;
}

template <typename Handle>
void Write(const Wire& wire, Handle* handle) {
  std::memset(handle, 0, sizeof *handle);
  std::memcpy(handle, &wire, sizeof wire);
}

template <typename Handle>
cudaError_t Read(const Handle& handle, uint32_t magic, Wire* wire) {
  std::memcpy(wire, &handle, sizeof *wire);
  if (wire->magic != magic) return cudaErrorInvalidValue;
  // CUDA opens a handle in other processes only.
  if (wire->nonce == Arena::Get().header()->nonce) return cudaErrorDeviceUninitialized;
  return cudaSuccess;
}

Wire OwnWire(uint32_t magic) {
  ExpectPeers();
  const Arena& arena = Arena::Get();
  return {.magic = magic,
          .pid = getpid(),
          .fd = arena.fd(),
          .device = CurrentDevice(),
          .nonce = arena.header()->nonce,
          .offset = 0,
          .bytes = 0,
          .skew = 0};
}

// Maps a part of the owner's arena.
cudaError_t MapPeer(const Wire& wire, size_t offset, size_t bytes, void** mapped) {
  ExpectPeers();
  const std::string path = "/proc/" + std::to_string(wire.pid) + "/fd/" + std::to_string(wire.fd);
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  ArenaHeader header{};
  constexpr ssize_t kPart = offsetof(ArenaHeader, events);
  const bool same =
      fd >= 0 && pread(fd, &header, kPart, 0) == kPart && header.magic == kArenaMagic && header.nonce == wire.nonce;
  *mapped = MAP_FAILED;
  const char* problem = nullptr;
  if (fd < 0) {
    problem = std::strerror(errno);
  } else if (!same) {
    problem = "the process that made the handle has ended";
  } else {
    *mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, static_cast<off_t>(offset));
    if (*mapped == MAP_FAILED) problem = std::strerror(errno);
  }
  if (fd >= 0) close(fd);
  if (problem == nullptr) return cudaSuccess;
  Report("cannot map process " + std::to_string(wire.pid) + "'s memory by " + path + ": " + problem +
         "; both processes have to be alive, of one user and on one host");
  return same ? cudaErrorMapBufferObjectFailed : cudaErrorInvalidResourceHandle;
}

cudaError_t OpenMemory(const Wire& wire, void** data) {
  Peers& peers = ThePeers();
  std::lock_guard<std::mutex> lock(peers.mutex);
  Mapping& mapping = peers.mappings[{wire.nonce, wire.offset}];
  if (mapping.uses == 0) {
    mapping.bytes = (wire.skew + wire.bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
    if (const cudaError_t error = MapPeer(wire, wire.offset, mapping.bytes, &mapping.pages); error != cudaSuccess) {
      peers.mappings.erase({wire.nonce, wire.offset});
      return error;
    }
    mapping.data = static_cast<char*>(mapping.pages) + wire.skew;
    Memory::Get().Add(
        {.kind = Range::Kind::kPeer, .data = mapping.data, .bytes = wire.bytes, .device = CurrentDevice()});
    check::OnAllocate(mapping.data, wire.bytes, check::MemoryKind::kPeer, "cudaIpcOpenMemHandle");
  }
  ++mapping.uses;
  *data = mapping.data;
  return cudaSuccess;
}

cudaError_t CloseMemory(void* data) {
  Peers& peers = ThePeers();
  std::lock_guard<std::mutex> lock(peers.mutex);
  for (auto entry = peers.mappings.begin(); entry != peers.mappings.end(); ++entry) {
    Mapping& mapping = entry->second;
    if (mapping.data != data) continue;
    if (--mapping.uses > 0) return cudaSuccess;
    Memory::Get().Remove(data);
    check::OnFree(data);
    (void)munmap(mapping.pages, mapping.bytes);
    peers.mappings.erase(entry);
    return cudaSuccess;
  }
  return cudaErrorInvalidValue;
}

cudaError_t HeaderOf(const Wire& wire, ArenaHeader** header) {
  Peers& peers = ThePeers();
  std::lock_guard<std::mutex> lock(peers.mutex);
  ArenaHeader*& known = peers.headers[wire.nonce];
  if (known == nullptr) {
    void* mapped = nullptr;
    if (const cudaError_t error = MapPeer(wire, 0, sizeof(ArenaHeader), &mapped); error != cudaSuccess) return error;
    known = static_cast<ArenaHeader*>(mapped);
  }
  *header = known;
  return cudaSuccess;
}

}  // namespace
}  // namespace cuda_host

using namespace cuda_host;  // NOLINT(build/namespaces): the API's functions are global

extern "C" {

cudaError_t cudaIpcGetMemHandle(cudaIpcMemHandle_t* handle, void* data) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  const std::optional<Range> range = Memory::Get().Find(data);
  if (handle == nullptr || !range || range->kind != Range::Kind::kDevice) return Return(cudaErrorInvalidValue);
  Wire wire = OwnWire(kMemoryMagic);
  const size_t offset = Arena::Get().OffsetOf(range->data);
  wire.device = range->device;
  wire.offset = offset / kPageBytes * kPageBytes;
  wire.skew = static_cast<uint32_t>(offset - wire.offset);
  wire.bytes = range->bytes;
  Write(wire, handle);
  check::OnExport(range->data);
  return cudaSuccess;
}

cudaError_t cudaIpcOpenMemHandle(void** data, cudaIpcMemHandle_t handle, unsigned flags) {
  if (const cudaError_t error = EnterUnsafe(); error != cudaSuccess) return Return(error);
  if (data == nullptr || flags != cudaIpcMemLazyEnablePeerAccess) return Return(cudaErrorInvalidValue);
  Wire wire;
  if (const cudaError_t error = Read(handle, kMemoryMagic, &wire); error != cudaSuccess) return Return(error);
  return Return(OpenMemory(wire, data));
}

cudaError_t cudaIpcCloseMemHandle(void* data) {
  if (const cudaError_t error = EnterUnsafe(); error != cudaSuccess) return Return(error);
  Scheduler& scheduler = Scheduler::Get();
  {
    auto lock = scheduler.Acquire();
    if (const cudaError_t error = scheduler.WaitForDevice(lock, CurrentDevice()); error != cudaSuccess) {
      return Return(error);
    }
  }
  return Return(CloseMemory(data));
}

cudaError_t cudaIpcGetEventHandle(cudaIpcEventHandle_t* handle, cudaEvent_t event) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (handle == nullptr) return Return(cudaErrorInvalidValue);
  const auto lock = Scheduler::Get().Acquire();
  const std::shared_ptr<CUevent_st> found = FindEvent(event);
  if (found == nullptr || found->shared == nullptr) return Return(cudaErrorInvalidResourceHandle);
  const ArenaHeader& header = *Arena::Get().header();
  if (found->shared < header.event || found->shared >= header.event + std::size(header.event)) {
    return Return(cudaErrorInvalidResourceHandle);  // another process's
  }
  Wire wire = OwnWire(kEventMagic);
  wire.offset = static_cast<uint64_t>(found->shared - header.event);
  Write(wire, handle);
  return cudaSuccess;
}

cudaError_t cudaIpcOpenEventHandle(cudaEvent_t* event, cudaIpcEventHandle_t handle) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (event == nullptr) return Return(cudaErrorInvalidValue);
  Wire wire;
  if (const cudaError_t error = Read(handle, kEventMagic, &wire); error != cudaSuccess) return Return(error);
  ArenaHeader* header = nullptr;
  if (const cudaError_t error = HeaderOf(wire, &header); error != cudaSuccess) return Return(error);
  if (wire.offset >= std::size(header->event)) return Return(cudaErrorInvalidValue);
  const auto lock = Scheduler::Get().Acquire();
  const std::shared_ptr<CUevent_st> made = NewEvent(cudaEventDisableTiming | cudaEventInterprocess);
  made->shared = &header->event[wire.offset];
  *event = made.get();
  return cudaSuccess;
}

}  // extern "C"
