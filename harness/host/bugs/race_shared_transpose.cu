// bug: race_shared
// finding: race on shared memory
// sanitizer: racecheck
//
// Through a tile, in by rows and out by columns. One thread moves four elements.
#include "harness/host/bugs/bug.h"

constexpr int kTile = 32;
constexpr int kRows = 8;

__global__ void Transpose(const float* in, float* out, int n) {
  __shared__ float tile[kTile][kTile + 1];
  const int x = static_cast<int>(threadIdx.x);
  const int left = static_cast<int>(blockIdx.x) * kTile;
  const int top = static_cast<int>(blockIdx.y) * kTile;
  for (int y = static_cast<int>(threadIdx.y); y < kTile; y += kRows) {
    tile[y][x] = in[(top + y) * n + left + x];  // BUG
  }
  if (kTwin) __syncthreads();
  for (int y = static_cast<int>(threadIdx.y); y < kTile; y += kRows) {
    out[(left + y) * n + top + x] = tile[x][y];  // BUG
  }
}

int main() {
  constexpr int kSize = 64;
  float* in = DeviceZeros<float>(kSize * kSize);
  float* out = DeviceZeros<float>(kSize * kSize);
  Transpose<<<dim3(kSize / kTile, kSize / kTile), dim3(kTile, kRows)>>>(in, out, kSize);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
