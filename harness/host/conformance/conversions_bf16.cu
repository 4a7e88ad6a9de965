// __nv_bfloat16: all 65536 codes, and every place where rounding changes its mind.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "harness/host/conformance/conformance.h"
#include "harness/host/conformance/small_floats.h"

namespace {

using namespace conformance;

__device__ __nv_bfloat16 FromCode(unsigned code) {
  __nv_bfloat16_raw raw;
  raw.x = (unsigned short)code;
  return __nv_bfloat16(raw);
}
__device__ unsigned ToCode(__nv_bfloat16 value) { return __nv_bfloat16_raw(value).x; }

__global__ void Widen(float* floats, unsigned short* codes, int* classes, unsigned* halves) {
  const unsigned code = blockIdx.x * blockDim.x + threadIdx.x;
  const __nv_bfloat16 value = FromCode(code);
  floats[code] = __bfloat162float(value);
  codes[code] = __bfloat16_as_ushort(__ushort_as_bfloat16((unsigned short)code));
  classes[code] = (__hisnan(value) ? 1 : 0) + (__hisinf(value) != 0 ? 2 : 0);
  halves[code] = __half_raw(__float2half(float(value))).x;
}

CONFORMANCE_CASE(conversions, bf16_to_float, "__bfloat162float of all 65536 codes; __hisnan, __hisinf; on to __half") {
  Device<float> floats(65536);
  Device<unsigned short> codes(65536);
  Device<int> classes(65536);
  Device<unsigned> halves(65536);
  Widen<<<256, 256>>>(floats.data(), codes.data(), classes.data(), halves.data());
  const auto f = floats.Get();
  const auto h = halves.Get();
  size_t wrong = 0;
  for (unsigned code = 0; code < 65536; ++code) {
    const double want = Decode(kBfloat16, code);
    if (std::isnan(want)) {
      wrong += !std::isnan(f[code]);
    } else {
      wrong += f[code] != want || std::signbit(f[code]) != std::signbit(want);
    }
    wrong += !SameCode(kHalf, h[code], Encode(kHalf, want));
  }
  EXPECT_EQ(wrong, 0u);
  EXPECT_EACH(codes.Get(), i, (unsigned short)i);
  EXPECT_EACH(classes.Get(), i, kBfloat16.IsNan(unsigned(i)) ? 1 : (i & 0x7fff) == 0x7f80 ? 2 : 0);
}

__global__ void Narrow(const float* in, unsigned* nearest, unsigned* zero, unsigned* up, unsigned* down, unsigned* wide,
                       int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  nearest[i] = ToCode(__float2bfloat16_rn(in[i])) | ToCode(__float2bfloat16(in[i])) << 16;
  zero[i] = ToCode(__float2bfloat16_rz(in[i]));
  up[i] = ToCode(__float2bfloat16_ru(in[i]));
  down[i] = ToCode(__float2bfloat16_rd(in[i]));
  wide[i] = ToCode(__double2bfloat16(double(in[i])));
}

size_t WrongCodes(const std::vector<unsigned>& codes, const std::vector<float>& in, Round mode) {
  size_t wrong = 0;
  for (size_t i = 0; i < in.size(); ++i)
    wrong += !SameCode(kBfloat16, codes[i], Encode(kBfloat16, double(in[i]), mode));
  return wrong;
}

CONFORMANCE_CASE(conversions, float_to_bf16,
                 "float to __nv_bfloat16 in rn, rz, ru, rd at all numbers and midpoints, one ulp around") {
  const auto in = HardFloats(kBfloat16);
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
  if (i < n) out[i] = ToCode(__double2bfloat16(in[i]));
}

CONFORMANCE_CASE(conversions, double_to_bf16, "__double2bfloat16 rounds once: doubles a hair beside the midpoints") {
  std::vector<double> in;
  for (unsigned code = 0; code < kBfloat16.largest(); code += 7) {
    const double middle = (Decode(kBfloat16, code) + Decode(kBfloat16, code + 1)) / 2;
    for (double near : {middle, std::nextafter(middle, HUGE_VAL), std::nextafter(middle, -HUGE_VAL)}) {
      in.push_back(near);
      in.push_back(-near);
    }
  }
  const int n = int(in.size());
  Device<double> values(in);
  Device<unsigned> out(n);
  NarrowDoubles<<<(n + 255) / 256, 256>>>(values.data(), out.data(), n);
  EXPECT_EACH(out.Get(), i, Encode(kBfloat16, in[i]));
}

__global__ void Integers(const int* in, unsigned* out, int* back, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  out[i] = ToCode(__int2bfloat16_rn(in[i]));
  out[n + i] = ToCode(__int2bfloat16_rz(in[i]));
  out[2 * n + i] = ToCode(__int2bfloat16_ru(in[i]));
  out[3 * n + i] = ToCode(__int2bfloat16_rd(in[i]));
  back[i] = __bfloat162int_rz(__int2bfloat16_rz(in[i]));
}

CONFORMANCE_CASE(conversions, integer_to_bf16, "int to __nv_bfloat16 in four rounding modes, and back") {
  std::vector<int> in = {INT32_MAX, INT32_MIN, INT32_MIN + 1};
  for (int i = -3000; i <= 3000; ++i) in.push_back(i);
  for (int i = 0; i < 2000; ++i) in.push_back(int(Mix(i)));
  const int n = int(in.size());
  Device<int> values(in), back(n);
  Device<unsigned> out(4 * n);
  Integers<<<(n + 255) / 256, 256>>>(values.data(), out.data(), back.data(), n);
  const Round modes[] = {Round::kNearest, Round::kZero, Round::kUp, Round::kDown};
  EXPECT_EACH(out.Get(), k, Encode(kBfloat16, double(in[k % n]), modes[k / n]));
  EXPECT_EACH(back.Get(), i, int(Decode(kBfloat16, Encode(kBfloat16, double(in[i]), Round::kZero))));
}

__global__ void ToIntegers(int* out) {
  const unsigned code = blockIdx.x * blockDim.x + threadIdx.x, n = 65536;
  const __nv_bfloat16 value = FromCode(code);
  out[code] = __bfloat162int_rn(value);
  out[n + code] = __bfloat162int_rd(value);
  out[2 * n + code] = __bfloat162short_rz(value);
  out[3 * n + code] = int(__bfloat162uint_ru(value));
  out[4 * n + code] = int(ToCode(hfloor(value)));
  out[5 * n + code] = int(ToCode(hrint(value)));
}

CONFORMANCE_CASE(conversions, bf16_to_integer,
                 "__nv_bfloat16 to int, short, unsigned, and to whole numbers: all codes") {
  Device<int> out(6 * 65536);
  ToIntegers<<<256, 256>>>(out.data());
  const auto result = out.Get();
  size_t wrong = 0;
  for (size_t k = 0; k < result.size(); ++k) {
    const double x = Decode(kBfloat16, unsigned(k % 65536));
    const size_t which = k / 65536;
    if (which >= 4) {
      wrong +=
          !SameCode(kBfloat16, unsigned(result[k]), Encode(kBfloat16, which == 4 ? std::floor(x) : std::nearbyint(x)));
      continue;
    }
    const double whole = which == 0   ? std::nearbyint(x)
                         : which == 1 ? std::floor(x)
                         : which == 2 ? std::trunc(x)
                                      : std::ceil(x);
    const double low = which == 2 ? -32768.0 : which == 3 ? 0.0 : -2147483648.0;
    const double high = which == 2 ? 32767.0 : which == 3 ? 4294967295.0 : 2147483647.0;
    wrong += result[k] != (std::isnan(x) ? 0 : int((long long)(std::clamp(whole, low, high))));
  }
  EXPECT_EQ(wrong, 0u);
}

}  // namespace
