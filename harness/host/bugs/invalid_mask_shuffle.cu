// bug: invalid_mask
// finding: invalid mask
// sanitizer: synccheck
//
// Sixteen lanes shuffle with a mask for eight.
#include "harness/host/bugs/bug.h"

__global__ void SumHalf(int* data) {
  const int lane = static_cast<int>(threadIdx.x);
  if (lane >= 16) return;
  int sum = data[lane];
  for (int distance = 8; distance > 0; distance /= 2) {
    sum += __shfl_xor_sync(kTwin ? 0x0000ffffu : 0x000000ffu, sum, distance);  // BUG
  }
  data[lane] = sum;
}

int main() {
  int* data = DeviceZeros<int>(32);
  SumHalf<<<1, 32>>>(data);
  Finish();
  Require(cudaFree(data));
  return 0;
}
