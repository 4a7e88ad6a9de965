#include "harness/files/posix_io.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string_view>
#include <utility>

namespace workbench {
namespace {

constexpr int64_t kMostFromCache = 1 << 20;  // by one read
constexpr mode_t kFileMode = 0644, kDirectoryMode = 0755;

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

int ErrnoOf(int result) { return result < 0 ? -errno : 0; }

// Inside the root, by name; "" is the root.
bool IsInside(const std::string& path) {
  if (path.starts_with('/') || path.find('\0') != std::string::npos) return false;
  std::string_view rest = path;
  while (!rest.empty()) {
    const size_t slash = rest.find('/');
    if (rest.substr(0, slash) == "..") return false;
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  return true;
}

const char* NameOf(const std::string& path) { return path.empty() ? "." : path.c_str(); }

// The same file once more, past the page cache; -1 where that does not exist. By /proc, since names may be others' by
// now.
Descriptor Reopen(int fd, int flags) {
  return Descriptor(open(("/proc/self/fd/" + std::to_string(fd)).c_str(), flags | O_DIRECT | O_CLOEXEC));
}

}  // namespace

// A queue, for as long as it lives.
class PosixIo::TakenQueue {
 public:
  explicit TakenQueue(PosixIo* io) : io_(io) {
    {
      const std::lock_guard lock(io->mutex_);
      if (!io->idle_.empty()) {
        queue_ = std::move(io->idle_.back());
        io->idle_.pop_back();
        return;
      }
    }
    queue_ = std::make_unique<DirectQueue>(io->options_.queue);
  }
  ~TakenQueue() {
    const std::lock_guard lock(io_->mutex_);
    io_->idle_.push_back(std::move(queue_));
  }
  DirectQueue* operator->() { return queue_.get(); }

 private:
  PosixIo* io_;
  std::unique_ptr<DirectQueue> queue_;
};

class PosixIo::OpenFile : public File {
 public:
  OpenFile(PosixIo* io, Descriptor cached, int access) : io_(io), cached_(std::move(cached)) {
    // Made now: while the file has this name, and cheap beside what is written.
    if (io->options_.direct) direct_ = Reopen(cached_.get(), access);
    is_direct_ = direct_.get() >= 0;
    // No more is read ahead than is asked for: most of what follows goes past the cache.
    if (is_direct_) (void)posix_fadvise(cached_.get(), 0, 0, POSIX_FADV_RANDOM);
  }

  int64_t WriteAt(int64_t offset, const void* data, int64_t bytes) override {
    if (offset < 0 || bytes < 0) return -EINVAL;
    const char* from = static_cast<const char*>(data);
    if (!is_direct_ || bytes < io_->options_.direct_from) return WriteCached(offset, from, bytes);
    // Up to the first boundary and behind the last one through the cache: pages of their own, so the two don't meet.
    const int64_t begin = (offset + kDirectAlignment - 1) / kDirectAlignment * kDirectAlignment;
    const int64_t end = (offset + bytes) / kDirectAlignment * kDirectAlignment;
    if (begin >= end) return WriteCached(offset, from, bytes);
    if (begin > offset) {
      const int64_t head = WriteCached(offset, from, begin - offset);
      if (head < begin - offset) return head;
    }
    const int64_t body = TakenQueue(io_)->Write(direct_.get(), begin, from + (begin - offset), end - begin);
    if (body == -EINVAL) {
      is_direct_ = false;  // some file systems say so only now
      return WriteCached(offset, from, bytes);
    }
    if (body < 0) return begin > offset ? begin - offset : body;
    const int64_t done = begin - offset + body;
    if (body < end - begin || done == bytes) return done;
    const int64_t tail = WriteCached(end, from + done, bytes - done);
    return tail < 0 ? done : done + tail;
  }

  int64_t ReadAt(int64_t offset, void* data, int64_t bytes) override {
    if (offset < 0 || bytes < 0) return -EINVAL;
    char* to = static_cast<char*>(data);
    if (!is_direct_ || bytes < io_->options_.direct_from) return ReadCached(offset, to, bytes);
    // What the cache has. A page first: of what it has not, Linux reads ahead as much as is asked for, even so.
    int64_t done = 0;
    for (int64_t wanted = kDirectAlignment; done < bytes; wanted = std::min(16 * wanted, kMostFromCache)) {
      const iovec next{to + done, static_cast<size_t>(std::min(wanted, bytes - done))};
      const ssize_t got = preadv2(cached_.get(), &next, 1, offset + done, RWF_NOWAIT);
      if (got == 0) return done;
      if (got < 0) break;
      done += got;
    }
    if (done == bytes) return done;
    if (bytes - done < io_->options_.direct_from) {
      const int64_t rest = ReadCached(offset + done, to + done, bytes - done);
      return rest < 0 && done > 0 ? done : done + rest;
    }
    const int64_t body = TakenQueue(io_)->Read(direct_.get(), offset + done, to + done, bytes - done);
    if (body == -EINVAL) {
      is_direct_ = false;
      return ReadCached(offset, to, bytes);
    }
    if (body < 0) return done > 0 ? done : body;
    return done + body;
  }

