// bug: out_of_bounds_shared
// finding: out of bounds
// sanitizer: memcheck
//
// The tile has no room for the halo.
#include "harness/host/bugs/bug.h"

constexpr int kThreads = 256;

__global__ void Smooth(const float* in, float* out) {
  __shared__ float tile[kTwin ? kThreads + 1 : kThreads];
  const int t = static_cast<int>(threadIdx.x);
  const float* const mine = in + blockIdx.x * blockDim.x;
  tile[t] = mine[t];
  if (t == 0) tile[blockDim.x] = mine[blockDim.x];  // BUG
  __syncthreads();
  out[blockIdx.x * blockDim.x + t] = 0.5f * (tile[t] + tile[t + 1]);  // BUG
}

int main() {
  constexpr int kBlocks = 3;
  float* in = DeviceZeros<float>(kBlocks * kThreads + 1);
  float* out = DeviceZeros<float>(kBlocks * kThreads);
  Smooth<<<kBlocks, kThreads>>>(in, out);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
