#include "harness/practice/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace workbench {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Access = History::Access;

class HistoryTest : public ::testing::Test {
 protected:
  HistoryTest() {
    std::string name = ::testing::TempDir() + "/history_test.XXXXXX";
    folder_ = mkdtemp(name.data());
    path_ = folder_ + "/history.sqlite";
  }
  ~HistoryTest() override {
    std::error_code none;
    fs::permissions(folder_, fs::perms::owner_all, none);
    fs::remove_all(folder_, none);
  }

  Result<History> Open(Access access = Access::kWrite, const std::vector<std::string>& steps = HistorySteps()) {
    return History::Open(
        path_, access, [this](const std::string& said) { said_ += said + "\n"; }, steps);
  }
  Status Use(const std::function<Status(History&)>& use) {
    return WithHistory(
        path_, Access::kWrite, [this](const std::string& said) { said_ += said + "\n"; }, use);
  }
  void WriteFile(const std::string& content) { std::ofstream(path_, std::ios::binary) << content; }
  std::string ReadFile(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  // A file that has seen only the first `count` steps, with a grade in it where there is a table for it.
  void MakeVersion(size_t count) {
    const std::vector<std::string> steps(HistorySteps().begin(), HistorySteps().begin() + static_cast<long>(count));
    ASSERT_TRUE(Open(Access::kWrite, steps).ok());
    if (count == 0) return;
    Result<Database> database = Database::Open(path_, Database::Mode::kExisting);
    ASSERT_TRUE(database.ok());
    ASSERT_TRUE(
        database
            ->RunScript("INSERT INTO grades (time_ms, question, part, implementation, mode, seed, earned, possible, "
                        "not_graded, lead, seconds) VALUES (5, 'q02_x', '', 'answer', 'host', '7', 1.5, 2, 0, "
                        "'a.x', 3); INSERT INTO checks VALUES (1, 0, 'a.x', 'wrong', 2, 1.5);"
                        "INSERT INTO settings VALUES ('q02_x', 'level', '2');")
            .ok());
  }

  std::string folder_, path_, said_;
};

GradeRecord SomeGrade() {
  GradeRecord grade;
  grade.time_ms = 1234;
  grade.question = "q02_x";
  grade.part = "a";
  grade.implementation = "answer";
  grade.mode = "host";
  grade.seed = 18446744073709551615u;
  grade.earned = 31.5;
  grade.possible = 60;
  grade.not_graded = 4;
  grade.lead = "a.tail";
  grade.seconds = 2.5;
  grade.sources = "abc";
  grade.checks = {{"a.values", "pass", 3, 3}, {"a.tail", "wrong", 2, 0}};
  return grade;
}

void ExpectSame(const GradeRecord& a, const GradeRecord& b) {
  EXPECT_EQ(a.time_ms, b.time_ms);
  EXPECT_EQ(a.question + a.part + a.implementation + a.mode + a.lead + a.sources,
            b.question + b.part + b.implementation + b.mode + b.lead + b.sources);
  EXPECT_EQ(a.seed, b.seed);
  EXPECT_EQ(a.earned, b.earned);
  EXPECT_EQ(a.possible, b.possible);
  EXPECT_EQ(a.not_graded, b.not_graded);
  EXPECT_EQ(a.seconds, b.seconds);
  ASSERT_EQ(a.checks.size(), b.checks.size());
  for (size_t i = 0; i < a.checks.size(); ++i) {
    EXPECT_EQ(a.checks[i].id + a.checks[i].verdict, b.checks[i].id + b.checks[i].verdict);
    EXPECT_EQ(a.checks[i].marks, b.checks[i].marks);
    EXPECT_EQ(a.checks[i].earned, b.checks[i].earned);
  }
}

TEST_F(HistoryTest, KeepsWhatItIsGiven) {
  {
    Result<History> history = Open();
    ASSERT_TRUE(history.ok()) << history.status().message();
    EXPECT_EQ(*history->Add(SomeGrade()), 1);
    EXPECT_EQ(*history->Add(EventRecord{0, 99, "hint", "q02_x", "{}"}), 1);
    EXPECT_TRUE(history->Set("q02_x", "level", "1").ok());
    EXPECT_TRUE(history->Set("q02_x", "level", "2").ok());
  }
  Result<History> history = Open(Access::kRead);
  ASSERT_TRUE(history.ok());
  Result<std::vector<GradeRecord>> grades = history->Grades(true);
  ASSERT_EQ(grades->size(), 1u);
  ExpectSame(grades->at(0), SomeGrade());
  EXPECT_EQ(history->Events()->at(0).kind, "hint");
  EXPECT_EQ(history->Get("q02_x", "level")->value(), "2");
  EXPECT_FALSE(history->Get("q02_y", "level")->has_value());
  ExpectSame(history->LastGrade("q02_x", "a")->value(), SomeGrade());
  EXPECT_FALSE(history->LastGrade("q02_x", "")->has_value());
  EXPECT_EQ(said_, "");
}

TEST_F(HistoryTest, TextThatIsNotUtf8IsMadeSo) {
  Result<History> history = Open();
  GradeRecord grade = SomeGrade();
  grade.question = "q\xff";
  grade.lead = std::string("a\0b", 3);
  grade.checks[0].id = "\xc3";
  ASSERT_TRUE(history->Add(grade).ok());
  ASSERT_TRUE(history->Add(EventRecord{0, 1, "hint", "q02_x", "caf\xe9"}).ok());
  EXPECT_EQ(history->Grades(true)->at(0).question, "q\xef\xbf\xbd");
  EXPECT_EQ(history->Grades(true)->at(0).lead, grade.lead);
  EXPECT_EQ(history->Grades(true)->at(0).checks[0].id, "\xef\xbf\xbd");
  EXPECT_EQ(history->Events()->at(0).detail, "caf\xef\xbf\xbd");
}

TEST_F(HistoryTest, EveryEarlierVersionIsBroughtUpToDate) {
  for (size_t version = 0; version < HistorySteps().size(); ++version) {
    for (Access access : {Access::kWrite, Access::kRead}) {
      fs::remove(path_);
      MakeVersion(version);
      Result<History> history = Open(access);
      ASSERT_TRUE(history.ok()) << version << ": " << history.status().message();
      Result<std::vector<GradeRecord>> grades = history->Grades(true);
      ASSERT_TRUE(grades.ok()) << version << ": " << grades.status().message();
      ASSERT_EQ(grades->size(), version == 0 ? 0u : 1u);
      if (version > 0) {
        EXPECT_EQ(grades->at(0).earned, 1.5);
        EXPECT_EQ(grades->at(0).checks.at(0).verdict, "wrong");
        EXPECT_EQ(history->Get("q02_x", "level")->value(), "2");
      }
      EXPECT_TRUE(history->Add(SomeGrade()).ok());
      EXPECT_EQ(*Database::Open(path_, Database::Mode::kExisting)->Integer("PRAGMA user_version"),
                static_cast<int64_t>(HistorySteps().size()));
    }
  }
}

// The files that the first release of each version wrote stay readable: its tables, written out.
TEST_F(HistoryTest, TheStepsThatAreInUseAreNotEdited) {
  MakeVersion(HistorySteps().size());
  Result<Database> database = Database::Open(path_, Database::Mode::kExisting);
  std::string columns;
  ASSERT_TRUE(
      database
          ->Run("SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = "
                "'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid",
                {}, [&](const SqlRow& row) { columns += row.Text(0) + " "; })
          .ok());
  EXPECT_EQ(columns,
            "checks.grade checks.place checks.id checks.verdict checks.marks checks.earned "
            "events.id events.time_ms events.kind events.question events.detail "
            "grades.id grades.time_ms grades.question grades.part grades.implementation grades.mode grades.seed "
            "grades.earned grades.possible grades.not_graded grades.lead grades.seconds grades.sources "
            "settings.question settings.key settings.value ");
}

TEST_F(HistoryTest, AStepThatFailsChangesNothing) {
  MakeVersion(HistorySteps().size());
  std::vector<std::string> steps = HistorySteps();
  steps.push_back("ALTER TABLE grades ADD COLUMN more TEXT; INSERT INTO no_such_table VALUES (1);");
  EXPECT_THAT(Open(Access::kWrite, steps).status().message(), HasSubstr("no_such_table"));
  Result<History> history = Open();
  ASSERT_TRUE(history.ok());
  EXPECT_EQ(history->Grades(false)->size(), 1u);
  EXPECT_FALSE(Database::Open(path_, Database::Mode::kExisting)->Run("SELECT more FROM grades").ok());
}

TEST_F(HistoryTest, ANewerVersionIsRefusedAndLeftAsItIs) {
  std::vector<std::string> steps = HistorySteps();
  steps.push_back("CREATE TABLE later (x);");
  ASSERT_TRUE(Open(Access::kWrite, steps).ok());
  const std::string before = ReadFile(path_);
  for (Access access : {Access::kWrite, Access::kRead}) {
    EXPECT_THAT(Open(access).status().message(), HasSubstr("from a newer workbench (version 3, this one knows 2)"));
  }
  EXPECT_EQ(ReadFile(path_), before);
  EXPECT_EQ(said_, "");
}

TEST_F(HistoryTest, WhatIsNoHistoryIsMovedAside) {
  const std::string garbage[] = {"short", std::string(100000, 'x'),
                                 std::string("SQLite format 3\0", 16) + "and then nothing"};
  int number = 0;
  for (const std::string& content : garbage) {
    said_.clear();
    fs::remove(path_);
    WriteFile(content);
    ASSERT_TRUE(Use([](History& history) { return history.Add(SomeGrade()).status(); }).ok());
    const std::string aside = path_ + ".damaged-" + std::to_string(++number);
    EXPECT_EQ(ReadFile(aside), content);
    EXPECT_EQ(said_, path_ + " is damaged: it is now " + aside + ", and a new history is begun\n");
    EXPECT_EQ(Open()->Grades(false)->size(), 1u);
  }
  fs::remove(path_);
  ASSERT_TRUE(Database::Open(path_, Database::Mode::kCreate)->RunScript("CREATE TABLE somebody_elses (x)").ok());
  ASSERT_TRUE(Open().ok());
  EXPECT_THAT(said_, HasSubstr("is not a history of the workbench"));
}

TEST_F(HistoryTest, AnEmptyFileBecomesAHistory) {
  WriteFile("");
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(said_, "");
}

// A page in the middle is overwritten: found only when it is read.
TEST_F(HistoryTest, DamageInTheMiddleIsMovedAsideWhenItIsMet) {
  {
    Result<History> history = Open();
    for (int i = 0; i < 300; ++i) ASSERT_TRUE(history->Add(SomeGrade()).ok());
  }
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(20 * 4096, 'x');
  }
  const Status status = Use([](History& history) { return history.Grades(true).status(); });
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_THAT(said_, HasSubstr("is damaged: it is now"));
  EXPECT_TRUE(fs::exists(path_ + ".damaged-1"));
  EXPECT_EQ(Open()->Grades(false)->size(), 0u);
}

