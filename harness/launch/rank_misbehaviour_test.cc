// What an implementation can do to its process, and what its caller is told of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "harness/testing/session_fixture.h"

namespace workbench {
namespace {

using testing::AllOf;
using testing::HasSubstr;

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
  // mpirun has its own ways of telling; without it the signal is seen.
  if (GetParam() == kNoMpi) {
    EXPECT_THAT(failure.what, HasSubstr("was killed by Killed"));
  }
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

// Where starting processes is what is asked for, the grader is out of reach all the same.
class ProcessesTest : public RankSessionTest {
 protected:
  void SetUp() override { setenv("FAKE_PREPARE", "processes", 1); }
  void TearDown() override { unsetenv("FAKE_PREPARE"); }
};

TEST_F(ProcessesTest, AChildOfItsOwnGroupRunsAndIsKilled) {
  EXPECT_FALSE(RunCommand(Start(Options(kNoMpi)), "child").has_value());
}

TEST_F(ProcessesTest, TheGraderItsGroupAndEverybodyAreOutOfReach) {
  for (const char* command : {"kill_parent", "kill_parents_group", "kill_everybody"}) {
    const Failure failure = FailureOf(kNoMpi, command);
    EXPECT_EQ(failure.kind, FailureKind::kForbidden) << command;
    EXPECT_THAT(failure.what, HasSubstr("kill()")) << command;
  }
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

}  // namespace
}  // namespace workbench
