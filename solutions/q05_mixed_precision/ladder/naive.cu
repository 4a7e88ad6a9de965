// Rung 1: a thread for each element of D.
//
// Every product costs two loads. The caches serve most of them, but a load for each operation is still what the kernel
// waits for: neighbouring threads share a row of A (one address, broadcast) and read rows of B that lie k apart.
#include "solutions/q05_mixed_precision/ladder/ladder.h"

namespace ladder {
namespace {

constexpr int kSide = 16;

__global__ void NaiveKernel(Problem p) {
  const int row = blockIdx.y * kSide + threadIdx.y, column = blockIdx.x * kSide + threadIdx.x;
  float sum = 0;
  for (int i = 0; i < p.k; ++i) {
    sum += __bfloat162float(p.a[static_cast<size_t>(row) * p.k + i]) *
           __bfloat162float(p.b[static_cast<size_t>(column) * p.k + i]);
  }
  p.d[static_cast<size_t>(row) * p.n + column] = __float2bfloat16(sum);
}

}  // namespace

cudaError_t Naive(const Problem& problem, cudaStream_t stream) {
  NaiveKernel<<<dim3(problem.n / kSide, problem.m / kSide), dim3(kSide, kSide), 0, stream>>>(problem);
  return cudaGetLastError();
}

}  // namespace ladder
