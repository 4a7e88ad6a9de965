// bug: out_of_bounds_shared
// finding: index 32 out of bounds of float[32]
// sanitizer: memcheck
//
// The right neighbour of a row's last element is the first of the next row: inside the tile, and wrong.
#include "harness/host/bugs/bug.h"

constexpr int kRows = 8;
constexpr int kWidth = 32;

__global__ void AddRight(const float* in, float* out) {
  __shared__ float tile[kRows + 1][kWidth];
  const int x = static_cast<int>(threadIdx.x);
  const int y = static_cast<int>(threadIdx.y);
  tile[y][x] = in[y * kWidth + x];
  if (y == 0) tile[kRows][x] = 0.0f;
  __syncthreads();
  const int right = kTwin && x + 1 == kWidth ? 0 : x + 1;
  out[y * kWidth + x] = tile[y][x] + tile[y][right];  // BUG
}

int main() {
  float* in = DeviceZeros<float>(kRows * kWidth);
  float* out = DeviceZeros<float>(kRows * kWidth);
  AddRight<<<1, dim3(kWidth, kRows)>>>(in, out);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
