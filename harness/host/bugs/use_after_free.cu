// bug: use_after_free
// finding: use after free
// sanitizer: memcheck
//
// Freed between two launches that both need it.
#include "harness/host/bugs/bug.h"

__global__ void Increment(int* data) {
  data[threadIdx.x] += 1;  // BUG
}

int main() {
  int* data = DeviceZeros<int>(64);
  Increment<<<1, 64>>>(data);
  Finish();
  if (!kTwin) Require(cudaFree(data));
  Increment<<<1, 64>>>(data);
  Finish();
  if (kTwin) Require(cudaFree(data));
  return 0;
}
