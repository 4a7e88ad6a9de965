#include "questions/q13_checkpoint/crash_matrix.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>

namespace q13 {

using workbench::CrashOptions;
using workbench::CrashReplay;
using workbench::FileTree;
using workbench::IoKind;
using workbench::IoOperation;

CrashMatrixCounts ForEachCrash(const FileTree& start, const std::vector<IoOperation>& log,
                               const CrashMatrixOptions& options, const std::function<bool(const CrashPoint&)>& visit) {
  CrashMatrixCounts counts;
  CrashReplay replay(start);
  std::map<int, int64_t> marks;
  std::set<std::pair<uint64_t, std::map<int, int64_t>>> seen;
  const IoOperation* last = nullptr;
  for (size_t cut = 0; cut <= log.size(); ++cut) {
    if (cut > 0) {
      const IoOperation& operation = log[cut - 1];
      if (operation.kind == IoKind::kMark) {
        marks[operation.rank] = operation.mark;
      } else {
        replay.Apply(operation);
        last = &operation;
      }
    }
    if (cut < options.first_cut) continue;
    ++counts.cuts;
    CrashOptions images = options.images;
    images.seed = images.seed * 1000003 + cut;
    // Each cut has its share, and what those before it have left over.
    const auto cuts = static_cast<int64_t>(log.size() - cut + 1);
    const int64_t until = counts.distinct + std::max<int64_t>(1, (options.most_images - counts.distinct) / cuts);
    bool go_on = true;
    ForEachCrashImage(replay, images, [&](const FileTree& tree, const std::function<std::string()>& describe) {
      ++counts.images;
      if (!seen.insert({tree.Hash(), marks}).second) return true;
      ++counts.distinct;
      const auto all = [&] {
        return "crash after " + (last == nullptr ? "nothing" : last->Describe()) + " (operation " +
               std::to_string(cut) + " of " + std::to_string(log.size()) + "); " + describe();
      };
      go_on = visit({tree, cut, marks, all});
      return go_on && counts.distinct < until;
    });
    if (!go_on) break;
  }
  return counts;
}

size_t CutAtMark(const std::vector<IoOperation>& log, int64_t mark) {
  for (size_t i = 0; i < log.size(); ++i) {
    if (log[i].kind == IoKind::kMark && log[i].mark == mark) return i + 1;
  }
  return log.size();
}

}  // namespace q13
