// Number formats in double, from their definition, for tests to compare with: slow, and nothing shared with the
// kernels.
#ifndef KERNELS_TESTING_FORMATS_H_
#define KERNELS_TESTING_FORMATS_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace kernels {

struct FormatFields {
  int exponent_bits, fraction_bits;
  bool has_infinity;  // else the one code of all ones is NaN, and nothing else is special
};
inline constexpr FormatFields kBinary16 = {5, 10, true}, kBrain16 = {8, 7, true}, kOcpE4M3 = {4, 3, false},
                              kOcpE5M2 = {5, 2, true};

// What `code` stands for.
inline double ValueOf(const FormatFields& f, uint32_t code) {
  const int bias = (1 << (f.exponent_bits - 1)) - 1;
  const uint32_t fraction = code & ((1u << f.fraction_bits) - 1);
  const int exponent = static_cast<int>(code >> f.fraction_bits & ((1u << f.exponent_bits) - 1));
  const double sign = code >> (f.exponent_bits + f.fraction_bits) & 1 ? -1 : 1;
  const bool largest_exponent = exponent == (1 << f.exponent_bits) - 1;
  const bool all_ones = largest_exponent && fraction == (1u << f.fraction_bits) - 1;
  if (f.has_infinity ? largest_exponent && fraction != 0 : all_ones) return std::nan("");
  if (f.has_infinity && largest_exponent) return sign * std::numeric_limits<double>::infinity();
  const double unit = std::ldexp(1.0, std::max(exponent, 1) - bias - f.fraction_bits);
  return sign * unit * (fraction + (exponent > 0 ? std::ldexp(1.0, f.fraction_bits) : 0));
}

inline double MaxFinite(const FormatFields& f) {
  const uint32_t ones = (1u << (f.exponent_bits + f.fraction_bits)) - 1;
  return ValueOf(f, f.has_infinity ? ones - (1u << f.fraction_bits) : ones - 1);
}

// The value next to `x` among the format's, to nearest even; what is too large after that as `saturate` says.
inline double RoundTo(const FormatFields& f, double x, bool saturate) {
  if (std::isnan(x) || x == 0) return x;
  const int smallest = 2 - (1 << (f.exponent_bits - 1));  // exponent of the smallest normal number
  double rounded = x;
  if (std::isfinite(x)) {
    const int unit = std::max(std::ilogb(x), smallest) - f.fraction_bits;
    rounded = std::ldexp(std::nearbyint(std::ldexp(x, -unit)), unit);
  }
  if (std::abs(rounded) <= MaxFinite(f)) return rounded;
  if (saturate) return std::copysign(MaxFinite(f), x);
  return f.has_infinity ? std::copysign(std::numeric_limits<double>::infinity(), x) : std::nan("");
}

// Equal numbers, zeros by their sign too, or both NaN.
inline bool SameValue(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

inline float FloatFromBits(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

// A cheap sequence of 64-bit numbers (Knuth's MMIX generator, its upper bits).
class Sequence {
 public:
  explicit Sequence(uint64_t seed) : state_(seed * 2862933555777941757u + 3037000493u) {}
  uint32_t Bits() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(state_ >> 32);
  }
  // In [-1, 1).
  float Uniform() { return static_cast<float>(static_cast<int32_t>(Bits())) * 0x1p-31f; }

 private:
  uint64_t state_;
};

}  // namespace kernels

#endif  // KERNELS_TESTING_FORMATS_H_
