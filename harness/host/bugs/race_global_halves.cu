// bug: race_global
// finding: race on global memory
// sanitizer: racecheck
//
// Two threads share a word, a half each. Each writes its half, which is fine, or the whole word.
#include "harness/host/bugs/bug.h"

struct alignas(4) Pair {
  unsigned short low;
  unsigned short high;
};

__global__ void Number(Pair* pairs) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  const auto value = static_cast<unsigned short>(i);
  if (kTwin) {
    if (i % 2 == 0) pairs[i / 2].low = value;
    if (i % 2 == 1) pairs[i / 2].high = value;
  } else {
    Pair copy = pairs[i / 2];  // BUG
    if (i % 2 == 0) copy.low = value;
    if (i % 2 == 1) copy.high = value;
    pairs[i / 2] = copy;  // BUG
  }
}

int main() {
  Pair* pairs = DeviceZeros<Pair>(64);
  Number<<<2, 64>>>(pairs);
  Finish();
  Require(cudaFree(pairs));
  return 0;
}
