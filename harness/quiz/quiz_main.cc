// quiz [TOPIC] [--seed N] [--count K] [--json] [--list] [--result-file FILE]: see kHelp.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "harness/quiz/bank.h"
#include "harness/quiz/session.h"
#include "harness/status.h"

namespace workbench::quiz {
namespace {

constexpr int kExitUsage = 2;
constexpr size_t kMaxLine = 4096;

constexpr char kHelp[] =
    R"(quiz [TOPIC] [--seed N] [--count K] [--json]
quiz --list [TOPIC]

Asks numeric and short questions, judges the answers and explains them. TOPIC is q01 to q14 or a name, such as zero;
without it the questions are of all topics.

  --seed N     the questions of an earlier quiz; without it new ones are drawn, and the seed is printed
  --count K    how many, 1 to 200; 5 if not given
  --json       one JSON object a line: question, again (the input was no answer), result, summary
  --list       what can be asked
  --result-file FILE   appends a line "TOPIC ID OUTCOME seed=N number=I" for each question answered or skipped

Answers are read from standard input, a line each. Numbers may have units (12 GiB, 1.5G, 45%) and be arithmetic (2*7e9).
"skip" shows the answer, "quit", the end of input and Ctrl-C end with a summary.

Exit codes: 0 all were answered right, 1 not all, 2 wrong usage, 3 the result file cannot be written, 130 Ctrl-C.

Example:
  quiz q03 --seed 7 --count 3
)";

volatile sig_atomic_t stop_signal = 0;

void OnSignal(int number) { stop_signal = number; }

// Lines of standard input. SIGINT and SIGTERM are blocked but while it waits, so that none is missed.
class StandardInput {
 public:
  StandardInput() {
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &while_waiting_);
    struct sigaction action = {};
    action.sa_handler = OnSignal;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    sigdelset(&while_waiting_, SIGINT);
    sigdelset(&while_waiting_, SIGTERM);
  }

  ReadOutcome Read(std::string* line) {
    line->clear();
    while (true) {
      if (const size_t end = buffer_.find('\n'); end != std::string::npos) {
        *line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return Trim(line);
      }
      if (buffer_.size() > kMaxLine) buffer_.resize(kMaxLine);  // a line that long is no answer anyway
      if (at_end_) {
        if (buffer_.empty()) return ReadOutcome::kEnd;
        line->swap(buffer_);
        return Trim(line);
      }
      pollfd wait = {STDIN_FILENO, POLLIN, 0};
      if (ppoll(&wait, 1, nullptr, &while_waiting_) < 0 && errno != EINTR) return ReadOutcome::kEnd;
      if (stop_signal != 0) return ReadOutcome::kInterrupted;
      if (wait.revents == 0) continue;
      char bytes[512];
      const ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
      if (got > 0) {
        buffer_.append(bytes, static_cast<size_t>(got));
      } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
        at_end_ = true;
      }
    }
  }

 private:
  static ReadOutcome Trim(std::string* line) {
    while (!line->empty() && (line->back() == '\r' || line->back() == ' ' || line->back() == '\t')) line->pop_back();
    line->erase(0, line->find_first_not_of(" \t"));
    return ReadOutcome::kLine;
  }

  sigset_t while_waiting_{};
  std::string buffer_;
  bool at_end_ = false;
};

struct Arguments {
  std::optional<Topic> topic;
  std::optional<uint64_t> seed;
  int count = 5;
  bool json = false;
  bool list = false;
  bool help = false;
  std::string result_file;
};

template <typename T>
bool ParseWhole(const std::string& text, T* value) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), *value);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

