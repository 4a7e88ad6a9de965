#include "harness/files/memory_io.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "harness/files/file_nodes.h"

namespace workbench {
namespace {

// splitmix64's finalizer (Steele, Lea, Flood 2014).
uint64_t Mix(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

// A file no larger than this is written; an absurd offset is not the judge's memory's problem.
constexpr int64_t kMostFileBytes = int64_t{1} << 32;

}  // namespace

const char* IoKindName(IoKind kind) {
  constexpr const char* kNames[] = {"open",   "create", "truncate",       "write", "read",           "sync",
                                    "rename", "remove", "make directory", "list",  "sync directory", "mark"};
  return kNames[static_cast<int>(kind)];
}

std::string IoOperation::Describe() const {
  std::string text = "rank " + std::to_string(rank) + ": " + IoKindName(kind) + " ";
  const std::string name = path.empty() ? "\"\"" : path;
  if (kind == IoKind::kWrite || kind == IoKind::kRead) {
    text += std::to_string(std::max<int64_t>(result, 0)) + " bytes at " + std::to_string(offset) + " of " + name;
  } else if (kind == IoKind::kRename) {
    text += name + " to " + to;
  } else if (kind == IoKind::kMark) {
    text += std::to_string(mark);
  } else {
    text += name;
  }
  return result < 0 ? text + " (failed: " + std::strerror(static_cast<int>(-result)) + ")" : text;
}

class MemoryIo::Impl {
 public:
  using Lock = std::unique_lock<std::mutex>;

  explicit Impl(const FileTree& tree) : nodes_(tree) {}

  // What every operation goes through. With an error it has been counted and, where it has to be, logged.
  class Operation {
   public:
    Operation(Impl* impl, IoOperation operation) : impl_(impl), operation_(std::move(operation)) {
      if (impl_->hook_) impl_->hook_(operation_.rank);
      lock_ = Lock(impl_->mutex_);
      impl_->WaitUntilReleased(&lock_, Bit(operation_.kind));
      if (operation_.kind == IoKind::kTruncate) {  // only now is it known which of the two it is
        Node* node = impl_->nodes_.Find(operation_.path);
        if (node == nullptr) operation_.kind = IoKind::kCreate;
      }
      error_ = impl_->Fault(operation_);
    }
    ~Operation() { impl_->Finish(std::move(operation_), error_ == 0 || !impl_->crashed_); }

    int error() const { return error_; }
    IoOperation& log() { return operation_; }
    int64_t Return(int64_t result) { return operation_.result = result; }
    int Fail(int error) {
      operation_.result = error;
      return error;
    }

   private:
    Impl* impl_;
    IoOperation operation_;
    Lock lock_;
    int error_ = 0;
  };

  void WaitUntilReleased(Lock* lock, uint32_t kind) {
    if ((kind & (kChangingKinds | Bit(IoKind::kRead))) != 0 && held_) {
      ++waiting_;
      released_.wait(*lock, [&] { return !held_; });
      --waiting_;
    }
    if (faults_.delay_microseconds > 0 && (kind & (Bit(IoKind::kWrite) | Bit(IoKind::kSync))) != 0) {
      const auto delay = std::chrono::microseconds(faults_.delay_microseconds);
      lock->unlock();
      std::this_thread::sleep_for(delay);
      lock->lock();
    }
  }

  // 0, or the error that this operation is to give.
  int Fault(const IoOperation& operation) {
    IoCounters& counters = counters_[operation.rank];
    ++counters.operations;
    counters.opens +=
        operation.kind == IoKind::kOpen || operation.kind == IoKind::kCreate || operation.kind == IoKind::kTruncate;
    if (crashed_) return -EIO;
    if (faults_.rank >= 0 && faults_.rank != operation.rank) return 0;
    if (faults_.crash_at >= 0 && any_kind_++ >= faults_.crash_at) {
      crashed_ = true;
      ++met_;
      return -EIO;
    }
    constexpr uint32_t kInterruptible =
        Bit(IoKind::kOpen) | Bit(IoKind::kCreate) | Bit(IoKind::kTruncate) | Bit(IoKind::kWrite) | Bit(IoKind::kRead);
    if (faults_.interrupt_every > 0 && (Bit(operation.kind) & kInterruptible) != 0 &&
        Random() % static_cast<uint64_t>(faults_.interrupt_every) == 0) {
      return -EINTR;
    }
    if ((Bit(operation.kind) & faults_.fail_kinds) != 0) {
      const int64_t number = counted_++;
      if (faults_.fail_at >= 0 && number >= faults_.fail_at && number - faults_.fail_at < faults_.fail_count) {
        ++met_;
        return faults_.error;
      }
    }
    if (faults_.space == 0 && (operation.kind == IoKind::kCreate || operation.kind == IoKind::kMakeDirectory)) {
      ++met_;
      return -ENOSPC;
    }
    return 0;
  }

