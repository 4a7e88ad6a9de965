// bug: race_shared
// finding: race on shared memory
// sanitizer: racecheck
//
// One warp hands a value to another through a flag, with no barrier. The twin has the fences that this takes.
#include "harness/host/bugs/bug.h"

__global__ void HandOver(int* out) {
  __shared__ int value;
  __shared__ volatile int ready;
  if (threadIdx.x == 0) ready = 0;
  __syncthreads();
  if (threadIdx.x == 0) {
    value = 42;  // BUG
    if (kTwin) __threadfence_block();
    ready = 1;
  } else if (threadIdx.x == 32) {
    while (ready == 0) {
    }
    if (kTwin) __threadfence_block();
    *out = value;  // BUG
  }
}

int main() {
  int* out = DeviceZeros<int>(1);
  HandOver<<<1, 64>>>(out);
  Finish();
  Require(cudaFree(out));
  return 0;
}
