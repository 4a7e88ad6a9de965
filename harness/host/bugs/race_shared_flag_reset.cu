// bug: race_shared
// finding: race on shared memory
// sanitizer: racecheck
//
// One thread clears a flag that others may have raised already, with atomics though they be.
#include "harness/host/bugs/bug.h"

__global__ void AnyZero(const int* in, int* out) {
  __shared__ int found;
  if (threadIdx.x == 0) found = 0;  // BUG
  if (kTwin) __syncthreads();
  if (in[threadIdx.x] == 0) atomicOr(&found, 1);  // BUG
  __syncthreads();
  out[threadIdx.x] = found;
}

int main() {
  constexpr int kThreads = 128;
  int* in = DeviceZeros<int>(kThreads);
  int* out = DeviceZeros<int>(kThreads);
  AnyZero<<<1, kThreads>>>(in, out);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
