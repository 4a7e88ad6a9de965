// What a crash may leave of a file system, from the log of a MemoryIo up to some operation (harness/answer/io.h states
// the rules): of what was written to a file since its last Sync any part, in units of 512 bytes; of the changes to a
// directory since its last SyncDirectory any. A file whose Sync failed is never durable again in what it got after the
// last Sync that did not.
//
// Source: Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014.
#ifndef HARNESS_FILES_CRASH_IMAGES_H_
#define HARNESS_FILES_CRASH_IMAGES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/files/file_nodes.h"
#include "harness/files/memory_io.h"

namespace workbench {

inline constexpr int64_t kSectorBytes = 512;

class CrashReplay {
 public:
  // `start` is durable.
  explicit CrashReplay(const FileTree& start);

  // The log's next operation.
  void Apply(const IoOperation& operation);

  // What a crash here keeps or loses, each on its own.
  struct Unit {
    enum class Kind { kData, kTruncation, kSize, kEntry };
    Kind kind;
    int64_t node;        // the file, or the directory
    size_t change;       // which of its changes
    int64_t begin, end;  // kData: bytes of the file; kSize: end is the size it grew to
    std::string Describe(const CrashReplay& replay) const;
  };
  // Ordered by node and change. Only of what may be found by some name.
  std::vector<Unit> Units() const;
  // REQUIRES: units are Units(), kept as long.
  FileTree Image(const std::vector<Unit>& units, const std::vector<bool>& kept) const;

 private:
  struct Change {
    IoOperation operation;
    bool truncation = false;
    std::vector<std::pair<std::string, int64_t>> entries = {};  // of a directory: name, node or -1
  };
  struct Disk {
    bool directory = false;
    bool unreliable = false;  // a Sync of it failed
    std::string name;         // the first it had
    std::shared_ptr<const FileBytes> durable;
    std::map<std::string, int64_t> entries;
    std::vector<Change> changes;
  };

  void AddDurable(const Node& node, const std::string& name);
  void ChangeEntries(const std::string& path, int64_t node, const IoOperation& operation, Change* same, Node* parent);
  std::shared_ptr<const FileBytes> Contents(const Disk& disk, const std::vector<Unit>& units,
                                            const std::vector<bool>& kept, size_t first, size_t last) const;

  FileNodes names_;                   // as processes see them
  std::map<int64_t, int64_t> nodes_;  // of the log -> of names_
  std::map<int64_t, Disk> disks_;     // by node of names_
};

struct CrashOptions {
  int32_t exhaustive_units = 6;  // up to so many, every combination
  int32_t singles = 12;          // otherwise of each so many: lost alone, kept alone
  int32_t samples = 12;          // and so many random ones
  uint64_t seed = 0;
};

// Images at this point, several of them perhaps equal: all kept, all lost, data or names alone lost, each file torn,
// and what `options` says. `describe` is made when it is asked for. Ends when visit says false.
using CrashVisitor = std::function<bool(const FileTree& tree, const std::function<std::string()>& describe)>;
bool ForEachCrashImage(const CrashReplay& replay, const CrashOptions& options, const CrashVisitor& visit);

}  // namespace workbench

#endif  // HARNESS_FILES_CRASH_IMAGES_H_
