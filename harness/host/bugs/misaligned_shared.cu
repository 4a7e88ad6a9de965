// bug: misaligned
// finding: misaligned access
// sanitizer: memcheck
//
// Dynamic shared memory is carved up: doubles behind an odd number of floats. The twin puts the doubles first.
#include "harness/host/bugs/bug.h"

constexpr int kFloats = 33;
constexpr int kDoubles = 32;

__global__ void Convert(double* out) {
  extern __shared__ double storage[];
  float* const floats = kTwin ? reinterpret_cast<float*>(storage + kDoubles) : reinterpret_cast<float*>(storage);
  double* const doubles = kTwin ? storage : reinterpret_cast<double*>(floats + kFloats);
  const int t = static_cast<int>(threadIdx.x);
  floats[t] = static_cast<float>(t);
  if (t == 0) floats[kFloats - 1] = 0.0f;
  __syncthreads();
  doubles[t] = floats[t + 1];  // BUG
  __syncthreads();
  out[t] = doubles[kDoubles - 1 - t];  // BUG
}

int main() {
  double* out = DeviceZeros<double>(kDoubles);
  Convert<<<1, kDoubles, kFloats * sizeof(float) + kDoubles * sizeof(double)>>>(out);
  Finish();
  Require(cudaFree(out));
  return 0;
}
