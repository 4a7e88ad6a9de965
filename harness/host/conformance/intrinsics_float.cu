// Floating-point intrinsics: rounding modes, conversions, fused multiply-add, and functions with exact results.
#include <cfloat>
#include <climits>
#include <cmath>
#include <cstring>

#include "harness/host/conformance/conformance.h"

namespace {

constexpr int kSamples = 4096;

float SampleFloat(size_t i) {
  const float edges[] = {0.0f,     -0.0f,    1.0f,     -1.0f,     FLT_MIN, FLT_MAX,
                         -FLT_MAX, 1.4e-45f, INFINITY, -INFINITY, NAN,     0.1f};
  if (i < 144) return i / 12 % 2 == 0 ? edges[i % 12] : -edges[i % 12];
  const unsigned bits = unsigned(Mix(i));
  // Half of them between 2^-16 and 2^16, where sums round; half anywhere.
  const unsigned chosen = i % 2 == 0 ? bits : (bits & 0x807fffffu) | (111 + Mix(i + 9) % 33) << 23;
  float value;
  std::memcpy(&value, &chosen, sizeof value);
  return std::isnan(value) ? std::copysign(float(NAN), value) : value;
}
double SampleDouble(size_t i) {
  if (i < 144) return double(SampleFloat(i)) * (i % 5 == 0 ? 1.0 : 1.0000000000000002);
  unsigned long long bits = Mix(i + 31);
  if (i % 2 == 1) bits = (bits & 0x800fffffffffffffull) | (1000 + Mix(i + 9) % 46) << 52;
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

template <typename T>
bool Identical(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(b)) return std::isnan(a);
  }
  return std::memcmp(&a, &b, sizeof a) == 0;
}

template <typename T, typename Out, typename Function>
__global__ void Apply(const T* a, const T* b, const T* c, Out* out, Function function) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  out[i] = function(a[i], b[i], c[i]);
}

template <typename T, typename Out, typename DeviceFunction, typename HostFunction>
void Check(const char* name, DeviceFunction function, HostFunction expected) {
  const auto sample = [](size_t i) {
    if constexpr (std::is_same_v<T, float>) return SampleFloat(i);
    if constexpr (std::is_same_v<T, double>) return SampleDouble(i);
  };
  const auto a = Make<T>(kSamples, sample);
  const auto b = Make<T>(kSamples, [&](size_t i) { return sample(i < 144 ? i / 12 : i + 5000); });
  const auto c = Make<T>(kSamples, [&](size_t i) { return sample(i + 20000); });
  Device<T> da(a), db(b), dc(c);
  Device<Out> out(kSamples);
  Apply<<<kSamples / 128, 128>>>(da.data(), db.data(), dc.data(), out.data(), function);
  OK(cudaGetLastError());
  const auto result = out.Get();
  for (int i = 0; i < kSamples; ++i) {
    const Out want = expected(a[i], b[i], c[i]);
    if (Identical(result[i], want)) continue;
    conformance::Fail(__FILE__, __LINE__,
                      std::string(name) + "(" + conformance::Show(a[i]) + ", " + conformance::Show(b[i]) + ", " +
                          conformance::Show(c[i]) + "): expected " + conformance::Show(want) + ", is " +
                          conformance::Show(result[i]));
    return;
  }
}

#define DEVICE(Name, T, Out, ...)                                                                       \
  struct Name {                                                                                         \
    __device__ Out operator()([[maybe_unused]] T a, [[maybe_unused]] T b, [[maybe_unused]] T c) const { \
      return __VA_ARGS__;                                                                               \
    }                                                                                                   \
  }
#define HOST(T, ...) [](T a, [[maybe_unused]] T b, [[maybe_unused]] T c) { return __VA_ARGS__; }

// Of an exact result that lies at nearest + error (|error| < one ulp): the float on the wanted side. direction: 1 up,
// -1 down, 0 towards zero.
template <typename T>
T Directed(T nearest, bool below, bool above, int direction) {
  if (std::isnan(nearest)) return nearest;
  if (direction == 0) direction = nearest > 0 || (nearest == 0 && !std::signbit(nearest)) ? -1 : 1;
  if (direction > 0 && above) return std::nextafter(nearest, T(INFINITY));
  if (direction < 0 && below) return std::nextafter(nearest, T(-INFINITY));
  return nearest;
}

