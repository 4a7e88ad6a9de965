// The verdict kinds of the JSON documents in words, each with a sign beside its colour.
#ifndef GRADER_HTML_VERDICT_WORDS_H_
#define GRADER_HTML_VERDICT_WORDS_H_

#include <string_view>

namespace workbench::html {

struct VerdictWords {
  std::string_view name;  // in the documents
  const char* state;      // in a row of the table
  const char* headline;   // "Wrong result": followed by the check's id
  const char* icon;
  const char* style;         // pass, wrong, slow or none: the colour
  bool means_wrong = false;  // the answer is not correct
};

inline constexpr VerdictWords kVerdictWords[] = {
    {"pass", "ok", "Full marks", "\u2713", "pass"},
    {"wrong", "wrong", "Wrong result", "\u2717", "wrong", true},
    {"crash", "crash", "It crashes", "\u2717", "wrong", true},
    {"hang", "hang", "It hangs", "\u2717", "wrong", true},
    {"forbidden", "forbidden", "A forbidden call", "\u2717", "wrong", true},
    {"device_error", "device error", "CUDA or NCCL reports an error", "\u2717", "wrong", true},
    {"leak", "leak", "Something is left behind", "\u2717", "wrong", true},
    {"too_slow", "slow", "Right, but slow", "~", "slow"},
    {"not_graded", "not graded", "Not graded", "\u2013", "none"},
    {"grader_fault", "grader fault", "The grader itself failed", "!", "slow"},
};

// Of a kind that this program does not know, a neutral "?".
inline VerdictWords WordsOf(std::string_view name) {
  for (const VerdictWords& words : kVerdictWords) {
    if (words.name == name) return words;
  }
  return {name, "unknown", "An unknown verdict", "?", "none"};
}

}  // namespace workbench::html

#endif  // GRADER_HTML_VERDICT_WORDS_H_
