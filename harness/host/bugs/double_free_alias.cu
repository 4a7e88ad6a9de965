// bug: double_free
// finding: double free
// sanitizer: memcheck
//
// In place: input and output are one buffer, and both are freed.
#include "harness/host/bugs/bug.h"

__global__ void Double(const int* in, int* out) { out[threadIdx.x] = 2 * in[threadIdx.x]; }

int main() {
  cudaStream_t stream = nullptr;
  Require(cudaStreamCreate(&stream));
  int* in = nullptr;
  Require(cudaMallocAsync(&in, 64 * sizeof(int), stream));
  Require(cudaMemsetAsync(in, 0, 64 * sizeof(int), stream));
  int* out = in;
  if (kTwin) Require(cudaMallocAsync(&out, 64 * sizeof(int), stream));
  Double<<<1, 64, 0, stream>>>(in, out);
  Require(cudaFreeAsync(in, stream));
  Require(cudaFreeAsync(out, stream));  // BUG
  Finish();
  Require(cudaStreamDestroy(stream));
  return 0;
}
