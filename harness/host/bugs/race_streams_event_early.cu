// bug: race_streams
// finding: race on global memory
// sanitizer: racecheck
//
// The event is recorded before the launch that it is to stand for.
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
  cudaStream_t producer = nullptr;
  cudaStream_t consumer = nullptr;
  Require(cudaStreamCreate(&producer));
  Require(cudaStreamCreate(&consumer));
  cudaEvent_t produced = nullptr;
  Require(cudaEventCreateWithFlags(&produced, cudaEventDisableTiming));
  if (!kTwin) Require(cudaEventRecord(produced, producer));
  Produce<<<1, kCount, 0, producer>>>(data);
  if (kTwin) Require(cudaEventRecord(produced, producer));
  Require(cudaStreamWaitEvent(consumer, produced, 0));
  Consume<<<1, kCount, 0, consumer>>>(data, out);
  Finish();
  Require(cudaStreamDestroy(producer));
  Require(cudaStreamDestroy(consumer));
  Require(cudaEventDestroy(produced));
  Require(cudaFree(data));
  Require(cudaFree(out));
  return 0;
}
