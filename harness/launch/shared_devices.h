// What sessions on shared GPUs have in common: the MPS daemon, started when it is first wanted.
#ifndef HARNESS_LAUNCH_SHARED_DEVICES_H_
#define HARNESS_LAUNCH_SHARED_DEVICES_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "harness/launch/mps.h"

namespace workbench {

class SharedDevices {
 public:
  // gpu = false: does nothing.
  explicit SharedDevices(bool gpu) : gpu_(gpu) {}
  ~SharedDevices() { Stop(); }

  // For a session's environment. Starts the daemon; where MPS is not installed the ranks share the GPU by time slices.
  std::vector<std::string> Environment();
  std::vector<pid_t> Processes() const;
  // After a fatal fault, which has taken down every client: the next session gets a fresh daemon.
  // REQUIRES: no session of its clients is left
  void Stop();
  // Empty, or why there is no MPS.
  const std::string& trouble() const { return trouble_; }

 private:
  bool gpu_;
  std::string folder_;
  std::string trouble_;
  std::unique_ptr<MpsDaemon> mps_;
};

}  // namespace workbench

#endif  // HARNESS_LAUNCH_SHARED_DEVICES_H_
