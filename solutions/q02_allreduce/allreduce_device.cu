// Q2 part B: all-reduce of device buffers that the ranks map into each other. The contract is in device_api.h.
//
//   one-shot, to 64 KiB   Every rank pushes its input into every peer's scratch, as packets that carry their own flags,
//                         and sums what arrives: one trip over the link, no barrier. Two sets of packets take turns: a
//                         peer that has sent call k + 1 has done with call k, whose set is thus free for call k + 2.
//   one-shot, larger      In pieces: copy a piece of the input into this rank's scratch, tell all, read everybody's.
//                         Two halves take turns in the same way: a piece costs one barrier, and in place works.
//   two-shot              Tell all that the input is ready. Rank r reads part r of all inputs and writes the sum into
//                         all outputs: N S bytes read and N S written over all ranks, which is the least. In place
//                         works since nobody but rank r touches part r. Tell all that the outputs are written, wait.
//
// Which call this is, is counted in device memory: a graph that is replayed counts on, and nothing has to be reset.
// Only one block a rank speaks to the peers, so grids may differ between ranks (GPUs may hold more ranks or fewer).
//
// A grid has at most one block for each multiprocessor of the rank's share. Two would fit, and are no faster, but then
// the waiting blocks of a few ranks sit on every multiprocessor, and the kernels that a late rank still has to run in
// front of its all-reduce may find no place. (Seen on an H200 with three ranks. A multiprocessor that has to divide its
// memory between L1 and shared memory anew has to be idle for it.)
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include "kernels/primitives/flags.cuh"
#include "kernels/primitives/numeric.cuh"
#include "kernels/primitives/vec.cuh"
#include "questions/q02_allreduce/device_api.h"

