// bug: out_of_bounds_global
// finding: out of bounds
// sanitizer: memcheck
//
// Cleared as if its elements were doubles.
#include "harness/host/bugs/bug.h"

__global__ void Increment(float* data) { data[threadIdx.x] += 1.0f; }

int main() {
  constexpr int kCount = 128;
  float* data = nullptr;
  Require(cudaMalloc(&data, kCount * sizeof(float)));
  const size_t bytes = kCount * (kTwin ? sizeof(float) : sizeof(double));
  Require(cudaMemsetAsync(data, 0, bytes));  // BUG
  Increment<<<1, kCount>>>(data);
  Finish();
  Require(cudaFree(data));
  return 0;
}
