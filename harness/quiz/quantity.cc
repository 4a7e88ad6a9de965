#include "harness/quiz/quantity.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

#include "harness/quiz/expression.h"

namespace workbench::quiz {
namespace {

using Table = std::vector<std::pair<std::string_view, double>>;

std::string_view Trim(std::string_view text) {
  const auto space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

std::optional<double> Find(const Table& table, std::string_view word) {
  for (const auto& [name, factor] : table) {
    if (name == word) return factor;
  }
  return std::nullopt;
}

// 1 for "", 1e9 for "G", 2^30 for "Gi".
std::optional<double> PrefixFactor(std::string_view prefix) {
  static const Table table = {{"", 1},        {"k", 1e3},     {"K", 1e3},     {"M", 1e6},     {"G", 1e9},
                              {"T", 1e12},    {"P", 1e15},    {"E", 1e18},    {"Ki", 0x1p10}, {"ki", 0x1p10},
                              {"Mi", 0x1p20}, {"Gi", 0x1p30}, {"Ti", 0x1p40}, {"Pi", 0x1p50}};
  return Find(table, prefix);
}

// A prefix and one of the bases; a base of "" makes the bare prefix a unit.
std::optional<double> Prefixed(std::string_view unit, const Table& bases) {
  for (const auto& [base, factor] : bases) {
    if (unit.size() < base.size() || unit.substr(unit.size() - base.size()) != base) continue;
    if (const auto prefix = PrefixFactor(Trim(unit.substr(0, unit.size() - base.size())))) return *prefix * factor;
  }
  return std::nullopt;
}

std::optional<double> BytesFactor(std::string_view unit) {
  static const Table bases = {{"bytes", 1},    {"byte", 1},    {"Bytes", 1}, {"B", 1},
                              {"bits", 0.125}, {"bit", 0.125}, {"b", 0.125}, {"", 1}};
  if (const auto factor = Prefixed(unit, bases)) return factor;
  static const Table lower = {{"kb", 1e3},     {"mb", 1e6},     {"gb", 1e9},     {"tb", 1e12},
                              {"kib", 0x1p10}, {"mib", 0x1p20}, {"gib", 0x1p30}, {"tib", 0x1p40}};
  // "gb" and "GIB" say bytes; "Gb", with one capital, says bits and was found above.
  return Find(lower, Lower(unit));
}

std::optional<double> SecondsFactor(std::string_view unit) {
  static const Table table = {{"", 1},
                              {"s", 1},
                              {"sec", 1},
                              {"secs", 1},
                              {"second", 1},
                              {"seconds", 1},
                              {"ms", 1e-3},
                              {"us", 1e-6},
                              {"\u00b5s", 1e-6},
                              {"\u03bcs", 1e-6},
                              {"ns", 1e-9},
                              {"m", 60},
                              {"min", 60},
                              {"mins", 60},
                              {"minute", 60},
                              {"minutes", 60},
                              {"h", 3600},
                              {"hr", 3600},
                              {"hour", 3600},
                              {"hours", 3600},
                              {"d", 86400},
                              {"day", 86400},
                              {"days", 86400},
                              {"week", 604800},
                              {"weeks", 604800},
                              {"milliseconds", 1e-3},
                              {"microseconds", 1e-6},
                              {"nanoseconds", 1e-9}};
  return Find(table, Lower(unit));
}

std::optional<double> NumberFactor(std::string_view unit, std::string_view noun) {
  static const Table table = {{"", 1},           {"k", 1e3},       {"K", 1e3},       {"M", 1e6},
                              {"G", 1e9},        {"B", 1e9},       {"bn", 1e9},      {"T", 1e12},
                              {"thousand", 1e3}, {"million", 1e6}, {"billion", 1e9}, {"trillion", 1e12}};
  const std::string lower = Lower(unit);
  std::string word = Lower(noun);
  for (int plural = 0; plural < 2 && !word.empty(); ++plural) {
    if (lower.size() >= word.size() && lower.compare(lower.size() - word.size(), word.size(), word) == 0) {
      if (const auto factor = Find(table, Trim(unit.substr(0, unit.size() - word.size())))) return factor;
    }
    if (word.back() != 's') break;
    word.pop_back();
  }
  return Find(table, unit);
}

// The unit without "/s" and the like; nothing when it has none.
std::optional<std::string_view> WithoutPerSecond(std::string_view unit) {
  for (const std::string_view suffix : {"per second", "/second", "/sec", "/ s", "/s", "ps"}) {
    if (unit.size() >= suffix.size() && unit.substr(unit.size() - suffix.size()) == suffix) {
      return Trim(unit.substr(0, unit.size() - suffix.size()));
    }
  }
  return std::nullopt;
}

std::optional<double> FlopFactor(std::string_view unit) {
  static const Table bases = {{"FLOPs", 1}, {"FLOP", 1}, {"flops", 1}, {"flop", 1}, {"Flops", 1}, {"Flop", 1}, {"", 1}};
  return Prefixed(unit, bases);
}

std::string_view BaseName(Dimension dimension) {
  switch (dimension) {
    case Dimension::kNumber:
    case Dimension::kFraction:
      return "";
    case Dimension::kBytes:
      return " bytes";
    case Dimension::kSeconds:
      return " s";
    case Dimension::kBytesPerSecond:
      return " bytes/s";
    case Dimension::kFlop:
      return " FLOP";
    case Dimension::kFlopPerSecond:
      return " FLOP/s";
    case Dimension::kPerSecond:
      return " /s";
  }
  return "";
}

std::string_view Examples(Dimension dimension) {
  switch (dimension) {
    case Dimension::kNumber:
      return "12, 1,000, 1.5e9 or 7B";
    case Dimension::kFraction:
      return "45%, 0.45 or 5/11";
    case Dimension::kBytes:
      return "12 GiB, 1.5G, 1.5e9 bytes or 2*7e9";
    case Dimension::kSeconds:
      return "120 us, 3.5 ms, 40 s or 2h30m";
    case Dimension::kBytesPerSecond:
      return "12 GB/s or 100 Gbit/s";
    case Dimension::kFlop:
      return "1.5e21 or 30 TFLOP";
    case Dimension::kFlopPerSecond:
      return "400 TFLOP/s";
    case Dimension::kPerSecond:
      return "1,500 or 2.5k/s";
  }
  return "";
}

Status NotUnderstood(std::string_view what, Dimension dimension, const std::string& why) {
  std::string shown(what.substr(0, 40));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = '?';
  }
  return Error("'" + shown + "' is not understood: " + why + ". Write it like " + std::string(Examples(dimension)));
}

std::string Describe(double amount, std::string_view unit, double value, Dimension dimension) {
  std::string text = FormatNumber(amount);
  if (!unit.empty()) text += (unit == "%" ? "" : " ") + std::string(unit);
  const std::string base = FormatNumber(value) + std::string(BaseName(dimension));
  return text == base || (value == amount && dimension != Dimension::kBytes) ? text : text + " = " + base;
}

// The end of a unit: where the next number of "2h30m" begins.
size_t UnitLength(std::string_view rest, Dimension dimension) {
  if (dimension != Dimension::kSeconds) return rest.size();
  const size_t digit = rest.find_first_of("0123456789.");
  return digit == std::string_view::npos ? rest.size() : digit;
}

}  // namespace

std::optional<double> UnitFactor(Dimension dimension, std::string_view unit, std::string_view noun) {
  unit = Trim(unit);
  switch (dimension) {
    case Dimension::kNumber:
      return NumberFactor(unit, noun);
    case Dimension::kFraction:
      if (unit == "%" || Lower(unit) == "percent") return 0.01;
      return unit.empty() ? std::optional<double>(1) : std::nullopt;
    case Dimension::kBytes:
      return BytesFactor(unit);
    case Dimension::kSeconds:
      return SecondsFactor(unit);
    case Dimension::kBytesPerSecond: {
      if (unit.empty()) return 1;
      const auto bytes = WithoutPerSecond(unit);
      return bytes ? BytesFactor(*bytes) : BytesFactor(unit);
    }
    case Dimension::kFlop:
      return FlopFactor(unit);
    case Dimension::kFlopPerSecond: {
      if (unit.empty()) return 1;
      const std::string_view rate = unit.substr(unit.size() - 1) == "S" ? unit.substr(0, unit.size() - 1) : unit;
      const auto flop = rate.size() < unit.size() ? std::optional(rate) : WithoutPerSecond(unit);
      return flop ? FlopFactor(*flop) : FlopFactor(unit);
    }
    case Dimension::kPerSecond: {
      if (unit.empty()) return 1;
      const auto noun_only = WithoutPerSecond(noun);
      const auto count = WithoutPerSecond(unit);
      return NumberFactor(count ? *count : unit, noun_only ? *noun_only : noun);
    }
  }
  return std::nullopt;
}

Result<Quantity> ParseQuantity(std::string_view text, Dimension dimension, std::string_view unit) {
  std::string_view rest = Trim(text);
  for (const std::string_view lead : {"about", "~", "\u2248", "="}) {
    if (rest.substr(0, lead.size()) == lead) rest = Trim(rest.substr(lead.size()));
  }
  if (rest.empty()) return NotUnderstood(rest, dimension, "it is empty");
  const double asked = UnitFactor(dimension, unit, unit).value_or(1);
  Quantity quantity;
  for (bool first = true; first || !rest.empty(); first = false) {
    auto number = EvaluatePrefix(rest);
    if (!number.ok()) return NotUnderstood(text, dimension, number.status().message());
    rest = Trim(rest.substr(number->length));
    const size_t length = UnitLength(rest, dimension);
    std::string_view word = Trim(rest.substr(0, length));
    rest = Trim(rest.substr(length));
    double factor = 0;
    if (word.empty()) {
      if (!first || !rest.empty()) return NotUnderstood(text, dimension, "a unit is missing");
      const bool base = dimension == Dimension::kFraction ? std::fabs(number->value) <= 1
                                                          : std::fabs(number->value) >= 1e6 && asked >= 1e6;
      factor = dimension == Dimension::kFraction ? (base ? 1 : 0.01) : (base ? 1 : asked);
      if (!base) word = dimension == Dimension::kFraction ? "%" : unit;
    } else if (const auto known = UnitFactor(dimension, word, unit)) {
      factor = *known;
    } else {
      return NotUnderstood(word, dimension, "it is no unit of what was asked for");
    }
    quantity.value += number->value * factor;
    const std::string part = Describe(number->value, word, number->value * factor, dimension);
    quantity.understood += first ? part : " + " + part;
  }
  if (!std::isfinite(quantity.value)) return NotUnderstood(text, dimension, "it is too large");
  return quantity;
}

std::string FormatNumber(double value) {
  char buffer[64];
  if (std::fabs(value) < 1e9 && value == std::floor(value)) {
    std::snprintf(buffer, sizeof buffer, "%.0f", std::fabs(value));
    std::string digits = buffer;
    for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
    return (value < 0 ? "-" : "") + digits;
  }
  std::snprintf(buffer, sizeof buffer, "%.6g", value);
  std::string text = buffer;
  if (const size_t plus = text.find("e+"); plus != std::string::npos) {
    text.erase(plus + 1, text[plus + 2] == '0' ? 2 : 1);
  } else if (const size_t minus = text.find("e-0"); minus != std::string::npos) {
    text.erase(minus + 2, 1);
  }
  return text;
}

std::string FormatQuantity(double value, Dimension dimension, std::string_view unit) {
  if (dimension == Dimension::kFraction) return FormatNumber(value * 100) + " %";
  std::string text = FormatNumber(value / UnitFactor(dimension, unit, unit).value_or(1));
  if (!unit.empty()) text += " " + std::string(unit);
  return text;
}

}  // namespace workbench::quiz
