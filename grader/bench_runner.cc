#include "grader/bench_runner.h"

#include "grader/inputs.h"

namespace workbench {

BenchOptions ParseBenchOptions(int argc, char** argv) {
  BenchOptions options;
  for (int i = 0; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : argument.substr(equals + 1);
    const size_t second = value.find('=');
    if ((name == "--answer" || name == "--reference") && second != std::string::npos) {
      options.libraries[name.substr(2)][value.substr(0, second)] = value.substr(second + 1);
    } else if (name == "--runner") {
      options.runner = value;
    } else if (name == "--mode") {
      options.gpu = value == "gpu";
    } else {
      options.rest.push_back(argument);
    }
  }
  return options;
}

BenchRunner::BenchRunner(BenchOptions options) : options_(std::move(options)), devices_(options_.gpu) {}

BenchRunner::~BenchRunner() { KeepOnly(-1); }

bool BenchRunner::Has(const std::string& implementation, const std::string& part) const {
  const auto it = options_.libraries.find(implementation == "peer" ? "reference" : implementation);
  return it != options_.libraries.end() && it->second.contains(part);
}

void BenchRunner::KeepOnly(int ranks) {
  std::erase_if(sessions_, [&](auto& entry) {
    if (entry.second->ranks() == ranks) return false;
    (void)entry.second->Close();
    return true;
  });
}

std::vector<pid_t> BenchRunner::OthersThan(const std::string& key) const {
  std::vector<pid_t> processes = devices_.Processes();
  for (const auto& [other_key, other] : sessions_) {
    if (other_key == key) continue;
    for (const pid_t pid : other->processes()) processes.push_back(pid);
  }
  return processes;
}

Result<std::vector<double>> BenchRunner::Time(const BenchmarkCase& benchmark, const std::string& implementation) {
  seed_ = Mix(seed_);
  const bool peer = implementation == "peer";
  Result<Replies> replies = Ask(benchmark, peer ? "reference" : implementation, benchmark.request(seed_, peer));
  if (!replies.ok()) return replies.status();
  return benchmark.seconds(*replies);
}

Result<double> BenchRunner::CopyBandwidth(const BenchmarkCase& benchmark) {
  Result<Replies> replies = Ask(benchmark, "reference", benchmark.ceiling_request());
  if (!replies.ok()) return replies.status();
  return benchmark.copy_bandwidth(*replies);
}

// Sends a request to all ranks of the case, which are started if they are not running.
Result<BenchRunner::Replies> BenchRunner::Ask(const BenchmarkCase& benchmark, const std::string& owner,
                                              const std::vector<std::byte>& request) {
  const std::string key = owner + "." + benchmark.part + "." + std::to_string(benchmark.ranks);
  if (!sessions_.contains(key)) {
    KeepOnly(benchmark.ranks);
    SessionOptions session;
    session.runner = options_.runner;
    session.library = options_.libraries[owner][benchmark.part];
    session.ranks = benchmark.ranks;
    session.runner_arguments = {"--part=" + benchmark.part};
    if (options_.gpu) session.runner_arguments.push_back("--create_files=yes");
    session.environment = devices_.Environment();
    session.keep_processes = [this, key] { return OthersThan(key); };
    std::optional<Failure> failure;
    std::unique_ptr<RankSession> started = RankSession::Start(session, &failure);
    if (failure) return Error(owner + ": " + failure->what + "\n" + failure->output);
    sessions_[key] = std::move(started);
  }
  Replies replies;
  if (std::optional<Failure> failure = sessions_[key]->Run(request, 60, &replies)) {
    sessions_.erase(key);
    return Error(owner + ": " + failure->what + "\n" + failure->output);
  }
  return replies;
}

}  // namespace workbench
