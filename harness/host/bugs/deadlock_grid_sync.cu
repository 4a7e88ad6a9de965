// bug: deadlock
// finding: deadlock
// sanitizer: synccheck
// hangs: yes
//
// Blocks without work return before the grid's barrier, which unlike the block's counts those that have exited.
#include <cooperative_groups.h>

#include "harness/host/bugs/bug.h"

constexpr unsigned kThreads = 32;

__global__ void TwoPhases(int* first, int* second, unsigned busy_blocks) {
  const unsigned i = blockIdx.x * kThreads + threadIdx.x;
  const bool busy = blockIdx.x < busy_blocks;
  if (!kTwin && !busy) return;
  if (busy) first[i] = static_cast<int>(i);
  cooperative_groups::this_grid().sync();  // BUG
  if (busy) second[i] = first[busy_blocks * kThreads - 1 - i];
}

int main() {
  unsigned busy_blocks = 3;
  int* first = DeviceZeros<int>(busy_blocks * kThreads);
  int* second = DeviceZeros<int>(busy_blocks * kThreads);
  void* arguments[] = {&first, &second, &busy_blocks};
  Require(cudaLaunchCooperativeKernel(reinterpret_cast<const void*>(&TwoPhases), dim3(4), dim3(kThreads), arguments, 0,
                                      nullptr));
  Finish();
  Require(cudaFree(first));
  Require(cudaFree(second));
  return 0;
}
