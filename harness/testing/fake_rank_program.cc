// A question without a subject: a case is the text COMMAND (every rank does it) or COMMAND@RANK (the others reply at
// once).
#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "harness/runner/rank_program.h"

namespace workbench {
namespace {

// A daemon as from a textbook: it is nobody's child when it goes on.
void StartDaemon() {
  if (fork() != 0) return;
  setsid();
  if (fork() != 0) _exit(0);
  for (int fd = 0; fd < 256; ++fd) close(fd);
  while (true) pause();
}

class FakeProgram : public RankProgram {
 public:
  Status Prepare(const RankEnvironment& environment) override {
    environment_ = environment;
    const char* plan = std::getenv("FAKE_PREPARE");
    if (plan != nullptr && std::strcmp(plan, "daemon") == 0 && environment.rank == 0) StartDaemon();
    if (plan != nullptr && std::strcmp(plan, "fail") == 0) return Error("prepared to fail");
    starts_processes_ = plan != nullptr && std::strcmp(plan, "processes") == 0;
    return Status::Ok();
  }

  bool StartsProcesses() const override { return starts_processes_; }

  Status Load(void* library) override {
    run_ = reinterpret_cast<int (*)(const char*)>(dlsym(library, "q00_run"));
    return run_ != nullptr ? Status::Ok() : Error("the implementation does not define q00_run");
  }

  Result<std::vector<std::byte>> Run(std::span<const std::byte> request) override {
    const std::string text(reinterpret_cast<const char*>(request.data()), request.size());
    const size_t at = text.find('@');
    const bool mine = at == std::string::npos || std::stoi(text.substr(at + 1)) == environment_.rank;
    if (mine) {
      const int code = run_(text.substr(0, at).c_str());
      if (code != 0) return Error("returned " + std::to_string(code));
    }
    const std::string reply = "rank " + std::to_string(environment_.rank) + " of " + std::to_string(environment_.size);
    const auto* bytes = reinterpret_cast<const std::byte*>(reply.data());
    return std::vector<std::byte>(bytes, bytes + reply.size());
  }

 private:
  RankEnvironment environment_;
  bool starts_processes_ = false;
  int (*run_)(const char*) = nullptr;
};

}  // namespace

std::unique_ptr<RankProgram> MakeRankProgram() { return std::make_unique<FakeProgram>(); }

}  // namespace workbench
