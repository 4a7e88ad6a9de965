#include "questions/q05_mixed_precision/oracle_formats.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

namespace q05 {
namespace {

constexpr FormatTraits kTraits[] = {
    {"fp32", 8, 23, 127, 0x7f7fffff, true}, {"fp16", 5, 10, 15, 0x7bff, true}, {"bf16", 8, 7, 127, 0x7f7f, true},
    {"e4m3", 4, 3, 7, 0x7e, false},         {"e5m2", 5, 2, 15, 0x7b, true},
};

}  // namespace

double FormatTraits::roundoff() const { return std::ldexp(1.0, -fraction_bits - 1); }
double FormatTraits::min_normal() const { return std::ldexp(1.0, 1 - bias); }
double FormatTraits::min_subnormal() const { return std::ldexp(1.0, 1 - bias - fraction_bits); }
double FormatTraits::max_finite() const {
  const int exponent = static_cast<int>(largest >> fraction_bits);
  const double fraction = static_cast<double>(largest & ((1u << fraction_bits) - 1));
  return std::ldexp(std::ldexp(1.0, fraction_bits) + fraction, exponent - bias - fraction_bits);
}

const FormatTraits& TraitsOf(Format format) { return kTraits[static_cast<int>(format)]; }

bool IsNan(Format format, uint32_t code) {
  const FormatTraits& traits = TraitsOf(format);
  return (code & (traits.sign() - 1)) > traits.largest + (traits.has_infinity ? 1 : 0);
}

double Decode(Format format, uint32_t code) {
  const FormatTraits& traits = TraitsOf(format);
  if (IsNan(format, code)) return std::numeric_limits<double>::quiet_NaN();
  const uint32_t magnitude_code = code & (traits.sign() - 1);
  double magnitude;
  if (magnitude_code > traits.largest) {
    magnitude = std::numeric_limits<double>::infinity();
  } else {
    const int exponent = static_cast<int>(magnitude_code >> traits.fraction_bits);
    const double fraction = static_cast<double>(magnitude_code & ((1u << traits.fraction_bits) - 1));
    const double hidden = exponent == 0 ? 0 : std::ldexp(1.0, traits.fraction_bits);
    magnitude = std::ldexp(hidden + fraction, std::max(exponent, 1) - traits.bias - traits.fraction_bits);
  }
  return (code & traits.sign()) != 0 ? -magnitude : magnitude;
}

uint32_t EncodeNearest(Format format, double value, bool saturate) {
  const FormatTraits& traits = TraitsOf(format);
  const uint32_t sign = std::signbit(value) ? traits.sign() : 0;
  const uint32_t too_large = saturate ? traits.largest : traits.largest + 1;
  if (std::isnan(value)) return traits.sign() - 1;
  if (std::isinf(value)) return sign | too_large;
  if (value == 0) return sign;
  int exponent = 0;
  std::frexp(value, &exponent);  // |value| in [2^(exponent - 1), 2^exponent)
  // The spacing there is that of the exponent field `field`; below the normal numbers it no longer shrinks.
  const int field = std::max(exponent - 1 + traits.bias, 1);
  const double spacings = std::nearbyint(std::ldexp(std::fabs(value), traits.fraction_bits + traits.bias - field));
  // `spacings` counts the hidden bit: one more in the exponent field. It may have been rounded up into the next one.
  const double code = std::ldexp(field - 1, traits.fraction_bits) + spacings;
  return sign | (code > traits.largest ? too_large : static_cast<uint32_t>(code));
}

double RoundTo(Format format, double value) { return Decode(format, EncodeNearest(format, value)); }

uint32_t CodeAt(Format format, const void* data, size_t index) {
  const size_t bytes = ElementBytes(format);
  uint32_t code = 0;
  std::memcpy(&code, static_cast<const char*>(data) + index * bytes, bytes);  // little-endian
  return code;
}

void StoreCode(Format format, void* data, size_t index, uint32_t code) {
  const size_t bytes = ElementBytes(format);
  std::memcpy(static_cast<char*>(data) + index * bytes, &code, bytes);
}

double ValueAt(Format format, const void* data, size_t index) { return Decode(format, CodeAt(format, data, index)); }

std::string DescribeCode(Format format, uint32_t code) {
  const double value = Decode(format, code);
  char text[64];
  if (std::isnan(value)) {
    std::snprintf(text, sizeof text, "NaN (0x%0*x)", static_cast<int>(2 * ElementBytes(format)), code);
  } else {
    std::snprintf(text, sizeof text, "%.9g (0x%0*x)", value, static_cast<int>(2 * ElementBytes(format)), code);
  }
  return text;
}

}  // namespace q05
