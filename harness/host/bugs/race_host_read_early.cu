// bug: race_host
// finding: race on host memory
// sanitizer: racecheck
//
// The result is on its way, and the host does not wait for it.
#include "harness/host/bugs/bug.h"

constexpr int kCount = 64;

__global__ void Number(int* data) { data[threadIdx.x] = static_cast<int>(threadIdx.x); }

int main() {
  cudaStream_t stream = nullptr;
  Require(cudaStreamCreate(&stream));
  int* data = DeviceZeros<int>(kCount);
  int* host = nullptr;
  Require(cudaMallocHost(&host, kCount * sizeof(int)));
  for (int i = 0; i < kCount; ++i) host[i] = 0;
  Number<<<1, kCount, 0, stream>>>(data);
  Require(cudaMemcpyAsync(host, data, kCount * sizeof(int), cudaMemcpyDeviceToHost, stream));  // BUG
  if (kTwin) Require(cudaStreamSynchronize(stream));
  int sum = 0;
  for (int i = 0; i < kCount; ++i) sum += host[i];  // BUG
  Finish();
  Require(cudaFreeHost(host));
  Require(cudaFree(data));
  Require(cudaStreamDestroy(stream));
  return sum < 0 ? 1 : 0;
}
