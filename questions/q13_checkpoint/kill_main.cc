// A process to be killed: saves checkpoints for ever, on one rank or on several (as threads), to a real directory.
//
//   kill_main save LIBRARY DIRECTORY RANKS FIRST   Says "saving N" and "saved N" on standard output, each as it is so.
//   kill_main load LIBRARY DIRECTORY RANKS         Loads the latest, compares every byte; says "loaded N" or "nothing".
//   kill_main full LIBRARY DIRECTORY RANKS LEAST   DIRECTORY has room for little: fills it up, and looks at what
//   happens.
//
// Exit status: 0; 1: something does not hold, and standard error says what; 2: it could not be tried.
#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/files/posix_io.h"
#include "questions/q13_checkpoint/api.h"
#include "questions/q13_checkpoint/thread_group.h"

namespace q13 {
namespace {

constexpr int32_t kKeep = 2;

struct Options {
  std::string mode, library, directory;
  int ranks = 1;
  int64_t number = 0;  // FIRST or LEAST
};

decltype(&q13_store_create) g_create = nullptr;

[[noreturn]] void Give(int status, const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::fflush(stderr);
  _exit(status);
}

// One write, so that a line is there whole or not at all.
void Say(const std::string& line) {
  const std::string whole = line + "\n";
  if (write(STDOUT_FILENO, whole.data(), whole.size()) < 0) _exit(2);
}

// Sizes on both sides of what is written past the page cache. A function of step and rank, as all bytes are; these also
// of `salt`, which is among them: a step that is saved once more differs from what it was.
State MakeState(int64_t step, int rank, int64_t scale, uint64_t salt) {
  const int64_t sizes[] = {100 + step % 7, 0, 4096, (70000 + 1000 * rank + step % 11) * scale, 300001 * scale};
  State state;
  HostTensor& first = state["salt"];
  first.info = {Type::kU64, {}};
  first.data.resize(sizeof salt);
  std::memcpy(first.data.data(), &salt, sizeof salt);
  for (size_t i = 0; i < std::size(sizes); ++i) {
    HostTensor& tensor = state["tensor " + std::to_string(i)];
    tensor.info = {Type::kU8, {sizes[i]}};
    tensor.data.resize(static_cast<size_t>(sizes[i]));
    uint64_t value = static_cast<uint64_t>(step) * 1000003 + static_cast<uint64_t>(rank) * 101 + i + (salt << 32);
    for (size_t at = 0; at < tensor.data.size(); at += sizeof value) {
      value = value * 6364136223846793005u + 1442695040888963407u;
      std::memcpy(tensor.data.data() + at, &value, std::min(sizeof value, tensor.data.size() - at));
    }
  }
  return state;
}

std::vector<TensorView> ViewsOf(State* state) {
  std::vector<TensorView> views;
  for (auto& [name, tensor] : *state) views.push_back({name, tensor.info, tensor.data.data()});
  return views;
}

uint64_t SaltOf(const State& state) {
  uint64_t salt = 0;
  const auto found = state.find("salt");
  if (found != state.end() && found->second.data.size() == sizeof salt) {
    std::memcpy(&salt, found->second.data.data(), sizeof salt);
  }
  return salt;
}

// Empty: equal.
std::string Difference(const State& expected, const State& actual) {
  if (expected.size() != actual.size()) return std::to_string(actual.size()) + " tensors";
  for (const auto& [name, tensor] : expected) {
    const auto found = actual.find(name);
    if (found == actual.end()) return "no " + name;
    if (found->second.info.shape != tensor.info.shape || found->second.info.type != tensor.info.type) {
      return name + " has another shape or type";
    }
    if (found->second.data != tensor.data) return name + " has other bytes";
  }
  return "";
}

// A store on each rank of a fresh group; body(rank, store).
void OnAllRanks(const Options& options, Io* io, const std::function<void(int, Store*)>& body) {
  ThreadGroup group(options.ranks);
  group.Run([&](int rank) {
    const std::unique_ptr<Store> store(g_create({io, group.rank(rank), "", kKeep}));
    if (store == nullptr) Give(2, "q13_store_create gave nothing");
    body(rank, store.get());
  });
}

void SaveForEver(const Options& options, Io* io) {
  OnAllRanks(options, io, [&](int rank, Store* store) {
    for (int64_t step = options.number;; ++step) {
      State state = MakeState(step, rank, 1, static_cast<uint64_t>(getpid()));
      if (rank == 0) Say("saving " + std::to_string(step));
      const int error = store->Save(step, ViewsOf(&state));
      if (error != 0) Give(1, "Save of step " + std::to_string(step) + " gave " + std::to_string(error));
      if (rank == 0) Say("saved " + std::to_string(step));
    }
  });
}

// What Load finds, or -1: nothing at all.
int64_t LoadAndCompare(const Options& options, Io* io, int64_t step, int64_t scale) {
  std::atomic<int64_t> found = -1;
  std::atomic<uint64_t> salts = 0, one_salt = 0;
  OnAllRanks(options, io, [&](int rank, Store* store) {
    State state;
    int64_t loaded = -1;
    const int error = store->Load(step, &state, &loaded);
    if (error == kNotFound && step == kLatest) return;
    if (error != 0) Give(1, "Load of step " + std::to_string(step) + " gave " + std::to_string(error));
    const std::string difference = Difference(MakeState(loaded, rank, scale, SaltOf(state)), state);
    const std::string where = "step " + std::to_string(loaded) + ", rank " + std::to_string(rank) + ": ";
    if (!difference.empty()) Give(1, where + difference);
    salts += SaltOf(state);
    one_salt = SaltOf(state);
    found = loaded;
  });
  if (salts != one_salt * static_cast<uint64_t>(options.ranks)) Give(1, "ranks loaded what different saves had saved");
  return found;
}

// `all`: the save has to succeed on all ranks. Otherwise it has to fail on all of them, on one at least with -ENOSPC.
void SaveOnce(const Options& options, Io* io, int64_t step, int64_t scale, bool all) {
  std::atomic<int> no_space = 0, good = 0;
  OnAllRanks(options, io, [&](int rank, Store* store) {
    State state = MakeState(step, rank, scale, 0);
    const int error = store->Save(step, ViewsOf(&state));
    no_space += error == -ENOSPC;
    good += error == 0;
    if (all && error != 0) {
      Give(1, "there is room, and Save of step " + std::to_string(step) + " gave " + std::to_string(error));
    }
  });
  if (!all && (good != 0 || no_space == 0)) {
    Give(1, "the disk is full, and Save of step " + std::to_string(step) + " gave 0 on " + std::to_string(good) +
                " ranks, -ENOSPC on " + std::to_string(no_space) + " of " + std::to_string(options.ranks));
  }
}

// Takes what room there is, but for `left` bytes.
std::unique_ptr<workbench::File> Fill(Io* io, int64_t left) {
  std::unique_ptr<workbench::File> file;
  if (io->Open("filler", OpenMode::kTruncate, &file) != 0) Give(2, "the filler cannot be made");
  const std::vector<char> zeros(1 << 16);
  int64_t at = 0, done = 0;
  while ((done = file->WriteAt(at, zeros.data(), static_cast<int64_t>(zeros.size()))) > 0) {
    if ((at += done) > (int64_t{1} << 30)) Give(2, "the directory has room for more than 1 GiB");
  }
  if (done != -ENOSPC) Give(2, "filling the directory up gave " + std::to_string(done));
  if (left > 0 && truncate("filler", at - left) != 0) {
    Give(2, "the filler cannot be shortened");
  }
  return file;
}

void FillUp(const Options& options, Io* io) {
  // Three checkpoints have room beside each other, which saving needs: two that are kept, and the new one.
  const int64_t scale = options.number / (400'000 * options.ranks * 4);
  for (int64_t step = 1; step <= 3; ++step) SaveOnce(options, io, step, scale, true);
  int64_t step = 4;
  for (const int64_t left : {int64_t{0}, int64_t{4096}, int64_t{1} << 18, options.number / 16, options.number / 8}) {
    Fill(io, left);
    SaveOnce(options, io, step, scale, false);
    for (const int64_t kept : {step - 2, step - 1}) LoadAndCompare(options, io, kept, scale);
    if (LoadAndCompare(options, io, kLatest, scale) != step - 1) Give(1, "full: the latest is not what was saved last");
    if (io->Remove("filler") != 0) Give(2, "the filler cannot be removed");
    SaveOnce(options, io, step, scale, true);
    if (LoadAndCompare(options, io, kLatest, scale) != step)
      Give(1, "room again: the latest is not what was saved last");
    ++step;
  }
  Say("held through " + std::to_string(step - 4) + " times full");
}

int Main(int argc, char** argv) {
  if (argc < 5) Give(2, "usage: kill_main save|load|full LIBRARY DIRECTORY RANKS [NUMBER]");
  Options options{argv[1], argv[2], argv[3], std::atoi(argv[4]), argc > 5 ? std::atoll(argv[5]) : 0};
  void* library = dlopen(options.library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) Give(2, dlerror());
  g_create = reinterpret_cast<decltype(g_create)>(dlsym(library, "q13_store_create"));
  if (g_create == nullptr) Give(2, "no q13_store_create");
  if (chdir(options.directory.c_str()) != 0) Give(2, "no directory " + options.directory);
  workbench::Result<std::unique_ptr<workbench::PosixIo>> io = workbench::PosixIo::Make(".");
  if (!io.ok()) Give(2, io.status().message());
  if (options.mode == "save") {
    SaveForEver(options, io->get());
  } else if (options.mode == "load") {
    const int64_t step = LoadAndCompare(options, io->get(), kLatest, 1);
    Say(step < 0 ? "nothing" : "loaded " + std::to_string(step));
  } else {
    FillUp(options, io->get());
  }
  std::fflush(nullptr);
  _exit(0);  // the library's destructors are none of this program's matter
}

}  // namespace
}  // namespace q13

int main(int argc, char** argv) { return q13::Main(argc, argv); }
