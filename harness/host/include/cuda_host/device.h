// What a kernel has without including anything: where it is, barriers, warp functions, atomics, fences.
//
// Meaning as in the CUDA C++ Programming Guide, "C++ Language Extensions". Atomics, fences and waits are the points at
// which other threads of the block may run; the order is drawn from the run's seed.
#ifndef CUDA_HOST_DEVICE_H_
#define CUDA_HOST_DEVICE_H_

#include <cassert>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <type_traits>

#include "cuda_host/run_threads.h"
#include "vector_functions.h"
#include "vector_types.h"

#define CUDA_HOST_TLS __attribute__((tls_model("initial-exec")))
extern constinit const thread_local uint3 blockIdx CUDA_HOST_TLS;
extern constinit const thread_local dim3 blockDim CUDA_HOST_TLS;
extern constinit const thread_local dim3 gridDim CUDA_HOST_TLS;
#undef CUDA_HOST_TLS
inline constexpr int warpSize = 32;

// In a loop that waits for another thread: kernels/primitives uses it.
#define KERNELS_HOST_SPIN_PAUSE() ::cuda_host::Pause(__builtin_FILE(), __builtin_LINE())

namespace cuda_host {

// The library's side. `file` and `line` say where the kernel waits.
// Some are called so often that the detour over the linker's table counts.
#if defined(__clang__)
#define CUDA_HOST_OFTEN
#else
#define CUDA_HOST_OFTEN __attribute__((noplt))
#endif
CUDA_HOST_OFTEN void BlockSync(const char* file, int line);
int BlockBarrier(int reduce, bool predicate, const char* file, int line);  // 1 count, 2 and, 3 or
void WarpBarrier(unsigned mask, const char* file, int line);
CUDA_HOST_OFTEN uint64_t WarpShuffle(unsigned mask, uint64_t value, int source_lane, const char* file, int line);
unsigned WarpBallot(unsigned mask, bool predicate, const char* file, int line);
unsigned WarpMatchAny(unsigned mask, uint64_t value, const char* file, int line);
unsigned WarpMatchAll(unsigned mask, uint64_t value, const char* file, int line);
enum class WarpReduceOp { kAdd, kMin, kMax, kMinSigned, kMaxSigned, kAnd, kOr, kXor };
unsigned WarpReduce(unsigned mask, WarpReduceOp op, unsigned value, const char* file, int line);
unsigned WarpActive(const char* file, int line);
void GridBarrier(const char* file, int line);
bool IsCooperative();  // grid.sync() works
void Fence(bool block_only = false);
void Pause(const char* file, int line);  // the others run
void SchedulingPoint();                  // the others may run
[[noreturn]] void Trap();
CUDA_HOST_OFTEN int Lane();  // of the calling thread, 0 .. 31
bool IsShared(const void* address);
long long Cycles();
#undef CUDA_HOST_OFTEN

namespace internal {

template <typename T>
uint64_t ToBits(const T& value) {
  static_assert(sizeof(T) <= sizeof(uint64_t), "warp functions take values of at most 8 bytes");
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof value);
  return bits;
}
template <typename T>
T FromBits(uint64_t bits) {
  T value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

template <int kBytes>
using UnsignedOf = std::conditional_t<
    kBytes == 8, unsigned long long,
    std::conditional_t<kBytes == 4, unsigned, std::conditional_t<kBytes == 2, unsigned short, unsigned char>>>;

// *address = update(*address) as one step; the value before. T is trivially copyable, of 2, 4 or 8 bytes.
template <typename T, typename Update>
inline T AtomicUpdate(T* address, Update update) {
  using Word = UnsignedOf<sizeof(T)>;
  Word* const word = reinterpret_cast<Word*>(address);
  Word before = __atomic_load_n(word, __ATOMIC_RELAXED);
  for (;;) {
    T old;
    memcpy(&old, &before, sizeof old);
    const T updated = update(old);
    Word after;
    memcpy(&after, &updated, sizeof after);
    if (__atomic_compare_exchange_n(word, &before, after, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
      SchedulingPoint();
      return old;
    }
  }
}

}  // namespace internal
}  // namespace cuda_host

// ------------------------------------------------------------------------------------------------------------ barriers

#define CUDA_HOST_SITE const char *file = __builtin_FILE(), int line = __builtin_LINE()

inline void __syncthreads(CUDA_HOST_SITE) { cuda_host::BlockSync(file, line); }
inline int __syncthreads_count(int predicate, CUDA_HOST_SITE) {
  return cuda_host::BlockBarrier(1, predicate != 0, file, line);
}
inline int __syncthreads_and(int predicate, CUDA_HOST_SITE) {
  return cuda_host::BlockBarrier(2, predicate != 0, file, line);
}
inline int __syncthreads_or(int predicate, CUDA_HOST_SITE) {
  return cuda_host::BlockBarrier(3, predicate != 0, file, line);
}
inline void __syncwarp(unsigned mask = 0xffffffffu, CUDA_HOST_SITE) { cuda_host::WarpBarrier(mask, file, line); }

inline void __threadfence() { cuda_host::Fence(); }
inline void __threadfence_block() { cuda_host::Fence(true); }
inline void __threadfence_system() { cuda_host::Fence(); }
inline void __nanosleep(unsigned, CUDA_HOST_SITE) { cuda_host::Pause(file, line); }

// -------------------------------------------------------------------------------------------------------- warp
// functions

inline unsigned __activemask(CUDA_HOST_SITE) { return cuda_host::WarpActive(file, line); }
inline unsigned __ballot_sync(unsigned mask, int predicate, CUDA_HOST_SITE) {
  return cuda_host::WarpBallot(mask, predicate != 0, file, line);
}
inline int __any_sync(unsigned mask, int predicate, CUDA_HOST_SITE) {
  return cuda_host::WarpBallot(mask, predicate != 0, file, line) != 0 ? 1 : 0;
}
inline int __all_sync(unsigned mask, int predicate, CUDA_HOST_SITE) {
  return cuda_host::WarpBallot(mask, predicate == 0, file, line) == 0 ? 1 : 0;
}
inline int __uni_sync(unsigned mask, int predicate, CUDA_HOST_SITE) {
  return __all_sync(mask, predicate, file, line) != 0 || __any_sync(mask, predicate, file, line) == 0 ? 1 : 0;
}

template <typename T>
inline T __shfl_sync(unsigned mask, T value, int source_lane, int width = 32, CUDA_HOST_SITE) {
  const int lane = cuda_host::Lane();
  const int source = (lane & ~(width - 1)) | (source_lane & (width - 1));
  return cuda_host::internal::FromBits<T>(
      cuda_host::WarpShuffle(mask, cuda_host::internal::ToBits(value), source, file, line));
}
template <typename T>
inline T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, CUDA_HOST_SITE) {
  const int lane = cuda_host::Lane();
  const int within = lane & (width - 1);
  const int source = static_cast<unsigned>(within) < delta ? lane : lane - static_cast<int>(delta);
  return cuda_host::internal::FromBits<T>(
      cuda_host::WarpShuffle(mask, cuda_host::internal::ToBits(value), source, file, line));
}
template <typename T>
inline T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, CUDA_HOST_SITE) {
  const int lane = cuda_host::Lane();
  const int within = lane & (width - 1);
  const int source = delta >= static_cast<unsigned>(width - within) ? lane : lane + static_cast<int>(delta);
  return cuda_host::internal::FromBits<T>(
      cuda_host::WarpShuffle(mask, cuda_host::internal::ToBits(value), source, file, line));
}
template <typename T>
inline T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32, CUDA_HOST_SITE) {
  const int lane = cuda_host::Lane();
  const int wanted = lane ^ lane_mask;
  // A later group's lanes are out of reach, an earlier one's are not.
  const int source = wanted > (lane | (width - 1)) || wanted >= 32 || wanted < 0 ? lane : wanted;
  return cuda_host::internal::FromBits<T>(
      cuda_host::WarpShuffle(mask, cuda_host::internal::ToBits(value), source, file, line));
}

