// Odd but right: one block, one element at a time, the same pulled one-shot for both algorithms, full barriers made of
// volatile accesses and __threadfence_system(), state in device memory of its own.
//
// Per piece: copy the input into this rank's scratch; barrier; read everybody's scratch; barrier.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "questions/q02_allreduce/device_api.h"

namespace {

using q02::DataType;
using q02::DeviceAlgorithm;
using q02::DeviceComm;
using q02::DeviceWindow;
using q02::ReduceOp;

constexpr int kThreads = 1024;
constexpr size_t kFlagBytes = 4096;
constexpr size_t kPieceBytes = size_t{1} << 20;

struct State {
  DeviceComm comm;
  unsigned long long* barriers;  // on the device: how many there have been
};

__device__ float Read(const float* p) { return *p; }
__device__ float Read(const __half* p) { return __half2float(*p); }
__device__ float Read(const __nv_bfloat16* p) { return __bfloat162float(*p); }
__device__ void Write(float* p, float x) { *p = x; }
__device__ void Write(__half* p, float x) { *p = __float2half(x); }
__device__ void Write(__nv_bfloat16* p, float x) { *p = __float2bfloat16(x); }

__device__ void Barrier(const DeviceComm& comm, unsigned long long number) {
  __threadfence_system();
  __syncthreads();
  if (threadIdx.x < comm.ranks) {
    volatile unsigned long long* theirs = static_cast<unsigned long long*>(comm.scratch.data[threadIdx.x]) + comm.rank;
    volatile unsigned long long* mine = static_cast<unsigned long long*>(comm.scratch.data[comm.rank]) + threadIdx.x;
    *theirs = number;
    while (*mine < number) {
    }
  }
  __syncthreads();
  __threadfence_system();
}

template <typename T>
__device__ void ReduceOne(const DeviceComm& comm, size_t i, T* out, ReduceOp op) {
  if constexpr (std::is_same_v<T, int32_t>) {
    uint32_t sum = 0;
    int32_t largest = INT32_MIN;
    for (int r = 0; r < comm.ranks; ++r) {
      const int32_t x = reinterpret_cast<const T*>(static_cast<char*>(comm.scratch.data[r]) + kFlagBytes)[i];
      sum += static_cast<uint32_t>(x);
      largest = max(largest, x);
    }
    const int32_t total = static_cast<int32_t>(sum);
    *out = op == ReduceOp::kMax ? largest : op == ReduceOp::kAverage ? total / comm.ranks : total;
  } else {
    float result = 0;
    for (int r = 0; r < comm.ranks; ++r) {
      const float x = Read(reinterpret_cast<const T*>(static_cast<char*>(comm.scratch.data[r]) + kFlagBytes) + i);
      if (op == ReduceOp::kMax) {
        if (r == 0 || isnan(x) || x > result) result = x;
        if (isnan(result)) break;
      } else {
        result += op == ReduceOp::kAverage ? x / static_cast<float>(comm.ranks) : x;
      }
    }
    Write(out, result);
  }
}

template <typename T>
__global__ void AllReduce(DeviceComm comm, unsigned long long* barriers, const T* in, T* out, size_t count,
                          ReduceOp op) {
  constexpr size_t kPiece = kPieceBytes / sizeof(T);
  unsigned long long number = *barriers;
  T* mine = reinterpret_cast<T*>(static_cast<char*>(comm.scratch.data[comm.rank]) + kFlagBytes);
  for (size_t begin = 0; begin < count; begin += kPiece) {
    const size_t elements = min(kPiece, count - begin);
    for (size_t i = threadIdx.x; i < elements; i += blockDim.x) mine[i] = in[begin + i];
    Barrier(comm, ++number);
    for (size_t i = threadIdx.x; i < elements; i += blockDim.x) ReduceOne(comm, i, out + begin + i, op);
    Barrier(comm, ++number);
  }
  if (threadIdx.x == 0) *barriers = number;
}

template <typename T>
cudaError_t Launch(const State& state, const DeviceWindow& in, const DeviceWindow& out, size_t count, ReduceOp op,
                   cudaStream_t stream) {
  const int rank = state.comm.rank;
  AllReduce<T><<<1, kThreads, 0, stream>>>(state.comm, state.barriers, static_cast<const T*>(in.data[rank]),
                                           static_cast<T*>(out.data[rank]), count, op);
  return cudaGetLastError();
}

}  // namespace

namespace q02 {

extern "C" cudaError_t q02_device_init(const DeviceComm& comm, void** state) {
  State* made = new State{comm, nullptr};
  *state = made;
  if (const cudaError_t error = cudaMalloc(&made->barriers, sizeof *made->barriers); error != cudaSuccess) return error;
  return cudaMemset(made->barriers, 0, sizeof *made->barriers);
}

extern "C" cudaError_t q02_device_destroy(void* opaque) {
  State* state = static_cast<State*>(opaque);
  const cudaError_t error = cudaFree(state->barriers);
  delete state;
  return error;
}

extern "C" cudaError_t q02_device_allreduce(void* opaque, const DeviceWindow& in, const DeviceWindow& out, size_t count,
                                            DataType type, ReduceOp op, DeviceAlgorithm algorithm,
                                            cudaStream_t stream) {
  const State& state = *static_cast<const State*>(opaque);
  if (op < ReduceOp::kSum || op > ReduceOp::kAverage) return cudaErrorInvalidValue;
  if (algorithm < DeviceAlgorithm::kOneShot || algorithm > DeviceAlgorithm::kTwoShot) return cudaErrorInvalidValue;
  switch (type) {
    case DataType::kFloat32:
      return Launch<float>(state, in, out, count, op, stream);
    case DataType::kFloat16:
      return Launch<__half>(state, in, out, count, op, stream);
    case DataType::kBFloat16:
      return Launch<__nv_bfloat16>(state, in, out, count, op, stream);
    case DataType::kInt32:
      return Launch<int32_t>(state, in, out, count, op, stream);
  }
  return cudaErrorInvalidValue;
}

}  // namespace q02
