// bug: leak
// finding: leak
// sanitizer: memcheck
//
// A scratch buffer grows, and the one before it is forgotten.
#include "harness/host/bugs/bug.h"

__global__ void Fill(int* data, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) data[i] = i;
}

int main() {
  int* scratch = nullptr;
  for (int n = 64; n <= 256; n *= 2) {
    if (kTwin) Require(cudaFree(scratch));
    Require(cudaMalloc(&scratch, n * sizeof(int)));  // BUG
    Fill<<<(n + 63) / 64, 64>>>(scratch, n);
    Finish();
  }
  Require(cudaFree(scratch));
  return 0;
}
