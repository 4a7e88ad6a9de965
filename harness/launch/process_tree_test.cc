#include "harness/launch/process_tree.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

namespace workbench {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// Once for all tests of this program: it cannot be undone.
class Subreaper : public testing::Environment {
 public:
  void SetUp() override { OwnDescendants(); }
};
[[maybe_unused]] const auto* const kSubreaper = testing::AddGlobalTestEnvironment(new Subreaper);

ChildProcess StartShell(const std::string& script, const std::vector<std::string>& environment = {}) {
  Result<ChildProcess> child = ChildProcess::Start({{"sh", "-c", script}, environment});
  EXPECT_TRUE(child.ok()) << child.status().message();
  return std::move(*child);
}

// Reads until the end of its output and of itself; its wait status.
int Finish(ChildProcess* child) {
  bool open = true;
  int status = -1;
  for (int i = 0; i < 10000; ++i) {
    pollfd waiting{child->output_fd(), POLLIN, 0};
    if (open) poll(&waiting, 1, 10);
    open = open && child->ReadOutput();
    if (!open && child->TryWait(&status)) return status;
    if (!open) usleep(1000);
  }
  ADD_FAILURE() << "the child does not end";
  return -1;
}

bool WaitFor(const std::function<bool()>& condition) {
  for (int i = 0; i < 5000; ++i) {
    if (condition()) return true;
    usleep(1000);
  }
  return false;
}

TEST(ChildProcessTest, OutputAndStatusAreCaptured) {
  ChildProcess child = StartShell("echo out; echo err >&2; exit 7");
  const int status = Finish(&child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_THAT(child.Output(), HasSubstr("out\n"));
  EXPECT_THAT(child.Output(), HasSubstr("err\n"));
  int again = 0;
  EXPECT_TRUE(child.TryWait(&again));
  EXPECT_EQ(again, status);
}

TEST(ChildProcessTest, ASignalIsSeenAsOne) {
  ChildProcess child = StartShell("kill -9 $$");
  const int status = Finish(&child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

TEST(ChildProcessTest, BeginningAndEndOfLongOutputAreKept) {
  ChildProcess child = StartShell("echo beginning; head -c 5000000 /dev/zero | tr '\\0' x; echo the end");
  Finish(&child);
  const std::string output = child.Output();
  EXPECT_THAT(output, StartsWith("beginning\n"));
  EXPECT_THAT(output, testing::EndsWith("the end\n"));
  EXPECT_THAT(output, HasSubstr("(cut)"));
  EXPECT_LT(output.size(), 33u * 1024);
}

TEST(ChildProcessTest, OutputBelowTheCapIsWhole) {
  ChildProcess child = StartShell("head -c 30000 /dev/zero | tr '\\0' x");
  Finish(&child);
  EXPECT_EQ(child.Output(), std::string(30000, 'x'));
}

TEST(ChildProcessTest, EnvironmentIsAddedToAndReplaced) {
  setenv("PROCESS_TREE_A", "old", 1);
  setenv("PROCESS_TREE_AB", "kept", 1);
  ChildProcess child =
      StartShell("echo $PROCESS_TREE_A $PROCESS_TREE_AB $PROCESS_TREE_C", {"PROCESS_TREE_A=new", "PROCESS_TREE_C=x=y"});
  Finish(&child);
  EXPECT_EQ(child.Output(), "new kept x=y\n");
}

TEST(ChildProcessTest, AProgramThatIsNotThereSaysSo) {
  Result<ChildProcess> child = ChildProcess::Start({{"no_such_program_anywhere"}, {}});
  ASSERT_TRUE(child.ok());
  const int status = Finish(&*child);
  EXPECT_EQ(WEXITSTATUS(status), 127);
  EXPECT_THAT(child->Output(), HasSubstr("cannot start no_such_program_anywhere"));
}

TEST(ChildProcessTest, IsKilledWhenItsOwnerGoes) {
  pid_t pid;
  {
    ChildProcess child = StartShell("exec sleep 1000");
    pid = child.pid();
    EXPECT_EQ(kill(pid, 0), 0);
  }
  EXPECT_NE(kill(pid, 0), 0);
}

// Signals that this process blocks must not stay blocked in a child: mpirun ends its ranks on SIGTERM.
TEST(ChildProcessTest, ReceivesSignalsThatThisProcessBlocks) {
  ChildProcess child = StartShell("kill -TERM $$; echo survived");
  const int status = Finish(&child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

TEST(KillDescendantsTest, NothingToKill) {
  EXPECT_TRUE(Descendants().empty());
  EXPECT_EQ(KillDescendants(), 0);
}

// Forked twice, with a session and a name of its own: it belongs to nobody, unless there is a subreaper.
TEST(KillDescendantsTest, EndsADaemon) {
  int pipe_fds[2];
  ASSERT_EQ(pipe(pipe_fds), 0);
  const pid_t child = fork();
  if (child == 0) {
    if (fork() != 0) _exit(0);
    setsid();
    if (fork() != 0) _exit(0);
    const pid_t self = getpid();
    (void)!write(pipe_fds[1], &self, sizeof self);
    while (true) pause();
  }
  pid_t daemon = 0;
  ASSERT_EQ(read(pipe_fds[0], &daemon, sizeof daemon), static_cast<ssize_t>(sizeof daemon));
  close(pipe_fds[0]);
  close(pipe_fds[1]);
  int status;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WaitFor([&] { return Descendants() == std::vector<pid_t>{daemon}; }));
  EXPECT_GE(KillDescendants(), 1);
  EXPECT_TRUE(Descendants().empty());
  while (waitpid(-1, &status, WNOHANG) > 0) {
  }
  EXPECT_NE(kill(daemon, 0), 0);
}

TEST(KillDescendantsTest, EndsAWholeTreeThatGrows) {
  ChildProcess child =
      StartShell("grow() { sleep 1000 & while :; do sleep 1000 & sleep 0.01; done; }; grow & grow & wait");
  EXPECT_TRUE(WaitFor([] { return Descendants().size() > 10; }));
  EXPECT_GT(KillDescendants(), 10);
  EXPECT_TRUE(Descendants().empty());
}

TEST(KillDescendantsTest, SparesAnExceptionAndAllBelowIt) {
  ChildProcess spared = StartShell("sleep 1000 & sleep 1000 & wait");
  ChildProcess other = StartShell("sleep 1000 & wait");
  EXPECT_TRUE(WaitFor([] { return Descendants().size() == 5; }));
  EXPECT_EQ(Descendants({spared.pid()}).size(), 2u);
  EXPECT_GE(KillDescendants({spared.pid()}), 2);
  EXPECT_EQ(Descendants().size(), 3u);
  int status;
  EXPECT_FALSE(spared.TryWait(&status));
  EXPECT_TRUE(other.TryWait(&status));
  KillDescendants();
  EXPECT_TRUE(Descendants().empty());
}

TEST(PrivateFolderTest, IsPrivateAndGoesWhenAsked) {
  Result<std::string> folder = MakePrivateFolder(testing::TempDir());
  ASSERT_TRUE(folder.ok()) << folder.status().message();
  EXPECT_THAT(*folder, StartsWith(testing::TempDir()));
  struct stat info {};
  ASSERT_EQ(stat(folder->c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  std::ofstream(*folder + "/file") << "text";
  RemoveFolder(*folder);
  EXPECT_FALSE(std::filesystem::exists(*folder));
}

TEST(PrivateFolderTest, FallsBackToTmp) {
  Result<std::string> folder = MakePrivateFolder("/no/such/folder");
  ASSERT_TRUE(folder.ok()) << folder.status().message();
  EXPECT_THAT(*folder, StartsWith("/tmp/workbench."));
  EXPECT_TRUE(std::filesystem::is_directory(*folder));
  RemoveFolder(*folder);
}

// What Ctrl-C and Bazel's time limit do.
TEST(OwnDescendantsTest, ASignalEndsTheDescendantsAndRemovesTheFolders) {
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
    int pipe_fds[2];
    ASSERT_EQ(pipe(pipe_fds), 0);
    const pid_t owner = fork();
    if (owner == 0) {
      OwnDescendants();
      Result<std::string> folder = MakePrivateFolder("/tmp");
      ChildProcess child = StartShell("(sleep 1000 &) ; exec sleep 1000");
      while (Descendants().size() < 2) usleep(1000);
      (void)!write(pipe_fds[1], folder->c_str(), folder->size() + 1);
      while (true) pause();
    }
    char folder[256] = "";
    ASSERT_GT(read(pipe_fds[0], folder, sizeof folder), 0);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    EXPECT_TRUE(std::filesystem::is_directory(folder)) << folder;
    kill(owner, signal_number);
    int status = 0;
    ASSERT_EQ(waitpid(owner, &status, 0), owner);
    ASSERT_TRUE(WIFSIGNALED(status)) << status;
    EXPECT_EQ(WTERMSIG(status), signal_number);
    EXPECT_FALSE(std::filesystem::exists(folder)) << folder;
    EXPECT_TRUE(Descendants().empty());
    KillDescendants();
  }
}

}  // namespace
}  // namespace workbench