Result<Arguments> Parse(std::vector<std::string> words) {
  Arguments arguments;
  for (size_t i = 0; i < words.size(); ++i) {
    std::string word = words[i];
    if (const size_t equals = word.find('='); word.rfind("--", 0) == 0 && equals != std::string::npos) {
      words.insert(words.begin() + static_cast<std::ptrdiff_t>(i) + 1, word.substr(equals + 1));
      word.resize(equals);
    }
    if (word == "--json") {
      arguments.json = true;
    } else if (word == "--list") {
      arguments.list = true;
    } else if (word == "--help" || word == "-h") {
      arguments.help = true;
    } else if (word == "--seed" || word == "--count" || word == "--result-file") {
      if (++i >= words.size()) return Error(word + " needs a value");
      const std::string& value = words[i];
      if (word == "--result-file") {
        arguments.result_file = value;
      } else if (word == "--seed") {
        if (!ParseWhole(value, &arguments.seed.emplace())) {
          return Error("--seed is a number from 0 to 18446744073709551615, not '" + value + "'");
        }
      } else if (!ParseWhole(value, &arguments.count) || arguments.count < 1 || arguments.count > 200) {
        return Error("--count is a number from 1 to 200, not '" + value + "'");
      }
    } else if (word.rfind('-', 0) == 0) {
      return Error("what is '" + word + "'? See quiz --help");
    } else if (arguments.topic) {
      return Error("one topic at a time, not '" + std::string(arguments.topic->number) + "' and '" + word + "'");
    } else {
      auto topic = FindTopic(word);
      if (!topic.ok()) return topic.status();
      arguments.topic = *topic;
    }
  }
  return arguments;
}

void List(const std::vector<const Template*>& templates) {
  std::string_view shown;
  for (const Topic& topic : Topics()) {
    for (const Template* from : templates) {
      if (TopicOf(*from) != topic.number) continue;
      if (shown != topic.number) std::cout << topic.number << "  " << topic.title << "\n";
      shown = topic.number;
      std::cout << "  " << from->id << std::string(24 - from->id.size(), ' ') << KindName(from->kind)
                << std::string(15 - KindName(from->kind).size(), ' ') << from->title << "\n";
    }
  }
}

int Fail(int code, const std::string& message) {
  std::cerr << "quiz: " << message << std::endl;
  return code;
}

int Main(const std::vector<std::string>& words) {
  auto arguments = Parse(words);
  if (!arguments.ok()) return Fail(kExitUsage, arguments.status().message());
  if (arguments->help) {
    std::cout << kHelp;
    return 0;
  }
  std::vector<const Template*> templates;
  for (const Template& from : Bank()) {
    if (!arguments->topic || TopicOf(from) == arguments->topic->number) templates.push_back(&from);
  }
  if (arguments->list) {
    List(templates);
    return 0;
  }
  int results = -1;
  if (!arguments->result_file.empty()) {
    results = open(arguments->result_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (results < 0) return Fail(3, arguments->result_file + " cannot be written: " + std::strerror(errno));
  }

  SessionOptions options;
  options.seed = arguments->seed ? *arguments->seed : std::random_device()() % 1000000;
  options.json = arguments->json;
  options.prompt = isatty(STDIN_FILENO) != 0;
  options.repeat = "./workbench quiz" + (arguments->topic ? " " + std::string(arguments->topic->number) : "") +
                   " --seed " + std::to_string(options.seed) +
                   (arguments->count == 5 ? "" : " --count " + std::to_string(arguments->count));
  int number = 0;
  bool written = true;
  options.record = [&](const Question& question, std::string_view outcome) {
    ++number;
    if (results < 0) return;
    const std::string line = std::string(TopicOf(*question.from)) + " " + std::string(question.from->id) + " " +
                             std::string(outcome) + " seed=" + std::to_string(options.seed) +
                             " number=" + std::to_string(number) + "\n";
    // One write a line: a kill leaves whole lines.
    written = write(results, line.data(), line.size()) == static_cast<ssize_t>(line.size()) && written;
  };
  StandardInput input;
  const Score score = RunSession(
      DrawQuestions(templates, options.seed, arguments->count), options,
      [&](std::string* line) { return input.Read(line); }, std::cout);
  if (results >= 0) close(results);
  if (!written) return Fail(3, arguments->result_file + " cannot be written: is the disk full?");
  return score.exit_code();
}

}  // namespace
}  // namespace workbench::quiz

int main(int argc, char** argv) { return workbench::quiz::Main(std::vector<std::string>(argv + 1, argv + argc)); }