  void Finish(IoOperation operation, bool log) {
    IoCounters& counters = counters_[operation.rank];
    if (operation.result >= 0) {
      if (operation.kind == IoKind::kWrite) ++counters.writes, counters.written_bytes += operation.result;
      if (operation.kind == IoKind::kRead) ++counters.reads, counters.read_bytes += operation.result;
      counters.syncs += operation.kind == IoKind::kSync;
      counters.directory_syncs += operation.kind == IoKind::kSyncDirectory;
    }
    if (log && ((Bit(operation.kind) & kChangingKinds) != 0 || log_reads_)) log_.push_back(std::move(operation));
  }

  uint64_t Random() { return Mix(faults_.seed * 0x9e3779b97f4a7c15u + ++random_); }
  // 1 .. n of n.
  int64_t Some(int64_t n) { return n < 2 ? n : 1 + static_cast<int64_t>(Random() % static_cast<uint64_t>(n)); }

  int64_t Write(int rank, const std::shared_ptr<Node>& node, const std::string& path, int64_t offset, const void* data,
                int64_t bytes) {
    Operation operation(this, {.kind = IoKind::kWrite, .rank = rank, .node = node->id, .path = path, .offset = offset});
    if (operation.error() != 0) return operation.Fail(operation.error());
    if (offset < 0 || bytes < 0 || offset > kMostFileBytes || bytes > kMostFileBytes - offset) {
      return operation.Fail(-EINVAL);
    }
    if (faults_.short_writes && Applies(rank)) bytes = Some(bytes);
    const int64_t size = node->bytes == nullptr ? 0 : static_cast<int64_t>(node->bytes->size());
    if (faults_.space >= 0 && offset + bytes > size && Applies(rank)) {
      const int64_t added = offset + bytes - size;
      if (added > faults_.space) {
        bytes -= added - faults_.space;
        ++met_;
        if (bytes <= 0) return operation.Fail(-ENOSPC);
      }
      faults_.space -= std::max<int64_t>(0, offset + bytes - size);
    }
    const std::byte* from = static_cast<const std::byte*>(data);
    operation.log().data = std::make_shared<const FileBytes>(from, from + bytes);
    if (bytes > 0) node->Write(offset, *operation.log().data);
    return operation.Return(bytes);
  }

  int64_t Read(int rank, const std::shared_ptr<Node>& node, const std::string& path, int64_t offset, void* data,
               int64_t bytes) {
    Operation operation(this, {.kind = IoKind::kRead, .rank = rank, .node = node->id, .path = path, .offset = offset});
    if (operation.error() != 0) return operation.Fail(operation.error());
    if (offset < 0 || bytes < 0) return operation.Fail(-EINVAL);
    const int64_t size = node->bytes == nullptr ? 0 : static_cast<int64_t>(node->bytes->size());
    bytes = std::min(bytes, std::max<int64_t>(0, size - offset));
    if (faults_.short_reads && Applies(rank)) bytes = Some(bytes);
    if (bytes > 0) std::memcpy(data, node->bytes->data() + offset, static_cast<size_t>(bytes));
    return operation.Return(bytes);
  }

  // Of a file that is gone from its last name.
  void GiveBack(const std::shared_ptr<Node>& node) {
    if (faults_.space >= 0 && node != nullptr && node->bytes != nullptr) {
      faults_.space += static_cast<int64_t>(node->bytes->size());
    }
  }

  bool Applies(int rank) const { return faults_.rank < 0 || faults_.rank == rank; }

