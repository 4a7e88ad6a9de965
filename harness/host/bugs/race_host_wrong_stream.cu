// bug: race_host
// finding: race on host memory
// sanitizer: racecheck
//
// The host waits for the stream of the kernels, and the copy is on that of the copies.
#include "harness/host/bugs/bug.h"

constexpr int kCount = 64;

__global__ void Number(int* data) { data[threadIdx.x] = static_cast<int>(threadIdx.x); }

int main() {
  cudaStream_t kernels = nullptr;
  cudaStream_t copies = nullptr;
  cudaEvent_t computed = nullptr;
  Require(cudaStreamCreate(&kernels));
  Require(cudaStreamCreate(&copies));
  Require(cudaEventCreate(&computed));
  int* data = DeviceZeros<int>(kCount);
  int* host = nullptr;
  Require(cudaMallocHost(&host, kCount * sizeof(int)));
  for (int i = 0; i < kCount; ++i) host[i] = 0;
  Number<<<1, kCount, 0, kernels>>>(data);
  Require(cudaEventRecord(computed, kernels));
  Require(cudaStreamWaitEvent(copies, computed, 0));
  Require(cudaMemcpyAsync(host, data, kCount * sizeof(int), cudaMemcpyDeviceToHost, copies));  // BUG
  Require(cudaStreamSynchronize(kTwin ? copies : kernels));
  int sum = 0;
  for (int i = 0; i < kCount; ++i) sum += host[i];  // BUG
  Finish();
  Require(cudaFreeHost(host));
  Require(cudaFree(data));
  Require(cudaEventDestroy(computed));
  Require(cudaStreamDestroy(kernels));
  Require(cudaStreamDestroy(copies));
  return sum < 0 ? 1 : 0;
}
