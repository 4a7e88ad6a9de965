// Arithmetic as people type it: 2(N-1), 7e9*16/64, sqrt(2*C*M), 1,000.
#ifndef HARNESS_QUIZ_EXPRESSION_H_
#define HARNESS_QUIZ_EXPRESSION_H_

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "harness/status.h"

namespace workbench::quiz {

using Variables = std::map<std::string, double>;

// The value of the whole of `text`. Operators + - * / ^ (also · × ** and an omitted multiplication sign), parentheses,
// numbers (also 1,000 and 1_000 and 1.5e9), variables, and the functions sqrt, log2, ln, exp, ceil, floor, min, max.
// Upper and lower case of a variable are the same unless both are variables. Neighbouring variables multiply: NS is
// N*S. An error says what was not understood and where; so does a value that is not finite, and S/2N, which has two
// readings.
Result<double> Evaluate(std::string_view text, const Variables& variables = {});

struct Prefix {
  double value = 0;
  size_t length = 0;  // bytes of the text that were read
};

// The longest beginning of `text` that is arithmetic without names: of "3/8 GiB" it is 3/8. Error when there is none.
Result<Prefix> EvaluatePrefix(std::string_view text);

}  // namespace workbench::quiz

#endif  // HARNESS_QUIZ_EXPRESSION_H_
