// bug: uninitialised_global
// finding: uninitialised read
// sanitizer: initcheck
//
// Cleared as many bytes as there are elements: a quarter.
#include "harness/host/bugs/bug.h"

__global__ void Copy(const int* in, int* out) {
  out[threadIdx.x] = in[threadIdx.x] + 1;  // BUG
}

int main() {
  constexpr int kCount = 128;
  int* in = nullptr;
  Require(cudaMalloc(&in, kCount * sizeof(int)));
  Require(cudaMemset(in, 0, kTwin ? kCount * sizeof(int) : kCount));
  int* out = DeviceZeros<int>(kCount);
  Copy<<<1, kCount>>>(in, out);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
