// One implementation, loaded in N processes under mpirun, driven case by case. Whatever it does (crash, hang, exit,
// leave processes behind), the caller gets a Failure with the rank, where it can be known, and nothing is left running.
#ifndef HARNESS_LAUNCH_RANK_SESSION_H_
#define HARNESS_LAUNCH_RANK_SESSION_H_

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/launch/channel.h"
#include "harness/launch/process_tree.h"
#include "harness/status.h"

namespace workbench {

enum class FailureKind { kCrash, kHang, kDeadlock, kForbidden, kImplementationError, kDeviceError, kLeak, kHarness };

struct Failure {
  FailureKind kind = FailureKind::kHarness;
  int rank = -1;  // -1: not one rank's
  std::string what;
  std::string output;  // what the ranks printed
};

struct SessionOptions {
  std::string runner;   // the program that loads the implementation
  std::string library;  // the implementation's shared object
  int ranks = 1;
  bool use_mpi = true;  // false: one process, no mpirun
  std::vector<std::string> environment;
  std::vector<std::string> runner_arguments;
  // Processes that are not this session's: not ended with it, nor counted as left behind (other sessions, an MPS
  // daemon). Asked each time, since they come and go.
  std::function<std::vector<pid_t>()> keep_processes = [] { return std::vector<pid_t>(); };
  double start_seconds = 60;
};

class RankSession {
 public:
  // Starts the ranks and waits until each has loaded the implementation.
  static std::unique_ptr<RankSession> Start(const SessionOptions& options, std::optional<Failure>* failure);
  ~RankSession();  // kills what still runs

  // Gives every rank the case and waits for every rank's reply. After a failure the session is over.
  std::optional<Failure> Run(std::span<const std::byte> request, double deadline_seconds,
                             std::vector<std::vector<std::byte>>* replies);

  // Ends the ranks in good order. A failure if they don't end, or have left processes behind.
  std::optional<Failure> Close();

  int ranks() const { return options_.ranks; }
  // The launcher; with its descendants, everything that the session started.
  std::vector<pid_t> processes() const;
  const std::string& command_line() const { return command_line_; }
  // Seconds between sending the last case and its last reply, by the caller's clock.
  double last_case_seconds() const { return last_case_seconds_; }

 private:
  struct Rank {
    int fd = -1;
    int pid = 0;
    FrameReader reader;
    bool ready = false;
    bool replied = false;
    bool closed = false;
    double blocked_since = -1;
    std::string blocked_on;
    std::vector<std::byte> reply;
  };

  explicit RankSession(SessionOptions options) : options_(std::move(options)), ranks_(options_.ranks) {}
  std::optional<Failure> Launch();
  std::optional<Failure> AcceptRanks(double deadline);
  // Waits until every rank has `replied` (or is `ready`), something fails, or the deadline passes.
  std::optional<Failure> Pump(double deadline, bool Rank::*goal);
  std::optional<Failure> Handle(int rank, Message message);
  std::optional<Failure> DeadlockIfAllBlocked(bool Rank::*goal, double now);
  Failure DiagnoseEnd(int rank);
  Failure Fail(FailureKind kind, int rank, std::string what);
  std::string DescribeStuck(bool Rank::*goal) const;
  void DrainOutput();

  SessionOptions options_;
  std::vector<Rank> ranks_;
  std::unique_ptr<ChildProcess> launcher_;
  std::string folder_;
  std::string command_line_;
  int listen_fd_ = -1;
  uint64_t token_ = 0;
  bool over_ = false;
  double last_case_seconds_ = 0;
};

// Steady seconds.
double Now();

}  // namespace workbench

#endif  // HARNESS_LAUNCH_RANK_SESSION_H_
