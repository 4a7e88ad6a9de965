// Runs the cases: conformance [--list] [--only=SUBSTRING] [--verbose].
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "harness/host/conformance/conformance.h"

extern char** environ;

namespace conformance {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned kCaseSeconds = 120;
constexpr int kChildSeconds = 60;
constexpr size_t kShown = 4;  // failures of a case
constexpr size_t kLongest = 1500;

struct Case {
  std::string group, name, description;
  CaseBody run;
};
struct ChildEntry {
  std::string name;
  ChildBody run;
};

std::vector<Case>& Cases() {
  static std::vector<Case> cases;
  return cases;
}
std::vector<ChildEntry>& Children() {
  static std::vector<ChildEntry> children;
  return children;
}

std::vector<std::string> failures;  // of the running case
char running[256];                  // its name, for the alarm

void OnAlarm(int) {
  const char* parts[] = {"FAILED ", running, ": still running after two minutes\n"};
  for (const char* part : parts) (void)!write(STDERR_FILENO, part, std::strlen(part));
  _exit(1);
}

enum class Outcome { kPassed, kFailed, kSkipped };

Outcome Run(const Case& entry, bool verbose) {
  failures.clear();
  const std::string name = entry.group + "/" + entry.name;
  std::snprintf(running, sizeof running, "%s", name.c_str());
  const Clock::time_point start = Clock::now();
  std::string skipped;
  alarm(kCaseSeconds);
  try {
    entry.run();
  } catch (const Stop&) {
  } catch (const Skip& skip) {
    skipped = skip.reason;
  } catch (const std::exception& e) {
    failures.push_back(std::string("exception: ") + e.what());
  }
  for (const auto& [what, error] : {std::pair("cudaDeviceSynchronize", cudaDeviceSynchronize()),
                                    std::pair("cudaGetLastError", cudaGetLastError())}) {
    if (error == cudaSuccess) continue;
    failures.push_back(std::string(what) + " after the case: " + cudaGetErrorName(error));
  }
  alarm(0);
  const double ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  if (!failures.empty()) {
    std::string line;
    for (size_t i = 0; i < failures.size() && i < kShown; ++i) line += (i == 0 ? "" : "; ") + failures[i];
    if (failures.size() > kShown) line += "; and " + std::to_string(failures.size() - kShown) + " more";
    std::printf("FAILED %s: %s\n", name.c_str(), line.c_str());
  } else if (!skipped.empty()) {
    std::printf("SKIPPED %s: %s\n", name.c_str(), skipped.c_str());
  } else if (verbose) {
    std::printf("passed %s (%.0f ms)\n", name.c_str(), ms);
  }
  std::fflush(stdout);
  return !failures.empty() ? Outcome::kFailed : !skipped.empty() ? Outcome::kSkipped : Outcome::kPassed;
}

int RunAsChild(const std::string& name, const std::vector<std::string>& arguments) {
  for (const ChildEntry& child : Children()) {
    if (child.name != name) continue;
    int code = 1;
    try {
      code = child.run(arguments);
    } catch (const Stop&) {
    } catch (const Skip& skip) {
      failures.push_back("a child cannot skip: " + skip.reason);
    } catch (const std::exception& e) {
      failures.push_back(std::string("exception: ") + e.what());
    }
    for (const std::string& failure : failures) std::fprintf(stderr, "%s: %s\n", name.c_str(), failure.c_str());
    return !failures.empty() ? 1 : code;
  }
  std::fprintf(stderr, "no child %s\n", name.c_str());
  return 2;
}

}  // namespace

Registration::Registration(const char* group, const char* name, const char* description, CaseBody body) {
  Cases().push_back({group, name, description, body});
}

Registration::Registration(const char* group, const char* name, ChildBody body) {
  Children().push_back({std::string(group) + "/" + name, body});
}

void Fail(const char* file, int line, const std::string& what) {
  const char* slash = std::strrchr(file, '/');
  std::string text = std::string(slash != nullptr ? slash + 1 : file) + ":" + std::to_string(line) + ": " + what;
  std::replace(text.begin(), text.end(), '\n', '|');  // a case fails in one line
  if (text.size() > kLongest) text = text.substr(0, kLongest) + " ...";
  failures.push_back(text);
}

