#include "harness/quiz/item.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "harness/quiz/expression.h"

namespace workbench::quiz {
namespace {

// For texts and arithmetic alike: 7e9, 1500, 0.35.
std::string Plain(double value) {
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%.12g", value);
  if (std::fabs(value) >= 1e6) {
    double mantissa = value;
    int exponent = 0;
    while (std::fabs(mantissa) >= 10) {
      mantissa /= 10;
      ++exponent;
    }
    char short_form[40];
    std::snprintf(short_form, sizeof short_form, "%.6ge%d", mantissa, exponent);
    if (std::strtod(short_form, nullptr) == value) return short_form;
  }
  return buffer;
}

std::string Filled(std::string text, const std::map<std::string, double>& given) {
  for (size_t open = text.find('{'); open != std::string::npos; open = text.find('{', open + 1)) {
    const size_t close = text.find('}', open);
    if (close == std::string::npos) break;
    const auto found = given.find(text.substr(open + 1, close - open - 1));
    if (found == given.end()) continue;
    text.replace(open, close - open + 1, Plain(found->second));
  }
  return text;
}

void Fill(Item* item) {
  const auto& given = item->given;
  item->prompt = Filled(std::move(item->prompt), given);
  item->working = Filled(std::move(item->working), given);
  item->source = Filled(std::move(item->source), given);
  for (std::string& choice : item->choices) choice = Filled(std::move(choice), given);
  item->right = Filled(std::move(item->right), given);
  for (Mistake& mistake : item->mistakes) {
    mistake.value = Filled(std::move(mistake.value), given);
    mistake.says = Filled(std::move(mistake.says), given);
  }
  for (std::string& step : item->steps) step = Filled(std::move(step), given);
}

// Shares below 1 % are not asked for: "0.5" would have two readings.
bool Distinct(const Item& item) {
  if (item.kind != Kind::kNumeric) return true;
  if (item.dimension == Dimension::kFraction && (item.answer < 0.015 || item.answer > 1)) return false;
  return std::all_of(item.mistakes.begin(), item.mistakes.end(), [&](const Mistake& mistake) {
    const auto value = Evaluate(mistake.value);
    return value.ok() && std::fabs(*value - item.answer) > 2 * item.tolerance * std::fabs(item.answer);
  });
}

}  // namespace

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kNumeric:
      return "number";
    case Kind::kExpression:
      return "formula";
    case Kind::kChoice:
      return "choice";
    case Kind::kTrueFalse:
      return "true or false";
  }
  return "";
}

uint64_t MixSeeds(uint64_t a, uint64_t b) {
  uint64_t z = a + 0x9e3779b97f4a7c15 * (b + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

uint64_t Draw::Next() { return MixSeeds(state_++, 0); }

size_t Draw::Index(size_t count) { return static_cast<size_t>(Next() % count); }

double Draw::Pick(const std::string& name, const std::vector<double>& values) {
  return given_[name] = values[Index(values.size())];
}

double Draw::Whole(const std::string& name, int low, int high) {
  return given_[name] = low + static_cast<double>(Index(static_cast<size_t>(high - low + 1)));
}

Item MakeItem(const Template& from, uint64_t seed) {
  uint64_t base = seed;
  for (const char c : from.id) base = MixSeeds(base, static_cast<unsigned char>(c));
  for (int attempt = 0; attempt < kMaxDraws; ++attempt) {
    Draw draw(MixSeeds(base, static_cast<uint64_t>(attempt)));
    Item item = from.make(draw);
    item.kind = from.kind;
    item.given = draw.given();
    Fill(&item);
    if (!Distinct(item)) continue;
    for (size_t i = item.choices.size(); i > 1; --i) std::swap(item.choices[i - 1], item.choices[draw.Index(i)]);
    return item;
  }
  std::fprintf(stderr, "quiz: template %s has no parameters that tell its mistakes apart; this is a bug\n",
               std::string(from.id).c_str());
  std::abort();
}

}  // namespace workbench::quiz
