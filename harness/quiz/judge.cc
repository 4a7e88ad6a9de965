#include "harness/quiz/judge.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>

#include "harness/quiz/expression.h"

namespace workbench::quiz {
namespace {

std::string Simplified(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) {
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  while (!out.empty() && (out.back() == '.' || out.back() == ')')) out.pop_back();
  return out;
}

Judgement Unreadable(std::string problem) { return {Mark::kUnreadable, "", "", std::move(problem)}; }

bool Near(double value, double answer, double tolerance) {
  return std::fabs(value - answer) <= tolerance * std::fabs(answer) * (1 + 1e-9) + 1e-300;
}

// Slips that have nothing to do with the topic.
std::string UnitSlip(const Item& item, double value) {
  const double ratio = value / item.answer;
  struct Slip {
    double ratio;
    const char* says;
  };
  const bool bytes = item.dimension == Dimension::kBytes || item.dimension == Dimension::kBytesPerSecond;
  if (bytes) {
    for (const Slip& slip :
         {Slip{8, "bits where bytes were asked for"}, Slip{0.125, "bytes divided by 8 once too often"},
          Slip{1.073741824, "GiB (2^30) written as GB (10^9), or the other way round"},
          Slip{1 / 1.073741824, "GiB (2^30) written as GB (10^9), or the other way round"}}) {
      if (Near(ratio, slip.ratio, 1e-3)) return slip.says;
    }
  }
  for (const double power : {1e-9, 1e-6, 1e-3, 1e3, 1e6, 1e9}) {
    if (Near(ratio, power, 0.01)) return "right digits, and a unit that is off by a power of a thousand";
  }
  return "";
}

Judgement JudgeNumeric(const Item& item, std::string_view text) {
  auto quantity = ParseQuantity(text, item.dimension, item.unit);
  if (!quantity.ok()) return Unreadable(quantity.status().message());
  Judgement judgement;
  judgement.understood = quantity->understood;
  if (Near(quantity->value, item.answer, item.tolerance)) {
    judgement.mark = Mark::kRight;
    return judgement;
  }
  judgement.mark = Mark::kWrong;
  for (const Mistake& mistake : item.mistakes) {
    const auto value = Evaluate(mistake.value);
    if (value.ok() && Near(quantity->value, *value, item.tolerance)) {
      judgement.mistake = mistake.says;
      return judgement;
    }
  }
  judgement.mistake = UnitSlip(item, quantity->value);
  return judgement;
}

// Values at which formulas are compared. Not whole, so that no rounding of one hides a difference.
Variables PointNumber(const std::vector<std::string>& names, uint64_t number) {
  Variables point;
  for (size_t i = 0; i < names.size(); ++i) {
    point[names[i]] = 2.5 + static_cast<double>(MixSeeds(number, i) % 100000) * 3e-4;
  }
  return point;
}

// Whether both have the same value everywhere; an error when `text` cannot be read.
Result<bool> SameFormula(const std::string& formula, std::string_view text, const std::vector<std::string>& names) {
  bool same = true;
  for (uint64_t number = 0; number < 16; ++number) {
    const Variables point = PointNumber(names, number);
    const auto typed = Evaluate(text, point);
    if (!typed.ok()) return typed.status();
    const auto wanted = Evaluate(formula, point);
    if (!wanted.ok() || std::fabs(*typed - *wanted) > 1e-9 * std::max(1.0, std::fabs(*wanted))) same = false;
  }
  return same;
}

Judgement JudgeExpression(const Item& item, std::string_view text) {
  const auto same = SameFormula(item.formula, text, item.variables);
  if (!same.ok()) {
    std::string names;
    for (const std::string& name : item.variables) names += (names.empty() ? "" : ", ") + name;
    return Unreadable("this is no formula in " + names + ": " + same.status().message() +
                      ". Write it like 2*(N-1) or log2(N)");
  }
  Judgement judgement{*same ? Mark::kRight : Mark::kWrong, "the formula " + std::string(text), "", ""};
  for (const Mistake& mistake : item.mistakes) {
    if (*same || !judgement.mistake.empty()) break;
    const auto matches = SameFormula(mistake.value, text, item.variables);
    if (matches.ok() && *matches) judgement.mistake = mistake.says;
  }
  return judgement;
}

Judgement JudgeChoice(const Item& item, std::string_view text) {
  const std::string typed = Simplified(text);
  const std::string* chosen = nullptr;
  for (size_t i = 0; i < item.choices.size(); ++i) {
    const std::string letter(1, static_cast<char>('a' + i));
    if (typed == letter || typed == "(" + letter || typed == std::to_string(i + 1) ||
        typed == Simplified(item.choices[i])) {
      chosen = &item.choices[i];
    }
  }
  if (chosen == nullptr) {
    return Unreadable("answer with the letter of a choice, a to " +
                      std::string(1, static_cast<char>('a' + item.choices.size() - 1)));
  }
  Judgement judgement{*chosen == item.right ? Mark::kRight : Mark::kWrong, *chosen, "", ""};
  for (const Mistake& mistake : item.mistakes) {
    if (mistake.value == *chosen) judgement.mistake = mistake.says;
  }
  return judgement;
}

Judgement JudgeTrueFalse(const Item& item, std::string_view text) {
  const std::string typed = Simplified(text);
  std::optional<bool> said;
  for (const char* word : {"t", "true", "y", "yes", "right"}) {
    if (typed == word) said = true;
  }
  for (const char* word : {"f", "false", "n", "no", "wrong"}) {
    if (typed == word) said = false;
  }
  if (!said) return Unreadable("answer true or false");
  Judgement judgement{*said == item.truth ? Mark::kRight : Mark::kWrong, *said ? "true" : "false", "", ""};
  if (judgement.mark == Mark::kWrong && !item.mistakes.empty()) judgement.mistake = item.mistakes[0].says;
  return judgement;
}

}  // namespace

Judgement Judge(const Item& item, std::string_view text) {
  switch (item.kind) {
    case Kind::kNumeric:
      return JudgeNumeric(item, text);
    case Kind::kExpression:
      return JudgeExpression(item, text);
    case Kind::kChoice:
      return JudgeChoice(item, text);
    case Kind::kTrueFalse:
      return JudgeTrueFalse(item, text);
  }
  return Unreadable("this item has no kind");
}

std::string RightAnswer(const Item& item) {
  switch (item.kind) {
    case Kind::kNumeric:
      return FormatQuantity(item.answer, item.dimension, item.unit);
    case Kind::kExpression:
      return item.formula;
    case Kind::kChoice:
      return item.right;
    case Kind::kTrueFalse:
      return item.truth ? "true" : "false";
  }
  return "";
}

std::string HowToAnswer(const Item& item) {
  switch (item.kind) {
    case Kind::kNumeric: {
      const std::string within =
          item.tolerance < 1e-6 ? "exactly" : "within " + FormatNumber(item.tolerance * 100) + " %";
      if (item.dimension == Dimension::kFraction) return "Answer in percent or as a fraction, " + within + ".";
      if (item.dimension == Dimension::kNumber)
        return "Answer with a number" + (item.unit.empty() ? "" : " of " + item.unit) + ", " + within + ".";
      return "Answer in " + item.unit + ", " + within + "; other units are converted.";
    }
    case Kind::kExpression: {
      std::string names;
      for (const std::string& name : item.variables) names += (names.empty() ? "" : ", ") + name;
      return "Answer with a formula in " + names + ".";
    }
    case Kind::kChoice:
      return "Answer with a letter.";
    case Kind::kTrueFalse:
      return "True or false?";
  }
  return "";
}

}  // namespace workbench::quiz
