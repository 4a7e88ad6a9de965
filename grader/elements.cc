#include "grader/elements.h"

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <vector>

namespace workbench {
namespace {

constexpr ElementTraits kTraits[] = {
    {"fp32", 4, 0x1p-24, 0x1p-149},
    {"fp16", 2, 0x1p-11, 0x1p-24},
    {"bf16", 2, 0x1p-8, 0x1p-133},
    {"int32", 4, 0, 0},
};

struct Format {
  int exponent_bits;
  int fraction_bits;
};

Format FormatOf(ElementType type) {
  switch (type) {
    case ElementType::kFloat16:
      return {5, 10};
    case ElementType::kBFloat16:
      return {8, 7};
    default:
      return {8, 23};
  }
}

uint32_t BitsAt(ElementType type, const void* data, size_t index) {
  const size_t bytes = TraitsOf(type).bytes;
  uint32_t bits = 0;
  std::memcpy(&bits, static_cast<const char*>(data) + index * bytes, bytes);  // little-endian
  return bits;
}

}  // namespace

const ElementTraits& TraitsOf(ElementType type) { return kTraits[static_cast<int>(type)]; }

namespace {

// The value of a 16-bit pattern, from the definition of its format.
double Decode(const Format& format, uint32_t bits) {
  const int bias = (1 << (format.exponent_bits - 1)) - 1;
  const int top = (1 << format.exponent_bits) - 1;
  const int exponent = static_cast<int>(bits >> format.fraction_bits) & top;
  const double fraction = static_cast<double>(bits & ((1u << format.fraction_bits) - 1));
  const bool negative = (bits >> (format.exponent_bits + format.fraction_bits)) & 1;
  double magnitude;
  if (exponent == top) {
    magnitude = fraction != 0 ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
  } else if (exponent == 0) {
    magnitude = std::ldexp(fraction, 1 - bias - format.fraction_bits);
  } else {
    magnitude = std::ldexp(std::ldexp(1.0, format.fraction_bits) + fraction, exponent - bias - format.fraction_bits);
  }
  return negative ? -magnitude : magnitude;
}

std::vector<double> DecodeAll(ElementType type) {
  std::vector<double> values(65536);
  for (uint32_t bits = 0; bits < values.size(); ++bits) values[bits] = Decode(FormatOf(type), bits);
  return values;
}

}  // namespace

double ElementAt(ElementType type, const void* data, size_t index) {
  static const std::vector<double> halves = DecodeAll(ElementType::kFloat16);
  static const std::vector<double> bfloats = DecodeAll(ElementType::kBFloat16);
  const uint32_t bits = BitsAt(type, data, index);
  switch (type) {
    case ElementType::kFloat16:
      return halves[bits];
    case ElementType::kBFloat16:
      return bfloats[bits];
    case ElementType::kInt32:
      return static_cast<int32_t>(bits);
    default:
      return std::bit_cast<float>(bits);  // exact
  }
}

void StoreSmallInteger(ElementType type, void* data, size_t index, int value) {
  uint32_t bits = 0;
  if (type == ElementType::kInt32) {
    bits = static_cast<uint32_t>(value);
  } else if (value != 0) {
    const Format format = FormatOf(type);
    const uint32_t magnitude = static_cast<uint32_t>(value < 0 ? -value : value);
    int exponent = 0;
    while ((magnitude >> (exponent + 1)) != 0) ++exponent;
    const uint32_t bias = (1u << (format.exponent_bits - 1)) - 1;
    const uint32_t fraction = (magnitude - (1u << exponent)) << (format.fraction_bits - exponent);
    bits = ((bias + static_cast<uint32_t>(exponent)) << format.fraction_bits) | fraction;
    if (value < 0) bits |= 1u << (format.exponent_bits + format.fraction_bits);
  }
  const size_t bytes = TraitsOf(type).bytes;
  std::memcpy(static_cast<char*>(data) + index * bytes, &bits, bytes);
}

std::string DescribeValue(ElementType type, double value) {
  if (std::isnan(value)) return "NaN";  // printf would show a sign that means nothing
  char text[64];
  const char* format = type == ElementType::kInt32 ? "%.0f" : type == ElementType::kFloat32 ? "%.9g" : "%.6g";
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string DescribeElement(ElementType type, const void* data, size_t index) {
  char text[32];
  std::snprintf(text, sizeof text, " (0x%0*x)", static_cast<int>(2 * TraitsOf(type).bytes), BitsAt(type, data, index));
  return DescribeValue(type, ElementAt(type, data, index)) + text;
}

}  // namespace workbench
