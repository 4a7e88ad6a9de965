// bug: out_of_bounds_global
// finding: out of bounds
// sanitizer: memcheck
//
// The first element has no left neighbour.
#include "harness/host/bugs/bug.h"

__global__ void Differences(const float* in, float* out, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  if (kTwin && i == 0) {
    out[i] = in[i];
    return;
  }
  out[i] = in[i] - in[i - 1];  // BUG
}

int main() {
  constexpr int kCount = 500;
  float* in = DeviceZeros<float>(kCount);
  float* out = DeviceZeros<float>(kCount);
  Differences<<<(kCount + 127) / 128, 128>>>(in, out, kCount);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
