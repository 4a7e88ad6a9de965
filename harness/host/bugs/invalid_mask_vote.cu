// bug: invalid_mask
// finding: invalid mask
// sanitizer: synccheck
//
// A vote of those who voted yes before, in which all take part. The twin uses the mask where it holds.
#include "harness/host/bugs/bug.h"

__global__ void Vote(const int* in, int* out) {
  const int lane = static_cast<int>(threadIdx.x);
  const bool even = lane % 2 == 0;
  const unsigned evens = __ballot_sync(0xffffffffu, even);
  int any = 0;
  if (!kTwin || even) any = __any_sync(evens, in[lane] == 0);  // BUG
  out[lane] = any;
}

int main() {
  int* in = DeviceZeros<int>(32);
  int* out = DeviceZeros<int>(32);
  Vote<<<1, 32>>>(in, out);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
