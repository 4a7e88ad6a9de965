// bug: use_after_free
// finding: use after free
// sanitizer: memcheck
//
// Freed in the stream before the kernel that needs it. The twin frees before the kernel has run, too, but behind it.
#include "harness/host/bugs/bug.h"

__global__ void Increment(int* data) {
  data[threadIdx.x] += 1;  // BUG
}

int main() {
  cudaStream_t stream = nullptr;
  Require(cudaStreamCreate(&stream));
  int* data = nullptr;
  Require(cudaMallocAsync(&data, 64 * sizeof(int), stream));
  Require(cudaMemsetAsync(data, 0, 64 * sizeof(int), stream));
  if (!kTwin) Require(cudaFreeAsync(data, stream));
  Increment<<<1, 64, 0, stream>>>(data);
  if (kTwin) Require(cudaFreeAsync(data, stream));
  Finish();
  Require(cudaStreamDestroy(stream));
  return 0;
}
