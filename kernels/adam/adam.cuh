// Adam and AdamW over many tensors: gradients unscaled, moments and fp32 master weights updated, and their 16-bit
// copies written, in one pass over memory.
//
// Sources: Kingma, Ba, "Adam", ICLR 2015, algorithm 1; Loshchilov, Hutter, "Decoupled Weight Decay Regularization",
// ICLR 2019, algorithm 2.
//
// The kernel that writes the table of tensors also decides: if *found_inf is 0 it counts the step and leaves the bias
// corrections in the workspace, else it leaves word that there is nothing to do. No decision is the host's.
#ifndef KERNELS_ADAM_ADAM_CUH_
#define KERNELS_ADAM_ADAM_CUH_

#include <cuda_runtime.h>

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/primitives/numeric.cuh"
#include "kernels/primitives/vec.cuh"
#include "kernels/tensor_list/tensor_list.cuh"

namespace kernels {

struct AdamTensor {
  const void* gradient;
  float* master;
  float* first_moment;
  float* second_moment;
  void* copy;  // may be null
  size_t count;
};

struct AdamParameters {
  double learning_rate;
  double beta1;
  double beta2;
  double epsilon;
  double weight_decay;
  bool decoupled;
};

// 1 - beta^t. As a power of beta it would lose what cancels for beta near 1.
__host__ __device__ inline double BiasCorrection(double beta, int64_t t) {
  return -expm1(static_cast<double>(t) * log1p(beta - 1));
}

namespace internal {

inline constexpr int kAdamThreads = 256;
inline constexpr int kAdamGroup = 4;  // elements: 16 bytes of fp32
inline constexpr int kAdamUnroll = 2;

// What the first kernel leaves for the second.
struct AdamStep {
  int32_t skipped;
  // lr m / c1 / (sqrt(v / c2) + eps), for the corrections c1 and c2, is step_size m / (sqrt(v) + epsilon).
  double step_size;  // lr sqrt(c2) / c1
  double epsilon;    // eps sqrt(c2)
};

struct CountAdamStep {
  AdamParameters parameters;
  const float* found_inf;
  int64_t* step;
  AdamStep* out;
  __device__ void operator()() const {
    if (*found_inf != 0) {
      *out = {1, 0, 0};
      return;
    }
    const int64_t t = *step + 1;
    *step = t;
    const double root = sqrt(BiasCorrection(parameters.beta2, t));
    *out = {0, parameters.learning_rate * root / BiasCorrection(parameters.beta1, t), parameters.epsilon * root};
  }
};

struct AdamCoefficients {
  double beta1, one_minus_beta1, beta2, one_minus_beta2;
  double weight_decay;  // decoupled: times the learning rate
  bool decoupled;
};

struct AdamElement {
  float weight, first, second;
};

// In double, each result rounded once: a dozen fp32 roundings in a row would be seen in the last bits of the weight,
// and behind 28 bytes of traffic the double units of a data-centre GPU have the time.
__device__ inline AdamElement UpdateElement(const AdamCoefficients& c, const AdamStep& step, float gradient,
                                            const AdamElement& old) {
  const double weight = old.weight;
  const double g = c.decoupled ? gradient : fma(c.weight_decay, weight, static_cast<double>(gradient));
  const double first = fma(c.one_minus_beta1, g, c.beta1 * old.first);
  const double second = fma(c.one_minus_beta2 * g, g, c.beta2 * old.second);
  const double decayed = c.decoupled ? fma(-c.weight_decay, weight, weight) : weight;
  const double ratio = step.step_size / (sqrt(second) + step.epsilon);
  return {static_cast<float>(fma(-first, ratio, decayed)), static_cast<float>(first), static_cast<float>(second)};
}

// One chunk's pointers.
template <typename G, typename C>
struct AdamChunk {
  const G* gradient;
  float *weight, *first, *second;
  C* copy;
  size_t count;
};

// Updates groups of kSize elements, `groups` of them from element `begin`. REQUIRES: aligned there to a group, each.
template <int kSize, int kUnroll, typename G, typename C>
__device__ void UpdateGroups(const AdamChunk<G, C>& chunk, size_t begin, size_t groups, const AdamCoefficients& c,
                             const AdamStep& step, float inverse_scale) {
  using Floats = Vec<float, kSize * sizeof(float)>;
  for (size_t first = threadIdx.x; first < groups; first += kUnroll * kAdamThreads) {
    Vec<G, kSize * sizeof(G)> g[kUnroll];
    Floats w[kUnroll], m[kUnroll], v[kUnroll];
#pragma unroll
    for (int u = 0; u < kUnroll; ++u) {
      const size_t group = first + u * kAdamThreads;
      if (group >= groups) break;
      LoadVec(chunk.gradient + begin, group, &g[u]);
      LoadVec(chunk.weight + begin, group, &w[u]);
      LoadVec(chunk.first + begin, group, &m[u]);
      LoadVec(chunk.second + begin, group, &v[u]);
    }
#pragma unroll
    for (int u = 0; u < kUnroll; ++u) {
      const size_t group = first + u * kAdamThreads;
      if (group >= groups) break;
      Vec<C, kSize * sizeof(C)> copy;
#pragma unroll
      for (int i = 0; i < kSize; ++i) {
        const AdamElement next = UpdateElement(c, step, Widen(g[u][i]) * inverse_scale, {w[u][i], m[u][i], v[u][i]});
        w[u][i] = next.weight;
        m[u][i] = next.first;
        v[u][i] = next.second;
        copy[i] = Narrow<C>(next.weight);
      }
      StoreVec(chunk.weight + begin, group, w[u]);
      StoreVec(chunk.first + begin, group, m[u]);
      StoreVec(chunk.second + begin, group, v[u]);
      if (chunk.copy != nullptr) StoreVec(chunk.copy + begin, group, copy);
    }
  }
}

template <typename G, typename C>
__global__ void __launch_bounds__(kAdamThreads)
    AdamKernel(TensorTable<AdamTensor> table, AdamCoefficients coefficients, const AdamStep* step_pointer,
               const float* inverse_scale_pointer) {
  const AdamStep step = *step_pointer;
  if (step.skipped) return;
  const float inverse_scale = inverse_scale_pointer != nullptr ? *inverse_scale_pointer : 1.0f;
  const TensorChunk where = table.chunks[blockIdx.x];
  const AdamTensor tensor = table.tensors[where.tensor];
  const size_t begin = where.index * kTensorChunk;
  const AdamChunk<G, C> chunk = {static_cast<const G*>(tensor.gradient) + begin,
                                 tensor.master + begin,
                                 tensor.first_moment + begin,
                                 tensor.second_moment + begin,
                                 tensor.copy != nullptr ? static_cast<C*>(tensor.copy) + begin : nullptr,
                                 min(kTensorChunk, tensor.count - begin)};
  const size_t head = min(ElementsToAlignment(chunk.weight), chunk.count);
  const auto off = [&](const auto* p) {  // from a group's alignment
    return reinterpret_cast<uintptr_t>(p + head) % (kAdamGroup * sizeof(*p));
  };
  const bool alike =
      (off(chunk.gradient) | off(chunk.first) | off(chunk.second) | (chunk.copy != nullptr ? off(chunk.copy) : 0)) == 0;
  if (!alike) {
    UpdateGroups<1, 4>(chunk, 0, chunk.count, coefficients, step, inverse_scale);
    return;
  }
  const size_t groups = (chunk.count - head) / kAdamGroup;
  const size_t tail = head + groups * kAdamGroup;
  UpdateGroups<kAdamGroup, kAdamUnroll>(chunk, head, groups, coefficients, step, inverse_scale);
  UpdateGroups<1, 1>(chunk, 0, head, coefficients, step, inverse_scale);
  UpdateGroups<1, 1>(chunk, tail, chunk.count - tail, coefficients, step, inverse_scale);
}

}  // namespace internal

inline size_t AdamWorkspaceBytes(const size_t* counts, int32_t tensors) {
  return TensorTableBytes<AdamTensor>(tensors, TotalChunks(counts, tensors)) + 256;
}

// One step of AdamW (decoupled) or Adam with L2 over all tensors, with g = gradient * inverse_scale and t = ++*step:
//   m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
//   w = w - lr wd w (decoupled);  w = w - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps);  copy = w, rounded
// Nothing at all changes if *found_inf is not 0. tensor_at(t) is tensor t, asked for before the call returns.
//   G, C           of the gradients (float, __half, __nv_bfloat16) and of the copies (__half, __nv_bfloat16)
//   inverse_scale  null: 1. It, found_inf and step are on the device.
//   workspace      AdamWorkspaceBytes, 256-byte aligned
template <typename G, typename C, typename TensorAt>
cudaError_t Adam(int32_t tensors, const TensorAt& tensor_at, const AdamParameters& parameters,
                 const float* inverse_scale, const float* found_inf, int64_t* step, void* workspace,
                 cudaStream_t stream) {
  size_t chunks = 0;
  for (int32_t t = 0; t < tensors; ++t) chunks += ChunksOf(tensor_at(t).count);
  const TensorTable<AdamTensor> table = TensorTableAt<AdamTensor>(workspace, tensors);
  auto* left = reinterpret_cast<internal::AdamStep*>(static_cast<char*>(workspace) +
                                                     TensorTableBytes<AdamTensor>(tensors, chunks));
  const cudaError_t written =
      WriteTensorTable(table, tensors, tensor_at, internal::CountAdamStep{parameters, found_inf, step, left}, stream);
  if (written != cudaSuccess || chunks == 0) return written;
  const internal::AdamCoefficients c = {
      parameters.beta1,
      1 - parameters.beta1,
      parameters.beta2,
      1 - parameters.beta2,
      parameters.decoupled ? parameters.learning_rate * parameters.weight_decay : parameters.weight_decay,
      parameters.decoupled};
  internal::AdamKernel<G, C>
      <<<static_cast<unsigned>(chunks), internal::kAdamThreads, 0, stream>>>(table, c, left, inverse_scale);
  return cudaGetLastError();
}

}  // namespace kernels

#endif  // KERNELS_ADAM_ADAM_CUH_
