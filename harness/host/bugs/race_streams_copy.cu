// bug: race_streams
// finding: race on global memory
// sanitizer: racecheck
//
// The copy goes to one stream and the kernel that needs it to another. The twin uses one stream.
#include "harness/host/bugs/bug.h"

constexpr int kCount = 256;

__global__ void Increment(int* data) {
  data[threadIdx.x] += 1;  // BUG
}

int main() {
  cudaStream_t copies = nullptr;
  cudaStream_t kernels = nullptr;
  Require(cudaStreamCreate(&copies));
  Require(cudaStreamCreate(&kernels));
  int* host = nullptr;
  Require(cudaMallocHost(&host, kCount * sizeof(int)));
  for (int i = 0; i < kCount; ++i) host[i] = i;
  int* data = DeviceZeros<int>(kCount);
  Require(cudaMemcpyAsync(data, host, kCount * sizeof(int), cudaMemcpyHostToDevice, copies));  // BUG
  Increment<<<1, kCount, 0, kTwin ? copies : kernels>>>(data);
  Finish();
  Require(cudaFree(data));
  Require(cudaFreeHost(host));
  Require(cudaStreamDestroy(copies));
  Require(cudaStreamDestroy(kernels));
  return 0;
}
