// cudaError_t to Status, with the call's text, its place, and CUDA's name and words for the error.
#ifndef HARNESS_DEVICE_CUDA_STATUS_H_
#define HARNESS_DEVICE_CUDA_STATUS_H_

#include <cuda_runtime_api.h>

#include <string>

#include "harness/status.h"

namespace workbench {

// "cudaMalloc(&p, n): cudaErrorMemoryAllocation (out of memory) at file.cc:12". Takes a non-sticky error off the
// runtime, so that the next call does not report it again.
inline Status CudaStatus(cudaError_t error, const char* call, const char* file, int line) {
  if (error == cudaSuccess) return Status::Ok();
  (void)cudaGetLastError();
  const std::string path = file;
  return Error(std::string(call) + ": " + cudaGetErrorName(error) + " (" + cudaGetErrorString(error) + ") at " +
               path.substr(path.rfind('/') + 1) + ":" + std::to_string(line));
}

// An error that the device raised on its own time, which every later call reports until the process ends.
inline bool IsStickyCudaError(cudaError_t error) {
  switch (error) {
    case cudaErrorIllegalAddress:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorLaunchTimeout:
    case cudaErrorLaunchFailure:
    case cudaErrorAssert:
    case cudaErrorECCUncorrectable:
    case cudaErrorMpsClientTerminated:
      return true;
    default:
      return false;
  }
}

}  // namespace workbench

#define WB_CUDA(call) ::workbench::CudaStatus((call), #call, __FILE__, __LINE__)
#define WB_RETURN_IF_CUDA_ERROR(call) WB_RETURN_IF_ERROR(WB_CUDA(call))

#endif  // HARNESS_DEVICE_CUDA_STATUS_H_
