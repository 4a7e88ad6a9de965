#include "harness/traces/trace_fields.h"

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace workbench {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// A number without an exponent: its whole part, and its decimals as they are written.
struct Decimal {
  int64_t whole = 0;
  std::string_view decimals;
};

Result<Decimal> ParseDecimal(std::string_view text, int64_t max) {
  text = TrimSpaces(text);
  if (text.empty()) return Error("there is no number");
  const bool negative = text[0] == '-';
  std::string_view rest = text;
  if (negative || text[0] == '+') rest.remove_prefix(1);
  Decimal decimal;
  size_t at = 0;
  bool too_large = false;
  for (; at < rest.size() && IsDigit(rest[at]); ++at) {
    // max is far from the limit of the type.
    if (decimal.whole <= max) decimal.whole = decimal.whole * 10 + (rest[at] - '0');
    too_large = too_large || decimal.whole > max;
  }
  bool is_number = at > 0;
  if (at < rest.size() && rest[at] == '.') {
    decimal.decimals = rest.substr(at + 1);
    is_number = is_number && std::all_of(decimal.decimals.begin(), decimal.decimals.end(), IsDigit);
    at = rest.size();
  }
  if (!is_number || at != rest.size()) return Error(ShownText(text) + " is not a number");
  const bool zero = decimal.whole == 0 && decimal.decimals.find_first_not_of('0') == std::string_view::npos;
  if (negative && !zero) return Error(ShownText(text) + " is negative");
  if (too_large) return Error(ShownText(text) + " is too large: the most is " + std::to_string(max));
  return decimal;
}

}  // namespace

std::string ShownText(std::string_view text) {
  constexpr size_t kMost = 40;
  std::string shown = "'";
  for (const char c : text.substr(0, kMost)) shown += c >= ' ' && c <= '~' ? c : '?';
  if (text.size() > kMost) shown += "...";
  return shown + "'";
}

std::string_view TrimSpaces(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool IsUnknownText(std::string_view text) {
  constexpr std::string_view kWords[] = {"", "None", "null", "nan", "NaN", "NA", "Unknown"};
  return std::find(std::begin(kWords), std::end(kWords), TrimSpaces(text)) != std::end(kWords);
}

Result<int64_t> ParseAmount(std::string_view text, int64_t max) {
  Result<Decimal> decimal = ParseDecimal(text, max);
  if (!decimal.ok()) return decimal.status();
  if (decimal->decimals.find_first_not_of('0') != std::string_view::npos) {
    return Error(ShownText(TrimSpaces(text)) + " is not a whole number");
  }
  return decimal->whole;
}

Result<int64_t> ParseSeconds(std::string_view text) {
  Result<Decimal> decimal = ParseDecimal(text, kMaxTraceMs / 1000 - 1);
  if (!decimal.ok()) return decimal.status();
  int64_t ms = decimal->whole * 1000, unit = 100;
  for (const char digit : decimal->decimals.substr(0, 3)) {
    ms += (digit - '0') * unit;
    unit /= 10;
  }
  return ms;
}

Result<int64_t> ParseDate(std::string_view text) {
  text = TrimSpaces(text);
  constexpr std::string_view kPattern = "0000-00-00 00:00:00";
  bool fits = text.size() == kPattern.size();
  for (size_t i = 0; fits && i < text.size(); ++i) {
    fits = kPattern[i] == '0' ? IsDigit(text[i]) : text[i] == kPattern[i] || (i == 10 && text[i] == 'T');
  }
  if (!fits) return Error(ShownText(text) + " is not a date: YYYY-MM-DD HH:MM:SS");
  const auto number = [&](size_t at, size_t digits) {
    int value = 0;
    for (size_t i = at; i < at + digits; ++i) value = value * 10 + (text[i] - '0');
    return value;
  };
  const std::chrono::year_month_day day{std::chrono::year(number(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(8, 2)))};
  const int hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
  if (!day.ok() || hour > 23 || minute > 59 || second > 59)
    return Error(ShownText(text) + " is a date that does not exist");
  const int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
  const int64_t ms = (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000;
  if (ms < 0) return Error(ShownText(text) + " is before 1970");
  return ms;
}

}  // namespace workbench
