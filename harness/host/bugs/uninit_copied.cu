// bug: uninitialised_global
// finding: uninitialised read
// sanitizer: initcheck
//
// A copy of garbage is garbage. Copying it is no bug: the twin does it, too, and writes the copy before it is read.
#include "harness/host/bugs/bug.h"

__global__ void Increment(int* data) {
  data[threadIdx.x] += 1;  // BUG
}

int main() {
  constexpr int kCount = 128;
  int* source = nullptr;
  int* copy = DeviceZeros<int>(kCount);
  Require(cudaMalloc(&source, kCount * sizeof(int)));
  Require(cudaMemcpy(copy, source, kCount * sizeof(int), cudaMemcpyDeviceToDevice));
  if (kTwin) Require(cudaMemset(copy, 0, kCount * sizeof(int)));
  Increment<<<1, kCount>>>(copy);
  Finish();
  Require(cudaFree(source));
  Require(cudaFree(copy));
  return 0;
}
