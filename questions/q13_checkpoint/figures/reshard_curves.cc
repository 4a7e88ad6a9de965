// What saving and loading a tensor by 1 to 16 ranks costs, as JSON: render_static.js draws it. Ranks are processes.
// Files go through the page cache, and are loaded from there: loads tell what part d costs, and not what the disk does.
//
//   reshard_curves LIBRARY ROOT [REPETITIONS]     ROOT is an empty folder
#include <dlfcn.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/files/posix_io.h"
#include "questions/q13_checkpoint/reshard_layout.h"
#include "questions/q13_checkpoint/reshard_run.h"

namespace q13 {
namespace {

using workbench::File;
using workbench::Io;

constexpr int kMostRanks = 16;
constexpr int kSavedBy = 3;  // its cuts are none of 2, 4, 8 and 16 ranks
const std::vector<int64_t> kShape = {8209, 8191};

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "reshard_curves: %s\n", what.c_str());
  std::_Exit(1);
}

workbench::Result<std::unique_ptr<workbench::PosixIo>> OpenRoot(const char* root) {
  workbench::PosixIoOptions options;
  options.direct = false;
  return workbench::PosixIo::Make(root, options);
}

struct RankCost {
  double cpu_seconds;
  double seconds;
  int64_t peak_bytes;  // resident, beside what was before the call: that has the slices
  int64_t read_bytes;
  int64_t written_bytes;
};

// What the processes of a call share.
struct Shared {
  static constexpr int64_t kMostMessage = 1 << 20;
  pthread_barrier_t barrier;
  RankCost costs[kMostRanks];
  int64_t sizes[kMostRanks];
  std::byte messages[kMostRanks][kMostMessage];

  static Shared* Make() {
    void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) Fail("no shared memory");
    return static_cast<Shared*>(memory);
  }
  void Begin(int ranks) {
    pthread_barrierattr_t attributes;
    pthread_barrierattr_init(&attributes);
    pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&barrier, &attributes, static_cast<unsigned>(ranks));
  }
};

class ProcessGroup : public Group {
 public:
  ProcessGroup(Shared* shared, int rank, int size) : shared_(shared), rank_(rank), size_(size) {}
  int rank() const override { return rank_; }
  int size() const override { return size_; }
  bool AllGather(const std::vector<std::byte>& mine, std::vector<std::vector<std::byte>>* all) override {
    if (mine.size() > static_cast<size_t>(Shared::kMostMessage)) Fail("a message is too long");
    shared_->sizes[rank_] = static_cast<int64_t>(mine.size());
    std::copy(mine.begin(), mine.end(), shared_->messages[rank_]);
    pthread_barrier_wait(&shared_->barrier);
    all->clear();
    for (int i = 0; i < size_; ++i) {
      all->emplace_back(shared_->messages[i], shared_->messages[i] + shared_->sizes[i]);
    }
    pthread_barrier_wait(&shared_->barrier);
    return true;
  }

 private:
  Shared* shared_;
  int rank_;
  int size_;
};

// Counts bytes that are read and written.
class CountingIo : public Io {
 public:
  explicit CountingIo(Io* io) : io_(io) {}
  int Open(const std::string& path, workbench::OpenMode mode, std::unique_ptr<File>* file) override {
    const int error = io_->Open(path, mode, file);
    if (error == 0) *file = std::make_unique<CountingFile>(std::move(*file), this);
    return error;
  }
  int Rename(const std::string& from, const std::string& to) override { return io_->Rename(from, to); }
  int Remove(const std::string& path) override { return io_->Remove(path); }
  int MakeDirectory(const std::string& path) override { return io_->MakeDirectory(path); }
  int List(const std::string& directory, std::vector<std::string>* names) override {
    return io_->List(directory, names);
  }
  int SyncDirectory(const std::string& directory) override { return io_->SyncDirectory(directory); }

  int64_t read_bytes() const { return read_; }
  int64_t written_bytes() const { return written_; }

 private:
  class CountingFile : public File {
   public:
    CountingFile(std::unique_ptr<File> file, CountingIo* io) : file_(std::move(file)), io_(io) {}
    int64_t WriteAt(int64_t offset, const void* data, int64_t bytes) override {
      const int64_t done = file_->WriteAt(offset, data, bytes);
      io_->written_ += std::max<int64_t>(done, 0);
      return done;
    }
    int64_t ReadAt(int64_t offset, void* data, int64_t bytes) override {
      const int64_t done = file_->ReadAt(offset, data, bytes);
      io_->read_ += std::max<int64_t>(done, 0);
      return done;
    }
    int Sync() override { return file_->Sync(); }
    int64_t Size() override { return file_->Size(); }

