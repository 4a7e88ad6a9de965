// JudgeTransport under real ranks: what it counts, what it refuses, and how unkind it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "harness/testing/transport_fixture.h"

namespace workbench {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class JudgeTransportTest : public TransportFixture {};

JudgeOptions Adversarial(uint64_t seed) {
  JudgeOptions options;
  options.adversarial = 1;
  options.seed = seed;
  return options;
}

JudgeOptions Rendezvous() {
  JudgeOptions options;
  options.rendezvous = 1;
  return options;
}

TEST_F(JudgeTransportTest, MessagesOfOneSourceAndTagKeepTheirOrder) {
  for (const int ranks : {1, 2, 4}) {
    Good(ranks, "order");
    Good(ranks, "order", Rendezvous());
    for (uint64_t seed = 1; seed <= 3; ++seed) Good(ranks, "order", Adversarial(seed));
  }
}

TEST_F(JudgeTransportTest, AdversarialAndRendezvousTogetherKeepTheOrder) {
  JudgeOptions options = Adversarial(9);
  options.rendezvous = 1;
  Good(2, "order", options);
}

TEST_F(JudgeTransportTest, CountsMessagesAndBytes) {
  JudgeOptions options;
  for (const JudgeCounts& counts : Good(4, "ring_steps", options)) {
    EXPECT_EQ(counts.messages_sent, 6u);
    EXPECT_EQ(counts.messages_received, 6u);
    EXPECT_EQ(counts.bytes_sent, 60u);
    EXPECT_EQ(counts.bytes_received, 60u);
    EXPECT_EQ(counts.largest_message, 10u);
    EXPECT_EQ(counts.unwaited_requests, 0u);
  }
  const std::vector<JudgeCounts> counts = Good(4, "relay");
  EXPECT_EQ(counts[0].destinations, 0b10u);
  EXPECT_EQ(counts[0].sources, 0u);
  EXPECT_EQ(counts[1].destinations, 0b100u);
  EXPECT_EQ(counts[1].sources, 0b1u);
  EXPECT_EQ(counts[3].messages_sent + counts[3].messages_received, 0u);
}

TEST_F(JudgeTransportTest, AMessageOfNoBytesIsAMessage) {
  for (const JudgeOptions& options : {JudgeOptions{}, Rendezvous(), Adversarial(4)}) {
    for (const JudgeCounts& counts : Good(2, "empty_messages", options)) {
      EXPECT_EQ(counts.messages_sent, 2u);
      EXPECT_EQ(counts.messages_received, 2u);
      EXPECT_EQ(counts.bytes_sent, 0u);
      EXPECT_EQ(counts.unwaited_requests, 0u);
    }
  }
}

// alpha = 1, beta = 0: every step of a ring of four takes one unit, and there are 2 (4 - 1).
TEST_F(JudgeTransportTest, ModelTimeOfARing) {
  for (const bool unkind : {false, true}) {
    JudgeOptions options = unkind ? Adversarial(2) : JudgeOptions{};
    options.alpha = 1;
    options.beta = 0;
    for (const JudgeCounts& counts : Good(4, "ring_steps", options)) EXPECT_EQ(counts.model_seconds, 6);
    // 10 bytes a message at 0.5: 1 + 5 a step.
    options.beta = 0.5;
    for (const JudgeCounts& counts : Good(4, "ring_steps", options)) EXPECT_EQ(counts.model_seconds, 36);
  }
}

// Rank 0's port is busy 0 to 6 (10 bytes) and 6 to 9 (4 bytes); rank 1 has both at 9, and its 2 bytes arrive at 11.
TEST_F(JudgeTransportTest, ModelTimeOfARelay) {
  JudgeOptions options;
  options.alpha = 1;
  options.beta = 0.5;
  const std::vector<JudgeCounts> counts = Good(4, "relay", options);
  EXPECT_EQ(counts[0].model_seconds, 9);
  EXPECT_EQ(counts[1].model_seconds, 11);
  EXPECT_EQ(counts[2].model_seconds, 11);
  EXPECT_EQ(counts[3].model_seconds, 0);
}

TEST_F(JudgeTransportTest, WaitAnyReturnsACompleteRequest) {
  Good(2, "wait_any_of_some");
  Good(2, "wait_any_of_some", Adversarial(3));
}

TEST_F(JudgeTransportTest, BlockingSendsInACycleDeadlockWhenTheyWaitForTheirReceives) {
  Good(2, "send_cycle");  // buffered: it works, which is how such code survives
  const Failure failure = Bad(2, "send_cycle", Rendezvous());
  EXPECT_EQ(failure.kind, FailureKind::kDeadlock) << failure.what;
  EXPECT_THAT(failure.what, AllOf(HasSubstr("deadlock"), HasSubstr("rank 0 waits to send 4 bytes to rank 1 (tag 7)"),
                                  HasSubstr("rank 1 waits to send 4 bytes to rank 0 (tag 7)")));
}

TEST_F(JudgeTransportTest, SendRecvInACycleDoesNot) {
  for (const int ranks : {1, 2, 4}) Good(ranks, "send_recv_cycle", Rendezvous());
}

TEST_F(JudgeTransportTest, ASizeThatDoesNotMatchEndsTheRun) {
  for (const JudgeOptions& options : {JudgeOptions{}, Rendezvous(), Adversarial(5)}) {
    const Failure failure = Bad(2, "size_mismatch", options);
    EXPECT_EQ(failure.kind, FailureKind::kImplementationError);
    EXPECT_EQ(failure.rank, 1);
    EXPECT_THAT(failure.what, HasSubstr("rank 0 sent 8 bytes where rank 1 receives 16 (tag 3)"));
  }
}

TEST_F(JudgeTransportTest, ARequestThatIsNotWaitedForIsCounted) {
  const std::vector<JudgeCounts> counts = Good(2, "not_waited_for");
  EXPECT_EQ(counts[0].unwaited_requests, 1u);
  EXPECT_EQ(counts[1].unwaited_requests, 0u);
}

TEST_F(JudgeTransportTest, WrongUseEndsTheRunWithItsReason) {
  JudgeOptions limited;
  limited.max_message_bytes = 9;
  const struct {
    const char* scenario;
    JudgeOptions options;
    const char* reason;
  } uses[] = {
      {"wait_twice", {}, "waited for twice"},
      {"wait_any_of_nothing", {}, "no request to wait for"},
      {"no_such_rank", {}, "names rank 2; there are ranks 0 to 1"},
      {"no_such_tag", {}, "uses tag 32768"},
      {"ring_steps", limited, "a message of 10 bytes to rank"},
  };
  for (const auto& use : uses) {
    const Failure failure = Bad(2, use.scenario, use.options);
    EXPECT_EQ(failure.kind, FailureKind::kImplementationError) << use.scenario;
    EXPECT_THAT(failure.what, HasSubstr(use.reason)) << use.scenario;
    EXPECT_GE(failure.rank, 0);
  }
  limited.max_message_bytes = 10;
  Good(2, "ring_steps", limited);
}

// The buffer of an Isend is read late, and that of an Irecv filled late: both mistakes show.
TEST_F(JudgeTransportTest, AnAdversarialRunUsesBuffersAsLateAsItMay) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    std::optional<Failure> failure;
    const std::vector<TransportReply> replies = Run(2, "buffers_are_the_transports", true, Adversarial(seed), &failure);
    ASSERT_FALSE(failure) << failure->what;
    EXPECT_STREQ(replies[1].trouble, "-1 then 2");
  }
}

}  // namespace
}  // namespace workbench
