// Number formats as the judge sees them: codes and the doubles that they stand for, from the definitions of IEEE 754
// and of OCP's 8-bit formats. Shares no code with what is judged.
#ifndef QUESTIONS_Q05_MIXED_PRECISION_ORACLE_FORMATS_H_
#define QUESTIONS_Q05_MIXED_PRECISION_ORACLE_FORMATS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "questions/q05_mixed_precision/api.h"

namespace q05 {

struct FormatTraits {
  const char* name;
  int exponent_bits;
  int fraction_bits;
  int bias;
  uint32_t largest;   // code of the largest finite value
  bool has_infinity;  // at largest + 1; otherwise that is NaN

  uint32_t sign() const { return 1u << (exponent_bits + fraction_bits); }
  uint32_t codes() const { return sign() << 1; }
  double roundoff() const;  // half the spacing at 1: what rounding to nearest may change, relative
  double min_normal() const;
  double min_subnormal() const;
  double max_finite() const;
};
const FormatTraits& TraitsOf(Format format);

// NaN for a NaN. REQUIRES: code < codes()
double Decode(Format format, uint32_t code);
bool IsNan(Format format, uint32_t code);

// The code of the nearest value, ties to the even code; `saturate` as Overflow::kSaturate. A NaN becomes one of the
// format's NaNs.
uint32_t EncodeNearest(Format format, double value, bool saturate = false);
// Rounded to a value of the format.
double RoundTo(Format format, double value);

// Bits in memory.
uint32_t CodeAt(Format format, const void* data, size_t index);
void StoreCode(Format format, void* data, size_t index, uint32_t code);
double ValueAt(Format format, const void* data, size_t index);

// "1.5 (0x3e00)".
std::string DescribeCode(Format format, uint32_t code);

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_ORACLE_FORMATS_H_
