// bug: barrier_divergence
// finding: barrier divergence
// sanitizer: synccheck
//
// Some threads count at the barrier, the others only wait. The twin's all count; only some use the answer.
#include "harness/host/bugs/bug.h"

__global__ void Positives(const int* in, int* out) {
  const int t = static_cast<int>(threadIdx.x);
  const bool positive = in[t] > 0;
  int count = 0;
  if (kTwin) {
    count = __syncthreads_count(positive);
  } else if (t < 64) {
    count = __syncthreads_count(positive);  // BUG
  } else {
    __syncthreads();  // BUG
  }
  if (t < 64) out[t] = count;
}

int main() {
  int* in = DeviceZeros<int>(128);
  int* out = DeviceZeros<int>(64);
  Positives<<<1, 128>>>(in, out);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
