// bug: race_warp
// finding: race on shared memory
// sanitizer: racecheck
//
// Lanes exchange values through shared memory and trust that a warp runs in step.
#include "harness/host/bugs/bug.h"

constexpr int kThreads = 64;

__global__ void Swap(int* data) {
  __shared__ int tile[kThreads];
  const int t = static_cast<int>(threadIdx.x);
  tile[t] = data[t];  // BUG
  if (kTwin) __syncwarp();
  data[t] = tile[t ^ 1];  // BUG
}

int main() {
  int* data = DeviceZeros<int>(kThreads);
  Swap<<<1, kThreads>>>(data);
  Finish();
  Require(cudaFree(data));
  return 0;
}