// The exact sum or product of two floats against `nearest`: 80-bit long doubles are not enough for sums, so by parts.
float SumTo(float a, float b, int direction) {
  // In double a sum of two floats is inexact only where they lie more than 29 binades apart; then the error tells.
  const double x = double(a), y = double(b), sum = x + y;
  if (!std::isfinite(sum)) return float(sum);
  if (sum == 0) return a == 0 && b == 0 && std::signbit(a) == std::signbit(b) ? a : direction == -1 ? -0.0f : 0.0f;
  const double part = sum - x, error = (x - (sum - part)) + (y - part);
  const float nearest = float(sum);
  if (std::isinf(nearest)) {
    const bool away = direction == (sum > 0 ? 1 : -1);
    return away ? nearest : std::copysign(FLT_MAX, nearest);
  }
  const double beside = double(nearest);
  const bool above = sum > beside || (sum == beside && error > 0), below = sum < beside || (sum == beside && error < 0);
  return Directed(nearest, below, above, direction);
}
float ProductTo(float a, float b, int direction) {
  const double product = double(a) * double(b);  // exact
  const float nearest = float(product);
  if (std::isnan(product) || std::isinf(product)) return nearest;
  if (std::isinf(nearest)) return direction == (product > 0 ? 1 : -1) ? nearest : std::copysign(FLT_MAX, nearest);
  return Directed(nearest, product<double(nearest), product> double(nearest), direction);
}

DEVICE(AddRn, float, float, __fadd_rn(a, b));
DEVICE(AddRz, float, float, __fadd_rz(a, b));
DEVICE(AddRu, float, float, __fadd_ru(a, b));
DEVICE(AddRd, float, float, __fadd_rd(a, b));
DEVICE(SubRn, float, float, __fsub_rn(a, b));
DEVICE(SubRd, float, float, __fsub_rd(a, b));
DEVICE(MulRn, float, float, __fmul_rn(a, b));
DEVICE(MulRz, float, float, __fmul_rz(a, b));
DEVICE(MulRu, float, float, __fmul_ru(a, b));
DEVICE(MulRd, float, float, __fmul_rd(a, b));

CONFORMANCE_CASE(intrinsics, add_rounding,
                 "__fadd_rn, _rz, _ru, _rd and __fsub: the exact sum, rounded once each way") {
  Check<float, float>("__fadd_rn", AddRn(), HOST(float, a + b));
  Check<float, float>("__fadd_rz", AddRz(), HOST(float, SumTo(a, b, 0)));
  Check<float, float>("__fadd_ru", AddRu(), HOST(float, SumTo(a, b, 1)));
  Check<float, float>("__fadd_rd", AddRd(), HOST(float, SumTo(a, b, -1)));
  Check<float, float>("__fsub_rn", SubRn(), HOST(float, a - b));
  Check<float, float>("__fsub_rd", SubRd(), HOST(float, SumTo(a, -b, -1)));
}

CONFORMANCE_CASE(intrinsics, multiply_rounding, "__fmul_rn, _rz, _ru, _rd") {
  Check<float, float>("__fmul_rn", MulRn(), HOST(float, a* b));
  Check<float, float>("__fmul_rz", MulRz(), HOST(float, ProductTo(a, b, 0)));
  Check<float, float>("__fmul_ru", MulRu(), HOST(float, ProductTo(a, b, 1)));
  Check<float, float>("__fmul_rd", MulRd(), HOST(float, ProductTo(a, b, -1)));
}

DEVICE(Fmaf, float, float, fmaf(a, b, c));
DEVICE(FmaRn, float, float, __fmaf_rn(a, b, c));
DEVICE(FmaCancel, float, float, fmaf(a, b, -__fmul_rn(a, b)));  // the product's rounding error
DEVICE(FmaDouble, double, double, fma(a, b, c));
DEVICE(TwoSteps, float, float, __fadd_rn(__fmul_rn(a, b), c));  // may not be fused

