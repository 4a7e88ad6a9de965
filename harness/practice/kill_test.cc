// Kills (SIGKILL) a process that records, reads and reopens in a loop, 200 times at random moments. Nothing that was
// acknowledged may be missing afterwards, and nothing may be there in part.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <set>

#include "harness/practice/history.h"

namespace workbench {
namespace {

constexpr int kKills = 200;
constexpr size_t kChecks = 40;  // a large grade, so that one transaction writes several pages

void Nobody(const std::string& said) { std::fprintf(stderr, "%s\n", said.c_str()); }

void Acknowledge(int fd, char kind, int64_t number) {
  char text[32];
  const int size = std::snprintf(text, sizeof text, "%c%lld\n", kind, static_cast<long long>(number));
  if (write(fd, text, static_cast<size_t>(size)) != size) _exit(3);
}

// Never returns. Each record carries its own number, and is acknowledged once the history has said that it is kept.
[[noreturn]] void RecordForEver(const std::string& path, int64_t first, int fd) {
  for (int64_t number = first;; number += 3) {
    // As `./workbench` does: a connection a record.
    Result<History> history = History::Open(path, History::Access::kWrite, Nobody);
    if (!history.ok()) _exit(2);
    GradeRecord grade;
    grade.question = "q02_x";
    grade.implementation = "answer";
    grade.seed = static_cast<uint64_t>(number);
    for (size_t i = 0; i < kChecks; ++i) grade.checks.push_back({"check." + std::to_string(i), "pass", 1, 1});
    if (!history->Add(grade).ok()) _exit(2);
    Acknowledge(fd, 'g', number);
    if (!history->Add(EventRecord{0, 0, "save", "q02_x", std::to_string(number)}).ok()) _exit(2);
    Acknowledge(fd, 'e', number);
    if (!history->Set("-", "last", std::to_string(number)).ok()) _exit(2);
    Acknowledge(fd, 's', number);
    if (number % 30 == 0 && !history->Grades(false).ok()) _exit(2);
  }
}

TEST(KillTest, NothingAcknowledgedIsLost) {
  std::string name = ::testing::TempDir() + "/kill_test.XXXXXX";
  const std::string folder = mkdtemp(name.data());
  const std::string path = folder + "/history.sqlite";
  std::mt19937 random(std::random_device{}());
  std::uniform_int_distribution<int> delay_us(500, 30000);
  std::set<int64_t> grades, events;
  int64_t last_set = 0, number = 1;
  int interrupted = 0;  // kills that left a journal: in the middle of a transaction

  for (int kill_number = 0; kill_number < kKills; ++kill_number) {
    int fds[2];
    ASSERT_EQ(pipe(fds), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(fds[0]);
      RecordForEver(path, number, fds[1]);
    }
    close(fds[1]);
    FILE* acknowledged = fdopen(fds[0], "r");
    char line[64];
    const auto read_one = [&] {
      char kind = 0;
      long long of = 0;
      if (std::fgets(line, sizeof line, acknowledged) == nullptr) return false;
      if (std::sscanf(line, "%c%lld", &kind, &of) != 2) return false;
      number = std::max<int64_t>(number, of + 3);
      if (kind == 'g') grades.insert(of);
      if (kind == 'e') events.insert(of);
      if (kind == 's') last_set = of;
      return true;
    };
    // Some writes later, however long the disk takes for them, and then at any moment.
    for (int writes = static_cast<int>(kill_number % 6); writes > 0 && read_one(); --writes) {
    }
    usleep(static_cast<useconds_t>(delay_us(random)));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "it ended by itself, with " << WEXITSTATUS(status);
    interrupted += std::filesystem::exists(path + "-journal");
    while (read_one()) {
    }
    std::fclose(acknowledged);
    number += 3;  // the one under way may be there or not

    Result<History> history = History::Open(path, History::Access::kRead, Nobody);
    ASSERT_TRUE(history.ok()) << history.status().message();
    // What is in the history must be a superset of what was acknowledged, and whole.
    std::set<int64_t> missing_grades = grades, missing_events = events;
    Result<std::vector<GradeRecord>> found = history->Grades(true);
    ASSERT_TRUE(found.ok()) << found.status().message();
    for (const GradeRecord& grade : *found) {
      missing_grades.erase(static_cast<int64_t>(grade.seed));
      ASSERT_EQ(grade.checks.size(), kChecks) << "a grade is there in part";
    }
    Result<std::vector<EventRecord>> events_found = history->Events();
    ASSERT_TRUE(events_found.ok()) << events_found.status().message();
    for (const EventRecord& event : *events_found) missing_events.erase(std::atoll(event.detail.c_str()));
    ASSERT_TRUE(missing_grades.empty() && missing_events.empty()) << "lost after kill " << kill_number;
    const std::string set = history->Get("-", "last")->value_or("0");
    ASSERT_GE(std::atoll(set.c_str()), last_set);
    ASSERT_FALSE(std::filesystem::exists(path + ".damaged-1"));
  }
  std::printf("%d kills, %d of them within a transaction; %zu grades and %zu events are all there\n", kKills,
              interrupted, grades.size(), events.size());
  EXPECT_GT(interrupted, 0) << "no kill met a transaction: this test has proved nothing";
  EXPECT_GT(grades.size(), 100u);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace workbench
