// Odd but right: a block for each row, one element a thread at a time, the row read again for every sum; a thread for
// each column's gradients.
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/primitives/numeric.cuh"
#include "questions/q05_mixed_precision/device_api.h"

namespace q05 {
namespace {

using kernels::Narrow;
using kernels::Widen;

constexpr int kThreads = 128;

struct Sum {
  __device__ float operator()(float a, float b) const { return a + b; }
};
struct Maximum {
  __device__ float operator()(float a, float b) const { return kernels::Max(a, b); }
};

// op over f(0) .. f(count - 1), in all threads of the block.
template <typename Op, typename F>
__device__ float Reduce(int64_t count, float identity, Op op, const F& f) {
  __shared__ float of_thread[kThreads];
  float result = identity;
  for (int64_t i = threadIdx.x; i < count; i += kThreads) result = op(result, f(i));
  __syncthreads();
  of_thread[threadIdx.x] = result;
  for (int half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) of_thread[threadIdx.x] = op(of_thread[threadIdx.x], of_thread[threadIdx.x + half]);
  }
  __syncthreads();
  return of_thread[0];
}

// LayerNorm where `mean_out` is not null, else RMSNorm.
template <typename T>
__global__ void Forward(NormShape shape, const T* x, const T* gamma, const T* beta, T* y, float* mean_out,
                        float* rstd_out) {
  const float hidden = static_cast<float>(shape.hidden);
  x += blockIdx.x * shape.hidden;
  y += blockIdx.x * shape.hidden;
  float mean = 0;
  if (mean_out != nullptr) {
    mean = Reduce(shape.hidden, 0, Sum(), [&](int64_t i) { return Widen(x[i]); }) / hidden;
  }
  const float variance = Reduce(shape.hidden, 0, Sum(),
                                [&](int64_t i) {
                                  const float deviation = Widen(x[i]) - mean;
                                  return deviation * deviation;
                                }) /
                         hidden;
  const float rstd = 1 / sqrtf(variance + shape.epsilon);
  for (int64_t i = threadIdx.x; i < shape.hidden; i += kThreads) {
    const float normal = (Widen(x[i]) - mean) * rstd * Widen(gamma[i]);
    y[i] = Narrow<T>(mean_out != nullptr ? normal + Widen(beta[i]) : normal);
  }
  if (threadIdx.x != 0) return;
  if (mean_out != nullptr) mean_out[blockIdx.x] = mean;
  rstd_out[blockIdx.x] = rstd;
}

template <typename T>
__global__ void BackwardRows(NormShape shape, const T* dy, const T* x, const T* gamma, const float* mean_in,
                             const float* rstd_in, T* dx) {
  const float hidden = static_cast<float>(shape.hidden);
  const int64_t row = blockIdx.x * shape.hidden;
  const float mean = mean_in != nullptr ? mean_in[blockIdx.x] : 0, rstd = rstd_in[blockIdx.x];
  const auto gradient = [&](int64_t i) { return Widen(dy[row + i]) * Widen(gamma[i]); };
  const auto normal = [&](int64_t i) { return (Widen(x[row + i]) - mean) * rstd; };
  float sum = 0;
  if (mean_in != nullptr) sum = Reduce(shape.hidden, 0, Sum(), gradient) / hidden;
  const float product = Reduce(shape.hidden, 0, Sum(), [&](int64_t i) { return gradient(i) * normal(i); }) / hidden;
  for (int64_t i = threadIdx.x; i < shape.hidden; i += kThreads) {
    dx[row + i] = Narrow<T>(rstd * (gradient(i) - sum - normal(i) * product));
  }
}

template <typename T>
__global__ void BackwardColumns(NormShape shape, const T* dy, const T* x, const float* mean_in, const float* rstd_in,
                                float* dgamma, float* dbeta) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= shape.hidden) return;
  double product = 0, sum = 0;
  for (int64_t row = 0; row < shape.rows; ++row) {
    const float gradient = Widen(dy[row * shape.hidden + i]);
    const float mean = mean_in != nullptr ? mean_in[row] : 0;
    product += gradient * ((Widen(x[row * shape.hidden + i]) - mean) * rstd_in[row]);
    sum += gradient;
  }
  dgamma[i] = static_cast<float>(product);
  if (dbeta != nullptr) dbeta[i] = static_cast<float>(sum);
}

template <typename T>
__global__ void SoftmaxRows(NormShape shape, const T* x, T* y) {
  x += blockIdx.x * shape.hidden;
  y += blockIdx.x * shape.hidden;
  const float largest = Reduce(shape.hidden, -INFINITY, Maximum(), [&](int64_t i) { return Widen(x[i]); });
  if (largest == -INFINITY) {
    for (int64_t i = threadIdx.x; i < shape.hidden; i += kThreads) y[i] = Narrow<T>(0);
    return;
  }
  const float sum = Reduce(shape.hidden, 0, Sum(), [&](int64_t i) { return expf(Widen(x[i]) - largest); });
  for (int64_t i = threadIdx.x; i < shape.hidden; i += kThreads) {
    y[i] = Narrow<T>(expf(Widen(x[i]) - largest) / sum);
  }
}

