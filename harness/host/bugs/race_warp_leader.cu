// bug: race_warp
// finding: race on shared memory
// sanitizer: racecheck
//
// Lane 0 takes a ticket for its warp and leaves it in shared memory. The twin sends it by a shuffle.
#include "harness/host/bugs/bug.h"

constexpr int kWarps = 4;

__global__ void TakeTickets(int* tickets, int* out) {
  __shared__ int taken[kWarps];
  const int lane = static_cast<int>(threadIdx.x % 32);
  const int warp = static_cast<int>(threadIdx.x / 32);
  int ticket = 0;
  if (lane == 0) {
    ticket = atomicAdd(tickets, 1);
    taken[warp] = ticket;  // BUG
  }
  out[threadIdx.x] = kTwin ? __shfl_sync(0xffffffffu, ticket, 0) : taken[warp];  // BUG
}

int main() {
  int* tickets = DeviceZeros<int>(1);
  int* out = DeviceZeros<int>(kWarps * 32);
  TakeTickets<<<1, kWarps * 32>>>(tickets, out);
  Finish();
  Require(cudaFree(tickets));
  Require(cudaFree(out));
  return 0;
}