CONFORMANCE_CASE(intrinsics, fused, "fmaf, __fmaf_rn and fma round once; __fmul_rn and __fadd_rn are never fused") {
  Check<float, float>("fmaf", Fmaf(), HOST(float, std::fma(a, b, c)));
  Check<float, float>("__fmaf_rn", FmaRn(), HOST(float, std::fma(a, b, c)));
  Check<float, float>("error of a product", FmaCancel(), HOST(float, std::fma(a, b, -(a * b))));
  Check<double, double>("fma", FmaDouble(), HOST(double, std::fma(a, b, c)));
  Check<float, float>("two steps", TwoSteps(), HOST(float, [=] {
                        volatile float product = a * b;
                        return product + c;
                      }()));
}

DEVICE(Div, float, float, __fdiv_rn(a, b));
DEVICE(PlainDiv, float, float, a / b);
DEVICE(Sqrt, float, float, __fsqrt_rn(a));
DEVICE(PlainSqrt, float, float, sqrtf(b));
DEVICE(Reciprocal, float, float, __frcp_rn(a));
DEVICE(DivDouble, double, double, __ddiv_rn(a, b));
DEVICE(SqrtDouble, double, double, __dsqrt_rn(a));
DEVICE(AddDouble, double, double, __dadd_rn(a, b));
DEVICE(MulDouble, double, double, __dmul_rn(a, b));

CONFORMANCE_CASE(intrinsics, divide_and_root, "division, square root and reciprocal to the nearest, float and double") {
  Check<float, float>("__fdiv_rn", Div(), HOST(float, a / b));
  Check<float, float>("/", PlainDiv(), HOST(float, a / b));
  Check<float, float>("__fsqrt_rn", Sqrt(), HOST(float, std::sqrt(a)));
  Check<float, float>("sqrtf", PlainSqrt(), HOST(float, std::sqrt(b)));
  Check<float, float>("__frcp_rn", Reciprocal(), HOST(float, 1.0f / a));
  Check<double, double>("__ddiv_rn", DivDouble(), HOST(double, a / b));
  Check<double, double>("__dsqrt_rn", SqrtDouble(), HOST(double, std::sqrt(a)));
  Check<double, double>("__dadd_rn", AddDouble(), HOST(double, a + b));
  Check<double, double>("__dmul_rn", MulDouble(), HOST(double, a* b));
}

template <typename T>
int ToInt(T x, T whole) {
  return std::isnan(x) ? 0 : whole >= T(2147483648.0) ? INT_MAX : whole < T(-2147483648.0) ? INT_MIN : int(whole);
}
template <typename T>
unsigned ToUnsigned(T x, T whole) {
  return std::isnan(x) || whole < 0 ? 0 : whole >= T(4294967296.0) ? UINT_MAX : unsigned(whole);
}
long long ToLong(double x, double whole) {
  if (std::isnan(x)) return LLONG_MIN;
  return whole >= 9223372036854775808.0 ? LLONG_MAX : whole < -9223372036854775808.0 ? LLONG_MIN : (long long)whole;
}

DEVICE(IntRn, float, int, __float2int_rn(a));
DEVICE(IntRz, float, int, __float2int_rz(a));
DEVICE(IntRu, float, int, __float2int_ru(a));
DEVICE(IntRd, float, int, __float2int_rd(a));
DEVICE(UintRn, float, unsigned, __float2uint_rn(a));
DEVICE(UintRz, float, unsigned, __float2uint_rz(a));
DEVICE(LongRz, float, long long, __float2ll_rz(a));

CONFORMANCE_CASE(intrinsics, float_to_integer,
                 "__float2int and __float2uint in all modes: out of range to the nearest end, NaN to 0") {
  Check<float, int>("__float2int_rn", IntRn(), HOST(float, ToInt(a, std::nearbyint(a))));
  Check<float, int>("__float2int_rz", IntRz(), HOST(float, ToInt(a, std::trunc(a))));
  Check<float, int>("__float2int_ru", IntRu(), HOST(float, ToInt(a, std::ceil(a))));
  Check<float, int>("__float2int_rd", IntRd(), HOST(float, ToInt(a, std::floor(a))));
  Check<float, unsigned>("__float2uint_rn", UintRn(), HOST(float, ToUnsigned(a, std::nearbyint(a))));
  Check<float, unsigned>("__float2uint_rz", UintRz(), HOST(float, ToUnsigned(a, std::trunc(a))));
  Check<float, long long>("__float2ll_rz", LongRz(), HOST(float, ToLong(double(a), std::trunc(double(a)))));
}

