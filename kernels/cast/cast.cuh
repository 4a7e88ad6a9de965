// Arrays between fp32 and formats of 16 and 8 bits, at the speed of memory.
//
// A group of neighbouring elements is read and written by accesses of up to 16 bytes; a thread has kUnroll groups of
// them in flight. In front of the first group and behind the last, and everywhere if input and output cannot both be
// aligned, a group is one element.
#ifndef KERNELS_CAST_CAST_CUH_
#define KERNELS_CAST_CAST_CUH_

#include <cuda_runtime.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cast/philox.cuh"
#include "kernels/cast/small_float.cuh"
#include "kernels/primitives/vec.cuh"

namespace kernels {
namespace internal {

inline constexpr int kCastThreads = 512;

// What is done to the group that starts at element `index`, of kGroup elements or of one.
template <typename F>
struct EncodeGroup {
  using From = float;
  using To = typename F::Code;
  static constexpr int kGroup = 4;  // 16 bytes of fp32: neighbouring threads' accesses have no gaps
  static constexpr int kUnroll = 4;
  static constexpr bool kByIndex = false;
  bool saturate;
  template <int kSize>
  __device__ void operator()(size_t, const From (&in)[kSize], To (&out)[kSize]) const {
#pragma unroll
    for (int i = 0; i < kSize; ++i) out[i] = Encode<F>(in[i], saturate);
  }
};

template <typename F>
struct DecodeGroup {
  using From = typename F::Code;
  using To = float;
  static constexpr int kGroup = 4;
  static constexpr int kUnroll = 1;  // what is written is most of the traffic: more at once is slower
  static constexpr bool kByIndex = false;
  template <int kSize>
  __device__ void operator()(size_t, const From (&in)[kSize], To (&out)[kSize]) const {
#pragma unroll
    for (int i = 0; i < kSize; ++i) out[i] = Decode<F>(in[i]);
  }
};

// The eight elements 8 k .. 8 k + 7 share the 128 bits of Philox(seed, k).
struct EncodeGroupStochastically {
  using From = float;
  using To = uint16_t;
  static constexpr int kGroup = 8;
  static constexpr int kUnroll = 2;
  static constexpr bool kByIndex = true;  // groups are those of the formula: none is off it
  bool saturate;
  uint64_t seed;
  template <int kSize>
  __device__ void operator()(size_t index, const From (&in)[kSize], To (&out)[kSize]) const {
    static_assert(kSize == 1 || kSize == 8);
    const PhiloxWords random = Philox(seed, index / 8);
#pragma unroll
    for (int i = 0; i < kSize; ++i) {
      uint32_t word = random.word[i / 2];
      if constexpr (kSize == 1) {
        const int which = static_cast<int>(index % 8 / 2);
        word = which == 0 ? random.word[0] : which == 1 ? random.word[1] : which == 2 ? random.word[2] : random.word[3];
      }
      const uint32_t draw = (index + i) % 2 == 0 ? word & 0xffffu : word >> 16;
      out[i] = EncodeStochastically(in[i], draw, saturate);
    }
  }
};

// kSize elements by as few accesses as there can be. REQUIRES: aligned to their size, or to 16 bytes if that is less.
template <int kSize, typename T>
struct GroupAccess {
  static constexpr int kBytes = kSize * sizeof(T) < kVecBytes ? kSize * sizeof(T) : kVecBytes;
  static constexpr int kPerVec = kBytes / static_cast<int>(sizeof(T));
  static constexpr int kVecs = kSize / kPerVec;
  static __device__ void Load(const T* base, size_t group, T (&values)[kSize]) {
    if constexpr (kSize == 1) {
      values[0] = base[group];
    } else {
#pragma unroll
      for (int v = 0; v < kVecs; ++v) {
        Vec<T, kBytes> vec;
        LoadVec(base, group * kVecs + v, &vec);
#pragma unroll
        for (int i = 0; i < kPerVec; ++i) values[v * kPerVec + i] = vec[i];
      }
    }
  }
  static __device__ void Store(T* base, size_t group, const T (&values)[kSize]) {
    if constexpr (kSize == 1) {
      base[group] = values[0];
    } else {
#pragma unroll
      for (int v = 0; v < kVecs; ++v) {
        Vec<T, kBytes> vec;
#pragma unroll
        for (int i = 0; i < kPerVec; ++i) vec[i] = values[v * kPerVec + i];
        StoreVec(base, group * kVecs + v, vec);
      }
    }
  }
};

template <int kSize, int kUnroll, typename Map>
__global__ void __launch_bounds__(kCastThreads)
    CastKernel(const typename Map::From* __restrict__ in, typename Map::To* __restrict__ out, size_t count, size_t head,
               size_t groups, Map map) {
  using Input = GroupAccess<kSize, typename Map::From>;
  using Output = GroupAccess<kSize, typename Map::To>;
  const size_t first = static_cast<size_t>(blockIdx.x) * kCastThreads * kUnroll + threadIdx.x;
  typename Map::From values[kUnroll][kSize];
#pragma unroll
  for (int u = 0; u < kUnroll; ++u) {
    const size_t group = first + u * kCastThreads;
    if (group < groups) Input::Load(in + head, group, values[u]);
  }
#pragma unroll
  for (int u = 0; u < kUnroll; ++u) {
    const size_t group = first + u * kCastThreads;
    if (group >= groups) break;
    typename Map::To results[kSize];
    map(head + group * kSize, values[u], results);
    Output::Store(out + head, group, results);
  }
  if (kSize == 1 || blockIdx.x != 0) return;
  const size_t tail = head + groups * kSize;
  size_t index = threadIdx.x;  // of those in no group
  if (index >= head) index += tail - head;
  if (index >= count) return;
  const typename Map::From value[1] = {in[index]};
  typename Map::To result[1];
  map(index, value, result);
  out[index] = result[0];
}

template <typename Map>
cudaError_t Cast(const typename Map::From* in, typename Map::To* out, size_t count, const Map& map,
                 cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  constexpr int kGroup = Map::kGroup;
  constexpr size_t kInBytes = GroupAccess<kGroup, typename Map::From>::kBytes;
  constexpr size_t kOutBytes = GroupAccess<kGroup, typename Map::To>::kBytes;
  size_t head = 0;  // in front of the first group
  const auto aligned = [&](size_t elements) {
    return reinterpret_cast<uintptr_t>(in + elements) % kInBytes == 0 &&
           reinterpret_cast<uintptr_t>(out + elements) % kOutBytes == 0;
  };
  if (!Map::kByIndex) {
    while (head < kGroup && !aligned(head)) ++head;
  }
  const auto blocks = [](size_t groups, int unroll) {
    const size_t per_block = static_cast<size_t>(kCastThreads) * unroll;
    return static_cast<unsigned>(std::max<size_t>(1, (groups + per_block - 1) / per_block));
  };
  if (aligned(head)) {
    head = std::min(head, count);
    constexpr int kUnroll = Map::kUnroll;
    const size_t groups = (count - head) / kGroup;
    CastKernel<kGroup, kUnroll>
        <<<blocks(groups, kUnroll), kCastThreads, 0, stream>>>(in, out, count, head, groups, map);
  } else {
    constexpr int kUnroll = Map::kUnroll * kGroup;
    CastKernel<1, kUnroll><<<blocks(count, kUnroll), kCastThreads, 0, stream>>>(in, out, count, size_t{0}, count, map);
  }
  return cudaGetLastError();
}

}  // namespace internal

// out[i] = in[i] in F, as Encode has it. Pointers are aligned to their elements and do not overlap.
template <typename F>
cudaError_t EncodeArray(const float* in, typename F::Code* out, size_t count, bool saturate, cudaStream_t stream) {
  return internal::Cast(in, out, count, internal::EncodeGroup<F>{saturate}, stream);
}

// out[i] = in[i] in fp32, exactly.
template <typename F>
cudaError_t DecodeArray(const typename F::Code* in, float* out, size_t count, cudaStream_t stream) {
  return internal::Cast(in, out, count, internal::DecodeGroup<F>{}, stream);
}

// out[i] = in[i] in bf16, rounded stochastically by 16 bits that depend on seed and i alone.
inline cudaError_t EncodeArrayStochastically(const float* in, uint16_t* out, size_t count, bool saturate, uint64_t seed,
                                             cudaStream_t stream) {
  return internal::Cast(in, out, count, internal::EncodeGroupStochastically{saturate, seed}, stream);
}

}  // namespace kernels

#endif  // KERNELS_CAST_CAST_CUH_
