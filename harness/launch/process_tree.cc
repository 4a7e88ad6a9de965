#include "harness/launch/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <thread>

namespace workbench {
namespace {

constexpr size_t kKeep = 16 * 1024;
constexpr int kMaxFolders = 16;
char g_folders[kMaxFolders][128];

struct Process {
  pid_t parent;
  bool live;  // not a zombie
};

// Every process by its id. Zombies too: a process whose first thread has ended, and not yet the others, looks like one
// and is still the parent of its children.
std::map<pid_t, Process> AllProcesses() {
  std::map<pid_t, Process> processes;
  DIR* proc = opendir("/proc");
  if (proc == nullptr) return processes;
  while (dirent* entry = readdir(proc)) {
    const pid_t pid = static_cast<pid_t>(std::atoi(entry->d_name));
    if (pid <= 0) continue;
    char path[64], text[512];
    std::snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE* file = std::fopen(path, "r");
    if (file == nullptr) continue;
    const size_t n = std::fread(text, 1, sizeof text - 1, file);
    std::fclose(file);
    text[n] = '\0';
    // "pid (name) state ppid": the name may hold spaces and brackets, so start behind the last ')'.
    const char* after = std::strrchr(text, ')');
    char state = 0;
    int parent = 0;
    if (after != nullptr && std::sscanf(after + 1, " %c %d", &state, &parent) == 2) {
      processes[pid] = {parent, state != 'Z' && state != 'X'};
    }
  }
  closedir(proc);
  return processes;
}

void RemoveRegisteredFolders() {
  for (auto& folder : g_folders) {
    if (folder[0] == '\0') continue;
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    folder[0] = '\0';
  }
}

// Waits for the ending signals in a thread of its own, so that the clean-up is ordinary code.
void EndOnSignal(sigset_t signals) {
  int signal_number = 0;
  if (sigwait(&signals, &signal_number) != 0) return;
  KillDescendants();
  RemoveRegisteredFolders();
  signal(signal_number, SIG_DFL);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal_number);
  kill(getpid(), signal_number);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  std::_Exit(128 + signal_number);
}

}  // namespace

void OwnDescendants() {
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread(EndOnSignal, signals).detach();
}

void RemoveAtExit(const std::string& folder) {
  for (auto& slot : g_folders) {
    if (slot[0] == '\0' && folder.size() < sizeof slot) {
      std::memcpy(slot, folder.c_str(), folder.size() + 1);
      return;
    }
  }
}

void RemoveFolder(const std::string& folder) {
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  for (auto& slot : g_folders) {
    if (folder == slot) slot[0] = '\0';
  }
}

Result<std::string> MakePrivateFolder(const std::string& preferred) {
  for (const std::string& parent : {preferred, std::string("/tmp")}) {
    std::string path = parent + "/workbench.XXXXXX";
    if (mkdtemp(path.data()) != nullptr) {
      RemoveAtExit(path);
      return path;
    }
  }
  return ErrnoError("make a private folder under " + preferred + " or /tmp");
}

std::vector<pid_t> Descendants(const std::vector<pid_t>& except) {
  const std::map<pid_t, Process> processes = AllProcesses();
  const pid_t self = getpid();
  std::vector<pid_t> found;
  for (const auto& [pid, process] : processes) {
    if (!process.live || pid == self) continue;
    pid_t at = pid;
    bool excluded = false;
    while (at != self && at > 1 && !excluded) {
      excluded = std::find(except.begin(), except.end(), at) != except.end();
      const auto it = processes.find(at);
      at = it == processes.end() ? 0 : it->second.parent;
    }
    if (at == self && !excluded) found.push_back(pid);
  }
  return found;
}

int KillDescendants(const std::vector<pid_t>& except) {
  int killed = 0;
  for (int round = 0; round < 1000; ++round) {
    const std::vector<pid_t> alive = Descendants(except);
    if (alive.empty()) break;
    // Stop them first: a process that forks as fast as it is killed cannot when it is stopped.
    for (const pid_t pid : alive) kill(pid, SIGSTOP);
    for (const pid_t pid : alive) kill(pid, SIGKILL);
    killed += static_cast<int>(alive.size());
    for (const pid_t pid : alive) {
      int status;
      waitpid(pid, &status, WNOHANG);
    }
    usleep(2000);
  }
  return killed;
}

Result<ChildProcess> ChildProcess::Start(const ProcessOptions& options) {
  int pipe_fds[2];
  if (pipe2(pipe_fds, O_CLOEXEC) != 0) return ErrnoError("pipe");
  std::vector<char*> argv;
  for (const std::string& argument : options.arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  // Everything that allocates is done before fork.
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('=') + 1);
    const bool replaced = std::any_of(options.environment.begin(), options.environment.end(),
                                      [&](const std::string& added) { return added.rfind(name, 0) == 0; });
    if (!replaced) environment.push_back(text);
  }
  environment.insert(environment.end(), options.environment.begin(), options.environment.end());
  std::vector<char*> envp;
  for (std::string& entry : environment) envp.push_back(entry.data());
  envp.push_back(nullptr);

  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) {
    Status status = ErrnoError("fork");
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    return status;
  }
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    setpgid(0, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    const int null_fd = open("/dev/null", O_RDONLY);
    dup2(null_fd, 0);
    dup2(pipe_fds[1], 1);
    dup2(pipe_fds[1], 2);
    execvpe(argv[0], argv.data(), envp.data());
    dprintf(2, "cannot start %s: %s\n", argv[0], std::strerror(errno));
    _exit(127);
  }
  close(pipe_fds[1]);
  fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
  return ChildProcess(pid, pipe_fds[0]);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(other.pid_),
      output_fd_(other.output_fd_),
      ended_(other.ended_),
      exit_status_(other.exit_status_),
      head_(std::move(other.head_)),
      tail_(std::move(other.tail_)) {
  other.pid_ = -1;
  other.output_fd_ = -1;
}

ChildProcess::~ChildProcess() {
  if (output_fd_ >= 0) close(output_fd_);
  if (pid_ > 0 && !ended_) {
    kill(pid_, SIGKILL);
    int status;
    waitpid(pid_, &status, 0);
  }
}

bool ChildProcess::ReadOutput() {
  char piece[4096];
  while (true) {
    const ssize_t n = read(output_fd_, piece, sizeof piece);
    if (n == 0) return false;
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    size_t used = 0;
    if (head_.size() < kKeep) {
      used = std::min(kKeep - head_.size(), static_cast<size_t>(n));
      head_.append(piece, used);
    }
    tail_.append(piece + used, static_cast<size_t>(n) - used);
    if (tail_.size() > 4 * kKeep) tail_.erase(0, tail_.size() - kKeep);
  }
}

std::string ChildProcess::Output() const {
  if (tail_.size() <= kKeep) return head_ + tail_;
  return head_ + "\n... (cut) ...\n" + tail_.substr(tail_.size() - kKeep);
}

bool ChildProcess::TryWait(int* exit_status) {
  if (!ended_) {
    const pid_t got = waitpid(pid_, &exit_status_, WNOHANG);
    ended_ = got == pid_ || (got < 0 && errno == ECHILD);
  }
  if (ended_) *exit_status = exit_status_;
  return ended_;
}

}  // namespace workbench
