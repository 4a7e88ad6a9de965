// bug: out_of_bounds_shared
// finding: out of bounds
// sanitizer: memcheck
//
// The launch asks for as many bytes as there are elements.
#include "harness/host/bugs/bug.h"

__global__ void Reverse(float* data) {
  extern __shared__ float tile[];
  const int t = static_cast<int>(threadIdx.x);
  tile[t] = data[t];  // BUG
  __syncthreads();
  data[t] = tile[blockDim.x - 1 - t];  // BUG
}

int main() {
  constexpr int kThreads = 128;
  float* data = DeviceZeros<float>(kThreads);
  const size_t shared_bytes = kTwin ? kThreads * sizeof(float) : kThreads;
  Reverse<<<1, kThreads, shared_bytes>>>(data);
  Finish();
  Require(cudaFree(data));
  return 0;
}
