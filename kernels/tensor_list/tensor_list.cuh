// A list of tensors that lies on the host, for kernels that treat all of them in one launch.
//
// The list travels in kernel parameters: they are copied when the launch is enqueued or captured, so the caller's array
// may change at once, and a graph owns its copy. (A captured cudaMemcpyAsync from pageable memory reads the source at
// every replay.) A first kernel writes the table to device memory: the tensors, and for each chunk of kTensorChunk
// elements the tensor it belongs to. Whoever takes chunk c looks it up and needs no search.
#ifndef KERNELS_TENSOR_LIST_TENSOR_LIST_CUH_
#define KERNELS_TENSOR_LIST_TENSOR_LIST_CUH_

#include <cuda_runtime.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace kernels {

// A multiple of 16, so that a chunk is aligned as its tensor is.
inline constexpr size_t kTensorChunk = 8192;

struct TensorChunk {
  uint32_t tensor;
  uint32_t index;  // within the tensor
};

// In device memory. Tensor has a member `count`, and is copied bit by bit.
template <typename Tensor>
struct TensorTable {
  Tensor* tensors;
  TensorChunk* chunks;
};

inline size_t ChunksOf(size_t count) { return (count + kTensorChunk - 1) / kTensorChunk; }

inline size_t TotalChunks(const size_t* counts, int32_t tensors) {
  size_t chunks = 0;
  for (int32_t t = 0; t < tensors; ++t) chunks += ChunksOf(counts[t]);
  return chunks;
}

inline size_t AlignTo256(size_t bytes) { return (bytes + 255) / 256 * 256; }

template <typename Tensor>
size_t TensorTableBytes(size_t tensors, size_t chunks) {
  return AlignTo256(tensors * sizeof(Tensor)) + AlignTo256(chunks * sizeof(TensorChunk));
}

// The table at the start of `memory`, which is 256-byte aligned and has TensorTableBytes.
template <typename Tensor>
TensorTable<Tensor> TensorTableAt(void* memory, size_t tensors) {
  char* bytes = static_cast<char*>(memory);
  return {reinterpret_cast<Tensor*>(bytes),
          reinterpret_cast<TensorChunk*>(bytes + AlignTo256(tensors * sizeof(Tensor)))};
}

namespace internal {

inline constexpr int kTableThreads = 32;
inline constexpr size_t kParameterBytes = 32764;  // of one kernel, since CUDA 12.1 on sm_70 and up

template <typename Tensor, int kCapacity>
struct TensorListPiece {
  TensorTable<Tensor> table;
  uint32_t first_tensor, tensors;
  uint32_t first_chunk[kCapacity];
  Tensor tensor[kCapacity];
};

// Block (t, s) writes the s-th slice of tensor t's part of the table. `prologue` runs once, in one thread.
template <typename Tensor, int kCapacity, typename Prologue>
__global__ void __launch_bounds__(kTableThreads)
    WriteTensorTable(const __grid_constant__ TensorListPiece<Tensor, kCapacity> piece, Prologue prologue) {
  if (piece.first_tensor == 0 && blockIdx.x == 0 && blockIdx.y == 0 && threadIdx.x == 0) prologue();
  if (blockIdx.x >= piece.tensors) return;
  const uint32_t tensor = piece.first_tensor + blockIdx.x;
  const size_t count = piece.tensor[blockIdx.x].count;
  if (blockIdx.y == 0 && threadIdx.x == 0) piece.table.tensors[tensor] = piece.tensor[blockIdx.x];
  TensorChunk* chunks = piece.table.chunks + piece.first_chunk[blockIdx.x];
  const uint32_t end = static_cast<uint32_t>((count + kTensorChunk - 1) / kTensorChunk);
  for (uint32_t c = blockIdx.y * kTableThreads + threadIdx.x; c < end; c += gridDim.y * kTableThreads) {
    chunks[c] = {tensor, c};
  }
}

template <int kCapacity, typename Tensor, typename At, typename Prologue>
cudaError_t WriteTensorTableByPieces(const TensorTable<Tensor>& table, int32_t tensors, const At& at,
                                     const Prologue& prologue, cudaStream_t stream) {
  constexpr size_t kChunksPerSlice = 1024;
  constexpr size_t kMostSlices = 64;
  static_assert(sizeof(TensorListPiece<Tensor, kCapacity>) + sizeof(Prologue) <= kParameterBytes);
  uint32_t first_chunk = 0;
  int32_t first = 0;
  do {
    TensorListPiece<Tensor, kCapacity> piece{};
    piece.table = table;
    piece.first_tensor = static_cast<uint32_t>(first);
    piece.tensors = static_cast<uint32_t>(std::min(tensors - first, kCapacity));
    size_t longest = 0;
    for (uint32_t t = 0; t < piece.tensors; ++t) {
      piece.tensor[t] = at(first + static_cast<int32_t>(t));
      piece.first_chunk[t] = first_chunk;
      const size_t chunks = ChunksOf(piece.tensor[t].count);
      first_chunk += static_cast<uint32_t>(chunks);
      longest = std::max(longest, chunks);
    }
    const dim3 grid(std::max(piece.tensors, 1u),
                    static_cast<unsigned>(std::clamp<size_t>(longest / kChunksPerSlice, 1, kMostSlices)));
    WriteTensorTable<Tensor, kCapacity, Prologue><<<grid, kTableThreads, 0, stream>>>(piece, prologue);
    first += kCapacity;
  } while (first < tensors);
  return cudaGetLastError();
}

}  // namespace internal

// Enqueues what writes the table; at(t) is tensor t, asked for before the call returns. `prologue` is a trivially
// copyable function object that runs once on the device; later kernels of the stream see what it did.
// REQUIRES: fewer than 2^32 chunks.
template <typename Tensor, typename At, typename Prologue>
cudaError_t WriteTensorTable(const TensorTable<Tensor>& table, int32_t tensors, const At& at, const Prologue& prologue,
                             cudaStream_t stream) {
  constexpr int kFew = 48;  // parameters are copied at each launch: no more of them than needed
  constexpr int kMany = static_cast<int>((internal::kParameterBytes - 256) / (sizeof(Tensor) + sizeof(uint32_t)));
  return tensors <= kFew ? internal::WriteTensorTableByPieces<kFew>(table, tensors, at, prologue, stream)
                         : internal::WriteTensorTableByPieces<kMany>(table, tensors, at, prologue, stream);
}

}  // namespace kernels

#endif  // KERNELS_TENSOR_LIST_TENSOR_LIST_CUH_
