// Stream-ordered allocation. An address is given out at once; the memory is usable, and full of garbage, from where the
// allocation stands in its stream, and goes away where the free does.
#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "cuda_runtime_api.h"
#include "harness/host/check/memory.h"
#include "harness/host/executor/executor.h"
#include "harness/host/runtime/memory.h"
#include "harness/host/runtime/runtime.h"

struct CUmemPoolHandle_st {
  int device = 0;
  bool is_default = false;
  uint64_t release_threshold = 0;
  int reuse[3] = {1, 1, 1};  // cudaMemPoolReuse...: read back, no more
  uint64_t used = 0, used_high = 0;
};

namespace cuda_host {
namespace {

// Guarded by the scheduler's lock, as the pools are.
struct Pools {
  std::unordered_map<cudaMemPool_t, std::shared_ptr<CUmemPoolHandle_st>> all;
  std::unordered_map<int, cudaMemPool_t> by_default, current;  // by device
  uint64_t fills = 0;
};

Pools& ThePools() {
  static auto* const pools = new Pools;
  return *pools;
}

cudaMemPool_t NewPool(int device) {
  auto pool = std::make_shared<CUmemPoolHandle_st>();
  pool->device = device;
  const cudaMemPool_t handle = pool.get();
  ThePools().all[handle] = std::move(pool);
  return handle;
}

cudaMemPool_t DefaultPool(int device) {
  cudaMemPool_t& pool = ThePools().by_default[device];
  if (pool == nullptr) {
    pool = NewPool(device);
    pool->is_default = true;
  }
  return pool;
}

cudaMemPool_t CurrentPool(int device) {
  const auto found = ThePools().current.find(device);
  return found == ThePools().current.end() ? DefaultPool(device) : found->second;
}

std::shared_ptr<CUmemPoolHandle_st> FindPool(cudaMemPool_t handle) {
  const auto found = ThePools().all.find(handle);
  return found == ThePools().all.end() ? nullptr : found->second;
}

std::shared_ptr<Work> TaskWork(cudaGraphNodeType type, const char* what, std::function<void(const Operation&)> body) {
  auto work = std::make_shared<Work>();
  work->type = type;
  work->what = what;
  work->start = [body = std::move(body)](const Operation& operation, Done done) {
    StartTask([body, operation] { body(operation); }, std::move(done));
  };
  return work;
}

// Without `has_pool` from the current pool of the stream's device.
cudaError_t Allocate(void** data, size_t bytes, cudaMemPool_t pool, bool has_pool, cudaStream_t stream) {
  if (data == nullptr) return cudaErrorInvalidValue;
  *data = nullptr;
  Scheduler& scheduler = Scheduler::Get();
  auto lock = scheduler.Acquire();
  const Scheduler::Stream found = StreamOf(stream);
  if (found == nullptr) return cudaErrorInvalidResourceHandle;
  const std::shared_ptr<CUmemPoolHandle_st> from = FindPool(has_pool ? pool : CurrentPool(found->device));
  if (from == nullptr) return cudaErrorInvalidValue;
  if (bytes == 0) return cudaSuccess;
  if (found->capture != nullptr) {
    return Unsupported("cudaMallocAsync while the stream captures", "allocate before the capture");
  }
  Range range{.kind = Range::Kind::kPool, .bytes = bytes, .device = from->device, .pool = from.get()};
  *data = Memory::Get().AllocateDevice(range, "cudaMallocAsync");
  if (*data == nullptr) {
    // Frees that are on their way may make room.
    if (const cudaError_t error = scheduler.WaitForDevice(lock, from->device); error != cudaSuccess) return error;
    *data = Memory::Get().AllocateDevice(range, "cudaMallocAsync");
  }
  if (*data == nullptr) return cudaErrorMemoryAllocation;
  from->used += bytes;
  from->used_high = std::max(from->used_high, from->used);
  const uint64_t draw = ++ThePools().fills << 32;
  scheduler.Enqueue(lock, found,
                    TaskWork(cudaGraphNodeTypeMemAlloc, "cudaMallocAsync",
                             [data = *data, bytes, draw](const Operation&) { FillWithGarbage(data, bytes, draw); }));
  return cudaSuccess;
}

cudaError_t FreeInOrder(void* data, cudaStream_t stream) {
  if (data == nullptr) return cudaSuccess;
  Scheduler& scheduler = Scheduler::Get();
  auto lock = scheduler.Acquire();
  const Scheduler::Stream found = StreamOf(stream);
  if (found == nullptr) return cudaErrorInvalidResourceHandle;
  if (found->capture != nullptr) {
    return Unsupported("cudaFreeAsync while the stream captures", "free after the graph's last launch");
  }
  if (!Memory::Get().BeginFreeing(data)) {
    check::OnDoubleFree(data, "cudaFreeAsync");
    return cudaErrorInvalidValue;
  }
  const auto range = Memory::Get().Find(data);
  if (const auto pool = FindPool(range->pool); pool != nullptr)
    pool->used -= std::min<uint64_t>(pool->used, range->bytes);
  scheduler.Enqueue(
      lock, found,
      TaskWork(cudaGraphNodeTypeMemFree, "cudaFreeAsync", [data, bytes = range->bytes](const Operation& operation) {
        // Whoever still uses it is in a race with this.
        check::OnFill(operation, "cudaFreeAsync", data, bytes);
        if (const auto freed = Memory::Get().Remove(data)) Memory::Get().FreeDevice(*freed);
      }));
  return cudaSuccess;
}

cudaError_t Attribute(CUmemPoolHandle_st* pool, cudaMemPoolAttr attribute, void* value, bool set) {
  const auto number = [&](uint64_t* field) { std::memcpy(set ? field : value, set ? value : field, sizeof *field); };
  switch (attribute) {
    case cudaMemPoolReuseFollowEventDependencies:
    case cudaMemPoolReuseAllowOpportunistic:
    case cudaMemPoolReuseAllowInternalDependencies: {
      int* const field = &pool->reuse[attribute - cudaMemPoolReuseFollowEventDependencies];
      std::memcpy(set ? field : value, set ? value : field, sizeof *field);
      return cudaSuccess;
    }
    case cudaMemPoolAttrReleaseThreshold:
      number(&pool->release_threshold);
      return cudaSuccess;
    case cudaMemPoolAttrReservedMemCurrent:
    case cudaMemPoolAttrUsedMemCurrent:
      if (set) return cudaErrorInvalidValue;
      number(&pool->used);
      return cudaSuccess;
    case cudaMemPoolAttrReservedMemHigh:
    case cudaMemPoolAttrUsedMemHigh: {
      uint64_t zero = 1;
      if (set) std::memcpy(&zero, value, sizeof zero);
      if (set && zero != 0) return cudaErrorInvalidValue;  // it can only be reset
      if (set) pool->used_high = pool->used;
      if (!set) number(&pool->used_high);
      return cudaSuccess;
    }
  }
  return cudaErrorInvalidValue;
}

// Calls `use(pool)` under the lock.
template <typename Use>
cudaError_t WithPool(cudaMemPool_t handle, Use use) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  const auto lock = Scheduler::Get().Acquire();
  const std::shared_ptr<CUmemPoolHandle_st> pool = FindPool(handle);
  return Return(pool == nullptr ? cudaErrorInvalidValue : use(pool.get()));
}

cudaError_t GivePool(cudaMemPool_t* pool, int device, cudaMemPool_t (*get)(int)) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (!ValidDevice(device)) return Return(cudaErrorInvalidDevice);
  if (pool == nullptr) return Return(cudaErrorInvalidValue);
  const auto lock = Scheduler::Get().Acquire();
  *pool = get(device);
  return cudaSuccess;
}

}  // namespace
}  // namespace cuda_host

