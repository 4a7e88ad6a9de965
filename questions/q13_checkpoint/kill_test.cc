// Checkpoints on a real file system, saved by processes that are killed (SIGKILL) at random moments, and on a disk that
// is full. Whatever happens, what was there is there: the newest checkpoint that Save had said to be durable, or a
// newer one, whole, bit for bit.
//
//   kill_test KILL_MAIN LIBRARY [--long]   50 kills, or 1,000 with --long (or WORKBENCH_LONG=1).
//
// A kill takes the process, not the kernel: what is not synced survives here. That is the crash matrix's matter
// (b.atomic); this is about real processes, files and threads.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace q13 {
namespace {

constexpr int kCannotMount = 77;
constexpr int64_t kFullBytes = 64 << 20;

struct Child {
  pid_t pid = -1;
  int output = -1;
};

// `enter` is called in the child before the program begins.
Child Start(const std::vector<std::string>& arguments, void (*enter)(const std::string&) = nullptr,
            const std::string& directory = "") {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
  const pid_t pid = fork();
  if (pid < 0) std::abort();
  if (pid == 0) {
    if (enter != nullptr) enter(directory);
    dup2(ends[1], STDOUT_FILENO);
    std::vector<char*> argv;
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    execv(argv[0], argv.data());
    _exit(127);
  }
  close(ends[1]);
  return {pid, ends[0]};
}

// All that it says until it ends.
std::string Read(Child* child) {
  std::string text;
  char buffer[4096];
  ssize_t got = 0;
  while ((got = read(child->output, buffer, sizeof buffer)) > 0) text.append(buffer, static_cast<size_t>(got));
  close(child->output);
  return text;
}

int Wait(const Child& child) {
  int status = 0;
  while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// The number after the last line that begins with `word`, or -1.
int64_t Last(const std::string& text, const std::string& word) {
  int64_t last = -1;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    if (end == std::string::npos) break;
    if (text.compare(at, word.size() + 1, word + " ") == 0) last = std::atoll(text.c_str() + at + word.size() + 1);
    at = end + 1;
  }
  return last;
}

class Killer {
 public:
  Killer(std::string program, std::string library, uint64_t seed)
      : program_(std::move(program)), library_(std::move(library)), random_(seed) {}

  bool Run(int ranks, int kills, const std::string& directory) {
    std::filesystem::create_directories(directory);
    int inside = 0, newer = 0;
    int64_t saved = -1;
    for (int kill_number = 0; kill_number < kills; ++kill_number) {
      // Every other time the newest one is replaced first.
      const int64_t first = std::max<int64_t>(0, kill_number % 2 == 0 ? saved + 1 : saved);
      Child saver = Start({program_, "save", library_, directory, std::to_string(ranks), std::to_string(first)});
      // From before the first operation on to several checkpoints later.
      const int microseconds = std::uniform_int_distribution<int>(0, kill_number % 4 == 0 ? 15'000 : 150'000)(random_);
      usleep(static_cast<useconds_t>(microseconds));
      kill(saver.pid, SIGKILL);
      const std::string said = Read(&saver);
      const int ended = Wait(saver);
      if (ended != -SIGKILL)
        return Fail(kill_number, "the saver ended by itself, with status " + std::to_string(ended));
      const int64_t saving = Last(said, "saving");
      const int64_t durable = std::max(saved, Last(said, "saved"));
      inside += saving > Last(said, "saved");

      Child loader = Start({program_, "load", library_, directory, std::to_string(ranks)});
      const std::string found = Read(&loader);
      if (const int status = Wait(loader); status != 0) {
        return Fail(kill_number, "loading failed with status " + std::to_string(status));
      }
      const int64_t loaded = Last(found, "loaded");
      if (loaded < durable || loaded > std::max(saving, durable)) {
        return Fail(kill_number, "step " + std::to_string(durable) + " was durable and " + std::to_string(saving) +
                                     " was being saved, and loading found " + std::to_string(loaded));
      }
      newer += loaded > durable;
      saved = loaded;
    }
    std::printf("%d rank%s: %d kills, %d of them inside a save, which then was found %d times; %lld steps saved\n",
                ranks, ranks > 1 ? "s" : "", kills, inside, newer, static_cast<long long>(saved + 1));
    if (inside * 4 < kills) return Fail(kills, "too few kills met a save: nothing was tried");
    return true;
  }

 private:
  static bool Fail(int kill_number, const std::string& what) {
    std::printf("FAILED at kill %d: %s\n", kill_number, what.c_str());
    return false;
  }

  std::string program_, library_;
  std::mt19937_64 random_;
};

void WriteFile(const char* path, const std::string& text) { std::ofstream(path) << text; }

// In the child: a small file system of its own, which goes when the child does.
void MountSmall(const std::string& directory) {
  const uid_t user = getuid();
  const gid_t group = getgid();
  if (unshare(CLONE_NEWNS) != 0) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) _exit(kCannotMount);
    WriteFile("/proc/self/setgroups", "deny");
    WriteFile("/proc/self/uid_map", "0 " + std::to_string(user) + " 1");
    WriteFile("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
  }
  const std::string size = "size=" + std::to_string(kFullBytes);
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("tmpfs", directory.c_str(), "tmpfs", 0, size.c_str()) != 0) {
    _exit(kCannotMount);
  }
}

bool RunFull(const std::string& program, const std::string& library, int ranks, const std::string& directory) {
  std::filesystem::create_directories(directory);
  Child child = Start({program, "full", library, directory, std::to_string(ranks), std::to_string(kFullBytes)},
                      &MountSmall, directory);
  const std::string said = Read(&child);
  const int status = Wait(child);
  if (status == kCannotMount) {
    std::printf(
        "SKIPPED: a tmpfs of 64 MiB cannot be mounted here, so a disk that is full was not tried (b.errors does "
        "it in memory)\n");
    return true;
  }
  std::printf("a tmpfs of 64 MiB, %d rank%s: %s", ranks, ranks > 1 ? "s" : "", said.c_str());
  if (status != 0) std::printf("FAILED with status %d\n", status);
  return status == 0;
}

int Main(int argc, char** argv) {
  if (argc < 3) {
    std::printf("usage: kill_test KILL_MAIN LIBRARY [--long]\n");
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::string program = std::filesystem::absolute(argv[1]), library = std::filesystem::absolute(argv[2]);
  const char* from_environment = std::getenv("WORKBENCH_LONG");
  const bool is_long = (argc > 3 && std::string(argv[3]) == "--long") ||
                       (from_environment != nullptr && std::string(from_environment) == "1");
  const char* seed_text = std::getenv("WORKBENCH_SEED");
  const uint64_t seed = seed_text != nullptr ? std::strtoull(seed_text, nullptr, 0) : 20240229;
  const char* parent = std::getenv("TEST_TMPDIR");
  std::string root = std::string(parent != nullptr ? parent : "/tmp") + "/kill_test.XXXXXX";
  if (mkdtemp(root.data()) == nullptr) return 2;
  const int kills = is_long ? 500 : 25;
  Killer killer(program, library, seed);
  bool ok = killer.Run(1, kills, root + "/one") && killer.Run(4, kills, root + "/four");
  ok = ok && RunFull(program, library, 1, root + "/full") && RunFull(program, library, 4, root + "/full");
  if (ok) {
    std::filesystem::remove_all(root);
  } else {
    std::printf("what is left is in %s (seed %llu)\n", root.c_str(), static_cast<unsigned long long>(seed));
  }
  return ok ? 0 : 1;
}

}  // namespace
}  // namespace q13

int main(int argc, char** argv) { return q13::Main(argc, argv); }
