// fp8, e4m3 and e5m2: all 256 codes, and every place where rounding changes its mind.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>

#include "harness/host/conformance/conformance.h"
#include "harness/host/conformance/small_floats.h"

namespace {

using namespace conformance;

const Format& FormatOf(__nv_fp8_interpretation_t kind) { return kind == __NV_E4M3 ? kE4m3 : kE5m2; }

__global__ void Widen(__nv_fp8_interpretation_t kind, unsigned short* halves, float* floats) {
  const unsigned code = threadIdx.x;
  halves[code] = __nv_cvt_fp8_to_halfraw((__nv_fp8_storage_t)code, kind).x;
  if (kind == __NV_E4M3) {
    __nv_fp8_e4m3 value;
    value.__x = (__nv_fp8_storage_t)code;
    floats[code] = float(value);
  } else {
    __nv_fp8_e5m2 value;
    value.__x = (__nv_fp8_storage_t)code;
    floats[code] = float(value);
  }
}

CONFORMANCE_CASE(conversions, fp8_to_half, "all 256 codes of e4m3 and e5m2 to half and float") {
  for (auto kind : {__NV_E4M3, __NV_E5M2}) {
    Device<unsigned short> halves(256);
    Device<float> floats(256);
    Widen<<<1, 256>>>(kind, halves.data(), floats.data());
    const auto h = halves.Get();
    const auto f = floats.Get();
    size_t wrong = 0;
    for (unsigned code = 0; code < 256; ++code) {
      const double want = Decode(FormatOf(kind), code);
      wrong += !SameCode(kHalf, h[code], Encode(kHalf, want));
      wrong += std::isnan(want) ? !std::isnan(f[code]) : f[code] != want || std::signbit(f[code]) != std::signbit(want);
    }
    EXPECT_EQ(wrong, 0u);
  }
}

__global__ void Narrow(__nv_fp8_interpretation_t kind, __nv_saturation_t saturate, const float* in, unsigned char* out,
                       int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  out[i] = __nv_cvt_float_to_fp8(in[i], saturate, kind);
  out[n + i] = __nv_cvt_double_to_fp8(double(in[i]), saturate, kind);
  const __nv_fp8x2_storage_t pair = __nv_cvt_float2_to_fp8x2(make_float2(in[i], -in[i]), saturate, kind);
  out[2 * n + i] = (unsigned char)(pair & 0xff);
  out[3 * n + i] = (unsigned char)(pair >> 8);
}

CONFORMANCE_CASE(conversions, float_to_fp8,
                 "float and double to fp8, saturating or not, at all midpoints, one ulp around them") {
  for (auto kind : {__NV_E4M3, __NV_E5M2}) {
    for (auto saturate : {__NV_SATFINITE, __NV_NOSAT}) {
      const auto in = HardFloats(FormatOf(kind));
      const int n = int(in.size());
      Device<float> values(in);
      Device<unsigned char> out(4 * n);
      Narrow<<<(n + 127) / 128, 128>>>(kind, saturate, values.data(), out.data(), n);
      const auto result = out.Get();
      size_t wrong = 0;
      for (int k = 0; k < 4 * n; ++k) {
        const double value = k / n == 3 ? -double(in[k % n]) : double(in[k % n]);
        wrong += !SameCode(FormatOf(kind), result[k],
                           Encode(FormatOf(kind), value, Round::kNearest, saturate == __NV_SATFINITE));
      }
      EXPECT_EQ(wrong, 0u);
    }
  }
}

__global__ void NarrowHalves(__nv_fp8_interpretation_t kind, unsigned char* from_half, unsigned char* from_bf16) {
  const unsigned code = blockIdx.x * blockDim.x + threadIdx.x;
  __half_raw half;
  half.x = (unsigned short)code;
  __nv_bfloat16_raw bf16;
  bf16.x = (unsigned short)code;
  from_half[code] = __nv_cvt_halfraw_to_fp8(half, __NV_SATFINITE, kind);
  from_bf16[code] = __nv_cvt_bfloat16raw_to_fp8(bf16, __NV_SATFINITE, kind);
}

CONFORMANCE_CASE(conversions, half_to_fp8, "all halves and all bf16 to fp8") {
  for (auto kind : {__NV_E4M3, __NV_E5M2}) {
    Device<unsigned char> from_half(65536), from_bf16(65536);
    NarrowHalves<<<256, 256>>>(kind, from_half.data(), from_bf16.data());
    const auto h = from_half.Get(), b = from_bf16.Get();
    const Format& format = FormatOf(kind);
    size_t wrong_half = 0, wrong_bf16 = 0;
    for (unsigned code = 0; code < 65536; ++code) {
      wrong_half += !SameCode(format, h[code], Encode(format, Decode(kHalf, code), Round::kNearest, true));
      wrong_bf16 += !SameCode(format, b[code], Encode(format, Decode(kBfloat16, code), Round::kNearest, true));
    }
    EXPECT_EQ(wrong_half, 0u);
    EXPECT_EQ(wrong_bf16, 0u);
  }
}

__global__ void Types(const float* in, float* out) {
  const int i = threadIdx.x;
  const __nv_fp8_e4m3 a(in[i]);
  const __nv_fp8_e5m2 b(__float2half(in[i]));
  const __nv_fp8x2_e4m3 c(make_float2(in[i], in[i] + 1));
  const float2 pair = c.operator float2();
  const __nv_fp8x4_e5m2 d(make_float4(in[i], 2, 3, in[i]));
  const float4 four = d.operator float4();
  out[i] = float(a);
  out[64 + i] = float(b);
  out[128 + i] = pair.x + 1000 * pair.y;
  out[192 + i] = four.x + four.y + four.z + 1000 * four.w;
}

CONFORMANCE_CASE(conversions, fp8_types, "the classes __nv_fp8_e4m3, e5m2, their x2 and x4") {
  const auto in = Make<float>(64, [](size_t i) { return float(i) * 0.37f; });
  Device<float> values(in), out(256);
  Types<<<1, 64>>>(values.data(), out.data());
  const auto e4m3 = [](float x) { return float(Decode(kE4m3, Encode(kE4m3, double(x)))); };
  const auto e5m2 = [](double x) { return float(Decode(kE5m2, Encode(kE5m2, x))); };
  EXPECT_EACH(out.Get(), k, [&] {
    const float x = in[k % 64];
    switch (k / 64) {
      case 0:
        return e4m3(x);
      case 1:
        return e5m2(Decode(kHalf, Encode(kHalf, double(x))));
      case 2:
        return e4m3(x) + 1000 * e4m3(x + 1);
      default:
        return e5m2(double(x)) + 2 + 3 + 1000 * e5m2(double(x));
    }
  }());
}

}  // namespace
