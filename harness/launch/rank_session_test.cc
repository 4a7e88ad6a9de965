// Sessions from start to end: ranks, launcher, owner, and what is left behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>

#include "harness/testing/session_fixture.h"

namespace workbench {
namespace {

using testing::HasSubstr;

constexpr char kOwner[] = "harness/testing/session_owner";

class RankCountTest : public RankSessionTest, public testing::WithParamInterface<int> {};

TEST_P(RankCountTest, EveryRankRepliesToEveryCase) {
  const int ranks = GetParam() == kNoMpi ? 1 : GetParam();
  RankSession* session = Start(Options(GetParam()));
  for (int round = 0; round < 3; ++round) {
    std::vector<std::string> replies;
    const std::optional<Failure> failure = RunCommand(session, "ok", 20, &replies);
    ASSERT_FALSE(failure) << failure->what;
    ASSERT_EQ(replies.size(), static_cast<size_t>(ranks));
    for (int r = 0; r < ranks; ++r) {
      EXPECT_EQ(replies[static_cast<size_t>(r)], "rank " + std::to_string(r) + " of " + std::to_string(ranks));
    }
    EXPECT_GT(session->last_case_seconds(), 0);
  }
  const std::optional<Failure> failure = session->Close();
  EXPECT_FALSE(failure) << failure->what << failure->output;
}

INSTANTIATE_TEST_SUITE_P(Ranks, RankCountTest, testing::Values(kNoMpi, 1, 2, 5));

TEST_F(RankSessionTest, ALauncherThatIsKilledTakesItsRanksAlong) {
  RankSession* session = Start(Options(2));
  const pid_t launcher = session->processes().at(0);
  std::thread killer([launcher] {
    usleep(300000);
    kill(launcher, SIGKILL);
  });
  const std::optional<Failure> failure = RunCommand(session, "loop");
  killer.join();
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->kind, FailureKind::kCrash);
  EXPECT_EQ(failure->rank, -1);
  EXPECT_THAT(failure->what, HasSubstr("mpirun was killed by Killed"));
}

TEST_F(RankSessionTest, AProcessLeftBehindIsALeak) {
  for (const int ranks : {kNoMpi, 2}) {
    SessionOptions options = Options(ranks);
    options.environment = {"FAKE_PREPARE=daemon"};
    RankSession* session = Start(options);
    ASSERT_FALSE(RunCommand(session, "ok").has_value());
    const std::optional<Failure> failure = session->Close();
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->kind, FailureKind::kLeak) << failure->what;
    EXPECT_THAT(Descendants(), testing::IsEmpty());
  }
}

TEST_F(RankSessionTest, OneSessionsEndLeavesAnotherAlone) {
  RankSession* kept = Start(Options(2));
  SessionOptions options = Options(kNoMpi);
  options.keep_processes = [kept] { return kept->processes(); };
  for (const char* command : {"ok", "segv"}) {
    std::optional<Failure> failure;
    const std::unique_ptr<RankSession> other = RankSession::Start(options, &failure);
    ASSERT_FALSE(failure) << failure->what;
    EXPECT_EQ(RunCommand(other.get(), command).has_value(), std::string(command) == "segv");
    EXPECT_FALSE(other->Close().has_value());
    EXPECT_FALSE(RunCommand(kept, "ok").has_value());
  }
  EXPECT_FALSE(kept->Close().has_value());
}

TEST_F(RankSessionTest, ASessionThatIsDroppedLeavesNothing) {
  Start(Options(2));
  session_.reset();
  EXPECT_THAT(Descendants(), testing::IsEmpty());
}

TEST_F(RankSessionTest, AnImplementationThatCannotBeLoadedIsItsOwnFault) {
  SessionOptions options = Options(kNoMpi);
  options.library = "no/such/implementation.so";
  Failure failure = FailureToStart(options);
  EXPECT_EQ(failure.kind, FailureKind::kImplementationError);
  EXPECT_THAT(failure.what, HasSubstr("no/such/implementation.so"));

  options.library = "harness/testing/calls_getenv.so";
  failure = FailureToStart(options);
  EXPECT_EQ(failure.kind, FailureKind::kImplementationError);
  EXPECT_THAT(failure.what, HasSubstr("does not define q00_run"));
}

TEST_F(RankSessionTest, ARunnerThatDoesNotStartIsTheHarnesssFault) {
  for (const int ranks : {kNoMpi, 2}) {
    SessionOptions options = Options(ranks);
    options.runner = "no/such/runner";
    const Failure failure = FailureToStart(options);
    EXPECT_EQ(failure.kind, FailureKind::kHarness);
    EXPECT_THAT(failure.what + failure.output, HasSubstr("no/such/runner"));
  }
  SessionOptions options = Options(kNoMpi);
  options.environment = {"FAKE_PREPARE=fail"};
  const Failure failure = FailureToStart(options);
  EXPECT_EQ(failure.kind, FailureKind::kHarness);
  EXPECT_THAT(failure.what, HasSubstr("prepared to fail"));
}

// SIGKILL leaves the owner no chance to clean up: launcher and ranks must notice by themselves.
TEST_F(RankSessionTest, NothingOutlivesAnOwnerThatIsKilled) {
  for (const char* ranks : {"0", "2"}) {
    Result<ChildProcess> owner = ChildProcess::Start({{kOwner, kFakeRunner, kFakeLibrary, ranks}, {}});
    ASSERT_TRUE(owner.ok());
    const double start = Now();
    while (owner->Output().find("running") == std::string::npos && Now() - start < 30) {
      (void)owner->ReadOutput();
      usleep(10000);
    }
    ASSERT_THAT(owner->Output(), HasSubstr("running")) << ranks;
    usleep(100000);  // the ranks have begun to loop
    EXPECT_GE(Descendants().size(), std::string(ranks) == "0" ? 2u : 4u);
    kill(owner->pid(), SIGKILL);
    const double killed = Now();
    while (!Descendants().empty() && Now() - killed < 3) usleep(10000);
    EXPECT_THAT(Descendants(), testing::IsEmpty()) << ranks;
    std::filesystem::remove_all(FolderIn(owner->Output()));  // the one thing that nobody is left to do
  }
}

}  // namespace
}  // namespace workbench
