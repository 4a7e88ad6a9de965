// PosixIo beside a plain O_DIRECT writer and reader on the same disk, in the same run. Set TMPDIR to the disk that is
// meant; the default is the working directory's.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "harness/files/posix_io.h"

namespace workbench {
namespace {

constexpr int64_t kFileBytes = 256 << 20;
// As one thread has it: one request after the other, large ones.
constexpr int64_t kPlainBlock = 8 << 20;

std::string Directory() {
  const char* directory = std::getenv("TMPDIR");
  return directory != nullptr ? directory : ".";
}

struct Buffer {
  explicit Buffer(int64_t shift)
      : base(static_cast<char*>(std::aligned_alloc(4096, kFileBytes + 4096))), data(base + shift) {
    std::memset(base, 0x5a, kFileBytes + 4096);
  }
  ~Buffer() { std::free(base); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  char* base;
  char* data;
};

constexpr const char* kName = "files_benchmark.tmp";

void SetBytes(benchmark::State& state) { state.SetBytesProcessed(state.iterations() * kFileBytes); }

// What is not in the page cache has to come from the disk.
void DropFromCache(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  fdatasync(fd);
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  close(fd);
}

void PlainWrite(benchmark::State& state) {
  const Buffer buffer(0);
  const std::string path = Directory() + "/" + kName;
  for (auto _ : state) {
    unlink(path.c_str());
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_DIRECT | O_CLOEXEC, 0644);
    if (fd < 0) return state.SkipWithError("no O_DIRECT here");
    for (int64_t at = 0; at < kFileBytes; at += kPlainBlock) {
      if (pwrite(fd, buffer.data + at, kPlainBlock, at) != kPlainBlock) return state.SkipWithError("pwrite");
    }
    fdatasync(fd);
    close(fd);
  }
  unlink(path.c_str());
  SetBytes(state);
}

void PlainRead(benchmark::State& state) {
  const Buffer buffer(0);
  const std::string path = Directory() + "/" + kName;
  std::unique_ptr<File> file;
  Result<std::unique_ptr<PosixIo>> io = PosixIo::Make(Directory());
  if (!io.ok() || (*io)->Open(kName, OpenMode::kTruncate, &file) != 0 ||
      file->WriteAt(0, buffer.data, kFileBytes) != kFileBytes) {
    return state.SkipWithError("the file cannot be made");
  }
  DropFromCache(path);
  for (auto _ : state) {
    const int fd = open(path.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC);
    if (fd < 0) return state.SkipWithError("no O_DIRECT here");
    for (int64_t at = 0; at < kFileBytes; at += kPlainBlock) {
      if (pread(fd, buffer.data + at, kPlainBlock, at) != kPlainBlock) return state.SkipWithError("pread");
    }
    close(fd);
  }
  unlink(path.c_str());
  SetBytes(state);
}

// Arguments: requests in flight (0: without io_uring), KiB of each, bytes that the memory is off from a page.
PosixIoOptions OptionsOf(const benchmark::State& state) {
  PosixIoOptions options;
  options.queue = {state.range(0) > 0, static_cast<int32_t>(std::max<int64_t>(state.range(0), 1)),
                   state.range(1) << 10};
  return options;
}

bool WriteWhole(PosixIo* io, const char* data) {
  std::unique_ptr<File> file;
  if (io->Open(kName, OpenMode::kTruncate, &file) != 0) return false;
  for (int64_t at = 0; at < kFileBytes;) {
    const int64_t done = file->WriteAt(at, data + at, kFileBytes - at);
    if (done <= 0) return false;
    at += done;
  }
  return file->Sync() == 0;
}

void PosixIoWrite(benchmark::State& state) {
  const Buffer buffer(state.range(2));
  Result<std::unique_ptr<PosixIo>> io = PosixIo::Make(Directory(), OptionsOf(state));
  if (!io.ok()) return state.SkipWithError(io.status().message().c_str());
  state.SetLabel((*io)->Describe());
  for (auto _ : state) {
    (*io)->Remove(kName);
    if (!WriteWhole(io->get(), buffer.data)) return state.SkipWithError("writing failed");
  }
  (*io)->Remove(kName);
  SetBytes(state);
}

void Read(benchmark::State& state, bool cold) {
  const Buffer buffer(state.range(2));
  Result<std::unique_ptr<PosixIo>> io = PosixIo::Make(Directory(), OptionsOf(state));
  if (!io.ok() || !WriteWhole(io->get(), buffer.data)) return state.SkipWithError("the file cannot be made");
  const std::string path = Directory() + "/" + kName;
  std::unique_ptr<File> file;
  if (!cold) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    for (int64_t at = 0; at < kFileBytes; at += kPlainBlock) {
      if (pread(fd, buffer.data + at, kPlainBlock, at) <= 0) break;
    }
    close(fd);
  }
  (*io)->Open(kName, OpenMode::kRead, &file);
  for (auto _ : state) {
    if (cold) {
      state.PauseTiming();
      DropFromCache(path);
      state.ResumeTiming();
    }
    for (int64_t at = 0; at < kFileBytes;) {
      const int64_t done = file->ReadAt(at, buffer.data + at, kFileBytes - at);
      if (done <= 0) return state.SkipWithError("reading failed");
      at += done;
    }
  }
  (*io)->Remove(kName);
  SetBytes(state);
}
void PosixIoReadCold(benchmark::State& state) { Read(state, true); }
void PosixIoReadWarm(benchmark::State& state) { Read(state, false); }

void Cases(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"in_flight", "KiB", "shift"});
  for (const int64_t in_flight : {0, 4, 8, 16}) benchmark->Args({in_flight, 1024, 0});
  benchmark->Args({4, 4096, 0})->Args({2, 8192, 0})->Args({2, 8192, 1});
}

#define FILES_BENCHMARK(name) BENCHMARK(name)->UseRealTime()->Unit(benchmark::kMillisecond)
FILES_BENCHMARK(PlainWrite);
FILES_BENCHMARK(PosixIoWrite)->Apply(Cases);
FILES_BENCHMARK(PlainRead);
FILES_BENCHMARK(PosixIoReadCold)->Apply(Cases);
FILES_BENCHMARK(PosixIoReadWarm)->Args({2, 8192, 0});

}  // namespace
}  // namespace workbench

BENCHMARK_MAIN();
