#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "questions/q02_allreduce/device_api.h"
#include "questions/q02_allreduce/judge_kernels.h"

namespace q02::judge {
namespace {

constexpr int kThreads = 256;
constexpr uint64_t kNone = ~uint64_t{0};

// splitmix64's finalizer (Steele, Lea, Flood 2014).
__device__ uint64_t Hash(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

// -8 .. 8: eight ranks' sum is exact in bf16, which has 8 bits.
__device__ int Value(uint64_t seed, int rank, uint64_t call, uint64_t index) {
  return static_cast<int>(Hash(seed ^ Hash((call << 4 | static_cast<uint64_t>(rank)) ^ index << 28)) % 17) - 8;
}

__device__ int Expected(const Shape& shape, uint64_t call, uint64_t index) {
  int result = Value(shape.seed, 0, call, index);
  for (int r = 1; r < shape.ranks; ++r) {
    const int value = Value(shape.seed, r, call, index);
    result = static_cast<ReduceOp>(shape.op) == ReduceOp::kMax ? max(result, value) : result + value;
  }
  return static_cast<ReduceOp>(shape.op) == ReduceOp::kAverage ? result / shape.ranks : result;
}

__device__ void Store(int32_t type, void* data, uint64_t index, int value) {
  switch (static_cast<DataType>(type)) {
    case DataType::kFloat32:
      static_cast<float*>(data)[index] = static_cast<float>(value);
      return;
    case DataType::kFloat16:
      static_cast<__half*>(data)[index] = __int2half_rn(value);
      return;
    case DataType::kBFloat16:
      static_cast<__nv_bfloat16*>(data)[index] = __float2bfloat16(static_cast<float>(value));
      return;
    case DataType::kInt32:
      static_cast<int32_t*>(data)[index] = value;
      return;
  }
}

__device__ void StorePoison(int32_t type, void* data, uint64_t index) {
  if (type == static_cast<int32_t>(DataType::kFloat16) || type == static_cast<int32_t>(DataType::kBFloat16)) {
    static_cast<uint16_t*>(data)[index] = 0xffff;
  } else {
    static_cast<uint32_t*>(data)[index] = 0xffffffffu;
  }
}

__device__ double Load(int32_t type, const void* data, uint64_t index) {
  switch (static_cast<DataType>(type)) {
    case DataType::kFloat32:
      return static_cast<const float*>(data)[index];
    case DataType::kFloat16:
      return __half2float(static_cast<const __half*>(data)[index]);
    case DataType::kBFloat16:
      return __bfloat162float(static_cast<const __nv_bfloat16*>(data)[index]);
    case DataType::kInt32:
      return static_cast<const int32_t*>(data)[index];
  }
  return 0;
}

__device__ uint64_t ThreadIndex() { return static_cast<uint64_t>(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ uint64_t ThreadCount() { return static_cast<uint64_t>(gridDim.x) * blockDim.x; }

__global__ void ResetKernel(Progress* progress) {
  *progress = Progress{};
  progress->first_index = kNone;
}

__global__ void FillKernel(const Progress* progress, int ahead, Shape shape, void* in, void* out) {
  const uint64_t call = progress->call + static_cast<uint64_t>(ahead);
  for (uint64_t i = ThreadIndex(); i < shape.count; i += ThreadCount()) {
    Store(shape.type, in, i, Value(shape.seed, shape.rank, call, i));
    if (out != nullptr) StorePoison(shape.type, out, i);
  }
}

__global__ void RestoreKernel(const uint16_t* pristine, uint64_t words, uint16_t* in, uint16_t* out) {
  for (uint64_t i = ThreadIndex(); i < words; i += ThreadCount()) {
    in[i] = pristine[i];
    if (out != nullptr) out[i] = 0xffff;
  }
}

__global__ void CheckKernel(Progress* progress, Shape shape, const void* out) {
  const uint64_t call = progress->call;
  uint64_t wrong = 0, first = kNone;
  for (uint64_t i = ThreadIndex(); i < shape.count; i += ThreadCount()) {
    if (Load(shape.type, out, i) == Expected(shape, call, i)) continue;
    if (wrong++ == 0) first = i;
  }
  if (wrong == 0) return;
  atomicAdd(reinterpret_cast<unsigned long long*>(&progress->wrong_here), wrong);
  atomicMin(reinterpret_cast<unsigned long long*>(&progress->first_index), first);
}

__global__ void AdvanceKernel(Progress* progress, Shape shape, const void* out) {
  if (progress->wrong_here != 0) {
    if (progress->failed == 0) {
      progress->failed = 1;
      progress->failed_call = progress->call;
      progress->failed_index = progress->first_index;
      progress->expected = Expected(shape, progress->call, progress->first_index);
      progress->actual = Load(shape.type, out, progress->first_index);
    }
    ++progress->wrong_calls;
    progress->wrong_elements += progress->wrong_here;
  }
  progress->wrong_here = 0;
  progress->first_index = kNone;
  ++progress->call;
}

__global__ void OverwriteKernel(Shape shape, void* in) {
  for (uint64_t i = ThreadIndex(); i < shape.count; i += ThreadCount()) Store(shape.type, in, shape.count - 1 - i, 77);
}

__device__ uint64_t Nanoseconds() {
#if defined(__CUDA_ARCH__)
  uint64_t now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  return now;
#else
  __nanosleep(0);                           // it is asked for in loops that wait: others run meanwhile
  return static_cast<uint64_t>(clock64());  // host mode counts nanoseconds
#endif
}

__global__ void SkewKernel(const Progress* progress, int ahead, Shape shape) {
  const uint64_t call = progress->call + static_cast<uint64_t>(ahead);
  const uint64_t draw = Hash(shape.seed ^ 0x5ca1ab1e ^ Hash(call * kMaxRanks + static_cast<uint64_t>(shape.rank)));
  if (draw % 4 != 0) return;
  // As many short delays as long ones: 5 * 2^0 .. 5 * 2^5, and a part of the next power.
  const uint64_t base = uint64_t{5000} << (draw >> 8) % 6;
  const uint64_t until = Nanoseconds() + min(base + (draw >> 16) % base, uint64_t{300'000});
  while (Nanoseconds() < until) {
  }
}

__global__ void DelayKernel(uint64_t nanoseconds) {
  const uint64_t until = Nanoseconds() + nanoseconds;
  while (Nanoseconds() < until) {
  }
}

__global__ void TrafficKernel(uint4* memory, size_t n) {
  constexpr uint64_t kLongest = 40'000;
  const uint64_t until = Nanoseconds() + kLongest;
  for (uint64_t i = ThreadIndex(); i < n && Nanoseconds() < until; i += ThreadCount()) {
    uint4 word = memory[i];
    word.x += 1;
    memory[i] = word;
  }
}

// Release and acquire at system scope: PTX ISA, "Memory Consistency Model".
__device__ void StoreFlag(uint64_t* flag, uint64_t value) {
#if defined(__CUDA_ARCH__)
  asm volatile("st.release.sys.global.u64 [%0], %1;" ::"l"(flag), "l"(value) : "memory");
#else
  __atomic_store_n(flag, value, __ATOMIC_RELEASE);
#endif
}

__device__ uint64_t LoadFlag(const uint64_t* flag) {
#if defined(__CUDA_ARCH__)
  uint64_t value;
  asm volatile("ld.acquire.sys.global.u64 %0, [%1];" : "=l"(value) : "l"(flag) : "memory");
  return value;
#else
  __nanosleep(0);
  return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
#endif
}

__global__ void BarrierKernel(BarrierFlags flags, int rank, int ranks) {
  uint64_t* own = flags.flags[rank];
  const uint64_t next = own[kMaxRanks] + 1;
  __syncthreads();
  const int peer = static_cast<int>(threadIdx.x);
  if (peer < ranks) {
    StoreFlag(flags.flags[peer] + rank, next);
    while (LoadFlag(own + peer) < next) {
    }
  }
  if (threadIdx.x == 0) own[kMaxRanks] = next;
}

int BlocksFor(uint64_t count) {
  constexpr uint64_t kMost = 264;
  const uint64_t wanted = (count + kThreads - 1) / kThreads;
  return static_cast<int>(wanted < 1 ? 1 : wanted > kMost ? kMost : wanted);
}

}  // namespace

cudaError_t Reset(Progress* progress, cudaStream_t stream) {
  ResetKernel<<<1, 1, 0, stream>>>(progress);
  return cudaGetLastError();
}

cudaError_t Fill(const Progress* progress, int ahead, const Shape& shape, void* in, void* out, cudaStream_t stream) {
  FillKernel<<<BlocksFor(shape.count), kThreads, 0, stream>>>(progress, ahead, shape, in, out);
  return cudaGetLastError();
}

cudaError_t Restore(const void* pristine, size_t bytes, void* in, void* out, cudaStream_t stream) {
  const uint64_t words = bytes / sizeof(uint16_t);
  RestoreKernel<<<BlocksFor(words), kThreads, 0, stream>>>(static_cast<const uint16_t*>(pristine), words,
                                                           static_cast<uint16_t*>(in), static_cast<uint16_t*>(out));
  return cudaGetLastError();
}

cudaError_t CheckAndAdvance(Progress* progress, const Shape& shape, const void* out, cudaStream_t stream) {
  CheckKernel<<<BlocksFor(shape.count), kThreads, 0, stream>>>(progress, shape, out);
  AdvanceKernel<<<1, 1, 0, stream>>>(progress, shape, out);
  return cudaGetLastError();
}

cudaError_t Overwrite(const Shape& shape, void* in, cudaStream_t stream) {
  OverwriteKernel<<<BlocksFor(shape.count), kThreads, 0, stream>>>(shape, in);
  return cudaGetLastError();
}

cudaError_t Skew(const Progress* progress, int ahead, const Shape& shape, cudaStream_t stream) {
  SkewKernel<<<1, 1, 0, stream>>>(progress, ahead, shape);
  return cudaGetLastError();
}

cudaError_t Delay(uint64_t nanoseconds, cudaStream_t stream) {
  DelayKernel<<<1, 1, 0, stream>>>(nanoseconds);
  return cudaGetLastError();
}

cudaError_t Traffic(void* memory, size_t bytes, int blocks, cudaStream_t stream) {
  TrafficKernel<<<blocks, kThreads, 0, stream>>>(static_cast<uint4*>(memory), bytes / sizeof(uint4));
  return cudaGetLastError();
}

cudaError_t Crowd(int blocks, uint64_t nanoseconds, cudaStream_t stream) {
  // All the shared memory that a block can have: nothing else fits beside it, since any block needs a little.
  int device = 0, bytes = 0;
  cudaError_t error = cudaGetDevice(&device);
  if (error == cudaSuccess) error = cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  if (error == cudaSuccess) {
    error = cudaFuncSetAttribute(DelayKernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  }
  if (error != cudaSuccess) return error;
  DelayKernel<<<blocks, 1, static_cast<size_t>(bytes), stream>>>(nanoseconds);
  return cudaGetLastError();
}

cudaError_t Barrier(const BarrierFlags& flags, int rank, int ranks, cudaStream_t stream) {
  BarrierKernel<<<1, 32, 0, stream>>>(flags, rank, ranks);
  return cudaGetLastError();
}

}  // namespace q02::judge
