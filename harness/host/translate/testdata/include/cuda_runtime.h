// A stand-in for the tests: runs a kernel at its launch, one thread after the other.
#ifndef TESTDATA_CUDA_RUNTIME_H_
#define TESTDATA_CUDA_RUNTIME_H_

#include "cuda_host/launch.h"

inline dim3 gridDim, blockDim;
inline uint3 blockIdx;
constinit const thread_local cuda_host_thread_index threadIdx{};

namespace fake {

// Of the last launch.
inline cuda_host::LaunchSite site;
inline cudaStream_t stream;
inline size_t shared_bytes;
inline unsigned bounds;

// Of the present block.
struct Variable {
  const void* key;
  const char* name;
  size_t bytes;
  alignas(4096) char memory[4096];
};
inline Variable variables[16];
inline int used;
alignas(4096) inline char dynamic[4096];

}  // namespace fake

namespace cuda_host {

inline cudaError_t EnqueueKernel(const LaunchSite& site, const Configuration& configuration, RunFunction run,
                                 std::shared_ptr<const void> arguments) {
  fake::site = site;
  fake::stream = configuration.stream;
  fake::shared_bytes = configuration.shared_bytes;
  gridDim = configuration.grid;
  blockDim = configuration.block;
  for (blockIdx.x = 0; blockIdx.x < gridDim.x; ++blockIdx.x) {
    fake::used = 0;
    for (unsigned thread = 0; thread < blockDim.x; ++thread) {
      const_cast<cuda_host_thread_index&>(threadIdx).x = thread;
      ThreadRun one;
      run(arguments.get(), &one);
    }
  }
  return cudaSuccess;
}

inline void* StaticSharedBytes(const void* key, const char* name, size_t bytes, size_t alignment) {
  for (int i = 0; i < fake::used; ++i) {
    if (fake::variables[i].key == key) return fake::variables[i].memory;
  }
  fake::Variable& variable = fake::variables[fake::used++];
  variable.key = key;
  variable.name = name;
  variable.bytes = bytes;
  return alignment <= 4096 && bytes <= 4096 ? variable.memory : nullptr;
}

inline void* DynamicShared(size_t alignment) { return alignment <= 4096 ? fake::dynamic : nullptr; }
inline void CheckLaunchBounds(unsigned max_threads) { fake::bounds = max_threads; }

}  // namespace cuda_host

#endif  // TESTDATA_CUDA_RUNTIME_H_
