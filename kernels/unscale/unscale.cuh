// Gradients divided by the loss scale, looked through for overflow and measured, in one pass over memory.
//
// A few blocks a multiprocessor take the chunks of all tensors in turn: a block reads, writes x * inverse_scale in
// place, and adds up x^2 in double, before the scale: squares of all fp32 are between 2^-298 and 2^256, so neither they
// nor their sum leave double, and the sum is finite exactly if every x is. Each block's sum goes to the workspace; the
// one that comes last adds them in the order of blocks, whichever it is, and writes norm and flag.
#ifndef KERNELS_UNSCALE_UNSCALE_CUH_
#define KERNELS_UNSCALE_UNSCALE_CUH_

#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/primitives/flags.cuh"
#include "kernels/primitives/numeric.cuh"
#include "kernels/primitives/vec.cuh"
#include "kernels/tensor_list/tensor_list.cuh"

namespace kernels {

struct UnscaleTensor {
  void* data;
  size_t count;
};

namespace internal {

inline constexpr int kUnscaleThreads = 256;
// More than twice this would fit, and be slower by 6% (H100): in place, the more places are written at once, the more
// often the memory turns from reading to writing.
inline constexpr int kUnscaleBlocksPerMultiprocessor = 3;

struct UnscaleWorkspace {
  TensorTable<UnscaleTensor> table;
  double* squares;     // of each block
  uint32_t* arrivals;  // blocks that are done
};

struct UnscaleOutput {
  const float* inverse_scale;
  float* found_inf;
  float* norm;
};

struct ResetArrivals {
  uint32_t* arrivals;
  __device__ void operator()() const { *arrivals = 0; }
};

// The block's sum, valid in all threads. The same order every time.
__device__ inline double SumOverBlock(double x) {
  constexpr int kWarps = kUnscaleThreads / 32;
  __shared__ double of_warp[kWarps];
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2) x += __shfl_xor_sync(0xffffffffu, x, offset);
  __syncthreads();  // what the last call left has been read
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = x;
  __syncthreads();
  double sum = 0;
#pragma unroll
  for (int w = 0; w < kWarps; ++w) sum += of_warp[w];
  return sum;
}

// Unscales `data` with the block's threads and returns this thread's part of the sum of squares.
template <typename T>
__device__ double UnscaleChunk(T* data, size_t count, float inverse_scale) {
  constexpr int kSize = Vec<T>::kSize;
  constexpr int kUnroll = 4;
  const size_t head = min(ElementsToAlignment(data), count);
  const size_t vectors = (count - head) / kSize;
  T* base = data + head;
  double squares = 0;
  for (size_t first = threadIdx.x; first < vectors; first += kUnroll * kUnscaleThreads) {
    Vec<T> vec[kUnroll];
#pragma unroll
    for (int u = 0; u < kUnroll; ++u) {
      if (first + u * kUnscaleThreads < vectors) LoadVec(base, first + u * kUnscaleThreads, &vec[u]);
    }
#pragma unroll
    for (int u = 0; u < kUnroll; ++u) {
      if (first + u * kUnscaleThreads >= vectors) break;
#pragma unroll
      for (int i = 0; i < kSize; ++i) {
        const float x = Widen(vec[u][i]);
        squares += static_cast<double>(x) * x;
        vec[u][i] = Narrow<T>(x * inverse_scale);
      }
      StoreVec(base, first + u * kUnscaleThreads, vec[u]);
    }
  }
  // What is in no vector: less than a vector at either end.
  size_t rest = threadIdx.x;
  if (rest >= head) rest += vectors * kSize;
  if (rest < count) {
    const float x = Widen(data[rest]);
    squares += static_cast<double>(x) * x;
    data[rest] = Narrow<T>(x * inverse_scale);
  }
  return squares;
}

template <typename T>
__global__ void __launch_bounds__(kUnscaleThreads, kUnscaleBlocksPerMultiprocessor)
    UnscaleKernel(UnscaleWorkspace workspace, uint32_t chunks, UnscaleOutput output) {
  const float inverse_scale = *output.inverse_scale;
  double squares = 0;
  TensorChunk chunk{};
  if (blockIdx.x < chunks) chunk = workspace.table.chunks[blockIdx.x];
  for (uint32_t c = blockIdx.x; c < chunks; c += gridDim.x) {
    const UnscaleTensor tensor = workspace.table.tensors[chunk.tensor];
    const size_t begin = chunk.index * kTensorChunk;
    if (c + gridDim.x < chunks) chunk = workspace.table.chunks[c + gridDim.x];  // arrives during this one
    squares +=
        UnscaleChunk(static_cast<T*>(tensor.data) + begin, min(kTensorChunk, tensor.count - begin), inverse_scale);
  }
  squares = SumOverBlock(squares);
  if (threadIdx.x == 0) workspace.squares[blockIdx.x] = squares;
  const bool last = threadIdx.x == 0 && IncrementOnDevice(workspace.arrivals) == gridDim.x - 1;
  if (!__syncthreads_or(last)) return;
  double sum = 0;
#pragma unroll 8
  for (uint32_t b = threadIdx.x; b < gridDim.x; b += kUnscaleThreads) sum += workspace.squares[b];
  sum = SumOverBlock(sum);
  if (threadIdx.x == 0) {
    *output.norm = static_cast<float>(sqrt(sum) * fabs(static_cast<double>(inverse_scale)));
    *output.found_inf = isfinite(sum) && *output.found_inf == 0 ? 0.0f : 1.0f;
  }
}

}  // namespace internal