DEVICE(DIntRn, double, int, isnan(a) ? 0 : __double2int_rn(a));
DEVICE(DUintRu, double, unsigned, isnan(a) ? 0 : __double2uint_ru(a));
DEVICE(DLongRn, double, long long, __double2ll_rn(a));
DEVICE(DFloatRn, double, float, __double2float_rn(a));
DEVICE(DFloatRz, double, float, __double2float_rz(a));
DEVICE(DFloatRu, double, float, __double2float_ru(a));

float NarrowTo(double x, int direction) {
  const float nearest = float(x);
  if (std::isnan(x) || std::isinf(x)) return nearest;
  if (std::isinf(nearest)) return direction == (x > 0 ? 1 : -1) ? nearest : std::copysign(FLT_MAX, nearest);
  return Directed(nearest, x<double(nearest), x> double(nearest), direction);
}

CONFORMANCE_CASE(intrinsics, double_conversions, "double to int, unsigned, long long and float, in several modes") {
  Check<double, int>("__double2int_rn", DIntRn(), HOST(double, ToInt(a, std::nearbyint(a))));
  Check<double, unsigned>("__double2uint_ru", DUintRu(), HOST(double, ToUnsigned(a, std::ceil(a))));
  Check<double, long long>("__double2ll_rn", DLongRn(), HOST(double, ToLong(a, std::nearbyint(a))));
  Check<double, float>("__double2float_rn", DFloatRn(), HOST(double, float(a)));
  Check<double, float>("__double2float_rz", DFloatRz(), HOST(double, NarrowTo(a, 0)));
  Check<double, float>("__double2float_ru", DFloatRu(), HOST(double, NarrowTo(a, 1)));
}

__global__ void FromIntegers(const int* in, float* out, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  out[i] = __int2float_rn(in[i]);
  out[n + i] = __int2float_rz(in[i]);
  out[2 * n + i] = __int2float_ru(in[i]);
  out[3 * n + i] = __int2float_rd(in[i]);
  out[4 * n + i] = __uint2float_rn(unsigned(in[i]));
  out[5 * n + i] = __ll2float_rn((long long)in[i] * 4294967311ll);
  out[6 * n + i] = float(in[i]);
}

CONFORMANCE_CASE(intrinsics, integer_to_float, "__int2float in four modes, __uint2float_rn, __ll2float_rn") {
  const int n = 1024;
  const auto in = Make<int>(n, [](size_t i) {
    return i < 4 ? INT_MAX - int(i) : i < 8 ? INT_MIN + int(i) - 4 : int(Mix(i)) >> i % 24;
  });
  Device<int> values(in);
  Device<float> out(7 * n);
  FromIntegers<<<n / 128, 128>>>(values.data(), out.data(), n);
  EXPECT_EACH(out.Get(), k, [&] {
    const int x = in[k % n];
    switch (k / n) {
      case 1:
        return NarrowTo(x, 0);
      case 2:
        return NarrowTo(x, 1);
      case 3:
        return NarrowTo(x, -1);
      case 4:
        return float(unsigned(x));
      case 5:
        return float((long long)x * 4294967311ll);
      default:
        return float(x);
    }
  }());
}

DEVICE(Floor, float, float, floorf(a));
DEVICE(Rint, float, float, rintf(a));
DEVICE(Rounded, float, float, roundf(a));
DEVICE(Fmod, float, float, fmodf(a, b));
DEVICE(Remainder, float, float, remainderf(a, b));
DEVICE(CopySign, float, float, copysignf(a, b));
DEVICE(MinF, float, float, fminf(a, b) + 0.0f);
DEVICE(MaxF, float, float, fmaxf(a, b) + 0.0f);
DEVICE(Saturate, float, float, __saturatef(a));
DEVICE(Classes, float, int, (isnan(a) ? 1 : 0) + (isinf(a) ? 2 : 0) + (signbit(a) ? 4 : 0) + (isfinite(a) ? 8 : 0));
DEVICE(Ldexp, float, float, ldexpf(a, int(fminf(fmaxf(c, -300.0f), 300.0f))));
DEVICE(Nextafter, float, float, nextafterf(a, b));

