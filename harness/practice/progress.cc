#include "harness/practice/progress.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace workbench {
namespace {

using Json = nlohmann::ordered_json;

std::tm Local(int64_t time_ms) {
  const std::time_t seconds = static_cast<std::time_t>(time_ms / 1000);
  std::tm local{};
  localtime_r(&seconds, &local);
  return local;
}

// Days since 1970 by the calendar, so that a day with 23 hours is a day.
int DayNumber(int64_t time_ms) {
  const std::tm local = Local(time_ms);
  const std::chrono::sys_days day = std::chrono::year(local.tm_year + 1900) /
                                    std::chrono::month(static_cast<unsigned>(local.tm_mon + 1)) /
                                    std::chrono::day(static_cast<unsigned>(local.tm_mday));
  return static_cast<int>(day.time_since_epoch().count());
}

std::string DayText(int day_number) {
  const std::chrono::year_month_day day{std::chrono::sys_days(std::chrono::days(day_number))};
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                static_cast<unsigned>(day.day()));
  return text;
}

bool CountsForStreak(const EventRecord& event) { return event.kind == "quiz" || event.kind == "interview"; }

Streak MakeStreak(const std::vector<GradeRecord>& grades, const std::vector<EventRecord>& events, int64_t now_ms) {
  const int today = DayNumber(now_ms);
  std::set<int> days;
  for (const GradeRecord& grade : grades) {
    if (grade.of_answer()) days.insert(DayNumber(grade.time_ms));
  }
  for (const EventRecord& event : events) {
    if (CountsForStreak(event)) days.insert(DayNumber(event.time_ms));
  }
  days.erase(days.upper_bound(today), days.end());  // a clock that was wrong
  Streak streak;
  streak.days = static_cast<int>(days.size());
  int run = 0;
  int before = 0;
  for (int day : days) {
    run = run > 0 && day == before + 1 ? run + 1 : 1;
    before = day;
    streak.longest = std::max(streak.longest, run);
  }
  if (!days.empty()) {
    streak.last_day = DayText(before);
    if (before >= today - 1) streak.current = run;
  }
  return streak;
}

double SecondsSpent(std::vector<int64_t> moments) {
  std::sort(moments.begin(), moments.end());
  int64_t spent = 0;
  for (size_t i = 1; i < moments.size(); ++i) {
    const int64_t gap = moments[i] - moments[i - 1];
    if (gap <= kLongestGapMs) spent += gap;
  }
  return static_cast<double>(spent) / 1000;
}

bool AnsweredRight(const EventRecord& event) {
  const Json detail = Json::parse(event.detail, nullptr, false);
  return detail.is_object() && detail.contains("correct") && detail["correct"] == true;
}

void Count(const GradeRecord& grade, QuestionProgress* question) {
  ++question->attempts;
  if (!question->started_ms || grade.time_ms < *question->started_ms) question->started_ms = grade.time_ms;
  if (!grade.whole()) return;
  const Marks marks{grade.earned, grade.possible, grade.time_ms};
  question->last = marks;
  if (!question->best || marks.earned > question->best->earned) question->best = marks;
  if (grade.full_marks() && !question->full_marks_ms) question->full_marks_ms = grade.time_ms;
}

void Count(const EventRecord& event, QuestionProgress* question) {
  if (event.kind == "start" && (!question->started_ms || event.time_ms < *question->started_ms)) {
    question->started_ms = event.time_ms;
  }
  question->hints += event.kind == "hint";
  question->solution_seen |= event.kind == "solution";
  question->interviews += event.kind == "interview";
  if (event.kind == "quiz") {
    ++question->quiz_answers;
    question->quiz_right += AnsweredRight(event);
  }
}

std::string SpentText(double seconds) {
  const int minutes = static_cast<int>(std::lround(seconds / 60));
  if (seconds <= 0) return "-";
  char text[32];
  if (minutes < 60) {
    std::snprintf(text, sizeof text, "%d min", std::max(minutes, 1));
  } else {
    std::snprintf(text, sizeof text, "%d h %02d min", minutes / 60, minutes % 60);
  }
  return text;
}

// "q02 allreduce" of q02_allreduce; "no question" of "-".
std::string ShownName(const std::string& question) {
  if (question == "-") return "(no question)";
  std::string name = question;
  const size_t at = name.find('_');
  if (at != std::string::npos) name[at] = ' ';
  return name;
}

std::string Days(int days) { return std::to_string(days) + (days == 1 ? " day" : " days"); }

Json ToJson(const std::optional<int64_t>& time_ms) { return time_ms ? Json(LocalTime(*time_ms)) : Json(nullptr); }

Json ToJson(const std::optional<Marks>& marks) {
  if (!marks) return nullptr;
  return {{"earned", marks->earned}, {"possible", marks->possible}, {"time", LocalTime(marks->time_ms)}};
}

}  // namespace

std::string LocalDay(int64_t time_ms) { return DayText(DayNumber(time_ms)); }

