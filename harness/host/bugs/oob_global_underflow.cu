// bug: out_of_bounds_global
// finding: out of bounds
// sanitizer: memcheck
//
// An unsigned index runs below zero: 16 GiB past the allocation.
#include "harness/host/bugs/bug.h"

__global__ void Rotate(const float* in, float* out, unsigned n) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const unsigned previous = kTwin && i == 0 ? n - 1 : i - 1;
  out[i] = in[previous];  // BUG
}

int main() {
  constexpr unsigned kCount = 300;
  float* in = DeviceZeros<float>(kCount);
  float* out = DeviceZeros<float>(kCount);
  Rotate<<<(kCount + 127) / 128, 128>>>(in, out, kCount);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