using namespace cuda_host;  // NOLINT(build/namespaces): the API's functions are global

extern "C" {

cudaError_t cudaMallocAsync(void** data, size_t bytes, cudaStream_t stream) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  return Return(Allocate(data, bytes, nullptr, false, stream));
}

cudaError_t cudaMallocFromPoolAsync(void** data, size_t bytes, cudaMemPool_t pool, cudaStream_t stream) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  return Return(Allocate(data, bytes, pool, true, stream));
}

cudaError_t cudaFreeAsync(void* data, cudaStream_t stream) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  return Return(FreeInOrder(data, stream));
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) { return GivePool(pool, device, DefaultPool); }
cudaError_t cudaDeviceGetMemPool(cudaMemPool_t* pool, int device) { return GivePool(pool, device, CurrentPool); }

cudaError_t cudaDeviceSetMemPool(int device, cudaMemPool_t pool) {
  if (!ValidDevice(device)) return Return(cudaErrorInvalidDevice);
  return WithPool(pool, [&](CUmemPoolHandle_st* found) {
    if (found->device != device) return cudaErrorInvalidValue;
    ThePools().current[device] = found;
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps* properties) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (pool == nullptr || properties == nullptr || properties->allocType != cudaMemAllocationTypePinned ||
      properties->location.type != cudaMemLocationTypeDevice || !ValidDevice(properties->location.id)) {
    return Return(cudaErrorInvalidValue);
  }
  if (properties->handleTypes != cudaMemHandleTypeNone) {
    return Return(Unsupported("a memory pool that can be exported", "use cudaMalloc and cudaIpcGetMemHandle"));
  }
  const auto lock = Scheduler::Get().Acquire();
  *pool = NewPool(properties->location.id);
  return cudaSuccess;
}

cudaError_t cudaMemPoolDestroy(cudaMemPool_t handle) {
  return WithPool(handle, [&](CUmemPoolHandle_st* pool) {
    if (pool->is_default) return cudaErrorInvalidValue;
    std::erase_if(ThePools().current, [&](const auto& entry) { return entry.second == pool; });
    ThePools().all.erase(pool);
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t handle, size_t) {
  return WithPool(handle, [](CUmemPoolHandle_st*) { return cudaSuccess; });
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t handle, cudaMemPoolAttr attribute, void* value) {
  if (value == nullptr) return Return(cudaErrorInvalidValue);
  return WithPool(handle, [&](CUmemPoolHandle_st* pool) { return Attribute(pool, attribute, value, true); });
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t handle, cudaMemPoolAttr attribute, void* value) {
  if (value == nullptr) return Return(cudaErrorInvalidValue);
  return WithPool(handle, [&](CUmemPoolHandle_st* pool) { return Attribute(pool, attribute, value, false); });
}

cudaError_t cudaMemPoolSetAccess(cudaMemPool_t handle, const cudaMemAccessDesc* access, size_t count) {
  return WithPool(handle, [&](CUmemPoolHandle_st* pool) {
    for (size_t i = 0; i < count; ++i) {
      const bool own = access[i].location.id == pool->device;
      if (access[i].location.type != cudaMemLocationTypeDevice || !ValidDevice(access[i].location.id)) {
        return cudaErrorInvalidDevice;
      }
      if (own && access[i].flags != cudaMemAccessFlagsProtReadWrite) return cudaErrorInvalidValue;
    }
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolGetAccess(cudaMemAccessFlags* flags, cudaMemPool_t handle, cudaMemLocation* location) {
  if (flags == nullptr || location == nullptr) return Return(cudaErrorInvalidValue);
  return WithPool(handle, [&](CUmemPoolHandle_st*) {
    *flags = cudaMemAccessFlagsProtReadWrite;
    return cudaSuccess;
  });
}

}  // extern "C"
