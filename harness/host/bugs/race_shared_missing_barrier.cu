// bug: race_shared
// finding: race on shared memory
// sanitizer: racecheck
//
// A neighbour's element is read before it is there for sure.
#include "harness/host/bugs/bug.h"

constexpr int kThreads = 128;

__global__ void Reverse(float* data) {
  __shared__ float tile[kThreads];
  const int t = static_cast<int>(threadIdx.x);
  float* const mine = data + blockIdx.x * kThreads;
  tile[t] = mine[t];  // BUG
  if (kTwin) __syncthreads();
  mine[t] = tile[kThreads - 1 - t];  // BUG
}

int main() {
  float* data = DeviceZeros<float>(2 * kThreads);
  Reverse<<<2, kThreads>>>(data);
  Finish();
  Require(cudaFree(data));
  return 0;
}
