// Arithmetic on __half and __nv_bfloat16: each operation rounds its exact result once.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "harness/host/conformance/conformance.h"
#include "harness/host/conformance/small_floats.h"

namespace {

using namespace conformance;

__device__ void Load(unsigned code, __half* value) {
  __half_raw raw;
  raw.x = (unsigned short)code;
  *value = raw;
}
__device__ void Load(unsigned code, __nv_bfloat16* value) {
  __nv_bfloat16_raw raw;
  raw.x = (unsigned short)code;
  *value = raw;
}
__device__ unsigned Code(__half value) { return __half_raw(value).x; }
__device__ unsigned Code(__nv_bfloat16 value) { return __nv_bfloat16_raw(value).x; }

template <typename T>
__global__ void Binary(const unsigned* codes, int n, unsigned* out) {
  const int k = blockIdx.x * blockDim.x + threadIdx.x, total = n * n;
  if (k >= total) return;
  T a, b;
  Load(codes[k / n], &a);
  Load(codes[k % n], &b);
  out[k] = Code(__hadd(a, b));
  out[total + k] = Code(__hsub(a, b));
  out[2 * total + k] = Code(__hmul(a, b));
  out[3 * total + k] = Code(__hdiv(a, b));
  out[4 * total + k] = Code(__hmin(a, b));
  out[5 * total + k] = Code(__hmax(a, b));
}

double Smaller(double a, double b) {
  return std::isnan(a) ? b : std::isnan(b) ? a : a < b || (a == b && std::signbit(a)) ? a : b;
}
double Larger(double a, double b) {
  return std::isnan(a) ? b : std::isnan(b) ? a : a > b || (a == b && !std::signbit(a)) ? a : b;
}

template <typename T>
void CheckBinary(const Format& f) {
  const auto codes = StratifiedCodes(f);
  const int n = int(codes.size()) > 400 ? 400 : int(codes.size()), total = n * n;
  // Of bf16's many codes a cross-section.
  const auto chosen = Make<unsigned>(n, [&](size_t i) { return codes[i * codes.size() / n]; });
  Device<unsigned> in(chosen), out(6 * total);
  Binary<T><<<(total + 255) / 256, 256>>>(in.data(), n, out.data());
  const auto result = out.Get();
  const char* names[] = {"__hadd", "__hsub", "__hmul", "__hdiv", "__hmin", "__hmax"};
  for (int op = 0; op < 6; ++op) {
    size_t wrong = 0;
    std::string first;
    for (int k = 0; k < total; ++k) {
      const double a = Decode(f, chosen[k / n]), b = Decode(f, chosen[k % n]);
      const double exact[] = {AddToOdd(a, b), AddToOdd(a, -b), a * b, a / b, Smaller(a, b), Larger(a, b)};
      const unsigned want = Encode(f, exact[op]), is = result[op * total + k];
      if (SameCode(f, is, want)) continue;
      if (wrong++ == 0) first = Show(a) + ", " + Show(b) + ": expected code " + Show(want) + ", is " + Show(is);
    }
    if (wrong != 0)
      Fail(__FILE__, __LINE__, std::string(names[op]) + " wrong " + Show(wrong) + " times, the first " + first);
  }
}

CONFORMANCE_CASE(half_arithmetic, half_binary,
                 "__hadd, __hsub, __hmul, __hdiv, __hmin, __hmax on pairs from all exponents") {
  CheckBinary<__half>(kHalf);
}
CONFORMANCE_CASE(half_arithmetic, bf16_binary, "__hadd, __hsub, __hmul, __hdiv, __hmin, __hmax of __nv_bfloat16") {
  CheckBinary<__nv_bfloat16>(kBfloat16);
}

template <typename T>
__global__ void Fused(const uint3* codes, int n, unsigned* out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  T a, b, c;
  Load(codes[i].x, &a);
  Load(codes[i].y, &b);
  Load(codes[i].z, &c);
  out[i] = Code(__hfma(a, b, c));
}

template <typename T>
void CheckFused(const Format& f) {
  const int n = 60000;
  const auto codes = Make<uint3>(n, [&](size_t i) {
    const unsigned a = unsigned(Mix(3 * i)) & 0xffff, b = unsigned(Mix(3 * i + 1)) & 0xffff;
    unsigned c = unsigned(Mix(3 * i + 2)) & 0xffff;
    // A third each: anything; nearly cancelling; a summand far below the product's last place.
    const unsigned product = Encode(f, Decode(f, a) * Decode(f, b));
    if (i % 3 == 1) c = product ^ f.sign() ^ (c & 1);
    if (i % 3 == 2) c = Encode(f, std::ldexp(Decode(f, product), -f.mantissa_bits - 1 - int(c % 4)));
    return make_uint3(a, b, c);
  });
  Device<uint3> in(codes);
  Device<unsigned> out(n);
  Fused<T><<<(n + 255) / 256, 256>>>(in.data(), n, out.data());
  const auto result = out.Get();
  size_t wrong = 0;
  for (int i = 0; i < n; ++i) {
    const double product = Decode(f, codes[i].x) * Decode(f, codes[i].y);  // exact
    wrong += !SameCode(f, result[i], Encode(f, AddToOdd(product, Decode(f, codes[i].z))));
  }
  EXPECT_EQ(wrong, 0u);
}

CONFORMANCE_CASE(half_arithmetic, half_fma, "__hfma rounds once: cancellations and far-apart summands") {
  CheckFused<__half>(kHalf);
}
CONFORMANCE_CASE(half_arithmetic, bf16_fma, "__hfma of __nv_bfloat16 rounds once") {
  CheckFused<__nv_bfloat16>(kBfloat16);
}

template <typename T>
__global__ void Compare(const unsigned* codes, int n, int* out) {
  const int k = blockIdx.x * blockDim.x + threadIdx.x;
  if (k >= n * n) return;
  T a, b;
  Load(codes[k / n], &a);
  Load(codes[k % n], &b);
  const bool ordered[] = {__heq(a, b), __hne(a, b), __hlt(a, b), __hle(a, b), __hgt(a, b), __hge(a, b)};
  const bool unordered[] = {__hequ(a, b), __hneu(a, b), __hltu(a, b), __hleu(a, b), __hgtu(a, b), __hgeu(a, b)};
  const bool operators[] = {a == b, a != b, a<b, a <= b, a> b, a >= b};
  int bits = 0;
  for (int i = 0; i < 6; ++i)
    bits |= int(ordered[i]) << i | int(unordered[i]) << (6 + i) | int(operators[i]) << (12 + i);
  out[k] = bits;
}

template <typename T>
void CheckCompare(const Format& f) {
  std::vector<unsigned> codes = {
      0, f.sign(), 1, f.infinity_code(), f.infinity_code() | f.sign(), f.infinity_code() + 1, f.largest()};
  for (int i = 0; i < 80; ++i) codes.push_back(unsigned(Mix(i)) & 0xffff);
  const int n = int(codes.size());
  Device<unsigned> in(codes);
  Device<int> out(n * n);
  Compare<T><<<(n * n + 127) / 128, 128>>>(in.data(), n, out.data());
  EXPECT_EACH(out.Get(), k, [&] {
    const double a = Decode(f, codes[k / n]), b = Decode(f, codes[k % n]);
    const bool nan = std::isnan(a) || std::isnan(b);
    const bool results[] = {a == b, a != b, a<b, a <= b, a> b, a >= b};
    int bits = 0;
    for (int i = 0; i < 6; ++i) {
      // __hne is false for NaN, != is true.
      bits |= int(results[i] && !nan) << i | int(results[i] || nan) << (6 + i) | int(results[i]) << (12 + i);
    }
    return bits;
  }());
}

CONFORMANCE_CASE(half_arithmetic, comparisons,
                 "ordered, unordered and operator comparisons of __half and __nv_bfloat16, NaN among them") {
  CheckCompare<__half>(kHalf);
  CheckCompare<__nv_bfloat16>(kBfloat16);
}

template <typename T>
__global__ void Unary(unsigned* out) {
  const unsigned code = blockIdx.x * blockDim.x + threadIdx.x, n = 65536;
  T value;
  Load(code, &value);
  out[code] = Code(__hneg(value));
  out[n + code] = Code(__habs(value));
  out[2 * n + code] = Code(hsqrt(value));
  out[3 * n + code] = Code(hrcp(value));
}

template <typename T>
void CheckUnary(const Format& f) {
  Device<unsigned> out(4 * 65536);
  Unary<T><<<256, 256>>>(out.data());
  const auto result = out.Get();
  size_t wrong[4] = {};
  for (unsigned k = 0; k < 4 * 65536; ++k) {
    const unsigned code = k % 65536;
    const double x = Decode(f, code);
    const double exact[] = {-x, std::abs(x), std::sqrt(x), 1.0 / x};
    wrong[k / 65536] += !SameCode(f, result[k], Encode(f, exact[k / 65536]));
  }
  for (size_t count : wrong) EXPECT_EQ(count, 0u);
}

CONFORMANCE_CASE(half_arithmetic, half_unary, "__hneg, __habs, hsqrt, hrcp of all halves") {
  CheckUnary<__half>(kHalf);
}
CONFORMANCE_CASE(half_arithmetic, bf16_unary, "__hneg, __habs, hsqrt, hrcp of all bf16") {
  CheckUnary<__nv_bfloat16>(kBfloat16);
}

__global__ void Saturating(const float* in, float* out, int n) {
  const int i = threadIdx.x;
  const __half a = __float2half(in[i]), b = __float2half(in[n - 1 - i]);
  out[i] = __half2float(__hadd_sat(a, b));
  out[n + i] = __half2float(__hmul_sat(a, b));
  out[2 * n + i] = __half2float(__hfma_sat(a, b, b));
  out[3 * n + i] = __half2float(__hfma_relu(a, b, b));
}

CONFORMANCE_CASE(half_arithmetic, saturating, "__hadd_sat, __hmul_sat, __hfma_sat clamp to [0, 1], __hfma_relu at 0") {
  const int n = 64;
  const auto in = Make<float>(n, [](size_t i) { return float(int(i) - 20) * 0.0625f; });
  Device<float> values(in), out(4 * n);
  Saturating<<<1, n>>>(values.data(), out.data(), n);
  EXPECT_EACH(out.Get(), k, [&] {
    const double a = double(in[k % n]), b = double(in[n - 1 - k % n]);
    const double exact = k / n == 0 ? a + b : k / n == 1 ? a * b : a * b + b;
    const double rounded = Decode(kHalf, Encode(kHalf, exact));
    return float(k / n == 3 ? std::fmax(rounded, 0.0) : std::clamp(rounded, 0.0, 1.0)) + 0.0f;
  }());
}

template <typename T, typename T2>
__global__ void Pairs(const float* in, float* out, int n) {
  const int i = threadIdx.x;
  T low, high;
  low = T(in[i]);
  high = T(in[n - 1 - i]);
  T2 a(low, high), b(T(3.0f), T(-2.0f));
  const T2 results[] = {__hadd2(a, b), __hmul2(a, b), __hfma2(a, b, b), a - b, __h2div(a, b), __hneg2(a)};
  for (int k = 0; k < 6; ++k) {
    out[2 * (k * n + i)] = float(results[k].x);
    out[2 * (k * n + i) + 1] = float(results[k].y);
  }
}

template <typename T, typename T2>
void CheckPairs(const Format& f) {
  const int n = 32;
  const auto in = Make<float>(n, [](size_t i) { return float(int(i * 7) - 100); });
  Device<float> values(in), out(12 * n);
  Pairs<T, T2><<<1, n>>>(values.data(), out.data(), n);
  EXPECT_EACH(out.Get(), k, [&] {
    const size_t i = k / 2 % n;
    const double a = double(k % 2 == 0 ? in[i] : in[n - 1 - i]), b = k % 2 == 0 ? 3 : -2;
    const double exact[] = {a + b, a * b, a * b + b, a - b, a / b, -a};
    return float(Decode(f, Encode(f, exact[k / 2 / n])));
  }());
}

CONFORMANCE_CASE(half_arithmetic, pairs, "__half2 and __nv_bfloat162: both lanes of every operation") {
  CheckPairs<__half, __half2>(kHalf);
  CheckPairs<__nv_bfloat16, __nv_bfloat162>(kBfloat16);
}

__global__ void Lanes(float* out) {
  const float x = float(threadIdx.x);
  const __half2 a = __floats2half2_rn(x, -x), b = __floats2half2_rn(x + 0.5f, x + 1000.0f);
  const __half2 results[] = {__lows2half2(a, b),
                             __highs2half2(a, b),
                             __lowhigh2highlow(b),
                             __low2half2(b),
                             __halves2half2(__high2half(b), __low2half(a)),
                             __float2half2_rn(x)};
  for (int k = 0; k < 6; ++k) {
    const float2 pair = __half22float2(results[k]);
    out[(k * 32 + threadIdx.x) * 2] = pair.x;
    out[(k * 32 + threadIdx.x) * 2 + 1] = pair.y;
  }
}

CONFORMANCE_CASE(half_arithmetic, lanes, "moving halves between the lanes of __half2") {
  Device<float> out(6 * 64);
  Lanes<<<1, 32>>>(out.data());
  EXPECT_EACH(out.Get(), k, [&] {
    const float x = float(k / 2 % 32), a[] = {x, -x}, b[] = {x + 0.5f, x + 1000.0f};
    const float pairs[6][2] = {{a[0], b[0]}, {a[1], b[1]}, {b[1], b[0]}, {b[0], b[0]}, {b[1], a[0]}, {x, x}};
    return pairs[k / 64][k % 2];
  }());
}

}  // namespace