namespace {

using kernels::Packet;
using kernels::Vec;
using kernels::Wide;
using q02::DataType;
using q02::DeviceAlgorithm;
using q02::DeviceComm;
using q02::DeviceWindow;
using q02::kMaxDeviceRanks;
using q02::ReduceOp;

constexpr int kPacketThreads = 512;
constexpr int kStagedThreads = 768;
constexpr int kTwoShotThreads = 512;
constexpr size_t kPacketPayload = 8;
constexpr size_t kPackets = 8192;
constexpr size_t kStageBytes = size_t{2} << 20;  // all ranks' pieces stay in the L2 cache

// What lies in each rank's scratch. Zero at first.
struct Scratch {
  uint64_t epoch;         // own: barriers that are over
  uint64_t packet_epoch;  // own: calls by packets that are over
  uint32_t arrivals;      // own: blocks that have arrived at the present barrier
  // flags[p], written by rank p: the barrier that p has reached.
  alignas(128) uint64_t flags[kMaxDeviceRanks];
  // packets[.][p], written by rank p.
  alignas(4096) Packet packets[2][kMaxDeviceRanks][kPackets];
  // Written by this rank, read by all.
  alignas(4096) std::byte stage[2][kStageBytes];
};
static_assert(sizeof(Scratch) <= size_t{32} << 20);

struct Call {
  DeviceWindow in;
  DeviceWindow out;
  Scratch* scratch[kMaxDeviceRanks];
  size_t count;
  size_t head;    // elements in front of the first vector
  size_t groups;  // vectors
  int rank;
  int ranks;
  float scale;      // floating point: of each input
  int32_t divisor;  // int32: of the sum
};

enum class Combine { kAdd, kMax };

// ---------------------------------------------------------------------------------------------------------- barriers

// Tells every rank, this one included, that this one has reached `step`. Covers what the block has done and seen: call
// it behind a __syncthreads.
__device__ void Tell(const Call& call, uint64_t step) {
  if (threadIdx.x < call.ranks) kernels::StoreRelease(&call.scratch[threadIdx.x]->flags[call.rank], step);
}

// Returns, in all threads of the block, once every rank has reached `step`.
__device__ void WaitForAll(const Call& call, uint64_t step) {
  if (threadIdx.x < call.ranks) kernels::WaitAtLeast(&call.scratch[call.rank]->flags[threadIdx.x], step);
  __syncthreads();
}

// The last of this rank's blocks to come here tells all ranks, on behalf of all blocks, and gets true.
__device__ bool ArriveLast(const Call& call, uint64_t step) {
  Scratch& own = *call.scratch[call.rank];
  bool last = false;
  __syncthreads();
  if (threadIdx.x == 0) {
    last = kernels::IncrementOnDevice(&own.arrivals) == gridDim.x - 1;
    if (last) {
      own.arrivals = 0;
      own.epoch = step;  // every block has read it before it arrived
    }
  }
  if (!__syncthreads_or(last)) return false;
  Tell(call, step);
  return true;
}

// --------------------------------------------------------------------------------------------------------- reduction

// Element by element, in the order of ranks: the same bits on whichever rank it runs.
template <Combine kCombine, typename T, int kBytes, int kRanks>
__device__ Vec<T, kBytes> Reduce(const Call& call, const Vec<T, kBytes> (&inputs)[kRanks]) {
  Vec<T, kBytes> result;
#pragma unroll
  for (int i = 0; i < Vec<T, kBytes>::kSize; ++i) {
    Wide<T> sum{};
#pragma unroll
    for (int r = 0; r < kRanks; ++r) {
      if (r >= call.ranks) break;
      Wide<T> x = kernels::Widen(inputs[r][i]);
      if constexpr (kCombine == Combine::kMax) {
        sum = r == 0 ? x : kernels::Max(sum, x);
      } else {
        // Scaled before it is added: a sum of large values may overflow where their mean does not.
        if constexpr (std::is_same_v<Wide<T>, float>) x *= call.scale;
        sum = r == 0 ? x : kernels::Add(sum, x);
      }
    }
    if constexpr (kCombine == Combine::kAdd && std::is_same_v<T, int32_t>) sum /= call.divisor;
    result[i] = kernels::Narrow<T>(sum);
  }
  return result;
}

// Reduces the vectors first .. end - 1 with all of the grid: source(r) is rank r's base, sink(index, vector) takes
// results. kRanks is at least the number of ranks.
template <Combine kCombine, typename T, int kBytes, int kRanks, typename Source, typename Sink>
__device__ void ReduceVectors(const Call& call, size_t first, size_t end, Source source, Sink sink) {
  constexpr int kUnroll = kMaxDeviceRanks / kRanks;  // eight loads in flight a thread, however many ranks there are
  const size_t stride = static_cast<size_t>(gridDim.x) * blockDim.x;
  const size_t start = first + static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  for (size_t index = start; index < end; index += kUnroll * stride) {
    Vec<T, kBytes> inputs[kUnroll][kRanks];
#pragma unroll
    for (int u = 0; u < kUnroll; ++u) {
#pragma unroll
      for (int r = 0; r < kRanks; ++r) {
        if (r < call.ranks && index + u * stride < end) kernels::LoadVec(source(r), index + u * stride, &inputs[u][r]);
      }
    }
#pragma unroll
    for (int u = 0; u < kUnroll; ++u) {
      if (index + u * stride < end) sink(index + u * stride, Reduce<kCombine>(call, inputs[u]));
    }
  }
}

// ----------------------------------------------------------------------------------------------------------- kernels

template <Combine kCombine, typename T>
__global__ void __launch_bounds__(kPacketThreads) OneShotPackets(const __grid_constant__ Call call) {
  constexpr size_t kPerPacket = kPacketPayload / sizeof(T);
  Scratch& own = *call.scratch[call.rank];
  const T* in = static_cast<const T*>(call.in.data[call.rank]);
  T* out = static_cast<T*>(call.out.data[call.rank]);
  const uint64_t epoch = own.packet_epoch + 1;
  const uint32_t tag = static_cast<uint32_t>(epoch);
  const size_t packets = (call.count + kPerPacket - 1) / kPerPacket;
  const size_t stride = static_cast<size_t>(gridDim.x) * blockDim.x;
  const size_t start = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  for (size_t p = start; p < packets; p += stride) {
    const size_t begin = p * kPerPacket;
    const size_t elements = min(kPerPacket, call.count - begin);
    Vec<T, kPacketPayload> mine{};
    for (size_t i = 0; i < elements; ++i) mine[i] = in[begin + i];
    uint64_t payload;
    memcpy(&payload, &mine, sizeof payload);
    for (int step = 1; step < call.ranks; ++step) {
      const int peer = (call.rank + step) % call.ranks;
      kernels::StorePacket(&call.scratch[peer]->packets[epoch & 1][call.rank][p], payload, tag);
    }
    Packet received[kMaxDeviceRanks];
    bool complete;
    do {  // all peers' packets are asked for at once: one latency, not N - 1
      complete = true;
#pragma unroll
      for (int r = 0; r < kMaxDeviceRanks; ++r) {
        if (r < call.ranks && r != call.rank) received[r] = kernels::LoadPacket(&own.packets[epoch & 1][r][p]);
      }
#pragma unroll
      for (int r = 0; r < kMaxDeviceRanks; ++r) {
        if (r < call.ranks && r != call.rank) complete = complete && kernels::HasTag(received[r], tag);
      }
      if (!complete) kernels::SpinPause();
    } while (!complete);
    Vec<T, kPacketPayload> inputs[kMaxDeviceRanks];
#pragma unroll
    for (int r = 0; r < kMaxDeviceRanks; ++r) {
      const uint64_t bits = r == call.rank ? payload : kernels::PayloadOf(received[r]);
      memcpy(&inputs[r], &bits, sizeof bits);
    }
    const Vec<T, kPacketPayload> result = Reduce<kCombine>(call, inputs);
    for (size_t i = 0; i < elements; ++i) out[begin + i] = result[i];
  }
  // A tag is 32 bits of the epoch. So that one from 2^32 calls ago is never taken for new, packets that this call had
  // no use for get its tag too, once in 2^31 calls. No peer writes to this set before this call is over here.
  if ((epoch & 0x7fffffff) < 2) {
    for (int r = 0; r < call.ranks; ++r) {
      for (size_t p = start; p < kPackets; p += stride) {
        if (p >= packets) kernels::StorePacket(&own.packets[epoch & 1][r][p], 0, tag);
      }
    }
  }
  __syncthreads();
  if (threadIdx.x == 0 && (gridDim.x == 1 || kernels::IncrementOnDevice(&own.arrivals) == gridDim.x - 1)) {
    own.arrivals = 0;
    own.packet_epoch = epoch;
  }
}

template <Combine kCombine, typename T, int kBytes>
__global__ void __launch_bounds__(kStagedThreads) OneShotStaged(const __grid_constant__ Call call) {
  constexpr size_t kSize = Vec<T, kBytes>::kSize;
  constexpr size_t kPiece = kStageBytes / sizeof(T);
  uint64_t step = call.scratch[call.rank]->epoch;
  for (size_t begin = 0; begin < call.count; begin += kPiece) {
    ++step;
    const size_t elements = min(kPiece, call.count - begin);
    const T* in = static_cast<const T*>(call.in.data[call.rank]) + begin;
    T* out = static_cast<T*>(call.out.data[call.rank]) + begin;
    const auto stage = [&](int r) { return reinterpret_cast<T*>(call.scratch[r]->stage[step & 1]); };
    T* own = stage(call.rank);
    const size_t stride = static_cast<size_t>(gridDim.x) * blockDim.x;
    const size_t start = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    for (size_t v = start; v < elements / kSize; v += stride) {
      Vec<T, kBytes> vec;
      kernels::LoadVec(in, v, &vec);
      kernels::StoreVec(own, v, vec);
    }
    const size_t tail = elements / kSize * kSize;
    if (tail + start < elements) own[tail + start] = in[tail + start];
    ArriveLast(call, step);
    WaitForAll(call, step);
    ReduceVectors<kCombine, T, kBytes, kMaxDeviceRanks>(
        call, 0, elements / kSize, stage,
        [&](size_t index, const Vec<T, kBytes>& result) { kernels::StoreVec(out, index, result); });
    ReduceVectors<kCombine, T, sizeof(T), kMaxDeviceRanks>(
        call, tail, elements, stage,
        [&](size_t index, const Vec<T, sizeof(T)>& result) { kernels::StoreVec(out, index, result); });
  }
}

template <Combine kCombine, typename T, int kBytes, int kRanks>
__global__ void __launch_bounds__(kTwoShotThreads) TwoShot(const __grid_constant__ Call call) {
  constexpr size_t kSize = Vec<T, kBytes>::kSize;
  const uint64_t step = call.scratch[call.rank]->epoch;
  if (blockIdx.x == 0) Tell(call, step + 1);  // the stream has come here, so the input is written and the output free
  WaitForAll(call, step + 1);

  const auto in = [&](int r) { return static_cast<const T*>(call.in.data[r]); };
  const auto vectors = [&](int r) { return in(r) + call.head; };
  ReduceVectors<kCombine, T, kBytes, kRanks>(
      call, call.groups * call.rank / call.ranks, call.groups * (call.rank + 1) / call.ranks, vectors,
      [&](size_t index, const Vec<T, kBytes>& result) {
        for (int r = 0; r < call.ranks; ++r) {
          kernels::StoreVec(static_cast<T*>(call.out.data[r]) + call.head, index, result);
        }
      });
  if (call.rank == call.ranks - 1) {  // what is in front of the first vector and behind the last
    const auto sink = [&](size_t index, const Vec<T, sizeof(T)>& result) {
      for (int r = 0; r < call.ranks; ++r) {
        kernels::StoreVec(static_cast<T*>(call.out.data[r]), index, result);
      }
    };
    ReduceVectors<kCombine, T, sizeof(T), kRanks>(call, 0, call.head, in, sink);
    ReduceVectors<kCombine, T, sizeof(T), kRanks>(call, call.head + call.groups * kSize, call.count, in, sink);
  }

  if (ArriveLast(call, step + 2)) WaitForAll(call, step + 2);  // the kernel ends with its last block
}

// ---------------------------------------------------------------------------------------------------------- launcher

struct State {
  DeviceComm comm;
  int max_blocks;
};

int BlocksFor(const State& state, size_t work_items, int threads) {
  const size_t wanted = (work_items + threads - 1) / threads;
  return static_cast<int>(std::min<size_t>(std::max<size_t>(wanted, 1), state.max_blocks));
}

template <Combine kCombine, typename T>
cudaError_t Launch(const State& state, Call call, DeviceAlgorithm algorithm, cudaStream_t stream) {
  const T* in = static_cast<const T*>(call.in.data[call.rank]);
  const T* out = static_cast<const T*>(call.out.data[call.rank]);
  constexpr size_t kSize = Vec<T>::kSize;
  if (algorithm == DeviceAlgorithm::kOneShot && call.count * sizeof(T) <= kPackets * kPacketPayload) {
    const int blocks = BlocksFor(state, (call.count * sizeof(T) + kPacketPayload - 1) / kPacketPayload, kPacketThreads);
    OneShotPackets<kCombine, T><<<blocks, kPacketThreads, 0, stream>>>(call);
    return cudaGetLastError();
  }
  // Vectors need the same offset from a multiple of 16 bytes on both sides (and a stage has none).
  const size_t head = kernels::ElementsToAlignment(in);
  const bool alike = head == kernels::ElementsToAlignment(out);
  if (algorithm == DeviceAlgorithm::kOneShot) {
    const int blocks = BlocksFor(state, std::min(call.count, kStageBytes / sizeof(T)) / kSize, kStagedThreads);
    if (alike && head == 0) {
      OneShotStaged<kCombine, T, kernels::kVecBytes><<<blocks, kStagedThreads, 0, stream>>>(call);
    } else {
      OneShotStaged<kCombine, T, sizeof(T)><<<blocks, kStagedThreads, 0, stream>>>(call);
    }
    return cudaGetLastError();
  }
  call.head = alike ? std::min(head, call.count) : 0;
  call.groups = alike ? (call.count - call.head) / kSize : call.count;
  const int blocks = BlocksFor(state, call.groups / call.ranks, kTwoShotThreads);
  if (!alike) {
    TwoShot<kCombine, T, sizeof(T), kMaxDeviceRanks><<<blocks, kTwoShotThreads, 0, stream>>>(call);
  } else if (call.ranks <= 2) {
    TwoShot<kCombine, T, kernels::kVecBytes, 2><<<blocks, kTwoShotThreads, 0, stream>>>(call);
  } else if (call.ranks <= 4) {
    TwoShot<kCombine, T, kernels::kVecBytes, 4><<<blocks, kTwoShotThreads, 0, stream>>>(call);
  } else {
    TwoShot<kCombine, T, kernels::kVecBytes, kMaxDeviceRanks><<<blocks, kTwoShotThreads, 0, stream>>>(call);
  }
  return cudaGetLastError();
}

template <typename T>
cudaError_t LaunchOp(const State& state, const Call& call, ReduceOp op, DeviceAlgorithm algorithm,
                     cudaStream_t stream) {
  return op == ReduceOp::kMax ? Launch<Combine::kMax, T>(state, call, algorithm, stream)
                              : Launch<Combine::kAdd, T>(state, call, algorithm, stream);
}

}  // namespace

