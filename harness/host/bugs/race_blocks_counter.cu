// bug: race_blocks
// finding: race on global memory
// sanitizer: racecheck
//
// A thread of each block counts up the same word.
#include "harness/host/bugs/bug.h"

__global__ void CountBlocks(int* count) {
  if (threadIdx.x != 0) return;
  if (kTwin) {
    atomicAdd(count, 1);
  } else {
    *count += 1;  // BUG
  }
}

int main() {
  int* count = DeviceZeros<int>(1);
  CountBlocks<<<64, 32>>>(count);
  Finish();
  Require(cudaFree(count));
  return 0;
}
