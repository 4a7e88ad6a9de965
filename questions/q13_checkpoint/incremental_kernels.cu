#include <algorithm>

#include "questions/q13_checkpoint/incremental_kernels.h"

namespace q13::judge {
namespace {

constexpr int kThreads = 256;
constexpr int kAtOnce = 8;  // vectors of a thread that are in flight

__global__ void RandomKernel(uint64_t* words, size_t count, uint64_t key) {
  const size_t stride = static_cast<size_t>(gridDim.x) * kThreads;
  for (size_t i = static_cast<size_t>(blockIdx.x) * kThreads + threadIdx.x; i < count; i += stride) {
    uint64_t value = key + i + 0x9e3779b97f4a7c15u;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    words[i] = value ^ (value >> 31);
  }
}

__global__ void __launch_bounds__(kThreads) ReadKernel(const uint4* vectors, size_t count, uint32_t* sink) {
  const size_t first = static_cast<size_t>(blockIdx.x) * kThreads * kAtOnce + threadIdx.x;
  uint32_t all = 0;
#pragma unroll
  for (int i = 0; i < kAtOnce; ++i) {
    const size_t at = first + static_cast<size_t>(i) * kThreads;
    if (at < count) {
      const uint4 v = vectors[at];
      all ^= v.x ^ v.y ^ v.z ^ v.w;
    }
  }
  if (all == 0x12345678u) *sink = all;  // or the reads would not be made
}

}  // namespace

cudaError_t FillRandomWords(uint64_t* words, size_t count, uint64_t key, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  const auto blocks = static_cast<unsigned>(std::min<size_t>((count + kThreads - 1) / kThreads, 4096));
  RandomKernel<<<blocks, kThreads, 0, stream>>>(words, count, key);
  return cudaGetLastError();
}

cudaError_t ReadOnce(const void* vectors, size_t count, uint32_t* sink, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  constexpr size_t kOfBlock = static_cast<size_t>(kThreads) * kAtOnce;
  const auto blocks = static_cast<unsigned>((count + kOfBlock - 1) / kOfBlock);
  ReadKernel<<<blocks, kThreads, 0, stream>>>(static_cast<const uint4*>(vectors), count, sink);
  return cudaGetLastError();
}

}  // namespace q13::judge
