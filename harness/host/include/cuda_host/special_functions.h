// The functions that CUDA has beside those of <math.h>, each for float and double.
#ifndef CUDA_HOST_SPECIAL_FUNCTIONS_H_
#define CUDA_HOST_SPECIAL_FUNCTIONS_H_

#include <math.h>

#include <cmath>
#include <limits>

// Newer C libraries declare some of them.
#ifdef __GLIBC_PREREQ
#if __GLIBC_PREREQ(2, 41)
#define CUDA_HOST_LIBRARY_HAS_SINPI 1
#endif
#if __GLIBC_PREREQ(2, 42)
#define CUDA_HOST_LIBRARY_HAS_RSQRT 1
#endif
#endif

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's.

namespace cuda_host {

// sin and cos of pi x, exact at multiples of 1/2: x is brought to [-1/4, 1/4] and a quarter turn first.
inline void SinCosPi(double x, double* sine, double* cosine) {
  constexpr double kPi = 3.14159265358979323846;
  if (!std::isfinite(x)) {
    *sine = *cosine = x - x;
    return;
  }
  const double turn = std::fmod(x, 2.0);
  const double quarters = std::nearbyint(2 * turn);
  const double rest = (turn - quarters / 2) * kPi;
  const double s = std::sin(rest);
  const double c = std::cos(rest);
  switch (static_cast<int>(quarters) & 3) {
    case 0:
      *sine = s;
      *cosine = c;
      break;
    case 1:
      *sine = c;
      *cosine = -s;
      break;
    case 2:
      *sine = -s;
      *cosine = -c;
      break;
    default:
      *sine = -c;
      *cosine = s;
  }
  // A whole x gives a zero of x's sign, and a half one +0.
  if (*sine == 0) *sine = std::copysign(0.0, x);
  if (*cosine == 0) *cosine = 0.0;
}
inline double SinPi(double x) {
  double sine, cosine;
  SinCosPi(x, &sine, &cosine);
  return sine;
}
inline double CosPi(double x) {
  double sine, cosine;
  SinCosPi(x, &sine, &cosine);
  return cosine;
}

// exp(x^2) erfc(x).
inline double ScaledErfc(double x) {
  constexpr double kSqrtPi = 1.77245385090551602730;
  if (x < 10) {
    const auto wide = static_cast<long double>(x);
    return static_cast<double>(std::exp(wide * wide) * std::erfc(wide));
  }
  if (std::isinf(x)) return 0;
  // The asymptotic series: here its terms fall below the last bit before they grow again.
  double term = 1;
  double sum = 1;
  for (int k = 1; k <= 20; ++k) {
    term *= -(2 * k - 1) / (2 * x * x);
    sum += term;
  }
  return sum / kSqrtPi / x;
}

// The x for which erfc(x) = tail, 0 < tail <= 1/2, by Newton's method on the logarithm of erfc, which is smooth and
// concave, so that the steps converge from anywhere.
inline double InverseErfcUpper(double tail) {
  constexpr double kTwoOverSqrtPi = 1.12837916709551257390;
  const double wanted = std::log(tail);
  double x = std::sqrt(std::fmax(-wanted - 0.5 * std::log(std::fmax(-wanted, 1.0)), 0.0));
  for (int i = 0; i < 60; ++i) {
    const double scaled = ScaledErfc(x);
    const double step = (std::log(scaled) - x * x - wanted) * scaled / kTwoOverSqrtPi;
    x += step;
    if (std::fabs(step) <= 1e-16 * std::fabs(x)) break;
  }
  return x;
}
inline double InverseErf(double y) {
  constexpr double kTwoOverSqrtPi = 1.12837916709551257390;
  const double size = std::fabs(y);
  if (!(size <= 1)) return std::numeric_limits<double>::quiet_NaN();
  if (size == 1) return std::copysign(std::numeric_limits<double>::infinity(), y);
  if (size > 0.5) return std::copysign(InverseErfcUpper(1 - size), y);
  double x = size / kTwoOverSqrtPi;
  for (int i = 0; i < 60; ++i) {
    const double step = (std::erf(x) - size) / (kTwoOverSqrtPi * std::exp(-x * x));
    x -= step;
    if (std::fabs(step) <= 1e-16 * x) break;
  }
  return std::copysign(x, y);
}
inline double InverseErfc(double y) {
  if (!(y >= 0 && y <= 2)) return std::numeric_limits<double>::quiet_NaN();
  if (y == 0) return std::numeric_limits<double>::infinity();
  if (y == 2) return -std::numeric_limits<double>::infinity();
  if (y >= 0.5 && y <= 1.5) return InverseErf(1 - y);
  return y < 0.5 ? InverseErfcUpper(y) : -InverseErfcUpper(2 - y);
}
// -sqrt(2) erfcinv(2 y), with +0 at 1/2.
inline double InverseNormCdf(double y) { return 0.0 - 1.41421356237309504880 * InverseErfc(2 * y); }
// In long double: far out erfc magnifies the error of its argument.
inline double NormCdf(double x) {
  return static_cast<double>(0.5L * std::erfc(static_cast<long double>(x) * -0.70710678118654752440084L));
}

// The modified Bessel function of order 0 or 1: the power series, or the asymptotic one, whose terms here fall far
// below the last bit before they grow again.
inline double BesselI(int order, double x) {
  constexpr double kTwoPi = 6.28318530717958647693;
  const double size = std::fabs(x);
  double result;
  if (size <= 30) {
    double term = order == 0 ? 1 : size / 2;
    result = term;
    for (int k = 1; k <= 80; ++k) {
      term *= size * size / 4 / (static_cast<double>(k) * (k + order));
      result += term;
    }
  } else if (std::isfinite(size)) {
    double term = 1;
    double sum = 1;
    for (int k = 1; k <= 30; ++k) {
      const double odd = 2 * k - 1;
      term *= (odd * odd - 4 * order * order) / (8 * k * size);
      sum += term;
    }
    // Half of the exponential twice: the whole overflows before the quotient does.
    const double half = std::exp(size / 2);
    result = std::isinf(half) ? half : half / std::sqrt(kTwoPi * size) * sum * half;
  } else {
    result = size;
  }
  return order == 0 ? result : std::copysign(result, x);
}

// The root of the sum of squares; an infinity wins over a NaN. The squares do not overflow long double.
template <typename T>
long double Norm(const T* values, int count) {
  long double sum = 0;
  bool infinite = false;
  for (int i = 0; i < count; ++i) {
    infinite |= std::isinf(values[i]);
    sum += static_cast<long double>(values[i]) * static_cast<long double>(values[i]);
  }
  return infinite ? std::numeric_limits<long double>::infinity() : std::sqrt(sum);
}

}  // namespace cuda_host