template <typename T>
__global__ void SoftmaxBackwardRows(NormShape shape, const T* dy, const T* y, T* dx) {
  const int64_t row = blockIdx.x * shape.hidden;
  const float sum = Reduce(shape.hidden, 0, Sum(), [&](int64_t i) { return Widen(dy[row + i]) * Widen(y[row + i]); });
  for (int64_t i = threadIdx.x; i < shape.hidden; i += kThreads) {
    dx[row + i] = Narrow<T>(Widen(y[row + i]) * (Widen(dy[row + i]) - sum));
  }
}

// launch(T{}, rows) with the element type, if the shape is one.
template <typename Launch>
cudaError_t With(const NormShape& shape, const Launch& launch) {
  if (shape.rows < 0 || shape.hidden < 1 || shape.hidden > 65536) return cudaErrorInvalidValue;
  const auto rows = static_cast<unsigned>(shape.rows);
  if (shape.format == Format::kFloat16) {
    launch(__half{}, rows);
  } else if (shape.format == Format::kBFloat16) {
    launch(__nv_bfloat16{}, rows);
  } else {
    return cudaErrorInvalidValue;
  }
  return cudaGetLastError();
}

cudaError_t AnyForward(const NormShape& shape, const void* x, const void* gamma, const void* beta, void* y, float* mean,
                       float* rstd, cudaStream_t stream) {
  return With(shape, [&](auto element, unsigned rows) {
    using T = decltype(element);
    if (rows == 0) return;
    Forward<T><<<rows, kThreads, 0, stream>>>(shape, static_cast<const T*>(x), static_cast<const T*>(gamma),
                                              static_cast<const T*>(beta), static_cast<T*>(y), mean, rstd);
  });
}

cudaError_t AnyBackward(const NormShape& shape, const void* dy, const void* x, const void* gamma, const float* mean,
                        const float* rstd, void* dx, float* dgamma, float* dbeta, cudaStream_t stream) {
  return With(shape, [&](auto element, unsigned rows) {
    using T = decltype(element);
    const auto* in = static_cast<const T*>(x);
    const auto* gradient = static_cast<const T*>(dy);
    if (rows > 0) {
      BackwardRows<T><<<rows, kThreads, 0, stream>>>(shape, gradient, in, static_cast<const T*>(gamma), mean, rstd,
                                                     static_cast<T*>(dx));
    }
    const auto blocks = static_cast<unsigned>((shape.hidden + kThreads - 1) / kThreads);
    BackwardColumns<T><<<blocks, kThreads, 0, stream>>>(shape, gradient, in, mean, rstd, dgamma, dbeta);
  });
}

}  // namespace

extern "C" size_t q05_norm_workspace_bytes(const NormShape&) { return 0; }

extern "C" cudaError_t q05_layer_norm(const NormShape& shape, const void* x, const void* gamma, const void* beta,
                                      void* y, float* mean, float* rstd, cudaStream_t stream) {
  return AnyForward(shape, x, gamma, beta, y, mean, rstd, stream);
}

extern "C" cudaError_t q05_layer_norm_backward(const NormShape& shape, const void* dy, const void* x, const void* gamma,
                                               const float* mean, const float* rstd, void* dx, float* dgamma,
                                               float* dbeta, void*, cudaStream_t stream) {
  return AnyBackward(shape, dy, x, gamma, mean, rstd, dx, dgamma, dbeta, stream);
}

extern "C" cudaError_t q05_rms_norm(const NormShape& shape, const void* x, const void* gamma, void* y, float* rrms,
                                    cudaStream_t stream) {
  return AnyForward(shape, x, gamma, nullptr, y, nullptr, rrms, stream);
}

extern "C" cudaError_t q05_rms_norm_backward(const NormShape& shape, const void* dy, const void* x, const void* gamma,
                                             const float* rrms, void* dx, float* dgamma, void*, cudaStream_t stream) {
  return AnyBackward(shape, dy, x, gamma, nullptr, rrms, dx, dgamma, nullptr, stream);
}

extern "C" cudaError_t q05_softmax(const NormShape& shape, const void* x, void* y, cudaStream_t stream) {
  return With(shape, [&](auto element, unsigned rows) {
    using T = decltype(element);
    if (rows == 0) return;
    SoftmaxRows<T><<<rows, kThreads, 0, stream>>>(shape, static_cast<const T*>(x), static_cast<T*>(y));
  });
}

extern "C" cudaError_t q05_softmax_backward(const NormShape& shape, const void* dy, const void* y, void* dx,
                                            cudaStream_t stream) {
  return With(shape, [&](auto element, unsigned rows) {
    using T = decltype(element);
    if (rows == 0) return;
    SoftmaxBackwardRows<T><<<rows, kThreads, 0, stream>>>(shape, static_cast<const T*>(dy), static_cast<const T*>(y),
                                                          static_cast<T*>(dx));
  });
}

}  // namespace q05
