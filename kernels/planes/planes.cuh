// Bytes of equal weight together: byte j of element i to planes[j * count + i], and back, at the speed of memory.
//
// A lane takes four neighbouring elements: kBytes words with four bytes of each plane in them. Byte permutes turn that
// square, after which the lane has a word of every plane, and a warp 128 bytes of each: no shared memory, and no gaps
// on either side. Plane j begins at planes + j * count, which is any address: the words of a plane that begins s bytes
// behind a multiple of four are put together from those of neighbouring lanes. What lies in front of the first aligned
// group of elements and behind the last whole warp is moved byte by byte, and so is everything if the elements
// themselves are not aligned.
#ifndef KERNELS_PLANES_PLANES_CUH_
#define KERNELS_PLANES_PLANES_CUH_

#include <cuda_runtime.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/primitives/vec.cuh"

namespace kernels {
namespace internal {

inline constexpr int kPlaneThreads = 256;
inline constexpr size_t kWarpElements = 128;  // four a lane
inline constexpr unsigned kAllLanes = 0xffffffffu;

// Four elements as they lie in memory.
template <int kBytes>
struct FourElements {
  uint32_t word[kBytes];
};

// kBytes words of four elements to kBytes words of four bytes of a plane each; and back, for it is its own inverse
// when kBytes is 4.
template <int kBytes>
__device__ inline void ElementsToPlanes(const FourElements<kBytes>& in, uint32_t (&plane)[kBytes]) {
  if constexpr (kBytes == 2) {
    plane[0] = __byte_perm(in.word[0], in.word[1], 0x6420);
    plane[1] = __byte_perm(in.word[0], in.word[1], 0x7531);
  } else {
    constexpr int kWords = kBytes / 4;  // of an element
#pragma unroll
    for (int w = 0; w < kWords; ++w) {
      const uint32_t a = in.word[w], b = in.word[kWords + w], c = in.word[2 * kWords + w], d = in.word[3 * kWords + w];
      const uint32_t ab_low = __byte_perm(a, b, 0x5140), ab_high = __byte_perm(a, b, 0x7362);
      const uint32_t cd_low = __byte_perm(c, d, 0x5140), cd_high = __byte_perm(c, d, 0x7362);
      plane[4 * w] = __byte_perm(ab_low, cd_low, 0x5410);
      plane[4 * w + 1] = __byte_perm(ab_low, cd_low, 0x7632);
      plane[4 * w + 2] = __byte_perm(ab_high, cd_high, 0x5410);
      plane[4 * w + 3] = __byte_perm(ab_high, cd_high, 0x7632);
    }
  }
}

template <int kBytes>
__device__ inline void PlanesToElements(const uint32_t (&plane)[kBytes], FourElements<kBytes>* out) {
  if constexpr (kBytes == 2) {
    out->word[0] = __byte_perm(plane[0], plane[1], 0x5140);
    out->word[1] = __byte_perm(plane[0], plane[1], 0x7362);
  } else {
    constexpr int kWords = kBytes / 4;
#pragma unroll
    for (int w = 0; w < kWords; ++w) {
      const FourElements<4> square = {{plane[4 * w], plane[4 * w + 1], plane[4 * w + 2], plane[4 * w + 3]}};
      uint32_t element[4];
      ElementsToPlanes<4>(square, element);
#pragma unroll
      for (int e = 0; e < 4; ++e) out->word[e * kWords + w] = element[e];
    }
  }
}

// The elements of group `lane` behind `base`. REQUIRES: `base` is aligned to 16 bytes (to 8 for 2-byte elements).
template <int kBytes>
__device__ inline void LoadElements(const uint8_t* base, size_t lane, FourElements<kBytes>* elements) {
  constexpr int kAccess = kBytes == 2 ? 8 : 16, kWords = kAccess / 4;
#pragma unroll
  for (int v = 0; v < kBytes / kWords; ++v) {
    Vec<uint32_t, kAccess> vec;
    LoadVec(reinterpret_cast<const uint32_t*>(base), lane * (kBytes / kWords) + v, &vec);
#pragma unroll
    for (int i = 0; i < kWords; ++i) elements->word[v * kWords + i] = vec[i];
  }
}

// Called by a whole warp. Elements of 8 bytes are two vectors a lane: neighbours exchange one, so that each store of
// the two fills whole sectors.
template <int kBytes>
__device__ inline void StoreElements(uint8_t* base, size_t lane, const FourElements<kBytes>& elements) {
  constexpr int kAccess = kBytes == 2 ? 8 : 16, kWords = kAccess / 4;
  auto* words = reinterpret_cast<uint32_t*>(base);
  Vec<uint32_t, kAccess> first, second;
#pragma unroll
  for (int i = 0; i < kWords; ++i) first[i] = elements.word[i];
  if constexpr (kBytes != 8) {
    StoreVec(words, lane, first);
  } else {
    const bool odd = lane % 2 != 0;
#pragma unroll
    for (int i = 0; i < kWords; ++i) {
      const uint32_t mine = odd ? elements.word[i] : elements.word[kWords + i];
      const uint32_t other = __shfl_xor_sync(kAllLanes, mine, 1);
      first[i] = odd ? other : elements.word[i];
      second[i] = odd ? elements.word[kWords + i] : other;
    }
    // Even lanes: vectors 0 of their own and 0 of the neighbour; odd ones: 1 of the neighbour and 1 of their own.
    const size_t pair = lane / 2 * 4 + (odd ? 1 : 0);
    StoreVec(words, pair, first);
    StoreVec(words, pair + 2, second);
  }
}

// Four bytes of a plane for each lane of a whole warp, lane by lane from `plane` on.
__device__ inline void StorePlaneWord(uint8_t* plane, unsigned lane, uint32_t word) {
  const unsigned past = static_cast<unsigned>(reinterpret_cast<uintptr_t>(plane) % 4);
  if (past == 0) {  // the same in all lanes
    reinterpret_cast<uint32_t*>(plane)[lane] = word;
    return;
  }
  // Aligned word `lane` has the last `past` bytes of the lane before, and the first of this one.
  const uint32_t before = __shfl_up_sync(kAllLanes, word, 1);
  if (lane > 0) {
    reinterpret_cast<uint32_t*>(plane - past)[lane] = __funnelshift_l(before, word, 8 * past);
  } else {
    for (unsigned b = 0; b < 4 - past; ++b) plane[b] = static_cast<uint8_t>(word >> (8 * b));
  }
  if (lane == 31) {
    for (unsigned b = 4 - past; b < 4; ++b) plane[4 * lane + b] = static_cast<uint8_t>(word >> (8 * b));
  }
}

__device__ inline uint32_t LoadPlaneWord(const uint8_t* plane, unsigned lane) {
  const unsigned past = static_cast<unsigned>(reinterpret_cast<uintptr_t>(plane) % 4);
  if (past == 0) return reinterpret_cast<const uint32_t*>(plane)[lane];
  // The first and the last aligned word reach out of these 128 bytes, perhaps out of all of them: byte by byte.
  uint32_t word = 0;
  if (lane > 0) {
    word = reinterpret_cast<const uint32_t*>(plane - past)[lane];
  } else {
    for (unsigned b = 0; b < 4 - past; ++b) word |= static_cast<uint32_t>(plane[b]) << (8 * (b + past));
  }
  uint32_t after = __shfl_down_sync(kAllLanes, word, 1);
  if (lane == 31) {
    after = 0;
    for (unsigned b = 0; b < past; ++b) after |= static_cast<uint32_t>(plane[128 - past + b]) << (8 * b);
  }
  return __funnelshift_r(word, after, 8 * past);
}

// Elements of no whole group, one byte after the other: those in front of `head` and from `tail` on.
template <int kBytes, bool kSplit>
__device__ inline void MoveRest(const uint8_t* in, uint8_t* out, size_t count, size_t head, size_t tail, size_t thread,
                                size_t threads) {
  const size_t rest = head + (count - tail);
  for (size_t i = thread; i < rest * kBytes; i += threads) {
    size_t element = i / kBytes;
    if (element >= head) element += tail - head;
    const size_t j = i % kBytes, of_element = element * kBytes + j, of_plane = j * count + element;
    out[kSplit ? of_plane : of_element] = in[kSplit ? of_element : of_plane];
  }
}

// From elements to planes (kSplit), or back. Groups of 128 elements, one for each warp and kUnroll of them in flight,
// begin at element `head`. Only the last block moves the rest.
template <int kBytes, bool kSplit, int kUnroll>
__global__ void __launch_bounds__(kPlaneThreads)
    PlanesKernel(const uint8_t* __restrict__ in, uint8_t* __restrict__ out, size_t count, size_t head, size_t groups) {
  const unsigned lane = threadIdx.x % 32;
  const size_t warp = (static_cast<size_t>(blockIdx.x) * kPlaneThreads + threadIdx.x) / 32;
  uint32_t plane[kUnroll][kBytes];
#pragma unroll
  for (int u = 0; u < kUnroll; ++u) {
    const size_t group = warp * kUnroll + u;
    if (group >= groups) break;
    const size_t begin = head + group * kWarpElements;
    if constexpr (kSplit) {
      FourElements<kBytes> elements;
      LoadElements<kBytes>(in + begin * kBytes, lane, &elements);
      ElementsToPlanes<kBytes>(elements, plane[u]);
    } else {
#pragma unroll
      for (int j = 0; j < kBytes; ++j) plane[u][j] = LoadPlaneWord(in + j * count + begin, lane);
    }
  }
#pragma unroll
  for (int u = 0; u < kUnroll; ++u) {
    const size_t group = warp * kUnroll + u;
    if (group >= groups) break;
    const size_t begin = head + group * kWarpElements;
    if constexpr (kSplit) {
#pragma unroll
      for (int j = 0; j < kBytes; ++j) StorePlaneWord(out + j * count + begin, lane, plane[u][j]);
    } else {
      FourElements<kBytes> elements;
      PlanesToElements<kBytes>(plane[u], &elements);
      StoreElements<kBytes>(out + begin * kBytes, lane, elements);
    }
  }
  if (blockIdx.x != gridDim.x - 1) return;
  MoveRest<kBytes, kSplit>(in, out, count, head, head + groups * kWarpElements, threadIdx.x, kPlaneThreads);
}

// Elements that are not aligned to what they are: nothing of them can be.
template <int kBytes, bool kSplit>
__global__ void __launch_bounds__(kPlaneThreads)
    UnalignedPlanesKernel(const uint8_t* __restrict__ in, uint8_t* __restrict__ out, size_t count) {
  const size_t thread = static_cast<size_t>(blockIdx.x) * kPlaneThreads + threadIdx.x;
  MoveRest<kBytes, kSplit>(in, out, count, 0, 0, thread, static_cast<size_t>(gridDim.x) * kPlaneThreads);
}

template <int kBytes, bool kSplit>
cudaError_t MovePlanes(const void* from, void* to, size_t count, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  const auto* in = static_cast<const uint8_t*>(from);
  auto* out = static_cast<uint8_t*>(to);
  const auto elements = reinterpret_cast<uintptr_t>(kSplit ? from : to);
  constexpr size_t kAlignment = kBytes == 2 ? 8 : 16;
  if (elements % kBytes != 0) {
    const size_t blocks = (count * kBytes + kPlaneThreads - 1) / kPlaneThreads;
    UnalignedPlanesKernel<kBytes, kSplit>
        <<<static_cast<unsigned>(std::min<size_t>(blocks, 1 << 16)), kPlaneThreads, 0, stream>>>(in, out, count);
    return cudaGetLastError();
  }
  constexpr int kUnroll = kBytes == 2 ? 2 : 1;  // 16 bytes a lane
  const size_t head = std::min<size_t>(count, (kAlignment - elements % kAlignment) % kAlignment / kBytes);
  const size_t groups = (count - head) / kWarpElements;
  constexpr size_t kGroupsOfBlock = static_cast<size_t>(kPlaneThreads) / 32 * kUnroll;
  const size_t blocks = std::max<size_t>(1, (groups + kGroupsOfBlock - 1) / kGroupsOfBlock);
  PlanesKernel<kBytes, kSplit, kUnroll>
      <<<static_cast<unsigned>(blocks), kPlaneThreads, 0, stream>>>(in, out, count, head, groups);
  return cudaGetLastError();
}

template <bool kSplit>
cudaError_t MovePlanesOf(int bytes, const void* from, void* to, size_t count, cudaStream_t stream) {
  switch (bytes) {
    case 1:
      if (count == 0) return cudaSuccess;
      return cudaMemcpyAsync(to, from, count, cudaMemcpyDeviceToDevice, stream);
    case 2:
      return MovePlanes<2, kSplit>(from, to, count, stream);
    case 4:
      return MovePlanes<4, kSplit>(from, to, count, stream);
    case 8:
      return MovePlanes<8, kSplit>(from, to, count, stream);
    default:
      return cudaErrorInvalidValue;
  }
}

}  // namespace internal

// Byte j of element i of `in` goes to planes[j * count + i]. `bytes` is 1, 2, 4 or 8; any addresses; no overlap; up to
// 2^38 elements.
inline cudaError_t SplitPlanes(const void* in, size_t count, int bytes, void* planes, cudaStream_t stream) {
  return internal::MovePlanesOf<true>(bytes, in, planes, count, stream);
}

// And back.
inline cudaError_t JoinPlanes(const void* planes, size_t count, int bytes, void* out, cudaStream_t stream) {
  return internal::MovePlanesOf<false>(bytes, planes, out, count, stream);
}

}  // namespace kernels

#endif  // KERNELS_PLANES_PLANES_CUH_
