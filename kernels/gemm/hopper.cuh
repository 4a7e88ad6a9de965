// The instructions of sm_90a that the GEMM is made of: mbarriers, the tensor memory accelerator (TMA), warpgroup matrix
// multiply (wgmma), and what clusters need. One function for each instruction, named after it.
// Source: PTX ISA 9.0, sections "mbarrier", "cp.async.bulk.tensor" and "Asynchronous Warpgroup Level Matrix
// Instructions".
#ifndef KERNELS_GEMM_HOPPER_CUH_
#define KERNELS_GEMM_HOPPER_CUH_

#include <cuda.h>

#include <cstdint>

namespace kernels::hopper {

__device__ inline uint32_t SharedAddress(const void* pointer) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(pointer));
}

// --- Clusters ---

__device__ inline uint32_t ClusterRank() {
  uint32_t rank;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}

// All threads of all blocks of the cluster meet; shared memory written before is visible after, across blocks.
__device__ inline void ClusterSync() {
  asm volatile("barrier.cluster.arrive.release.aligned;\n\tbarrier.cluster.wait.acquire.aligned;" ::: "memory");
}

// --- Registers ---

// Moves registers between warpgroups. Every warp of the warpgroup executes it.
template <int kRegisters>
__device__ inline void DecreaseRegisters() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
}
template <int kRegisters>
__device__ inline void IncreaseRegisters() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

// --- mbarrier ---

__device__ inline void InitBarrier(uint64_t* barrier, uint32_t arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(SharedAddress(barrier)), "r"(arrivals) : "memory");
}

// Makes initialised barriers visible to the cluster's other blocks and to the TMA.
__device__ inline void FenceBarrierInit() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }

// One arrival, and `bytes` that the phase must also wait for.
__device__ inline void ArriveExpectBytes(uint64_t* barrier, uint32_t bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(SharedAddress(barrier)), "r"(bytes)
               : "memory");
}

__device__ inline void Arrive(uint64_t* barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(SharedAddress(barrier)) : "memory");
}

// One arrival at the barrier that lies at the same place in the shared memory of block `rank` of the cluster. Relaxed:
// it says that wgmma, which the caller has waited for, has read a stage. A release would have to wait for all of the
// thread's memory accesses at each stage, for nothing; it costs a third of the GEMM's speed.
__device__ inline void ArriveAtRank(uint64_t* barrier, uint32_t rank) {
  asm volatile(
      "{\n\t"
      ".reg .b32 remote;\n\t"
      "mapa.shared::cluster.u32 remote, %0, %1;\n\t"
      "mbarrier.arrive.relaxed.cluster.shared::cluster.b64 _, [remote];\n\t"
      "}" ::"r"(SharedAddress(barrier)),
      "r"(rank)
      : "memory");
}

// Returns when the phase of this parity has completed. A fresh barrier is in phase 0, and counts as having completed
// a phase of parity 1.
__device__ inline void WaitBarrier(uint64_t* barrier, uint32_t parity) {
  asm volatile(
      "{\n\t"
      ".reg .pred complete;\n\t"
      "WAIT:\n\t"
      "mbarrier.try_wait.parity.acquire.cta.shared::cta.b64 complete, [%0], %1;\n\t"
      "@complete bra DONE;\n\t"
      "bra WAIT;\n\t"
      "DONE:\n\t"
      "}" ::"r"(SharedAddress(barrier)),
      "r"(parity)
      : "memory");
}
// The same for arrivals by ArriveAtRank.
__device__ inline void WaitBarrierOfCluster(uint64_t* barrier, uint32_t parity) {
  asm volatile(
      "{\n\t"
      ".reg .pred complete;\n\t"
      "WAIT:\n\t"
      "mbarrier.try_wait.parity.relaxed.cluster.shared::cta.b64 complete, [%0], %1;\n\t"
      "@complete bra DONE;\n\t"
      "bra WAIT;\n\t"
      "DONE:\n\t"
      "}" ::"r"(SharedAddress(barrier)),
      "r"(parity)
      : "memory");
}

// --- TMA ---

__device__ inline void PrefetchTensorMap(const CUtensorMap* map) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
}

// A box of a two-dimensional tensor to shared memory; its bytes count at `barrier`. What lies outside the tensor
// arrives as zeros, and counts. `inner` and `outer` are the box's first element.
__device__ inline void TmaLoad(void* destination, const CUtensorMap* map, int inner, int outer, uint64_t* barrier) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::
          "r"(SharedAddress(destination)),
      "l"(map), "r"(inner), "r"(outer), "r"(SharedAddress(barrier))
      : "memory");
}

