// What the history comes to: how far each question is, days in a row, time spent.
#ifndef HARNESS_PRACTICE_PROGRESS_H_
#define HARNESS_PRACTICE_PROGRESS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/practice/records.h"

namespace workbench {

// Marks of one grade of the whole answer.
struct Marks {
  double earned = 0;
  double possible = 0;
  int64_t time_ms = 0;
};

struct QuestionProgress {
  std::string question;
  std::optional<int64_t> started_ms;  // `start`, or the first grade where that came first
  int attempts = 0;                   // grades of the answer, single parts too
  std::optional<Marks> best;          // of whole grades; of equal ones the first
  std::optional<Marks> last;
  std::optional<int64_t> full_marks_ms;  // the first time
  double seconds_spent = 0;
  int hints = 0;
  bool solution_seen = false;
  int interviews = 0;
  int quiz_answers = 0;
  int quiz_right = 0;  // those whose detail is JSON with "correct": true
};

// A day counts when an answer was graded, an interview held or a quiz question answered on it, in local time.
struct Streak {
  int current = 0;  // days in a row up to today, or to yesterday while today has none yet
  int longest = 0;
  int days = 0;          // that count at all
  std::string last_day;  // "2026-11-27"; empty when there is none
};

struct Progress {
  std::vector<QuestionProgress> questions;
  Streak streak;
};

// Time spent on a question: the gaps between what happened to it (saves, grades from begin to end, hints, ...) that are
// no longer than this. A longer one was a break, and counts nothing.
constexpr int64_t kLongestGapMs = 15 * 60 * 1000;

// `questions` come first, in their order, also where nothing happened yet; then others that the history knows.
// Only grades of the answer count; those of the skeleton and the reference are not attempts.
Progress MakeProgress(const std::vector<std::string>& questions, const std::vector<GradeRecord>& grades,
                      const std::vector<EventRecord>& events, int64_t now_ms);

// A table for people, in ASCII.
std::string ProgressTable(const Progress& progress);
// A JSON document: {"schema": 1, "questions": [...], "streak": {...}}; times as in 2026-11-27T09:30:00+01:00.
std::string ProgressJson(const Progress& progress);

// In local time.
std::string LocalDay(int64_t time_ms);   // 2026-11-27
std::string LocalTime(int64_t time_ms);  // 2026-11-27T09:30:00+01:00
// "31.5 / 60"
std::string MarksText(double earned, double possible);

}  // namespace workbench

#endif  // HARNESS_PRACTICE_PROGRESS_H_
