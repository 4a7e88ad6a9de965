// bug: leak
// finding: leak
// sanitizer: memcheck
//
// Stream-ordered memory does not go away with its stream.
#include "harness/host/bugs/bug.h"

__global__ void Fill(int* data) { data[threadIdx.x] = 1; }

int main() {
  cudaStream_t stream = nullptr;
  Require(cudaStreamCreate(&stream));
  int* data = nullptr;
  Require(cudaMallocAsync(&data, 64 * sizeof(int), stream));  // BUG
  Fill<<<1, 64, 0, stream>>>(data);
  if (kTwin) Require(cudaFreeAsync(data, stream));
  Finish();
  Require(cudaStreamDestroy(stream));
  return 0;
}
