// cudaLaunchKernel and its kin for kernels passed by their own type. Here a void** of arguments says nothing about
// their sizes, so that the kernel's type has to.
#ifndef CUDA_HOST_LAUNCH_API_H_
#define CUDA_HOST_LAUNCH_API_H_

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "cuda_host/launch.h"
#include "cuda_runtime_api.h"

namespace cuda_host {

// A kernel whose parameters are known. `bind` reads one argument through each pointer of `args`.
struct KernelEntry {
  const void* address;
  const char* name;  // lives as long as the process; null if unknown
  std::shared_ptr<const void> (*bind)(const void* kernel, void** args);
  RunFunction run;
};

// Makes the kernel known to launches that get it as a void*. Whatever of the API gets it by its type does so.
void RegisterKernel(const KernelEntry& entry);

// __launch_bounds__ of a kernel that is no template (a template's are looked at when its threads run).
int RegisterLaunchBounds(const void* kernel, unsigned max_threads);

template <typename... P>
struct KernelBinder {
  using Bound = BoundKernel<P...>;
  static std::shared_ptr<const void> Bind(const void* kernel, void** args) {
    return BindAll(reinterpret_cast<void (*)(P...)>(const_cast<void*>(kernel)), args, std::index_sequence_for<P...>());
  }

 private:
  template <size_t... I>
  static std::shared_ptr<const void> BindAll(void (*kernel)(P...), [[maybe_unused]] void** args,
                                             std::index_sequence<I...>) {
    return std::make_shared<Bound>(Bound{kernel, {*static_cast<const std::decay_t<P>*>(args[I])...}});
  }
};

template <typename... P>
const void* RegisterKernel(void (*kernel)(P...), const char* name = nullptr) {
  const void* address = reinterpret_cast<const void*>(kernel);
  RegisterKernel(KernelEntry{address, name, &KernelBinder<P...>::Bind, &BoundKernel<P...>::Run});
  return address;
}

struct ApiLaunch {
  const char* api;
  const char* file;
  int line;
  dim3 grid, block;
  size_t shared_bytes;
  cudaStream_t stream;
  bool cooperative;
};
// `kernel` has to be registered.
cudaError_t LaunchByAddress(const ApiLaunch& launch, const void* kernel, void** args);
// As `config` says it; attributes that host mode does not know are reported.
cudaError_t LaunchByConfig(const char* file, int line, const cudaLaunchConfig_t* config, const void* kernel,
                           void** args);

}  // namespace cuda_host

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's.

template <typename... P>
cudaError_t cudaLaunchKernel(void (*kernel)(P...), dim3 grid, dim3 block, void** args, size_t shared_bytes = 0,
                             cudaStream_t stream = nullptr, const char* file = __builtin_FILE(),
                             int line = __builtin_LINE()) {
  return ::cuda_host::LaunchByAddress({"cudaLaunchKernel", file, line, grid, block, shared_bytes, stream, false},
                                      ::cuda_host::RegisterKernel(kernel), args);
}

template <typename... P>
cudaError_t cudaLaunchCooperativeKernel(void (*kernel)(P...), dim3 grid, dim3 block, void** args,
                                        size_t shared_bytes = 0, cudaStream_t stream = nullptr,
                                        const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return ::cuda_host::LaunchByAddress(
      {"cudaLaunchCooperativeKernel", file, line, grid, block, shared_bytes, stream, true},
      ::cuda_host::RegisterKernel(kernel), args);
}

template <typename... P, typename... A>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(P...), A&&... a) {
  static_assert(sizeof...(P) == sizeof...(A), "cudaLaunchKernelEx: one argument for each of the kernel's parameters");
  return [&](std::decay_t<P>... converted) {
    void* pointers[sizeof...(P) + 1] = {const_cast<void*>(static_cast<const void*>(std::addressof(converted)))...};
    return ::cuda_host::LaunchByConfig("", 0, config, ::cuda_host::RegisterKernel(kernel), pointers);
  }(std::forward<A>(a)...);
}

