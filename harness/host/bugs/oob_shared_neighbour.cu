// bug: out_of_bounds_shared
// finding: out of bounds
// sanitizer: memcheck
//
// What runs over the first array most likely lands in the second.
#include "harness/host/bugs/bug.h"

constexpr int kSlots = 64;

__device__ __noinline__ void Fill(int* values, int count, int value) {
  for (int i = static_cast<int>(threadIdx.x); i < count; i += static_cast<int>(blockDim.x)) values[i] = value;  // BUG
}

__global__ void Start(int* out) {
  __shared__ int keys[kSlots];
  __shared__ int counts[kSlots];
  Fill(counts, kSlots, 0);
  __syncthreads();
  Fill(keys, kTwin ? kSlots : kSlots + 1, -1);
  __syncthreads();
  const int other = static_cast<int>(blockDim.x - 1 - threadIdx.x);
  out[threadIdx.x] = keys[other] + counts[other];
}

int main() {
  int* out = DeviceZeros<int>(kSlots);
  Start<<<1, kSlots>>>(out);
  Finish();
  Require(cudaFree(out));
  return 0;
}
