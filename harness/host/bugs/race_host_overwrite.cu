// bug: race_host
// finding: race on host memory
// sanitizer: racecheck
//
// The next batch goes into the pinned buffer from which the last one may still be copied. The twin waits for the copy,
// though not for the kernel behind it.
#include "harness/host/bugs/bug.h"

constexpr int kCount = 64;

__global__ void Add(const int* data, int* sums) { sums[threadIdx.x] += data[threadIdx.x]; }

int main() {
  cudaStream_t stream = nullptr;
  cudaEvent_t copied = nullptr;
  Require(cudaStreamCreate(&stream));
  Require(cudaEventCreate(&copied));
  int* data = DeviceZeros<int>(kCount);
  int* sums = DeviceZeros<int>(kCount);
  int* host = nullptr;
  Require(cudaMallocHost(&host, kCount * sizeof(int)));
  for (int batch = 0; batch < 3; ++batch) {
    for (int i = 0; i < kCount; ++i) host[i] = batch + i;                                        // BUG
    Require(cudaMemcpyAsync(data, host, kCount * sizeof(int), cudaMemcpyHostToDevice, stream));  // BUG
    Require(cudaEventRecord(copied, stream));
    Add<<<1, kCount, 0, stream>>>(data, sums);
    if (kTwin) Require(cudaEventSynchronize(copied));
  }
  Finish();
  Require(cudaFreeHost(host));
  Require(cudaFree(data));
  Require(cudaFree(sums));
  Require(cudaEventDestroy(copied));
  Require(cudaStreamDestroy(stream));
  return 0;
}
