#include "harness/quiz/session.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "harness/quiz/judge.h"
#include "nlohmann/json.hpp"

namespace workbench::quiz {
namespace {

constexpr size_t kWidth = 96;

using Json = nlohmann::ordered_json;

void PrintJson(const Json& line, std::ostream& out) {
  // What somebody typed need not be UTF-8.
  out << line.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
}

// The lines of an explanation, working and source included.
std::vector<std::string> Explanation(const Item& item) {
  std::vector<std::string> lines = item.steps;
  if (!item.working.empty()) {
    const std::string answer = RightAnswer(item);
    lines.push_back(item.working == answer ? answer : item.working + " = " + answer);
  }
  lines.push_back("Source: " + item.source);
  return lines;
}

// The two ways of showing a quiz.
class Screen {
 public:
  Screen(const SessionOptions& options, size_t total, std::ostream& out)
      : options_(options), total_(total), out_(out) {}

  void Begin() {
    if (!options_.json) {
      out_ << total_ << (total_ == 1 ? " question" : " questions") << ", seed " << options_.seed
           << ".   skip: shows the answer.   quit: ends.\n";
    }
  }

  void Ask(size_t number, const Question& question) {
    const Item& item = question.item;
    if (options_.json) {
      Json line = {{"type", "question"},
                   {"number", number},
                   {"of", total_},
                   {"id", question.from->id},
                   {"kind", KindName(item.kind)},
                   {"prompt", item.prompt},
                   {"how", HowToAnswer(item)},
                   {"given", item.given}};
      if (!item.choices.empty()) line["choices"] = item.choices;
      PrintJson(line, out_);
      return;
    }
    out_ << "\n"
         << Wrapped(std::to_string(number) + " of " + std::to_string(total_) + "  [" + std::string(question.from->id) +
                        "]  " + item.prompt,
                    "    ")
         << "\n";
    for (size_t i = 0; i < item.choices.size(); ++i) {
      out_ << Wrapped("    " + std::string(1, static_cast<char>('a' + i)) + ") " + item.choices[i], "       ") << "\n";
    }
    out_ << "    " << HowToAnswer(item) << "\n";
    Prompt();
  }

  void Again(const std::string& problem) {
    if (options_.json) {
      PrintJson({{"type", "again"}, {"problem", problem}}, out_);
      return;
    }
    out_ << Wrapped("  " + problem, "  ") << "\n";
    Prompt();
  }

  void Result(const Question& question, const std::string& outcome, const Judgement& judgement) {
    const Item& item = question.item;
    if (options_.json) {
      PrintJson({{"type", "result"},
                 {"id", question.from->id},
                 {"outcome", outcome},
                 {"understood", judgement.understood},
                 {"mistake", judgement.mistake},
                 {"answer", RightAnswer(item)},
                 {"explanation", Explanation(item)}},
                out_);
      return;
    }
    std::string said = judgement.understood.empty() ? "" : "   understood: " + judgement.understood;
    if (said == "   understood: true" || said == "   understood: false") said.clear();
    out_ << Wrapped("  " + outcome + said, "    ") << "\n";
    if (outcome != "right") {
      out_ << Wrapped("  The answer is " + RightAnswer(item) + ".", "    ") << "\n";
      if (!judgement.mistake.empty())
        out_ << Wrapped("  It looks like this: " + judgement.mistake + ".", "    ") << "\n";
    }
    for (const std::string& line : Explanation(item)) out_ << Wrapped("    " + line, "      ") << "\n";
    out_.flush();
  }

  void End(const Score& score) {
    const int left = score.asked_for - score.right - score.wrong - score.skipped;
    if (options_.json) {
      PrintJson({{"type", "summary"},
                 {"right", score.right},
                 {"wrong", score.wrong},
                 {"skipped", score.skipped},
                 {"not_asked", left},
                 {"interrupted", score.interrupted},
                 {"seed", options_.seed},
                 {"repeat", options_.repeat}},
                out_);
      return;
    }
    out_ << "\n" << score.right << " of " << score.asked_for << " right";
    if (score.wrong > 0) out_ << ", " << score.wrong << " wrong";
    if (score.skipped > 0) out_ << ", " << score.skipped << " skipped";
    if (left > 0) out_ << ", " << left << " not answered";
    out_ << "\nThe same again: " << options_.repeat << std::endl;
  }

 private:
  void Prompt() {
    if (options_.prompt) out_ << "> ";
    out_.flush();
  }

  const SessionOptions& options_;
  size_t total_;
  std::ostream& out_;
};

}  // namespace

std::string Wrapped(std::string_view text, std::string_view indent) {
  std::string out;
  while (text.size() > kWidth) {
    const size_t first = text.find_first_not_of(' ');  // never within the indent
    size_t cut = text.rfind(' ', kWidth);
    if (cut == std::string_view::npos || cut <= first) cut = text.find(' ', std::max(first, kWidth));
    if (cut == std::string_view::npos) break;
    out += std::string(text.substr(0, cut)) + "\n";
    const size_t next = text.find_first_not_of(' ', cut);
    if (next == std::string_view::npos) return out;
    out += indent;
    text.remove_prefix(next);
  }
  return out.append(text);
}

std::vector<Question> DrawQuestions(const std::vector<const Template*>& templates, uint64_t seed, int count) {
  std::vector<size_t> order(templates.size());
  std::iota(order.begin(), order.end(), 0);
  Draw draw(MixSeeds(seed, 0x9d12));
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[draw.Index(i)]);
  std::vector<Question> questions;
  for (int i = 0; i < count; ++i) {
    const Template* const from = templates[order[static_cast<size_t>(i) % order.size()]];
    questions.push_back({from, MakeItem(*from, MixSeeds(seed, static_cast<uint64_t>(i)))});
  }
  return questions;
}

int Score::exit_code() const {
  if (interrupted) return 130;
  return right == asked_for ? 0 : 1;
}

Score RunSession(const std::vector<Question>& questions, const SessionOptions& options, const LineSource& read,
                 std::ostream& out) {
  Score score;
  score.asked_for = static_cast<int>(questions.size());
  Screen screen(options, questions.size(), out);
  screen.Begin();
  bool going = true;
  for (size_t i = 0; i < questions.size() && going; ++i) {
    screen.Ask(i + 1, questions[i]);
    for (bool answered = false; !answered && going;) {
      std::string line;
      const ReadOutcome outcome = read(&line);
      score.interrupted = outcome == ReadOutcome::kInterrupted;
      if (outcome != ReadOutcome::kLine || line == "quit") {
        going = false;
      } else if (line == "skip") {
        ++score.skipped;
        screen.Result(questions[i], "skipped", {});
        options.record(questions[i], "skipped");
        answered = true;
      } else if (const Judgement judgement = Judge(questions[i].item, line); judgement.mark == Mark::kUnreadable) {
        screen.Again(judgement.problem);
      } else {
        const bool right = judgement.mark == Mark::kRight;
        ++(right ? score.right : score.wrong);
        screen.Result(questions[i], right ? "right" : "wrong", judgement);
        options.record(questions[i], right ? "right" : "wrong");
        answered = true;
      }
    }
  }
  screen.End(score);
  return score;
}

}  // namespace workbench::quiz
