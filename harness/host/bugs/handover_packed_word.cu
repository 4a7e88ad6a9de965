// bug: race_blocks
// finding: race on global memory
// sanitizer: racecheck
//
// Without a fence a flag says nothing about other words. In the twin value and flag are one word, and need none.
#include "harness/host/bugs/bug.h"

// The block that comes first produces, and the other consumes: whoever waits, waits for a block that runs.
__global__ void HandOver(int* tickets, unsigned* value, unsigned long long* word, unsigned* out) {
  constexpr unsigned long long kReady = 1ull << 32;
  if (atomicAdd(tickets, 1) == 0) {
    if (!kTwin) *value = 42;  // BUG
    atomicExch(word, kTwin ? kReady | 42 : kReady);
  } else {
    unsigned long long seen = 0;
    while ((seen = atomicAdd(word, 0ull)) == 0) {
    }
    *out = kTwin ? static_cast<unsigned>(seen) : *value;  // BUG
  }
}

int main() {
  int* tickets = DeviceZeros<int>(1);
  unsigned* value = DeviceZeros<unsigned>(1);
  unsigned long long* word = DeviceZeros<unsigned long long>(1);
  unsigned* out = DeviceZeros<unsigned>(1);
  HandOver<<<2, 1>>>(tickets, value, word, out);
  Finish();
  Require(cudaFree(tickets));
  Require(cudaFree(value));
  Require(cudaFree(word));
  Require(cudaFree(out));
  return 0;
}
