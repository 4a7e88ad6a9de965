// bug: race_blocks
// finding: race on global memory
// sanitizer: racecheck
//
// The block that finishes last adds up what all have left. The count alone does not make the parts visible.
#include "harness/host/bugs/bug.h"

constexpr int kBlocks = 16;

__global__ void Sum(const float* in, float* parts, unsigned* finished, float* out) {
  __shared__ bool last;
  if (threadIdx.x == 0) {
    parts[blockIdx.x] = in[blockIdx.x];  // BUG
    if (kTwin) __threadfence();
    last = atomicAdd(finished, 1u) == gridDim.x - 1;
    if (kTwin) __threadfence();
  }
  __syncthreads();
  if (!last) return;
  // Thread t reads part t; what the last block's threads read is ordered behind thread 0's fence by the barrier.
  if (threadIdx.x < kBlocks) atomicAdd(out, parts[threadIdx.x]);  // BUG
}

int main() {
  float* in = DeviceZeros<float>(kBlocks);
  float* parts = DeviceZeros<float>(kBlocks);
  unsigned* finished = DeviceZeros<unsigned>(1);
  float* out = DeviceZeros<float>(1);
  Sum<<<kBlocks, 64>>>(in, parts, finished, out);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(parts));
  Require(cudaFree(finished));
  Require(cudaFree(out));
  return 0;
}
