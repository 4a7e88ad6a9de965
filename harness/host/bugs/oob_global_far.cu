// bug: out_of_bounds_global
// finding: out of bounds
// sanitizer: memcheck
//
// A pitch in bytes is taken for one in elements: most rows lie far behind the allocation.
#include "harness/host/bugs/bug.h"

__global__ void Number(float* data, size_t pitch_bytes, int width) {
  const size_t stride = kTwin ? pitch_bytes / sizeof(float) : pitch_bytes;
  const int x = static_cast<int>(threadIdx.x);
  if (x < width) data[blockIdx.x * stride + x] = static_cast<float>(x);  // BUG
}

int main() {
  constexpr int kWidth = 100;
  constexpr int kRows = 64;
  float* data = nullptr;
  size_t pitch = 0;
  Require(cudaMallocPitch(&data, &pitch, kWidth * sizeof(float), kRows));
  Number<<<kRows, 128>>>(data, pitch, kWidth);
  Finish();
  Require(cudaFree(data));
  return 0;
}
