// bug: host_pointer_in_kernel
// finding: host memory used in a kernel
// sanitizer: memcheck
//
// The parameters are copied to the device, and what they point to is not.
#include "harness/host/bugs/bug.h"

struct Filter {
  const float* weights;
  int taps;
};

__global__ void Apply(Filter filter, const float* in, float* out) {
  float sum = 0.0f;
  for (int k = 0; k < filter.taps; ++k) sum += filter.weights[k] * in[threadIdx.x + k];  // BUG
  out[threadIdx.x] = sum;
}

int main() {
  constexpr int kCount = 64;
  const float weights[3] = {0.25f, 0.5f, 0.25f};
  float* device_weights = DeviceZeros<float>(3);
  Require(cudaMemcpy(device_weights, weights, sizeof(weights), cudaMemcpyHostToDevice));
  float* in = DeviceZeros<float>(kCount + 2);
  float* out = DeviceZeros<float>(kCount);
  Apply<<<1, kCount>>>(Filter{kTwin ? device_weights : weights, 3}, in, out);
  Finish();
  Require(cudaFree(device_weights));
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
