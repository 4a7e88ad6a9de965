// bug: race_warp
// finding: race on shared memory
// sanitizer: racecheck
//
// The lanes of a warp set a bit each in one word. The twin votes, and one lane writes.
#include "harness/host/bugs/bug.h"

constexpr int kThreads = 64;

__global__ void Even(const int* in, unsigned* out) {
  __shared__ unsigned words[kThreads / 32];
  const int t = static_cast<int>(threadIdx.x);
  if (t % 32 == 0) words[t / 32] = 0;
  __syncthreads();
  const bool even = in[t] % 2 == 0;
  if (kTwin) {
    const unsigned vote = __ballot_sync(0xffffffffu, even);
    if (t % 32 == 0) words[t / 32] = vote;
  } else if (even) {
    words[t / 32] |= 1u << (t % 32);  // BUG
  }
  __syncthreads();
  out[t] = words[(t / 32 + 1) % 2];
}

int main() {
  int* in = DeviceZeros<int>(kThreads);
  unsigned* out = DeviceZeros<unsigned>(kThreads);
  Even<<<1, kThreads>>>(in, out);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
