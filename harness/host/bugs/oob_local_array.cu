// bug: out_of_bounds_local
// finding: index 4 out of bounds of float[4]
// sanitizer: memcheck
//
// The four largest values, sorted by insertion: the values that are pushed out are shifted one place too far.
#include "harness/host/bugs/bug.h"

__global__ void TopFour(const float* in, float* out, int n, int last) {
  float best[4] = {-1e30f, -1e30f, -1e30f, -1e30f};
  for (int i = static_cast<int>(threadIdx.x); i < n; i += static_cast<int>(blockDim.x)) {
    const float value = in[i];
    if (value <= best[3]) continue;
    int place = last;
    for (; place > 0 && best[place - 1] < value; --place) best[place] = best[place - 1];  // BUG
    best[place] = value;
  }
  for (int k = 0; k < 4; ++k) out[threadIdx.x * 4 + k] = best[k];
}

int main() {
  constexpr int kThreads = 32;
  constexpr int kCount = 320;
  float* in = DeviceZeros<float>(kCount);
  float* out = DeviceZeros<float>(kThreads * 4);
  TopFour<<<1, kThreads>>>(in, out, kCount, kTwin ? 3 : 4);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
