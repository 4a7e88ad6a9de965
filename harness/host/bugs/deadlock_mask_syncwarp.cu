// bug: deadlock
// finding: deadlock
// sanitizer: synccheck
// hangs: yes
//
// A mask names the whole warp, and half of it waits for what comes behind. In the twin that half has exited, and a mask
// may name lanes that have.
#include "harness/host/bugs/bug.h"

__global__ void Wait(int* out) {
  __shared__ volatile int ready;
  if (threadIdx.x == 0) ready = 0;
  __syncwarp();
  if (kTwin && threadIdx.x >= 16) return;
  if (threadIdx.x >= 16) {
    while (ready == 0) {  // BUG
    }
  } else {
    __syncwarp();  // BUG
    if (threadIdx.x == 0) ready = 1;
  }
  out[threadIdx.x] = 1;
}

int main() {
  int* out = DeviceZeros<int>(32);
  Wait<<<1, 32>>>(out);
  Finish();
  Require(cudaFree(out));
  return 0;
}
