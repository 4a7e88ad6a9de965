// A few neighbouring elements moved as one access of up to 16 bytes, the widest that a thread has.
#ifndef KERNELS_PRIMITIVES_VEC_CUH_
#define KERNELS_PRIMITIVES_VEC_CUH_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace kernels {

inline constexpr int kVecBytes = 16;

// kBytes / sizeof(T) elements of T. kBytes is sizeof(T) .. 16, a power of two.
template <typename T, int kBytes = kVecBytes>
struct alignas(kBytes) Vec {
  static constexpr int kSize = kBytes / static_cast<int>(sizeof(T));
  T data[kSize];

  __host__ __device__ T& operator[](int i) { return data[i]; }
  __host__ __device__ const T& operator[](int i) const { return data[i]; }
};

namespace internal {

struct alignas(16) Word16 {  // one 16-byte access in device code, by its alignment
  uint64_t low, high;
};
template <int kBytes>
using Word =
    std::conditional_t<kBytes == 16, Word16,
                       std::conditional_t<kBytes == 8, uint64_t, std::conditional_t<kBytes == 4, uint32_t, uint16_t>>>;

}  // namespace internal

// Reads element group `index` (elements index * kSize and up). REQUIRES: `base` is aligned to kBytes.
template <typename T, int kBytes>
__device__ inline void LoadVec(const T* base, size_t index, Vec<T, kBytes>* vec) {
  static_assert(sizeof(internal::Word<kBytes>) == kBytes);
  using Word = internal::Word<kBytes>;
  const Word word = *(reinterpret_cast<const Word*>(base) + index);
  memcpy(vec, &word, kBytes);
}

template <typename T, int kBytes>
__device__ inline void StoreVec(T* base, size_t index, const Vec<T, kBytes>& vec) {
  using Word = internal::Word<kBytes>;
  Word word;
  memcpy(&word, &vec, kBytes);
  *(reinterpret_cast<Word*>(base) + index) = word;
}

// Elements from `p` to the next address that is a multiple of kVecBytes. REQUIRES: p is aligned to T.
template <typename T>
__host__ __device__ inline size_t ElementsToAlignment(const T* p) {
  const uintptr_t past = reinterpret_cast<uintptr_t>(p) % kVecBytes;
  return past == 0 ? 0 : (kVecBytes - past) / sizeof(T);
}

}  // namespace kernels

#endif  // KERNELS_PRIMITIVES_VEC_CUH_
