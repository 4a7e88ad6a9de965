// MpiTransport under real ranks: the same scenarios as JudgeTransport's, as far as it promises anything.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "harness/testing/transport_fixture.h"

namespace workbench {
namespace {

class MpiTransportTest : public TransportFixture {
 protected:
  void ExpectGood(int ranks, const std::string& scenario) { Good(ranks, scenario, {}, /*judge=*/false); }
};

TEST_F(MpiTransportTest, MessagesOfOneSourceAndTagKeepTheirOrder) {
  for (const int ranks : {1, 2, 4}) ExpectGood(ranks, "order");
}

TEST_F(MpiTransportTest, EverythingElseWorks) {
  for (const char* scenario : {"empty_messages", "send_recv_cycle", "ring_steps"}) {
    for (const int ranks : {1, 2, 4}) ExpectGood(ranks, scenario);
  }
  ExpectGood(2, "wait_any_of_some");
  ExpectGood(4, "relay");
}

TEST_F(MpiTransportTest, WaitAnyOfNothingEndsTheRun) {
  const Failure failure = Bad(2, "wait_any_of_nothing", {}, /*judge=*/false);
  EXPECT_EQ(failure.kind, FailureKind::kImplementationError);
  EXPECT_THAT(failure.what, testing::HasSubstr("no request to wait for"));
}

TEST_F(MpiTransportTest, LongMessagesTravelInPieces) {
  std::ifstream info("/proc/meminfo");
  long available_kib = 0;
  for (std::string word; info >> word;) {
    if (word == "MemAvailable:") info >> available_kib;
  }
  if (available_kib < 6L * 1024 * 1024) GTEST_SKIP() << "needs 6 GiB of free memory";
  ExpectGood(2, "huge");
  Good(2, "huge", {});
  JudgeOptions unkind;
  unkind.adversarial = 1;
  unkind.rendezvous = 1;
  Good(2, "huge", unkind);
}

}  // namespace
}  // namespace workbench
