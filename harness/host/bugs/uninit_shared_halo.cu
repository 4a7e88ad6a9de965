// bug: uninitialised_shared
// finding: uninitialised read
// sanitizer: initcheck
//
// At the borders of the array nobody writes the halo.
#include "harness/host/bugs/bug.h"

constexpr int kThreads = 64;

__global__ void Smooth(const float* in, float* out, int n) {
  __shared__ float tile[kThreads + 2];
  const int t = static_cast<int>(threadIdx.x);
  const int i = static_cast<int>(blockIdx.x) * kThreads + t;
  tile[t + 1] = in[i];
  if (t == 0 && i > 0) tile[0] = in[i - 1];
  if (t == kThreads - 1 && i + 1 < n) tile[kThreads + 1] = in[i + 1];
  if (kTwin && i == 0) tile[0] = 0.0f;
  if (kTwin && i == n - 1) tile[kThreads + 1] = 0.0f;
  __syncthreads();
  out[i] = 0.25f * tile[t] + 0.5f * tile[t + 1] + 0.25f * tile[t + 2];  // BUG
}

int main() {
  constexpr int kCount = 3 * kThreads;
  float* in = DeviceZeros<float>(kCount);
  float* out = DeviceZeros<float>(kCount);
  Smooth<<<3, kThreads>>>(in, out, kCount);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
