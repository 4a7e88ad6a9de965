#include <algorithm>

#include "questions/q13_checkpoint/judge_kernels.h"

namespace q13::judge {
namespace {

constexpr int kThreads = 256;
constexpr size_t kMostBlocks = 4096;
constexpr size_t kWord = sizeof(uint64_t);

__device__ size_t FirstIndex() { return static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ size_t Stride() { return static_cast<size_t>(gridDim.x) * blockDim.x; }

unsigned BlocksFor(size_t count) {
  return static_cast<unsigned>(std::min(kMostBlocks, (count + kThreads - 1) / kThreads));
}

// splitmix64's finalizer (Steele, Lea, Flood 2014), as grader/inputs has it.
__device__ uint64_t Mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

__global__ void PatternKernel(uint8_t* data, size_t bytes, uint64_t key) {
  const bool aligned = reinterpret_cast<uintptr_t>(data) % kWord == 0;
  for (size_t i = FirstIndex(); i * kWord < bytes; i += Stride()) {
    const uint64_t word = Mix(key ^ i);
    uint8_t* at = data + i * kWord;
    const size_t count = min(kWord, bytes - i * kWord);
    if (aligned && count == kWord) {
      *reinterpret_cast<uint64_t*>(at) = word;
    } else {
      for (size_t b = 0; b < count; ++b) at[b] = static_cast<uint8_t>(word >> (8 * b));
    }
  }
}

__global__ void TrainKernel(float* data, size_t count, int rounds) {
  for (size_t i = FirstIndex(); i < count; i += Stride()) {
    float value = data[i];
    for (int r = 0; r < rounds; ++r) value = fmaf(value, 0.999f, 0.001f);
    data[i] = value;
  }
}

}  // namespace

cudaError_t FillPattern(void* data, size_t bytes, uint64_t key, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  PatternKernel<<<BlocksFor((bytes + kWord - 1) / kWord), kThreads, 0, stream>>>(static_cast<uint8_t*>(data), bytes,
                                                                                 key);
  return cudaGetLastError();
}

cudaError_t Train(float* data, size_t count, int rounds, cudaStream_t stream) {
  TrainKernel<<<BlocksFor(count), kThreads, 0, stream>>>(data, count, rounds);
  return cudaGetLastError();
}

}  // namespace q13::judge
