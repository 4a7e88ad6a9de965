// Runs a fuzz target without libFuzzer: changes the target's own seeds at random, from a fixed seed, so that a run can
// be repeated. It sees no coverage; what it finds is what libFuzzer finds first.
//
//   NAME_fuzz_test [--runs=N] [--seed=N] [--max_len=BYTES] [--timeout=SECONDS] [--malloc_limit_mb=N]
//       [--write_seeds=DIRECTORY] [INPUT...]
//
// WORKBENCH_LONG=1: 1,000,000 runs at least. INPUT...: these files instead, once each; hex:DIGITS is an input itself.
// Exit status: 0; 1: an input crashed, hung, threw, allocated too much or broke a promise: it is shown in hex; or too
// few inputs came as far as they are meant to.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <iterator>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "questions/q13_checkpoint/fuzz_target.h"

#if defined(__SANITIZE_ADDRESS__)
#define FUZZ_OWN_NEW 0  // the sanitizer's: ASAN_OPTIONS=max_allocation_size_mb=8
#else
#define FUZZ_OWN_NEW 1
#endif

namespace {

constexpr uint64_t kMostMemory = uint64_t{512} << 20;

// Of one allocation. Inputs are small, and so may be what is allocated for them; beyond: an input that says how much.
size_t g_most_allocation = size_t{8} << 20;
std::string g_input;
volatile size_t g_too_large = 0;

// Async-signal-safe: it is called from wherever the target stopped.
void ShowInput(const char* what) {
  static char hex[1 << 16];
  size_t length = 0;
  for (size_t i = 0; i < g_input.size() && length + 2 < sizeof hex; ++i) {
    hex[length++] = "0123456789abcdef"[static_cast<unsigned char>(g_input[i]) >> 4];
    hex[length++] = "0123456789abcdef"[g_input[i] & 15];
  }
  hex[length++] = '\n';
  for (const auto& [text, bytes] : {std::pair(what, std::strlen(what)), std::pair(": the input is hex:", size_t{19}),
                                    std::pair(static_cast<const char*>(hex), length)}) {
    if (write(STDERR_FILENO, text, bytes) < 0) _exit(1);
  }
}

void Stop(int signal) {
  ShowInput(signal == SIGALRM   ? "HUNG"
            : signal == SIGABRT ? "ABORTED"
            : signal == SIGSEGV ? "CRASHED (SIGSEGV)"
                                : "CRASHED");
  _exit(1);
}

void CatchSignals() {
  static char stack[1 << 16];  // the other one may be what ran out
  stack_t other = {};
  other.ss_sp = stack;
  other.ss_size = sizeof stack;
  sigaltstack(&other, nullptr);
  struct sigaction action = {};
  action.sa_handler = &Stop;
  action.sa_flags = SA_ONSTACK;
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM}) sigaction(signal, &action, nullptr);
}

#if FUZZ_OWN_NEW
// What the process has now, and kMostMemory.
void LimitMemory() {
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit limit = {};
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) + kMostMemory;
  setrlimit(RLIMIT_AS, &limit);
}
#else
void LimitMemory() {}
#endif

class Mutator {
 public:
  Mutator(std::vector<std::string> seeds, uint64_t seed, size_t max_bytes)
      : seeds_(std::move(seeds)), random_(seed), max_bytes_(max_bytes) {}

  // A seed, changed a few times; the same sequence from the same seeds.
  std::string Next() {
    std::string text = seeds_[Below(seeds_.size())];
    for (size_t changes = 1 + Below(Below(4) == 0 ? 12 : 3); changes > 0; --changes) Change(&text);
    if (text.size() > max_bytes_) text.resize(max_bytes_);
    return text;
  }

 private:
  size_t Below(size_t bound) { return bound == 0 ? 0 : random_() % bound; }

  // What is a length, a count, an offset or an extent somewhere.
  uint64_t Number() {
    static constexpr uint64_t kNumbers[] = {0,
                                            1,
                                            2,
                                            255,
                                            65536,
                                            0x7fffffff,
                                            0x80000000,
                                            0xffffffff,
                                            uint64_t{1} << 32,
                                            uint64_t{1} << 40,
                                            uint64_t{1} << 56,
                                            uint64_t{1} << 60,
                                            uint64_t{1} << 61,
                                            uint64_t{1} << 62,
                                            ~uint64_t{0} >> 1,
                                            uint64_t{1} << 63,
                                            ~uint64_t{0}};
    switch (Below(4)) {
      case 0:
        return Below(16);
      case 1:
        return random_() >> Below(64);
      default:
        return kNumbers[Below(std::size(kNumbers))] + Below(5) - 2;
    }
  }

