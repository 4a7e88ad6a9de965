// bug: leak
// finding: leak
// sanitizer: memcheck
//
// The way out for empty results frees one buffer of two.
#include "harness/host/bugs/bug.h"

__global__ void Count(const int* in, int* result) {
  if (in[threadIdx.x] != 0) atomicAdd(result, 1);
}

bool AnyPositive(const int* in, int n) {
  int* result = nullptr;
  int* copy = nullptr;
  Require(cudaMalloc(&result, sizeof(int)));
  Require(cudaMalloc(&copy, n * sizeof(int)));  // BUG
  Require(cudaMemset(result, 0, sizeof(int)));
  Require(cudaMemcpy(copy, in, n * sizeof(int), cudaMemcpyDeviceToDevice));
  Count<<<1, n>>>(copy, result);
  int found = 0;
  Require(cudaMemcpy(&found, result, sizeof(int), cudaMemcpyDeviceToHost));
  Require(cudaFree(result));
  if (!kTwin && found == 0) return false;
  Require(cudaFree(copy));
  return found != 0;
}

int main() {
  int* in = DeviceZeros<int>(64);
  const bool any = AnyPositive(in, 64);
  Require(cudaFree(in));
  return any ? 1 : 0;
}
