// bug: race_blocks
// finding: race on global memory
// sanitizer: racecheck
//
// Fences on both sides, and a flag that is neither volatile nor atomic. (Nobody waits for it here: with a plain flag a
// compiler may turn that into a loop without end.)
#include "harness/host/bugs/bug.h"

__global__ void HandOver(int* value, int* ready, int* out) {
  if (blockIdx.x == 0) {
    *value = 42;
    __threadfence();
    if (kTwin) {
      atomicExch(ready, 1);
    } else {
      *ready = 1;  // BUG
    }
  } else {
    const int seen = kTwin ? atomicAdd(ready, 0) : *ready;  // BUG
    if (seen == 0) return;
    __threadfence();
    *out = *value;
  }
}

int main() {
  int* value = DeviceZeros<int>(1);
  int* ready = DeviceZeros<int>(1);
  int* out = DeviceZeros<int>(1);
  HandOver<<<2, 1>>>(value, ready, out);
  Finish();
  Require(cudaFree(value));
  Require(cudaFree(ready));
  Require(cudaFree(out));
  return 0;
}
