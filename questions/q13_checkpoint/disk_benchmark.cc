// An answer's parts A and F on a real disk: a state in device memory is saved as one safetensors file and loaded back,
// beside a plain O_DIRECT writer and reader of the same disk, in the same run.
//
//   disk_benchmark LIBRARY_A LIBRARY_F DIRECTORY [--mib=4096] [--keep] [--timeline=FILE]
//       [Google Benchmark's flags]
//
// A save is q13_snapshot_create's, from the call until the file and its name are durable; "stall_ms" is how long the
// stream was held up. A load is q13_safetensors_parse and q13_restore, until the stream has all. "Warm": the page cache
// has the whole file. The file of the save before is removed first, untimed: that is pruning's, and takes ext4 a second
// for 4 GiB. With --timeline, one save each with room on the device, in pinned memory and in a ring is written
// down as JSON, and nothing else is done. With --keep the file, model.safetensors, is left (docs/results/q13_peers.py
// has others load it). For disks that others use, too: --benchmark_enable_random_interleaving=true
// --benchmark_repetitions=5.
#include <benchmark/benchmark.h>
#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "harness/files/posix_io.h"
#include "questions/q13_checkpoint/device_api.h"
#include "questions/q13_checkpoint/judge_kernels.h"
#include "questions/q13_checkpoint/snapshot_case.h"

namespace q13 {
namespace {

using Clock = std::chrono::steady_clock;
using workbench::PosixIo;

constexpr int64_t kMiB = 1 << 20;
constexpr int64_t kLargeBytes = 32 * kMiB, kSmallBytes = 16 << 10;
constexpr int64_t kAlignment = 4096;  // of the data in the file: what O_DIRECT asks for
constexpr int64_t kPlainBlock = 8 * kMiB;
constexpr int64_t kChunkBytes = 16 * kMiB, kRingBytes = 256 * kMiB;
constexpr uint64_t kSeed = 13;
constexpr const char *kFile = "model.safetensors", *kTemporary = "model.tmp", *kPlainFile = "plain.tmp";

[[noreturn]] void Give(const std::string& what) {
  std::fprintf(stderr, "disk_benchmark: %s\n", what.c_str());
  std::exit(1);
}
void Check(cudaError_t error, const char* what) {
  if (error != cudaSuccess) Give(std::string(what) + ": " + cudaGetErrorString(error));
}
void Check(int error, const char* what) {
  if (error != 0) Give(std::string(what) + " gives " + std::to_string(error));
}

double Seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

template <typename Function>
Function* Symbol(const std::string& library, const char* name) {
  void* const handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) Give(dlerror());
  void* const symbol = dlsym(handle, name);
  if (symbol == nullptr) Give(library + " has no " + name);
  return reinterpret_cast<Function*>(symbol);
}

struct Interval {
  Clock::time_point begin, end;
};

// Writes to where the header says, and remembers when.
class FileSink : public Sink {
 public:
  FileSink(workbench::File* file, const std::vector<int64_t>& begins) : file_(file), begins_(begins) {}

  int Write(int64_t, int32_t tensor, int64_t offset, const void* data, int64_t bytes) override {
    const Clock::time_point begin = Clock::now();
    const int64_t at = begins_[static_cast<size_t>(tensor)] + offset;
    for (int64_t done = 0; done < bytes;) {
      const int64_t wrote = file_->WriteAt(at + done, static_cast<const char*>(data) + done, bytes - done);
      if (wrote < 0 && wrote != -EINTR) return static_cast<int>(wrote);
      done += std::max<int64_t>(wrote, 0);
    }
    writes_.push_back({begin, Clock::now()});
    return 0;
  }
  void Finish(int64_t, int error) override { error_ = error; }

  int error() const { return error_; }
  const std::vector<Interval>& writes() const { return writes_; }

 private:
  workbench::File* file_;
  const std::vector<int64_t>& begins_;
  std::vector<Interval> writes_;
  int error_ = 0;
};

class FileSource : public Source {
 public:
  FileSource(workbench::File* file, const std::vector<int64_t>& begins) : file_(file), begins_(begins) {}
  int64_t Read(int32_t tensor, int64_t offset, void* data, int64_t bytes) override {
    return file_->ReadAt(begins_[static_cast<size_t>(tensor)] + offset, data, bytes);
  }

