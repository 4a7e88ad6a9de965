// Odd but right: one element a thread; the rounding in double, by powers of two, and not in the bits.
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "questions/q05_mixed_precision/device_api.h"

namespace q05 {
namespace {

constexpr int kThreads = 256;

struct Fields {
  int exponent_bits, fraction_bits;
  bool has_infinity;
};

Fields FieldsOf(Format format) {
  switch (format) {
    case Format::kFloat16:
      return {5, 10, true};
    case Format::kBFloat16:
      return {8, 7, true};
    case Format::kE4M3:
      return {4, 3, false};
    default:
      return {5, 2, true};
  }
}

// SplitMix64's output function: 64 bits that depend on all of x.
__device__ uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

__device__ double Random(uint64_t seed, size_t index) {  // in [0, 1)
  return static_cast<double>(Mix(Mix(seed + 0x9e3779b97f4a7c15u) + index) >> 11) * 0x1p-53;
}

__device__ uint32_t Encode(const Fields& f, float value, bool stochastic, bool saturate, double random) {
  const int bits = f.exponent_bits + f.fraction_bits;
  const int bias = (1 << (f.exponent_bits - 1)) - 1;
  const uint32_t ones = (1u << bits) - 1;
  const uint32_t special = f.has_infinity ? ones - ((1u << f.fraction_bits) - 1) : ones;
  const uint32_t sign = signbit(value) ? 1u << bits : 0;
  if (isnan(value)) return sign | ones;
  if (value == 0) return sign;
  uint32_t code = special;
  if (!isinf(value)) {
    const double magnitude = fabs(static_cast<double>(value));
    int exponent = max(ilogb(magnitude), 1 - bias);
    const double units = ldexp(magnitude, f.fraction_bits - exponent);
    const double rounded = stochastic ? floor(units) + (random < units - floor(units) ? 1 : 0) : rint(units);
    const auto integer = static_cast<int64_t>(rounded);  // a carry goes on into the exponent's field
    const int64_t all = (static_cast<int64_t>(exponent + bias - 1) << f.fraction_bits) + integer;
    code = all >= static_cast<int64_t>(special) ? special : static_cast<uint32_t>(all);
  }
  if (code == special && saturate) code = special - 1;
  return sign | code;
}

__device__ float Decode(const Fields& f, uint32_t code) {
  const int bits = f.exponent_bits + f.fraction_bits;
  const int bias = (1 << (f.exponent_bits - 1)) - 1;
  const uint32_t ones = (1u << bits) - 1;
  const uint32_t magnitude = code & ones, fraction = magnitude & ((1u << f.fraction_bits) - 1);
  const int exponent = static_cast<int>(magnitude >> f.fraction_bits);
  float value;
  if (f.has_infinity && exponent == (1 << f.exponent_bits) - 1) {
    value = fraction == 0 ? INFINITY : NAN;
  } else if (magnitude == ones) {
    value = NAN;
  } else if (exponent == 0) {
    value = ldexpf(static_cast<float>(fraction), 1 - bias - f.fraction_bits);
  } else {
    value = ldexpf(static_cast<float>(fraction + (1u << f.fraction_bits)), exponent - bias - f.fraction_bits);
  }
  return code >> bits & 1 ? -value : value;
}

template <typename Code>
__global__ void EncodeAll(Fields f, const float* in, Code* out, size_t count, bool stochastic, bool saturate,
                          uint64_t seed) {
  const size_t i = static_cast<size_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < count) out[i] = static_cast<Code>(Encode(f, in[i], stochastic, saturate, Random(seed, i)));
}

template <typename Code>
__global__ void DecodeAll(Fields f, const Code* in, float* out, size_t count) {
  const size_t i = static_cast<size_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < count) out[i] = Decode(f, in[i]);
}

bool IsSmall(Format format) { return format > Format::kFloat32 && format <= Format::kE5M2; }

}  // namespace

extern "C" cudaError_t q05_convert(const void* in, Format from, void* out, Format to, size_t count, Rounding rounding,
                                   Overflow overflow, uint64_t seed, cudaStream_t stream) {
  const auto blocks = static_cast<unsigned>((count + kThreads - 1) / kThreads);
  if (to == Format::kFloat32 && IsSmall(from)) {
    auto* values = static_cast<float*>(out);
    if (count == 0) return cudaSuccess;
    if (ElementBytes(from) == 2) {
      DecodeAll<<<blocks, kThreads, 0, stream>>>(FieldsOf(from), static_cast<const uint16_t*>(in), values, count);
    } else {
      DecodeAll<<<blocks, kThreads, 0, stream>>>(FieldsOf(from), static_cast<const uint8_t*>(in), values, count);
    }
    return cudaGetLastError();
  }
  const bool stochastic = rounding == Rounding::kStochastic, saturate = overflow == Overflow::kSaturate;
  if (from != Format::kFloat32 || !IsSmall(to)) return cudaErrorInvalidValue;
  if ((!stochastic && rounding != Rounding::kNearestEven) || (!saturate && overflow != Overflow::kInfinity)) {
    return cudaErrorInvalidValue;
  }
  if (stochastic && to != Format::kBFloat16) return cudaErrorInvalidValue;
  if (count == 0) return cudaSuccess;
  const auto* values = static_cast<const float*>(in);
  if (ElementBytes(to) == 2) {
    EncodeAll<<<blocks, kThreads, 0, stream>>>(FieldsOf(to), values, static_cast<uint16_t*>(out), count, stochastic,
                                               saturate, seed);
  } else {
    EncodeAll<<<blocks, kThreads, 0, stream>>>(FieldsOf(to), values, static_cast<uint8_t*>(out), count, stochastic,
                                               saturate, seed);
  }
  return cudaGetLastError();
}

}  // namespace q05
