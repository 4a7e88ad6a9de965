// bug: race_blocks
// finding: race on global memory
// sanitizer: racecheck
//
// A stencil in place. Within a block a tile and a barrier keep reads before writes; at the borders nothing does.
#include "harness/host/bugs/bug.h"

constexpr int kThreads = 64;

__global__ void Smooth(const float* in, float* out, int n) {
  __shared__ float tile[kThreads + 2];
  const int t = static_cast<int>(threadIdx.x);
  const int i = static_cast<int>(blockIdx.x) * kThreads + t;
  tile[t + 1] = in[i];
  if (t == 0) tile[0] = i > 0 ? in[i - 1] : 0.0f;                            // BUG
  if (t == kThreads - 1) tile[kThreads + 1] = i + 1 < n ? in[i + 1] : 0.0f;  // BUG
  __syncthreads();
  out[i] = 0.25f * tile[t] + 0.5f * tile[t + 1] + 0.25f * tile[t + 2];  // BUG
}

int main() {
  constexpr int kBlocks = 4;
  constexpr int kCount = kBlocks * kThreads;
  float* in = DeviceZeros<float>(kCount);
  float* out = DeviceZeros<float>(kCount);
  Smooth<<<kBlocks, kThreads>>>(in, kTwin ? out : in, kCount);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
