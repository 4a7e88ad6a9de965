// A cuBLAS handle, and what its functions share.
#ifndef HARNESS_HOST_BLAS_CONTEXT_H_
#define HARNESS_HOST_BLAS_CONTEXT_H_

#include <functional>
#include <memory>
#include <utility>

#include "cublas_v2.h"
#include "cuda_runtime_api.h"
#include "harness/host/runtime/stream_work.h"

struct cublasContext {
  cudaStream_t stream = nullptr;
  cublasPointerMode_t pointer_mode = CUBLAS_POINTER_MODE_HOST;
  cublasAtomicsMode_t atomics_mode = CUBLAS_ATOMICS_NOT_ALLOWED;
  cublasMath_t math_mode = CUBLAS_DEFAULT_MATH;
};

namespace cuda_host {

// alpha or beta: in pointer mode host its value at the call, in pointer mode device the value when the work runs.
template <typename T>
class Scalar {
 public:
  Scalar(cublasHandle_t handle, const T* pointer)
      : pointer_(handle->pointer_mode == CUBLAS_POINTER_MODE_DEVICE ? pointer : nullptr),
        value_(pointer_ == nullptr ? *pointer : T()) {}
  T Get() const { return pointer_ != nullptr ? *pointer_ : value_; }

 private:
  const T* pointer_;
  T value_;
};

// Puts the work on the handle's stream.
inline cublasStatus_t Enqueue(cublasHandle_t handle, const char* what, std::function<void()> work) {
  const cudaError_t error = EnqueueTask(handle->stream, what, [work = std::move(work)](const Operation&) { work(); });
  return error == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

// The same for work that has a result. Its place is in device memory in pointer mode device; otherwise it is the
// host's, who finds it there on return.
template <typename R, typename Work>
cublasStatus_t EnqueueResult(cublasHandle_t handle, const char* what, R* result, Work work) {
  if (handle->pointer_mode == CUBLAS_POINTER_MODE_DEVICE) {
    return Enqueue(handle, what, [result, work] { *result = work(); });
  }
  auto value = std::make_shared<R>();
  const cublasStatus_t status = Enqueue(handle, what, [value, work] { *value = work(); });
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  if (cudaStreamSynchronize(handle->stream) != cudaSuccess) return CUBLAS_STATUS_EXECUTION_FAILED;
  *result = *value;
  return CUBLAS_STATUS_SUCCESS;
}

}  // namespace cuda_host

#endif  // HARNESS_HOST_BLAS_CONTEXT_H_
