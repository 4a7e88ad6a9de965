// bug: race_shared
// finding: race on shared memory
// sanitizer: racecheck
//
// Four threads share a word, a byte each. Each writes its byte, which is fine, or the whole word.
#include "harness/host/bugs/bug.h"

constexpr int kThreads = 64;

__global__ void Mark(unsigned* out) {
  __shared__ uchar4 marks[kThreads / 4];
  const int t = static_cast<int>(threadIdx.x);
  if (t < kThreads / 4) marks[t] = uchar4{0, 0, 0, 0};
  __syncthreads();
  uchar4& word = marks[t / 4];
  if (kTwin) {
    if (t % 4 == 0) word.x = 1;
    if (t % 4 == 1) word.y = 1;
    if (t % 4 == 2) word.z = 1;
    if (t % 4 == 3) word.w = 1;
  } else {
    uchar4 copy = word;  // BUG
    if (t % 4 == 0) copy.x = 1;
    if (t % 4 == 1) copy.y = 1;
    if (t % 4 == 2) copy.z = 1;
    if (t % 4 == 3) copy.w = 1;
    word = copy;  // BUG
  }
  __syncthreads();
  const uchar4 other = marks[(kThreads - 1 - t) / 4];
  out[t] = other.x + other.y + other.z + other.w;
}

int main() {
  unsigned* out = DeviceZeros<unsigned>(kThreads);
  Mark<<<1, kThreads>>>(out);
  Finish();
  Require(cudaFree(out));
  return 0;
}
