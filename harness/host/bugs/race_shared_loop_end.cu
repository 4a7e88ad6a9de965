// bug: race_shared
// finding: race on shared memory
// sanitizer: racecheck
//
// A fast thread overwrites the tile for its next round while slow ones still read this round's.
#include "harness/host/bugs/bug.h"

constexpr int kThreads = 128;

__global__ void SumShifted(const float* in, float* out, int n) {
  __shared__ float tile[kThreads];
  const int t = static_cast<int>(threadIdx.x);
  float sum = 0.0f;
  for (int base = 0; base < n; base += kThreads) {
    tile[t] = in[base + t];  // BUG
    __syncthreads();
    sum += tile[(t + 32) % kThreads];  // BUG
    if (kTwin) __syncthreads();
  }
  out[t] = sum;
}

int main() {
  constexpr int kCount = 4 * kThreads;
  float* in = DeviceZeros<float>(kCount);
  float* out = DeviceZeros<float>(kThreads);
  SumShifted<<<1, kThreads>>>(in, out, kCount);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
