// bug: host_pointer_in_kernel
// finding: host memory used in a kernel
// sanitizer: memcheck
//
// The result goes straight into a variable of the host. The twin's is managed memory.
#include "harness/host/bugs/bug.h"

__global__ void Count(int* result) {
  atomicAdd(result, 1);  // BUG
}

int main() {
  int variable = 0;
  int* result = &variable;
  if (kTwin) {
    Require(cudaMallocManaged(&result, sizeof(int)));
    *result = 0;
  }
  Count<<<2, 32>>>(result);
  Finish();
  const int count = *result;
  if (kTwin) Require(cudaFree(result));
  return kTwin && count != 64 ? 1 : 0;
}
