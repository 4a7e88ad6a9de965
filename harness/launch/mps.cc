#include "harness/launch/mps.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

namespace workbench {
namespace {

constexpr char kControl[] = "nvidia-cuda-mps-control";
constexpr char kComm[] = "nvidia-cuda-mps";  // control and server: the kernel keeps 15 bytes of a name
constexpr int kPollMicroseconds = 20'000;
constexpr double kQuitSeconds = 5;
constexpr double kTermSeconds = 1;
constexpr double kKillSeconds = 3;

std::string PipeVariable(const std::string& folder) { return "CUDA_MPS_PIPE_DIRECTORY=" + folder + "/pipe"; }
std::string LogVariable(const std::string& folder) { return "CUDA_MPS_LOG_DIRECTORY=" + folder + "/log"; }

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// Empty when it is not installed.
std::string FindControl() {
  const char* path = std::getenv("PATH");
  std::string folders =
      std::string(path != nullptr ? path : "") + ":/usr/bin:/usr/local/nvidia/bin:/usr/local/cuda/bin:";
  for (size_t begin = 0, end; (end = folders.find(':', begin)) != std::string::npos; begin = end + 1) {
    const std::string candidate = folders.substr(begin, end - begin) + "/" + kControl;
    if (end > begin && access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

// Live MPS processes that serve `folder`, known by name and environment: a pid that was read earlier may be another's
// now.
std::vector<pid_t> ServingProcesses(const std::string& folder) {
  std::vector<pid_t> found;
  DIR* proc = opendir("/proc");
  if (proc == nullptr) return found;
  const std::string wanted = '\0' + PipeVariable(folder) + '\0';
  while (const dirent* entry = readdir(proc)) {
    const pid_t pid = static_cast<pid_t>(std::atoi(entry->d_name));
    if (pid <= 0) continue;
    const std::string base = std::string("/proc/") + entry->d_name;
    if (ReadFile(base + "/comm").rfind(kComm, 0) != 0) continue;
    // A zombie's environment is empty, so it does not count.
    if (('\0' + ReadFile(base + "/environ") + '\0').find(wanted) != std::string::npos) found.push_back(pid);
  }
  closedir(proc);
  return found;
}

// True once none serves the folder. Reaps those that are this process's children.
bool WaitUntilGone(const std::string& folder, double seconds) {
  for (double waited = 0;; waited += kPollMicroseconds * 1e-6) {
    const std::vector<pid_t> alive = ServingProcesses(folder);
    if (alive.empty()) return true;
    for (const pid_t pid : alive) waitpid(pid, nullptr, WNOHANG);
    if (waited >= seconds) return false;
    usleep(kPollMicroseconds);
  }
}

// Runs the control program in a session of its own, `input` on its standard input, and waits for its end, no longer
// than `seconds`. True when it exited with 0.
bool RunControl(const std::string& folder, std::vector<std::string> arguments, const std::string& input,
                double seconds) {
  const std::string program = FindControl();
  std::vector<std::string> environment = {PipeVariable(folder), LogVariable(folder)};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (std::strncmp(*entry, "CUDA_MPS_", 9) != 0) environment.emplace_back(*entry);
  }
  arguments.insert(arguments.begin(), program);
  std::vector<char*> argv, envp;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  for (std::string& entry : environment) envp.push_back(entry.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  int input_pipe[2];
  if (pipe2(input_pipe, O_CLOEXEC) != 0) return false;
  // Before anybody can have closed the other end; a few bytes fit.
  if (!input.empty()) (void)!write(input_pipe[1], input.data(), input.size());
  const pid_t pid = fork();
  if (pid == 0) {
    setsid();
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    const int null_fd = open("/dev/null", O_RDWR);
    dup2(input_pipe[0], 0);
    dup2(null_fd, 1);
    dup2(null_fd, 2);
    // The daemon inherits what is open now: nobody should wait for its end of a pipe to close.
    syscall(SYS_close_range, 3u, ~0u, 0u);
    execve(program.c_str(), argv.data(), envp.data());
    _exit(127);
  }
  close(input_pipe[0]);
  close(input_pipe[1]);
  if (pid < 0) return false;
  int status = 0;
  for (double waited = 0; waitpid(pid, &status, WNOHANG) == 0; waited += kPollMicroseconds * 1e-6) {
    if (waited >= seconds) {
      kill(pid, SIGKILL);
      waitpid(pid, &status, 0);
      return false;
    }
    usleep(kPollMicroseconds);
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

Status StopServing(const std::string& folder) {
  if (ServingProcesses(folder).empty()) return Status::Ok();
  // "quit" waits for clients; one that hangs must not keep the daemon.
  if (RunControl(folder, {}, "quit\n", kQuitSeconds) && WaitUntilGone(folder, kQuitSeconds)) return Status::Ok();
  for (const pid_t pid : ServingProcesses(folder)) kill(pid, SIGTERM);
  if (WaitUntilGone(folder, kTermSeconds)) return Status::Ok();
  for (const pid_t pid : ServingProcesses(folder)) kill(pid, SIGKILL);
  if (WaitUntilGone(folder, kKillSeconds)) return Status::Ok();
  return Error("an MPS process for " + folder + " cannot be stopped (pid " +
               std::to_string(ServingProcesses(folder).front()) + ")");
}

}  // namespace

bool MpsDaemon::Installed() { return !FindControl().empty(); }

Result<std::unique_ptr<MpsDaemon>> MpsDaemon::Start(const std::string& folder) {
  if (!Installed()) {
    return Error(std::string(kControl) +
                 " is not installed; ranks that share a GPU would take turns, milliseconds each");
  }
  for (const char* below : {"/pipe", "/log"}) {
    if (mkdir((folder + below).c_str(), 0700) != 0 && errno != EEXIST) return ErrnoError("mkdir " + folder + below);
  }
  std::unique_ptr<MpsDaemon> daemon(new MpsDaemon(folder));
  // The watchdog first: from here on there is no moment at which a crash leaves a daemon behind.
  WB_RETURN_IF_ERROR(daemon->StartWatchdog());
  WB_RETURN_IF_ERROR(daemon->StartControl());
  return daemon;
}

Status MpsDaemon::StartWatchdog() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return ErrnoError("pipe");
  const pid_t owner = getpid();
  watchdog_ = fork();
  if (watchdog_ < 0) {
    close(fds[0]);
    close(fds[1]);
    return ErrnoError("fork");
  }
  if (watchdog_ == 0) {
    setsid();
    for (const int signal_number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) signal(signal_number, SIG_IGN);
    dup2(fds[0], 0);
    const int null_fd = open("/dev/null", O_RDWR);
    dup2(null_fd, 1);
    dup2(null_fd, 2);
    syscall(SYS_close_range, 3u, ~0u, 0u);
    char byte;
    while (read(0, &byte, 1) < 0 && errno == EINTR) {
    }
    // The owner may have died in the middle of starting the daemon: let that come up, to be seen.
    if (getppid() != owner) usleep(500'000);
    (void)StopServing(folder_);
    _exit(0);
  }
  close(fds[0]);
  pipe_fd_ = fds[1];
  return Status::Ok();
}

Status MpsDaemon::StartControl() {
  constexpr double kStartSeconds = 10;
  if (!RunControl(folder_, {"-d"}, "", kStartSeconds)) {
    return Error(std::string(kControl) + " -d failed: " + ReadFile(folder_ + "/log/control.log"));
  }
  for (double waited = 0; ServingProcesses(folder_).empty(); waited += kPollMicroseconds * 1e-6) {
    if (waited > kStartSeconds)
      return Error("the MPS daemon did not come up: " + ReadFile(folder_ + "/log/control.log"));
    usleep(kPollMicroseconds);
  }
  return Status::Ok();
}

std::vector<std::string> MpsDaemon::Environment() const { return {PipeVariable(folder_), LogVariable(folder_)}; }

std::vector<pid_t> MpsDaemon::Processes() const {
  std::vector<pid_t> processes = ServingProcesses(folder_);
  if (watchdog_ > 0) processes.push_back(watchdog_);
  return processes;
}

Status MpsDaemon::Stop() {
  if (watchdog_ <= 0) return Status::Ok();
  const Status status = StopServing(folder_);
  close(pipe_fd_);
  pipe_fd_ = -1;
  waitpid(watchdog_, nullptr, 0);
  watchdog_ = -1;
  return status;
}

MpsDaemon::~MpsDaemon() { (void)Stop(); }

}  // namespace workbench
