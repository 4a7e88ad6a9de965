// Q5 part F: LayerNorm, RMSNorm and softmax with 16-bit inputs and fp32 inside. The contract is in device_api.h.
//
// The kernels are in kernels/norm. This is the way there from the enums.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstddef>
#include <cstdint>

#include "kernels/norm/norm.cuh"
#include "kernels/norm/softmax.cuh"
#include "questions/q05_mixed_precision/device_api.h"

namespace q05 {
namespace {

using kernels::Normalization;

// function(T{}) for the shape's element type T; an error for a shape that is none.
template <typename Function>
cudaError_t WithElement(const NormShape& shape, const Function& function) {
  if (shape.rows < 0 || shape.hidden < 1 || shape.hidden > 65536) return cudaErrorInvalidValue;
  if (shape.format == Format::kFloat16) return function(__half{});
  if (shape.format == Format::kBFloat16) return function(__nv_bfloat16{});
  return cudaErrorInvalidValue;
}

template <Normalization kKind>
cudaError_t Forward(const NormShape& shape, const void* x, const void* gamma, const void* beta, void* y, float* mean,
                    float* rstd, cudaStream_t stream) {
  return WithElement(shape, [&](auto element) {
    using T = decltype(element);
    return kernels::Norm<kKind>(shape.rows, shape.hidden, shape.epsilon, static_cast<const T*>(x),
                                static_cast<const T*>(gamma), static_cast<const T*>(beta), static_cast<T*>(y), mean,
                                rstd, stream);
  });
}

template <Normalization kKind>
cudaError_t Backward(const NormShape& shape, const void* dy, const void* x, const void* gamma, const float* mean,
                     const float* rstd, void* dx, float* dgamma, float* dbeta, void* workspace, cudaStream_t stream) {
  return WithElement(shape, [&](auto element) {
    using T = decltype(element);
    return kernels::NormBackward<kKind>(shape.rows, shape.hidden, static_cast<const T*>(dy), static_cast<const T*>(x),
                                        static_cast<const T*>(gamma), mean, rstd, static_cast<T*>(dx), dgamma, dbeta,
                                        workspace, stream);
  });
}

}  // namespace

extern "C" size_t q05_norm_workspace_bytes(const NormShape& shape) {
  return kernels::NormBackwardWorkspaceBytes(shape.rows, shape.hidden);
}

extern "C" cudaError_t q05_layer_norm(const NormShape& shape, const void* x, const void* gamma, const void* beta,
                                      void* y, float* mean, float* rstd, cudaStream_t stream) {
  return Forward<Normalization::kLayer>(shape, x, gamma, beta, y, mean, rstd, stream);
}

extern "C" cudaError_t q05_layer_norm_backward(const NormShape& shape, const void* dy, const void* x, const void* gamma,
                                               const float* mean, const float* rstd, void* dx, float* dgamma,
                                               float* dbeta, void* workspace, cudaStream_t stream) {
  return Backward<Normalization::kLayer>(shape, dy, x, gamma, mean, rstd, dx, dgamma, dbeta, workspace, stream);
}

extern "C" cudaError_t q05_rms_norm(const NormShape& shape, const void* x, const void* gamma, void* y, float* rrms,
                                    cudaStream_t stream) {
  return Forward<Normalization::kRms>(shape, x, gamma, nullptr, y, nullptr, rrms, stream);
}

extern "C" cudaError_t q05_rms_norm_backward(const NormShape& shape, const void* dy, const void* x, const void* gamma,
                                             const float* rrms, void* dx, float* dgamma, void* workspace,
                                             cudaStream_t stream) {
  return Backward<Normalization::kRms>(shape, dy, x, gamma, nullptr, rrms, dx, dgamma, nullptr, workspace, stream);
}

extern "C" cudaError_t q05_softmax(const NormShape& shape, const void* x, void* y, cudaStream_t stream) {
  return WithElement(shape, [&](auto element) {
    using T = decltype(element);
    return kernels::Softmax(shape.rows, shape.hidden, static_cast<const T*>(x), static_cast<T*>(y), stream);
  });
}

extern "C" cudaError_t q05_softmax_backward(const NormShape& shape, const void* dy, const void* y, void* dx,
                                            cudaStream_t stream) {
  return WithElement(shape, [&](auto element) {
    using T = decltype(element);
    return kernels::SoftmaxBackward(shape.rows, shape.hidden, static_cast<const T*>(dy), static_cast<const T*>(y),
                                    static_cast<T*>(dx), stream);
  });
}

}  // namespace q05
