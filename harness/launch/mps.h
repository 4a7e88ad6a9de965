// A private MPS daemon, so that the kernels of several processes run on one GPU at the same time. No CUDA here.
#ifndef HARNESS_LAUNCH_MPS_H_
#define HARNESS_LAUNCH_MPS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "harness/status.h"

namespace workbench {

// Runs from Start to Stop or destruction, and no longer than this process: a watchdog, which holds the read end of a
// pipe, stops the daemon when the pipe closes, so also after SIGKILL. Daemon, server and watchdog are sessions of their
// own: a Ctrl-C at the terminal, or Bazel killing a test's process group, does not take them down half-way.
//
// Under MPS one rank's fatal fault ends all clients of the server: stop the daemon and start a fresh one after such a
// fault. Source: NVIDIA's "Multi-Process Service" guide (environment variables, "quit", error containment).
class MpsDaemon {
 public:
  // `folder` exists, is private to the caller and has a short path (the daemon makes Unix sockets below it). An error
  // where the control program is not installed.
  static Result<std::unique_ptr<MpsDaemon>> Start(const std::string& folder);

  // Asks the daemon to quit, waits a little, then kills what is left. An error if something still runs. May be called
  // again.
  Status Stop();
  ~MpsDaemon();
  MpsDaemon(const MpsDaemon&) = delete;
  MpsDaemon& operator=(const MpsDaemon&) = delete;

  // "NAME=value" for the ranks' environment: with these their CUDA contexts live in this daemon's server.
  std::vector<std::string> Environment() const;

  // The daemon, its server (it has one once a client has come) and the watchdog, as far as they live: not to be taken
  // for processes that an implementation left behind.
  std::vector<pid_t> Processes() const;

  static bool Installed();

 private:
  explicit MpsDaemon(std::string folder) : folder_(std::move(folder)) {}
  Status StartWatchdog();
  Status StartControl();

  std::string folder_;
  pid_t watchdog_ = -1;
  int pipe_fd_ = -1;  // the write end; nothing is ever written
};

}  // namespace workbench

#endif  // HARNESS_LAUNCH_MPS_H_
