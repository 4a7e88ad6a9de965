#include "cuda_runtime_api.h"
#include "harness/host/executor/executor.h"
#include "harness/host/runtime/copy.h"
#include "harness/host/runtime/memory.h"
#include "harness/host/runtime/runtime.h"

namespace cuda_host {
namespace {

cudaError_t CopyFlat(const char* api, void* target, const void* source, size_t bytes, cudaMemcpyKind kind,
                     cudaStream_t stream, bool synchronous) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  return Return(EnqueueCopy(
      {.api = api, .target = static_cast<char*>(target), .source = static_cast<const char*>(source), .width = bytes},
      kind, stream, synchronous));
}

cudaError_t Copy2D(const char* api, void* target, size_t target_pitch, const void* source, size_t source_pitch,
                   size_t width, size_t height, cudaMemcpyKind kind, cudaStream_t stream, bool synchronous) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (width > target_pitch || width > source_pitch) return Return(cudaErrorInvalidPitchValue);
  return Return(EnqueueCopy({.api = api,
                             .target = static_cast<char*>(target),
                             .source = static_cast<const char*>(source),
                             .width = width,
                             .height = height,
                             .target_pitch = target_pitch,
                             .source_pitch = source_pitch},
                            kind, stream, synchronous));
}

size_t Offset(const cudaPitchedPtr& pointer, const cudaPos& position) {
  return (position.z * pointer.ysize + position.y) * pointer.pitch + position.x;
}

cudaError_t Copy3D(const char* api, const cudaMemcpy3DParms* p, cudaStream_t stream, bool synchronous) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (p == nullptr) return Return(cudaErrorInvalidValue);
  if (p->srcArray != nullptr || p->dstArray != nullptr) {
    return Return(Unsupported(std::string(api) + " with a CUDA array", "copy between pitched pointers"));
  }
  return Return(EnqueueCopy({.api = api,
                             .target = static_cast<char*>(p->dstPtr.ptr) + Offset(p->dstPtr, p->dstPos),
                             .source = static_cast<const char*>(p->srcPtr.ptr) + Offset(p->srcPtr, p->srcPos),
                             .width = p->extent.width,
                             .height = p->extent.height,
                             .depth = p->extent.depth,
                             .target_pitch = p->dstPtr.pitch,
                             .source_pitch = p->srcPtr.pitch,
                             .target_slice = p->dstPtr.pitch * p->dstPtr.ysize,
                             .source_slice = p->srcPtr.pitch * p->srcPtr.ysize},
                            p->kind, stream, synchronous));
}

cudaError_t CopyPeer(const char* api, void* target, int target_device, const void* source, int source_device,
                     size_t bytes, cudaStream_t stream, bool synchronous) {
  if (!ValidDevice(target_device) || !ValidDevice(source_device)) return Return(cudaErrorInvalidDevice);
  return CopyFlat(api, target, source, bytes, cudaMemcpyDefault, stream, synchronous);
}

// `bytes` of the variable, from `offset`.
cudaError_t InSymbol(const void* symbol, size_t offset, size_t bytes, char** data) {
  const std::optional<Range> range = Memory::Get().Find(symbol);
  if (!range || range->kind != Range::Kind::kSymbol) return cudaErrorInvalidSymbol;
  if (offset > range->bytes || bytes > range->bytes - offset) return cudaErrorInvalidValue;
  *data = range->data + offset;
  return cudaSuccess;
}

cudaError_t CopyToSymbol(const char* api, const void* symbol, const void* source, size_t bytes, size_t offset,
                         cudaMemcpyKind kind, cudaStream_t stream, bool synchronous) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  char* data = nullptr;
  if (const cudaError_t error = InSymbol(symbol, offset, bytes, &data); error != cudaSuccess) return Return(error);
  if (kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyHostToHost) return Return(cudaErrorInvalidMemcpyDirection);
  return CopyFlat(api, data, source, bytes, kind, stream, synchronous);
}

cudaError_t CopyFromSymbol(const char* api, void* target, const void* symbol, size_t bytes, size_t offset,
                           cudaMemcpyKind kind, cudaStream_t stream, bool synchronous) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  char* data = nullptr;
  if (const cudaError_t error = InSymbol(symbol, offset, bytes, &data); error != cudaSuccess) return Return(error);
  if (kind == cudaMemcpyHostToDevice || kind == cudaMemcpyHostToHost) return Return(cudaErrorInvalidMemcpyDirection);
  return CopyFlat(api, target, data, bytes, kind, stream, synchronous);
}

