// Q5 part D: fused Adam and AdamW with fp32 master weights. The contract is in device_api.h.
//
// The step is kernels/adam, the list of tensors kernels/tensor_list. Here: formats, and the bias corrections by
// themselves.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstddef>
#include <cstdint>

#include "kernels/adam/adam.cuh"
#include "questions/q05_mixed_precision/device_api.h"

namespace q05 {
namespace {

__global__ void BiasCorrections(const int64_t* step, double beta1, double beta2, float* out) {
  out[0] = static_cast<float>(kernels::BiasCorrection(beta1, *step));
  out[1] = static_cast<float>(kernels::BiasCorrection(beta2, *step));
}

}  // namespace

extern "C" size_t q05_adam_workspace_bytes(const size_t* counts, int32_t tensors) {
  return kernels::AdamWorkspaceBytes(counts, tensors);
}

extern "C" cudaError_t q05_adam(const AdamTensor* tensors, int32_t count, const AdamConfig& config,
                                const float* inverse_scale, const float* found_inf, int64_t* step, void* workspace,
                                cudaStream_t stream) {
  if (count < 0) return cudaErrorInvalidValue;
  const auto at = [&](int32_t t) {
    const AdamTensor& a = tensors[t];
    return kernels::AdamTensor{a.gradient, a.master, a.first_moment, a.second_moment, a.copy, a.count};
  };
  const kernels::AdamParameters parameters = {config.learning_rate, config.beta1,        config.beta2,
                                              config.epsilon,       config.weight_decay, config.decoupled != 0};
  const auto with_copy = [&](auto gradient, auto copy) {
    return kernels::Adam<decltype(gradient), decltype(copy)>(count, at, parameters, inverse_scale, found_inf, step,
                                                             workspace, stream);
  };
  const auto with_gradient = [&](auto gradient) {
    if (config.copy_format == Format::kFloat16) return with_copy(gradient, __half{});
    if (config.copy_format == Format::kBFloat16) return with_copy(gradient, __nv_bfloat16{});
    return cudaErrorInvalidValue;
  };
  switch (config.gradient_format) {
    case Format::kFloat32:
      return with_gradient(float{});
    case Format::kFloat16:
      return with_gradient(__half{});
    case Format::kBFloat16:
      return with_gradient(__nv_bfloat16{});
    default:
      return cudaErrorInvalidValue;
  }
}

extern "C" cudaError_t q05_adam_bias_corrections(const int64_t* step, double beta1, double beta2, float* out,
                                                 cudaStream_t stream) {
  BiasCorrections<<<1, 1, 0, stream>>>(step, beta1, beta2, out);
  return cudaGetLastError();
}

}  // namespace q05
