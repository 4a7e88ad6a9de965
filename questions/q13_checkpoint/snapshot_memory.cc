#include "questions/q13_checkpoint/snapshot_memory.h"

#include <cuda_runtime_api.h>
#include <dlfcn.h>

#include <algorithm>
#include <map>
#include <mutex>

namespace q13 {
namespace {

enum class Place { kDevice, kPinned, kManaged };

struct Piece {
  Place place;
  int64_t bytes;
};

// Outlives everything: the runtime may free at the end of the process.
struct Counter {
  std::mutex mutex;
  bool counting = false, forbidden = false;
  std::map<const void*, Piece> pieces;
  int64_t device = 0, pinned = 0;
  SnapshotMemory most;

  void Count(int64_t* present, int64_t* highest, int64_t bytes) {
    *present += bytes;
    *highest = std::max(*highest, *present);
  }
  void Change(const Piece& piece, int64_t bytes) {
    if (piece.place != Place::kPinned) Count(&device, &most.device_bytes, bytes);
    if (piece.place != Place::kDevice) Count(&pinned, &most.pinned_bytes, bytes);
  }
};

Counter& TheCounter() {
  static auto* const counter = new Counter;
  return *counter;
}

cudaError_t Allocated(cudaError_t error, const void* data, size_t bytes, Place place) {
  Counter& counter = TheCounter();
  std::lock_guard lock(counter.mutex);
  if (!counter.counting) return error;
  if (counter.forbidden) ++counter.most.calls_between;
  if (error != cudaSuccess || data == nullptr) return error;
  const Piece piece = {place, static_cast<int64_t>(bytes)};
  counter.pieces[data] = piece;
  counter.Change(piece, piece.bytes);
  return error;
}

// Before the runtime frees: afterwards the address may be somebody else's.
void Freeing(const void* data) {
  Counter& counter = TheCounter();
  std::lock_guard lock(counter.mutex);
  if (!counter.counting || data == nullptr) return;
  if (counter.forbidden) ++counter.most.calls_between;
  const auto found = counter.pieces.find(data);
  if (found == counter.pieces.end()) return;
  counter.Change(found->second, -found->second.bytes);
  counter.pieces.erase(found);
}

// The runtime's own function of this name.
template <typename Function>
Function Next(const char* name, Function) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

void BeginCountingMemory() {
  Counter& counter = TheCounter();
  std::lock_guard lock(counter.mutex);
  counter.counting = true;
  counter.forbidden = false;
  counter.pieces.clear();
  counter.device = counter.pinned = 0;
  counter.most = {};
}

void ForbidMemoryCalls(bool forbid) {
  Counter& counter = TheCounter();
  std::lock_guard lock(counter.mutex);
  counter.forbidden = forbid;
}

SnapshotMemory EndCountingMemory() {
  Counter& counter = TheCounter();
  std::lock_guard lock(counter.mutex);
  counter.counting = false;
  counter.most.left = static_cast<int32_t>(counter.pieces.size());
  for (const auto& [data, piece] : counter.pieces) counter.most.left_bytes += piece.bytes;
  return counter.most;
}

}  // namespace q13

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's.

#define NEXT(name) static const auto next = q13::Next(#name, static_cast<decltype(&name)>(nullptr))

extern "C" {

cudaError_t cudaMalloc(void** data, size_t bytes) {
  NEXT(cudaMalloc);
  const cudaError_t error = next(data, bytes);
  return q13::Allocated(error, error == cudaSuccess ? *data : nullptr, bytes, q13::Place::kDevice);
}

cudaError_t cudaMallocPitch(void** data, size_t* pitch, size_t width, size_t height) {
  NEXT(cudaMallocPitch);
  const cudaError_t error = next(data, pitch, width, height);
  return q13::Allocated(error, error == cudaSuccess ? *data : nullptr, error == cudaSuccess ? *pitch * height : 0,
                        q13::Place::kDevice);
}

cudaError_t cudaMallocAsync(void** data, size_t bytes, cudaStream_t stream) {
  NEXT(cudaMallocAsync);
  const cudaError_t error = next(data, bytes, stream);
  return q13::Allocated(error, error == cudaSuccess ? *data : nullptr, bytes, q13::Place::kDevice);
}

cudaError_t cudaMallocFromPoolAsync(void** data, size_t bytes, cudaMemPool_t pool, cudaStream_t stream) {
  NEXT(cudaMallocFromPoolAsync);
  const cudaError_t error = next(data, bytes, pool, stream);
  return q13::Allocated(error, error == cudaSuccess ? *data : nullptr, bytes, q13::Place::kDevice);
}

cudaError_t cudaMallocManaged(void** data, size_t bytes, unsigned flags) {
  NEXT(cudaMallocManaged);
  const cudaError_t error = next(data, bytes, flags);
  return q13::Allocated(error, error == cudaSuccess ? *data : nullptr, bytes, q13::Place::kManaged);
}

cudaError_t cudaMallocHost(void** data, size_t bytes) {
  NEXT(cudaMallocHost);
  const cudaError_t error = next(data, bytes);
  return q13::Allocated(error, error == cudaSuccess ? *data : nullptr, bytes, q13::Place::kPinned);
}

cudaError_t cudaHostAlloc(void** data, size_t bytes, unsigned flags) {
  NEXT(cudaHostAlloc);
  const cudaError_t error = next(data, bytes, flags);
  return q13::Allocated(error, error == cudaSuccess ? *data : nullptr, bytes, q13::Place::kPinned);
}

cudaError_t cudaHostRegister(void* data, size_t bytes, unsigned flags) {
  NEXT(cudaHostRegister);
  return q13::Allocated(next(data, bytes, flags), data, bytes, q13::Place::kPinned);
}

cudaError_t cudaFree(void* data) {
  NEXT(cudaFree);
  q13::Freeing(data);
  return next(data);
}

cudaError_t cudaFreeAsync(void* data, cudaStream_t stream) {
  NEXT(cudaFreeAsync);
  q13::Freeing(data);
  return next(data, stream);
}

cudaError_t cudaFreeHost(void* data) {
  NEXT(cudaFreeHost);
  q13::Freeing(data);
  return next(data);
}

cudaError_t cudaHostUnregister(void* data) {
  NEXT(cudaHostUnregister);
  q13::Freeing(data);
  return next(data);
}

}  // extern "C"

// NOLINTEND(readability-identifier-naming)
