// 128-bit hashes of pieces of device memory, at the speed it is read: to tell which of them have changed.
//
// Construction, for a piece of n bytes, padded with zeros to whole vectors of four 32-bit words:
//  1. NH (Black et al., "UMAC", CRYPTO 1999): vectors are dealt to 256 threads in turns, and sixteen of one thread are
//  a
//     group. Its hash is the sum, mod 2^64, of (w[2i] + k[2i]) * (w[2i+1] + k[2i+1]): two additions and one
//     multiply-add for eight bytes. It is taken four times, each with the keys moved on by two words (the Toeplitz
//     construction of the same paper).
//  2. A thread's groups are the coefficients of a polynomial over GF(2^61 - 1), at a secret point for each of the four.
//     The 64 bits of a group enter as two coefficients, so that none is lost.
//  3. The 256 threads are joined in a binary tree, left * R[level] + right in the same field.
//  4. The four numbers and n are mixed into two words of 64 bits, each of which depends on all of them.
//
// Why two pieces that differ have different hashes: for another length, step 4 differs in what it starts from. For the
// same length some group differs; for keys that are drawn at random and independent of the data, all four of its NH
// hashes are equal with a chance of 2^-128 at most (2^-32 each, jointly 2^-128). If some lane's hashes differ, steps 2
// and 3 lose the difference with a chance of (2 * groups + 8) / 2^61, below 2^-50 for pieces of up to 2^20 bytes, which
// is far below the 2^-32 that the lane has anyway. Step 4 maps 244 bits to 128 as a random function would. The keys are
// fixed and public: somebody who wants a collision finds one. Order matters since every word of a group, every group of
// a thread and every thread has a factor of its own.
#ifndef KERNELS_HASH_HASH_CUH_
#define KERNELS_HASH_HASH_CUH_

#include <cuda_runtime.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace kernels {

// A piece of memory, at any address.
struct HashPiece {
  const void* data;
  size_t bytes;
};

