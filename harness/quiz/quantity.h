// Amounts with units as people type them: 12 GiB, 1.5G, 45%, 2h30m, 400 Gbit/s.
#ifndef HARNESS_QUIZ_QUANTITY_H_
#define HARNESS_QUIZ_QUANTITY_H_

#include <optional>
#include <string>
#include <string_view>

#include "harness/status.h"

namespace workbench::quiz {

// Values are kept in the base unit beside each.
enum class Dimension {
  kNumber,          // 1
  kFraction,        // 1; 45 % is 0.45
  kBytes,           // byte
  kSeconds,         // second
  kBytesPerSecond,  // byte a second
  kFlop,            // operation
  kFlopPerSecond,   // operation a second
  kPerSecond,       // 1 a second
};

// How many base units one `unit` is; nothing when it is no unit of that dimension. Prefixes are decimal (k M G T P) or
// binary (Ki Mi Gi Ti Pi). "Gbit" and "Gb" are bits. Of numbers, K M B T are thousand to trillion, and any `noun`
// counts as one, so 7B parameters is 7e9; of rates, the noun comes before "/s". "" is one base unit.
std::optional<double> UnitFactor(Dimension dimension, std::string_view unit, std::string_view noun = "");

struct Quantity {
  double value = 0;        // in base units
  std::string understood;  // for people: "12 GiB = 1.28849e10 bytes"
};

// Reads an amount where the question asked for `unit`. What is read is arithmetic (2*7e9) and then a unit; times may
// have several parts (2h30m). A bare number is in the unit asked for, except that
// - it is in base units where it is 1e6 or more and the unit asked for is too,
// - a fraction above 1 is percent, and up to 1 a fraction (0.45 is 45 %).
// An error says what was not understood and how it could be written.
Result<Quantity> ParseQuantity(std::string_view text, Dimension dimension, std::string_view unit);

// "1.288e10", "65,504", "0.4375": up to six digits, with more for whole numbers below 1e9.
std::string FormatNumber(double value);

// A value of base units in `unit`: "12 GiB", "43.75 %", "14 steps".
std::string FormatQuantity(double value, Dimension dimension, std::string_view unit);

}  // namespace workbench::quiz

#endif  // HARNESS_QUIZ_QUANTITY_H_