  mutable std::mutex mutex_;
  std::condition_variable released_;
  FileNodes nodes_;
  std::map<int64_t, std::weak_ptr<Node>> opened_;
  std::function<void(int)> hook_;
  bool held_ = false;
  int64_t waiting_ = 0;
  IoFaults faults_;
  bool crashed_ = false;
  uint64_t random_ = 0;
  int64_t any_kind_ = 0, counted_ = 0, met_ = 0;
  bool log_reads_ = false;
  std::vector<IoOperation> log_;
  std::map<int, IoCounters> counters_;
};

class MemoryIo::OpenFile : public File {
 public:
  OpenFile(Impl* impl, int rank, std::string path, std::shared_ptr<Node> node, bool writable)
      : impl_(impl), rank_(rank), path_(std::move(path)), node_(std::move(node)), writable_(writable) {}

  int64_t WriteAt(int64_t offset, const void* data, int64_t bytes) override {
    return writable_ ? impl_->Write(rank_, node_, path_, offset, data, bytes) : -EBADF;
  }
  int64_t ReadAt(int64_t offset, void* data, int64_t bytes) override {
    return impl_->Read(rank_, node_, path_, offset, data, bytes);
  }
  int Sync() override {
    Impl::Operation operation(impl_, {.kind = IoKind::kSync, .rank = rank_, .node = node_->id, .path = path_});
    return operation.Fail(operation.error());
  }
  int64_t Size() override {
    const Impl::Lock lock(impl_->mutex_);
    return node_->bytes == nullptr ? 0 : static_cast<int64_t>(node_->bytes->size());
  }

 private:
  Impl* impl_;
  int rank_;
  std::string path_;
  std::shared_ptr<Node> node_;
  bool writable_;
};

class MemoryIo::RankIo : public Io {
 public:
  RankIo(Impl* impl, int rank) : impl_(impl), rank_(rank) {}

  int Open(const std::string& path, OpenMode mode, std::unique_ptr<File>* file) override {
    const IoKind kind = mode == OpenMode::kRead     ? IoKind::kOpen
                        : mode == OpenMode::kCreate ? IoKind::kCreate
                                                    : IoKind::kTruncate;
    Impl::Operation operation(impl_, {.kind = kind, .rank = rank_, .path = path});
    if (operation.error() != 0) return operation.Fail(operation.error());
    std::shared_ptr<Node> node;
    if (const int error = impl_->nodes_.Open(path, mode, &node); error != 0) return operation.Fail(error);
    if (mode == OpenMode::kTruncate) {
      impl_->GiveBack(node);
      node->bytes = nullptr;
    }
    operation.log().node = node->id;
    impl_->opened_[node->id] = node;
    *file = std::make_unique<OpenFile>(impl_, rank_, path, std::move(node), mode != OpenMode::kRead);
    return 0;
  }

  int Rename(const std::string& from, const std::string& to) override {
    Impl::Operation operation(impl_, {.kind = IoKind::kRename, .rank = rank_, .path = from, .to = to});
    if (operation.error() != 0) return operation.Fail(operation.error());
    std::shared_ptr<Node> replaced;
    const int error = impl_->nodes_.Rename(from, to, &replaced);
    impl_->GiveBack(replaced);
    return operation.Fail(error);
  }

  int Remove(const std::string& path) override {
    Impl::Operation operation(impl_, {.kind = IoKind::kRemove, .rank = rank_, .path = path});
    if (operation.error() != 0) return operation.Fail(operation.error());
    std::shared_ptr<Node> removed;
    const int error = impl_->nodes_.Remove(path, &removed);
    impl_->GiveBack(removed);
    return operation.Fail(error);
  }

  int MakeDirectory(const std::string& path) override {
    Impl::Operation operation(impl_, {.kind = IoKind::kMakeDirectory, .rank = rank_, .path = path});
    if (operation.error() != 0) return operation.Fail(operation.error());
    return operation.Fail(impl_->nodes_.MakeDirectory(path));
  }

  int List(const std::string& directory, std::vector<std::string>* names) override {
    Impl::Operation operation(impl_, {.kind = IoKind::kList, .rank = rank_, .path = directory});
    if (operation.error() != 0) return operation.Fail(operation.error());
    return operation.Fail(impl_->nodes_.List(directory, names));
  }

  int SyncDirectory(const std::string& directory) override {
    Impl::Operation operation(impl_, {.kind = IoKind::kSyncDirectory, .rank = rank_, .path = directory});
    if (operation.error() != 0) return operation.Fail(operation.error());
    const Node* node = impl_->nodes_.Find(directory);
    return operation.Fail(node == nullptr ? -ENOENT : !node->directory ? -ENOTDIR : 0);
  }

