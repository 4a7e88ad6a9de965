// bug: deadlock
// finding: deadlock
// sanitizer: synccheck
// hangs: yes
//
// The first warp waits at a barrier for the second, which waits for a flag that the first raises behind the barrier.
#include "harness/host/bugs/bug.h"

__global__ void Wait(int* out) {
  __shared__ volatile int ready;
  if (threadIdx.x == 0) ready = 0;
  __syncthreads();
  if (threadIdx.x < 32) {
    if (!kTwin) __syncthreads();  // BUG
    if (threadIdx.x == 0) ready = 1;
  } else {
    while (ready == 0) {  // BUG
    }
  }
  out[threadIdx.x] = 1;
}

int main() {
  int* out = DeviceZeros<int>(64);
  Wait<<<1, 64>>>(out);
  Finish();
  Require(cudaFree(out));
  return 0;
}
