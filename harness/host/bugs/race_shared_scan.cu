// bug: race_shared
// finding: race on shared memory
// sanitizer: racecheck
//
// An inclusive scan in place: between reading the left partner and adding it, the partner may have moved on.
#include "harness/host/bugs/bug.h"

constexpr int kThreads = 128;

__global__ void Scan(int* data) {
  __shared__ int sums[kThreads];
  const int t = static_cast<int>(threadIdx.x);
  sums[t] = data[t];
  __syncthreads();
  for (int offset = 1; offset < kThreads; offset *= 2) {
    const int left = t >= offset ? sums[t - offset] : 0;  // BUG
    if (kTwin) __syncthreads();
    sums[t] += left;  // BUG
    __syncthreads();
  }
  data[t] = sums[t];
}

int main() {
  int* data = DeviceZeros<int>(kThreads);
  Scan<<<1, kThreads>>>(data);
  Finish();
  Require(cudaFree(data));
  return 0;
}
