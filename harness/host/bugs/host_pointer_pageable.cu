// bug: host_pointer_in_kernel
// finding: host memory used in a kernel
// sanitizer: memcheck
//
// A kernel reads what malloc gave. (A GPU that shares the host's page tables would do it.) The twin's is pinned.
#include "harness/host/bugs/bug.h"

__global__ void Double(const float* in, float* out) {
  out[threadIdx.x] = 2.0f * in[threadIdx.x];  // BUG
}

int main() {
  constexpr int kCount = 64;
  float* in = nullptr;
  if (kTwin) {
    Require(cudaMallocHost(&in, kCount * sizeof(float)));
  } else {
    in = static_cast<float*>(std::malloc(kCount * sizeof(float)));
  }
  for (int i = 0; i < kCount; ++i) in[i] = static_cast<float>(i);
  float* out = DeviceZeros<float>(kCount);
  Double<<<1, kCount>>>(in, out);
  Finish();
  Require(cudaFree(out));
  if (kTwin) {
    Require(cudaFreeHost(in));
  } else {
    std::free(in);
  }
  return 0;
}
