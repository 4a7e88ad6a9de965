// The narrow formats by their definition, slowly: a table of all values, and rounding by looking between which two a
// number lies.
#ifndef HARNESS_HOST_FORMATS_ORACLE_H_
#define HARNESS_HOST_FORMATS_ORACLE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace workbench::host {

enum class Mode { kNearest, kZero, kUp, kDown };

class Oracle {
 public:
  // `codes` is the number of codes that are finite and not negative; they count up with their values.
  Oracle(int exponent_bits, int mantissa_bits, int codes)
      : bias_((1 << (exponent_bits - 1)) - 1), mantissa_bits_(mantissa_bits) {
    for (int code = 0; code <= codes; ++code) values_.push_back(Value(code));
  }

  static Oracle Half() { return {5, 10, 31 << 10}; }
  static Oracle Bfloat16() { return {8, 7, 255 << 7}; }
  static Oracle E5m2() { return {5, 2, 31 << 2}; }
  // All but the last code are numbers.
  static Oracle E4m3() { return {4, 3, 127}; }

  int codes() const { return static_cast<int>(values_.size()) - 1; }
  // Of a code of a finite value; or of the first that is not, the value that it would have.
  double value(int code) const { return values_[code]; }

  // The code of x's magnitude rounded, codes() standing for too large; x is finite and carries the sign that rounding
  // up and down go by.
  int Round(double x, Mode mode) const {
    const double magnitude = std::fabs(x);
    if (magnitude >= values_.back()) return Past(std::signbit(x), mode);
    const auto above = std::upper_bound(values_.begin(), values_.end(), magnitude);
    const int low = static_cast<int>(above - values_.begin()) - 1;
    if (values_[low] == magnitude) return low;
    int code = low;
    switch (mode) {
      case Mode::kZero:
        break;
      case Mode::kUp:
        code += std::signbit(x) ? 0 : 1;
        break;
      case Mode::kDown:
        code += std::signbit(x) ? 1 : 0;
        break;
      case Mode::kNearest: {
        // Both distances are exact: the two values have few digits, and magnitude lies between them.
        const double below = magnitude - values_[low];
        const double over = values_[low + 1] - magnitude;
        code += over < below || (over == below && low % 2 == 1) ? 1 : 0;
      }
    }
    return code;
  }

 private:
  double Value(int code) const {
    const int exponent = code >> mantissa_bits_;
    const int mantissa = code & ((1 << mantissa_bits_) - 1);
    if (exponent == 0) return std::ldexp(mantissa, 1 - bias_ - mantissa_bits_);
    return std::ldexp((1 << mantissa_bits_) + mantissa, exponent - bias_ - mantissa_bits_);
  }
  int Past(bool negative, Mode mode) const {
    const bool stays = mode == Mode::kZero || mode == (negative ? Mode::kUp : Mode::kDown);
    return stays ? codes() - 1 : codes();
  }

  int bias_;
  int mantissa_bits_;
  std::vector<double> values_;
};

// Around every boundary of rounding: each value of the format, each midpoint of two neighbours, and the floats next to
// them, of both signs; and the ends of float.
inline std::vector<float> BoundaryFloats(const Oracle& oracle) {
  std::vector<float> floats;
  const auto add = [&floats](double x) {
    const auto f = static_cast<float>(x);
    for (const float y : {std::nextafterf(f, -INFINITY), f, std::nextafterf(f, INFINITY)}) {
      floats.push_back(y);
      floats.push_back(-y);
    }
  };
  for (int code = 0; code < oracle.codes(); ++code) {
    add(oracle.value(code));
    add((oracle.value(code) + oracle.value(code + 1)) / 2);
  }
  for (const double x : {oracle.value(oracle.codes()), 2 * oracle.value(oracle.codes()), 0x1p127, 0x1.fffffep127,
                         0x1p-126, 0x1p-149, 0x1p-133, 0x1p-134}) {
    add(x);
  }
  std::erase_if(floats, [](float f) { return !std::isfinite(f); });
  return floats;
}

}  // namespace workbench::host

#endif  // HARNESS_HOST_FORMATS_ORACLE_H_
