// bug: race_streams
// finding: use after free | race on global memory
// sanitizer: memcheck
//
// A stream frees what a kernel on another stream may still be using. In the twin the free waits for that kernel.
#include "harness/host/bugs/bug.h"

__global__ void Increment(int* data) {
  data[threadIdx.x] += 1;  // BUG
}

int main() {
  cudaStream_t owner = nullptr;
  cudaStream_t user = nullptr;
  cudaEvent_t ready = nullptr;
  cudaEvent_t used = nullptr;
  Require(cudaStreamCreate(&owner));
  Require(cudaStreamCreate(&user));
  Require(cudaEventCreate(&ready));
  Require(cudaEventCreate(&used));
  int* data = nullptr;
  Require(cudaMallocAsync(&data, 64 * sizeof(int), owner));
  Require(cudaMemsetAsync(data, 0, 64 * sizeof(int), owner));
  Require(cudaEventRecord(ready, owner));
  Require(cudaStreamWaitEvent(user, ready, 0));
  Increment<<<1, 64, 0, user>>>(data);
  Require(cudaEventRecord(used, user));
  if (kTwin) Require(cudaStreamWaitEvent(owner, used, 0));
  Require(cudaFreeAsync(data, owner));  // BUG
  Finish();
  Require(cudaEventDestroy(ready));
  Require(cudaEventDestroy(used));
  Require(cudaStreamDestroy(owner));
  Require(cudaStreamDestroy(user));
  return 0;
}
