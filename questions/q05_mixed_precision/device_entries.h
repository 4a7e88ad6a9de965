// The answer's entry points on device memory, reached from the parameters and buffers of a DeviceCall.
#ifndef QUESTIONS_Q05_MIXED_PRECISION_DEVICE_ENTRIES_H_
#define QUESTIONS_Q05_MIXED_PRECISION_DEVICE_ENTRIES_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <span>
#include <string>

#include "harness/status.h"
#include "questions/q05_mixed_precision/device_api.h"
#include "questions/q05_mixed_precision/protocol.h"

namespace q05 {

class DeviceEntries {
 public:
  // An entry point of `part` that is missing is an error.
  workbench::Status Load(void* library, const std::string& part);
  // What q05_unscale is given from now on.
  void set_ranks(const RankMax& ranks) { ranks_ = ranks; }

  // What the answer asks for. REQUIRES for this and for Enqueue: `kind` is a DeviceCall's, of the part that was loaded
  size_t WorkspaceBytes(RequestKind kind, std::span<const std::byte> parameters, void* const* buffers) const;
  // `buffers`: in the kind's order, then the workspace. Tables in host memory are overwritten before it returns.
  cudaError_t Enqueue(RequestKind kind, std::span<const std::byte> parameters, void* const* buffers,
                      cudaStream_t stream) const;

  cudaError_t Convert(const ConvertParameters& parameters, const void* in, void* out, cudaStream_t stream) const;

 private:
  cudaError_t Unscale(std::span<const std::byte> parameters, void* const* buffers, cudaStream_t stream) const;
  cudaError_t Adam(std::span<const std::byte> parameters, void* const* buffers, cudaStream_t stream) const;
  cudaError_t BiasCorrections(const BiasParameters& parameters, void* const* buffers, cudaStream_t stream) const;
  cudaError_t Norm(const NormParameters& parameters, void* const* buffers, cudaStream_t stream) const;

  RankMax ranks_{nullptr, nullptr};
  decltype(&q05_convert) convert_ = nullptr;
  decltype(&q05_unscale_workspace_bytes) unscale_workspace_bytes_ = nullptr;
  decltype(&q05_unscale) unscale_ = nullptr;
  decltype(&q05_adam_workspace_bytes) adam_workspace_bytes_ = nullptr;
  decltype(&q05_adam) adam_ = nullptr;
  decltype(&q05_adam_bias_corrections) bias_corrections_ = nullptr;
  decltype(&q05_gemm_workspace_bytes) gemm_workspace_bytes_ = nullptr;
  decltype(&q05_gemm) gemm_ = nullptr;
  decltype(&q05_norm_workspace_bytes) norm_workspace_bytes_ = nullptr;
  decltype(&q05_layer_norm) layer_norm_ = nullptr;
  decltype(&q05_layer_norm_backward) layer_norm_backward_ = nullptr;
  decltype(&q05_rms_norm) rms_norm_ = nullptr;
  decltype(&q05_rms_norm_backward) rms_norm_backward_ = nullptr;
  decltype(&q05_softmax) softmax_ = nullptr;
  decltype(&q05_softmax_backward) softmax_backward_ = nullptr;
};

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_DEVICE_ENTRIES_H_
