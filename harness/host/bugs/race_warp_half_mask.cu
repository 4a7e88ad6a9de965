// bug: race_warp
// finding: race on shared memory
// sanitizer: racecheck
//
// Each half of a warp synchronises by itself, which is enough for an exchange within the half, and for no other.
#include "harness/host/bugs/bug.h"

__global__ void Swap(int* data) {
  __shared__ int tile[32];
  const int lane = static_cast<int>(threadIdx.x);
  const int partner = kTwin ? lane ^ 8 : lane ^ 16;
  tile[lane] = data[lane];  // BUG
  __syncwarp(lane < 16 ? 0x0000ffffu : 0xffff0000u);
  data[lane] = tile[partner];  // BUG
}

int main() {
  int* data = DeviceZeros<int>(32);
  Swap<<<1, 32>>>(data);
  Finish();
  Require(cudaFree(data));
  return 0;
}