cudaError_t FillRows(const Fill& fill, cudaStream_t stream, bool synchronous) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  return Return(EnqueueFill(fill, stream, synchronous));
}

}  // namespace
}  // namespace cuda_host

using namespace cuda_host;  // NOLINT(build/namespaces): the API's functions are global

extern "C" {

cudaError_t cudaMemcpy(void* target, const void* source, size_t bytes, cudaMemcpyKind kind) {
  return CopyFlat("cudaMemcpy", target, source, bytes, kind, nullptr, true);
}

cudaError_t cudaMemcpyAsync(void* target, const void* source, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  return CopyFlat("cudaMemcpyAsync", target, source, bytes, kind, stream, false);
}

cudaError_t cudaMemcpyPeer(void* target, int target_device, const void* source, int source_device, size_t bytes) {
  return CopyPeer("cudaMemcpyPeer", target, target_device, source, source_device, bytes, nullptr, true);
}

cudaError_t cudaMemcpyPeerAsync(void* target, int target_device, const void* source, int source_device, size_t bytes,
                                cudaStream_t stream) {
  return CopyPeer("cudaMemcpyPeerAsync", target, target_device, source, source_device, bytes, stream, false);
}

cudaError_t cudaMemcpy2D(void* target, size_t target_pitch, const void* source, size_t source_pitch, size_t width,
                         size_t height, cudaMemcpyKind kind) {
  return Copy2D("cudaMemcpy2D", target, target_pitch, source, source_pitch, width, height, kind, nullptr, true);
}

cudaError_t cudaMemcpy2DAsync(void* target, size_t target_pitch, const void* source, size_t source_pitch, size_t width,
                              size_t height, cudaMemcpyKind kind, cudaStream_t stream) {
  return Copy2D("cudaMemcpy2DAsync", target, target_pitch, source, source_pitch, width, height, kind, stream, false);
}

cudaError_t cudaMemcpy3D(const cudaMemcpy3DParms* p) { return Copy3D("cudaMemcpy3D", p, nullptr, true); }

cudaError_t cudaMemcpy3DAsync(const cudaMemcpy3DParms* p, cudaStream_t stream) {
  return Copy3D("cudaMemcpy3DAsync", p, stream, false);
}

cudaError_t cudaMemcpyToSymbol(const void* symbol, const void* source, size_t bytes, size_t offset,
                               cudaMemcpyKind kind) {
  return CopyToSymbol("cudaMemcpyToSymbol", symbol, source, bytes, offset, kind, nullptr, true);
}

cudaError_t cudaMemcpyToSymbolAsync(const void* symbol, const void* source, size_t bytes, size_t offset,
                                    cudaMemcpyKind kind, cudaStream_t stream) {
  return CopyToSymbol("cudaMemcpyToSymbolAsync", symbol, source, bytes, offset, kind, stream, false);
}

cudaError_t cudaMemcpyFromSymbol(void* target, const void* symbol, size_t bytes, size_t offset, cudaMemcpyKind kind) {
  return CopyFromSymbol("cudaMemcpyFromSymbol", target, symbol, bytes, offset, kind, nullptr, true);
}

cudaError_t cudaMemcpyFromSymbolAsync(void* target, const void* symbol, size_t bytes, size_t offset,
                                      cudaMemcpyKind kind, cudaStream_t stream) {
  return CopyFromSymbol("cudaMemcpyFromSymbolAsync", target, symbol, bytes, offset, kind, stream, false);
}

cudaError_t cudaMemset(void* target, int value, size_t bytes) {
  return FillRows({.api = "cudaMemset", .target = static_cast<char*>(target), .value = value, .width = bytes}, nullptr,
                  true);
}

cudaError_t cudaMemsetAsync(void* target, int value, size_t bytes, cudaStream_t stream) {
  return FillRows({.api = "cudaMemsetAsync", .target = static_cast<char*>(target), .value = value, .width = bytes},
                  stream, false);
}

cudaError_t cudaMemset2D(void* target, size_t pitch, int value, size_t width, size_t height) {
  return FillRows({.api = "cudaMemset2D",
                   .target = static_cast<char*>(target),
                   .value = value,
                   .width = width,
                   .height = height,
                   .pitch = pitch},
                  nullptr, true);
}

cudaError_t cudaMemset2DAsync(void* target, size_t pitch, int value, size_t width, size_t height, cudaStream_t stream) {
  return FillRows({.api = "cudaMemset2DAsync",
                   .target = static_cast<char*>(target),
                   .value = value,
                   .width = width,
                   .height = height,
                   .pitch = pitch},
                  stream, false);
}

}  // extern "C"
