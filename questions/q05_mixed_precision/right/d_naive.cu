// Odd but right: a launch for each tensor, one element a thread, in double; the step is counted by a kernel of its own,
// which leaves the bias corrections in the workspace.
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/primitives/numeric.cuh"
#include "questions/q05_mixed_precision/device_api.h"

namespace q05 {
namespace {

constexpr int kThreads = 256;

__device__ double Correction(double beta, int64_t t) { return -expm1(static_cast<double>(t) * log1p(beta - 1)); }

// corrections[0], [1] for both moments.
__global__ void CountStep(const float* found_inf, int64_t* step, double beta1, double beta2, double* corrections) {
  if (*found_inf != 0) return;
  *step += 1;
  corrections[0] = Correction(beta1, *step);
  corrections[1] = Correction(beta2, *step);
}

template <typename G, typename C>
__global__ void UpdateTensor(AdamTensor tensor, AdamConfig config, const float* inverse_scale, const float* found_inf,
                             const double* corrections) {
  const size_t i = static_cast<size_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= tensor.count || *found_inf != 0) return;
  double weight = tensor.master[i];
  float unscaled = kernels::Widen(static_cast<const G*>(tensor.gradient)[i]);
  if (inverse_scale != nullptr) unscaled *= *inverse_scale;
  const double gradient = config.decoupled ? unscaled : unscaled + config.weight_decay * weight;
  const double first = config.beta1 * tensor.first_moment[i] + (1 - config.beta1) * gradient;
  const double second = config.beta2 * tensor.second_moment[i] + (1 - config.beta2) * gradient * gradient;
  if (config.decoupled) weight -= config.learning_rate * config.weight_decay * weight;
  weight -= config.learning_rate * (first / corrections[0]) / (sqrt(second / corrections[1]) + config.epsilon);
  const auto rounded = static_cast<float>(weight);
  tensor.master[i] = rounded;
  tensor.first_moment[i] = static_cast<float>(first);
  tensor.second_moment[i] = static_cast<float>(second);
  if (tensor.copy != nullptr) static_cast<C*>(tensor.copy)[i] = kernels::Narrow<C>(rounded);
}

template <typename G, typename C>
cudaError_t Update(const AdamTensor* tensors, int32_t count, const AdamConfig& config, const float* inverse_scale,
                   const float* found_inf, int64_t* step, double* corrections, cudaStream_t stream) {
  CountStep<<<1, 1, 0, stream>>>(found_inf, step, config.beta1, config.beta2, corrections);
  for (int32_t t = 0; t < count; ++t) {
    if (tensors[t].count == 0) continue;
    const auto blocks = static_cast<unsigned>((tensors[t].count + kThreads - 1) / kThreads);
    UpdateTensor<G, C><<<blocks, kThreads, 0, stream>>>(tensors[t], config, inverse_scale, found_inf, corrections);
  }
  return cudaGetLastError();
}

__global__ void BothCorrections(const int64_t* step, double beta1, double beta2, float* out) {
  out[0] = static_cast<float>(Correction(beta1, *step));
  out[1] = static_cast<float>(Correction(beta2, *step));
}

}  // namespace

extern "C" size_t q05_adam_workspace_bytes(const size_t*, int32_t) { return 2 * sizeof(double); }

extern "C" cudaError_t q05_adam(const AdamTensor* tensors, int32_t count, const AdamConfig& config,
                                const float* inverse_scale, const float* found_inf, int64_t* step, void* workspace,
                                cudaStream_t stream) {
  const auto update = [&](auto gradient, auto copy) {
    return Update<decltype(gradient), decltype(copy)>(tensors, count, config, inverse_scale, found_inf, step,
                                                      static_cast<double*>(workspace), stream);
  };
  const auto with_copy = [&](auto gradient) {
    if (config.copy_format == Format::kFloat16) return update(gradient, __half{});
    if (config.copy_format == Format::kBFloat16) return update(gradient, __nv_bfloat16{});
    return cudaErrorInvalidValue;
  };
  if (config.gradient_format == Format::kFloat32) return with_copy(float{});
  if (config.gradient_format == Format::kFloat16) return with_copy(__half{});
  if (config.gradient_format == Format::kBFloat16) return with_copy(__nv_bfloat16{});
  return cudaErrorInvalidValue;
}

extern "C" cudaError_t q05_adam_bias_corrections(const int64_t* step, double beta1, double beta2, float* out,
                                                 cudaStream_t stream) {
  BothCorrections<<<1, 1, 0, stream>>>(step, beta1, beta2, out);
  return cudaGetLastError();
}

}  // namespace q05
