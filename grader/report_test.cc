#include "grader/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace workbench {
namespace {

using testing::HasSubstr;
using testing::Not;

Question TestQuestion() {
  Question question;
  question.name = "q02_allreduce";
  question.title = "Q2 AllReduce";
  question.parts = {{"a", "host"}, {"b", "device"}};
  return question;
}

CheckResult Failed(const std::string& id, VerdictKind kind) {
  CheckResult check;
  check.spec = {id, "counts that N does not divide", 2, false, {"the last chunk is skipped", "rounding up"}};
  check.kind = kind;
  Finding finding;
  finding.kind = kind;
  finding.property = "every element is the sum over all ranks";
  finding.input = {{"ranks", "3"}, {"count", "7"}};
  finding.expected = "12 (0x41400000)";
  finding.actual = "4 (0x40800000)";
  finding.index = 6;
  finding.rank = 2;
  finding.differing = 1;
  finding.total = 7;
  finding.detail = "in place";
  finding.output = "debug: chunk 3\n";
  check.finding = finding;
  return check;
}

GradeResult TestGrade(std::vector<CheckResult> checks) {
  GradeResult grade;
  grade.question = "q02_allreduce";
  grade.implementation = "answer";
  grade.mode = "host";
  grade.seed = 77;
  grade.repeat_command = "./workbench grade q02 --seed 77";
  grade.checks = std::move(checks);
  return grade;
}

TEST(TerminalReportTest, TellsEverythingAboutTheLead) {
  const std::string report =
      TerminalReport(TestQuestion(), TestGrade({Failed("a.tail", VerdictKind::kWrong)}), {.colour = false});
  for (const char* text :
       {"host mode: no GPU", "seed 77", "First to mend: a.tail WRONG", "every element is the sum over all ranks",
        "ranks 3, count 7", "rank 2, element 6", "expected     12 (0x41400000)", "actual       4 (0x40800000)",
        "1 of 7 elements are wrong", "in place", "usual cause  the last chunk is skipped", "or   rounding up",
        "questions/q02_allreduce/hints.md#atail", "| debug: chunk 3", "Marks 0 / 2",
        "Again with the same inputs: ./workbench grade q02 --seed 77"}) {
    EXPECT_THAT(report, HasSubstr(text));
  }
  EXPECT_EQ(report.back(), '\n');
  EXPECT_EQ(report.find('\033'), std::string::npos);
}

TEST(TerminalReportTest, AGradersFaultBlamesNobodyElse) {
  const std::string report =
      TerminalReport(TestQuestion(), TestGrade({Failed("a.tail", VerdictKind::kGraderFault)}), {.colour = false});
  EXPECT_THAT(report, HasSubstr("GRADER FAULT"));
  EXPECT_THAT(report, HasSubstr("the workbench's fault, not the answer's"));
  EXPECT_THAT(report, Not(HasSubstr("usual cause")));
}

TEST(TerminalReportTest, EveryFailureHasItsWord) {
  const std::pair<VerdictKind, const char*> words[] = {{VerdictKind::kWrong, "WRONG"},
                                                       {VerdictKind::kCrash, "CRASH"},
                                                       {VerdictKind::kHang, "HANG"},
                                                       {VerdictKind::kForbidden, "FORBIDDEN"},
                                                       {VerdictKind::kDeviceError, "GPU ERROR"},
                                                       {VerdictKind::kLeak, "LEAK"},
                                                       {VerdictKind::kTooSlow, "SLOW"},
                                                       {VerdictKind::kGraderFault, "GRADER FAULT"}};
  for (const auto& [kind, word] : words) {
    EXPECT_THAT(TerminalReport(TestQuestion(), TestGrade({Failed("a.x", kind)}), {}), HasSubstr(word));
  }
}

TEST(TerminalReportTest, APartThatCannotBeJudgedSaysSoOnce) {
  CheckResult skipped;
  skipped.spec = {"b.one", "title one", 3, true, {}};
  skipped.kind = VerdictKind::kNotGraded;
  skipped.reason = "not graded here: it needs a GPU";
  CheckResult other = skipped;
  other.spec.id = "b.two";
  const std::string report = TerminalReport(TestQuestion(), TestGrade({skipped, other}), {});
  const std::string reason = skipped.reason;
  const size_t first = report.find(reason);
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(report.find(reason, first + 1), std::string::npos);
  EXPECT_THAT(report, HasSubstr("6 more are not graded here"));
  EXPECT_THAT(report, Not(HasSubstr("First to mend")));
}

TEST(TerminalReportTest, FiguresAreShownUnlessLeftOut) {
  CheckResult check;
  check.spec = {"a.speed", "time", 4, false, {}};
  check.figures = {{"ratio", 1.25}};
  EXPECT_THAT(TerminalReport(TestQuestion(), TestGrade({check}), {}), HasSubstr("1.25"));
  EXPECT_THAT(TerminalReport(TestQuestion(), TestGrade({check}), {.figures = false}), Not(HasSubstr("1.25")));
}

TEST(TerminalReportTest, WhatWasLeftBehindIsTold) {
  const std::string report = TerminalReport(TestQuestion(), TestGrade({Failed("end", VerdictKind::kLeak)}), {});
  EXPECT_THAT(report, HasSubstr("LEAK"));
  EXPECT_THAT(report, HasSubstr("First to mend: end LEAK"));
}

TEST(QuoteOutputTest, LeavesOutWhatTheLauncherSays) {
  const std::string dashes(74, '-');
  const std::string output =
      "mine\n" + dashes + "\nmpirun noticed that process rank 1 exited\nmore\n" + dashes + "\nmine too\n";
  EXPECT_EQ(QuoteOutput(output, 8, "| "), "| mine\n| mine too\n");
  EXPECT_EQ(QuoteOutput(dashes + "\nonly the launcher\n" + dashes + "\n", 8, "| "), "");
  EXPECT_EQ(QuoteOutput("----\n", 8, "| "), "| ----\n");  // a short rule is the answer's own
}

TEST(QuoteOutputTest, ControlCharactersCannotReachTheTerminal) {
  EXPECT_EQ(QuoteOutput("a\033[2Jb\rc\x07\x7f\n", 8, ""), "a?[2Jb?c??\n");
}

TEST(QuoteOutputTest, LimitsLinesAndTheirLength) {
  std::string output;
  for (int i = 0; i < 100; ++i) output += "line " + std::to_string(i) + "\n\n";
  const std::string quoted = QuoteOutput(output, 3, "> ");
  EXPECT_EQ(quoted, "> line 0\n> line 1\n> line 2\n> ...\n");
  EXPECT_EQ(QuoteOutput(std::string(100000, 'x'), 3, "").size(), 201u);
  EXPECT_EQ(QuoteOutput("", 3, "> "), "");
}

}  // namespace
}  // namespace workbench
