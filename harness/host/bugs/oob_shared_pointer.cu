// bug: out_of_bounds_shared
// finding: out of bounds
// sanitizer: memcheck
//
// A function gets a pointer into shared memory and the wrong length.
#include "harness/host/bugs/bug.h"

constexpr int kBins = 100;

__device__ __noinline__ void Fill(int* values, int count, int value) {
  for (int i = static_cast<int>(threadIdx.x); i < count; i += static_cast<int>(blockDim.x)) values[i] = value;  // BUG
}

__global__ void Start(int* out) {
  __shared__ int bins[kBins];
  Fill(bins, kTwin ? kBins : static_cast<int>(blockDim.x), 7);
  __syncthreads();
  if (threadIdx.x < kBins) out[threadIdx.x] = bins[kBins - 1 - threadIdx.x];
}

int main() {
  int* out = DeviceZeros<int>(kBins);
  Start<<<1, 128>>>(out);
  Finish();
  Require(cudaFree(out));
  return 0;
}
