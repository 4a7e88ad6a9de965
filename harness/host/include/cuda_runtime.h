// The CUDA runtime API with its C++ forms; in translated code (__CUDACC__) the device functions, too.
#ifndef CUDA_RUNTIME_H_
#define CUDA_RUNTIME_H_

// Later ones build on earlier ones.
// clang-format off
#include "driver_types.h"
#include "vector_types.h"
#include "vector_functions.h"
#include "cuda_runtime_api.h"
#if defined(__CUDACC__)
#include "cuda_host/launch.h"
#include "cuda_host/device.h"
#include "cuda_host/math.h"
#include "cuda_host/launch_api.h"
#endif
// clang-format on

#include <type_traits>

namespace cuda_host {
// A __device__, __constant__ or __managed__ variable is a plain one here: this makes it known as device memory.
const void* RegisterSymbol(const void* symbol, size_t bytes);
template <typename T>
const void* Symbol(const T& symbol) {
  return RegisterSymbol(&reinterpret_cast<const char&>(symbol), sizeof symbol);
}
}  // namespace cuda_host

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's.

inline cudaExtent make_cudaExtent(size_t width, size_t height, size_t depth) { return {width, height, depth}; }
inline cudaPos make_cudaPos(size_t x, size_t y, size_t z) { return {x, y, z}; }
inline cudaPitchedPtr make_cudaPitchedPtr(void* data, size_t pitch, size_t xsize, size_t ysize) {
  return {data, pitch, xsize, ysize};
}

template <typename T>
cudaError_t cudaMalloc(T** data, size_t bytes) {
  return ::cudaMalloc(reinterpret_cast<void**>(data), bytes);
}
template <typename T>
cudaError_t cudaMallocPitch(T** data, size_t* pitch, size_t width, size_t height) {
  return ::cudaMallocPitch(reinterpret_cast<void**>(data), pitch, width, height);
}
template <typename T>
cudaError_t cudaMallocManaged(T** data, size_t bytes, unsigned flags = cudaMemAttachGlobal) {
  return ::cudaMallocManaged(reinterpret_cast<void**>(data), bytes, flags);
}
template <typename T>
cudaError_t cudaHostAlloc(T** data, size_t bytes, unsigned flags) {
  return ::cudaHostAlloc(reinterpret_cast<void**>(data), bytes, flags);
}
inline cudaError_t cudaMallocHost(void** data, size_t bytes, unsigned flags) {
  return ::cudaHostAlloc(data, bytes, flags);
}
template <typename T>
cudaError_t cudaMallocHost(T** data, size_t bytes, unsigned flags = cudaHostAllocDefault) {
  return ::cudaHostAlloc(reinterpret_cast<void**>(data), bytes, flags);
}
template <typename T>
cudaError_t cudaHostGetDevicePointer(T** device, void* host, unsigned flags) {
  return ::cudaHostGetDevicePointer(reinterpret_cast<void**>(device), host, flags);
}
template <typename T>
cudaError_t cudaMallocAsync(T** data, size_t bytes, cudaStream_t stream) {
  return ::cudaMallocAsync(reinterpret_cast<void**>(data), bytes, stream);
}
template <typename T>
cudaError_t cudaMallocFromPoolAsync(T** data, size_t bytes, cudaMemPool_t pool, cudaStream_t stream) {
  return ::cudaMallocFromPoolAsync(reinterpret_cast<void**>(data), bytes, pool, stream);
}
template <typename T>
cudaError_t cudaMallocAsync(T** data, size_t bytes, cudaMemPool_t pool, cudaStream_t stream) {
  return ::cudaMallocFromPoolAsync(reinterpret_cast<void**>(data), bytes, pool, stream);
}

inline cudaError_t cudaEventCreate(cudaEvent_t* event, unsigned flags) {
  return ::cudaEventCreateWithFlags(event, flags);
}

template <typename T>
cudaError_t cudaGetSymbolAddress(void** data, const T& symbol) {
  return ::cudaGetSymbolAddress(data, ::cuda_host::Symbol(symbol));
}
template <typename T>
cudaError_t cudaGetSymbolSize(size_t* bytes, const T& symbol) {
  return ::cudaGetSymbolSize(bytes, ::cuda_host::Symbol(symbol));
}
template <typename T>
cudaError_t cudaMemcpyToSymbol(const T& symbol, const void* source, size_t bytes, size_t offset = 0,
                               cudaMemcpyKind kind = cudaMemcpyHostToDevice) {
  return ::cudaMemcpyToSymbol(::cuda_host::Symbol(symbol), source, bytes, offset, kind);
}
template <typename T>
cudaError_t cudaMemcpyFromSymbol(void* target, const T& symbol, size_t bytes, size_t offset = 0,
                                 cudaMemcpyKind kind = cudaMemcpyDeviceToHost) {
  return ::cudaMemcpyFromSymbol(target, ::cuda_host::Symbol(symbol), bytes, offset, kind);
}
template <typename T>
cudaError_t cudaMemcpyToSymbolAsync(const T& symbol, const void* source, size_t bytes, size_t offset = 0,
                                    cudaMemcpyKind kind = cudaMemcpyHostToDevice, cudaStream_t stream = nullptr) {
  return ::cudaMemcpyToSymbolAsync(::cuda_host::Symbol(symbol), source, bytes, offset, kind, stream);
}
template <typename T>
cudaError_t cudaMemcpyFromSymbolAsync(void* target, const T& symbol, size_t bytes, size_t offset = 0,
                                      cudaMemcpyKind kind = cudaMemcpyDeviceToHost, cudaStream_t stream = nullptr) {
  return ::cudaMemcpyFromSymbolAsync(target, ::cuda_host::Symbol(symbol), bytes, offset, kind, stream);
}

// NOLINTEND(readability-identifier-naming)

#endif  // CUDA_RUNTIME_H_
