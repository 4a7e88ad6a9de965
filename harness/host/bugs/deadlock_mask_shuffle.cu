// bug: deadlock
// finding: deadlock
// sanitizer: synccheck
// hangs: yes
//
// A shuffle of half a warp names all of it, and the other half waits at the barrier.
#include "harness/host/bugs/bug.h"

__global__ void Swap(int* data) {
  const int t = static_cast<int>(threadIdx.x);
  int value = data[t];
  if (t % 32 < 16) {
    value = __shfl_xor_sync(kTwin ? 0x0000ffffu : 0xffffffffu, value, 1);  // BUG
  }
  __syncthreads();  // BUG
  data[t] = value;
}

int main() {
  int* data = DeviceZeros<int>(64);
  Swap<<<1, 64>>>(data);
  Finish();
  Require(cudaFree(data));
  return 0;
}
