#include <cstdio>
#include <cstring>

#include "cuda.h"
#include "cuda_runtime_api.h"
#include "harness/host/check/memory.h"
#include "harness/host/executor/executor.h"
#include "harness/host/runtime/memory.h"
#include "harness/host/runtime/runtime.h"

namespace cuda_host {
namespace {

// The two APIs number their errors alike.
CUresult Result(cudaError_t error) { return static_cast<CUresult>(error); }

// A context is a device's primary one; the handle says which.
CUcontext ContextOf(CUdevice device) {
  return reinterpret_cast<CUcontext>(static_cast<uintptr_t>(0x10000) + static_cast<uintptr_t>(device) * 0x100);
}

const char* NameOf(CUresult error) {
  switch (error) {
#define CUDA_HOST_RESULT_NAME(name, value) \
  case name:                               \
    return #name;
    CUDA_HOST_RESULTS(CUDA_HOST_RESULT_NAME)
#undef CUDA_HOST_RESULT_NAME
  }
  return nullptr;
}

struct EntryPoint {
  const char* name;
  void* function;
};
#define CUDA_HOST_ENTRY(name) \
  { #name, reinterpret_cast < void*>(&name) }
const EntryPoint kEntryPoints[] = {
    CUDA_HOST_ENTRY(cuGetErrorName),
    CUDA_HOST_ENTRY(cuGetErrorString),
    CUDA_HOST_ENTRY(cuInit),
    CUDA_HOST_ENTRY(cuDriverGetVersion),
    CUDA_HOST_ENTRY(cuDeviceGet),
    CUDA_HOST_ENTRY(cuDeviceGetCount),
    CUDA_HOST_ENTRY(cuDeviceGetName),
    CUDA_HOST_ENTRY(cuDeviceTotalMem),
    CUDA_HOST_ENTRY(cuDeviceGetAttribute),
    CUDA_HOST_ENTRY(cuDevicePrimaryCtxRetain),
    CUDA_HOST_ENTRY(cuDevicePrimaryCtxRelease),
    CUDA_HOST_ENTRY(cuCtxGetCurrent),
    CUDA_HOST_ENTRY(cuCtxSetCurrent),
    CUDA_HOST_ENTRY(cuCtxGetDevice),
    CUDA_HOST_ENTRY(cuCtxSynchronize),
    CUDA_HOST_ENTRY(cuPointerGetAttribute),
    CUDA_HOST_ENTRY(cuMemGetAddressRange),
    CUDA_HOST_ENTRY(cuMemGetAllocationGranularity),
    CUDA_HOST_ENTRY(cuMemAddressReserve),
    CUDA_HOST_ENTRY(cuMemAddressFree),
    CUDA_HOST_ENTRY(cuMemCreate),
    CUDA_HOST_ENTRY(cuMemRelease),
    CUDA_HOST_ENTRY(cuMemMap),
    CUDA_HOST_ENTRY(cuMemUnmap),
    CUDA_HOST_ENTRY(cuMemSetAccess),
    CUDA_HOST_ENTRY(cuMemGetAccess),
    CUDA_HOST_ENTRY(cuMemExportToShareableHandle),
    CUDA_HOST_ENTRY(cuMemImportFromShareableHandle),
    CUDA_HOST_ENTRY(cuMemGetAllocationPropertiesFromHandle),
    CUDA_HOST_ENTRY(cuMemRetainAllocationHandle),
};
#undef CUDA_HOST_ENTRY

template <typename T>
CUresult Give(void* out, T value) {
  std::memcpy(out, &value, sizeof value);
  return CUDA_SUCCESS;
}

CUresult PointerAttribute(void* out, CUpointer_attribute attribute, const Range& range, CUdeviceptr pointer) {
  const bool managed = range.kind == Range::Kind::kManaged;
  switch (attribute) {
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
      return Give(out, range.device_memory() ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST);
    case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
      return Give(out, pointer);
    case CU_POINTER_ATTRIBUTE_HOST_POINTER:
      if (!range.host_memory()) return CUDA_ERROR_INVALID_VALUE;
      return Give(out, pointer);
    case CU_POINTER_ATTRIBUTE_SYNC_MEMOPS:
      return Give(out, 0);
    case CU_POINTER_ATTRIBUTE_BUFFER_ID:
      return Give(out, static_cast<unsigned long long>(reinterpret_cast<uintptr_t>(range.data)));
    case CU_POINTER_ATTRIBUTE_IS_MANAGED:
      return Give(out, static_cast<int>(managed));
    case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
      return Give(out, range.device);
    case CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE:
      return Give(out, static_cast<int>(range.kind == Range::Kind::kDevice));
    case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
      return Give(out, static_cast<CUdeviceptr>(reinterpret_cast<uintptr_t>(range.data)));
    case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
      return Give(out, range.bytes);
    case CU_POINTER_ATTRIBUTE_MAPPED:
      return Give(out, 1);
  }
  return CUDA_ERROR_INVALID_VALUE;
}

}  // namespace
}  // namespace cuda_host

using namespace cuda_host;  // NOLINT(build/namespaces): the API's functions are global

extern "C" {

CUresult cuGetErrorName(CUresult error, const char** text) {
  if (text == nullptr) return CUDA_ERROR_INVALID_VALUE;
  *text = NameOf(error);
  return *text == nullptr ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

CUresult cuGetErrorString(CUresult error, const char** text) {
  if (text == nullptr) return CUDA_ERROR_INVALID_VALUE;
  *text = NameOf(error) == nullptr ? nullptr : cudaGetErrorString(static_cast<cudaError_t>(error));
  return *text == nullptr ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

CUresult cuInit(unsigned flags) { return flags == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE; }
CUresult cuDriverGetVersion(int* version) { return Result(cudaDriverGetVersion(version)); }
CUresult cuDeviceGetCount(int* count) { return Result(cudaGetDeviceCount(count)); }
CUresult cuCtxGetDevice(CUdevice* device) { return Result(cudaGetDevice(device)); }
CUresult cuCtxSynchronize() { return Result(cudaDeviceSynchronize()); }

CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  if (device == nullptr) return CUDA_ERROR_INVALID_VALUE;
  if (!ValidDevice(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
  *device = ordinal;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetName(char* name, int length, CUdevice device) {
  cudaDeviceProp properties;
  if (name == nullptr || length <= 0) return CUDA_ERROR_INVALID_VALUE;
  if (const cudaError_t error = cudaGetDeviceProperties(&properties, device); error != cudaSuccess)
    return Result(error);
  std::snprintf(name, static_cast<size_t>(length), "%s", properties.name);
  return CUDA_SUCCESS;
}

CUresult cuDeviceTotalMem(size_t* bytes, CUdevice device) {
  if (bytes == nullptr) return CUDA_ERROR_INVALID_VALUE;
  if (!ValidDevice(device)) return CUDA_ERROR_INVALID_DEVICE;
  *bytes = Limits().memory_bytes;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice device) {
  if (value != nullptr && ValidDevice(device)) {
    if (attribute == CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED ||
        attribute == CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED) {
      return Give(value, 1);
    }
    if (attribute == CU_DEVICE_ATTRIBUTE_MULTICAST_SUPPORTED) return Give(value, 0);
  }
  return Result(cudaDeviceGetAttribute(value, attribute, device));
}

CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
  if (context == nullptr) return CUDA_ERROR_INVALID_VALUE;
  if (!ValidDevice(device)) return CUDA_ERROR_INVALID_DEVICE;
  *context = ContextOf(device);
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease(CUdevice device) {
  return ValidDevice(device) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}

CUresult cuCtxGetCurrent(CUcontext* context) { return cuDevicePrimaryCtxRetain(context, CurrentDevice()); }

CUresult cuCtxSetCurrent(CUcontext context) {
  if (context == nullptr) return CUDA_SUCCESS;
  for (int device = 0; ValidDevice(device); ++device) {
    if (context == ContextOf(device)) return Result(cudaSetDevice(device));
  }
  return CUDA_ERROR_INVALID_CONTEXT;
}

CUresult cuPointerGetAttribute(void* data, CUpointer_attribute attribute, CUdeviceptr pointer) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Result(error);
  const std::optional<Range> range = Memory::Get().Find(reinterpret_cast<const void*>(pointer));
  if (data == nullptr || !range) return CUDA_ERROR_INVALID_VALUE;
  return PointerAttribute(data, attribute, *range, pointer);
}

CUresult cuMemGetAddressRange(CUdeviceptr* base, size_t* bytes, CUdeviceptr pointer) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Result(error);
  const std::optional<Range> range = Memory::Get().Find(reinterpret_cast<const void*>(pointer));
  if (!range) return CUDA_ERROR_NOT_FOUND;
  if (base != nullptr) *base = static_cast<CUdeviceptr>(reinterpret_cast<uintptr_t>(range->data));
  if (bytes != nullptr) *bytes = range->bytes;
  return CUDA_SUCCESS;
}

cudaError_t cudaGetDriverEntryPointByVersion(const char* symbol, void** function, unsigned version, unsigned long long,
                                             cudaDriverEntryPointQueryResult* status) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (symbol == nullptr || function == nullptr) return Return(cudaErrorInvalidValue);
  *function = nullptr;
  if (status != nullptr) *status = cudaDriverEntryPointSymbolNotFound;
  for (const EntryPoint& entry : kEntryPoints) {
    if (std::strcmp(entry.name, symbol) != 0) continue;
    if (version > CUDA_VERSION) {
      if (status != nullptr) *status = cudaDriverEntryPointVersionNotSufficent;
      return cudaSuccess;
    }
    *function = entry.function;
    if (status != nullptr) *status = cudaDriverEntryPointSuccess;
    return cudaSuccess;
  }
  return status != nullptr ? cudaSuccess : Return(cudaErrorSymbolNotFound);
}

cudaError_t cudaGetDriverEntryPoint(const char* symbol, void** function, unsigned long long flags,
                                    cudaDriverEntryPointQueryResult* status) {
  return cudaGetDriverEntryPointByVersion(symbol, function, CUDA_VERSION, flags, status);
}

}  // extern "C"
