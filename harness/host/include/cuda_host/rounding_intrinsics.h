// CUDA's arithmetic and conversions with the rounding mode in the name: rn to nearest, rz toward zero, ru up, rd down.
#ifndef CUDA_HOST_ROUNDING_INTRINSICS_H_
#define CUDA_HOST_ROUNDING_INTRINSICS_H_

#include <bit>
#include <cfenv>
#include <cmath>
#include <cstdint>
#include <limits>

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's.

namespace cuda_host {

// operation(operands...) in the host's rounding mode kMode. The compiler takes every operation for one to nearest, and
// would move the caller's into the place where the mode is another, or take results over: hence the function of its
// own, of which it knows nothing, and the volatile copies.
template <int kMode, typename R, typename T, typename Operation>
__attribute__((noinline)) R Rounded(Operation operation, T a, T b = T(), T c = T()) {
  volatile T operands[] = {a, b, c};
  std::fesetround(kMode);
  const volatile R result = operation(operands[0], operands[1], operands[2]);
  std::fesetround(FE_TONEAREST);
  return result;
}

// x, which is an integer already or is to be rounded toward zero, as an integer of this type; saturated. A NaN becomes
// 0 or, from double or to 64 bits, the highest bit alone: what a GPU gives.
template <typename Integer, typename Float>
constexpr Integer ToInteger(Float x) {
  using Limits = std::numeric_limits<Integer>;
  if (x != x) {
    if (sizeof(Float) == 4 && sizeof(Integer) == 4) return 0;
    return static_cast<Integer>(uint64_t{1} << (8 * sizeof(Integer) - 1));
  }
  constexpr Float kEnd = static_cast<Float>(uint64_t{1} << (Limits::digits - 1)) * 2;
  if (x >= kEnd) return Limits::max();
  if (x <= static_cast<Float>(Limits::min())) return Limits::min();
  return static_cast<Integer>(x);
}

}  // namespace cuda_host

#define CUDA_HOST_UNPACK(...) __VA_ARGS__
#define CUDA_HOST_ROUNDED(name, mode, parameters, arguments, from, to, expression)                            \
  inline to name parameters {                                                                                 \
    return ::cuda_host::Rounded<mode, to, from>(                                                              \
        []([[maybe_unused]] from x, [[maybe_unused]] from y, [[maybe_unused]] from z) { return expression; }, \
        CUDA_HOST_UNPACK arguments);                                                                          \
  }
