// bug: race_shared
// finding: race on shared memory
// sanitizer: racecheck
//
// Threads past the end return before the barrier. That is allowed: a barrier waits for those that have not exited.
#include "harness/host/bugs/bug.h"

constexpr int kThreads = 128;

__global__ void Reverse(float* data, int n) {
  __shared__ float tile[kThreads];
  const int t = static_cast<int>(threadIdx.x);
  if (t >= n) return;
  tile[t] = data[t];  // BUG
  if (kTwin) __syncthreads();
  data[t] = tile[n - 1 - t];  // BUG
}

int main() {
  constexpr int kCount = 100;
  float* data = DeviceZeros<float>(kCount);
  Reverse<<<1, kThreads>>>(data, kCount);
  Finish();
  Require(cudaFree(data));
  return 0;
}
