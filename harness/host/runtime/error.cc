#include <cstdlib>

#include "cuda_runtime_api.h"
#include "harness/host/executor/executor.h"
#include "harness/host/runtime/capture.h"
#include "harness/host/runtime/runtime.h"

namespace cuda_host {
namespace {

thread_local cudaError_t t_last_error = cudaSuccess;
thread_local bool t_calls_forbidden = false;

cudaError_t Sticky() {
  Scheduler& scheduler = Scheduler::Get();
  const auto lock = scheduler.Acquire();
  return scheduler.failed();
}

}  // namespace

void ForbidCalls(bool forbidden) { t_calls_forbidden = forbidden; }

cudaError_t EnterQuery() {
  if (t_calls_forbidden) return cudaErrorNotPermitted;
  if (InKernel()) {
    return Unsupported("A call of the runtime API in device code", "make it on the host, before or after the launch");
  }
  return cudaSuccess;
}

cudaError_t Enter() {
  const cudaError_t error = EnterQuery();
  return error != cudaSuccess ? error : Sticky();
}

cudaError_t EnterUnsafe() {
  const cudaError_t error = Enter();
  if (error != cudaSuccess) return error;
  const auto lock = Scheduler::Get().Acquire();
  return SpoilCapturesByUnsafeCall();
}

cudaError_t Return(cudaError_t error) {
  if (error != cudaSuccess && error != cudaErrorNotReady) t_last_error = error;
  return error;
}

}  // namespace cuda_host

using namespace cuda_host;  // NOLINT(build/namespaces): the API's functions are global

extern "C" {

cudaError_t cudaGetLastError() {
  const cudaError_t error = t_last_error;
  t_last_error = cudaSuccess;
  return error;
}

cudaError_t cudaPeekAtLastError() { return t_last_error; }

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
#define CUDA_HOST_ERROR_NAME(name, value, text) \
  case name:                                    \
    return #name;
    CUDA_HOST_ERRORS(CUDA_HOST_ERROR_NAME)
#undef CUDA_HOST_ERROR_NAME
  }
  return "unrecognized error code";
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
#define CUDA_HOST_ERROR_TEXT(name, value, text) \
  case name:                                    \
    return text;
    CUDA_HOST_ERRORS(CUDA_HOST_ERROR_TEXT)
#undef CUDA_HOST_ERROR_TEXT
  }
  return "unrecognized error code";
}

}  // extern "C"
