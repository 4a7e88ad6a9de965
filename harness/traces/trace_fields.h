// What stands in a field of a trace: amounts, seconds, dates. Messages tell what is wrong with the text; where it
// stands is the caller's to add.
#ifndef HARNESS_TRACES_TRACE_FIELDS_H_
#define HARNESS_TRACES_TRACE_FIELDS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "harness/status.h"

namespace workbench {

// Sums of some millions of these stay within 64 bits.
inline constexpr int64_t kMaxTraceAmount = 1'000'000'000'000;  // milli-CPUs, MiB, steps
inline constexpr int64_t kMaxTraceMs = 1'000'000'000'000'000;  // 31,000 years
inline constexpr int64_t kMaxTraceGpus = 1'000'000;            // of one job or node

// 'text', fit to be shown: at most 40 bytes, what cannot be printed as '?'.
std::string ShownText(std::string_view text);

std::string_view TrimSpaces(std::string_view text);

// Text that says that a value is not known: "", None, null, nan, NaN, NA, Unknown.
bool IsUnknownText(std::string_view text);

// A whole number from 0 to `max`; "12.0" is one, as data frames write it.
Result<int64_t> ParseAmount(std::string_view text, int64_t max);

// Seconds, with or without decimals, as milliseconds (further digits are dropped).
Result<int64_t> ParseSeconds(std::string_view text);

// "2017-10-07 01:12:09" as milliseconds since 1970-01-01 00:00:00 of the same clock.
Result<int64_t> ParseDate(std::string_view text);

}  // namespace workbench

#endif  // HARNESS_TRACES_TRACE_FIELDS_H_
