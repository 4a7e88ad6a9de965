// bug: out_of_bounds_global
// finding: out of bounds
// sanitizer: memcheck
//
// Four elements at a time, and four do not divide their number: the last access begins inside and ends outside.
#include "harness/host/bugs/bug.h"

__global__ void Copy(const float* in, float* out, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x) * 4;
  if (i >= n) return;
  if (kTwin && i + 4 > n) {
    for (int k = i; k < n; ++k) out[k] = in[k];
    return;
  }
  *reinterpret_cast<float4*>(out + i) = *reinterpret_cast<const float4*>(in + i);  // BUG
}

int main() {
  constexpr int kCount = 1022;
  float* in = DeviceZeros<float>(kCount);
  float* out = DeviceZeros<float>(kCount);
  Copy<<<2, 128>>>(in, out, kCount);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
