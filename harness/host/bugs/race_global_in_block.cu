// bug: race_global
// finding: race on global memory
// sanitizer: racecheck
//
// The warps of a block exchange values through global memory. __syncthreads orders that, too.
#include "harness/host/bugs/bug.h"

__global__ void Rotate(int* scratch, int* out) {
  const int t = static_cast<int>(threadIdx.x);
  const int n = static_cast<int>(blockDim.x);
  int* const mine = scratch + blockIdx.x * n;
  mine[t] = t;  // BUG
  if (kTwin) __syncthreads();
  out[blockIdx.x * n + t] = mine[(t + 32) % n];  // BUG
}

int main() {
  int* scratch = DeviceZeros<int>(256);
  int* out = DeviceZeros<int>(256);
  Rotate<<<2, 128>>>(scratch, out);
  Finish();
  Require(cudaFree(scratch));
  Require(cudaFree(out));
  return 0;
}
