// bug: deadlock
// finding: deadlock
// sanitizer: synccheck
// hangs: yes
//
// Thread 0 raises the flag behind the barrier at which it waits for those that wait for the flag.
#include "harness/host/bugs/bug.h"

__global__ void Wait(int* out, volatile int* ready) {
  const int t = static_cast<int>(threadIdx.x);
  if (kTwin && t == 0) *ready = 1;
  if (t >= 32) {
    while (*ready == 0) {  // BUG
    }
  }
  __syncthreads();  // BUG
  if (t == 0) *ready = 1;
  out[t] = t;
}

int main() {
  int* ready = DeviceZeros<int>(1);
  int* out = DeviceZeros<int>(64);
  Wait<<<1, 64>>>(out, ready);
  Finish();
  Require(cudaFree(ready));
  Require(cudaFree(out));
  return 0;
}
