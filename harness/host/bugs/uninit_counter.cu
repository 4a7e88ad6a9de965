// bug: uninitialised_global
// finding: uninitialised read
// sanitizer: initcheck
//
// Counts up from nowhere. The twin's first kernel sets the counter.
#include "harness/host/bugs/bug.h"

__global__ void Clear(int* count) { *count = 0; }

__global__ void Count(int* count) {
  atomicAdd(count, 1);  // BUG
}

int main() {
  int* count = nullptr;
  Require(cudaMalloc(&count, sizeof(int)));
  if (kTwin) Clear<<<1, 1>>>(count);
  Count<<<2, 64>>>(count);
  Finish();
  Require(cudaFree(count));
  return 0;
}
