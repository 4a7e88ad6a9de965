// CUDA's intrinsics on two 16-bit or four 8-bit numbers in one word, and the DPX instructions.
#ifndef CUDA_HOST_SIMD_INTRINSICS_H_
#define CUDA_HOST_SIMD_INTRINSICS_H_

#include <cstdint>
#include <limits>
#include <type_traits>

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's.

namespace cuda_host {

// f(lane of a, lane of b) for each lane of type T. f computes in int, and the result is cut off to the lane.
template <typename T, typename F>
constexpr unsigned int Lanes(unsigned int a, unsigned int b, F f) {
  constexpr unsigned int kBits = 8 * sizeof(T);
  unsigned int result = 0;
  for (unsigned int i = 0; i < 32; i += kBits) {
    const auto lane = static_cast<std::make_unsigned_t<T>>(f(static_cast<T>(a >> i), static_cast<T>(b >> i)));
    result |= static_cast<unsigned int>(lane) << i;
  }
  return result;
}

template <typename T>
constexpr int ClampTo(int x) {
  constexpr int kMin = std::numeric_limits<T>::min();
  constexpr int kMax = std::numeric_limits<T>::max();
  return x < kMin ? kMin : x > kMax ? kMax : x;
}

}  // namespace cuda_host

// The signed and unsigned versions end in s2, u2, s4 and u4; ss and us saturate. Comparisons give all ones (vcmp) or
// one (vset) in a lane where they hold.
#define CUDA_HOST_LANES(name, lane, expression)                                                                        \
  constexpr unsigned int name(unsigned int a, unsigned int b) {                                                        \
    return ::cuda_host::Lanes<lane>(a, b,                                                                              \
                                    []([[maybe_unused]] int x, [[maybe_unused]] int y) -> int { return expression; }); \
  }
#define CUDA_HOST_LANES_OF_ONE(name, lane, expression)                                   \
  constexpr unsigned int name(unsigned int a) {                                          \
    return ::cuda_host::Lanes<lane>(a, 0, [](int x, int) -> int { return expression; }); \
  }
#define CUDA_HOST_LANE_SUM(name, absdiff, lane)                                                         \
  constexpr unsigned int name(unsigned int a, unsigned int b) {                                         \
    const unsigned int differences = absdiff(a, b);                                                     \
    unsigned int sum = 0;                                                                               \
    for (unsigned int i = 0; i < 32; i += 8 * sizeof(lane)) sum += static_cast<lane>(differences >> i); \
    return sum;                                                                                         \
  }
