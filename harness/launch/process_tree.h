// Child processes that are always ended, with everything that they started.
#ifndef HARNESS_LAUNCH_PROCESS_TREE_H_
#define HARNESS_LAUNCH_PROCESS_TREE_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "harness/status.h"

namespace workbench {

// Makes this process the one to which orphaned descendants fall (PR_SET_CHILD_SUBREAPER), so that a daemon that an
// implementation forks is found, and turns SIGINT/SIGTERM/SIGHUP into an orderly end: the descendants are killed,
// folders registered with RemoveAtExit are removed, and the process dies of the signal. Call once, first thing in main.
void OwnDescendants();

// Removes this folder when the process ends by a signal that OwnDescendants handles. At most 16 at a time.
void RemoveAtExit(const std::string& folder);
// Removes the folder now and forgets it.
void RemoveFolder(const std::string& folder);

// Makes a private folder with a short path: under `preferred` (such as /dev/shm) if it can, else under /tmp.
Result<std::string> MakePrivateFolder(const std::string& preferred);

// Every live process below this one, but not those in `except` or below them.
std::vector<pid_t> Descendants(const std::vector<pid_t>& except = {});

// Kills them all (SIGKILL) and reaps them, again and again until none is left. Returns how many there were.
int KillDescendants(const std::vector<pid_t>& except = {});

struct ProcessOptions {
  std::vector<std::string> arguments;    // arguments[0] is looked up on the PATH
  std::vector<std::string> environment;  // "NAME=value", added to or replacing this process's own
};

// A child whose stdout and stderr come through one pipe.
class ChildProcess {
 public:
  static Result<ChildProcess> Start(const ProcessOptions& options);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();  // kills it if it still runs

  pid_t pid() const { return pid_; }
  int output_fd() const { return output_fd_; }
  // Reads what the pipe holds; keeps the first and last 16 KiB. False at end of file.
  bool ReadOutput();
  std::string Output() const;
  // True once it has ended; then `exit_status` is as waitpid gives it.
  bool TryWait(int* exit_status);

 private:
  ChildProcess(pid_t pid, int output_fd) : pid_(pid), output_fd_(output_fd) {}

  pid_t pid_;
  int output_fd_;
  bool ended_ = false;
  int exit_status_ = 0;
  std::string head_;
  std::string tail_;
};

}  // namespace workbench

#endif  // HARNESS_LAUNCH_PROCESS_TREE_H_