template <typename T>
inline unsigned __match_any_sync(unsigned mask, T value, CUDA_HOST_SITE) {
  return cuda_host::WarpMatchAny(mask, cuda_host::internal::ToBits(value), file, line);
}
template <typename T>
inline unsigned __match_all_sync(unsigned mask, T value, int* predicate, CUDA_HOST_SITE) {
  const unsigned all = cuda_host::WarpMatchAll(mask, cuda_host::internal::ToBits(value), file, line);
  *predicate = all != 0 ? 1 : 0;
  return all;
}

#define CUDA_HOST_WARP_REDUCE(name, type, op)                                                                \
  inline type name(unsigned mask, type value, CUDA_HOST_SITE) {                                              \
    return static_cast<type>(                                                                                \
        cuda_host::WarpReduce(mask, cuda_host::WarpReduceOp::op, static_cast<unsigned>(value), file, line)); \
  }
CUDA_HOST_WARP_REDUCE(__reduce_add_sync, unsigned, kAdd)
CUDA_HOST_WARP_REDUCE(__reduce_add_sync, int, kAdd)
CUDA_HOST_WARP_REDUCE(__reduce_min_sync, unsigned, kMin)
CUDA_HOST_WARP_REDUCE(__reduce_min_sync, int, kMinSigned)
CUDA_HOST_WARP_REDUCE(__reduce_max_sync, unsigned, kMax)
CUDA_HOST_WARP_REDUCE(__reduce_max_sync, int, kMaxSigned)
CUDA_HOST_WARP_REDUCE(__reduce_and_sync, unsigned, kAnd)
CUDA_HOST_WARP_REDUCE(__reduce_or_sync, unsigned, kOr)
CUDA_HOST_WARP_REDUCE(__reduce_xor_sync, unsigned, kXor)
#undef CUDA_HOST_WARP_REDUCE

