// What host mode's checks have found; on a GPU, nothing.
#ifndef HARNESS_DEVICE_FINDINGS_H_
#define HARNESS_DEVICE_FINDINGS_H_

#include <cuda_runtime_api.h>

#include <string>

#if defined(CUDA_HOST_STAND_IN)
namespace cuda_host {
std::string TakeFindings();
}
#endif

namespace workbench {

// Since the last call, a line each. Faults of kernels are among them: they say more than the error's name.
inline std::string TakeDeviceFindings() {
#if defined(CUDA_HOST_STAND_IN)
  return cuda_host::TakeFindings();
#else
  return "";
#endif
}

}  // namespace workbench

#endif  // HARNESS_DEVICE_FINDINGS_H_
