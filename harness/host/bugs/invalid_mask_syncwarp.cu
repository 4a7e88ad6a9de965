// bug: invalid_mask
// finding: invalid mask
// sanitizer: synccheck
//
// The mask is for the lanes that have an element, and the others come along.
#include "harness/host/bugs/bug.h"

__global__ void Reverse(int* data, int n) {
  __shared__ int tile[32];
  const int lane = static_cast<int>(threadIdx.x);
  const unsigned mask = (1u << n) - 1;
  if (lane < n) tile[lane] = data[lane];
  if (!kTwin || lane < n) __syncwarp(mask);  // BUG
  if (lane < n) data[lane] = tile[n - 1 - lane];
}

int main() {
  constexpr int kCount = 20;
  int* data = DeviceZeros<int>(kCount);
  Reverse<<<1, 32>>>(data, kCount);
  Finish();
  Require(cudaFree(data));
  return 0;
}
