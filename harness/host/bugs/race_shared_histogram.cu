// bug: race_shared
// finding: race on shared memory
// sanitizer: racecheck
//
// A block's bins, counted up without atomics. Many threads meet in one bin.
#include "harness/host/bugs/bug.h"

constexpr int kBins = 16;

__global__ void Histogram(const int* in, int* out) {
  __shared__ int bins[kBins];
  const int t = static_cast<int>(threadIdx.x);
  if (t < kBins) bins[t] = 0;
  __syncthreads();
  const int bin = in[t] % kBins;
  if (kTwin) {
    atomicAdd(&bins[bin], 1);
  } else {
    bins[bin] += 1;  // BUG
  }
  __syncthreads();
  if (t < kBins) out[t] = bins[t];
}

int main() {
  constexpr int kThreads = 128;
  int* in = DeviceZeros<int>(kThreads);
  int* out = DeviceZeros<int>(kBins);
  Histogram<<<1, kThreads>>>(in, out);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
