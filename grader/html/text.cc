#include "grader/html/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <span>

namespace workbench::html {
namespace {

constexpr std::string_view kReplacement = "\ufffd";

// The number of bytes of the well-formed UTF-8 sequence at the begin of `text`, and its code point; 0 if there is none.
size_t Decode(std::string_view text, uint32_t* code) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const size_t length = first < 0x80   ? 1
                        : first < 0xc2 ? 0
                        : first < 0xe0 ? 2
                        : first < 0xf0 ? 3
                        : first < 0xf5 ? 4
                                       : 0;
  if (length == 0 || length > text.size()) return 0;
  *code = length == 1 ? first : first & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    *code = *code << 6 | (byte(i) & 0x3fu);
  }
  const bool overlong = (length == 3 && *code < 0x800) || (length == 4 && *code < 0x10000);
  const bool surrogate = *code >= 0xd800 && *code < 0xe000;
  return overlong || surrogate || *code > 0x10ffff ? 0 : length;
}

bool TurnsDirection(uint32_t code) {
  return code == 0x61c || code == 0x200e || code == 0x200f || (code >= 0x202a && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069);
}

void AppendPicture(uint32_t control, std::string* out) {
  const uint32_t picture = control == 0x7f ? 0x2421 : 0x2400 + control;
  *out += static_cast<char>(0xe2);
  *out += static_cast<char>(0x80 | (picture >> 6 & 0x3f));
  *out += static_cast<char>(0x80 | (picture & 0x3f));
}

// Four digits in the largest unit that keeps the number at 1 or more.
std::string Scaled(double value, double base, std::span<const char* const> units) {
  size_t unit = 0;
  for (; unit + 1 < units.size() && std::fabs(value) >= base * (1 - 1e-9); ++unit) value /= base;
  char text[48];
  std::snprintf(text, sizeof text, "%.4g%s%s", value, *units[unit] == '\0' ? "" : " ", units[unit]);
  return text;
}

}  // namespace

std::string Escape(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    uint32_t code = 0;
    const size_t length = Decode(text, &code);
    if (length == 0) {
      out += kReplacement;
      text.remove_prefix(1);
      continue;
    }
    if (code == '&') {
      out += "&amp;";
    } else if (code == '<') {
      out += "&lt;";
    } else if (code == '>') {
      out += "&gt;";
    } else if (code == '"') {
      out += "&quot;";
    } else if (code == '\'') {
      out += "&#39;";
    } else if ((code < 0x20 && code != '\n' && code != '\t') || code == 0x7f) {
      AppendPicture(code, &out);
    } else if (code >= 0x80 && code < 0xa0) {
      out += kReplacement;
    } else if (TurnsDirection(code)) {
      char name[24];
      std::snprintf(name, sizeof name, "\u27e8U+%04X\u27e9", code);
      out += name;
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out;
}

std::string Base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) out += k <= count ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

Unit UnitNamed(std::string_view name) {
  if (name == "seconds") return Unit::kSeconds;
  if (name == "bytes") return Unit::kBytes;
  if (name == "bytes/s") return Unit::kBytesPerSecond;
  if (name == "flops/s") return Unit::kFlopsPerSecond;
  return Unit::kPlain;
}

std::string Format(Unit unit, double value) {
  if (!std::isfinite(value)) return "not measured";
  if (value == 0) return "0";  // of any unit; and never "-0"
  constexpr std::array kBinary = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  constexpr std::array kRates = {"B/s", "kB/s", "MB/s", "GB/s", "TB/s", "PB/s"};
  constexpr std::array kFlops = {"FLOP/s", "kFLOP/s", "MFLOP/s", "GFLOP/s", "TFLOP/s", "PFLOP/s"};
  constexpr std::array kTimes = {"ns", "\u00b5s", "ms"};
  constexpr std::array kPlain = {""};
  switch (unit) {
    case Unit::kSeconds:
      return std::fabs(value) < 1 ? Scaled(value * 1e9, 1000, kTimes) : Scaled(value, 1e300, std::array{"s"});
    case Unit::kBytes:
      return Scaled(value, 1024, kBinary);
    case Unit::kBytesPerSecond:
      return Scaled(value, 1000, kRates);
    case Unit::kFlopsPerSecond:
      return Scaled(value, 1000, kFlops);
    case Unit::kPlain:
      break;
  }
  return Scaled(value, 1e300, kPlain);
}

}  // namespace workbench::html
