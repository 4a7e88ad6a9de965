// Q5 part B: gradients unscaled, checked and measured in one pass. The contract is in device_api.h.
//
// The pass is kernels/unscale, the list of tensors kernels/tensor_list. Here: the format, and the other ranks.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstddef>
#include <cstdint>

#include "kernels/unscale/unscale.cuh"
#include "questions/q05_mixed_precision/device_api.h"

namespace q05 {

extern "C" size_t q05_unscale_workspace_bytes(const size_t* counts, int32_t tensors) {
  return kernels::UnscaleWorkspaceBytes(counts, tensors);
}

extern "C" cudaError_t q05_unscale(const TensorView* tensors, int32_t count, Format format, const float* inverse_scale,
                                   float* found_inf, float* norm, const RankMax& ranks, void* workspace,
                                   cudaStream_t stream) {
  if (count < 0) return cudaErrorInvalidValue;
  const auto at = [&](int32_t t) { return kernels::UnscaleTensor{tensors[t].data, tensors[t].count}; };
  cudaError_t status;
  switch (format) {
    case Format::kFloat32:
      status = kernels::Unscale<float>(count, at, inverse_scale, found_inf, norm, workspace, stream);
      break;
    case Format::kFloat16:
      status = kernels::Unscale<__half>(count, at, inverse_scale, found_inf, norm, workspace, stream);
      break;
    case Format::kBFloat16:
      status = kernels::Unscale<__nv_bfloat16>(count, at, inverse_scale, found_inf, norm, workspace, stream);
      break;
    default:
      return cudaErrorInvalidValue;
  }
  // Also after an error, and with nothing to unscale: the other ranks wait for this one.
  const cudaError_t agreed = ranks.enqueue != nullptr ? ranks.enqueue(ranks.state, found_inf, stream) : cudaSuccess;
  return status != cudaSuccess ? status : agreed;
}

}  // namespace q05
