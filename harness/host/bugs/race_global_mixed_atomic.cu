// bug: race_global
// finding: race on global memory
// sanitizer: racecheck
//
// All count with atomics, and one looks at the count with a plain read.
#include "harness/host/bugs/bug.h"

__global__ void CountAndLook(int* count, int* seen) {
  atomicAdd(count, 1);  // BUG
  if (threadIdx.x == 0) {
    seen[blockIdx.x] = kTwin ? atomicAdd(count, 0) : *count;  // BUG
  }
}

int main() {
  int* count = DeviceZeros<int>(1);
  int* seen = DeviceZeros<int>(8);
  CountAndLook<<<8, 64>>>(count, seen);
  Finish();
  Require(cudaFree(count));
  Require(cudaFree(seen));
  return 0;
}