#define CUDA_HOST_LANE_COMPARISON(name, n, lane, expression)    \
  CUDA_HOST_LANES(__vcmp##name##n, lane, (expression) ? -1 : 0) \
  CUDA_HOST_LANES(__vset##name##n, lane, (expression) ? 1 : 0)

#define CUDA_HOST_SIMD(n, s, u)                                                   \
  CUDA_HOST_LANES(__vadd##n, u, x + y)                                            \
  CUDA_HOST_LANES(__vaddss##n, s, ::cuda_host::ClampTo<s>(x + y))                 \
  CUDA_HOST_LANES(__vaddus##n, u, ::cuda_host::ClampTo<u>(x + y))                 \
  CUDA_HOST_LANES(__vsub##n, u, x - y)                                            \
  CUDA_HOST_LANES(__vsubss##n, s, ::cuda_host::ClampTo<s>(x - y))                 \
  CUDA_HOST_LANES(__vsubus##n, u, ::cuda_host::ClampTo<u>(x - y))                 \
  CUDA_HOST_LANES(__vavgs##n, s, (x + y + (x + y >= 0)) >> 1)                     \
  CUDA_HOST_LANES(__vavgu##n, u, (x + y + 1) >> 1)                                \
  CUDA_HOST_LANES(__vhaddu##n, u, (x + y) >> 1)                                   \
  CUDA_HOST_LANES(__vmaxs##n, s, x > y ? x : y)                                   \
  CUDA_HOST_LANES(__vmaxu##n, u, x > y ? x : y)                                   \
  CUDA_HOST_LANES(__vmins##n, s, x < y ? x : y)                                   \
  CUDA_HOST_LANES(__vminu##n, u, x < y ? x : y)                                   \
  CUDA_HOST_LANES(__vabsdiffs##n, s, x > y ? x - y : y - x)                       \
  CUDA_HOST_LANES(__vabsdiffu##n, u, x > y ? x - y : y - x)                       \
  CUDA_HOST_LANES_OF_ONE(__vabs##n, s, x < 0 ? -x : x)                            \
  CUDA_HOST_LANES_OF_ONE(__vabsss##n, s, ::cuda_host::ClampTo<s>(x < 0 ? -x : x)) \
  CUDA_HOST_LANES_OF_ONE(__vneg##n, s, -x)                                        \
  CUDA_HOST_LANES_OF_ONE(__vnegss##n, s, ::cuda_host::ClampTo<s>(-x))             \
  CUDA_HOST_LANE_SUM(__vsads##n, __vabsdiffs##n, u)                               \
  CUDA_HOST_LANE_SUM(__vsadu##n, __vabsdiffu##n, u)                               \
  CUDA_HOST_LANE_COMPARISON(eq, n, u, x == y)                                     \
  CUDA_HOST_LANE_COMPARISON(ne, n, u, x != y)                                     \
  CUDA_HOST_LANE_COMPARISON(ges, n, s, x >= y)                                    \
  CUDA_HOST_LANE_COMPARISON(geu, n, u, x >= y)                                    \
  CUDA_HOST_LANE_COMPARISON(gts, n, s, x > y)                                     \
  CUDA_HOST_LANE_COMPARISON(gtu, n, u, x > y)                                     \
  CUDA_HOST_LANE_COMPARISON(les, n, s, x <= y)                                    \
  CUDA_HOST_LANE_COMPARISON(leu, n, u, x <= y)                                    \
  CUDA_HOST_LANE_COMPARISON(lts, n, s, x < y)                                     \
  CUDA_HOST_LANE_COMPARISON(ltu, n, u, x < y)

CUDA_HOST_SIMD(2, int16_t, uint16_t)
CUDA_HOST_SIMD(4, int8_t, uint8_t)
#undef CUDA_HOST_SIMD
#undef CUDA_HOST_LANE_COMPARISON
#undef CUDA_HOST_LANE_SUM
#undef CUDA_HOST_LANES_OF_ONE

// ---- DPX: max or min of three, of a sum and a third, and clamped below at 0 (relu). A sum wraps. The vib versions
// also say whether the first operand was the result, equal ones included.

#define CUDA_HOST_DPX(suffix, integer, minmax, compare)                                                 \
  constexpr integer __vi##minmax##3_##suffix(const integer a, const integer b, const integer c) {       \
    const integer first = a compare b ? a : b;                                                          \
    return first compare c ? first : c;                                                                 \
  }                                                                                                     \
  constexpr integer __viadd##minmax##_##suffix(const integer a, const integer b, const integer c) {     \
    const auto sum = static_cast<integer>(static_cast<unsigned int>(a) + static_cast<unsigned int>(b)); \
    return sum compare c ? sum : c;                                                                     \
  }                                                                                                     \
  constexpr integer __vib##minmax##_##suffix(const integer a, const integer b, bool* const first) {     \
    *first = a == b || a compare b;                                                                     \
    return *first ? a : b;                                                                              \
  }
#define CUDA_HOST_DPX_RELU(minmax, compare)                                         \
  constexpr int __vi##minmax##_s32_relu(const int a, const int b) {                 \
    const int result = a compare b ? a : b;                                         \
    return result > 0 ? result : 0;                                                 \
  }                                                                                 \
  constexpr int __vi##minmax##3_s32_relu(const int a, const int b, const int c) {   \
    const int result = __vi##minmax##3_s32(a, b, c);                                \
    return result > 0 ? result : 0;                                                 \
  }                                                                                 \
  constexpr int __viadd##minmax##_s32_relu(const int a, const int b, const int c) { \
    const int result = __viadd##minmax##_s32(a, b, c);                              \
    return result > 0 ? result : 0;                                                 \
  }
CUDA_HOST_DPX(s32, int, max, >)
CUDA_HOST_DPX(s32, int, min, <)
CUDA_HOST_DPX(u32, unsigned int, max, >)
CUDA_HOST_DPX(u32, unsigned int, min, <)
CUDA_HOST_DPX_RELU(max, >)
CUDA_HOST_DPX_RELU(min, <)
#undef CUDA_HOST_DPX_RELU
#undef CUDA_HOST_DPX

#define CUDA_HOST_DPX_PAIR(suffix, max2, lane, minmax, compare)                                                       \
  constexpr unsigned int __vi##minmax##3_##suffix(const unsigned int a, const unsigned int b, const unsigned int c) { \
    return max2(max2(a, b), c);                                                                                       \
  }                                                                                                                   \
  constexpr unsigned int __viadd##minmax##_##suffix(const unsigned int a, const unsigned int b,                       \
                                                    const unsigned int c) {                                           \
    return max2(__vadd2(a, b), c);                                                                                    \
  }                                                                                                                   \
  constexpr unsigned int __vib##minmax##_##suffix(const unsigned int a, const unsigned int b, bool* const high,       \
                                                  bool* const low) {                                                  \
    *high = static_cast<lane>(a >> 16) compare static_cast<lane>(b >> 16);                                            \
    *low = static_cast<lane>(a) compare static_cast<lane>(b);                                                         \
    return max2(a, b);                                                                                                \
  }
#define CUDA_HOST_DPX_PAIR_RELU(max2, minmax)                                                     \
  constexpr unsigned int __vi##minmax##_s16x2_relu(const unsigned int a, const unsigned int b) {  \
    return __vmaxs2(max2(a, b), 0);                                                               \
  }                                                                                               \
  constexpr unsigned int __vi##minmax##3_s16x2_relu(const unsigned int a, const unsigned int b,   \
                                                    const unsigned int c) {                       \
    return __vmaxs2(__vi##minmax##3_s16x2(a, b, c), 0);                                           \
  }                                                                                               \
  constexpr unsigned int __viadd##minmax##_s16x2_relu(const unsigned int a, const unsigned int b, \
                                                      const unsigned int c) {                     \
    return __vmaxs2(__viadd##minmax##_s16x2(a, b, c), 0);                                         \
  }
CUDA_HOST_DPX_PAIR(s16x2, __vmaxs2, int16_t, max, >=)
CUDA_HOST_DPX_PAIR(s16x2, __vmins2, int16_t, min, <=)
CUDA_HOST_DPX_PAIR(u16x2, __vmaxu2, uint16_t, max, >=)
CUDA_HOST_DPX_PAIR(u16x2, __vminu2, uint16_t, min, <=)
CUDA_HOST_DPX_PAIR_RELU(__vmaxs2, max)
CUDA_HOST_DPX_PAIR_RELU(__vmins2, min)
#undef CUDA_HOST_DPX_PAIR_RELU
#undef CUDA_HOST_DPX_PAIR
#undef CUDA_HOST_LANES

// NOLINTEND(readability-identifier-naming)

#endif  // CUDA_HOST_SIMD_INTRINSICS_H_
