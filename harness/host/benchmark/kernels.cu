#include "harness/host/benchmark/kernels.h"

namespace cuda_host::benchmark {
namespace {

__global__ void TrivialKernel(float* data, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) data[i] = 2 * data[i] + 1;
}

__global__ void BarrierKernel(int* out, int barriers) {
  __shared__ int slots[kThreads];
  int x = static_cast<int>(threadIdx.x);
  for (int i = 0; i < barriers; i += 2) {
    slots[threadIdx.x] = x;
    __syncthreads();
    x = slots[(threadIdx.x + 1) % kThreads];
    __syncthreads();
  }
  out[blockIdx.x * kThreads + threadIdx.x] = x;
}

__global__ void ShuffleKernel(int* out, int shuffles) {
  int x = static_cast<int>(threadIdx.x);
  for (int i = 0; i < shuffles; ++i) x += __shfl_xor_sync(0xffffffffu, x, 1 << i % 5);
  out[blockIdx.x * kThreads + threadIdx.x] = x;
}

}  // namespace

cudaError_t Trivial(float* data, int n) {
  TrivialKernel<<<(n + kThreads - 1) / kThreads, kThreads>>>(data, n);
  return cudaDeviceSynchronize();
}

cudaError_t Barriers(int* out, int blocks, int barriers) {
  BarrierKernel<<<blocks, kThreads>>>(out, barriers);
  return cudaDeviceSynchronize();
}

cudaError_t Shuffles(int* out, int blocks, int shuffles) {
  ShuffleKernel<<<blocks, kThreads>>>(out, shuffles);
  return cudaDeviceSynchronize();
}

}  // namespace cuda_host::benchmark
