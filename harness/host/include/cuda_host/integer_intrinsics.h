// CUDA's integer intrinsics: bit counting, wide products, byte dot products, min and max.
#ifndef CUDA_HOST_INTEGER_INTRINSICS_H_
#define CUDA_HOST_INTEGER_INTRINSICS_H_

#include <bit>
#include <cstdint>

#include "vector_types.h"

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's.

constexpr int __popc(unsigned int x) { return std::popcount(x); }
constexpr int __popcll(unsigned long long x) { return std::popcount(x); }
constexpr int __clz(int x) { return std::countl_zero(static_cast<unsigned int>(x)); }
constexpr int __clzll(long long x) { return std::countl_zero(static_cast<unsigned long long>(x)); }
// The place of the lowest set bit, from 1; 0 if there is none.
constexpr int __ffs(int x) { return __builtin_ffs(x); }
constexpr int __ffsll(long long x) { return __builtin_ffsll(x); }

constexpr unsigned int __brev(unsigned int x) {
  x = (x >> 1 & 0x55555555u) | (x & 0x55555555u) << 1;
  x = (x >> 2 & 0x33333333u) | (x & 0x33333333u) << 2;
  x = (x >> 4 & 0x0f0f0f0fu) | (x & 0x0f0f0f0fu) << 4;
  return __builtin_bswap32(x);
}
constexpr unsigned long long __brevll(unsigned long long x) {
  return static_cast<unsigned long long>(__brev(static_cast<unsigned int>(x))) << 32 |
         __brev(static_cast<unsigned int>(x >> 32));
}

// Byte i of the result is byte (s >> 4 * i & 7) of y:x.
constexpr unsigned int __byte_perm(unsigned int x, unsigned int y, unsigned int s) {
  const uint64_t bytes = static_cast<uint64_t>(y) << 32 | x;
  unsigned int result = 0;
  for (int i = 0; i < 4; ++i) {
    const unsigned int byte = static_cast<unsigned int>(bytes >> 8 * (s >> 4 * i & 7)) & 0xff;
    result |= byte << 8 * i;
  }
  return result;
}

// The high or the low word of hi:lo, shifted left or right by shift modulo 32; the c versions by at most 32.
constexpr unsigned int __funnelshift_l(unsigned int lo, unsigned int hi, unsigned int shift) {
  return static_cast<unsigned int>((static_cast<uint64_t>(hi) << 32 | lo) << (shift & 31) >> 32);
}
constexpr unsigned int __funnelshift_lc(unsigned int lo, unsigned int hi, unsigned int shift) {
  return shift >= 32 ? lo : __funnelshift_l(lo, hi, shift);
}
constexpr unsigned int __funnelshift_r(unsigned int lo, unsigned int hi, unsigned int shift) {
  return static_cast<unsigned int>((static_cast<uint64_t>(hi) << 32 | lo) >> (shift & 31));
}
constexpr unsigned int __funnelshift_rc(unsigned int lo, unsigned int hi, unsigned int shift) {
  return shift >= 32 ? hi : __funnelshift_r(lo, hi, shift);
}

constexpr int __mulhi(int x, int y) { return static_cast<int>(static_cast<int64_t>(x) * y >> 32); }
constexpr unsigned int __umulhi(unsigned int x, unsigned int y) {
  return static_cast<unsigned int>(static_cast<uint64_t>(x) * y >> 32);
}
constexpr long long __mul64hi(long long x, long long y) {
  __extension__ using Wide = __int128;
  return static_cast<long long>(static_cast<Wide>(x) * y >> 64);
}
constexpr unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<unsigned long long>(static_cast<Wide>(x) * y >> 64);
}
// The low 32 bits of the product of the low 24 bits.
constexpr int __mul24(int x, int y) {
  const int64_t a = static_cast<int32_t>(static_cast<uint32_t>(x) << 8) >> 8;
  const int64_t b = static_cast<int32_t>(static_cast<uint32_t>(y) << 8) >> 8;
  return static_cast<int>(a * b);
}
constexpr unsigned int __umul24(unsigned int x, unsigned int y) { return (x & 0xffffff) * (y & 0xffffff); }

// |x - y| + z.
constexpr unsigned int __sad(int x, int y, unsigned int z) {
  return (x < y ? static_cast<unsigned int>(y) - static_cast<unsigned int>(x)
                : static_cast<unsigned int>(x) - static_cast<unsigned int>(y)) +
         z;
}
constexpr unsigned int __usad(unsigned int x, unsigned int y, unsigned int z) { return (x < y ? y - x : x - y) + z; }

// Averages, rounded down or (the r) to nearest, half up.
constexpr int __hadd(int x, int y) { return static_cast<int>((static_cast<int64_t>(x) + y) >> 1); }
constexpr int __rhadd(int x, int y) { return static_cast<int>((static_cast<int64_t>(x) + y + 1) >> 1); }
constexpr unsigned int __uhadd(unsigned int x, unsigned int y) {
  return static_cast<unsigned int>((static_cast<uint64_t>(x) + y) >> 1);
}
constexpr unsigned int __urhadd(unsigned int x, unsigned int y) {
  return static_cast<unsigned int>((static_cast<uint64_t>(x) + y + 1) >> 1);
}