// The same into every block of the cluster in `block_mask`: at the same place, and counted at the same barrier, there.
__device__ inline void TmaLoadMulticast(void* destination, const CUtensorMap* map, int inner, int outer,
                                        uint64_t* barrier, uint16_t block_mask) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster"
      " [%0], [%1, {%2, %3}], [%4], %5;" ::"r"(SharedAddress(destination)),
      "l"(map), "r"(inner), "r"(outer), "r"(SharedAddress(barrier)), "h"(block_mask)
      : "memory");
}

// A box to the L2 cache only.
__device__ inline void TmaPrefetch(const CUtensorMap* map, int inner, int outer) {
  asm volatile("cp.async.bulk.prefetch.tensor.2d.L2.global.tile [%0, {%1, %2}];" ::"l"(map), "r"(inner), "r"(outer)
               : "memory");
}

// Shared memory to a box; what lies outside the tensor is not written.
__device__ inline void TmaStore(const CUtensorMap* map, int inner, int outer, const void* source) {
  asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%0, {%1, %2}], [%3];" ::"l"(map),
               "r"(inner), "r"(outer), "r"(SharedAddress(source))
               : "memory");
}
__device__ inline void CommitStores() { asm volatile("cp.async.bulk.commit_group;" ::: "memory"); }

// Waits until at most kPending of this thread's committed groups still have shared memory to read.
template <int kPending>
__device__ inline void WaitStoresRead() {
  asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(kPending) : "memory");
}

// Before a barrier, by each thread that wrote shared memory: what reads it next is the TMA.
__device__ inline void FenceSharedForTma() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// Four 8x8 matrices of 16-bit elements from registers to shared memory: lane l gives the address of row l % 8 of matrix
// l / 8.
__device__ inline void StoreMatrices(uint32_t address, uint32_t r0, uint32_t r1, uint32_t r2, uint32_t r3) {
  asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(address), "r"(r0), "r"(r1),
               "r"(r2), "r"(r3)
               : "memory");
}

// --- wgmma ---

__device__ inline void WgmmaFence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ inline void WgmmaCommit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int kPending>
__device__ inline void WgmmaWait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}

// Describes an operand that the TMA wrote with 128-byte swizzling: rows of 128 bytes, eight of them an atom of 1024
// bytes, `address` a multiple of 1024 plus a step along K.
//   K-major (a row holds 64 elements along K): `stride_bytes` from one group of eight rows to the next.
//   MN-major (a row holds 64 elements along M or N): `stride_bytes` from eight rows along K to the next eight,
//   `leading_bytes` from 64 elements along M or N to the next 64.
__device__ inline uint64_t MatrixDescriptor(uint32_t address, uint32_t leading_bytes, uint32_t stride_bytes) {
  const auto encode = [](uint32_t bytes) { return static_cast<uint64_t>((bytes & 0x3ffff) >> 4); };
  constexpr uint64_t kSwizzle128 = uint64_t{1} << 62;
  return kSwizzle128 | encode(stride_bytes) << 32 | encode(leading_bytes) << 16 | encode(address);
}

// d (64 x 256, fp32) += A (64 x 16) * B (16 x 256), both bf16 in shared memory; if not `accumulate`, d = A * B. Thread
// t of the warpgroup holds in d[8j .. 8j+7] of the rows 16 (t / 32) + (t % 32) / 4 [+ 8 for elements 2, 3, 6, 7] the
// columns 16j + 2 (t % 4), + 1 [+ 8 for elements 4 to 7].
#define KERNELS_R8(i)                                                                                         \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), \
      "+f"(d[i + 7])
template <bool kAMnMajor, bool kBMnMajor>
__device__ inline void WgmmaM64N256K16(float (&d)[128], uint64_t a, uint64_t b, bool accumulate) {
  asm volatile(
      "{\n\t"
      ".reg .pred p;\n\t"
      "setp.ne.b32 p, %130, 0;\n\t"
      "wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
      "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
      "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, "
      "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, "
      "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, "
      "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, "
      "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127}, "
      "%128, %129, p, 1, 1, %131, %132;\n\t"
      "}"
      : KERNELS_R8(0), KERNELS_R8(8), KERNELS_R8(16), KERNELS_R8(24), KERNELS_R8(32), KERNELS_R8(40), KERNELS_R8(48),
        KERNELS_R8(56), KERNELS_R8(64), KERNELS_R8(72), KERNELS_R8(80), KERNELS_R8(88), KERNELS_R8(96), KERNELS_R8(104),
        KERNELS_R8(112), KERNELS_R8(120)
      : "l"(a), "l"(b), "r"(static_cast<int>(accumulate)), "n"(kAMnMajor), "n"(kBMnMajor));
}
#undef KERNELS_R8

}  // namespace kernels::hopper

#endif  // KERNELS_GEMM_HOPPER_CUH_
