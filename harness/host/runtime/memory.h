// What this process knows of memory: every range that came from the API, and of which kind it is.
#ifndef HARNESS_HOST_RUNTIME_MEMORY_H_
#define HARNESS_HOST_RUNTIME_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "driver_types.h"
#include "harness/host/runtime/scheduler.h"

namespace cuda_host {

struct Range {
  enum class Kind {
    kDevice,  // cudaMalloc and what is like it
    kPool,    // cudaMallocAsync
    kManaged,
    kHost,        // cudaMallocHost, cudaHostAlloc
    kRegistered,  // cudaHostRegister
    kSymbol,      // a __device__ variable
    kPeer,        // another process's
    kMapped,      // cuMemMap
  };
  Kind kind = Kind::kDevice;
  char* data = nullptr;
  size_t bytes = 0;
  int device = 0;
  unsigned flags = 0;
  cudaMemPool_t pool = nullptr;
  bool freeing = false;  // cudaFreeAsync is on its way

  // Whether the device uses it without the host having to stage it.
  bool device_memory() const { return kind != Kind::kHost && kind != Kind::kRegistered; }
  bool host_memory() const { return kind == Kind::kHost || kind == Kind::kRegistered || kind == Kind::kManaged; }
};

class Memory {
 public:
  static Memory& Get();

  // The range that holds `data` (one past its end does not count).
  std::optional<Range> Find(const void* data) const;
  void Add(const Range& range);
  // Takes the range that begins at `data` out.
  std::optional<Range> Remove(const void* data);
  bool Overlaps(const void* data, size_t bytes) const;
  // Marks a pool's range as on its way out. False if it is already, or is none.
  bool BeginFreeing(const void* data);

  // Memory of the arena, within the device's limit and filled with garbage (a pool's is filled in stream order); null
  // if there is not enough.
  void* AllocateDevice(Range range, const char* api);
  void FreeDevice(const Range& range);
  // Counts bytes against the device's memory. False past its limit.
  bool Charge(int device, size_t bytes);
  void Discharge(int device, size_t bytes);
  size_t used(int device) const;
  // Takes out everything that was allocated.
  std::vector<Range> RemoveAll();

 private:
  mutable std::mutex mutex_;
  std::map<uintptr_t, Range> ranges_;
  std::map<int, size_t> used_;
  uint64_t fills_ = 0;
};

// Writes garbage drawn from the seed over the first 64 MiB.
void FillWithGarbage(void* data, size_t bytes, uint64_t draw);

}  // namespace cuda_host

#endif  // HARNESS_HOST_RUNTIME_MEMORY_H_
