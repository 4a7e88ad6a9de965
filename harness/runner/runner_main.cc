// The program that mpirun starts: connects to the grader, loads the implementation, runs cases until told to quit.
#include <dlfcn.h>
#include <mpi.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <string>
#include <thread>

#include "harness/runner/confine.h"
#include "harness/runner/crash_handler.h"
#include "harness/runner/rank_program.h"

namespace workbench {
namespace {

int g_control_fd = -1;

// Ends this process when the grader is gone, whatever the implementation is doing.
void WatchGrader() {
  while (true) {
    pollfd waiting{g_control_fd, POLLRDHUP, 0};
    if (poll(&waiting, 1, -1) > 0 && (waiting.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0) _exit(1);
  }
}

std::map<std::string, std::string> ParseFlags(int argc, char** argv) {
  std::map<std::string, std::string> flags;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    if (argument.rfind("--", 0) == 0 && equals != std::string::npos) {
      flags[argument.substr(2, equals - 2)] = argument.substr(equals + 1);
    }
  }
  return flags;
}

void RunCases(RankProgram* program) {
  while (true) {
    Result<Message> message = ReceiveMessage(g_control_fd);
    if (!message.ok()) _exit(1);
    if (message->kind == MessageKind::kQuit) return;
    try {
      Result<std::vector<std::byte>> reply = program->Run(message->payload);
      if (!reply.ok()) FailRun(ErrorKind::kImplementation, reply.status().message());
      if (!SendMessage(g_control_fd, MessageKind::kReply, *reply).ok()) _exit(1);
    } catch (const std::exception& exception) {
      FailRun(ErrorKind::kImplementation, std::string("an exception left the entry point: ") + exception.what());
    } catch (...) {
      FailRun(ErrorKind::kImplementation, "an exception left the entry point");
    }
  }
}

int Main(int argc, char** argv) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // mpirun's ranks go when it goes
  std::map<std::string, std::string> flags = ParseFlags(argc, argv);
  RankEnvironment environment;
  environment.has_mpi = flags["mpi"] != "no";
  environment.part = flags["part"];
  if (environment.has_mpi) {
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &environment.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &environment.size);
  }
  Result<int> fd = Connect(flags["connect"]);
  if (!fd.ok()) {
    std::fprintf(stderr, "runner: %s\n", fd.status().message().c_str());
    return 2;
  }
  g_control_fd = *fd;
  const RankHello hello{std::strtoull(flags["token"].c_str(), nullptr, 10), environment.rank, getpid()};
  if (!SendMessage(g_control_fd, MessageKind::kHello, std::as_bytes(std::span(&hello, 1))).ok()) return 2;
  std::thread(WatchGrader).detach();
  InstallCrashHandler(g_control_fd);

  std::unique_ptr<RankProgram> program = MakeRankProgram();
  if (Status status = program->Prepare(environment); !status.ok()) FailRun(ErrorKind::kHarness, status.message());
  ConfineProcess(flags["create_files"] == "yes", program->StartsProcesses());
  setenv("WORKBENCH_CONFINED", "1", 1);  // host mode asks no other program for line numbers; the grader does
  const std::string& path = flags["library"];
  SetCrashModule(path.c_str());
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) FailRun(ErrorKind::kLoad, std::string("the implementation cannot be loaded: ") + dlerror());
  if (Status status = program->Load(library); !status.ok()) FailRun(ErrorKind::kLoad, status.message());
  if (!SendMessage(g_control_fd, MessageKind::kReady, {}).ok()) return 2;

  RunCases(program.get());
  program.reset();
  if (environment.has_mpi) MPI_Finalize();
  std::fflush(nullptr);
  _exit(0);  // destructors of the implementation are not run: what they do is not part of the answer
}

}  // namespace

void FailRun(ErrorKind kind, const std::string& text) {
  const uint32_t word = static_cast<uint32_t>(kind);
  std::string payload(reinterpret_cast<const char*>(&word), sizeof word);
  (void)SendText(g_control_fd, MessageKind::kError, payload + text);
  std::fflush(nullptr);
  _exit(1);
}

void ReportBlocked(const std::string& waiting_for) { (void)SendText(g_control_fd, MessageKind::kBlocked, waiting_for); }

void ReportUnblocked() { (void)SendMessage(g_control_fd, MessageKind::kUnblocked, {}); }

}  // namespace workbench

int main(int argc, char** argv) { return workbench::Main(argc, argv); }
