// bug: out_of_bounds_global
// finding: out of bounds
// sanitizer: memcheck
//
// The host's array has a sentinel behind the last element, and it is copied too.
#include "harness/host/bugs/bug.h"

__global__ void Negate(float* data, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) data[i] = -data[i];
}

int main() {
  constexpr int kCount = 256;
  cudaStream_t stream = nullptr;
  Require(cudaStreamCreate(&stream));
  float* host = nullptr;
  Require(cudaMallocHost(&host, (kCount + 1) * sizeof(float)));
  for (int i = 0; i <= kCount; ++i) host[i] = static_cast<float>(i);
  float* data = DeviceZeros<float>(kCount);
  const size_t bytes = (kTwin ? kCount : kCount + 1) * sizeof(float);
  Require(cudaMemcpyAsync(data, host, bytes, cudaMemcpyHostToDevice, stream));  // BUG
  Negate<<<2, 128, 0, stream>>>(data, kCount);
  Finish();
  Require(cudaFree(data));
  Require(cudaFreeHost(host));
  Require(cudaStreamDestroy(stream));
  return 0;
}
