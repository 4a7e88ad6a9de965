// bug: out_of_bounds_global
// finding: out of bounds
// sanitizer: memcheck
//
// The guard lets one thread too many through.
#include "harness/host/bugs/bug.h"

__global__ void Scale(float* data, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int last = kTwin ? n - 1 : n;
  if (i <= last) data[i] *= 2.0f;  // BUG
}

int main() {
  constexpr int kCount = 1000;
  float* data = DeviceZeros<float>(kCount);
  Scale<<<(kCount + 127) / 128, 128>>>(data, kCount);
  Finish();
  Require(cudaFree(data));
  return 0;
}
