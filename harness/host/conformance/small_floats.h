// An oracle for the small floating-point formats: conversions by value, in double arithmetic that is exact throughout.
#ifndef HARNESS_HOST_CONFORMANCE_SMALL_FLOATS_H_
#define HARNESS_HOST_CONFORMANCE_SMALL_FLOATS_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

namespace conformance {

struct Format {
  int exponent_bits, mantissa_bits;
  bool infinity;  // otherwise the code with all ones is NaN, and all others are numbers

  int bits() const { return 1 + exponent_bits + mantissa_bits; }
  int bias() const { return (1 << (exponent_bits - 1)) - 1; }
  unsigned sign() const { return 1u << (bits() - 1); }
  unsigned infinity_code() const { return ((1u << exponent_bits) - 1) << mantissa_bits; }
  unsigned largest() const { return infinity ? infinity_code() - 1 : sign() - 2; }
  bool IsNan(unsigned code) const { return (code & ~sign()) > (infinity ? infinity_code() : largest()); }
};

inline constexpr Format kHalf{5, 10, true}, kBfloat16{8, 7, true}, kE4m3{4, 3, false}, kE5m2{5, 2, true};

enum class Round { kNearest, kZero, kUp, kDown };

inline double Decode(const Format& f, unsigned code) {
  const unsigned magnitude = code & (f.sign() - 1);
  const double sign = (code & f.sign()) != 0 ? -1.0 : 1.0;
  if (f.IsNan(code)) return std::numeric_limits<double>::quiet_NaN();
  if (f.infinity && magnitude == f.infinity_code()) return sign * std::numeric_limits<double>::infinity();
  const int exponent = static_cast<int>(magnitude >> f.mantissa_bits);
  const unsigned mantissa = magnitude & ((1u << f.mantissa_bits) - 1);
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - f.bias() - f.mantissa_bits);
  return sign * std::ldexp(mantissa + (1u << f.mantissa_bits), exponent - f.bias() - f.mantissa_bits);
}

// A NaN is any NaN: compare with SameCode.
inline unsigned Encode(const Format& f, double value, Round mode = Round::kNearest, bool saturate = false) {
  const bool negative = std::signbit(value);
  const unsigned sign = negative ? f.sign() : 0;
  if (std::isnan(value)) return f.sign() - 1;
  if (std::isinf(value)) return sign | (saturate ? f.largest() : f.infinity ? f.infinity_code() : f.sign() - 1);
  const double magnitude = std::abs(value);
  if (magnitude == 0) return sign;
  const int least = 1 - f.bias();
  const int exponent = std::max(std::ilogb(magnitude), least);
  const double scaled = std::ldexp(magnitude, f.mantissa_bits - exponent);
  double whole = std::floor(scaled);
  const double rest = scaled - whole;
  const bool up = mode == Round::kNearest ? rest > 0.5 || (rest == 0.5 && std::fmod(whole, 2) == 1)
                  : mode == Round::kUp    ? rest > 0 && !negative
                  : mode == Round::kDown  ? rest > 0 && negative
                                          : false;
  if (up) whole += 1;
  const uint64_t code = (static_cast<uint64_t>(exponent - least) << f.mantissa_bits) + static_cast<uint64_t>(whole);
  if (code <= f.largest()) return sign | static_cast<unsigned>(code);
  const bool to_largest =
      saturate || mode == Round::kZero || (mode == Round::kUp && negative) || (mode == Round::kDown && !negative);
  return sign | (to_largest ? f.largest() : f.infinity ? f.infinity_code() : f.sign() - 1);
}

inline bool SameCode(const Format& f, unsigned a, unsigned b) { return f.IsNan(a) ? f.IsNan(b) : a == b; }

// Of two doubles, rounded to odd: Encode of it rounds the exact sum once, as double has more than twice f's bits.
inline double AddToOdd(double a, double b) {
  const double sum = a + b;
  if (!std::isfinite(sum)) return sum;
  const double part = sum - a, error = (a - (sum - part)) + (b - part);
  uint64_t bits;
  std::memcpy(&bits, &sum, sizeof bits);
  if (error == 0 || (bits & 1) != 0) return sum;
  const bool away = (error > 0) == (sum > 0);
  bits += away ? 1 : -1;
  double odd;
  std::memcpy(&odd, &bits, sizeof odd);
  return odd;
}

// Every number halfway between two neighbours of the format, and the floats beside it and beside the numbers
// themselves, of both signs; and what is special.
inline std::vector<float> HardFloats(const Format& f) {
  std::vector<float> values = {0.0f,
                               -0.0f,
                               std::numeric_limits<float>::infinity(),
                               -std::numeric_limits<float>::infinity(),
                               std::numeric_limits<float>::quiet_NaN(),
                               std::numeric_limits<float>::max(),
                               std::numeric_limits<float>::denorm_min(),
                               -std::numeric_limits<float>::min()};
  const float infinity = std::numeric_limits<float>::infinity();
  for (unsigned code = 0; code <= f.largest(); ++code) {
    const double low = Decode(f, code);
    // Past the largest, the next number that there would be.
    const double high = code < f.largest() ? Decode(f, code + 1) : 2 * low - Decode(f, code - 1);
    for (double exact : {low, (low + high) / 2}) {
      const float x = static_cast<float>(exact);
      for (float near : {x, std::nextafter(x, infinity), std::nextafter(x, -infinity)}) {
        values.push_back(near);
        values.push_back(-near);
      }
    }
  }
  return values;
}

// Codes of every kind: all exponents, several mantissas, both signs, zeros, infinities, NaN.
inline std::vector<unsigned> StratifiedCodes(const Format& f) {
  std::vector<unsigned> codes;
  const unsigned mantissas[] = {0, 1, (1u << f.mantissa_bits) - 1, (1u << f.mantissa_bits) / 3};
  for (unsigned exponent = 0; exponent < 1u << f.exponent_bits; ++exponent) {
    for (unsigned mantissa : mantissas) {
      const unsigned code = exponent << f.mantissa_bits | mantissa;
      codes.push_back(code);
      codes.push_back(code | f.sign());
    }
  }
  return codes;
}

}  // namespace conformance

#endif  // HARNESS_HOST_CONFORMANCE_SMALL_FLOATS_H_
