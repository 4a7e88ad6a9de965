// bug: misaligned
// finding: misaligned access
// sanitizer: memcheck
//
// A message is a tag of one byte and a number of four; the number is read where it lies, or byte by byte.
#include "harness/host/bugs/bug.h"

constexpr int kMessageBytes = 5;

__global__ void Numbers(const unsigned char* messages, unsigned* out) {
  const unsigned char* const number = messages + threadIdx.x * kMessageBytes + 1;
  if (kTwin) {
    unsigned value = 0;
    for (int k = 0; k < 4; ++k) value |= static_cast<unsigned>(number[k]) << (8 * k);
    out[threadIdx.x] = value;
  } else {
    out[threadIdx.x] = *reinterpret_cast<const unsigned*>(number);  // BUG
  }
}

int main() {
  constexpr int kCount = 32;
  unsigned char* messages = DeviceZeros<unsigned char>(kCount * kMessageBytes);
  unsigned* out = DeviceZeros<unsigned>(kCount);
  Numbers<<<1, kCount>>>(messages, out);
  Finish();
  Require(cudaFree(messages));
  Require(cudaFree(out));
  return 0;
}
