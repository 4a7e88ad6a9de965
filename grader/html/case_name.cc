#include "grader/html/case_name.h"

#include <cmath>
#include <cstdlib>
#include <sstream>
#include <vector>

namespace workbench::html {
namespace {

// "64MiB" in bytes; 0 for anything else.
double SizeOf(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (end == text.c_str()) return 0;
  const std::string unit = end;
  const char* const kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  for (int i = 0; i < 5; ++i) {
    if (unit == kUnits[i]) return value * std::pow(1024, i);
  }
  return 0;
}

}  // namespace

CaseName ParseCaseName(const std::string& name, bool with_who) {
  CaseName parsed;
  std::vector<std::string> rest;
  std::istringstream stream(name);
  for (std::string piece; std::getline(stream, piece, '/');) {
    if (const double bytes = SizeOf(piece); bytes > 0) {
      parsed.bytes = bytes;
    } else if (piece.rfind("ranks:", 0) == 0) {
      parsed.ranks = std::atof(piece.c_str() + 6);
    } else if (piece.rfind("iterations:", 0) == 0 || piece.rfind("repeats:", 0) == 0 || piece == "manual_time" ||
               piece == "real_time") {
      continue;
    } else {
      rest.push_back(piece);
    }
  }
  if (with_who && rest.size() > 1) {
    parsed.who = rest.back();
    rest.pop_back();
  }
  for (size_t i = 0; i < rest.size(); ++i) {
    if (i == 0) {
      parsed.part = rest[i];
    } else {
      parsed.variant += (parsed.variant.empty() ? "" : "/") + rest[i];
    }
  }
  return parsed;
}

}  // namespace workbench::html
