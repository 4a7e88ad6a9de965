// bug: race_host
// finding: race on host memory
// sanitizer: racecheck
//
// The kernel writes pinned memory itself. The event for which the host waits was recorded before the launch.
#include "harness/host/bugs/bug.h"

constexpr int kCount = 64;

__global__ void Number(int* data) {
  data[threadIdx.x] = static_cast<int>(threadIdx.x);  // BUG
}

int main() {
  cudaStream_t stream = nullptr;
  cudaEvent_t done = nullptr;
  Require(cudaStreamCreate(&stream));
  Require(cudaEventCreate(&done));
  int* host = nullptr;
  Require(cudaMallocHost(&host, kCount * sizeof(int)));
  for (int i = 0; i < kCount; ++i) host[i] = 0;
  if (!kTwin) Require(cudaEventRecord(done, stream));
  Number<<<1, kCount, 0, stream>>>(host);
  if (kTwin) Require(cudaEventRecord(done, stream));
  Require(cudaEventSynchronize(done));
  int sum = 0;
  for (int i = 0; i < kCount; ++i) sum += host[i];  // BUG
  Finish();
  Require(cudaFreeHost(host));
  Require(cudaEventDestroy(done));
  Require(cudaStreamDestroy(stream));
  return sum < 0 ? 1 : 0;
}
