// bug: uninitialised_global
// finding: uninitialised read
// sanitizer: initcheck
//
// Sums are added to what cudaMalloc has left there.
#include "harness/host/bugs/bug.h"

__global__ void Add(const float* in, float* sums) {
  sums[threadIdx.x] += in[threadIdx.x];  // BUG
}

int main() {
  constexpr int kCount = 128;
  float* in = DeviceZeros<float>(kCount);
  float* sums = nullptr;
  Require(cudaMalloc(&sums, kCount * sizeof(float)));
  if (kTwin) Require(cudaMemset(sums, 0, kCount * sizeof(float)));
  Add<<<1, kCount>>>(in, sums);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(sums));
  return 0;
}
