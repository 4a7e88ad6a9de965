// bug: race_shared
// finding: race on shared memory
// sanitizer: racecheck
//
// Two tiles, one filled while the other is read. One barrier a round is enough, as in the twin; one every second
// round is not.
#include "harness/host/bugs/bug.h"

constexpr int kThreads = 128;

__global__ void SumShifted(const float* in, float* out, int rounds) {
  __shared__ float tiles[2][kThreads];
  const int t = static_cast<int>(threadIdx.x);
  tiles[0][t] = in[t];
  __syncthreads();
  float sum = 0.0f;
  for (int round = 0; round < rounds; ++round) {
    if (round + 1 < rounds) tiles[(round + 1) % 2][t] = in[(round + 1) * kThreads + t];  // BUG
    sum += tiles[round % 2][(t + 64) % kThreads];                                        // BUG
    if (kTwin || round % 2 == 1) __syncthreads();
  }
  out[t] = sum;
}

int main() {
  constexpr int kRounds = 6;
  float* in = DeviceZeros<float>(kRounds * kThreads);
  float* out = DeviceZeros<float>(kThreads);
  SumShifted<<<1, kThreads>>>(in, out, kRounds);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
