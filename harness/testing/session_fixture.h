// Sessions of the fake runner, whose implementation misbehaves as told, for GoogleTest. Every test ends with nothing
// left over.
#ifndef HARNESS_TESTING_SESSION_FIXTURE_H_
#define HARNESS_TESTING_SESSION_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/launch/process_tree.h"
#include "harness/launch/rank_session.h"

namespace workbench {

inline constexpr char kFakeRunner[] = "harness/testing/fake_runner";
inline constexpr char kFakeLibrary[] = "harness/testing/fake_implementation.so";
inline constexpr int kNoMpi = 0;  // one process that mpirun knows nothing of

inline SessionOptions Options(int ranks) {
  SessionOptions options;
  options.runner = kFakeRunner;
  options.library = kFakeLibrary;
  options.ranks = ranks;
  if (ranks == kNoMpi) {
    options.ranks = 1;
    options.use_mpi = false;
    options.runner_arguments = {"--mpi=no"};
  }
  return options;
}

inline std::optional<Failure> RunCommand(RankSession* session, const std::string& command, double deadline = 20,
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
inline std::string FolderIn(const std::string& command_line) {
  const std::string flag = "--connect=unix:";
  const size_t begin = command_line.find(flag) + flag.size();
  return command_line.substr(begin, command_line.find("/s ", begin) - begin);
}

class RankSessionTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { OwnDescendants(); }

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
    EXPECT_TRUE(Descendants().empty());
    EXPECT_FALSE(!folder_.empty() && std::filesystem::exists(folder_)) << folder_;
    KillDescendants();
  }

  std::unique_ptr<RankSession> session_;
  std::string folder_;
};

}  // namespace workbench

#endif  // HARNESS_TESTING_SESSION_FIXTURE_H_
