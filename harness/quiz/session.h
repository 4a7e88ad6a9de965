// A quiz: asks items one after the other, judges, explains, and sums up.
#ifndef HARNESS_QUIZ_SESSION_H_
#define HARNESS_QUIZ_SESSION_H_

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "harness/quiz/item.h"

namespace workbench::quiz {

enum class ReadOutcome { kLine, kEnd, kInterrupted };

// Reads one line, without its end.
using LineSource = std::function<ReadOutcome(std::string* line)>;

struct Question {
  const Template* from;
  Item item;
};

// `count` questions from the templates, in an order and with parameters that follow from the seed. A template comes
// again only when all have come. REQUIRES: templates is not empty.
std::vector<Question> DrawQuestions(const std::vector<const Template*>& templates, uint64_t seed, int count);

struct SessionOptions {
  uint64_t seed = 0;
  std::string repeat;   // the command that asks the same again
  bool json = false;    // one JSON object a line instead of text
  bool prompt = false;  // a person types: show "> "
  // Called for each question that was answered or skipped, with its outcome: right, wrong or skipped.
  std::function<void(const Question&, std::string_view outcome)> record = [](const Question&, std::string_view) {};
};

struct Score {
  int right = 0;
  int wrong = 0;
  int skipped = 0;
  int asked_for = 0;
  bool interrupted = false;

  // 0 all were answered right, 1 not all, 130 interrupted.
  int exit_code() const;
};

// Input that is no answer asks again. "skip" shows the answer and goes on; "quit", the end of input and an interruption
// end the quiz with its summary. In JSON the lines have "type": "question", "again", "result", "summary".
Score RunSession(const std::vector<Question>& questions, const SessionOptions& options, const LineSource& read,
                 std::ostream& out);

// Breaks at spaces so that no line is longer than 96 bytes where that is possible; later lines begin with `indent`.
std::string Wrapped(std::string_view text, std::string_view indent);

}  // namespace workbench::quiz

#endif  // HARNESS_QUIZ_SESSION_H_