   private:
    std::unique_ptr<File> file_;
    CountingIo* io_;
  };

  Io* io_;
  std::atomic<int64_t> read_ = 0, written_ = 0;
};

// VmRSS or VmHWM of this process.
int64_t ResidentBytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return 1024 * std::atoll(line.c_str() + field.size() + 1);
  }
  Fail("no " + field);
}

double CpuSeconds() {
  timespec now = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Machine {
  const char* answer;  // the library
  const char* root;
  Shared* shared;
};

// In a process of its own.
void RunRank(const Machine& machine, const ReshardRequest& request, const Layout& layout, bool save, int rank) {
  void* library = dlopen(machine.answer, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) Fail(dlerror());
  const auto entry =
      reinterpret_cast<decltype(&q13_shard_save)>(dlsym(library, save ? "q13_shard_save" : "q13_shard_load"));
  if (entry == nullptr) Fail("the library has no such function");
  auto files = OpenRoot(machine.root);
  if (!files.ok()) Fail(files.status().message());
  CountingIo io(files->get());
  ProcessGroup group(machine.shared, rank, static_cast<int>(layout.size()));
  BoxMemory memory(request, layout[static_cast<size_t>(rank)], 0);
  if (save) {
    memory.Fill(0);
  } else {
    memory.Poison();
  }
  std::ofstream("/proc/self/clear_refs") << 5;  // VmHWM begins anew
  const int64_t resident = ResidentBytes("VmRSS");
  pthread_barrier_wait(&machine.shared->barrier);
  const auto start = std::chrono::steady_clock::now();
  const double cpu = CpuSeconds();
  const int code = entry(&io, &group, "", memory.slices());
  RankCost& cost = machine.shared->costs[rank];
  cost.cpu_seconds = CpuSeconds() - cpu;
  cost.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  cost.peak_bytes = ResidentBytes("VmHWM") - resident;
  cost.read_bytes = io.read_bytes();
  cost.written_bytes = io.written_bytes();
  if (code != 0) Fail("rank " + std::to_string(rank) + ": " + ReshardCodeName(code));
  ReshardRankRecord record;
  memory.Compare(std::vector<int32_t>{0}, &record);
  if (record.matched != 0 || !memory.SurroundingsIntact()) Fail("rank " + std::to_string(rank) + ": wrong elements");
}

std::vector<RankCost> Run(const Machine& machine, const ReshardRequest& request, int32_t layout, bool save) {
  const Layout& boxes = request.layouts[static_cast<size_t>(layout)];
  const int ranks = static_cast<int>(boxes.size());
  machine.shared->Begin(ranks);
  std::vector<pid_t> processes;
  for (int rank = 0; rank < ranks; ++rank) {
    processes.push_back(fork());
    if (processes.back() < 0) Fail("no process");
    if (processes.back() > 0) continue;
    RunRank(machine, request, boxes, save, rank);
    std::_Exit(0);
  }
  for (int ended = 0; ended < ranks; ++ended) {
    int status = 0;
    if (waitpid(-1, &status, 0) > 0 && status == 0) continue;
    for (const pid_t process : processes) kill(process, SIGKILL);  // they wait for it
    Fail("a rank failed");
  }
  return {machine.shared->costs, machine.shared->costs + ranks};
}

using Runs = std::vector<std::vector<RankCost>>;  // by run, by rank

// Of each run the rank that has most.
std::vector<double> MostOf(const Runs& runs, const std::function<double(const RankCost&)>& of) {
  std::vector<double> most(runs.size());
  for (size_t i = 0; i < runs.size(); ++i) {
    for (const RankCost& rank : runs[i]) most[i] = std::max(most[i], of(rank));
  }
  return most;
}

// Times: of the run that took least, since whatever else the machine does adds to them. Memory: of that with most.
// Without an end: bytes follow.
void PrintCosts(const char* name, const Runs& runs) {
  const std::vector<double> seconds = MostOf(runs, [](const RankCost& rank) { return rank.seconds; });
  const std::vector<double> cpu = MostOf(runs, [](const RankCost& rank) { return rank.cpu_seconds; });
  const std::vector<double> peak = MostOf(runs, [](const RankCost& rank) { return double(rank.peak_bytes); });
  std::vector<double> cpu_of_all;
  for (const std::vector<RankCost>& ranks : runs) {
    cpu_of_all.push_back(0);
    for (const RankCost& rank : ranks) cpu_of_all.back() += rank.cpu_seconds;
  }
  const auto least = [](const std::vector<double>& values) { return *std::min_element(values.begin(), values.end()); };
  std::printf(R"(, "%s": {"seconds": %.4f, "cpu_seconds": %.4f, "cpu_seconds_of_all": %.4f, "peak_bytes": %.0f)", name,
              least(seconds), least(cpu), least(cpu_of_all), *std::max_element(peak.begin(), peak.end()));
}

// Bytes, of which every run has the same: of the rank that reads most for its slice, and what the judge lets it read.
void PrintReads(const ReshardRequest& request, int32_t saved, int32_t loaded, const std::vector<RankCost>& costs) {
  const Layout& boxes = request.layouts[static_cast<size_t>(loaded)];
  const std::vector<int64_t> bounds = ReadBounds(request.tensors, request.layouts[static_cast<size_t>(saved)], boxes);
  const auto of_slice = [&](size_t rank) {
    return static_cast<double>(costs[rank].read_bytes) / static_cast<double>(BoxBytes(request.tensors, boxes[rank]));
  };
  size_t worst = 0;
  for (size_t rank = 0; rank < costs.size(); ++rank) {
    if (costs[rank].read_bytes > bounds[rank]) Fail("rank " + std::to_string(rank) + " read too much");
    if (of_slice(rank) > of_slice(worst)) worst = rank;
  }
  std::printf(R"(, "slice_bytes": %lld, "read_bytes": %lld, "limit_bytes": %lld})",
              static_cast<long long>(BoxBytes(request.tensors, boxes[worst])),
              static_cast<long long>(costs[worst].read_bytes), static_cast<long long>(bounds[worst]));
}

std::string CpuName() {
  std::ifstream cpus("/proc/cpuinfo");
  for (std::string line; std::getline(cpus, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(": ") + 2);
  }
  return "unknown";
}

int Main(int count, char** arguments) {
  if (count < 3) Fail("LIBRARY ROOT [REPETITIONS]");
  const int repetitions = count > 3 ? std::max(std::atoi(arguments[3]), 1) : 5;
  const Machine machine = {arguments[1], arguments[2], Shared::Make()};
  const auto io = OpenRoot(machine.root);
  if (!io.ok()) Fail(io.status().message());
  ReshardRequest request;
  request.seed = 13;
  request.tensors = {{"weight", {Type::kF32, kShape}, 1}};
  LayoutRandom random(request.seed);
  const auto rows = [&](int ranks) {
    Layout layout(static_cast<size_t>(ranks));
    AddAxis(request.tensors[0], 0, 0, Cut::kFloor, &random, &layout);
    request.layouts.push_back(layout);
    return static_cast<int32_t>(request.layouts.size() - 1);
  };
  const std::time_t now = std::time(nullptr);
  char date[16];
  std::strftime(date, sizeof(date), "%Y-%m-%d", std::gmtime(&now));
  const std::string library = machine.answer;
  std::printf("{\"command\": \"reshard_curves %s ROOT %d\", \"date\": \"%s\",\n",
              library.substr(library.rfind('/') + 1).c_str(), repetitions, date);
  std::printf(" \"cpu\": \"%s\", \"cores\": %ld, \"io\": \"%s, page cache\", \"repetitions\": %d,\n", CpuName().c_str(),
              sysconf(_SC_NPROCESSORS_ONLN), (*io)->Describe().c_str(), repetitions);
  std::printf(" \"shape\": [%lld, %lld], \"type\": \"f32\", \"bytes\": %lld, \"chunk_bytes\": %lld,\n \"runs\": [",
              static_cast<long long>(kShape[0]), static_cast<long long>(kShape[1]),
              static_cast<long long>(4 * kShape[0] * kShape[1]), static_cast<long long>(kShardChunk));
  const int32_t by_others = rows(kSavedBy);
  const char* separator = "\n";
  for (int ranks = 1; ranks <= kMostRanks; ranks *= 2) {
    const int32_t layout = rows(ranks);
    Runs saves, loads, others;
    for (int i = 0; i < repetitions; ++i) {
      saves.push_back(Run(machine, request, layout, true));
      loads.push_back(Run(machine, request, layout, false));
      Run(machine, request, by_others, true);
      others.push_back(Run(machine, request, layout, false));
    }
    std::printf(R"(%s  {"ranks": %d)", separator, ranks);
    separator = ",\n";
    PrintCosts("save", saves);
    const auto written = MostOf(saves, [](const RankCost& rank) { return double(rank.written_bytes); });
    std::printf(R"(, "written_bytes": %.0f})", written.front());
    PrintCosts("load", loads);
    PrintReads(request, layout, layout, loads.back());
    PrintCosts("load_what_3_saved", others);
    PrintReads(request, by_others, layout, others.back());
    std::printf("}");
    std::fflush(stdout);
  }
  std::printf("\n ]}\n");
  return 0;
}

}  // namespace
}  // namespace q13

int main(int count, char** arguments) { return q13::Main(count, arguments); }
