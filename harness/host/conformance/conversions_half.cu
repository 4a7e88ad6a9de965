// __half: all 65536 codes, and every place where rounding changes its mind.
#include <cuda_fp16.h>

#include "harness/host/conformance/conformance.h"
#include "harness/host/conformance/small_floats.h"

namespace {

using namespace conformance;

__device__ __half FromCode(unsigned code) {
  __half_raw raw;
  raw.x = (unsigned short)code;
  return __half(raw);
}
__device__ unsigned ToCode(__half value) { return __half_raw(value).x; }

__global__ void Widen(float* floats, double* doubles, unsigned short* codes, int* classes) {
  const unsigned code = blockIdx.x * blockDim.x + threadIdx.x;
  const __half value = FromCode(code);
  floats[code] = __half2float(value);
  doubles[code] = double(__half2float(value));
  codes[code] = __half_as_ushort(__ushort_as_half((unsigned short)code));
  classes[code] = (__hisnan(value) ? 1 : 0) + (__hisinf(value) != 0 ? 2 : 0);
}

CONFORMANCE_CASE(conversions, half_to_float, "__half2float of all 65536 codes; __hisnan, __hisinf") {
  Device<float> floats(65536);
  Device<double> doubles(65536);
  Device<unsigned short> codes(65536);
  Device<int> classes(65536);
  Widen<<<256, 256>>>(floats.data(), doubles.data(), codes.data(), classes.data());
  const auto f = floats.Get();
  const auto d = doubles.Get();
  size_t wrong = 0;
  for (unsigned code = 0; code < 65536; ++code) {
    const double want = Decode(kHalf, code);
    if (std::isnan(want)) {
      wrong += !std::isnan(f[code]) || !std::isnan(d[code]);
    } else {
      wrong += f[code] != want || d[code] != want || std::signbit(f[code]) != std::signbit(want);
    }
  }
  EXPECT_EQ(wrong, 0u);
  EXPECT_EACH(codes.Get(), i, (unsigned short)i);
  EXPECT_EACH(classes.Get(), i, kHalf.IsNan(unsigned(i)) ? 1 : (i & 0x7fff) == 0x7c00 ? 2 : 0);
}

__global__ void Narrow(const float* in, unsigned* nearest, unsigned* zero, unsigned* up, unsigned* down, unsigned* wide,
                       int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  nearest[i] = ToCode(__float2half_rn(in[i])) | ToCode(__float2half(in[i])) << 16;
  zero[i] = ToCode(__float2half_rz(in[i]));
  up[i] = ToCode(__float2half_ru(in[i]));
  down[i] = ToCode(__float2half_rd(in[i]));
  wide[i] = ToCode(__double2half(double(in[i])));
}

size_t WrongCodes(const std::vector<unsigned>& codes, const std::vector<float>& in, Round mode) {
  size_t wrong = 0;
  for (size_t i = 0; i < in.size(); ++i) wrong += !SameCode(kHalf, codes[i], Encode(kHalf, double(in[i]), mode));
  return wrong;
}

CONFORMANCE_CASE(conversions, float_to_half,
                 "float to __half in rn, rz, ru, rd at all numbers and midpoints, one ulp around them") {
  const auto in = HardFloats(kHalf);
  const int n = int(in.size());
  Device<float> values(in);
  Device<unsigned> nearest(n), zero(n), up(n), down(n), wide(n);
  Narrow<<<(n + 255) / 256, 256>>>(values.data(), nearest.data(), zero.data(), up.data(), down.data(), wide.data(), n);
  const auto both = nearest.Get();
  EXPECT_EQ(WrongCodes(Make<unsigned>(n, [&](size_t i) { return both[i] & 0xffffu; }), in, Round::kNearest), 0u);
  EXPECT_EQ(WrongCodes(Make<unsigned>(n, [&](size_t i) { return both[i] >> 16; }), in, Round::kNearest), 0u);
  EXPECT_EQ(WrongCodes(zero.Get(), in, Round::kZero), 0u);
  EXPECT_EQ(WrongCodes(up.Get(), in, Round::kUp), 0u);
  EXPECT_EQ(WrongCodes(down.Get(), in, Round::kDown), 0u);
  EXPECT_EQ(WrongCodes(wide.Get(), in, Round::kNearest), 0u);
}

__global__ void NarrowDoubles(const double* in, unsigned* out, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) out[i] = ToCode(__double2half(in[i]));
}

CONFORMANCE_CASE(conversions, double_to_half, "__double2half rounds once: doubles a hair beside the midpoints") {
  std::vector<double> in;
  for (unsigned code = 0; code < kHalf.largest(); code += 7) {
    const double middle = (Decode(kHalf, code) + Decode(kHalf, code + 1)) / 2;
    for (double near : {middle, std::nextafter(middle, 1e9), std::nextafter(middle, -1e9)}) {
      in.push_back(near);
      in.push_back(-near);
    }
  }
  const int n = int(in.size());
  Device<double> values(in);
  Device<unsigned> out(n);
  NarrowDoubles<<<(n + 255) / 256, 256>>>(values.data(), out.data(), n);
  EXPECT_EACH(out.Get(), i, Encode(kHalf, in[i]));
}

