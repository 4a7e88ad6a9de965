// bug: race_streams
// finding: race on global memory
// sanitizer: racecheck
//
// Two buffers, filled by one stream and drained by another. Draining waits for filling; filling a buffer again has to
// wait for its draining, too.
#include "harness/host/bugs/bug.h"

constexpr int kCount = 128;
constexpr int kBatches = 4;

__global__ void Fill(int* buffer, int batch) {
  buffer[threadIdx.x] = batch;  // BUG
}

__global__ void Drain(const int* buffer, int* out) {
  out[threadIdx.x] += buffer[kCount - 1 - threadIdx.x];  // BUG
}

int main() {
  int* buffers[2] = {DeviceZeros<int>(kCount), DeviceZeros<int>(kCount)};
  int* out = DeviceZeros<int>(kCount);
  cudaStream_t filling = nullptr;
  cudaStream_t draining = nullptr;
  Require(cudaStreamCreate(&filling));
  Require(cudaStreamCreate(&draining));
  cudaEvent_t filled[2] = {};
  cudaEvent_t drained[2] = {};
  for (int k = 0; k < 2; ++k) {
    Require(cudaEventCreate(&filled[k]));
    Require(cudaEventCreate(&drained[k]));
  }
  for (int batch = 0; batch < kBatches; ++batch) {
    const int k = batch % 2;
    if (kTwin && batch >= 2) Require(cudaStreamWaitEvent(filling, drained[k], 0));
    Fill<<<1, kCount, 0, filling>>>(buffers[k], batch);
    Require(cudaEventRecord(filled[k], filling));
    Require(cudaStreamWaitEvent(draining, filled[k], 0));
    Drain<<<1, kCount, 0, draining>>>(buffers[k], out);
    Require(cudaEventRecord(drained[k], draining));
  }
  Finish();
  for (int k = 0; k < 2; ++k) {
    Require(cudaEventDestroy(filled[k]));
    Require(cudaEventDestroy(drained[k]));
    Require(cudaFree(buffers[k]));
  }
  Require(cudaStreamDestroy(filling));
  Require(cudaStreamDestroy(draining));
  Require(cudaFree(out));
  return 0;
}
