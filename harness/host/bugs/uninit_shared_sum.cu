// bug: uninitialised_shared
// finding: uninitialised read
// sanitizer: initcheck
//
// Shared memory does not begin with zeros, even if it mostly does.
#include "harness/host/bugs/bug.h"

__global__ void Sum(const int* in, int* out) {
  __shared__ int sum;
  if (kTwin && threadIdx.x == 0) sum = 0;
  __syncthreads();
  atomicAdd(&sum, in[threadIdx.x]);  // BUG
  __syncthreads();
  if (threadIdx.x == 0) *out = sum;  // BUG
}

int main() {
  int* in = DeviceZeros<int>(64);
  int* out = DeviceZeros<int>(1);
  Sum<<<1, 64>>>(in, out);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
