#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>

#include "questions/q05_mixed_precision/judge_kernels.h"

namespace q05::judge {
namespace {

constexpr int kThreads = 256;
constexpr size_t kMostBlocks = 4096;

__device__ size_t FirstIndex() { return static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ size_t Stride() { return static_cast<size_t>(gridDim.x) * blockDim.x; }

unsigned BlocksFor(size_t count) {
  return static_cast<unsigned>(std::min(kMostBlocks, (count + kThreads - 1) / kThreads));
}

__global__ void BitsKernel(uint32_t* data, uint32_t first, size_t count) {
  for (size_t i = FirstIndex(); i < count; i += Stride()) data[i] = first + static_cast<uint32_t>(i);
}

// splitmix64's finalizer (Steele, Lea, Flood 2014), as grader/inputs has it.
__device__ uint64_t Mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

// 64 times the value: an integer of magnitude 64 or less.
__device__ int Sixtyfourths(uint64_t key, size_t index, Fill fill) {
  switch (fill) {
    case Fill::kFraction:
      return static_cast<int>(Mix(key ^ index) % 129) - 64;
    case Fill::kPositive:
      return static_cast<int>(Mix(key ^ index) % 64) + 1;
    case Fill::kOne:
      return 64;
    default:
      return 0;
  }
}

__device__ void Store(float* to, float value) { *to = value; }
__device__ void Store(__half* to, float value) { *to = __float2half(value); }
__device__ void Store(__nv_bfloat16* to, float value) { *to = __float2bfloat16(value); }
__device__ void Store(int64_t* to, float value) { *to = static_cast<int64_t>(value); }

template <typename T>
__global__ void TimedKernel(T* data, size_t count, uint64_t key, Fill fill) {
  for (size_t i = FirstIndex(); i < count; i += Stride()) {
    Store(data + i, static_cast<float>(Sixtyfourths(key, i, fill)) * (1.0f / 64));
  }
}

template <typename T>
cudaError_t Fill64ths(void* data, const TimedBuffer& shape, uint64_t key, cudaStream_t stream) {
  TimedKernel<T>
      <<<BlocksFor(shape.elements), kThreads, 0, stream>>>(static_cast<T*>(data), shape.elements, key, shape.fill);
  return cudaGetLastError();
}

}  // namespace

cudaError_t FillWithBits(uint32_t* data, uint32_t first, size_t count, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  BitsKernel<<<BlocksFor(count), kThreads, 0, stream>>>(data, first, count);
  return cudaGetLastError();
}

cudaError_t FillTimed(void* data, const TimedBuffer& shape, uint64_t seed, int buffer, cudaStream_t stream) {
  if (shape.elements == 0) return cudaSuccess;
  if (shape.fill == Fill::kPoison) return cudaMemsetAsync(data, 0xff, shape.elements * BytesOf(shape.type), stream);
  const uint64_t key = TimedKey(seed, buffer);
  switch (shape.type) {
    case FillType::kFloat32:
      return Fill64ths<float>(data, shape, key, stream);
    case FillType::kFloat16:
      return Fill64ths<__half>(data, shape, key, stream);
    case FillType::kBFloat16:
      return Fill64ths<__nv_bfloat16>(data, shape, key, stream);
    case FillType::kInt64:
      return Fill64ths<int64_t>(data, shape, key, stream);
    default:
      return cudaErrorInvalidValue;
  }
}

}  // namespace q05::judge
