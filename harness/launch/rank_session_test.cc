// Drives sessions of a fake runner with an implementation that misbehaves as told. Every test ends with nothing left
// over.
#include "harness/launch/rank_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>

#include "harness/launch/process_tree.h"

namespace workbench {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr char kRunner[] = "harness/testing/fake_runner";
constexpr char kLibrary[] = "harness/testing/fake_implementation.so";
constexpr char kOwner[] = "harness/testing/session_owner";
constexpr int kNoMpi = 0;

class Subreaper : public testing::Environment {
 public:
  void SetUp() override { OwnDescendants(); }
};
[[maybe_unused]] const auto* const kSubreaper = testing::AddGlobalTestEnvironment(new Subreaper);

SessionOptions Options(int ranks) {
  SessionOptions options;
  options.runner = kRunner;
  options.library = kLibrary;
  options.ranks = ranks;
  if (ranks == kNoMpi) {
    options.ranks = 1;
    options.use_mpi = false;
    options.runner_arguments = {"--mpi=no"};
  }
  return options;
}

std::optional<Failure> RunCommand(RankSession* session, const std::string& command, double deadline = 20,
                                  std::vector<std::string>* texts = nullptr) {
  std::vector<std::vector<std::byte>> replies;
  std::optional<Failure> failure = session->Run(std::as_bytes(std::span(command)), deadline, &replies);
  if (texts != nullptr) {
    texts->clear();
    for (const auto& reply : replies) texts->emplace_back(reinterpret_cast<const char*>(reply.data()), reply.size());
  }
  return failure;
}

// The private folder of a session, from its command line.
std::string FolderIn(const std::string& command_line) {
  const std::string flag = "--connect=unix:";
  const size_t begin = command_line.find(flag) + flag.size();
  return command_line.substr(begin, command_line.find("/s ", begin) - begin);
}

class RankSessionTest : public testing::Test {
 protected:
  RankSession* Start(const SessionOptions& options) {
    std::optional<Failure> failure;
    session_ = RankSession::Start(options, &failure);
    EXPECT_FALSE(failure) << failure->what << "\n" << failure->output;
    if (session_ == nullptr) std::abort();
    folder_ = FolderIn(session_->command_line());
    EXPECT_TRUE(std::filesystem::is_directory(folder_)) << folder_;
    return session_.get();
  }

  // Starts `ranks`, gives them `command` and wants it to fail.
  Failure FailureOf(int ranks, const std::string& command, double deadline = 20) {
    std::optional<Failure> failure = RunCommand(Start(Options(ranks)), command, deadline);
    EXPECT_TRUE(failure.has_value()) << command;
    // The session is over, and says so instead of hanging.
    EXPECT_TRUE(RunCommand(session_.get(), "ok").has_value());
    EXPECT_FALSE(session_->Close().has_value());
    return failure.value_or(Failure{});
  }

  static Failure FailureToStart(const SessionOptions& options) {
    std::optional<Failure> failure;
    EXPECT_EQ(RankSession::Start(options, &failure), nullptr);
    EXPECT_TRUE(failure.has_value());
    return failure.value_or(Failure{});
  }

  void TearDown() override {
    session_.reset();
    EXPECT_THAT(Descendants(), testing::IsEmpty());
    EXPECT_FALSE(!folder_.empty() && std::filesystem::exists(folder_)) << folder_;
    KillDescendants();
  }

