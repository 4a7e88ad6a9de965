// bug: barrier_divergence
// finding: barrier divergence
// sanitizer: synccheck
//
// Both branches have a barrier of their own. The twin has one, behind them.
#include "harness/host/bugs/bug.h"

constexpr int kThreads = 128;

__global__ void Rotate(const int* in, int* out) {
  __shared__ int tile[kThreads];
  const int t = static_cast<int>(threadIdx.x);
  if (t < kThreads / 2) {
    tile[t] = in[t];
    if (!kTwin) __syncthreads();  // BUG
  } else {
    tile[t] = -in[t];
    if (!kTwin) __syncthreads();  // BUG
  }
  if (kTwin) __syncthreads();
  out[t] = tile[(t + 1) % kThreads];
}

int main() {
  int* in = DeviceZeros<int>(kThreads);
  int* out = DeviceZeros<int>(kThreads);
  Rotate<<<1, kThreads>>>(in, out);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
