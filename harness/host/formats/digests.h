// One number for the bits that each family of conversions and functions gives on many inputs.
//
// Written in terms of CUDA's names alone, so that the same file, compiled against NVIDIA's headers and against ours,
// tells whether they agree. The inputs come from a counter: every exponent, both signs, and mantissas that are random,
// or random with a tail of zeros or ones, which makes ties and their neighbours.
#ifndef HARNESS_HOST_FORMATS_DIGESTS_H_
#define HARNESS_HOST_FORMATS_DIGESTS_H_

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "cuda_fp8.h"

namespace workbench::host {

using Digests = std::vector<std::pair<std::string, uint64_t>>;

inline uint64_t Mixed(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

class Digest {
 public:
  template <typename T>
  void Add(const T& value) {
    uint64_t bits = 0;
    static_assert(sizeof value <= sizeof bits);
    std::memcpy(&bits, &value, sizeof value);
    state_ = Mixed(state_ ^ bits);
  }
  uint64_t value() const { return state_; }

 private:
  uint64_t state_ = 0;
};

inline constexpr int kFloats = 1 << 20;

// The float of this number in the sequence.
inline float FloatAt(uint64_t i) {
  const uint64_t random = Mixed(i);
  uint32_t mantissa = static_cast<uint32_t>(random) & 0x7fffff;
  const uint32_t tail = (1u << (random >> 40) % 24) - 1;
  if (i % 4 == 1) mantissa &= ~tail;
  if (i % 4 == 2) mantissa |= tail;
  const uint32_t bits = static_cast<uint32_t>(random >> 63) << 31 | static_cast<uint32_t>(i / 4 % 256) << 23 | mantissa;
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}
// A double whose exponent is within or close to float's.
inline double DoubleAt(uint64_t i) {
  const uint64_t random = Mixed(~i);
  uint64_t mantissa = random & 0xfffffffffffff;
  const uint64_t tail = (uint64_t{1} << Mixed(random) % 53) - 1;
  if (i % 4 == 1) mantissa &= ~tail;
  if (i % 4 == 2) mantissa |= tail;
  if (i % 4 == 3) mantissa = (mantissa & ~tail) | 1;
  const uint64_t exponent = i % 1024 == 0 ? 2047 : 1023 - 160 + i / 4 % 300;
  const uint64_t bits = random >> 63 << 63 | exponent << 52 | mantissa;
  double d;
  std::memcpy(&d, &bits, sizeof d);
  return d;
}
inline int64_t IntegerAt(uint64_t i) {
  const uint64_t random = Mixed(i ^ 0x5555);
  auto magnitude = static_cast<int64_t>(random >> (1 + i % 63));
  if (i % 5 == 0) magnitude |= (int64_t{1} << Mixed(random) % 62) - 1;
  if (i % 5 == 1) magnitude &= ~((int64_t{1} << Mixed(random) % 62) - 1);
  return i % 2 == 0 ? magnitude : -magnitude;
}

template <typename T>
T FromBits(uint32_t code);
template <>
inline __half FromBits<__half>(uint32_t code) {
  return __ushort_as_half(static_cast<unsigned short>(code));
}
template <>
inline __nv_bfloat16 FromBits<__nv_bfloat16>(uint32_t code) {
  return __ushort_as_bfloat16(static_cast<unsigned short>(code));
}
inline float Float(__half a) { return __half2float(a); }
inline float Float(__nv_bfloat16 a) { return __bfloat162float(a); }

// What takes one or two 16-bit floats and has the same name for both types.
template <typename T, typename T2>
void AddFunctions(const std::string& type, Digests* digests) {
  Digest sign, class_of, integers;
  for (uint32_t code = 0; code < 1 << 16; ++code) {
    const T a = FromBits<T>(code);
    sign.Add(__habs(a));
    sign.Add(__hneg(a));
    class_of.Add(__hisnan(a));
    class_of.Add(__hisinf(a));
    integers.Add(static_cast<signed char>(a));
    integers.Add(static_cast<unsigned char>(a));
    integers.Add(static_cast<short>(a));
    integers.Add(static_cast<unsigned short>(a));
    integers.Add(static_cast<int>(a));
    integers.Add(static_cast<unsigned int>(a));
    integers.Add(static_cast<bool>(a));
    // CUDA's host version of the conversions to 64 bits is at odds with C++ where 2^63 is the half's rounded bound.
    if (std::fabs(Float(a)) < 0x1p62f || __hisnan(a)) {
      integers.Add(static_cast<long long>(a));
      integers.Add(static_cast<unsigned long long>(a));
    }
  }
  digests->emplace_back(type + " abs, neg", sign.value());
  digests->emplace_back(type + " isnan, isinf", class_of.value());
  digests->emplace_back(type + " to integers", integers.value());

  Digest sum, difference, product, quotient, saturated, extremes, comparisons, pairs;
  for (uint64_t i = 0; i < kFloats; ++i) {
    const uint64_t random = Mixed(i);
    // Half of the pairs are close together, where sums cancel and comparisons are interesting.
    const auto first = static_cast<uint32_t>(random) & 0xffff;
    const auto second = static_cast<uint32_t>(i % 2 == 0 ? random >> 16 : (random >> 16) % 5 + first - 2) & 0xffff;
    const T a = FromBits<T>(first);
    const T b = FromBits<T>(i % 16 == 1 ? first ^ 0x8000 : second);
    sum.Add(__hadd(a, b));
    difference.Add(__hsub(a, b));
    product.Add(__hmul(a, b));
    quotient.Add(__hdiv(a, b));
    saturated.Add(__hmul_sat(a, b));
    saturated.Add(__hadd_sat(a, b));
    saturated.Add(__hsub_sat(a, b));
    extremes.Add(__hmax(a, b));
    extremes.Add(__hmin(a, b));
    // Of two zeros CUDA's host version for bfloat16 takes either; the device's takes +0 for the largest.
    if (Float(a) != 0 || Float(b) != 0) {
      extremes.Add(__hmax_nan(a, b));
      extremes.Add(__hmin_nan(a, b));
    }
    const bool results[] = {__heq(a, b),  __hne(a, b),  __hlt(a, b),       __hle(a, b),  __hgt(a, b),  __hge(a, b),
                            __hequ(a, b), __hneu(a, b), __hltu(a, b),      __hleu(a, b), __hgtu(a, b), __hgeu(a, b),
                            a == b,       a != b,       a<b, a <= b, a> b, a >= b};
    for (const bool result : results) comparisons.Add(result);
    const T2 x(a, b);
    const T2 y(b, FromBits<T>(first ^ 1));
    pairs.Add(__hadd2(x, y));
    pairs.Add(__hisnan2(x));
    pairs.Add(__heq2(x, y));
    pairs.Add(__hneu2(x, y));
    pairs.Add(__hlt2_mask(x, y));
    pairs.Add(__hgeu2_mask(x, y));
    pairs.Add(__hbeq2(x, y));
    pairs.Add(__hbneu2(x, y));
    pairs.Add(__hbgtu2(x, y));
    pairs.Add(__lowhigh2highlow(x));
    pairs.Add(x == y);
    pairs.Add(x != y);
    pairs.Add(x <= y);
  }
  digests->emplace_back(type + " add", sum.value());
  digests->emplace_back(type + " sub", difference.value());
  digests->emplace_back(type + " mul", product.value());
  digests->emplace_back(type + " div", quotient.value());
  digests->emplace_back(type + " saturated", saturated.value());
  digests->emplace_back(type + " max, min", extremes.value());
  digests->emplace_back(type + " comparisons", comparisons.value());
  digests->emplace_back(type + " pairs", pairs.value());
}

inline void AddConversions(Digests* digests) {
  Digest half_rn, half_rz, half_ru, half_rd, half_double, bf16_rn, bf16_rz, bf16_ru, bf16_rd, bf16_double;
  for (uint64_t i = 0; i < kFloats; ++i) {
    const float f = FloatAt(i);
    const double d = DoubleAt(i);
    half_rn.Add(__float2half_rn(f));
    half_rn.Add(__float2half(f));
    half_rz.Add(__float2half_rz(f));
    half_ru.Add(__float2half_ru(f));
    half_rd.Add(__float2half_rd(f));
    half_double.Add(__double2half(d));
    bf16_rn.Add(__float2bfloat16_rn(f));
    bf16_rn.Add(__float2bfloat16(f));
    bf16_rz.Add(__float2bfloat16_rz(f));
    bf16_ru.Add(__float2bfloat16_ru(f));
    bf16_rd.Add(__float2bfloat16_rd(f));
    bf16_double.Add(__double2bfloat16(d));
  }
  digests->emplace_back("half from float rn", half_rn.value());
  digests->emplace_back("half from float rz", half_rz.value());
  digests->emplace_back("half from float ru", half_ru.value());
  digests->emplace_back("half from float rd", half_rd.value());
  digests->emplace_back("half from double", half_double.value());
  digests->emplace_back("bfloat16 from float rn", bf16_rn.value());
  digests->emplace_back("bfloat16 from float rz", bf16_rz.value());
  digests->emplace_back("bfloat16 from float ru", bf16_ru.value());
  digests->emplace_back("bfloat16 from float rd", bf16_rd.value());
  digests->emplace_back("bfloat16 from double", bf16_double.value());

  Digest half_integer, bf16_integer;
  for (uint64_t i = 0; i < kFloats / 4; ++i) {
    const int64_t n = IntegerAt(i);
    half_integer.Add(__ll2half_rn(n));
    half_integer.Add(__ll2half_rz(n));
    half_integer.Add(__ll2half_ru(n));
    half_integer.Add(__ll2half_rd(n));
    half_integer.Add(__ull2half_rn(static_cast<unsigned long long>(n)));
    half_integer.Add(__ull2half_ru(static_cast<unsigned long long>(n)));
    half_integer.Add(__int2half_rn(static_cast<int>(n)));
    half_integer.Add(__int2half_rd(static_cast<int>(n)));
    half_integer.Add(__uint2half_rn(static_cast<unsigned int>(n)));
    half_integer.Add(__uint2half_rz(static_cast<unsigned int>(n)));
    half_integer.Add(__short2half_rn(static_cast<short>(n)));
    half_integer.Add(__short2half_ru(static_cast<short>(n)));
    half_integer.Add(__ushort2half_rn(static_cast<unsigned short>(n)));
    bf16_integer.Add(__ll2bfloat16_rn(n));
    bf16_integer.Add(__ull2bfloat16_rn(static_cast<unsigned long long>(n)));
    bf16_integer.Add(__int2bfloat16_rn(static_cast<int>(n)));
    bf16_integer.Add(__uint2bfloat16_rn(static_cast<unsigned int>(n)));
    bf16_integer.Add(__short2bfloat16_rn(static_cast<short>(n)));
    bf16_integer.Add(__ushort2bfloat16_rn(static_cast<unsigned short>(n)));
  }
  digests->emplace_back("half from integers", half_integer.value());
  digests->emplace_back("bfloat16 from integers", bf16_integer.value());

  Digest half_float, bf16_float;
  for (uint32_t code = 0; code < 1 << 16; ++code) {
    half_float.Add(__half2float(FromBits<__half>(code)));
    bf16_float.Add(__bfloat162float(FromBits<__nv_bfloat16>(code)));
  }
  digests->emplace_back("half to float", half_float.value());
  digests->emplace_back("bfloat16 to float", bf16_float.value());
}

inline void AddFp8(Digests* digests) {
  for (const auto kind : {__NV_E4M3, __NV_E5M2}) {
    const std::string type = kind == __NV_E4M3 ? "e4m3" : "e5m2";
    Digest from_float, from_double, from_16, to_half;
    for (const auto saturate : {__NV_NOSAT, __NV_SATFINITE}) {
      for (uint64_t i = 0; i < kFloats; ++i) {
        from_float.Add(__nv_cvt_float_to_fp8(FloatAt(i), saturate, kind));
        from_double.Add(__nv_cvt_double_to_fp8(DoubleAt(i), saturate, kind));
      }
      for (uint32_t code = 0; code < 1 << 16; ++code) {
        const __half half = FromBits<__half>(code);
        const __nv_bfloat16 bf16 = FromBits<__nv_bfloat16>(code);
        from_16.Add(__nv_cvt_halfraw_to_fp8(static_cast<__half_raw>(half), saturate, kind));
        from_16.Add(__nv_cvt_bfloat16raw_to_fp8(static_cast<__nv_bfloat16_raw>(bf16), saturate, kind));
        from_16.Add(__nv_cvt_halfraw2_to_fp8x2(static_cast<__half2_raw>(__half2(half, half)), saturate, kind));
      }
    }
    for (uint32_t code = 0; code < 1 << 16; ++code) {
      if (code < 256) to_half.Add(__nv_cvt_fp8_to_halfraw(static_cast<__nv_fp8_storage_t>(code), kind));
      to_half.Add(__nv_cvt_fp8x2_to_halfraw2(static_cast<__nv_fp8x2_storage_t>(code), kind));
    }
    digests->emplace_back(type + " from float", from_float.value());
    digests->emplace_back(type + " from double", from_double.value());
    digests->emplace_back(type + " from half, bfloat16", from_16.value());
    digests->emplace_back(type + " to half", to_half.value());
  }

  Digest e8m0;
  for (const auto saturate : {__NV_NOSAT, __NV_SATFINITE}) {
    for (const auto rounding : {cudaRoundZero, cudaRoundPosInf}) {
      for (uint64_t i = 0; i < kFloats / 4; ++i) {
        e8m0.Add(__nv_cvt_float_to_e8m0(FloatAt(i), saturate, rounding));
        e8m0.Add(__nv_cvt_double_to_e8m0(DoubleAt(i), saturate, rounding));
      }
      for (uint32_t code = 0; code < 1 << 16; ++code) {
        const auto raw = static_cast<__nv_bfloat16_raw>(FromBits<__nv_bfloat16>(code));
        e8m0.Add(__nv_cvt_bfloat16raw_to_e8m0(raw, saturate, rounding));
      }
    }
  }
  for (uint32_t code = 0; code < 256; ++code) e8m0.Add(__nv_cvt_e8m0_to_bf16raw(static_cast<__nv_fp8_storage_t>(code)));
  digests->emplace_back("e8m0", e8m0.value());
}

// The classes of one 8-bit type, its pair and its four.
template <typename T, typename T2, typename T4>
void AddFp8Class(const std::string& type, Digests* digests) {
  Digest to, from;
  for (uint32_t code = 0; code < 256; ++code) {
    T a;
    a.__x = static_cast<__nv_fp8_storage_t>(code);
    to.Add(static_cast<float>(a));
    to.Add(static_cast<double>(a));
    to.Add(static_cast<__half>(a));
    to.Add(static_cast<__nv_bfloat16>(a));
    to.Add(static_cast<char>(a));
    to.Add(static_cast<unsigned char>(a));
    to.Add(static_cast<short>(a));
    to.Add(static_cast<unsigned short>(a));
    to.Add(static_cast<int>(a));
    to.Add(static_cast<unsigned int>(a));
    to.Add(static_cast<bool>(a));
    if (!(std::fabs(static_cast<float>(a)) >= 0x1p62f)) {
      to.Add(static_cast<long long>(a));
      to.Add(static_cast<unsigned long>(a));
    }
  }
  for (uint64_t i = 0; i < kFloats / 4; ++i) {
    const int64_t n = IntegerAt(i);
    from.Add(T(FloatAt(i)));
    from.Add(T(DoubleAt(i)));
    from.Add(T(FromBits<__half>(static_cast<uint32_t>(i) & 0xffff)));
    from.Add(T(FromBits<__nv_bfloat16>(static_cast<uint32_t>(i) & 0xffff)));
    from.Add(T(static_cast<short>(n)));
    from.Add(T(static_cast<unsigned short>(n)));
    from.Add(T(static_cast<int>(n)));
    from.Add(T(static_cast<unsigned int>(n)));
    from.Add(T(static_cast<long long>(n)));
    from.Add(T(static_cast<unsigned long>(n)));
    const T2 two(make_float2(FloatAt(i), FloatAt(i + 1)));
    const T4 four(make_float4(FloatAt(i), FloatAt(i + 1), FloatAt(i + 2), FloatAt(i + 3)));
    from.Add(two);
    from.Add(four);
    to.Add(static_cast<float2>(two));
    to.Add(static_cast<__half2>(two));
    to.Add(static_cast<float4>(four).x);
    to.Add(static_cast<float4>(four).w);
  }
  digests->emplace_back(type + " class, conversions to it", from.value());
  digests->emplace_back(type + " class, conversions from it", to.value());
}

inline Digests AllDigests() {
  Digests digests;
  AddConversions(&digests);
  AddFunctions<__half, __half2>("half", &digests);
  AddFunctions<__nv_bfloat16, __nv_bfloat162>("bfloat16", &digests);
  AddFp8(&digests);
  AddFp8Class<__nv_fp8_e4m3, __nv_fp8x2_e4m3, __nv_fp8x4_e4m3>("e4m3", &digests);
  AddFp8Class<__nv_fp8_e5m2, __nv_fp8x2_e5m2, __nv_fp8x4_e5m2>("e5m2", &digests);
  AddFp8Class<__nv_fp8_e8m0, __nv_fp8x2_e8m0, __nv_fp8x4_e8m0>("e8m0", &digests);
  return digests;
}

}  // namespace workbench::host

#endif  // HARNESS_HOST_FORMATS_DIGESTS_H_