TEST_F(HistoryTest, TwoThatFindItDamagedMoveItOnce) {
  WriteFile("garbage");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      const auto nobody = [](const std::string&) {};
      Result<History> history = History::Open(path_, Access::kWrite, nobody);
      ASSERT_TRUE(history.ok()) << history.status().message();
      ASSERT_TRUE(history->Add(SomeGrade()).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(fs::exists(path_ + ".damaged-2"));
  EXPECT_EQ(Open()->Grades(false)->size(), 4u);
}

TEST_F(HistoryTest, TwoProcessesWriteAtOnce) {
  constexpr int kEach = 100;
  pid_t children[2];
  for (pid_t& child : children) {
    child = fork();
    if (child != 0) continue;
    Result<History> history = Open();
    for (int i = 0; i < kEach; ++i) {
      if (!history.ok() || !history->Add(SomeGrade()).ok()) _exit(1);
    }
    _exit(0);
  }
  for (pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  Result<std::vector<GradeRecord>> grades = Open()->Grades(true);
  ASSERT_EQ(grades->size(), 2u * kEach);
  for (const GradeRecord& grade : *grades) EXPECT_EQ(grade.checks.size(), 2u);
}

// Where root runs the test, everything can be written: then another user does.
TEST_F(HistoryTest, WhatCannotBeWrittenCanBeRead) {
  MakeVersion(1);
  fs::permissions(path_, fs::perms(0444));
  fs::permissions(folder_, fs::perms(0555));
  const pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(77);
    if (access(path_.c_str(), R_OK) != 0) _exit(77);
    const Result<History> written = Open(Access::kWrite);
    if (written.ok() || written.status().message().find("cannot be written") == std::string::npos) _exit(1);
    Result<History> read = Open(Access::kRead);
    if (!read.ok() || read->Grades(true)->size() != 1) _exit(2);
    path_ = folder_ + "/not_there.sqlite";
    Result<History> nothing = Open(Access::kRead);
    _exit(nothing.ok() && nothing->Grades(true)->empty() ? 0 : 3);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "no user without rights can get at the folder";
  EXPECT_EQ(status, 0) << WEXITSTATUS(status);
}

// A limit on file sizes stands for the full disk.
TEST_F(HistoryTest, AFullDiskLosesOnlyWhatDoesNotFit) {
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{120000, 120000};
    setrlimit(RLIMIT_FSIZE, &limit);
    Result<History> history = Open();
    if (!history.ok()) _exit(1);
    int kept = 0;
    Status status;
    for (; kept < 10000 && status.ok(); ++kept) status = history->Add(SomeGrade()).status();
    if (status.message().find("a write failed: free some space") == std::string::npos) _exit(2);
    // It goes on, and still can be read.
    if (history->Grades(true)->size() != static_cast<size_t>(kept) - 1) _exit(3);
    _exit(kept < 10 ? 4 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0) << WEXITSTATUS(status);
  Result<History> history = Open();
  const size_t before = history->Grades(true)->size();
  EXPECT_GT(before, 10u);
  EXPECT_TRUE(history->Add(SomeGrade()).ok());
  EXPECT_EQ(history->Grades(true)->size(), before + 1);
  EXPECT_EQ(said_, "");
}

TEST(ParseResultTest, ReadsAndRefuses) {
  const std::string good = R"({"schema": 1, "question": "q02_x", "title": "", "implementation": "answer", "mode": "gpu",
    "seed": 18446744073709551615, "seconds": 1, "marks": {"earned": 1, "possible": 2, "not_graded": 3}, "lead": null,
    "checks": [{"id": "a.)"
                           "\xff"
                           R"(", "verdict": "pass", "marks": 1, "earned": 1}]})";
  Result<GradeRecord> grade = ParseResult(good);
  ASSERT_TRUE(grade.ok()) << grade.status().message();
  EXPECT_TRUE(grade->full_marks());
  EXPECT_EQ(grade->checks[0].id, "a.\xef\xbf\xbd");
  EXPECT_THAT(ParseResult("{\"schema\": 2}").status().message(), HasSubstr("schema 2"));
  EXPECT_THAT(ParseResult(good.substr(0, 50)).status().message(), HasSubstr("no result of a grade"));
  EXPECT_THAT(ParseResult("{}").status().message(), HasSubstr("no result of a grade"));
}

}  // namespace
}  // namespace workbench
