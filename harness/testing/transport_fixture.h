// Runs scenarios of transport_rank_program.cc on ranks, for GoogleTest.
#ifndef HARNESS_TESTING_TRANSPORT_FIXTURE_H_
#define HARNESS_TESTING_TRANSPORT_FIXTURE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/launch/process_tree.h"
#include "harness/launch/rank_session.h"
#include "harness/testing/transport_case.h"

namespace workbench {

class TransportFixture : public testing::Test {
 protected:
  static void SetUpTestSuite() { OwnDescendants(); }
  static void TearDownTestSuite() {
    // Closed before they are destroyed: what each must spare is looked up among them all.
    for (auto& [ranks, session] : sessions_) {
      if (session == nullptr) continue;
      const std::optional<Failure> failure = session->Close();
      EXPECT_FALSE(failure) << failure->what;
    }
    sessions_.clear();
    EXPECT_TRUE(Descendants().empty());
  }

  // Every rank's reply; a failure is left in `failure`. Ranks that have not failed serve the next scenario too.
  std::vector<TransportReply> Run(int ranks, const std::string& name, bool judge, const JudgeOptions& options,
                                  std::optional<Failure>* failure, double deadline = 60) {
    std::unique_ptr<RankSession>& session = sessions_[ranks];
    if (session == nullptr) {
      SessionOptions start;
      start.runner = "harness/testing/transport_runner";
      start.library = "harness/testing/fake_implementation.so";
      start.ranks = ranks;
      start.keep_processes = [ranks] { return Processes(ranks); };
      session = RankSession::Start(start, failure);
      if (*failure) return {};
    }
    TransportCase test;
    std::snprintf(test.name, sizeof test.name, "%s", name.c_str());
    test.judge = judge ? 1 : 0;
    test.options = options;
    std::vector<std::vector<std::byte>> replies;
    *failure = session->Run(std::as_bytes(std::span(&test, 1)), deadline, &replies);
    if (*failure) {
      session.reset();
      return {};
    }
    std::vector<TransportReply> result(replies.size());
    for (size_t r = 0; r < replies.size(); ++r) {
      EXPECT_EQ(replies[r].size(), sizeof result[r]);
      std::memcpy(&result[r], replies[r].data(), std::min(replies[r].size(), sizeof result[r]));
    }
    return result;
  }

  // The scenario must see what it should on every rank.
  std::vector<JudgeCounts> Good(int ranks, const std::string& name, const JudgeOptions& options = {},
                                bool judge = true) {
    std::optional<Failure> failure;
    std::vector<JudgeCounts> counts;
    for (const TransportReply& reply : Run(ranks, name, judge, options, &failure)) {
      EXPECT_STREQ(reply.trouble, "") << name;
      counts.push_back(reply.counts);
    }
    EXPECT_FALSE(failure) << name << ": " << failure->what << "\n" << failure->output;
    counts.resize(static_cast<size_t>(ranks));
    return counts;
  }

  // The scenario must end the run.
  Failure Bad(int ranks, const std::string& name, const JudgeOptions& options = {}, bool judge = true) {
    std::optional<Failure> failure;
    (void)Run(ranks, name, judge, options, &failure);
    EXPECT_TRUE(failure.has_value()) << name;
    return failure.value_or(Failure{});
  }

 private:
  // The launchers of all sessions but that with `but` ranks.
  static std::vector<pid_t> Processes(int but) {
    std::vector<pid_t> processes;
    for (const auto& [ranks, session] : sessions_) {
      if (ranks == but || session == nullptr) continue;
      for (const pid_t pid : session->processes()) processes.push_back(pid);
    }
    return processes;
  }

  static inline std::map<int, std::unique_ptr<RankSession>> sessions_;
};

}  // namespace workbench

#endif  // HARNESS_TESTING_TRANSPORT_FIXTURE_H_