namespace internal {

inline constexpr int kHashThreads = 256;
inline constexpr int kHashBlocksPerMultiprocessor = 4;
inline constexpr int kHashGroup = 16;  // vectors
inline constexpr int kHashBatch = 4;   // of them that are loaded at once; two batches are in flight
inline constexpr int kHashLanes = 4;
inline constexpr size_t kHashBlockGroup = size_t{kHashThreads} * kHashGroup;  // vectors
inline constexpr uint64_t kHashPrime = (uint64_t{1} << 61) - 1;

// splitmix64's finalizer (Steele, Lea, Flood 2014): a bijection.
__host__ __device__ constexpr uint64_t HashMix(uint64_t v) {
  v += 0x9e3779b97f4a7c15u;
  v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9u;
  v = (v ^ (v >> 27)) * 0x94d049bb133111ebu;
  return v ^ (v >> 31);
}

// Keys are functions of constants: in unrolled loops they are operands of the instructions.
__host__ __device__ constexpr uint32_t HashWordKey(int i) {
  return static_cast<uint32_t>(HashMix(0x243f6a8885a308d3u + static_cast<uint64_t>(i)) >> 32);
}
// Below 2^60: seven times one, and what it is added to, stay below 2^64.
__host__ __device__ constexpr uint64_t HashFieldKey(int i) {
  return HashMix(0x13198a2e03707344u + static_cast<uint64_t>(i)) >> 4;
}

// Congruent to x mod 2^61 - 1, and less than 2^61 + 8.
__device__ inline uint64_t HashFold(uint64_t x) { return (x & kHashPrime) + (x >> 61); }

// Congruent to a * b; a < 2^61 + 8, b < 2^60. The result is below 2^62.
__device__ inline uint64_t HashMultiply(uint64_t a, uint64_t b) {
  const uint64_t low = a * b, high = __umul64hi(a, b);
  return (low & kHashPrime) + (high << 3 | low >> 61);
}

__device__ inline uint32_t HashWordOfBytes(const unsigned char* data, size_t at, size_t bytes) {
  uint32_t word = 0;
  for (size_t i = 0; i < 4 && at + i < bytes; ++i) word |= static_cast<uint32_t>(data[at + i]) << (8 * i);
  return word;
}

// Vector v of a piece that is not aligned, or ends in it.
__device__ inline uint4 HashOddVector(const unsigned char* data, size_t bytes, size_t v) {
  const size_t at = 16 * v;
  const auto past = static_cast<unsigned>(reinterpret_cast<uintptr_t>(data) % 16);
  if (at >= past && at + 32 - past <= bytes) {  // inside: two aligned vectors, moved by `past` bytes
    const uint4* aligned = reinterpret_cast<const uint4*>(data + at - past);
    const uint4 a = aligned[0];
    if (past == 0) return a;
    const uint4 b = aligned[1];
    const unsigned bits = 8 * (past % 4);
    const unsigned w[8] = {a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w};
    uint4 v4;
    switch (past / 4) {
      case 0:
        v4 = {__funnelshift_r(w[0], w[1], bits), __funnelshift_r(w[1], w[2], bits), __funnelshift_r(w[2], w[3], bits),
              __funnelshift_r(w[3], w[4], bits)};
        break;
      case 1:
        v4 = {__funnelshift_r(w[1], w[2], bits), __funnelshift_r(w[2], w[3], bits), __funnelshift_r(w[3], w[4], bits),
              __funnelshift_r(w[4], w[5], bits)};
        break;
      case 2:
        v4 = {__funnelshift_r(w[2], w[3], bits), __funnelshift_r(w[3], w[4], bits), __funnelshift_r(w[4], w[5], bits),
              __funnelshift_r(w[5], w[6], bits)};
        break;
      default:
        v4 = {__funnelshift_r(w[3], w[4], bits), __funnelshift_r(w[4], w[5], bits), __funnelshift_r(w[5], w[6], bits),
              __funnelshift_r(w[6], w[7], bits)};
        break;
    }
    return v4;
  }
  return uint4{HashWordOfBytes(data, at, bytes), HashWordOfBytes(data, at + 4, bytes),
               HashWordOfBytes(data, at + 8, bytes), HashWordOfBytes(data, at + 12, bytes)};
}

// Adds vector u of a group to its NH hashes.
__device__ inline void HashAdd(uint4 w, int u, uint64_t (&sums)[kHashLanes]) {
#pragma unroll
  for (int lane = 0; lane < kHashLanes; ++lane) {
    const int k = 4 * u + 2 * lane;
    sums[lane] += static_cast<uint64_t>(w.x + HashWordKey(k)) * (w.y + HashWordKey(k + 1));
    sums[lane] += static_cast<uint64_t>(w.z + HashWordKey(k + 2)) * (w.w + HashWordKey(k + 3));
  }
}

// A whole group of the block, all of it aligned; `vectors` is the thread's first.
__device__ inline void HashWholeGroup(const uint4* vectors, uint64_t (&sums)[kHashLanes]) {
  uint4 next[kHashBatch];
#pragma unroll
  for (int i = 0; i < kHashBatch; ++i) next[i] = vectors[i * kHashThreads];
#pragma unroll
  for (int u = 0; u < kHashGroup; u += kHashBatch) {
    uint4 now[kHashBatch];
#pragma unroll
    for (int i = 0; i < kHashBatch; ++i) now[i] = next[i];
    if (u + kHashBatch < kHashGroup) {
#pragma unroll
      for (int i = 0; i < kHashBatch; ++i) next[i] = vectors[(u + kHashBatch + i) * kHashThreads];
    }
#pragma unroll
    for (int i = 0; i < kHashBatch; ++i) HashAdd(now[i], u + i, sums);
  }
}

// The calling thread's part of a piece: step 2's polynomials.
__device__ inline void HashOfThread(const unsigned char* data, size_t bytes, uint64_t (&state)[kHashLanes]) {
  const size_t vectors = (bytes + 15) / 16;
  const bool aligned = reinterpret_cast<uintptr_t>(data) % 16 == 0;
  for (size_t first = 0; first < vectors; first += kHashBlockGroup) {
    uint64_t sums[kHashLanes] = {};
    if (aligned && (first + kHashBlockGroup) * 16 <= bytes) {
      HashWholeGroup(reinterpret_cast<const uint4*>(data) + first + threadIdx.x, sums);
    } else {
#pragma unroll
      for (int u = 0; u < kHashGroup; ++u) {
        const size_t v = first + static_cast<size_t>(u) * kHashThreads + threadIdx.x;
        if (v < vectors) HashAdd(HashOddVector(data, bytes, v), u, sums);
      }
    }
#pragma unroll
    for (int lane = 0; lane < kHashLanes; ++lane) {
      const uint64_t product = HashFold(HashMultiply(state[lane], HashFieldKey(2 * lane)));
      state[lane] = HashFold(product + (sums[lane] & kHashPrime) + (sums[lane] >> 61) * HashFieldKey(2 * lane + 1));
    }
  }
}

// Step 3: left * R + right.
__device__ inline uint64_t HashJoin(uint64_t left, uint64_t right, int level, int lane) {
  return HashFold(HashFold(HashMultiply(left, HashFieldKey(100 + kHashLanes * level + lane))) + right);
}

// Step 4.
template <typename Hash>
__device__ Hash HashFinish(const uint64_t (&state)[kHashLanes], size_t bytes) {
  uint64_t low = HashMix(bytes ^ 0xa4093822299f31d0u), high = HashMix(bytes + 0x082efa98ec4e6c89u);
#pragma unroll
  for (int lane = 0; lane < kHashLanes; ++lane) {
    const uint64_t x = state[lane] >= kHashPrime ? state[lane] - kHashPrime : state[lane];
    const uint64_t last = state[kHashLanes - 1 - lane];
    const uint64_t y = last >= kHashPrime ? last - kHashPrime : last;
    low = HashMix(low ^ x);
    high = HashMix(high + y * 0x9fb21c651e98df25u);
  }
  Hash hash;
  hash.low = low;
  hash.high = high;
  return hash;
}

template <typename PieceAt, typename Hash>
__global__ void __launch_bounds__(kHashThreads, kHashBlocksPerMultiprocessor)
    HashKernel(PieceAt piece_at, size_t pieces, Hash* hashes) {
  constexpr int kWarps = kHashThreads / 32;
  __shared__ uint64_t of_warp[kWarps][kHashLanes];
  for (size_t p = blockIdx.x; p < pieces; p += gridDim.x) {
    const HashPiece piece = piece_at(p);
    uint64_t state[kHashLanes] = {};
    HashOfThread(static_cast<const unsigned char*>(piece.data), piece.bytes, state);
    int level = 0;
#pragma unroll
    for (int distance = 1; distance < 32; distance *= 2, ++level) {
#pragma unroll
      for (int lane = 0; lane < kHashLanes; ++lane) {
        const uint64_t right = __shfl_down_sync(0xffffffffu, state[lane], distance);
        state[lane] = HashJoin(state[lane], right, level, lane);
      }
    }
    if (threadIdx.x % 32 == 0) {
#pragma unroll
      for (int lane = 0; lane < kHashLanes; ++lane) of_warp[threadIdx.x / 32][lane] = state[lane];
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      uint64_t join[kWarps][kHashLanes];
#pragma unroll
      for (int w = 0; w < kWarps; ++w) {
#pragma unroll
        for (int lane = 0; lane < kHashLanes; ++lane) join[w][lane] = of_warp[w][lane];
      }
#pragma unroll
      for (int distance = 1; distance < kWarps; distance *= 2, ++level) {
#pragma unroll
        for (int w = 0; w < kWarps; w += 2 * distance) {
#pragma unroll
          for (int lane = 0; lane < kHashLanes; ++lane) {
            join[w][lane] = HashJoin(join[w][lane], join[w + distance][lane], level, lane);
          }
        }
      }
      hashes[p] = HashFinish<Hash>(join[0], piece.bytes);
    }
    __syncthreads();  // before of_warp is written again
  }
}

}  // namespace internal

// hashes[p] = the hash of piece_at(p), for all p < pieces: a function of its bytes and their number alone. piece_at is
// called on the device. Hash has members `low` and `high` of 64 bits. One kernel, a block for each piece: pieces of
// some 2^18 to 2^24 bytes, as many as there are blocks on the GPU or more, are read at full speed if they are aligned
// to 16 bytes.
template <typename PieceAt, typename Hash>
cudaError_t HashPieces(const PieceAt& piece_at, size_t pieces, Hash* hashes, cudaStream_t stream) {
  if (pieces == 0) return cudaSuccess;
  const auto blocks = static_cast<unsigned>(std::min<size_t>(pieces, size_t{1} << 30));
  internal::HashKernel<<<blocks, internal::kHashThreads, 0, stream>>>(piece_at, pieces, hashes);
  return cudaGetLastError();
}

}  // namespace kernels

#endif  // KERNELS_HASH_HASH_CUH_