 private:
  workbench::File* file_;
  const std::vector<int64_t>& begins_;
};

class Disk {
 public:
  Disk(const std::string& library_a, const std::string& library_f, std::string directory, int64_t bytes, bool keep)
      : create_(Symbol<decltype(q13_snapshot_create)>(library_a, "q13_snapshot_create")),
        restore_(Symbol<decltype(q13_restore)>(library_a, "q13_restore")),
        parse_(Symbol<decltype(q13_safetensors_parse)>(library_f, "q13_safetensors_parse")),
        write_(Symbol<decltype(q13_safetensors_write)>(library_f, "q13_safetensors_write")),
        directory_(std::move(directory)),
        keep_(keep) {
    auto io = PosixIo::Make(directory_);
    if (!io.ok()) Give(io.status().message());
    io_ = std::move(*io);
    for (int t = 0; bytes_ < bytes; ++t) {
      // A norm's weights in front of every second matrix.
      const int64_t size = t % 3 == 0 ? kSmallBytes : kLargeBytes;
      tensors_.push_back({"layer." + std::to_string(1000 + t), bytes_, size});
      bytes_ += size;
    }
    Check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
    Check(cudaMalloc(&memory_, static_cast<size_t>(bytes_)), "cudaMalloc");
    for (size_t t = 0; t < tensors_.size(); ++t) {
      Check(judge::FillPattern(At(t), static_cast<size_t>(tensors_[t].bytes), KeyOf(t), stream_), "FillPattern");
    }
    Check(cudaStreamSynchronize(stream_), "the contents");
    plain_.reset(static_cast<char*>(std::aligned_alloc(kAlignment, kRingBytes)));
    std::memset(plain_.get(), 0x5a, kRingBytes);
    MakeHeader();
  }
  ~Disk() {
    for (const char* name : {kTemporary, kPlainFile}) io_->Remove(name);
    if (!keep_) io_->Remove(kFile);
  }

  int64_t bytes() const { return bytes_; }
  std::string Describe() { return io_->Describe(); }

  struct Saved {
    double seconds = 0, stall = 0;
    Clock::time_point called, returned;
    std::vector<Interval> writes, commits;
  };

  // `before` and `after` are called right before and after Save.
  Saved Save(const SnapshotConfig& config, const std::function<void()>& before = {},
             const std::function<void()>& after = {}) {
    Saved saved;
    std::unique_ptr<workbench::File> file;
    for (const char* name : {kTemporary, kFile}) io_->Remove(name);
    Check(io_->Open(kTemporary, workbench::OpenMode::kCreate, &file), "Open");
    FileSink sink(file.get(), begins_);
    const std::unique_ptr<Snapshotter> snapshotter(create_(config, &sink));
    if (snapshotter == nullptr) Give("q13_snapshot_create gives nullptr");
    std::vector<DeviceTensor> tensors;
    for (size_t t = 0; t < tensors_.size(); ++t) {
      tensors.push_back({tensors_[t].name.c_str(), Type::kBF16, At(t), tensors_[t].bytes});
    }
    if (before) before();
    saved.called = Clock::now();
    Check(snapshotter->Save(0, tensors, stream_), "Save");
    saved.returned = Clock::now();
    if (after) after();
    if (!before) Check(cudaStreamSynchronize(stream_), "the stream");
    saved.stall = Seconds(Clock::now() - saved.called);
    if (file->WriteAt(0, header_.data(), static_cast<int64_t>(header_.size())) !=
        static_cast<int64_t>(header_.size())) {
      Give("the header cannot be written");
    }
    Check(snapshotter->Wait(), "Wait");
    Check(sink.error(), "the save");
    const auto commit = [&](int error, const char* what) {
      Check(error, what);
      const Clock::time_point now = Clock::now();
      saved.commits.push_back({saved.commits.empty() ? now : saved.commits.back().end, now});
    };
    commit(0, "");
    commit(file->Sync(), "Sync");
    commit(io_->Rename(kTemporary, kFile), "Rename");
    commit(io_->SyncDirectory(""), "SyncDirectory");
    saved.commits.erase(saved.commits.begin());
    saved.seconds = Seconds(Clock::now() - saved.called);
    saved.writes = sink.writes();
    return saved;
  }

