// bug: double_free
// finding: double free
// sanitizer: memcheck
//
// Two owners free one buffer. In the twin the first forgets it, and freeing a null pointer does nothing.
#include "harness/host/bugs/bug.h"

__global__ void Increment(int* data) { data[threadIdx.x] += 1; }

int main() {
  int* data = DeviceZeros<int>(64);
  Increment<<<1, 64>>>(data);
  Finish();
  Require(cudaFree(data));
  if (kTwin) data = nullptr;
  Require(cudaFree(data));  // BUG
  return 0;
}
