// bug: deadlock
// finding: deadlock
// sanitizer: synccheck
// hangs: yes
//
// Two blocks, each waits for the other's flag and then raises its own. The twin's raise theirs first.
#include "harness/host/bugs/bug.h"

__global__ void Meet(volatile int* flags) {
  volatile int* const mine = flags + blockIdx.x;
  volatile int* const other = flags + 1 - blockIdx.x;
  if (kTwin) *mine = 1;
  while (*other == 0) {  // BUG
  }
  *mine = 1;
}

int main() {
  int* flags = DeviceZeros<int>(2);
  void* arguments[] = {&flags};
  // Cooperative, so that both run at the same time.
  Require(cudaLaunchCooperativeKernel(reinterpret_cast<const void*>(&Meet), dim3(2), dim3(1), arguments, 0, nullptr));
  Finish();
  Require(cudaFree(flags));
  return 0;
}