template <typename... P>
cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, void (*kernel)(P...), void** args) {
  return ::cuda_host::LaunchByConfig("", 0, config, ::cuda_host::RegisterKernel(kernel), args);
}

template <typename... P>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, void (*kernel)(P...)) {
  return ::cudaFuncGetAttributes(attributes, ::cuda_host::RegisterKernel(kernel));
}

template <typename... P>
cudaError_t cudaFuncSetAttribute(void (*kernel)(P...), cudaFuncAttribute attribute, int value) {
  return ::cudaFuncSetAttribute(::cuda_host::RegisterKernel(kernel), attribute, value);
}

template <typename... P>
cudaError_t cudaFuncSetCacheConfig(void (*kernel)(P...), cudaFuncCache config) {
  return ::cudaFuncSetCacheConfig(::cuda_host::RegisterKernel(kernel), config);
}

template <typename... P>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void (*kernel)(P...), int block_size,
                                                          size_t dynamic_bytes) {
  return ::cudaOccupancyMaxActiveBlocksPerMultiprocessor(blocks, ::cuda_host::RegisterKernel(kernel), block_size,
                                                         dynamic_bytes);
}

template <typename... P>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, void (*kernel)(P...), int block_size,
                                                                   size_t dynamic_bytes, unsigned flags) {
  return ::cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, ::cuda_host::RegisterKernel(kernel),
                                                                  block_size, dynamic_bytes, flags);
}

template <typename... P>
cudaError_t cudaOccupancyAvailableDynamicSMemPerBlock(size_t* bytes, void (*kernel)(P...), int blocks, int block_size) {
  return ::cudaOccupancyAvailableDynamicSMemPerBlock(bytes, ::cuda_host::RegisterKernel(kernel), blocks, block_size);
}

// The block size with the most resident threads, in steps of a warp from the largest down.
template <typename BytesOfBlockSize, typename... P>
cudaError_t cudaOccupancyMaxPotentialBlockSizeVariableSMem(int* min_grid_size, int* block_size, void (*kernel)(P...),
                                                           BytesOfBlockSize dynamic_bytes, int block_size_limit = 0) {
  if (min_grid_size == nullptr || block_size == nullptr) return cudaErrorInvalidValue;
  int device = 0, multiprocessors = 0;
  cudaFuncAttributes attributes;
  cudaError_t error = cudaGetDevice(&device);
  if (error == cudaSuccess) error = cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device);
  if (error == cudaSuccess) error = cudaFuncGetAttributes(&attributes, kernel);
  if (error != cudaSuccess) return error;
  const int largest = block_size_limit > 0 && block_size_limit < attributes.maxThreadsPerBlock
                          ? block_size_limit
                          : attributes.maxThreadsPerBlock;
  int best_threads = 0;
  *min_grid_size = *block_size = 0;
  for (int size = largest; size > 0; size = (size - 1) / 32 * 32) {
    int blocks = 0;
    error = cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, size, dynamic_bytes(size));
    if (error != cudaSuccess) return error;
    if (blocks * size <= best_threads) continue;
    best_threads = blocks * size;
    *block_size = size;
    *min_grid_size = blocks * multiprocessors;
  }
  return cudaSuccess;
}

template <typename... P>
cudaError_t cudaOccupancyMaxPotentialBlockSize(int* min_grid_size, int* block_size, void (*kernel)(P...),
                                               size_t dynamic_bytes = 0, int block_size_limit = 0) {
  return cudaOccupancyMaxPotentialBlockSizeVariableSMem(
      min_grid_size, block_size, kernel, [dynamic_bytes](int) { return dynamic_bytes; }, block_size_limit);
}

// NOLINTEND(readability-identifier-naming)

#endif  // CUDA_HOST_LAUNCH_API_H_