  double Load() {
    Check(cudaMemsetAsync(memory_, 0, static_cast<size_t>(bytes_), stream_), "cudaMemsetAsync");
    Check(cudaStreamSynchronize(stream_), "the stream");
    const Clock::time_point begin = Clock::now();
    std::unique_ptr<workbench::File> file;
    Check(io_->Open(kFile, workbench::OpenMode::kRead, &file), "Open");
    std::vector<std::byte> head(8);
    const auto read = [&](size_t at) {
      const auto wanted = static_cast<int64_t>(head.size() - at);
      if (file->ReadAt(static_cast<int64_t>(at), head.data() + at, wanted) != wanted) Give("the header is cut short");
    };
    read(0);
    uint64_t length = 0;
    std::memcpy(&length, head.data(), sizeof length);
    head.resize(8 + static_cast<size_t>(length));
    read(8);
    SafetensorsFile parsed;
    Check(static_cast<int>(parse_(head.data(), head.size(), static_cast<uint64_t>(file->Size()), &parsed)),
          "q13_safetensors_parse");
    std::map<std::string, size_t> index;
    for (size_t t = 0; t < tensors_.size(); ++t) index[tensors_[t].name] = t;
    std::vector<int64_t> begins;
    std::vector<RestoreTensor> targets;
    for (const SafetensorsEntry& entry : parsed.tensors) {
      begins.push_back(entry.begin);
      targets.push_back({entry.name.c_str(), entry.info.type, At(index.at(entry.name)), entry.end - entry.begin});
    }
    FileSource source(file.get(), begins);
    RestoreConfig config;
    config.pinned_bytes = kRingBytes;
    config.readers = static_cast<int32_t>(std::clamp(std::thread::hardware_concurrency(), 1u, 16u));
    Check(restore_(config, &source, targets, stream_), "q13_restore");
    Check(cudaStreamSynchronize(stream_), "the stream");
    return Seconds(Clock::now() - begin);
  }

  // Every byte, against what was made.
  void MustBeWhole() {
    void* expected = nullptr;
    Check(cudaMalloc(&expected, kLargeBytes), "cudaMalloc");
    std::vector<char> is(kLargeBytes), ought(kLargeBytes);
    for (size_t t = 0; t < tensors_.size(); ++t) {
      const auto bytes = static_cast<size_t>(tensors_[t].bytes);
      Check(judge::FillPattern(expected, bytes, KeyOf(t), stream_), "FillPattern");
      Check(cudaStreamSynchronize(stream_), "the stream");
      Check(cudaMemcpy(is.data(), At(t), bytes, cudaMemcpyDeviceToHost), "cudaMemcpy");
      Check(cudaMemcpy(ought.data(), expected, bytes, cudaMemcpyDeviceToHost), "cudaMemcpy");
      if (std::memcmp(is.data(), ought.data(), bytes) != 0) Give(tensors_[t].name + " is not what was saved");
    }
    Check(cudaFree(expected), "cudaFree");
  }

  double PlainWrite() {
    io_->Remove(kPlainFile);
    const Clock::time_point begin = Clock::now();
    const int fd = open(PathOf(kPlainFile).c_str(), O_WRONLY | O_CREAT | O_DIRECT | O_CLOEXEC, 0644);
    if (fd < 0) Give("no O_DIRECT in " + directory_);
    for (int64_t at = 0; at < bytes_; at += kPlainBlock) {
      const auto size = static_cast<size_t>(std::min(kPlainBlock, bytes_ - at));
      if (pwrite(fd, Plain(at), size, at) != static_cast<ssize_t>(size)) Give("pwrite fails");
    }
    fdatasync(fd);
    close(fd);
    const double seconds = Seconds(Clock::now() - begin);
    io_->Remove(kPlainFile);
    return seconds;
  }

