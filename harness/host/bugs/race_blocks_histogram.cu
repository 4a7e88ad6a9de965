// bug: race_blocks
// finding: race on global memory
// sanitizer: racecheck
//
// Each block counts in shared memory, as it should, and adds its bins to the grid's without atomics.
#include "harness/host/bugs/bug.h"

constexpr int kBins = 32;

__global__ void Histogram(const int* in, int* out) {
  __shared__ int bins[kBins];
  if (threadIdx.x < kBins) bins[threadIdx.x] = 0;
  __syncthreads();
  atomicAdd(&bins[in[blockIdx.x * blockDim.x + threadIdx.x] % kBins], 1);
  __syncthreads();
  if (threadIdx.x >= kBins) return;
  if (kTwin) {
    atomicAdd(&out[threadIdx.x], bins[threadIdx.x]);
  } else {
    out[threadIdx.x] += bins[threadIdx.x];  // BUG
  }
}

int main() {
  constexpr int kBlocks = 8;
  constexpr int kThreads = 64;
  int* in = DeviceZeros<int>(kBlocks * kThreads);
  int* out = DeviceZeros<int>(kBins);
  Histogram<<<kBlocks, kThreads>>>(in, out);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
