// bug: race_host
// finding: race on
// sanitizer: racecheck
//
// The host looks at managed memory while the kernel writes it. The twin asks the stream until it is done.
#include "harness/host/bugs/bug.h"

constexpr int kCount = 64;

__global__ void Number(int* data) {
  data[threadIdx.x] = static_cast<int>(threadIdx.x);  // BUG
}

int main() {
  cudaStream_t stream = nullptr;
  Require(cudaStreamCreate(&stream));
  int* data = nullptr;
  Require(cudaMallocManaged(&data, kCount * sizeof(int)));
  for (int i = 0; i < kCount; ++i) data[i] = 0;
  Number<<<1, kCount, 0, stream>>>(data);
  while (kTwin && cudaStreamQuery(stream) == cudaErrorNotReady) {
    (void)cudaGetLastError();  // "not ready" is noted like an error
  }
  int sum = 0;
  for (int i = 0; i < kCount; ++i) sum += data[i];  // BUG
  Finish();
  Require(cudaFree(data));
  Require(cudaStreamDestroy(stream));
  return sum < 0 ? 1 : 0;
}
