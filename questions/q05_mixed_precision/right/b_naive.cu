// Odd but right: a few launches for each tensor, one element a thread. A block's sum of squares goes to the workspace,
// and one thread adds them all up at the end.
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/primitives/numeric.cuh"
#include "questions/q05_mixed_precision/device_api.h"

namespace q05 {
namespace {

constexpr int kThreads = 256;

size_t BlocksFor(size_t count) { return (count + kThreads - 1) / kThreads; }

template <typename T>
__global__ void UnscaleTensor(T* data, size_t count, const float* inverse_scale, double* squares) {
  __shared__ double of_thread[kThreads];
  const size_t i = static_cast<size_t>(blockIdx.x) * kThreads + threadIdx.x;
  double square = 0;
  if (i < count) {
    const float x = kernels::Widen(data[i]);
    const double product = static_cast<double>(x) * *inverse_scale;
    square = isfinite(x) ? product * product : INFINITY;  // the sum says whether all were finite
    data[i] = kernels::Narrow<T>(x * *inverse_scale);
  }
  of_thread[threadIdx.x] = square;
  for (int half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) of_thread[threadIdx.x] += of_thread[threadIdx.x + half];
  }
  if (threadIdx.x == 0) squares[blockIdx.x] = of_thread[0];
}

__global__ void Finish(const double* squares, size_t blocks, float* found_inf, float* norm) {
  double sum = 0;
  for (size_t b = 0; b < blocks; ++b) sum += squares[b];
  *norm = static_cast<float>(sqrt(sum));
  if (!isfinite(sum) || *found_inf != 0) *found_inf = 1;
}

template <typename T>
cudaError_t Unscale(const TensorView* tensors, int32_t count, const float* inverse_scale, float* found_inf, float* norm,
                    double* squares, cudaStream_t stream) {
  size_t blocks = 0;
  for (int32_t t = 0; t < count; ++t) {
    if (tensors[t].count == 0) continue;
    const size_t more = BlocksFor(tensors[t].count);
    UnscaleTensor<T><<<static_cast<unsigned>(more), kThreads, 0, stream>>>(
        static_cast<T*>(tensors[t].data), tensors[t].count, inverse_scale, squares + blocks);
    blocks += more;
  }
  Finish<<<1, 1, 0, stream>>>(squares, blocks, found_inf, norm);
  return cudaGetLastError();
}

}  // namespace

extern "C" size_t q05_unscale_workspace_bytes(const size_t* counts, int32_t tensors) {
  size_t blocks = 1;
  for (int32_t t = 0; t < tensors; ++t) blocks += BlocksFor(counts[t]);
  return blocks * sizeof(double);
}

extern "C" cudaError_t q05_unscale(const TensorView* tensors, int32_t count, Format format, const float* inverse_scale,
                                   float* found_inf, float* norm, const RankMax& ranks, void* workspace,
                                   cudaStream_t stream) {
  auto* squares = static_cast<double*>(workspace);
  cudaError_t status = cudaErrorInvalidValue;
  if (format == Format::kFloat32) {
    status = Unscale<float>(tensors, count, inverse_scale, found_inf, norm, squares, stream);
  } else if (format == Format::kFloat16) {
    status = Unscale<__half>(tensors, count, inverse_scale, found_inf, norm, squares, stream);
  } else if (format == Format::kBFloat16) {
    status = Unscale<__nv_bfloat16>(tensors, count, inverse_scale, found_inf, norm, squares, stream);
  }
  if (status != cudaSuccess) return status;
  return ranks.enqueue != nullptr ? ranks.enqueue(ranks.state, found_inf, stream) : cudaSuccess;
}

}  // namespace q05
