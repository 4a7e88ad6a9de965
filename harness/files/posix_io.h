// Files of a directory. Large transfers go past the page cache (O_DIRECT), several requests in flight; what the cache
// has is read from there.
#ifndef HARNESS_FILES_POSIX_IO_H_
#define HARNESS_FILES_POSIX_IO_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "harness/answer/io.h"
#include "harness/files/direct_queue.h"
#include "harness/status.h"

namespace workbench {

struct PosixIoOptions {
  bool direct = true;             // O_DIRECT, where the file system has it
  int64_t direct_from = 1 << 16;  // smaller transfers go through the page cache
  DirectQueueOptions queue;
};

// Thread-safe. REQUIRES: outlives what it opened. Paths that are absolute or have ".." in them are refused (-EINVAL).
class PosixIo : public Io {
 public:
  // `root` is an existing directory.
  static Result<std::unique_ptr<PosixIo>> Make(const std::string& root, const PosixIoOptions& options = {});
  ~PosixIo() override;

  int Open(const std::string& path, OpenMode mode, std::unique_ptr<File>* file) override;
  int Rename(const std::string& from, const std::string& to) override;
  int Remove(const std::string& path) override;
  int MakeDirectory(const std::string& path) override;
  int List(const std::string& directory, std::vector<std::string>* names) override;
  int SyncDirectory(const std::string& directory) override;

  // "io_uring, O_DIRECT", "pwrite, O_DIRECT" or "pwrite": what a large transfer to a new file is made by.
  std::string Describe();

 private:
  class OpenFile;
  class TakenQueue;

  PosixIo(int root, const PosixIoOptions& options) : root_(root), options_(options) {}

  int root_;
  PosixIoOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<DirectQueue>> idle_;  // each with its buffers
};

}  // namespace workbench

#endif  // HARNESS_FILES_POSIX_IO_H_