  // Of the file that was saved.
  double PlainRead(bool direct) {
    const Clock::time_point begin = Clock::now();
    const int fd = open(PathOf(kFile).c_str(), O_RDONLY | O_CLOEXEC | (direct ? O_DIRECT : 0));
    if (fd < 0) Give("no O_DIRECT in " + directory_);
    for (int64_t at = 0; pread(fd, Plain(at), kPlainBlock, at) > 0;) at += kPlainBlock;
    close(fd);
    return Seconds(Clock::now() - begin);
  }

  void MustExist() {
    if (access(PathOf(kFile).c_str(), F_OK) != 0) Save(RingConfig());
  }
  void DropFromCache() {
    const int fd = open(PathOf(kFile).c_str(), O_RDONLY | O_CLOEXEC);
    fdatasync(fd);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
  }

  SnapshotConfig DeviceConfig() const { return {bytes_, kRingBytes, kChunkBytes}; }
  SnapshotConfig PinnedConfig() const { return {0, bytes_, kChunkBytes}; }
  SnapshotConfig RingConfig() const { return {0, kRingBytes, kChunkBytes}; }
  cudaStream_t stream() const { return stream_; }

 private:
  struct Tensor {
    std::string name;
    int64_t at;
    int64_t bytes;
  };

  struct Free {
    void operator()(char* data) const { std::free(data); }
  };

  std::byte* At(size_t t) const { return static_cast<std::byte*>(memory_) + tensors_[t].at; }
  static uint64_t KeyOf(size_t t) { return PatternKey(kSeed, 0, static_cast<int64_t>(t)); }
  // Memory for the plain transfers, as much as a save's ring: no processor's cache has it.
  char* Plain(int64_t at) const { return plain_.get() + at % kRingBytes; }
  std::string PathOf(const char* name) const { return directory_ + "/" + name; }

  // As the writer makes it, and with more spaces behind, so that the data starts at a page.
  void MakeHeader() {
    void* const nothing = mmap(nullptr, kLargeBytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (nothing == MAP_FAILED) Give("mmap fails");
    std::vector<TensorView> views;
    for (const Tensor& tensor : tensors_) {
      views.push_back({tensor.name, {Type::kBF16, {tensor.bytes / 2}}, nothing});
    }
    // No more than the header is wanted.
    const auto take = [](void* context, const void* data, size_t bytes) {
      auto& text = *static_cast<std::string*>(context);
      text.append(static_cast<const char*>(data), bytes);
      uint64_t length = 0;
      if (text.size() >= sizeof length) std::memcpy(&length, text.data(), sizeof length);
      return text.size() < 8 || text.size() < 8 + length;
    };
    (void)write_(views, {}, take, &header_);
    munmap(nothing, kLargeBytes);
    uint64_t length = 0;
    if (header_.size() < 8) Give("q13_safetensors_write writes no header");
    std::memcpy(&length, header_.data(), sizeof length);
    header_.resize(8 + static_cast<size_t>(length));
    const auto whole = static_cast<int64_t>(header_.size()) + kAlignment - 1;
    header_.resize(static_cast<size_t>(whole / kAlignment * kAlignment), ' ');
    length = header_.size() - 8;
    std::memcpy(header_.data(), &length, sizeof length);
    SafetensorsFile parsed;
    Check(static_cast<int>(parse_(reinterpret_cast<const std::byte*>(header_.data()), header_.size(),
                                  header_.size() + static_cast<uint64_t>(bytes_), &parsed)),
          "q13_safetensors_parse");
    std::map<std::string, int64_t> begin;
    for (const SafetensorsEntry& entry : parsed.tensors) begin[entry.name] = entry.begin;
    for (const Tensor& tensor : tensors_) begins_.push_back(begin.at(tensor.name));
  }

  decltype(&q13_snapshot_create) create_;
  decltype(&q13_restore) restore_;
  decltype(&q13_safetensors_parse) parse_;
  decltype(&q13_safetensors_write) write_;
  const std::string directory_;
  const bool keep_;
  std::unique_ptr<PosixIo> io_;
  std::vector<Tensor> tensors_;
  std::vector<int64_t> begins_;  // of each tensor, in the file
  std::string header_;
  int64_t bytes_ = 0;
  void* memory_ = nullptr;
  cudaStream_t stream_ = nullptr;
  std::unique_ptr<char, Free> plain_;
};

// ---- The timeline

// Training on the disk's stream: kernel after kernel, each with an event behind it.
class Training {
 public:
  explicit Training(cudaStream_t stream) : stream_(stream) {
    Check(cudaMalloc(&weights_, kElements * sizeof(float)), "cudaMalloc");
    Check(cudaMemset(weights_, 0, kElements * sizeof(float)), "cudaMemset");
    Check(cudaDeviceSynchronize(), "the device");
    zero_ = Record();
    Check(cudaEventSynchronize(zero_), "an event");
    zero_time_ = Clock::now();
  }
  ~Training() {
    for (const cudaEvent_t event : events_) (void)cudaEventDestroy(event);
    (void)cudaFree(weights_);
  }

