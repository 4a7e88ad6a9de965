#include "harness/launch/rank_session.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <random>

#include "harness/launch/crash_location.h"
#include "harness/launch/mpi_command.h"

namespace workbench {
namespace {

// How long all ranks must have been blocked at the same time before it is called a deadlock. A late message in an
// adversarial run is held for milliseconds.
constexpr double kDeadlockSeconds = 0.7;

std::string DescribeExit(int status) {
  if (WIFSIGNALED(status)) return std::string("was killed by ") + strsignal(WTERMSIG(status));
  return "exited with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

double Now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::unique_ptr<RankSession> RankSession::Start(const SessionOptions& options, std::optional<Failure>* failure) {
  std::unique_ptr<RankSession> session(new RankSession(options));
  const double deadline = Now() + options.start_seconds;
  *failure = session->Launch();
  if (!failure->has_value()) *failure = session->AcceptRanks(deadline);
  if (!failure->has_value()) *failure = session->Pump(deadline, &Rank::ready);
  if (failure->has_value()) return nullptr;
  return session;
}

std::optional<Failure> RankSession::Launch() {
  Result<std::string> folder = MakePrivateFolder("/dev/shm");
  if (!folder.ok()) return Fail(FailureKind::kHarness, -1, folder.status().message());
  folder_ = *folder;
  std::random_device random;
  token_ = (uint64_t{random()} << 32) | random();

  MpiCommand command;
  if (options_.use_mpi) command = MakeMpiCommand(options_.ranks, folder_);
  const char* listen_host = std::getenv("WORKBENCH_LISTEN");
  std::string address = "unix:" + folder_ + "/s";
  if (command.several_hosts && listen_host == nullptr) {
    char name[256] = "localhost";
    gethostname(name, sizeof name - 1);
    Result<int> fd = ListenTcp(name, &address);
    if (!fd.ok()) {
      return Fail(
          FailureKind::kHarness, -1,
          fd.status().message() + "; set WORKBENCH_LISTEN to a name or address of this host that the others reach");
    }
    listen_fd_ = *fd;
  } else {
    Result<int> fd = listen_host ? ListenTcp(listen_host, &address) : ListenUnix(folder_ + "/s");
    if (!fd.ok()) return Fail(FailureKind::kHarness, -1, fd.status().message());
    listen_fd_ = *fd;
  }

  ProcessOptions process;
  process.arguments = command.arguments;
  process.arguments.insert(
      process.arguments.end(),
      {options_.runner, "--connect=" + address, "--library=" + options_.library, "--token=" + std::to_string(token_)});
  process.arguments.insert(process.arguments.end(), options_.runner_arguments.begin(), options_.runner_arguments.end());
  process.environment = command.environment;
  process.environment.insert(process.environment.end(), options_.environment.begin(), options_.environment.end());
  command_line_ = ShellLine(process.arguments);
  Result<ChildProcess> child = ChildProcess::Start(process);
  if (!child.ok()) return Fail(FailureKind::kHarness, -1, child.status().message());
  launcher_ = std::make_unique<ChildProcess>(std::move(*child));
  return std::nullopt;
}

std::optional<Failure> RankSession::AcceptRanks(double deadline) {
  int connected = 0;
  while (connected < options_.ranks) {
    DrainOutput();
    int status;
    if (launcher_->TryWait(&status)) {
      DrainOutput();
      return Fail(
          FailureKind::kHarness, -1,
          launcher_->Output().empty() || options_.use_mpi
              ? "mpirun " + DescribeExit(status) + " before the ranks had started; its command line: " + command_line_
              : "the runner " + DescribeExit(status) + " before it had started");
    }
    if (Now() > deadline) {
      return Fail(FailureKind::kHarness, -1,
                  "only " + std::to_string(connected) + " of " + std::to_string(options_.ranks) +
                      " ranks had started within " + std::to_string(static_cast<int>(options_.start_seconds)) + " s");
    }
    pollfd waiting{listen_fd_, POLLIN, 0};
    if (poll(&waiting, 1, 100) <= 0) continue;
    const int fd = accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    timeval patience{5, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    Result<Message> hello = ReceiveMessage(fd);
    RankHello who{};
    if (hello.ok() && hello->payload.size() == sizeof who) std::memcpy(&who, hello->payload.data(), sizeof who);
    const bool welcome = hello.ok() && hello->kind == MessageKind::kHello && who.token == token_ && who.rank >= 0 &&
                         who.rank < options_.ranks && ranks_[who.rank].fd < 0;
    if (!welcome) {
      close(fd);
      continue;
    }
    ranks_[who.rank].fd = fd;
    ranks_[who.rank].pid = who.pid;
    ++connected;
  }
  close(listen_fd_);
  listen_fd_ = -1;
  return std::nullopt;
}

std::optional<Failure> RankSession::Run(std::span<const std::byte> request, double deadline_seconds,
                                        std::vector<std::vector<std::byte>>* replies) {
  if (over_) return Fail(FailureKind::kHarness, -1, "the session is over");
  const double start = Now();
  for (Rank& rank : ranks_) {
    rank.replied = false;
    rank.blocked_since = -1;
  }
  for (int r = 0; r < options_.ranks; ++r) {
    if (!SendMessage(ranks_[r].fd, MessageKind::kCase, request).ok()) return DiagnoseEnd(r);
  }
  if (std::optional<Failure> failure = Pump(start + deadline_seconds, &Rank::replied)) return failure;
  last_case_seconds_ = Now() - start;
  replies->clear();
  for (Rank& rank : ranks_) replies->push_back(std::move(rank.reply));
  return std::nullopt;
}

std::optional<Failure> RankSession::Pump(double deadline, bool Rank::*goal) {
  std::vector<pollfd> waiting;
  while (true) {
    if (std::all_of(ranks_.begin(), ranks_.end(), [&](const Rank& rank) { return rank.*goal; })) return std::nullopt;
    waiting.clear();
    for (const Rank& rank : ranks_) waiting.push_back({rank.closed ? -1 : rank.fd, POLLIN, 0});
    waiting.push_back({launcher_->output_fd(), POLLIN, 0});
    poll(waiting.data(), waiting.size(), 50);
    DrainOutput();
    // Messages before closed sockets: the rank that says why it ends is worth more than the others that it takes along.
    std::vector<int> closed;
    for (int r = 0; r < options_.ranks; ++r) {
      if (waiting[r].revents == 0) continue;
      const bool open = ranks_[r].reader.ReadSome(ranks_[r].fd);
      Message message;
      while (ranks_[r].reader.Next(&message)) {
        if (std::optional<Failure> failure = Handle(r, std::move(message))) return failure;
      }
      if (!open) closed.push_back(r);
    }
    if (!closed.empty()) return DiagnoseEnd(closed.front());
    const double now = Now();
    if (std::optional<Failure> failure = DeadlockIfAllBlocked(goal, now)) return failure;
    if (now > deadline) {
      int first = -1, stuck = 0;
      for (int r = 0; r < options_.ranks; ++r) {
        if (ranks_[r].*goal) continue;
        ++stuck;
        if (first < 0) first = r;
      }
      return Fail(FailureKind::kHang, stuck == 1 ? first : -1, "no answer within the deadline: " + DescribeStuck(goal));
    }
  }
}

std::optional<Failure> RankSession::Handle(int rank, Message message) {
  Rank& from = ranks_[rank];
  switch (message.kind) {
    case MessageKind::kReady:
      from.ready = true;
      return std::nullopt;
    case MessageKind::kReply:
      from.replied = true;
      from.blocked_since = -1;
      from.reply = std::move(message.payload);
      return std::nullopt;
    case MessageKind::kBlocked:
      from.blocked_since = Now();
      from.blocked_on = message.Text();
      return std::nullopt;
    case MessageKind::kUnblocked:
      from.blocked_since = -1;
      return std::nullopt;
    case MessageKind::kCrash: {
      CrashPayload crash{};
      std::memcpy(&crash, message.payload.data(), std::min(sizeof crash, message.payload.size()));
      return Fail(FailureKind::kCrash, rank, DescribeCrash(crash, options_.library));
    }
    case MessageKind::kError: {
      uint32_t kind = 0;
      std::string text = message.Text();
      if (text.size() >= sizeof kind) std::memcpy(&kind, text.data(), sizeof kind);
      text.erase(0, sizeof kind);
      switch (static_cast<ErrorKind>(kind)) {
        case ErrorKind::kDevice:
          return Fail(FailureKind::kDeviceError, rank, text);
        case ErrorKind::kForbidden:
          return Fail(FailureKind::kForbidden, rank, text);
        case ErrorKind::kHarness:
          return Fail(FailureKind::kHarness, rank, text);
        default:
          return Fail(FailureKind::kImplementationError, rank, text);
      }
    }
    default:
      return Fail(FailureKind::kHarness, rank, "an unknown message");
  }
}

std::optional<Failure> RankSession::DeadlockIfAllBlocked(bool Rank::*goal, double now) {
  bool any = false;
  for (const Rank& rank : ranks_) {
    if (rank.*goal) continue;
    if (rank.blocked_since < 0 || now - rank.blocked_since < kDeadlockSeconds) return std::nullopt;
    any = true;
  }
  if (!any) return std::nullopt;
  return Fail(FailureKind::kDeadlock, -1, "deadlock: " + DescribeStuck(goal));
}

std::string RankSession::DescribeStuck(bool Rank::*goal) const {
  std::string text;
  int told = 0, stuck = 0;
  for (int r = 0; r < options_.ranks; ++r) {
    if (ranks_[r].*goal) continue;
    ++stuck;
    if (told == 8) continue;
    ++told;
    text += (text.empty() ? "rank " : "; rank ") + std::to_string(r) +
            (ranks_[r].blocked_since >= 0 ? " waits " + ranks_[r].blocked_on : std::string(" computes"));
  }
  if (stuck > told) text += "; and " + std::to_string(stuck - told) + " more";
  return text;
}

// A rank's socket has closed without a word. mpirun may tell more, and which rank ended first is what matters: give the
// others' last words a moment to arrive.
Failure RankSession::DiagnoseEnd(int rank) {
  const double until = Now() + 0.3;
  while (Now() < until) {
    for (int r = 0; r < options_.ranks; ++r) {
      if (!ranks_[r].closed && !ranks_[r].reader.ReadSome(ranks_[r].fd)) ranks_[r].closed = true;
      Message message;
      while (ranks_[r].reader.Next(&message)) {
        if (std::optional<Failure> failure = Handle(r, std::move(message))) return *failure;
      }
    }
    DrainOutput();
    usleep(10000);
  }
  int status = 0;
  const bool launcher_ended = launcher_->TryWait(&status);
  std::string what = ranks_[rank].ready
                         ? "the process ended in the middle of a case"
                         : "the process ended while the implementation was being loaded (a library constructor?)";
  if (launcher_ended && options_.use_mpi && WIFSIGNALED(status)) {
    what = std::string("mpirun ") + DescribeExit(status) + ": something killed the process that runs the ranks";
    rank = -1;
  } else if (launcher_ended && !options_.use_mpi) {
    what += ": it " + DescribeExit(status);
  }
  return Fail(FailureKind::kCrash, rank, what);
}

Failure RankSession::Fail(FailureKind kind, int rank, std::string what) {
  over_ = true;
  DrainOutput();
  KillDescendants(options_.keep_processes());
  DrainOutput();
  return Failure{kind, rank, std::move(what), launcher_ ? launcher_->Output() : ""};
}

std::optional<Failure> RankSession::Close() {
  if (over_) return std::nullopt;
  for (Rank& rank : ranks_) (void)SendMessage(rank.fd, MessageKind::kQuit, {});
  const double deadline = Now() + 20;
  int status = 0;
  while (!launcher_->TryWait(&status)) {
    DrainOutput();
    if (Now() > deadline) return Fail(FailureKind::kHang, -1, "the ranks did not end when they were asked to");
    usleep(3000);
  }
  DrainOutput();
  over_ = true;
  if (const int left = KillDescendants(options_.keep_processes()); left > 0) {
    return Failure{FailureKind::kLeak, -1,
                   std::to_string(left) + " process(es) were left running; they have been killed", launcher_->Output()};
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return Failure{FailureKind::kCrash, -1, "at the end of the run it " + DescribeExit(status), launcher_->Output()};
  }
  return std::nullopt;
}

std::vector<pid_t> RankSession::processes() const {
  return launcher_ ? std::vector<pid_t>{launcher_->pid()} : std::vector<pid_t>{};
}

void RankSession::DrainOutput() {
  if (launcher_) (void)launcher_->ReadOutput();
}

RankSession::~RankSession() {
  if (!over_ && launcher_) KillDescendants(options_.keep_processes());
  for (Rank& rank : ranks_) {
    if (rank.fd >= 0) close(rank.fd);
  }
  if (listen_fd_ >= 0) close(listen_fd_);
  launcher_.reset();
  if (!folder_.empty()) RemoveFolder(folder_);
}

}  // namespace workbench