  void Change(std::string* text) {
    const size_t at = Below(text->size() + 1);
    const size_t left = text->size() - at;
    const size_t length = Below(std::min<size_t>(left, 32) + 1);
    switch (Below(10)) {
      case 0:
        if (left > 0) (*text)[at] = static_cast<char>((*text)[at] ^ (1 << Below(8)));
        break;
      case 1:
        if (left > 0) (*text)[at] = static_cast<char>(random_());
        break;
      case 2:
      case 3: {  // a field becomes another number
        const size_t bytes = std::min(size_t{1} << (Below(2) == 0 ? 3 : Below(4)), left);
        const uint64_t number = Number();
        std::memcpy(text->data() + at, &number, bytes);
        break;
      }
      case 4: {  // or a little more or less
        uint64_t number = 0;
        const size_t bytes = std::min(sizeof number, left);
        std::memcpy(&number, text->data() + at, bytes);
        number += Below(33) - 16;
        std::memcpy(text->data() + at, &number, bytes);
        break;
      }
      case 5:
        text->erase(at, length);
        break;
      case 6:
        text->insert(Below(text->size() + 1), text->substr(at, length));
        break;
      case 7: {
        const std::string part = text->substr(at, length);
        text->replace(Below(text->size() + 1 - part.size()), part.size(), part);
        break;
      }
      case 8: {  // a part of another seed
        const std::string& other = seeds_[Below(seeds_.size())];
        text->replace(at, length, other.substr(Below(other.size() + 1), Below(33)));
        break;
      }
      default:
        if (Below(4) == 0) {
          text->resize(at);
        } else {
          text->insert(at, std::string(1 + Below(8), static_cast<char>(random_())));
        }
        break;
    }
  }

  std::vector<std::string> seeds_;
  std::mt19937_64 random_;
  size_t max_bytes_;
};

// False: it was not as it has to be. (Or the process ends.)
bool RunOnce(unsigned timeout) {
  alarm(timeout);
  // Of its own size and place, so that a sanitizer sees what is read behind it.
  const std::vector<uint8_t> bytes(g_input.begin(), g_input.end());
  g_too_large = 0;
  try {
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    ShowInput("THREW");
    return false;
  }
  alarm(0);
  if (g_too_large == 0) return true;
  std::fprintf(stderr, "an allocation of %zu bytes\n", static_cast<size_t>(g_too_large));
  ShowInput("ALLOCATED");
  return false;
}

std::string FromHex(const std::string& digits) {
  std::string bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

int Main(int argc, char** argv) {
  int64_t runs = 100'000;
  uint64_t seed = 20240229;
  size_t max_bytes = 1024;
  unsigned timeout = 10;
  const auto environment = [](const char* name) { return std::getenv(name) == nullptr ? "" : std::getenv(name); };
  std::vector<std::string> given;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::string value = argument.substr(std::min(argument.find('=') + 1, argument.size()));
    if (argument.starts_with("--runs=")) {
      runs = std::stoll(value);
    } else if (argument.starts_with("--seed=")) {
      seed = std::stoull(value, nullptr, 0);
    } else if (argument.starts_with("--max_len=")) {
      max_bytes = std::stoull(value);
    } else if (argument.starts_with("--timeout=")) {
      timeout = static_cast<unsigned>(std::stoul(value));
    } else if (argument.starts_with("--malloc_limit_mb=")) {
      g_most_allocation = size_t{std::stoull(value)} << 20;
    } else if (argument.starts_with("--write_seeds=")) {
      int number = 0;
      for (const std::string& input : q13::FuzzSeeds()) {
        std::ofstream(value + "/seed_" + std::to_string(number++), std::ios::binary) << input;
      }
      return 0;
    } else if (argument.starts_with("--")) {
      std::fprintf(stderr, "%s is no flag\n", argv[i]);
      return 2;
    } else {
      given.push_back(argument);
    }
  }
  if (std::string(environment("WORKBENCH_LONG")) == "1") runs = std::max<int64_t>(runs, 1'000'000);
  if (const std::string text = environment("WORKBENCH_SEED"); !text.empty()) seed = std::stoull(text, nullptr, 0);

  CatchSignals();
  for (const std::string& input : given) {
    std::ifstream file(input, std::ios::binary);
    g_input =
        input.starts_with("hex:") ? FromHex(input.substr(4)) : std::string(std::istreambuf_iterator<char>(file), {});
    if (!RunOnce(timeout)) return 1;
  }
  if (!given.empty()) return 0;

  const auto start = std::chrono::steady_clock::now();
  const std::vector<std::string> seeds = q13::FuzzSeeds();
  for (const std::string& input : seeds) {
    g_input = input;
    if (!RunOnce(timeout)) return 1;
    max_bytes = std::max(max_bytes, input.size() + 16);
  }
  LimitMemory();  // now that what is allocated once has been
  Mutator mutator(seeds, seed, max_bytes);
  for (int64_t run = 0; run < runs; ++run) {
    g_input = mutator.Next();
    if (!RunOnce(timeout)) return 1;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  rusage used = {};
  getrusage(RUSAGE_SELF, &used);
  std::fprintf(stderr, "%12lld runs in %.1f s, %.0f a second; %ld MiB at most\n", static_cast<long long>(runs), seconds,
               static_cast<double>(runs) / seconds, used.ru_maxrss / 1024);
  bool enough = true;
  for (const q13::FuzzCounter* counter : q13::FuzzCounter::All()) {
    if (counter->Enough(runs)) continue;
    std::fprintf(stderr, "TOO FEW %s\n", counter->what());
    enough = false;
  }
  return enough ? 0 : 1;
}

}  // namespace

#if FUZZ_OWN_NEW
void* operator new(size_t bytes) {
  if (bytes > g_most_allocation) {
    g_too_large = bytes;
    throw std::bad_alloc();
  }
  if (void* memory = std::malloc(std::max<size_t>(bytes, 1))) return memory;
  g_too_large = bytes;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
#endif

int main(int argc, char** argv) { return Main(argc, argv); }
