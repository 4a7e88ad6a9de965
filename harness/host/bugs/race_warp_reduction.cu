// bug: race_warp
// finding: race on shared memory
// sanitizer: racecheck
//
// The last six steps of a reduction, as they were written when warps ran in step.
#include "harness/host/bugs/bug.h"

__global__ void Sum(const int* in, int* out) {
  __shared__ int storage[64];
  int* const sums = storage;
  const int t = static_cast<int>(threadIdx.x);
  storage[t] = in[t];
  storage[t + 32] = in[t + 32];
  __syncwarp();
  int sum = sums[t];
  for (int stride = 32; stride > 0; stride /= 2) {
    sum += sums[t + stride];  // BUG
    if (kTwin) __syncwarp();
    sums[t] = sum;  // BUG
    if (kTwin) __syncwarp();
  }
  if (t == 0) *out = sum;
}

int main() {
  int* in = DeviceZeros<int>(64);
  int* out = DeviceZeros<int>(1);
  Sum<<<1, 32>>>(in, out);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
