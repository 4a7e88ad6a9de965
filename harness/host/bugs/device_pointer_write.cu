// bug: device_pointer_on_host
// finding: device memory used on the host
// sanitizer: crash
//
// The host fills a buffer of the device. The twin's is managed memory.
#include "harness/host/bugs/bug.h"

__global__ void Increment(int* data) { data[threadIdx.x] += 1; }

int main() {
  constexpr int kCount = 32;
  int* data = nullptr;
  if (kTwin) {
    Require(cudaMallocManaged(&data, kCount * sizeof(int)));
  } else {
    Require(cudaMalloc(&data, kCount * sizeof(int)));
  }
  for (int i = 0; i < kCount; ++i) data[i] = i;  // BUG
  Increment<<<1, kCount>>>(data);
  Finish();
  Require(cudaFree(data));
  return 0;
}
