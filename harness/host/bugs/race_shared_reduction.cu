// bug: race_shared
// finding: race on shared memory
// sanitizer: racecheck
//
// A tree of sums whose levels nothing keeps apart.
#include "harness/host/bugs/bug.h"

constexpr int kThreads = 256;

__global__ void Sum(const float* in, float* out) {
  __shared__ float sums[kThreads];
  const int t = static_cast<int>(threadIdx.x);
  sums[t] = in[t];
  __syncthreads();
  for (int stride = kThreads / 2; stride > 0; stride /= 2) {
    if (t < stride) sums[t] += sums[t + stride];  // BUG
    if (kTwin) __syncthreads();
  }
  if (t == 0) *out = sums[0];
}

int main() {
  float* in = DeviceZeros<float>(kThreads);
  float* out = DeviceZeros<float>(1);
  Sum<<<1, kThreads>>>(in, out);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
