// bug: race_blocks
// finding: race on global memory
// sanitizer: racecheck
//
// Fences on both sides, and the flag is up before the value is there.
#include "harness/host/bugs/bug.h"

// The block that comes first produces, and the other consumes: whoever waits, waits for a block that runs.
__global__ void HandOver(int* tickets, int* value, volatile int* ready, int* out) {
  if (atomicAdd(tickets, 1) == 0) {
    if (!kTwin) *ready = 1;
    __threadfence();
    *value = 42;  // BUG
    __threadfence();
    if (kTwin) *ready = 1;
  } else {
    while (*ready == 0) {
    }
    __threadfence();
    *out = *value;  // BUG
  }
}

int main() {
  int* tickets = DeviceZeros<int>(1);
  int* value = DeviceZeros<int>(1);
  int* ready = DeviceZeros<int>(1);
  int* out = DeviceZeros<int>(1);
  HandOver<<<2, 1>>>(tickets, value, ready, out);
  Finish();
  Require(cudaFree(tickets));
  Require(cudaFree(value));
  Require(cudaFree(ready));
  Require(cudaFree(out));
  return 0;
}
