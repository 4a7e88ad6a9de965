// Files, as an answer may touch them: through an interface, so that a judge can count, slow down and break what is
// done.
//
// Sources: POSIX.1-2017 (rename, fsync); Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014 (what a
// crash leaves behind); Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020.
#ifndef HARNESS_ANSWER_IO_H_
#define HARNESS_ANSWER_IO_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace workbench {

// Answers touch files through an Io alone. Functions return 0 (or a count) or minus an errno, as the system calls do.
// Paths are relative to a root that the judge chose, with '/' between names. Thread-safe. -EINTR comes from Open,
// WriteAt and ReadAt: the call is made again.
//
// What a crash leaves, unless it has been synced, is anybody's guess: of what was written since the last Sync of a file
// any part, in units of 512 bytes and in any order; of the changes to a directory (files created, renamed, removed)
// since its last SyncDirectory any; a file whose directory was not synced may be missing, though it was. A rename is
// atomic: its target is the old file or the new, whole as far as that one was synced.
class File {
 public:
  virtual ~File() = default;  // closes; syncs nothing
  // Bytes written at `offset`, which may be fewer than asked for; -EINTR, -EIO, -ENOSPC, ... Gaps read as zeros.
  virtual int64_t WriteAt(int64_t offset, const void* data, int64_t bytes) = 0;
  // Bytes read, fewer at the end of the file or for no reason; 0: at or past the end.
  virtual int64_t ReadAt(int64_t offset, void* data, int64_t bytes) = 0;
  // The file's data and size are durable. After an error it is unknown which of the writes before it are, and a later
  // Sync that succeeds says nothing about them: the data has to be written again, to another file. (The same path is
  // the same file unless it was removed, or replaced by Rename, in between; emptying it is not enough.)
  virtual int Sync() = 0;
  virtual int64_t Size() = 0;
};

enum class OpenMode : int32_t {
  kRead = 0,
  kCreate = 1,    // for writing and reading; -EEXIST if there is one
  kTruncate = 2,  // for writing and reading; made if there is none, emptied if there is
};

class Io {
 public:
  virtual ~Io() = default;
  virtual int Open(const std::string& path, OpenMode mode, std::unique_ptr<File>* file) = 0;
  virtual int Rename(const std::string& from, const std::string& to) = 0;               // replaces `to`
  virtual int Remove(const std::string& path) = 0;                                      // a file, or an empty directory
  virtual int MakeDirectory(const std::string& path) = 0;                               // -EEXIST if there is one
  virtual int List(const std::string& directory, std::vector<std::string>* names) = 0;  // sorted
  // The changes to a directory ("" is the root) so far are durable. After an error it is unknown which are, but, unlike
  // a file's Sync, one that succeeds later is for all changes before it, those before the one that failed included.
  virtual int SyncDirectory(const std::string& directory) = 0;
};

}  // namespace workbench

#endif  // HARNESS_ANSWER_IO_H_
