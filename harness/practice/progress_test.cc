#include "harness/practice/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>

namespace workbench {
namespace {

using ::testing::HasSubstr;

class ProgressTest : public ::testing::Test {
 protected:
  ProgressTest() { Zone("Europe/Berlin"); }
  static void Zone(const char* name) {
    setenv("TZ", name, 1);
    tzset();
  }
};

// Local time.
int64_t At(int year, int month, int day, int hour, int minute = 0) {
  std::tm tm{};
  tm.tm_year = year - 1900;
  tm.tm_mon = month - 1;
  tm.tm_mday = day;
  tm.tm_hour = hour;
  tm.tm_min = minute;
  tm.tm_isdst = -1;
  return static_cast<int64_t>(std::mktime(&tm)) * 1000;
}

GradeRecord Grade(int64_t time_ms, double earned, const std::string& part = "") {
  GradeRecord grade;
  grade.time_ms = time_ms;
  grade.question = "q02_x";
  grade.part = part;
  grade.implementation = "answer";
  grade.earned = earned;
  grade.possible = 60;
  grade.lead = earned < 60 ? "a.x" : "";
  return grade;
}

EventRecord Event(const std::string& kind, int64_t time_ms, const std::string& detail = "") {
  return {0, time_ms, kind, "q02_x", detail};
}

TEST_F(ProgressTest, MarksOfWholeGradesOfTheAnswer) {
  const int64_t day = At(2026, 5, 1, 12);
  GradeRecord reference = Grade(day, 60);
  reference.implementation = "reference";
  const Progress progress = MakeProgress({"q01_y", "q02_x"},
                                         {reference, Grade(day + 1, 40), Grade(day + 2, 60, "a"), Grade(day + 3, 50),
                                          Grade(day + 4, 50), Grade(day + 5, 45)},
                                         {}, day);
  ASSERT_EQ(progress.questions.size(), 2u);
  EXPECT_EQ(progress.questions[0].attempts, 0);
  EXPECT_FALSE(progress.questions[0].best);
  const QuestionProgress& question = progress.questions[1];
  EXPECT_EQ(question.attempts, 5);
  EXPECT_EQ(question.best->earned, 50);
  EXPECT_EQ(question.best->time_ms, day + 3);
  EXPECT_EQ(question.last->earned, 45);
  EXPECT_EQ(question.started_ms, day + 1);
  EXPECT_FALSE(question.full_marks_ms);
  EXPECT_EQ(MakeProgress({}, {Grade(7, 60), Grade(9, 60)}, {Event("start", 3)}, 9).questions[0].full_marks_ms, 7);
  EXPECT_EQ(MakeProgress({}, {Grade(7, 60)}, {Event("start", 3)}, 9).questions[0].started_ms, 3);
}

TEST_F(ProgressTest, TimeSpentLeavesBreaksOut) {
  const int64_t t = At(2026, 5, 1, 12);
  GradeRecord grade = Grade(t + 60'000, 1);
  grade.seconds = 20;
  const Progress progress = MakeProgress(
      {}, {grade},
      {Event("save", t), Event("hint", t + 60'000 + kLongestGapMs), Event("save", t + 60'001 + 2 * kLongestGapMs)}, t);
  EXPECT_DOUBLE_EQ(progress.questions[0].seconds_spent, 60 + 15 * 60);
  grade.time_ms = t;
  EXPECT_DOUBLE_EQ(MakeProgress({}, {grade}, {}, t).questions[0].seconds_spent, 20);
}

TEST_F(ProgressTest, DaysInARow) {
  const auto streak = [](std::vector<int64_t> times, int64_t now) {
    std::vector<GradeRecord> grades;
    for (int64_t time : times) grades.push_back(Grade(time, 1));
    return MakeProgress({}, grades, {}, now).streak;
  };
  const std::vector<int64_t> times = {At(2026, 5, 1, 23, 59), At(2026, 5, 2, 0, 1), At(2026, 5, 3, 1),
                                      At(2026, 5, 3, 2),      At(2026, 5, 7, 1),    At(2026, 5, 8, 1)};
  EXPECT_EQ(streak(times, At(2026, 5, 8, 23)).current, 2);
  EXPECT_EQ(streak(times, At(2026, 5, 9, 23)).current, 2);
  EXPECT_EQ(streak(times, At(2026, 5, 10, 0)).current, 0);
  EXPECT_EQ(streak(times, At(2026, 5, 10, 0)).longest, 3);
  EXPECT_EQ(streak(times, At(2026, 5, 10, 0)).days, 5);
  EXPECT_EQ(streak(times, At(2026, 5, 10, 0)).last_day, "2026-05-08");
  EXPECT_EQ(streak({}, 0).current, 0);
  // The clock once was ahead.
  EXPECT_EQ(streak({At(2026, 5, 8, 1), At(2031, 1, 1, 1)}, At(2026, 5, 8, 2)).current, 1);
  // Over the change to summer time, a day of 23 hours, and over the end of a leap year's February.
  EXPECT_EQ(streak({At(2026, 3, 28, 12), At(2026, 3, 29, 12), At(2026, 3, 30, 0, 30)}, At(2026, 3, 30, 1)).current, 3);
  EXPECT_EQ(streak({At(2024, 2, 28, 12), At(2024, 2, 29, 12), At(2024, 3, 1, 12)}, At(2024, 3, 1, 13)).current, 3);
}

TEST_F(ProgressTest, DaysAreThoseOfTheLocalZone) {
  const int64_t evening = At(2026, 5, 1, 23);  // in Berlin
  EXPECT_EQ(LocalDay(evening), "2026-05-01");
  EXPECT_EQ(LocalTime(evening), "2026-05-01T23:00:00+02:00");
  Zone("Asia/Tokyo");
  EXPECT_EQ(LocalDay(evening), "2026-05-02");
}

TEST_F(ProgressTest, CountsWhatElseHappened) {
  const int64_t t = At(2026, 5, 1, 12);
  const Progress progress = MakeProgress(
      {}, {},
      {Event("hint", t), Event("hint", t), Event("solution", t), Event("interview", t),
       Event("quiz", t, R"({"correct": true})"), Event("quiz", t, R"({"correct": false})"), Event("quiz", t, "odd")},
      t);
  const QuestionProgress& question = progress.questions[0];
  EXPECT_EQ(question.hints, 2);
  EXPECT_TRUE(question.solution_seen);
  EXPECT_EQ(question.interviews, 1);
  EXPECT_EQ(question.quiz_answers, 3);
  EXPECT_EQ(question.quiz_right, 1);
  EXPECT_EQ(progress.streak.current, 1);
}

TEST_F(ProgressTest, ShownToPeopleAndPrograms) {
  const int64_t t = At(2026, 5, 1, 12);
  GradeRecord grade = Grade(t, 31.5);
  grade.seconds = 3 * 60;
  const Progress progress =
      MakeProgress({"q02_x", "q12_long_name"}, {grade}, {{0, t, "quiz", "-", R"({"correct": true})"}}, t);
  const std::string table = ProgressTable(progress);
  EXPECT_THAT(table,
              HasSubstr("q02 x          2026-05-01         1    31.5 / 60    31.5 / 60  -                 3 min  -\n"));
  EXPECT_THAT(table, HasSubstr("q12 long_name  -                  -"));
  EXPECT_THAT(
      table,
      HasSubstr("Days in a row: 1 (longest 1); 1 day of practice, the last on 2026-05-01.\nQuiz: 1 of 1 right.\n"));
  const nlohmann::json json = nlohmann::json::parse(ProgressJson(progress));
  EXPECT_EQ(json["questions"][0]["best"]["earned"], 31.5);
  EXPECT_EQ(json["questions"][0]["best"]["time"], "2026-05-01T12:00:00+02:00");
  EXPECT_TRUE(json["questions"][1]["best"].is_null());
  EXPECT_EQ(json["streak"]["current"], 1);
  EXPECT_THAT(ProgressTable(MakeProgress({}, {}, {}, t)), HasSubstr("No day of practice yet"));
}

}  // namespace
}  // namespace workbench