#define CUDA_HOST_ROUNDED_DIRECTED(name, parameters, arguments, from, to, expression)      \
  CUDA_HOST_ROUNDED(name##_rz, FE_TOWARDZERO, parameters, arguments, from, to, expression) \
  CUDA_HOST_ROUNDED(name##_ru, FE_UPWARD, parameters, arguments, from, to, expression)     \
  CUDA_HOST_ROUNDED(name##_rd, FE_DOWNWARD, parameters, arguments, from, to, expression)
// An expression in x, and y and z.
#define CUDA_HOST_ROUNDED_3(name, type, expression)                                      \
  inline type name##_rn(const type x, const type y, const type z) { return expression; } \
  CUDA_HOST_ROUNDED_DIRECTED(name, (const type a, const type b, const type c), (a, b, c), type, type, expression)
#define CUDA_HOST_ROUNDED_2(name, type, expression)                        \
  inline type name##_rn(const type x, const type y) { return expression; } \
  CUDA_HOST_ROUNDED_DIRECTED(name, (const type a, const type b), (a, b), type, type, expression)
#define CUDA_HOST_ROUNDED_1(name, from, to, expression)    \
  inline to name##_rn(const from x) { return expression; } \
  CUDA_HOST_ROUNDED_DIRECTED(name, (const from a), (a), from, to, expression)

CUDA_HOST_ROUNDED_2(__fadd, float, x + y)
CUDA_HOST_ROUNDED_2(__fsub, float, x - y)
CUDA_HOST_ROUNDED_2(__fmul, float, x* y)
CUDA_HOST_ROUNDED_2(__fdiv, float, x / y)
CUDA_HOST_ROUNDED_3(__fmaf, float, std::fma(x, y, z))
CUDA_HOST_ROUNDED_3(__fmaf_ieee, float, std::fma(x, y, z))
CUDA_HOST_ROUNDED_1(__frcp, float, float, 1.0f / x)
CUDA_HOST_ROUNDED_1(__fsqrt, float, float, std::sqrt(x))
CUDA_HOST_ROUNDED_2(__dadd, double, x + y)
CUDA_HOST_ROUNDED_2(__dsub, double, x - y)
CUDA_HOST_ROUNDED_2(__dmul, double, x* y)
CUDA_HOST_ROUNDED_2(__ddiv, double, x / y)
CUDA_HOST_ROUNDED_3(__fma, double, std::fma(x, y, z))
CUDA_HOST_ROUNDED_1(__drcp, double, double, 1.0 / x)
CUDA_HOST_ROUNDED_1(__dsqrt, double, double, std::sqrt(x))
inline float __frsqrt_rn(const float x) { return static_cast<float>(1.0 / std::sqrt(static_cast<double>(x))); }

CUDA_HOST_ROUNDED_1(__double2float, double, float, static_cast<float>(x))
CUDA_HOST_ROUNDED_1(__int2float, int, float, static_cast<float>(x))
CUDA_HOST_ROUNDED_1(__uint2float, unsigned int, float, static_cast<float>(x))
CUDA_HOST_ROUNDED_1(__ll2float, long long, float, static_cast<float>(x))
CUDA_HOST_ROUNDED_1(__ull2float, unsigned long long, float, static_cast<float>(x))
CUDA_HOST_ROUNDED_1(__ll2double, long long, double, static_cast<double>(x))
CUDA_HOST_ROUNDED_1(__ull2double, unsigned long long, double, static_cast<double>(x))
constexpr double __int2double_rn(const int x) { return x; }
constexpr double __uint2double_rn(const unsigned int x) { return x; }
#undef CUDA_HOST_ROUNDED_1
#undef CUDA_HOST_ROUNDED_2
#undef CUDA_HOST_ROUNDED_3
#undef CUDA_HOST_ROUNDED_DIRECTED
#undef CUDA_HOST_ROUNDED
#undef CUDA_HOST_UNPACK

#define CUDA_HOST_TO_INTEGER(name, from, integer)                                                       \
  inline integer name##_rn(const from x) { return ::cuda_host::ToInteger<integer>(std::nearbyint(x)); } \
  constexpr integer name##_rz(const from x) { return ::cuda_host::ToInteger<integer>(x); }              \
  inline integer name##_ru(const from x) { return ::cuda_host::ToInteger<integer>(std::ceil(x)); }      \
  inline integer name##_rd(const from x) { return ::cuda_host::ToInteger<integer>(std::floor(x)); }
CUDA_HOST_TO_INTEGER(__float2int, float, int)
CUDA_HOST_TO_INTEGER(__float2uint, float, unsigned int)
CUDA_HOST_TO_INTEGER(__float2ll, float, long long)
CUDA_HOST_TO_INTEGER(__float2ull, float, unsigned long long)
CUDA_HOST_TO_INTEGER(__double2int, double, int)
CUDA_HOST_TO_INTEGER(__double2uint, double, unsigned int)
CUDA_HOST_TO_INTEGER(__double2ll, double, long long)
CUDA_HOST_TO_INTEGER(__double2ull, double, unsigned long long)
#undef CUDA_HOST_TO_INTEGER

// ---- Bits.

constexpr int __float_as_int(const float x) { return std::bit_cast<int>(x); }
constexpr unsigned int __float_as_uint(const float x) { return std::bit_cast<unsigned int>(x); }
constexpr float __int_as_float(const int x) { return std::bit_cast<float>(x); }
constexpr float __uint_as_float(const unsigned int x) { return std::bit_cast<float>(x); }
constexpr long long __double_as_longlong(const double x) { return std::bit_cast<long long>(x); }
constexpr double __longlong_as_double(const long long x) { return std::bit_cast<double>(x); }
constexpr int __double2hiint(const double x) { return static_cast<int>(std::bit_cast<uint64_t>(x) >> 32); }
constexpr int __double2loint(const double x) { return static_cast<int>(std::bit_cast<uint64_t>(x)); }
constexpr double __hiloint2double(const int hi, const int lo) {
  return std::bit_cast<double>(static_cast<uint64_t>(static_cast<uint32_t>(hi)) << 32 | static_cast<uint32_t>(lo));
}

// NOLINTEND(readability-identifier-naming)

#endif  // CUDA_HOST_ROUNDING_INTRINSICS_H_