// ------------------------------------------------------------------------------------------------------------- atomics

// Relaxed, as CUDA's are; the forms with _block and _system differ in scope only, which one memory does not tell apart.
#define CUDA_HOST_ATOMIC_SCOPES(MAKE) MAKE() MAKE(_block) MAKE(_system)

#define CUDA_HOST_ATOMIC_FETCH(suffix, type, name, builtin)        \
  inline type name##suffix(type* address, type value) {            \
    const type before = builtin(address, value, __ATOMIC_RELAXED); \
    cuda_host::SchedulingPoint();                                  \
    return before;                                                 \
  }
#define CUDA_HOST_ATOMIC_UPDATE(suffix, type, name, expression)                                          \
  inline type name##suffix(type* address, type value) {                                                  \
    return cuda_host::internal::AtomicUpdate(address, [value](type old) -> type { return expression; }); \
  }
#define CUDA_HOST_ATOMIC_INTEGER(suffix, type)                                  \
  CUDA_HOST_ATOMIC_FETCH(suffix, type, atomicAnd, __atomic_fetch_and)           \
  CUDA_HOST_ATOMIC_FETCH(suffix, type, atomicOr, __atomic_fetch_or)             \
  CUDA_HOST_ATOMIC_FETCH(suffix, type, atomicXor, __atomic_fetch_xor)           \
  CUDA_HOST_ATOMIC_FETCH(suffix, type, atomicExch, __atomic_exchange_n)         \
  CUDA_HOST_ATOMIC_UPDATE(suffix, type, atomicMin, (value < old ? value : old)) \
  CUDA_HOST_ATOMIC_UPDATE(suffix, type, atomicMax, (value > old ? value : old)) \
  CUDA_HOST_ATOMIC_CAS(suffix, type)
#define CUDA_HOST_ATOMIC_CAS(suffix, type)                                                            \
  inline type atomicCAS##suffix(type* address, type compare, type value) {                            \
    __atomic_compare_exchange_n(address, &compare, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED); \
    cuda_host::SchedulingPoint();                                                                     \
    return compare;                                                                                   \
  }
