// The program behind the history: ./workbench calls it (harness/cli/history.sh), and so may scripts.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/practice/history.h"
#include "harness/practice/progress.h"

namespace workbench {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kUsage[] = R"(history --database=FILE COMMAND

  record RESULT.json [--part=X] [--sources=HASH] [--time-ms=N]
                                a grade; prints "recorded N" once it is on the disk
  event KIND QUESTION [DETAIL] [--time-ms=N]
                                anything else; KIND: start, save, build_failed, hint, solution, reset, interview, quiz,
                                or another word. QUESTION may be "-". DETAIL is free, JSON by custom; of a quiz answer
                                {"correct": true or false, ...}. Prints "recorded N"
  set QUESTION KEY VALUE        keeps a value; QUESTION may be "-"
  get QUESTION KEY [DEFAULT]    prints it, without a line end; exit code 1 where there is neither
  last QUESTION [--part=X]      the last grade of the answer, as JSON; exit code 1 where there is none
  full QUESTION                 the day of the first full marks; exit code 1 where there were none
  events KIND QUESTION          these events, oldest first, a JSON object a line
  progress [--json] [QUESTION...]
                                the table of all questions, and days in a row; those named come first
  export                        everything, a JSON object a line
  version                       the version of the file's format

Exit codes: 0 done, 1 failed or not there, 2 wrong usage. Errors are one line on stderr.

Example:
  history --database=.workbench/history.sqlite event hint q02_allreduce '{"check": "a.tail", "level": 1}'
)";

[[noreturn]] void UsageError(const std::string& what) {
  std::fprintf(stderr, "history: %s. See history --help\n", what.c_str());
  std::exit(2);
}

struct Arguments {
  std::string database, part, sources;
  int64_t time_ms = NowMs();
  bool json = false;
  std::vector<std::string> words;
};

Arguments Parse(int argc, char** argv) {
  Arguments arguments;
  bool options = true;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto value = [&](const std::string& flag, std::string* to) {
      const bool is_it = word.rfind(flag + "=", 0) == 0;
      if (is_it) *to = word.substr(flag.size() + 1);
      return is_it;
    };
    std::string time;
    if (!options || word.rfind("--", 0) != 0) {
      arguments.words.push_back(word);
    } else if (word == "--") {
      options = false;
    } else if (word == "--help") {
      std::fputs(kUsage, stdout);
      std::exit(0);
    } else if (word == "--json") {
      arguments.json = true;
    } else if (value("--time-ms", &time)) {
      char* end = nullptr;
      arguments.time_ms = std::strtoll(time.c_str(), &end, 10);
      if (time.empty() || *end != '\0') UsageError("--time-ms is a number, not '" + time + "'");
    } else if (!value("--database", &arguments.database) && !value("--part", &arguments.part) &&
               !value("--sources", &arguments.sources)) {
      UsageError("what is '" + word + "'?");
    }
  }
  return arguments;
}

// Flushes what was printed: a full disk or a closed pipe is an error too.
Status Print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    return ErrnoError("write the output");
  }
  return Status::Ok();
}