// ---- Dot products. Four bytes each, or two 16-bit numbers by the two low or the two high bytes; sums wrap.

constexpr unsigned int __dp4a(unsigned int a, unsigned int b, unsigned int c) {
  for (int i = 0; i < 32; i += 8) c += (a >> i & 0xff) * (b >> i & 0xff);
  return c;
}
constexpr int __dp4a(int a, int b, int c) {
  auto sum = static_cast<unsigned int>(c);
  for (int i = 0; i < 32; i += 8) {
    sum += static_cast<unsigned int>(static_cast<int8_t>(a >> i) * static_cast<int8_t>(b >> i));
  }
  return static_cast<int>(sum);
}
constexpr int __dp4a(char4 a, char4 b, int c) { return __dp4a(std::bit_cast<int>(a), std::bit_cast<int>(b), c); }
constexpr unsigned int __dp4a(uchar4 a, uchar4 b, unsigned int c) {
  return __dp4a(std::bit_cast<unsigned int>(a), std::bit_cast<unsigned int>(b), c);
}
constexpr unsigned int __dp2a_lo(unsigned int a, unsigned int b, unsigned int c) {
  return c + (a & 0xffff) * (b & 0xff) + (a >> 16) * (b >> 8 & 0xff);
}
constexpr unsigned int __dp2a_hi(unsigned int a, unsigned int b, unsigned int c) { return __dp2a_lo(a, b >> 16, c); }
constexpr int __dp2a_lo(int a, int b, int c) {
  const auto low = static_cast<unsigned int>(static_cast<int16_t>(a) * static_cast<int8_t>(b));
  const auto high = static_cast<unsigned int>((a >> 16) * static_cast<int8_t>(b >> 8));
  return static_cast<int>(static_cast<unsigned int>(c) + low + high);
}
constexpr int __dp2a_hi(int a, int b, int c) { return __dp2a_lo(a, b >> 16, c); }
constexpr int __dp2a_lo(short2 a, char4 b, int c) { return __dp2a_lo(std::bit_cast<int>(a), std::bit_cast<int>(b), c); }
constexpr int __dp2a_hi(short2 a, char4 b, int c) { return __dp2a_hi(std::bit_cast<int>(a), std::bit_cast<int>(b), c); }
constexpr unsigned int __dp2a_lo(ushort2 a, uchar4 b, unsigned int c) {
  return __dp2a_lo(std::bit_cast<unsigned int>(a), std::bit_cast<unsigned int>(b), c);
}
constexpr unsigned int __dp2a_hi(ushort2 a, uchar4 b, unsigned int c) {
  return __dp2a_hi(std::bit_cast<unsigned int>(a), std::bit_cast<unsigned int>(b), c);
}

// ---- min and max at global scope, with CUDA's overloads: signed and unsigned of one width give the unsigned.

#define CUDA_HOST_MIN_MAX(a_type, b_type, type)                    \
  constexpr type min(const a_type a, const b_type b) {             \
    const type x = static_cast<type>(a), y = static_cast<type>(b); \
    return x < y ? x : y;                                          \
  }                                                                \
  constexpr type max(const a_type a, const b_type b) {             \
    const type x = static_cast<type>(a), y = static_cast<type>(b); \
    return x > y ? x : y;                                          \
  }
#define CUDA_HOST_MIN_MAX_BOTH(integer)                                   \
  CUDA_HOST_MIN_MAX(integer, integer, integer)                            \
  CUDA_HOST_MIN_MAX(unsigned integer, unsigned integer, unsigned integer) \
  CUDA_HOST_MIN_MAX(integer, unsigned integer, unsigned integer)          \
  CUDA_HOST_MIN_MAX(unsigned integer, integer, unsigned integer)
CUDA_HOST_MIN_MAX_BOTH(int)
CUDA_HOST_MIN_MAX_BOTH(long)
CUDA_HOST_MIN_MAX_BOTH(long long)
#undef CUDA_HOST_MIN_MAX_BOTH
#undef CUDA_HOST_MIN_MAX

constexpr unsigned int umin(const unsigned int a, const unsigned int b) { return min(a, b); }
constexpr unsigned int umax(const unsigned int a, const unsigned int b) { return max(a, b); }
constexpr long long llmin(const long long a, const long long b) { return min(a, b); }
constexpr long long llmax(const long long a, const long long b) { return max(a, b); }
constexpr unsigned long long ullmin(const unsigned long long a, const unsigned long long b) { return min(a, b); }
constexpr unsigned long long ullmax(const unsigned long long a, const unsigned long long b) { return max(a, b); }

// NOLINTEND(readability-identifier-naming)

#endif  // CUDA_HOST_INTEGER_INTRINSICS_H_
