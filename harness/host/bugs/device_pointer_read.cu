// bug: device_pointer_on_host
// finding: device memory used on the host
// sanitizer: crash
//
// The host reads the result where the kernel has left it.
#include "harness/host/bugs/bug.h"

__global__ void Fill(int* data) { data[threadIdx.x] = 7; }

int main() {
  int* data = DeviceZeros<int>(32);
  Fill<<<1, 32>>>(data);
  Finish();
  int first = 0;
  if (kTwin) {
    Require(cudaMemcpy(&first, data, sizeof(first), cudaMemcpyDeviceToHost));
  } else {
    first = data[0];  // BUG
  }
  Require(cudaFree(data));
  return first == 7 ? 0 : 1;
}
