// bug: race_blocks
// finding: race on global memory
// sanitizer: racecheck
//
// The second phase reads what other blocks write in the first.
#include <cooperative_groups.h>

#include "harness/host/bugs/bug.h"

__global__ void TwoPhases(int* first, int* second) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  const unsigned n = gridDim.x * blockDim.x;
  first[i] = static_cast<int>(i);  // BUG
  if (kTwin) {
    cooperative_groups::this_grid().sync();
  } else {
    __syncthreads();
  }
  second[i] = first[n - 1 - i];  // BUG
}

int main() {
  constexpr unsigned kBlocks = 4;
  constexpr unsigned kThreads = 64;
  int* first = DeviceZeros<int>(kBlocks * kThreads);
  int* second = DeviceZeros<int>(kBlocks * kThreads);
  void* arguments[] = {&first, &second};
  Require(cudaLaunchCooperativeKernel(reinterpret_cast<const void*>(&TwoPhases), dim3(kBlocks), dim3(kThreads),
                                      arguments, 0, nullptr));
  Finish();
  Require(cudaFree(first));
  Require(cudaFree(second));
  return 0;
}
