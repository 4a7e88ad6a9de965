#include "harness/quiz/session.h"

#include <gtest/gtest.h>

#include <deque>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "harness/quiz/bank.h"
#include "harness/quiz/judge.h"
#include "nlohmann/json.hpp"

namespace workbench::quiz {
namespace {

struct Sitting {
  Score score;
  std::string text;
  std::vector<std::string> recorded;
};

std::vector<const Template*> All() {
  std::vector<const Template*> all;
  for (const Template& from : Bank()) all.push_back(&from);
  return all;
}

// After the lines comes the end of the input, or an interruption.
Sitting Hold(const std::vector<Question>& questions, std::deque<std::string> lines, bool json = false,
             ReadOutcome then = ReadOutcome::kEnd) {
  Sitting sitting;
  std::ostringstream out;
  SessionOptions options;
  options.seed = 7;
  options.repeat = "./workbench quiz --seed 7";
  options.json = json;
  options.record = [&](const Question& question, std::string_view outcome) {
    sitting.recorded.push_back(std::string(question.from->id) + " " + std::string(outcome));
  };
  sitting.score = RunSession(
      questions, options,
      [&](std::string* line) {
        if (lines.empty()) return then;
        *line = lines.front();
        lines.pop_front();
        return ReadOutcome::kLine;
      },
      out);
  sitting.text = out.str();
  return sitting;
}

TEST(SessionTest, TheSeedDecidesEverything) {
  const auto one = DrawQuestions(All(), 7, 200);
  const auto two = DrawQuestions(All(), 7, 200);
  const auto other = DrawQuestions(All(), 8, 200);
  ASSERT_EQ(one.size(), 200U);
  int differ = 0;
  for (size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].item.prompt, two[i].item.prompt);
    differ += one[i].item.prompt != other[i].item.prompt;
  }
  EXPECT_GT(differ, 150);
  std::set<std::string_view> first;
  for (size_t i = 0; i < Bank().size(); ++i) first.insert(one[i].from->id);
  EXPECT_EQ(first.size(), Bank().size()) << "a template came again before all had come";
}

TEST(SessionTest, AllRight) {
  const auto questions = DrawQuestions(All(), 7, 100);
  std::deque<std::string> lines;
  for (const Question& question : questions) lines.push_back(RightAnswer(question.item));
  const Sitting sitting = Hold(questions, lines);
  EXPECT_EQ(sitting.score.exit_code(), 0) << sitting.text;
  EXPECT_EQ(sitting.recorded.size(), 100U);
  EXPECT_NE(sitting.text.find("100 of 100 right\n"), std::string::npos);
  EXPECT_NE(sitting.text.find("The same again: ./workbench quiz --seed 7"), std::string::npos);
}

TEST(SessionTest, WhatIsNoAnswerAsksAgain) {
  const auto questions = DrawQuestions(All(), 7, 1);
  const Sitting sitting = Hold(questions, {"", "\xff\xfe", "???", RightAnswer(questions[0].item)});
  EXPECT_EQ(sitting.score.exit_code(), 0) << sitting.text;
  EXPECT_EQ(sitting.recorded.size(), 1U);
}

TEST(SessionTest, EndsWithASummaryHoweverItEnds) {
  const auto questions = DrawQuestions(All(), 7, 4);
  const std::deque<std::string> two = {"skip", RightAnswer(questions[1].item)};
  auto quits = two;
  quits.push_back("quit");
  for (const Sitting& sitting : {Hold(questions, two), Hold(questions, quits)}) {
    EXPECT_EQ(sitting.score.exit_code(), 1);
    EXPECT_NE(sitting.text.find("1 of 4 right, 1 skipped, 2 not answered"), std::string::npos) << sitting.text;
    EXPECT_EQ(sitting.recorded.size(), 2U);
  }
  const Sitting interrupted = Hold(questions, two, false, ReadOutcome::kInterrupted);
  EXPECT_EQ(interrupted.score.exit_code(), 130);
  EXPECT_NE(interrupted.text.find("1 of 4 right"), std::string::npos);
}

TEST(SessionTest, AMistakeIsNamed) {
  for (const Template& from : Bank()) {
    if (from.id != "q02.ring_steps") continue;
    const Sitting sitting = Hold({{&from, MakeItem(from, 1)}}, {"N-1"});
    EXPECT_NE(sitting.text.find("wrong   understood: the formula N-1"), std::string::npos) << sitting.text;
    EXPECT_NE(sitting.text.find("It looks like this: only the reduce-scatter"), std::string::npos) << sitting.text;
    EXPECT_NE(sitting.text.find("Source: "), std::string::npos);
  }
}

TEST(SessionTest, JsonLinesAreJson) {
  const auto questions = DrawQuestions(All(), 7, 30);
  std::deque<std::string> lines;
  for (const Question& question : questions) {
    lines.push_back("\xff\"");
    lines.push_back(RightAnswer(question.item));
  }
  std::istringstream text(Hold(questions, lines, true).text);
  std::vector<std::string> types;
  for (std::string line; std::getline(text, line);) {
    const auto json = nlohmann::json::parse(line);
    types.push_back(json["type"]);
    if (types.back() == "summary") {
      EXPECT_EQ(json["right"], 30);
    } else if (types.back() == "result") {
      EXPECT_EQ(json["outcome"], "right") << line;
      EXPECT_FALSE(json["explanation"].empty());
    }
  }
  ASSERT_EQ(types.size(), 30 * 3 + 1U);
  EXPECT_EQ(types[0] + types[1] + types[2] + types.back(), "questionagainresultsummary");
}

TEST(WrapTest, BreaksAtSpacesOnly) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += (i > 0 ? " word" : "word") + std::to_string(i);
  std::istringstream lines(Wrapped(text, "    "));
  std::string joined;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 96U);
    joined += (joined.empty() ? "" : " ") + line.substr(line.find_first_not_of(' '));
  }
  EXPECT_EQ(joined, text);
  EXPECT_EQ(Wrapped(std::string(300, 'x'), "  "), std::string(300, 'x'));
  EXPECT_EQ(Wrapped("", "  "), "");
}

}  // namespace
}  // namespace workbench::quiz
