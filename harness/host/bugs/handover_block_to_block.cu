// bug: race_blocks
// finding: race on global memory
// sanitizer: racecheck
//
// All threads of a block write, one raises the flag for them all; there one waits for all. The barriers on both sides
// are what carries one thread's fence over to the others.
#include "harness/host/bugs/bug.h"

constexpr int kThreads = 64;

__global__ void HandOver(int* tickets, int* values, int* ready, int* out) {
  __shared__ int ticket;
  const int t = static_cast<int>(threadIdx.x);
  if (t == 0) ticket = atomicAdd(tickets, 1);
  __syncthreads();
  if (ticket == 0) {
    values[t] = t;  // BUG
    if (kTwin) __syncthreads();
    if (t == 0) {
      __threadfence();
      atomicExch(ready, 1);
    }
  } else {
    if (t == 0) {
      while (atomicAdd(ready, 0) == 0) {
      }
      __threadfence();
    }
    __syncthreads();
    out[t] = values[kThreads - 1 - t];  // BUG
  }
}

int main() {
  int* tickets = DeviceZeros<int>(1);
  int* values = DeviceZeros<int>(kThreads);
  int* ready = DeviceZeros<int>(1);
  int* out = DeviceZeros<int>(kThreads);
  HandOver<<<2, kThreads>>>(tickets, values, ready, out);
  Finish();
  Require(cudaFree(tickets));
  Require(cudaFree(values));
  Require(cudaFree(ready));
  Require(cudaFree(out));
  return 0;
}
