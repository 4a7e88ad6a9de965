// bug: race_streams
// finding: race on global memory
// sanitizer: racecheck
//
// Two streams work on a half each, and a third joins them: both, or by mistake the same one twice.
#include "harness/host/bugs/bug.h"

constexpr int kHalf = 64;

__global__ void Produce(int* data) {
  data[threadIdx.x] = static_cast<int>(threadIdx.x);  // BUG
}

__global__ void Consume(const int* data, int* out) {
  out[threadIdx.x] = data[threadIdx.x] + data[kHalf + threadIdx.x];  // BUG
}

int main() {
  int* data = DeviceZeros<int>(2 * kHalf);
  int* out = DeviceZeros<int>(kHalf);
  cudaStream_t streams[3] = {};
  cudaEvent_t produced[2] = {};
  for (cudaStream_t& stream : streams) Require(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  for (cudaEvent_t& event : produced) Require(cudaEventCreate(&event));
  for (int k = 0; k < 2; ++k) {
    Produce<<<1, kHalf, 0, streams[k]>>>(data + k * kHalf);
    Require(cudaEventRecord(produced[k], streams[k]));
  }
  Require(cudaStreamWaitEvent(streams[2], produced[0], 0));
  Require(cudaStreamWaitEvent(streams[2], produced[kTwin ? 1 : 0], 0));
  Consume<<<1, kHalf, 0, streams[2]>>>(data, out);
  Finish();
  for (cudaEvent_t event : produced) Require(cudaEventDestroy(event));
  for (cudaStream_t stream : streams) Require(cudaStreamDestroy(stream));
  Require(cudaFree(data));
  Require(cudaFree(out));
  return 0;
}