  cudaEvent_t Record() {
    cudaEvent_t event = nullptr;
    Check(cudaEventCreate(&event), "cudaEventCreate");
    Check(cudaEventRecord(event, stream_), "cudaEventRecord");
    events_.push_back(event);
    return event;
  }
  void WarmUp() {
    Launch(3);
    AwaitAllBut(0);
    kernels_.clear();
  }
  void Launch(int kernels) {
    for (int i = 0; i < kernels; ++i) {
      const cudaEvent_t begin = Record();
      Check(judge::Train(weights_, kElements, kRounds, stream_), "Train");
      kernels_.emplace_back(begin, Record());
    }
  }
  void AwaitAllBut(size_t kernels) {
    if (kernels_.size() > kernels) {
      Check(cudaEventSynchronize(kernels_[kernels_.size() - 1 - kernels].second), "a kernel");
    }
  }
  Clock::time_point At(cudaEvent_t event) const {
    float milliseconds = 0;
    Check(cudaEventElapsedTime(&milliseconds, zero_, event), "cudaEventElapsedTime");
    return zero_time_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(milliseconds * 1e-3));
  }
  const std::vector<std::pair<cudaEvent_t, cudaEvent_t>>& kernels() const { return kernels_; }

 private:
  static constexpr size_t kElements = size_t{64} << 20;
  static constexpr int kRounds = 256;
  cudaStream_t stream_;
  float* weights_ = nullptr;
  cudaEvent_t zero_;
  Clock::time_point zero_time_;
  std::vector<cudaEvent_t> events_;
  std::vector<std::pair<cudaEvent_t, cudaEvent_t>> kernels_;
};

nlohmann::json TimelineOf(Disk& disk, const char* room, const SnapshotConfig& config) {
  Training training(disk.stream());
  cudaEvent_t before = nullptr, after = nullptr;
  std::atomic<bool> done = false;
  std::thread trainer;
  training.WarmUp();
  const Disk::Saved saved = disk.Save(
      config,
      [&] {
        training.Launch(10);
        training.AwaitAllBut(3);  // the device is at work when Save is called
        before = training.Record();
      },
      [&] {
        after = training.Record();
        trainer = std::thread([&] {
          while (!done) {
            training.Launch(1);
            training.AwaitAllBut(4);
          }
        });
      });
  done = true;
  trainer.join();
  training.AwaitAllBut(0);

  nlohmann::json events = nlohmann::json::array();
  const auto milliseconds = [&](Clock::time_point time) {
    return static_cast<double>(std::llround(Seconds(time - saved.called) * 1e6)) / 1e3;
  };
  const auto add = [&](const char* lane, Clock::time_point begin, Clock::time_point end) {
    events.push_back({{"lane", lane}, {"begin_ms", milliseconds(begin)}, {"end_ms", milliseconds(end)}});
  };
  // Kernels that follow each other at once are one span.
  constexpr std::chrono::microseconds kGap{50};
  Clock::time_point begin, end;
  for (size_t i = 0; i < training.kernels().size(); ++i) {
    const Clock::time_point from = training.At(training.kernels()[i].first);
    if (from > saved.commits.back().end) break;  // these wait for the snapshotter's memory to be freed
    if (i > 0 && from - end > kGap) add("training", begin, end);
    if (i == 0 || from - end > kGap) begin = from;
    end = training.At(training.kernels()[i].second);
  }
  add("training", begin, end);
  add("save", saved.called, saved.returned);
  if (config.device_bytes > 0) add("copy", training.At(before), training.At(after));
  for (const Interval& write : saved.writes) add("write", write.begin, write.end);
  for (const Interval& commit : saved.commits) add("commit", commit.begin, commit.end);
  return {{"room", room},
          {"device_bytes", config.device_bytes},
          {"pinned_bytes", config.pinned_bytes},
          {"chunk_bytes", config.chunk_bytes},
          {"events", std::move(events)}};
}

void WriteTimeline(Disk& disk, const std::string& path) {
  cudaDeviceProp properties{};
  Check(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
  disk.Save(disk.RingConfig());  // the first one warms up
  nlohmann::json timeline = {{"device", properties.name}, {"bytes", disk.bytes()}};
  timeline["saves"] = {TimelineOf(disk, "device", disk.DeviceConfig()), TimelineOf(disk, "pinned", disk.PinnedConfig()),
                       TimelineOf(disk, "ring", disk.RingConfig())};
  std::ofstream(path) << timeline.dump(1) << "\n";
}

// ---- Google Benchmark

template <typename Time>
void Run(benchmark::State& state, Disk& disk, const Time& time) {
  for (auto _ : state) state.SetIterationTime(time());
  state.SetBytesProcessed(state.iterations() * disk.bytes());
}

void Register(Disk& disk) {
  const auto add = [&disk](const char* name, std::function<double(benchmark::State&)> time) {
    benchmark::RegisterBenchmark(
        name, [&disk, time](benchmark::State& state) { Run(state, disk, [&] { return time(state); }); })
        ->UseManualTime()
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
  };
  add("PlainWrite", [&disk](benchmark::State&) { return disk.PlainWrite(); });
  const auto save = [&disk](SnapshotConfig config) {
    return [&disk, config](benchmark::State& state) {
      const Disk::Saved saved = disk.Save(config);
      state.counters["stall_ms"] = saved.stall * 1e3;
      state.SetLabel(disk.Describe());
      return saved.seconds;
    };
  };
  add("Save/room_on_the_device", save(disk.DeviceConfig()));
  add("Save/a_ring", save(disk.RingConfig()));
  add("PlainRead", [&disk](benchmark::State&) {
    disk.MustExist();
    disk.DropFromCache();
    return disk.PlainRead(true);
  });
  add("LoadCold", [&disk](benchmark::State&) {
    disk.MustExist();
    disk.DropFromCache();
    return disk.Load();
  });
  add("LoadWarm", [&disk](benchmark::State&) {
    disk.MustExist();
    disk.PlainRead(false);
    return disk.Load();
  });
}

int Main(int argc, char** argv) {
  std::string timeline;
  int64_t mib = 4096;
  bool keep = false;
  std::vector<char*> rest = {argv[0]};
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.starts_with("--mib=")) {
      mib = std::atoll(argument.c_str() + 6);
    } else if (argument == "--keep") {
      keep = true;
    } else if (argument.starts_with("--timeline=")) {
      timeline = argument.substr(11);
    } else if (argument.starts_with("--")) {
      rest.push_back(argv[i]);
    } else {
      names.push_back(argument);
    }
  }
  if (names.size() != 3 || mib < 64 || mib > (1 << 20)) {
    Give(
        "LIBRARY_A LIBRARY_F DIRECTORY [--mib=64..] [--keep] [--timeline=FILE] [Google Benchmark's flags] are its "
        "arguments");
  }
  int count = static_cast<int>(rest.size());
  benchmark::Initialize(&count, rest.data());
  if (benchmark::ReportUnrecognizedArguments(count, rest.data())) return 1;
  Disk disk(names[0], names[1], names[2], mib * kMiB, keep);
  if (!timeline.empty()) {
    WriteTimeline(disk, timeline);
    return 0;
  }
  disk.Save(disk.RingConfig());
  disk.Load();
  disk.MustBeWhole();
  Register(disk);
  benchmark::RunSpecifiedBenchmarks();
  disk.MustExist();
  disk.Load();
  disk.MustBeWhole();
  return 0;
}

}  // namespace
}  // namespace q13

int main(int argc, char** argv) { return q13::Main(argc, argv); }