 private:
  Impl* impl_;
  int rank_;
};

MemoryIo::MemoryIo() : MemoryIo(FileTree{}) {}
MemoryIo::MemoryIo(const FileTree& tree) : start_(tree), impl_(std::make_unique<Impl>(tree)) {}
MemoryIo::~MemoryIo() = default;

std::unique_ptr<Io> MemoryIo::ForRank(int rank) { return std::make_unique<RankIo>(impl_.get(), rank); }

int MemoryIo::Open(const std::string& path, OpenMode mode, std::unique_ptr<File>* file) {
  return RankIo(impl_.get(), 0).Open(path, mode, file);
}
int MemoryIo::Rename(const std::string& from, const std::string& to) { return RankIo(impl_.get(), 0).Rename(from, to); }
int MemoryIo::Remove(const std::string& path) { return RankIo(impl_.get(), 0).Remove(path); }
int MemoryIo::MakeDirectory(const std::string& path) { return RankIo(impl_.get(), 0).MakeDirectory(path); }
int MemoryIo::List(const std::string& directory, std::vector<std::string>* names) {
  return RankIo(impl_.get(), 0).List(directory, names);
}
int MemoryIo::SyncDirectory(const std::string& directory) { return RankIo(impl_.get(), 0).SyncDirectory(directory); }

void MemoryIo::SetFaults(const IoFaults& faults) {
  const Impl::Lock lock(impl_->mutex_);
  impl_->faults_ = faults;
  impl_->crashed_ = false;
  impl_->random_ = 0;
  impl_->any_kind_ = impl_->counted_ = impl_->met_ = 0;
}

int64_t MemoryIo::faults_met() const {
  const Impl::Lock lock(impl_->mutex_);
  return impl_->met_;
}

int64_t MemoryIo::operations_counted() const {
  const Impl::Lock lock(impl_->mutex_);
  return impl_->counted_;
}

void MemoryIo::Hold(bool held) {
  const Impl::Lock lock(impl_->mutex_);
  impl_->held_ = held;
  impl_->released_.notify_all();
}

int64_t MemoryIo::waiting() const {
  const Impl::Lock lock(impl_->mutex_);
  return impl_->waiting_;
}

void MemoryIo::SetBeforeOperation(std::function<void(int)> hook) {
  const Impl::Lock lock(impl_->mutex_);
  impl_->hook_ = std::move(hook);
}

FileTree MemoryIo::Tree() const {
  const Impl::Lock lock(impl_->mutex_);
  return impl_->nodes_.Tree();
}

bool MemoryIo::Corrupt(const std::string& path, int64_t offset, std::byte bits) {
  const Impl::Lock lock(impl_->mutex_);
  Node* node = impl_->nodes_.Find(path);
  return node != nullptr && node->Flip(offset, bits);
}

bool MemoryIo::CorruptNode(int64_t node, int64_t offset, std::byte bits) {
  const Impl::Lock lock(impl_->mutex_);
  const auto found = impl_->opened_.find(node);
  const std::shared_ptr<Node> there = found == impl_->opened_.end() ? nullptr : found->second.lock();
  return there != nullptr && there->Flip(offset, bits);
}

void MemoryIo::LogReads(bool log) {
  const Impl::Lock lock(impl_->mutex_);
  impl_->log_reads_ = log;
}

void MemoryIo::Mark(int rank, int64_t mark) {
  const Impl::Lock lock(impl_->mutex_);
  impl_->log_.push_back({.kind = IoKind::kMark, .rank = rank, .mark = mark});
}

std::vector<IoOperation> MemoryIo::Log() const {
  const Impl::Lock lock(impl_->mutex_);
  return impl_->log_;
}

IoCounters MemoryIo::Counters(int rank) const {
  const Impl::Lock lock(impl_->mutex_);
  IoCounters sum;
  for (const auto& [of, counters] : impl_->counters_) {
    if (rank >= 0 && of != rank) continue;
    sum.operations += counters.operations;
    sum.opens += counters.opens;
    sum.writes += counters.writes;
    sum.written_bytes += counters.written_bytes;
    sum.reads += counters.reads;
    sum.read_bytes += counters.read_bytes;
    sum.syncs += counters.syncs;
    sum.directory_syncs += counters.directory_syncs;
  }
  return sum;
}

void MemoryIo::ResetCounters() {
  const Impl::Lock lock(impl_->mutex_);
  impl_->counters_.clear();
}

}  // namespace workbench