// name(double), namef(float) and name(float), the last two computed in double.
#define CUDA_HOST_FLOAT_VERSIONS(name, expression) \
  inline float name##f(const float a) {            \
    const double x = static_cast<double>(a);       \
    return static_cast<float>(expression);         \
  }                                                \
  inline float name(const float a) { return name##f(a); }
#define CUDA_HOST_SPECIAL(name, expression)                 \
  inline double name(const double x) { return expression; } \
  CUDA_HOST_FLOAT_VERSIONS(name, expression)

CUDA_HOST_SPECIAL(rcbrt, 1.0 / std::cbrt(x))
CUDA_HOST_SPECIAL(erfcx, ::cuda_host::ScaledErfc(x))
CUDA_HOST_SPECIAL(erfinv, ::cuda_host::InverseErf(x))
CUDA_HOST_SPECIAL(erfcinv, ::cuda_host::InverseErfc(x))
CUDA_HOST_SPECIAL(normcdf, ::cuda_host::NormCdf(x))
CUDA_HOST_SPECIAL(normcdfinv, ::cuda_host::InverseNormCdf(x))
#ifdef CUDA_HOST_LIBRARY_HAS_RSQRT
inline float rsqrt(const float a) { return rsqrtf(a); }
#else
CUDA_HOST_SPECIAL(rsqrt, 1.0 / std::sqrt(x))
#endif
#ifdef CUDA_HOST_LIBRARY_HAS_SINPI
inline float sinpi(const float a) { return sinpif(a); }
inline float cospi(const float a) { return cospif(a); }
#else
CUDA_HOST_SPECIAL(sinpi, ::cuda_host::SinPi(x))
CUDA_HOST_SPECIAL(cospi, ::cuda_host::CosPi(x))
#endif
#undef CUDA_HOST_SPECIAL
#undef CUDA_HOST_FLOAT_VERSIONS

inline double cyl_bessel_i0(const double x) { return ::cuda_host::BesselI(0, x); }
inline double cyl_bessel_i1(const double x) { return ::cuda_host::BesselI(1, x); }
inline float cyl_bessel_i0f(const float x) { return static_cast<float>(cyl_bessel_i0(static_cast<double>(x))); }
inline float cyl_bessel_i1f(const float x) { return static_cast<float>(cyl_bessel_i1(static_cast<double>(x))); }

// exp10 and sincos are the C library's; their float overloads are CUDA's.
inline float exp10(const float x) { return exp10f(x); }
inline void sincos(const float x, float* const sine, float* const cosine) { sincosf(x, sine, cosine); }
inline void sincospi(const double x, double* const sine, double* const cosine) {
  ::cuda_host::SinCosPi(x, sine, cosine);
}
inline void sincospif(const float x, float* const sine, float* const cosine) {
  double wide_sine, wide_cosine;
  ::cuda_host::SinCosPi(static_cast<double>(x), &wide_sine, &wide_cosine);
  *sine = static_cast<float>(wide_sine);
  *cosine = static_cast<float>(wide_cosine);
}
inline void sincospi(const float x, float* const sine, float* const cosine) { sincospif(x, sine, cosine); }

// norm and rnorm, its reciprocal, of an array, of three and of four numbers; rhypot of two.
#define CUDA_HOST_NORMS(f, T)                                       \
  inline T norm##f(const int count, const T* const values) {        \
    return static_cast<T>(::cuda_host::Norm(values, count));        \
  }                                                                 \
  inline T rnorm##f(const int count, const T* const values) {       \
    return static_cast<T>(1 / ::cuda_host::Norm(values, count));    \
  }                                                                 \
  inline T norm3d##f(const T a, const T b, const T c) {             \
    const T values[] = {a, b, c};                                   \
    return norm##f(3, values);                                      \
  }                                                                 \
  inline T rnorm3d##f(const T a, const T b, const T c) {            \
    const T values[] = {a, b, c};                                   \
    return rnorm##f(3, values);                                     \
  }                                                                 \
  inline T norm4d##f(const T a, const T b, const T c, const T d) {  \
    const T values[] = {a, b, c, d};                                \
    return norm##f(4, values);                                      \
  }                                                                 \
  inline T rnorm4d##f(const T a, const T b, const T c, const T d) { \
    const T values[] = {a, b, c, d};                                \
    return rnorm##f(4, values);                                     \
  }                                                                 \
  inline T rhypot##f(const T a, const T b) {                        \
    const T values[] = {a, b};                                      \
    return rnorm##f(2, values);                                     \
  }
CUDA_HOST_NORMS(, double)
CUDA_HOST_NORMS(f, float)
#undef CUDA_HOST_NORMS

// NOLINTEND(readability-identifier-naming)

#endif  // CUDA_HOST_SPECIAL_FUNCTIONS_H_