  int Sync() override { return ErrnoOf(fdatasync(cached_.get())); }

  int64_t Size() override {
    struct stat status;
    return fstat(cached_.get(), &status) < 0 ? -errno : status.st_size;
  }

 private:
  int64_t WriteCached(int64_t offset, const char* data, int64_t bytes) {
    const ssize_t done = pwrite(cached_.get(), data, static_cast<size_t>(bytes), offset);
    return done < 0 ? -errno : done;
  }
  int64_t ReadCached(int64_t offset, char* data, int64_t bytes) {
    const ssize_t done = pread(cached_.get(), data, static_cast<size_t>(bytes), offset);
    return done < 0 ? -errno : done;
  }

  PosixIo* io_;
  Descriptor cached_;
  Descriptor direct_;
  std::atomic<bool> is_direct_ = false;
};

Result<std::unique_ptr<PosixIo>> PosixIo::Make(const std::string& root, const PosixIoOptions& options) {
  const int fd = open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return ErrnoError("open " + root);
  return std::unique_ptr<PosixIo>(new PosixIo(fd, options));
}

PosixIo::~PosixIo() { close(root_); }

int PosixIo::Open(const std::string& path, OpenMode mode, std::unique_ptr<File>* file) {
  file->reset();
  if (!IsInside(path)) return -EINVAL;
  const int access = mode == OpenMode::kRead ? O_RDONLY : O_RDWR;
  const int create = mode == OpenMode::kRead ? 0 : O_CREAT | (mode == OpenMode::kCreate ? O_EXCL : O_TRUNC);
  Descriptor fd(openat(root_, NameOf(path), access | create | O_CLOEXEC, kFileMode));
  if (fd.get() < 0) return -errno;
  struct stat status;
  if (fstat(fd.get(), &status) < 0) return -errno;
  if (S_ISDIR(status.st_mode)) return -EISDIR;
  *file = std::make_unique<OpenFile>(this, std::move(fd), access);
  return 0;
}

int PosixIo::Rename(const std::string& from, const std::string& to) {
  if (!IsInside(from) || !IsInside(to)) return -EINVAL;
  return ErrnoOf(renameat(root_, NameOf(from), root_, NameOf(to)));
}

int PosixIo::Remove(const std::string& path) {
  if (!IsInside(path)) return -EINVAL;
  const int error = ErrnoOf(unlinkat(root_, NameOf(path), 0));
  return error == -EISDIR ? ErrnoOf(unlinkat(root_, NameOf(path), AT_REMOVEDIR)) : error;
}

int PosixIo::MakeDirectory(const std::string& path) {
  if (!IsInside(path)) return -EINVAL;
  return ErrnoOf(mkdirat(root_, NameOf(path), kDirectoryMode));
}

int PosixIo::List(const std::string& directory, std::vector<std::string>* names) {
  names->clear();
  if (!IsInside(directory)) return -EINVAL;
  const int fd = openat(root_, NameOf(directory), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -errno;
  DIR* entries = fdopendir(fd);
  if (entries == nullptr) {
    const int error = -errno;
    close(fd);
    return error;
  }
  while (true) {
    errno = 0;
    const dirent* entry = readdir(entries);
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names->push_back(name);
  }
  const int error = -errno;
  closedir(entries);
  std::sort(names->begin(), names->end());
  return error;
}

int PosixIo::SyncDirectory(const std::string& directory) {
  if (!IsInside(directory)) return -EINVAL;
  const Descriptor fd(openat(root_, NameOf(directory), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd.get() < 0 ? -errno : ErrnoOf(fsync(fd.get()));
}

std::string PosixIo::Describe() {
  const Descriptor here(
      open(("/proc/self/fd/" + std::to_string(root_)).c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, kFileMode));
  const bool direct = options_.direct && here.get() >= 0 && Reopen(here.get(), O_RDWR).get() >= 0;
  if (!direct) return "pwrite";
  return TakenQueue(this)->uses_uring() ? "io_uring, O_DIRECT" : "pwrite, O_DIRECT";
}

}  // namespace workbench