std::string Line(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

Json ToJson(const GradeRecord& grade) {
  Json checks = Json::array();
  for (const CheckRecord& check : grade.checks) {
    checks.push_back({{"id", check.id}, {"verdict", check.verdict}, {"marks", check.marks}, {"earned", check.earned}});
  }
  return {{"type", "grade"},
          {"id", grade.id},
          {"time", LocalTime(grade.time_ms)},
          {"time_ms", grade.time_ms},
          {"question", grade.question},
          {"part", grade.part},
          {"implementation", grade.implementation},
          {"mode", grade.mode},
          {"seed", grade.seed},
          {"marks", {{"earned", grade.earned}, {"possible", grade.possible}, {"not_graded", grade.not_graded}}},
          {"lead", grade.lead.empty() ? Json(nullptr) : Json(grade.lead)},
          {"full_marks", grade.full_marks()},
          {"seconds", grade.seconds},
          {"sources", grade.sources},
          {"checks", checks}};
}

Json ToJson(const EventRecord& event) {
  return {{"type", "event"},          {"id", event.id},     {"time", LocalTime(event.time_ms)},
          {"time_ms", event.time_ms}, {"kind", event.kind}, {"question", event.question},
          {"detail", event.detail}};
}

Status Record(const Arguments& arguments, History& history) {
  const std::string& file = arguments.words[1];
  std::ifstream stream(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  if (!stream) return Error(file + " cannot be read");
  Result<GradeRecord> grade = ParseResult(text);
  if (!grade.ok()) return grade.status().WithContext(file);
  grade->part = arguments.part;
  grade->sources = arguments.sources;
  grade->time_ms = arguments.time_ms;
  Result<int64_t> id = history.Add(*grade);
  return id.ok() ? Print("recorded " + std::to_string(*id) + "\n") : id.status();
}

Status AddEvent(const Arguments& arguments, History& history) {
  const std::vector<std::string>& words = arguments.words;
  Result<int64_t> id =
      history.Add(EventRecord{0, arguments.time_ms, words[1], words[2], words.size() > 3 ? words[3] : ""});
  return id.ok() ? Print("recorded " + std::to_string(*id) + "\n") : id.status();
}

// What is asked for is not there: exit code 1 without a word.
Status PrintOrNothing(const std::optional<std::string>& text, bool* missing) {
  *missing = !text;
  return text ? Print(*text) : Status::Ok();
}

Status Get(const Arguments& arguments, History& history, bool* missing) {
  Result<std::optional<std::string>> value = history.Get(arguments.words[1], arguments.words[2]);
  if (!value.ok()) return value.status();
  if (!*value && arguments.words.size() > 3) *value = arguments.words[3];
  return PrintOrNothing(*value, missing);
}

Status Last(const Arguments& arguments, History& history, bool* missing) {
  Result<std::optional<GradeRecord>> last = history.LastGrade(arguments.words[1], arguments.part);
  if (!last.ok()) return last.status();
  std::optional<std::string> text;
  if (*last) text = Line(ToJson(**last));
  return PrintOrNothing(text, missing);
}

Status Full(const Arguments& arguments, History& history, bool* missing) {
  Result<std::vector<GradeRecord>> grades = history.Grades(/*with_checks=*/false);
  if (!grades.ok()) return grades.status();
  std::optional<std::string> day;
  for (const GradeRecord& grade : *grades) {
    if (!day && grade.question == arguments.words[1] && grade.full_marks()) day = LocalDay(grade.time_ms) + "\n";
  }
  return PrintOrNothing(day, missing);
}

Status PrintEvents(const Arguments& arguments, History& history) {
  Result<std::vector<EventRecord>> events = history.Events();
  if (!events.ok()) return events.status();
  std::string lines;
  for (const EventRecord& event : *events) {
    if (event.kind == arguments.words[1] && event.question == arguments.words[2]) lines += Line(ToJson(event));
  }
  return Print(lines);
}

Status PrintProgress(const Arguments& arguments, History& history) {
  Result<std::vector<GradeRecord>> grades = history.Grades(/*with_checks=*/false);
  if (!grades.ok()) return grades.status();
  Result<std::vector<EventRecord>> events = history.Events();
  if (!events.ok()) return events.status();
  const std::vector<std::string> questions(arguments.words.begin() + 1, arguments.words.end());
  const Progress progress = MakeProgress(questions, *grades, *events, NowMs());
  return Print(arguments.json ? ProgressJson(progress) : ProgressTable(progress));
}

Status Export(History& history) {
  Result<std::vector<GradeRecord>> grades = history.Grades(/*with_checks=*/true);
  if (!grades.ok()) return grades.status();
  Result<std::vector<EventRecord>> events = history.Events();
  if (!events.ok()) return events.status();
  Result<std::vector<History::Setting>> settings = history.Settings();
  if (!settings.ok()) return settings.status();
  std::string lines;
  for (const GradeRecord& grade : *grades) lines += Line(ToJson(grade));
  for (const EventRecord& event : *events) lines += Line(ToJson(event));
  for (const History::Setting& setting : *settings) {
    lines +=
        Line({{"type", "setting"}, {"question", setting.question}, {"key", setting.key}, {"value", setting.value}});
  }
  return Print(lines);
}

struct Command {
  const char* name;
  size_t least, most;  // words after the name
  History::Access access;
  Status (*run)(const Arguments&, History&, bool* missing);
};

constexpr History::Access kWrite = History::Access::kWrite;
constexpr History::Access kRead = History::Access::kRead;

const Command kCommands[] = {
    {"record", 1, 1, kWrite, [](const Arguments& a, History& h, bool*) { return Record(a, h); }},
    {"event", 2, 3, kWrite, [](const Arguments& a, History& h, bool*) { return AddEvent(a, h); }},
    {"set", 3, 3, kWrite,
     [](const Arguments& a, History& h, bool*) { return h.Set(a.words[1], a.words[2], a.words[3]); }},
    {"get", 2, 3, kRead, Get},
    {"last", 1, 1, kRead, Last},
    {"full", 1, 1, kRead, Full},
    {"events", 2, 2, kRead, [](const Arguments& a, History& h, bool*) { return PrintEvents(a, h); }},
    {"progress", 0, 1000, kRead, [](const Arguments& a, History& h, bool*) { return PrintProgress(a, h); }},
    {"export", 0, 0, kRead, [](const Arguments&, History& h, bool*) { return Export(h); }},
};

int Main(int argc, char** argv) {
  // Past a limit on file sizes a write fails like on a full disk, instead of killing.
  std::signal(SIGXFSZ, SIG_IGN);
  const Arguments arguments = Parse(argc, argv);
  if (arguments.words.empty()) UsageError("which command?");
  const std::string& name = arguments.words[0];
  if (name == "version") {
    std::printf("%zu\n", HistorySteps().size());
    return 0;
  }
  for (const Command& command : kCommands) {
    if (name != command.name) continue;
    const size_t words = arguments.words.size() - 1;
    if (words < command.least || words > command.most) UsageError(name + ": wrong number of arguments");
    if (arguments.database.empty()) UsageError("--database=FILE is missing");
    bool missing = false;
    const Status status = WithHistory(
        arguments.database, command.access,
        [](const std::string& said) { std::fprintf(stderr, "history: %s\n", said.c_str()); },
        [&](History& history) { return command.run(arguments, history, &missing); });
    if (status.ok()) return missing ? 1 : 0;
    std::fprintf(stderr, "history: %s\n", status.message().c_str());
    return 1;
  }
  UsageError("there is no command '" + name + "'");
}

}  // namespace
}  // namespace workbench

int main(int argc, char** argv) { return workbench::Main(argc, argv); }
