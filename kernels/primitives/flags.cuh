// Flags through which blocks, kernels, processes and GPUs wait for each other, and words that carry their own flag.
//
// Flags and packets have system scope: they hold between any two threads that can address the memory, on one GPU or on
// several. Source of the semantics: PTX ISA, "Memory Consistency Model" (release and acquire patterns, cumulativity).
//
//   producer                                   consumer
//   every thread writes data                   thread 0: WaitAtLeast(flag, value)
//   __syncthreads()                            __syncthreads()
//   thread 0: StoreRelease(flag, value)        every thread reads data
//
// __syncthreads orders the block's writes before thread 0's release, which makes them visible to whoever acquires the
// flag; a __threadfence_system() on top would be paid for twice.
#ifndef KERNELS_PRIMITIVES_FLAGS_CUH_
#define KERNELS_PRIMITIVES_FLAGS_CUH_

#include <cstdint>

// What a waiting thread does between two looks where kernels run on CPU threads; an executor may define its own.
#if !defined(KERNELS_HOST_SPIN_PAUSE)
#define KERNELS_HOST_SPIN_PAUSE() static_cast<void>(0)
#endif

namespace kernels {

// Writes `value`; whoever sees it through LoadAcquire also sees what this thread has written before, and what it has
// itself observed (through a barrier, say).
__device__ inline void StoreRelease(uint64_t* flag, uint64_t value) {
#if defined(__CUDA_ARCH__)
  asm volatile("st.release.sys.global.u64 [%0], %1;" ::"l"(flag), "l"(value) : "memory");
#else
  __atomic_store_n(flag, value, __ATOMIC_RELEASE);
#endif
}

// REQUIRES: `flag` is a naturally aligned word of global memory, as everywhere below.
__device__ inline uint64_t LoadAcquire(const uint64_t* flag) {
#if defined(__CUDA_ARCH__)
  uint64_t value;
  asm volatile("ld.acquire.sys.global.u64 %0, [%1];" : "=l"(value) : "l"(flag) : "memory");
  return value;
#else
  return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
#endif
}

// In a loop that waits for another thread, between two looks. On a GPU it does nothing.
__device__ inline void SpinPause() {
#if !defined(__CUDA_ARCH__)
  KERNELS_HOST_SPIN_PAUSE();
#endif
}

// Returns once the flag has reached `value`. REQUIRES: flags only grow; the thread that raises this one is running or
// will run without anything that this block holds.
__device__ inline void WaitAtLeast(const uint64_t* flag, uint64_t value) {
  while (LoadAcquire(flag) < value) SpinPause();
}

// Adds one and returns what was there before; acquires and releases, so that the last of one GPU's blocks to arrive has
// seen all that the others wrote before they arrived. Device scope is enough for that, and a microsecond cheaper: a
// StoreRelease behind it covers what the thread has seen, so it hands the others' writes on to other GPUs too.
__device__ inline uint32_t IncrementOnDevice(uint32_t* counter) {
#if defined(__CUDA_ARCH__)
  uint32_t before;
  asm volatile("atom.acq_rel.gpu.global.add.u32 %0, [%1], 1;" : "=r"(before) : "l"(counter) : "memory");
  return before;
#else
  return __atomic_fetch_add(counter, 1u, __ATOMIC_ACQ_REL);
#endif
}

// Eight bytes of payload in two words that each carry a tag beside their half. An aligned word of 8 bytes is written
// and read in one piece, so a word that shows the expected tag also shows its payload: no fence, and one trip over the
// link where data and a separate flag take two (NCCL's LL protocol). Costs twice the bytes.
struct alignas(16) Packet {
  uint64_t first;   // tag << 32 | payload bytes 0..3
  uint64_t second;  // tag << 32 | payload bytes 4..7
};

__device__ inline void StorePacket(Packet* packet, uint64_t payload, uint32_t tag) {
  const uint64_t high = static_cast<uint64_t>(tag) << 32;
  const uint64_t first = high | (payload & 0xffffffffu);
  const uint64_t second = high | (payload >> 32);
#if defined(__CUDA_ARCH__)
  asm volatile("st.relaxed.sys.global.v2.u64 [%0], {%1, %2};" ::"l"(packet), "l"(first), "l"(second) : "memory");
#else
  __atomic_store_n(&packet->first, first, __ATOMIC_RELEASE);
  __atomic_store_n(&packet->second, second, __ATOMIC_RELEASE);
#endif
}

__device__ inline Packet LoadPacket(const Packet* packet) {
  Packet loaded;
#if defined(__CUDA_ARCH__)
  asm volatile("ld.relaxed.sys.global.v2.u64 {%0, %1}, [%2];"
               : "=l"(loaded.first), "=l"(loaded.second)
               : "l"(packet)
               : "memory");
#else
  loaded.first = __atomic_load_n(&packet->first, __ATOMIC_ACQUIRE);
  loaded.second = __atomic_load_n(&packet->second, __ATOMIC_ACQUIRE);
#endif
  return loaded;
}

__device__ inline bool HasTag(const Packet& packet, uint32_t tag) {
  return static_cast<uint32_t>(packet.first >> 32) == tag && static_cast<uint32_t>(packet.second >> 32) == tag;
}

__device__ inline uint64_t PayloadOf(const Packet& packet) {
  return (packet.second << 32) | (packet.first & 0xffffffffu);
}

}  // namespace kernels

#endif  // KERNELS_PRIMITIVES_FLAGS_CUH_