Child::Child(const std::string& name, const std::vector<std::string>& arguments,
             const std::vector<std::string>& environment) {
  int output[2], errors[2];
  if (pipe2(output, O_CLOEXEC) != 0 || pipe2(errors, O_CLOEXEC) != 0) {
    Fail(__FILE__, __LINE__, "pipe2 failed");
    throw Stop{};
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors[1], STDERR_FILENO);
  std::vector<std::string> words = {"conformance", "--child=" + name};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv, envp;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<std::string> added = environment;
  for (std::string& variable : added) envp.push_back(variable.data());  // the first of a name counts
  for (char** variable = environ; *variable != nullptr; ++variable) envp.push_back(*variable);
  envp.push_back(nullptr);
  std::fflush(nullptr);
  const int error = posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  close(output[1]);
  close(errors[1]);
  output_ = output[0];
  errors_ = errors[0];
  if (error != 0) {
    pid_ = -1;
    Fail(__FILE__, __LINE__, "posix_spawn of this program: " + std::string(std::strerror(error)));
    throw Stop{};
  }
}

Child::~Child() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (output_ >= 0) close(output_);
  if (errors_ >= 0) close(errors_);
}

ChildResult Child::Wait() {
  ChildResult result;
  const Clock::time_point deadline = start_ + std::chrono::seconds(kChildSeconds);
  pollfd ends[2] = {{output_, POLLIN, 0}, {errors_, POLLIN, 0}};
  std::string* texts[2] = {&result.output, &result.errors};
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) {
      kill(pid_, SIGKILL);
      result.errors += "(killed after " + std::to_string(kChildSeconds) + " s)";
      break;
    }
    if (poll(ends, 2, static_cast<int>(left)) <= 0) continue;
    for (int i = 0; i < 2; ++i) {
      if (ends[i].fd < 0 || ends[i].revents == 0) continue;
      char bytes[4096];
      const ssize_t count = read(ends[i].fd, bytes, sizeof bytes);
      if (count > 0) texts[i]->append(bytes, static_cast<size_t>(count));
      if (count <= 0) ends[i].fd = -1;
    }
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  return result;
}

std::string ToHex(const void* data, size_t bytes) {
  std::string text;
  char digits[3];
  for (size_t i = 0; i < bytes; ++i) {
    std::snprintf(digits, sizeof digits, "%02x", static_cast<const unsigned char*>(data)[i]);
    text += digits;
  }
  return text;
}

void FromHex(const std::string& text, void* data, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) {
    static_cast<unsigned char*>(data)[i] = static_cast<unsigned char>(std::stoi(text.substr(2 * i, 2), nullptr, 16));
  }
}

}  // namespace conformance

int main(int argc, char** argv) {
  using conformance::Case;
  using conformance::Outcome;
  std::string only;
  bool list = false, verbose = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.rfind("--child=", 0) == 0) {
      return conformance::RunAsChild(word.substr(8), std::vector<std::string>(argv + i + 1, argv + argc));
    }
    if (word == "--list") {
      list = true;
    } else if (word == "--verbose") {
      verbose = true;
    } else if (word.rfind("--only=", 0) == 0) {
      only = word.substr(7);
    } else {
      std::fprintf(stderr, "unknown option %s; there are --list, --only=SUBSTRING and --verbose\n", word.c_str());
      return 2;
    }
  }
  std::vector<Case>& cases = conformance::Cases();
  std::stable_sort(cases.begin(), cases.end(), [](const Case& a, const Case& b) { return a.group < b.group; });
  signal(SIGALRM, conformance::OnAlarm);
  int passed = 0, failed = 0, skipped = 0;
  for (const Case& entry : cases) {
    const std::string name = entry.group + "/" + entry.name;
    if (name.find(only) == std::string::npos) continue;
    if (list) {
      std::printf("%s\t%s\n", name.c_str(), entry.description.c_str());
      continue;
    }
    const Outcome outcome = conformance::Run(entry, verbose);
    ++(outcome == Outcome::kPassed ? passed : outcome == Outcome::kFailed ? failed : skipped);
  }
  if (list) return 0;
  std::printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
  if (passed + failed + skipped == 0) {
    std::fprintf(stderr, "no case has \"%s\" in its name\n", only.c_str());
    return 2;
  }
  return failed != 0;
}