namespace q02 {

extern "C" cudaError_t q02_device_init(const DeviceComm& comm, void** state) {
  if (comm.ranks < 1 || comm.ranks > kMaxDeviceRanks || comm.rank < 0 || comm.rank >= comm.ranks ||
      comm.ranks_per_device < 1 || comm.multiprocessors < 1 || comm.scratch_bytes < sizeof(Scratch)) {
    return cudaErrorInvalidValue;
  }
  const int max_blocks = std::max(1, comm.multiprocessors / comm.ranks_per_device);
  *state = new (std::nothrow) State{comm, max_blocks};
  return *state != nullptr ? cudaSuccess : cudaErrorMemoryAllocation;
}

extern "C" cudaError_t q02_device_destroy(void* state) {
  delete static_cast<State*>(state);
  return cudaSuccess;
}

extern "C" cudaError_t q02_device_allreduce(void* opaque, const DeviceWindow& in, const DeviceWindow& out, size_t count,
                                            DataType type, ReduceOp op, DeviceAlgorithm algorithm,
                                            cudaStream_t stream) {
  const State& state = *static_cast<const State*>(opaque);
  if (op != ReduceOp::kSum && op != ReduceOp::kMax && op != ReduceOp::kAverage) return cudaErrorInvalidValue;
  if (algorithm != DeviceAlgorithm::kOneShot && algorithm != DeviceAlgorithm::kTwoShot) return cudaErrorInvalidValue;
  Call call{};
  call.in = in;
  call.out = out;
  for (int r = 0; r < state.comm.ranks; ++r) call.scratch[r] = static_cast<Scratch*>(state.comm.scratch.data[r]);
  call.count = count;
  call.rank = state.comm.rank;
  call.ranks = state.comm.ranks;
  call.scale = op == ReduceOp::kAverage ? 1.0f / static_cast<float>(call.ranks) : 1.0f;
  call.divisor = op == ReduceOp::kAverage ? call.ranks : 1;
  switch (type) {
    case DataType::kFloat32:
      return count == 0 ? cudaSuccess : LaunchOp<float>(state, call, op, algorithm, stream);
    case DataType::kFloat16:
      return count == 0 ? cudaSuccess : LaunchOp<__half>(state, call, op, algorithm, stream);
    case DataType::kBFloat16:
      return count == 0 ? cudaSuccess : LaunchOp<__nv_bfloat16>(state, call, op, algorithm, stream);
    case DataType::kInt32:
      return count == 0 ? cudaSuccess : LaunchOp<int32_t>(state, call, op, algorithm, stream);
  }
  return cudaErrorInvalidValue;
}

}  // namespace q02