  std::unique_ptr<RankSession> session_;
  std::string folder_;
};

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

// What one rank of several, or the only one, can do.
class MisbehaviourTest : public RankSessionTest, public testing::WithParamInterface<int> {
 protected:
  // The misbehaving rank is the last one.
  int rank() const { return GetParam() == kNoMpi ? 0 : GetParam() - 1; }
  Failure FailureOf(const std::string& command, double deadline = 20) {
    Failure failure = RankSessionTest::FailureOf(GetParam(), command + "@" + std::to_string(rank()), deadline);
    EXPECT_EQ(failure.rank, rank()) << command << ": " << failure.what;
    return failure;
  }
};

TEST_P(MisbehaviourTest, ExitWithSuccessIsACrash) {
  const Failure failure = FailureOf("exit");
  EXPECT_EQ(failure.kind, FailureKind::kCrash);
  EXPECT_THAT(failure.what, HasSubstr("ended in the middle of a case"));
}

TEST_P(MisbehaviourTest, UnderscoreExitIsACrash) { EXPECT_EQ(FailureOf("_exit").kind, FailureKind::kCrash); }

TEST_P(MisbehaviourTest, ASegmentationFaultIsToldWithItsPlace) {
  const Failure failure = FailureOf("segv");
  EXPECT_EQ(failure.kind, FailureKind::kCrash);
  EXPECT_THAT(failure.what, AllOf(HasSubstr("Segmentation fault at address 0x10"),
                                  HasSubstr("in StoreThroughNull (fake_implementation.cc:"),
                                  HasSubstr("called from q00_run (fake_implementation.cc:")));
}

TEST_P(MisbehaviourTest, AKillIsACrash) {
  const Failure failure = FailureOf("kill_self");
  EXPECT_EQ(failure.kind, FailureKind::kCrash);
  EXPECT_THAT(failure.what + failure.output, HasSubstr("Killed"));
}

TEST_P(MisbehaviourTest, EndlessWorkIsAHangOfThatRank) {
  const double start = Now();
  const Failure failure = FailureOf("loop", 1);
  EXPECT_EQ(failure.kind, FailureKind::kHang);
  EXPECT_THAT(failure.what, HasSubstr("rank " + std::to_string(rank()) + " computes"));
  EXPECT_LT(Now() - start, 15);
}

TEST_P(MisbehaviourTest, AnExceptionIsAnErrorOfTheImplementation) {
  const Failure failure = FailureOf("throw");
  EXPECT_EQ(failure.kind, FailureKind::kImplementationError);
  EXPECT_THAT(failure.what, HasSubstr("thrown on purpose"));
}

TEST_P(MisbehaviourTest, ForkIsForbidden) {
  const Failure failure = FailureOf("fork");
  EXPECT_EQ(failure.kind, FailureKind::kForbidden);
  EXPECT_THAT(failure.what, HasSubstr("fork()"));
}

INSTANTIATE_TEST_SUITE_P(Ranks, MisbehaviourTest, testing::Values(kNoMpi, 2));

TEST_F(RankSessionTest, AnErrorReturnIsAnErrorOfTheImplementation) {
  const Failure failure = FailureOf(kNoMpi, "error");
  EXPECT_EQ(failure.kind, FailureKind::kImplementationError);
  EXPECT_EQ(failure.what, "returned 2");
}

TEST_F(RankSessionTest, WhateverIsThrownIsCaught) {
  EXPECT_EQ(FailureOf(kNoMpi, "throw_int").kind, FailureKind::kImplementationError);
}

TEST_F(RankSessionTest, AStackOverflowIsToldToo) {
  const Failure failure = FailureOf(kNoMpi, "overflow");
  EXPECT_EQ(failure.kind, FailureKind::kCrash);
  EXPECT_THAT(failure.what, AllOf(HasSubstr("Segmentation fault"), HasSubstr("Recurse")));
}

TEST_F(RankSessionTest, WhatWasPrintedIsKept) {
  const Failure failure = FailureOf(kNoMpi, "print");
  EXPECT_EQ(failure.kind, FailureKind::kCrash);
  EXPECT_THAT(failure.what, HasSubstr("Aborted"));
  EXPECT_THAT(failure.output, HasSubstr("printed by the implementation"));
}

TEST_F(RankSessionTest, KillingTheParentIsForbidden) {
  const Failure failure = FailureOf(kNoMpi, "kill_parent");
  EXPECT_EQ(failure.kind, FailureKind::kForbidden);
  EXPECT_THAT(failure.what, HasSubstr("kill()"));
}

TEST_F(RankSessionTest, AHangOfAllRanksIsNoOnesInParticular) {
  const Failure failure = FailureOf(2, "loop", 1);
  EXPECT_EQ(failure.kind, FailureKind::kHang);
  EXPECT_EQ(failure.rank, -1);
  EXPECT_THAT(failure.what, AllOf(HasSubstr("rank 0 computes"), HasSubstr("rank 1 computes")));
}

// The implementation shares the process, and so the socket, with the judge's side.
TEST_F(RankSessionTest, BytesForgedIntoTheSocketEndTheRunAndNotTheGrader) {
  for (const char* command : {"garbage", "huge_frame"}) {
    const Failure failure = FailureOf(kNoMpi, command, 10);
    EXPECT_EQ(failure.kind, FailureKind::kCrash) << failure.what;
  }
}

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
    Result<ChildProcess> owner = ChildProcess::Start({{kOwner, kRunner, kLibrary, ranks}, {}});
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
