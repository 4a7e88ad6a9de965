// bug: race_streams
// finding: race on global memory
// sanitizer: racecheck
//
// The default stream orders itself with blocking streams and with no other. The twin relies on that.
#include "harness/host/bugs/bug.h"

constexpr int kCount = 256;

__global__ void Produce(int* data) {
  data[threadIdx.x] = static_cast<int>(threadIdx.x);  // BUG
}

__global__ void Consume(const int* data, int* out) {
  out[threadIdx.x] = data[kCount - 1 - threadIdx.x];  // BUG
}

int main() {
  int* data = DeviceZeros<int>(kCount);
  int* out = DeviceZeros<int>(kCount);
  cudaStream_t consumer = nullptr;
  Require(cudaStreamCreateWithFlags(&consumer, kTwin ? cudaStreamDefault : cudaStreamNonBlocking));
  Produce<<<1, kCount>>>(data);
  Consume<<<1, kCount, 0, consumer>>>(data, out);
  Finish();
  Require(cudaStreamDestroy(consumer));
  Require(cudaFree(data));
  Require(cudaFree(out));
  return 0;
}
