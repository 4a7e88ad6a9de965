// Odd but right: a two-shot that pulls, for both algorithms. Eight blocks a rank; block b speaks to the peers' blocks b
// only and has flags and a count of barriers of its own; nothing waits for the whole grid. Flags are cuda::atomic_ref.
//
// Piece by piece: rank r's block b sums slice (r, b) of all inputs into r's scratch; barrier of the blocks b; every
// rank's block b copies the slices (0..N-1, b) from the ranks' scratch to its output; barrier of the blocks b.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstddef>
#include <cstdint>
#include <cuda/atomic>
#include <type_traits>

#include "questions/q02_allreduce/device_api.h"

namespace {

using q02::DataType;
using q02::DeviceAlgorithm;
using q02::DeviceComm;
using q02::DeviceWindow;
using q02::kMaxDeviceRanks;
using q02::ReduceOp;

constexpr int kBlocks = 8;
constexpr int kThreads = 256;
constexpr size_t kSliceBytes = size_t{64} << 10;

// In every rank's scratch.
struct Board {
  uint64_t barriers[kBlocks];                // this rank's own count
  uint64_t flags[kBlocks][kMaxDeviceRanks];  // [b][p]: the barrier that block b of rank p has come to
  alignas(256) unsigned char slices[kBlocks][kSliceBytes];
};

__device__ Board* BoardOf(const DeviceComm& comm, int rank) { return static_cast<Board*>(comm.scratch.data[rank]); }

__device__ void BlockBarrier(const DeviceComm& comm, uint64_t number) {
  __syncthreads();
  if (threadIdx.x < comm.ranks) {
    cuda::atomic_ref<uint64_t, cuda::thread_scope_system> theirs(
        BoardOf(comm, static_cast<int>(threadIdx.x))->flags[blockIdx.x][comm.rank]);
    cuda::atomic_ref<uint64_t, cuda::thread_scope_system> mine(
        BoardOf(comm, comm.rank)->flags[blockIdx.x][threadIdx.x]);
    theirs.store(number, cuda::memory_order_release);
    while (mine.load(cuda::memory_order_acquire) < number) {
    }
  }
  __syncthreads();
}

template <typename T>
__device__ T ReduceAt(const DeviceComm& comm, const DeviceWindow& in, size_t i, ReduceOp op) {
  using Wide = std::conditional_t<std::is_same_v<T, int32_t>, int32_t, float>;
  Wide result = static_cast<Wide>(static_cast<const T*>(in.data[0])[i]);
  const float factor = 1.0f / static_cast<float>(comm.ranks);
  if (std::is_same_v<Wide, float> && op == ReduceOp::kAverage) result *= factor;
  for (int r = 1; r < comm.ranks; ++r) {
    Wide x = static_cast<Wide>(static_cast<const T*>(in.data[r])[i]);
    if (op == ReduceOp::kMax) {
      result = result != result || x < result ? result : x;
    } else if constexpr (std::is_same_v<Wide, float>) {
      result += op == ReduceOp::kAverage ? x * factor : x;
    } else {
      result = static_cast<int32_t>(static_cast<uint32_t>(result) + static_cast<uint32_t>(x));
    }
  }
  if (std::is_same_v<T, int32_t> && op == ReduceOp::kAverage) result /= comm.ranks;
  return static_cast<T>(result);
}

template <typename T>
__global__ void AllReduce(DeviceComm comm, DeviceWindow in, DeviceWindow out, size_t count, ReduceOp op) {
  constexpr size_t kSlice = kSliceBytes / sizeof(T);
  uint64_t number = BoardOf(comm, comm.rank)->barriers[blockIdx.x];
  T* result = static_cast<T*>(out.data[comm.rank]);
  const size_t piece = kSlice * kBlocks * static_cast<size_t>(comm.ranks);
  const auto slice_begin = [&](size_t begin, int r) {
    return begin + (static_cast<size_t>(r) * kBlocks + blockIdx.x) * kSlice;
  };
  BlockBarrier(comm, ++number);  // every rank's input is written
  for (size_t begin = 0; begin < count; begin += piece) {
    T* sums = reinterpret_cast<T*>(BoardOf(comm, comm.rank)->slices[blockIdx.x]);
    const size_t mine = slice_begin(begin, comm.rank);
    for (size_t i = threadIdx.x; i < kSlice && mine + i < count; i += blockDim.x) {
      sums[i] = ReduceAt<T>(comm, in, mine + i, op);
    }
    BlockBarrier(comm, ++number);
    for (int r = 0; r < comm.ranks; ++r) {
      const T* theirs = reinterpret_cast<const T*>(BoardOf(comm, r)->slices[blockIdx.x]);
      const size_t first = slice_begin(begin, r);
      for (size_t i = threadIdx.x; i < kSlice && first + i < count; i += blockDim.x) result[first + i] = theirs[i];
    }
    BlockBarrier(comm, ++number);
  }
  if (threadIdx.x == 0) BoardOf(comm, comm.rank)->barriers[blockIdx.x] = number;
}

template <typename T>
cudaError_t Launch(const DeviceComm& comm, const DeviceWindow& in, const DeviceWindow& out, size_t count, ReduceOp op,
                   cudaStream_t stream) {
  AllReduce<T><<<kBlocks, kThreads, 0, stream>>>(comm, in, out, count, op);
  return cudaGetLastError();
}

}  // namespace

namespace q02 {

extern "C" cudaError_t q02_device_init(const DeviceComm& comm, void** state) {
  *state = new DeviceComm(comm);
  return cudaSuccess;
}

extern "C" cudaError_t q02_device_destroy(void* state) {
  delete static_cast<DeviceComm*>(state);
  return cudaSuccess;
}

extern "C" cudaError_t q02_device_allreduce(void* state, const DeviceWindow& in, const DeviceWindow& out, size_t count,
                                            DataType type, ReduceOp op, DeviceAlgorithm algorithm,
                                            cudaStream_t stream) {
  const DeviceComm& comm = *static_cast<const DeviceComm*>(state);
  if (op < ReduceOp::kSum || op > ReduceOp::kAverage) return cudaErrorInvalidValue;
  if (algorithm < DeviceAlgorithm::kOneShot || algorithm > DeviceAlgorithm::kTwoShot) return cudaErrorInvalidValue;
  switch (type) {
    case DataType::kFloat32:
      return Launch<float>(comm, in, out, count, op, stream);
    case DataType::kFloat16:
      return Launch<__half>(comm, in, out, count, op, stream);
    case DataType::kBFloat16:
      return Launch<__nv_bfloat16>(comm, in, out, count, op, stream);
    case DataType::kInt32:
      return Launch<int32_t>(comm, in, out, count, op, stream);
  }
  return cudaErrorInvalidValue;
}

}  // namespace q02