#define CUDA_HOST_ATOMICS(suffix)                                                                         \
  CUDA_HOST_ATOMIC_INTEGER(suffix, int)                                                                   \
  CUDA_HOST_ATOMIC_INTEGER(suffix, unsigned)                                                              \
  CUDA_HOST_ATOMIC_INTEGER(suffix, unsigned long long)                                                    \
  CUDA_HOST_ATOMIC_INTEGER(suffix, long long)                                                             \
  CUDA_HOST_ATOMIC_CAS(suffix, unsigned short)                                                            \
  CUDA_HOST_ATOMIC_FETCH(suffix, int, atomicAdd, __atomic_fetch_add)                                      \
  CUDA_HOST_ATOMIC_FETCH(suffix, unsigned, atomicAdd, __atomic_fetch_add)                                 \
  CUDA_HOST_ATOMIC_FETCH(suffix, unsigned long long, atomicAdd, __atomic_fetch_add)                       \
  CUDA_HOST_ATOMIC_FETCH(suffix, int, atomicSub, __atomic_fetch_sub)                                      \
  CUDA_HOST_ATOMIC_FETCH(suffix, unsigned, atomicSub, __atomic_fetch_sub)                                 \
  CUDA_HOST_ATOMIC_UPDATE(suffix, float, atomicAdd, old + value)                                          \
  CUDA_HOST_ATOMIC_UPDATE(suffix, double, atomicAdd, old + value)                                         \
  CUDA_HOST_ATOMIC_UPDATE(suffix, float, atomicExch, (static_cast<void>(old), value))                     \
  CUDA_HOST_ATOMIC_UPDATE(suffix, unsigned, atomicInc, (old >= value ? 0u : old + 1))                     \
  CUDA_HOST_ATOMIC_UPDATE(suffix, unsigned, atomicDec, (old == 0 || old > value ? value : old - 1))       \
  inline float2 atomicAdd##suffix(float2* address, float2 value) {                                        \
    return make_float2(atomicAdd##suffix(&address->x, value.x), atomicAdd##suffix(&address->y, value.y)); \
  }                                                                                                       \
  inline float4 atomicAdd##suffix(float4* address, float4 value) {                                        \
    return make_float4(atomicAdd##suffix(&address->x, value.x), atomicAdd##suffix(&address->y, value.y),  \
                       atomicAdd##suffix(&address->z, value.z), atomicAdd##suffix(&address->w, value.w)); \
  }                                                                                                       \
  /* __half, __nv_bfloat16 and their pairs, where the header with their arithmetic is included. */        \
  template <typename T, std::enable_if_t<std::is_class_v<T> && sizeof(T) <= 4, int> = 0>                  \
  inline T atomicAdd##suffix(T* address, std::type_identity_t<T> value) {                                 \
    return cuda_host::internal::AtomicUpdate(address, [value](T old) -> T { return old + value; });       \
  }
CUDA_HOST_ATOMIC_SCOPES(CUDA_HOST_ATOMICS)
#undef CUDA_HOST_ATOMICS
#undef CUDA_HOST_ATOMIC_CAS
#undef CUDA_HOST_ATOMIC_INTEGER
#undef CUDA_HOST_ATOMIC_UPDATE
#undef CUDA_HOST_ATOMIC_FETCH
#undef CUDA_HOST_ATOMIC_SCOPES

// --------------------------------------------------------------------------------------------------------------- other

inline long long clock64() { return cuda_host::Cycles(); }
inline clock_t clock() { return static_cast<clock_t>(cuda_host::Cycles()); }
[[noreturn]] inline void __trap() { cuda_host::Trap(); }
inline void __brkpt() {}
inline void __prof_trigger(int) {}

inline unsigned __isShared(const void* address) { return cuda_host::IsShared(address) ? 1 : 0; }
inline unsigned __isGlobal(const void* address) { return cuda_host::IsShared(address) ? 0 : 1; }

#undef CUDA_HOST_SITE

#endif  // CUDA_HOST_DEVICE_H_
