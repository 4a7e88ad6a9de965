// A file system in memory for judging: it writes down every operation, counts, and fails at will. crash_images.h makes
// from its log what a crash may leave.
//
// Names lead to nodes (files and directories), as in POSIX: an open file stays usable when its name is gone, and a
// rename moves the node. Contents are shared between images and copied when they are written.
#ifndef HARNESS_FILES_MEMORY_IO_H_
#define HARNESS_FILES_MEMORY_IO_H_

#include <cerrno>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "harness/answer/io.h"

namespace workbench {

using FileBytes = std::vector<std::byte>;

// All files and directories; cheap to copy. Paths have no '/' at their ends; the root is not listed.
struct FileTree {
  std::map<std::string, std::shared_ptr<const FileBytes>> files;
  std::set<std::string> directories;

  uint64_t TotalBytes() const;
  // Of names and contents; the same in every run.
  uint64_t Hash() const;
};

enum class IoKind : int32_t {
  kOpen = 0,  // an existing file, for reading
  kCreate,    // a file that was not there
  kTruncate,  // one that was
  kWrite,
  kRead,
  kSync,
  kRename,
  kRemove,
  kMakeDirectory,
  kList,
  kSyncDirectory,
  kMark,  // not an operation: MemoryIo::Mark
};
const char* IoKindName(IoKind kind);
constexpr uint32_t Bit(IoKind kind) { return 1u << static_cast<int>(kind); }
// Those that change what is there or what is durable; the others are logged only when asked for.
inline constexpr uint32_t kChangingKinds = Bit(IoKind::kCreate) | Bit(IoKind::kTruncate) | Bit(IoKind::kWrite) |
                                           Bit(IoKind::kSync) | Bit(IoKind::kRename) | Bit(IoKind::kRemove) |
                                           Bit(IoKind::kMakeDirectory) | Bit(IoKind::kSyncDirectory);
inline constexpr uint32_t kAllKinds = kChangingKinds | Bit(IoKind::kOpen) | Bit(IoKind::kRead) | Bit(IoKind::kList);

struct IoOperation {
  IoKind kind = IoKind::kMark;
  int32_t rank = 0;
  int64_t result = 0;                          // what was returned
  int64_t node = -1;                           // the file, or the directory that is synced
  std::string path = {};                       // its name when it was opened; of kRename the source
  std::string to = {};                         // kRename
  int64_t offset = 0;                          // kWrite, kRead
  std::shared_ptr<const FileBytes> data = {};  // kWrite: what was written (`result` bytes)
  int64_t mark = 0;                            // kMark

  std::string Describe() const;  // "rank 1: write 512 bytes at 0 of step_3.tmp"
};

struct IoCounters {
  int64_t operations = 0;  // of all kinds, failed ones too
  int64_t opens = 0;
  int64_t writes = 0;
  int64_t written_bytes = 0;
  int64_t reads = 0;
  int64_t read_bytes = 0;
  int64_t syncs = 0;
  int64_t directory_syncs = 0;
};

// What goes wrong from SetFaults on. Counts begin there, at 0.
struct IoFaults {
  uint64_t seed = 0;
  int32_t rank = -1;  // whose operations count and fail; -1: everybody's
  bool short_writes = false;
  bool short_reads = false;
  int32_t interrupt_every = 0;  // on average every so-many-th Open, WriteAt and ReadAt gives -EINTR; 0: none

  int64_t fail_at = -1;             // the so-many-th operation of `fail_kinds` fails with `error`
  int64_t fail_count = 1;           // and those after it, as many as this in all
  uint32_t fail_kinds = kAllKinds;  // kinds of IoKind
  int32_t error = -EIO;
  int64_t crash_at = -1;           // from that operation (of any kind) on everything gives -EIO and does nothing
  int64_t space = -1;              // bytes that may be added before -ENOSPC; -1: any
  int64_t delay_microseconds = 0;  // of every operation that writes or syncs
};

// Thread-safe. REQUIRES: outlives what it opened and the views of it.
class MemoryIo : public Io {
 public:
  MemoryIo();
  // Begins with these, durable. The log begins empty.
  explicit MemoryIo(const FileTree& tree);
  ~MemoryIo() override;

  // The same files; operations are that rank's in the log and the counters. Its own (below) are rank 0's.
  std::unique_ptr<Io> ForRank(int rank);

  int Open(const std::string& path, OpenMode mode, std::unique_ptr<File>* file) override;
  int Rename(const std::string& from, const std::string& to) override;
  int Remove(const std::string& path) override;
  int MakeDirectory(const std::string& path) override;
  int List(const std::string& directory, std::vector<std::string>* names) override;
  int SyncDirectory(const std::string& directory) override;

  void SetFaults(const IoFaults& faults);
  // How many of fail_at, crash_at and space have made an operation fail since SetFaults.
  int64_t faults_met() const;
  // Operations of those kinds that SetFaults' rank has made since; what fail_at counts.
  int64_t operations_counted() const;
  // While held, operations wait; released, they go on. `waiting`: how many do.
  void Hold(bool held);
  int64_t waiting() const;
  // Called with the rank before every operation, without locks. Set it while nothing is open.
  void SetBeforeOperation(std::function<void(int)> hook);

  // What a process sees now: nothing is lost.
  FileTree Tree() const;
  // Changes bits of a file where it is, as a disk may. False if there is no such byte.
  bool Corrupt(const std::string& path, int64_t offset, std::byte bits);
  // Of the file that had that number in the log, whatever it is called now.
  bool CorruptNode(int64_t node, int64_t offset, std::byte bits);

  void LogReads(bool log);  // kOpen, kRead and kList too; default: not
  void Mark(int rank, int64_t mark);
  // Everything since construction, and what there was then.
  std::vector<IoOperation> Log() const;
  const FileTree& Start() const { return start_; }
  IoCounters Counters(int rank) const;  // -1: of all
  void ResetCounters();

 private:
  class Impl;
  class RankIo;
  class OpenFile;

  FileTree start_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace workbench

#endif  // HARNESS_FILES_MEMORY_IO_H_