std::string LocalTime(int64_t time_ms) {
  const std::tm local = Local(time_ms);
  char text[64];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S%z", &local);
  std::string time = text;
  time.insert(time.size() - 2, ":");
  return time;
}

std::string MarksText(double earned, double possible) {
  char text[64];
  std::snprintf(text, sizeof text, "%.4g / %.4g", earned, possible);
  return text;
}

Progress MakeProgress(const std::vector<std::string>& questions, const std::vector<GradeRecord>& grades,
                      const std::vector<EventRecord>& events, int64_t now_ms) {
  Progress progress;
  std::map<std::string, size_t> places;
  std::map<std::string, std::vector<int64_t>> moments;
  const auto entry = [&](const std::string& name) {
    const auto [at, added] = places.try_emplace(name, progress.questions.size());
    if (added) progress.questions.emplace_back().question = name;
    return &progress.questions[at->second];
  };
  for (const std::string& name : questions) entry(name);
  for (const GradeRecord& grade : grades) {
    if (!grade.of_answer()) continue;
    Count(grade, entry(grade.question));
    moments[grade.question].push_back(grade.time_ms);
    moments[grade.question].push_back(grade.time_ms - static_cast<int64_t>(grade.seconds * 1000));
  }
  for (const EventRecord& event : events) {
    Count(event, entry(event.question));
    moments[event.question].push_back(event.time_ms);
  }
  for (QuestionProgress& question : progress.questions) {
    question.seconds_spent = SecondsSpent(moments[question.question]);
  }
  progress.streak = MakeStreak(grades, events, now_ms);
  return progress;
}

std::string ProgressTable(const Progress& progress) {
  size_t width = 8;
  for (const QuestionProgress& question : progress.questions) {
    width = std::max(width, ShownName(question.question).size());
  }
  std::string table;
  const auto line = [&](const std::string& name, const std::string& started, const std::string& attempts,
                        const std::string& best, const std::string& last, const std::string& full,
                        const std::string& spent, const std::string& hints) {
    char text[512];
    std::snprintf(text, sizeof text, "%-*.200s  %-10s  %8s  %11s  %11s  %-10s  %11s  %s\n", static_cast<int>(width),
                  name.c_str(), started.c_str(), attempts.c_str(), best.c_str(), last.c_str(), full.c_str(),
                  spent.c_str(), hints.c_str());
    table += text;
  };
  line("question", "started", "attempts", "best", "last", "full marks", "time spent", "hints");
  int quiz_answers = 0, quiz_right = 0, interviews = 0;
  for (const QuestionProgress& question : progress.questions) {
    quiz_answers += question.quiz_answers;
    quiz_right += question.quiz_right;
    interviews += question.interviews;
    if (question.question == "-") continue;  // what belongs to no question is in the sums only
    line(ShownName(question.question), question.started_ms ? LocalDay(*question.started_ms) : "-",
         question.attempts > 0 ? std::to_string(question.attempts) : "-",
         question.best ? MarksText(question.best->earned, question.best->possible) : "-",
         question.last ? MarksText(question.last->earned, question.last->possible) : "-",
         question.full_marks_ms ? LocalDay(*question.full_marks_ms) : "-", SpentText(question.seconds_spent),
         (question.hints > 0 ? std::to_string(question.hints) : "-") +
             (question.solution_seen ? ", solution seen" : ""));
  }
  const Streak& streak = progress.streak;
  table += "\n";
  if (streak.days == 0) {
    table += "No day of practice yet: ./workbench grade QUESTION makes this one the first.\n";
  } else {
    table += "Days in a row: " + std::to_string(streak.current) + " (longest " + std::to_string(streak.longest) +
             "); " + Days(streak.days) + " of practice, the last on " + streak.last_day + ".\n";
  }
  if (quiz_answers > 0) {
    table += "Quiz: " + std::to_string(quiz_right) + " of " + std::to_string(quiz_answers) + " right.\n";
  }
  if (interviews > 0) table += "Interviews: " + std::to_string(interviews) + ".\n";
  return table;
}

std::string ProgressJson(const Progress& progress) {
  Json questions = Json::array();
  for (const QuestionProgress& question : progress.questions) {
    questions.push_back({{"question", question.question},
                         {"started", ToJson(question.started_ms)},
                         {"attempts", question.attempts},
                         {"best", ToJson(question.best)},
                         {"last", ToJson(question.last)},
                         {"first_full_marks", ToJson(question.full_marks_ms)},
                         {"seconds_spent", question.seconds_spent},
                         {"hints", question.hints},
                         {"solution_seen", question.solution_seen},
                         {"interviews", question.interviews},
                         {"quiz_answers", question.quiz_answers},
                         {"quiz_right", question.quiz_right}});
  }
  const Streak& streak = progress.streak;
  const Json json = {{"schema", 1},
                     {"questions", questions},
                     {"streak",
                      {{"current", streak.current},
                       {"longest", streak.longest},
                       {"days", streak.days},
                       {"last_day", streak.days > 0 ? Json(streak.last_day) : Json(nullptr)}}}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace workbench
