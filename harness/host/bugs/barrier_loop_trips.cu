// bug: barrier_divergence
// finding: barrier divergence
// sanitizer: synccheck
//
// A loop with a barrier that some threads leave a round earlier: they wait behind it for those that wait inside.
#include "harness/host/bugs/bug.h"

constexpr int kThreads = 128;

__global__ void Sum(const int* in, int* out, int n) {
  __shared__ int sums[kThreads];
  const int t = static_cast<int>(threadIdx.x);
  sums[t] = 0;
  const int end = kTwin ? (n + kThreads - 1) / kThreads * kThreads : n;
  for (int i = t; i < end; i += kThreads) {
    if (i < n) sums[t] += in[i];
    __syncthreads();  // BUG
  }
  __syncthreads();  // BUG
  out[t] = sums[kThreads - 1 - t];
}

int main() {
  constexpr int kCount = 200;
  int* in = DeviceZeros<int>(kCount);
  int* out = DeviceZeros<int>(kThreads);
  Sum<<<1, kThreads>>>(in, out, kCount);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