CONFORMANCE_CASE(intrinsics, exact_functions,
                 "floorf, rintf, roundf, fmodf, remainderf, copysignf, fminf, ldexpf, nextafterf, __saturatef") {
  Check<float, float>("floorf", Floor(), HOST(float, std::floor(a)));
  Check<float, float>("rintf", Rint(), HOST(float, std::nearbyint(a)));
  Check<float, float>("roundf", Rounded(), HOST(float, std::round(a)));
  Check<float, float>("fmodf", Fmod(), HOST(float, std::fmod(a, b)));
  Check<float, float>("remainderf", Remainder(), HOST(float, std::remainder(a, b)));
  Check<float, float>("copysignf", CopySign(), HOST(float, std::copysign(a, b)));
  // Adding 0 makes the sign of a zero the same; NaN gives way to the number.
  Check<float, float>("fminf", MinF(), HOST(float, (b < a || std::isnan(a) ? b : a) + 0.0f));
  Check<float, float>("fmaxf", MaxF(), HOST(float, (b > a || std::isnan(a) ? b : a) + 0.0f));
  Check<float, float>("__saturatef", Saturate(), HOST(float, std::isnan(a) || a <= 0 ? 0.0f : a >= 1 ? 1.0f : a));
  Check<float, int>(
      "classification", Classes(),
      HOST(float, std::isnan(a) ? 1 + (std::signbit(a) ? 4 : 0) : (std::isinf(a) ? 2 : 8) + (std::signbit(a) ? 4 : 0)));
  Check<float, float>("ldexpf", Ldexp(), HOST(float, std::ldexp(a, int(std::fmin(std::fmax(c, -300.0f), 300.0f)))));
  Check<float, float>("nextafterf", Nextafter(), HOST(float, std::nextafter(a, b)));
}

// Relative errors against double, in ulp of 2^-23, for x in (0, 64).
struct Approximations {
  float sin, exp, log, rsqrt, tanh, fast_exp, fast_divide, erf;
};

__global__ void Approximate(const float* in, Approximations* out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const float x = in[i];
  out[i] = {sinf(x), expf(x), logf(x), rsqrtf(x), tanhf(x), __expf(x * 0.01f), __fdividef(1.0f, x), erff(x)};
}

CONFORMANCE_CASE(intrinsics, approximations,
                 "sinf, expf, logf, rsqrtf, tanhf, erff, __expf, __fdividef within the documented errors") {
  const auto in = Make<float>(1024, [](size_t i) { return float(i + 1) / 16.0f; });
  Device<float> values(in);
  Device<Approximations> out(in.size());
  Approximate<<<8, 128>>>(values.data(), out.data());
  const auto result = out.Get();
  const double ulp = std::ldexp(1.0, -23);
  for (size_t i = 0; i < in.size(); ++i) {
    const double x = double(in[i]), scaled = double(in[i] * 0.01f);
    EXPECT_NEAR(double(result[i].sin), std::sin(x), 2 * ulp);
    EXPECT_NEAR(double(result[i].exp) / std::exp(x), 1.0, 2 * ulp);
    EXPECT_NEAR(double(result[i].log), std::log(x), 2 * ulp * std::fmax(std::abs(std::log(x)), 1e-3));
    EXPECT_NEAR(double(result[i].rsqrt) * std::sqrt(x), 1.0, 3 * ulp);
    EXPECT_NEAR(double(result[i].tanh), std::tanh(x), 3 * ulp);
    EXPECT_NEAR(double(result[i].fast_exp) / std::exp(scaled), 1.0, (3 + 1.16 * scaled) * ulp);
    EXPECT_NEAR(double(result[i].fast_divide) * x, 1.0, 3 * ulp);
    EXPECT_NEAR(double(result[i].erf), std::erf(x), 3 * ulp);
    if (std::isnan(result[i].sin)) break;
  }
}

}  // namespace