inline size_t UnscaleWorkspaceBytes(const size_t* counts, int32_t tensors) {
  const size_t chunks = TotalChunks(counts, tensors);
  return TensorTableBytes<UnscaleTensor>(tensors, chunks) + AlignTo256((chunks + 1) * sizeof(double)) + 256;
}

// For every element of every tensor x = x * inverse_scale, the product in fp32 and rounded to T once. norm = the square
// root of the sum of (x * inverse_scale)^2 before rounding; found_inf = 1 if an x was infinite or NaN, or it was not 0
// before, else 0. tensor_at(t) is tensor t, asked for before the call returns.
//   T              float, __half, __nv_bfloat16; data is aligned to it
//   inverse_scale, found_inf, norm  one float each, on the device
//   workspace      UnscaleWorkspaceBytes, 256-byte aligned
// Two kernels; the same inputs give the same bits on the same kind of GPU.
template <typename T, typename TensorAt>
cudaError_t Unscale(int32_t tensors, const TensorAt& tensor_at, const float* inverse_scale, float* found_inf,
                    float* norm, void* workspace, cudaStream_t stream) {
  size_t chunks = 0;
  for (int32_t t = 0; t < tensors; ++t) chunks += ChunksOf(tensor_at(t).count);
  char* behind_table = static_cast<char*>(workspace) + TensorTableBytes<UnscaleTensor>(tensors, chunks);
  internal::UnscaleWorkspace parts;
  parts.table = TensorTableAt<UnscaleTensor>(workspace, tensors);
  parts.squares = reinterpret_cast<double*>(behind_table);
  parts.arrivals = reinterpret_cast<uint32_t*>(behind_table + AlignTo256((chunks + 1) * sizeof(double)));
  const cudaError_t written =
      WriteTensorTable(parts.table, tensors, tensor_at, internal::ResetArrivals{parts.arrivals}, stream);
  if (written != cudaSuccess) return written;
  int device = 0, multiprocessors = 0;
  cudaError_t status = cudaGetDevice(&device);
  if (status == cudaSuccess) {
    status = cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device);
  }
  if (status != cudaSuccess) return status;
  const auto most = static_cast<size_t>(multiprocessors) * internal::kUnscaleBlocksPerMultiprocessor;
  const auto blocks = static_cast<unsigned>(std::clamp<size_t>(chunks, 1, most));
  internal::UnscaleKernel<T><<<blocks, internal::kUnscaleThreads, 0, stream>>>(
      parts, static_cast<uint32_t>(chunks), internal::UnscaleOutput{inverse_scale, found_inf, norm});
  return cudaGetLastError();
}

}  // namespace kernels

#endif  // KERNELS_UNSCALE_UNSCALE_CUH_
