// bug: misaligned
// finding: misaligned access
// sanitizer: memcheck
//
// Skips a header of one float, and reads four at a time behind it. The twin's header is four floats long.
#include "harness/host/bugs/bug.h"

__global__ void Sum(const float* in, float* out) {
  const float4 four = reinterpret_cast<const float4*>(in)[threadIdx.x];  // BUG
  out[threadIdx.x] = four.x + four.y + four.z + four.w;
}

int main() {
  constexpr int kThreads = 32;
  constexpr int kHeader = kTwin ? 4 : 1;
  float* in = DeviceZeros<float>(kHeader + 4 * kThreads);
  float* out = DeviceZeros<float>(kThreads);
  Sum<<<1, kThreads>>>(in + kHeader, out);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
