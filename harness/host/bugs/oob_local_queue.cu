// bug: out_of_bounds_local
// finding: index 8 out of bounds of int[8]
// sanitizer: memcheck
//
// A thread's queue takes more than it holds: the ninth item falls on the queue's own length.
#include "harness/host/bugs/bug.h"

struct Queue {
  int items[8];
  int length;
};

__global__ void Collect(const int* in, int* out, int n) {
  Queue queue;
  queue.length = 0;
  for (int i = 0; i < n; ++i) {
    if (in[i] != 0) continue;
    if (kTwin && queue.length == 8) break;
    queue.items[queue.length] = i;  // BUG
    ++queue.length;
  }
  int sum = 0;
  for (int k = 0; k < queue.length && k < 8; ++k) sum += queue.items[k];
  out[threadIdx.x] = sum;
}

int main() {
  constexpr int kThreads = 32;
  constexpr int kCount = 9;
  int* in = DeviceZeros<int>(kCount);
  int* out = DeviceZeros<int>(kThreads);
  Collect<<<1, kThreads>>>(in, out, kCount);
  Finish();
  Require(cudaFree(in));
  Require(cudaFree(out));
  return 0;
}
