// bug: race_blocks
// finding: race on global memory
// sanitizer: racecheck
//
// A lock keeps the blocks apart in time. Without fences it does not make one's writes visible to the next.
#include "harness/host/bugs/bug.h"

__global__ void AddUp(int* lock, int* sum) {
  while (atomicCAS(lock, 0, 1) != 0) {
  }
  if (kTwin) __threadfence();
  *sum += static_cast<int>(blockIdx.x);  // BUG
  if (kTwin) __threadfence();
  atomicExch(lock, 0);
}

int main() {
  int* lock = DeviceZeros<int>(1);
  int* sum = DeviceZeros<int>(1);
  AddUp<<<16, 1>>>(lock, sum);
  Finish();
  Require(cudaFree(lock));
  Require(cudaFree(sum));
  return 0;
}
