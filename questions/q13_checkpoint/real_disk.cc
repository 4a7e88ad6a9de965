#include "questions/q13_checkpoint/real_disk.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <thread>
#include <utility>

#include "questions/q13_checkpoint/judge_kernels.h"

namespace q13 {
namespace {

using workbench::PosixIo;

constexpr int64_t kMiB = 1 << 20;
constexpr int64_t kLargeBytes = 32 * kMiB, kSmallBytes = 16 << 10;
constexpr int64_t kAlignment = 4096;  // of the data in the file: what O_DIRECT asks for
constexpr int64_t kPlainBlock = 8 * kMiB;
constexpr const char *kFile = "model.safetensors", *kTemporary = "model.tmp", *kPlainFile = "plain.tmp";

template <typename Function>
Function* Symbol(const std::string& library, const char* name) {
  void* const handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) Give(dlerror());
  void* const symbol = dlsym(handle, name);
  if (symbol == nullptr) Give(library + " has no " + name);
  return reinterpret_cast<Function*>(symbol);
}

// Writes to where the header says, and remembers when.
class FileSink : public Sink {
 public:
  FileSink(workbench::File* file, const std::vector<int64_t>& begins) : file_(file), begins_(begins) {}

  int Write(int64_t, int32_t tensor, int64_t offset, const void* data, int64_t bytes) override {
    const DiskClock::time_point begin = DiskClock::now();
    const int64_t at = begins_[static_cast<size_t>(tensor)] + offset;
    for (int64_t done = 0; done < bytes;) {
      const int64_t wrote = file_->WriteAt(at + done, static_cast<const char*>(data) + done, bytes - done);
      if (wrote < 0 && wrote != -EINTR) return static_cast<int>(wrote);
      done += std::max<int64_t>(wrote, 0);
    }
    writes_.push_back({begin, DiskClock::now()});
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

}  // namespace

void Give(const std::string& what) {
  std::fprintf(stderr, "disk_benchmark: %s\n", what.c_str());
  std::exit(1);
}
void Check(cudaError_t error, const char* what) {
  if (error != cudaSuccess) Give(std::string(what) + ": " + cudaGetErrorString(error));
}
void Check(int error, const char* what) {
  if (error != 0) Give(std::string(what) + " gives " + std::to_string(error));
}

Disk::Disk(const std::string& library_a, const std::string& library_f, std::string directory, int64_t bytes, bool keep)
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

Disk::~Disk() {
  for (const char* name : {kTemporary, kPlainFile}) io_->Remove(name);
  if (!keep_) io_->Remove(kFile);
}

Disk::Saved Disk::Save(const SnapshotConfig& config, const std::function<void()>& before,
                       const std::function<void()>& after) {
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
  saved.called = DiskClock::now();
  Check(snapshotter->Save(0, tensors, stream_), "Save");
  saved.returned = DiskClock::now();
  if (after) after();
  if (!before) Check(cudaStreamSynchronize(stream_), "the stream");
  saved.stall = Seconds(DiskClock::now() - saved.called);
  if (file->WriteAt(0, header_.data(), static_cast<int64_t>(header_.size())) != static_cast<int64_t>(header_.size())) {
    Give("the header cannot be written");
  }
  Check(snapshotter->Wait(), "Wait");
  Check(sink.error(), "the save");
  const auto commit = [&](int error, const char* what) {
    Check(error, what);
    const DiskClock::time_point now = DiskClock::now();
    saved.commits.push_back({saved.commits.empty() ? now : saved.commits.back().end, now});
  };
  commit(0, "");
  commit(file->Sync(), "Sync");
  commit(io_->Rename(kTemporary, kFile), "Rename");
  commit(io_->SyncDirectory(""), "SyncDirectory");
  saved.commits.erase(saved.commits.begin());
  saved.seconds = Seconds(DiskClock::now() - saved.called);
  saved.writes = sink.writes();
  return saved;
}

double Disk::Load() {
  Check(cudaMemsetAsync(memory_, 0, static_cast<size_t>(bytes_), stream_), "cudaMemsetAsync");
  Check(cudaStreamSynchronize(stream_), "the stream");
  const DiskClock::time_point begin = DiskClock::now();
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
  return Seconds(DiskClock::now() - begin);
}

void Disk::MustBeWhole() {
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

double Disk::PlainWrite() {
  io_->Remove(kPlainFile);
  const DiskClock::time_point begin = DiskClock::now();
  const int fd = open(PathOf(kPlainFile).c_str(), O_WRONLY | O_CREAT | O_DIRECT | O_CLOEXEC, 0644);
  if (fd < 0) Give("no O_DIRECT in " + directory_);
  for (int64_t at = 0; at < bytes_; at += kPlainBlock) {
    const auto size = static_cast<size_t>(std::min(kPlainBlock, bytes_ - at));
    if (pwrite(fd, Plain(at), size, at) != static_cast<ssize_t>(size)) Give("pwrite fails");
  }
  fdatasync(fd);
  close(fd);
  const double seconds = Seconds(DiskClock::now() - begin);
  io_->Remove(kPlainFile);
  return seconds;
}

double Disk::PlainRead(bool direct) {
  const DiskClock::time_point begin = DiskClock::now();
  const int fd = open(PathOf(kFile).c_str(), O_RDONLY | O_CLOEXEC | (direct ? O_DIRECT : 0));
  if (fd < 0) Give("no O_DIRECT in " + directory_);
  for (int64_t at = 0; pread(fd, Plain(at), kPlainBlock, at) > 0;) at += kPlainBlock;
  close(fd);
  return Seconds(DiskClock::now() - begin);
}

void Disk::MustExist() {
  if (access(PathOf(kFile).c_str(), F_OK) != 0) Save(RingConfig());
}

void Disk::DropFromCache() {
  const int fd = open(PathOf(kFile).c_str(), O_RDONLY | O_CLOEXEC);
  fdatasync(fd);
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  close(fd);
}

void Disk::MakeHeader() {
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

}  // namespace q13