__global__ void FromIntegers(const int* in, unsigned* out, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  out[i] = ToCode(__int2half_rn(in[i]));
  out[n + i] = ToCode(__int2half_rz(in[i]));
  out[2 * n + i] = ToCode(__int2half_ru(in[i]));
  out[3 * n + i] = ToCode(__int2half_rd(in[i]));
  out[4 * n + i] = ToCode(__uint2half_rn(unsigned(in[i])));
  out[5 * n + i] = ToCode(__short2half_rn(short(in[i])));
  out[6 * n + i] = ToCode(__ll2half_rn((long long)in[i]));
}

CONFORMANCE_CASE(conversions, integer_to_half,
                 "int, unsigned, short, long long to __half, int in four rounding modes") {
  std::vector<int> in = {INT32_MAX, INT32_MIN, INT32_MIN + 1};
  for (int i = -70000; i <= 70000; i += i > -2100 && i < 2100 ? 1 : 7) in.push_back(i);
  const int n = int(in.size());
  Device<int> values(in);
  Device<unsigned> out(7 * n);
  FromIntegers<<<(n + 255) / 256, 256>>>(values.data(), out.data(), n);
  const Round modes[] = {Round::kNearest, Round::kZero,    Round::kUp,     Round::kDown,
                         Round::kNearest, Round::kNearest, Round::kNearest};
  EXPECT_EACH(out.Get(), k, [&] {
    const int x = in[k % n];
    const double value = k / n == 4 ? double(unsigned(x)) : k / n == 5 ? double(short(x)) : double(x);
    return Encode(kHalf, value, modes[k / n]);
  }());
}

__global__ void ToIntegers(int* out) {
  const unsigned code = blockIdx.x * blockDim.x + threadIdx.x, n = 65536;
  const __half value = FromCode(code);
  out[code] = __half2int_rn(value);
  out[n + code] = __half2int_rz(value);
  out[2 * n + code] = __half2int_ru(value);
  out[3 * n + code] = __half2int_rd(value);
  out[4 * n + code] = __half2short_rz(value);
  out[5 * n + code] = __half2ushort_rn(value);
  out[6 * n + code] = int(__half2uint_rz(value));
}

CONFORMANCE_CASE(conversions, half_to_integer,
                 "__half to int, short, unsigned short, unsigned: all codes, out of range to the nearest end") {
  Device<int> out(7 * 65536);
  ToIntegers<<<256, 256>>>(out.data());
  EXPECT_EACH(out.Get(), k, [&]() -> int {
    const unsigned code = unsigned(k) % 65536;
    const double x = Decode(kHalf, code);
    if (std::isnan(x)) return 0;
    switch (k / 65536) {
      case 0:
        return int(std::clamp(std::nearbyint(x), -2147483648.0, 2147483647.0));
      case 1:
        return int(std::clamp(std::trunc(x), -2147483648.0, 2147483647.0));
      case 2:
        return int(std::clamp(std::ceil(x), -2147483648.0, 2147483647.0));
      case 3:
        return int(std::clamp(std::floor(x), -2147483648.0, 2147483647.0));
      case 4:
        return int(std::clamp(std::trunc(x), -32768.0, 32767.0));
      case 5:
        return int(std::clamp(std::nearbyint(x), 0.0, 65535.0));
      default:
        return int(unsigned(std::clamp(std::trunc(x), 0.0, 4294967295.0)));
    }
  }());
}

__global__ void Rounding(unsigned* out) {
  const unsigned code = blockIdx.x * blockDim.x + threadIdx.x, n = 65536;
  const __half value = FromCode(code);
  out[code] = ToCode(hfloor(value));
  out[n + code] = ToCode(hceil(value));
  out[2 * n + code] = ToCode(htrunc(value));
  out[3 * n + code] = ToCode(hrint(value));
}

CONFORMANCE_CASE(conversions, half_to_whole, "hfloor, hceil, htrunc, hrint of all codes") {
  Device<unsigned> out(4 * 65536);
  Rounding<<<256, 256>>>(out.data());
  const auto codes = out.Get();
  size_t wrong = 0;
  for (size_t k = 0; k < codes.size(); ++k) {
    const double x = Decode(kHalf, unsigned(k % 65536));
    const double results[] = {std::floor(x), std::ceil(x), std::trunc(x), std::nearbyint(x)};
    wrong += !SameCode(kHalf, codes[k], Encode(kHalf, results[k / 65536]));
  }
  EXPECT_EQ(wrong, 0u);
}

}  // namespace
