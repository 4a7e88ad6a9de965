// Judges what somebody typed as the answer to an item.
#ifndef HARNESS_QUIZ_JUDGE_H_
#define HARNESS_QUIZ_JUDGE_H_

#include <string>
#include <string_view>

#include "harness/quiz/item.h"

namespace workbench::quiz {

enum class Mark {
  kRight,
  kWrong,
  kUnreadable,  // it was no answer at all: ask again
};

struct Judgement {
  Mark mark = Mark::kUnreadable;
  std::string understood;  // how the input was read; empty when kUnreadable
  std::string mistake;     // kWrong: the known mistake that gives this answer, or empty
  std::string problem;     // kUnreadable: what is wrong with the input, and how to write it
};

// Never fails, whatever the bytes in `text` are.
Judgement Judge(const Item& item, std::string_view text);

// The right answer for people: "96 MiB", "2*(N-1)", "true", or the choice's text.
std::string RightAnswer(const Item& item);

// How to answer, in one line: "Answer in GiB; other units are converted."
std::string HowToAnswer(const Item& item);

}  // namespace workbench::quiz

#endif  // HARNESS_QUIZ_JUDGE_H_
