#include "harness/files/crash_images.h"

#include <algorithm>
#include <random>
#include <set>
#include <utility>

namespace workbench {
namespace {

// A long write is cut into this many units at most, each a multiple of a sector: more say nothing new.
constexpr int64_t kMostUnitsOfWrite = 64;

}  // namespace

CrashReplay::CrashReplay(const FileTree& start) : names_(start) { AddDurable(*names_.root(), ""); }

void CrashReplay::AddDurable(const Node& node, const std::string& name) {
  Disk& disk = disks_[node.id];
  disk.directory = node.directory;
  disk.name = name;
  disk.durable = node.bytes;
  for (const auto& [entry, child] : node.entries) {
    disks_[node.id].entries[entry] = child->id;
    AddDurable(*child, name.empty() ? entry : name + "/" + entry);
  }
}

// Of `path`'s entry, which becomes `node`. In `same` if that is of the same directory, else a change of its own.
void CrashReplay::ChangeEntries(const std::string& path, int64_t node, const IoOperation& operation, Change* same,
                                Node* parent_of_same) {
  Node* parent = nullptr;
  std::string name;
  if (names_.Parent(path, &parent, &name) != 0) return;
  if (same != nullptr && parent == parent_of_same) {
    same->entries.push_back({name, node});
    return;
  }
  Change change{.operation = operation};
  change.entries.push_back({name, node});
  disks_[parent->id].changes.push_back(std::move(change));
}

void CrashReplay::Apply(const IoOperation& operation) {
  const auto known = nodes_.find(operation.node);
  Disk* disk = known == nodes_.end() ? nullptr : &disks_[known->second];
  if (operation.kind == IoKind::kSync && operation.result < 0 && disk != nullptr) disk->unreliable = true;
  if (operation.result < 0) return;
  switch (operation.kind) {
    case IoKind::kCreate:
    case IoKind::kTruncate: {
      const bool there = names_.Find(operation.path) != nullptr;
      std::shared_ptr<Node> node;
      if (names_.Open(operation.path, OpenMode::kTruncate, &node) != 0) return;
      nodes_[operation.node] = node->id;
      if (there) {
        disks_[node->id].changes.push_back({.operation = operation, .truncation = true});
      } else {
        disks_[node->id].name = operation.path;
        ChangeEntries(operation.path, node->id, operation, nullptr, nullptr);
      }
      return;
    }
    case IoKind::kWrite:
      if (disk != nullptr && operation.result > 0) disk->changes.push_back({.operation = operation});
      return;
    case IoKind::kSync:
      if (disk == nullptr || disk->unreliable || disk->changes.empty()) return;
      disk->durable = Contents(*disk, {}, {}, 0, 0);
      disk->changes.clear();
      return;
    case IoKind::kRename: {
      const Node* moved = names_.Find(operation.path);
      Node* parent = nullptr;
      std::string name;
      if (moved == nullptr || names_.Parent(operation.path, &parent, &name) != 0) return;
      const int64_t node = moved->id;
      if (names_.Find(operation.to) == moved) return;  // the same name
      Change change{.operation = operation};
      change.entries.push_back({name, -1});
      ChangeEntries(operation.to, node, operation, &change, parent);
      disks_[parent->id].changes.push_back(std::move(change));
      std::shared_ptr<Node> replaced;
      (void)names_.Rename(operation.path, operation.to, &replaced);
      return;
    }
    case IoKind::kRemove: {
      ChangeEntries(operation.path, -1, operation, nullptr, nullptr);
      std::shared_ptr<Node> removed;
      (void)names_.Remove(operation.path, &removed);
      return;
    }
    case IoKind::kMakeDirectory: {
      if (names_.MakeDirectory(operation.path) != 0) return;
      const int64_t node = names_.Find(operation.path)->id;
      disks_[node].directory = true;
      disks_[node].name = operation.path;
      ChangeEntries(operation.path, node, operation, nullptr, nullptr);
      return;
    }
    case IoKind::kSyncDirectory: {
      const Node* node = names_.Find(operation.path);
      if (node == nullptr) return;
      Disk& directory = disks_[node->id];
      for (const Change& change : directory.changes) {
        for (const auto& [name, entry] : change.entries) {
          if (entry < 0) {
            directory.entries.erase(name);
          } else {
            directory.entries[name] = entry;
          }
        }
      }
      directory.changes.clear();
      return;
    }
    default:
      return;
  }
}

std::string CrashReplay::Unit::Describe(const CrashReplay& replay) const {
  const Disk& disk = replay.disks_.at(node);
  const std::string rank = " (rank " + std::to_string(disk.changes[change].operation.rank) + ")";
  switch (kind) {
    case Kind::kData:
      return "bytes " + std::to_string(begin) + ".." + std::to_string(end) + " written to " + disk.name + rank;
    case Kind::kTruncation:
      return "the truncation of " + disk.name + rank;
    case Kind::kSize:
      return "the size of " + disk.name + ", " + std::to_string(end) + " bytes" + rank;
    case Kind::kEntry:
      break;
  }
  const IoOperation& operation = disk.changes[change].operation;
  return std::string(IoKindName(operation.kind)) + " " + operation.path +
         (operation.to.empty() ? "" : " to " + operation.to) + rank;
}

std::vector<CrashReplay::Unit> CrashReplay::Units() const {
  std::set<int64_t> found = {names_.root()->id};
  std::vector<int64_t> stack = {names_.root()->id};
  const auto reach = [&](int64_t node) {
    if (node >= 0 && found.insert(node).second) stack.push_back(node);
  };
  while (!stack.empty()) {
    const Disk& disk = disks_.at(stack.back());
    stack.pop_back();
    for (const auto& [name, node] : disk.entries) reach(node);
    for (const Change& change : disk.changes) {
      for (const auto& [name, node] : change.entries) reach(node);
    }
  }
  std::vector<Unit> units;
  for (const int64_t node : found) {
    const Disk& disk = disks_.at(node);
    int64_t size = disk.durable == nullptr ? 0 : static_cast<int64_t>(disk.durable->size());
    bool grew = false;
    for (size_t i = 0; i < disk.changes.size(); ++i) {
      const Change& change = disk.changes[i];
      if (disk.directory) {
        units.push_back({Unit::Kind::kEntry, node, i, 0, 0});
        continue;
      }
      if (change.truncation) {
        units.push_back({Unit::Kind::kTruncation, node, i, 0, 0});
        size = 0;
        grew = false;
        continue;
      }
      const int64_t begin = change.operation.offset, end = begin + change.operation.result;
      const int64_t sectors = (end + kSectorBytes - 1) / kSectorBytes - begin / kSectorBytes;
      const int64_t step = std::max<int64_t>(1, (sectors + kMostUnitsOfWrite - 1) / kMostUnitsOfWrite) * kSectorBytes;
      for (int64_t at = begin; at < end;) {
        const int64_t next = std::min(end, (at / kSectorBytes) * kSectorBytes + step);
        units.push_back({Unit::Kind::kData, node, i, at, next});
        at = next;
      }
      grew |= end > size;
      size = std::max(size, end);
    }
    if (grew) units.push_back({Unit::Kind::kSize, node, disk.changes.size() - 1, 0, size});
  }
  return units;
}

// With no units: everything kept. Otherwise units[first, last) are this disk's.
std::shared_ptr<const FileBytes> CrashReplay::Contents(const Disk& disk, const std::vector<Unit>& units,
                                                       const std::vector<bool>& kept, size_t first, size_t last) const {
  if (disk.changes.empty()) return disk.durable;
  auto bytes = disk.durable == nullptr ? std::make_shared<FileBytes>() : std::make_shared<FileBytes>(*disk.durable);
  const auto copy = [&bytes](const IoOperation& write, int64_t begin, int64_t end) {
    if (static_cast<int64_t>(bytes->size()) < end) bytes->resize(static_cast<size_t>(end));
    std::copy(write.data->begin() + (begin - write.offset), write.data->begin() + (end - write.offset),
              bytes->begin() + begin);
  };
  if (units.empty()) {
    for (const Change& change : disk.changes) {
      if (change.truncation) {
        bytes->clear();
      } else {
        copy(change.operation, change.operation.offset, change.operation.offset + change.operation.result);
      }
    }
    return bytes;
  }
  // The cache holds a sector once: where a later write to it was kept, so were those before.
  std::map<int64_t, size_t> latest_kept;
  for (size_t i = first; i < last; ++i) {
    if (units[i].kind == Unit::Kind::kData && kept[i]) latest_kept[units[i].begin / kSectorBytes] = i;
  }
  for (size_t i = first; i < last; ++i) {
    const Unit& unit = units[i];
    if (unit.kind == Unit::Kind::kTruncation && kept[i]) bytes->clear();
    if (unit.kind == Unit::Kind::kSize && kept[i] && static_cast<int64_t>(bytes->size()) < unit.end) {
      bytes->resize(static_cast<size_t>(unit.end));
    }
    if (unit.kind != Unit::Kind::kData) continue;
    const auto latest = latest_kept.find(unit.begin / kSectorBytes);
    if (latest != latest_kept.end() && i <= latest->second) {
      copy(disk.changes[unit.change].operation, unit.begin, unit.end);
    }
  }
  return bytes;
}

FileTree CrashReplay::Image(const std::vector<Unit>& units, const std::vector<bool>& kept) const {
  std::map<int64_t, std::pair<size_t, size_t>> ranges;
  for (size_t i = 0; i < units.size(); ++i) {
    auto& range = ranges.try_emplace(units[i].node, i, i).first->second;
    range.second = i + 1;
  }
  FileTree tree;
  static const auto kEmpty = std::make_shared<const FileBytes>();
  const std::function<void(int64_t, const std::string&, int)> add = [&](int64_t node, const std::string& path,
                                                                        int depth) {
    const Disk& disk = disks_.at(node);
    const auto range = ranges.find(node);
    const size_t first = range == ranges.end() ? 0 : range->second.first;
    const size_t last = range == ranges.end() ? 0 : range->second.second;
    if (!disk.directory) {
      const auto bytes = Contents(disk, units, kept, first, last);
      tree.files[path] = bytes == nullptr ? kEmpty : bytes;
      return;
    }
    if (!path.empty()) tree.directories.insert(path);
    std::map<std::string, int64_t> entries = disk.entries;
    for (size_t i = first; i < last; ++i) {
      if (!kept[i]) continue;
      for (const auto& [name, entry] : disk.changes[units[i].change].entries) {
        if (entry < 0) {
          entries.erase(name);
        } else {
          entries[name] = entry;
        }
      }
    }
    if (depth > 64) return;  // a directory that was moved into its own child, by halves
    for (const auto& [name, entry] : entries) add(entry, path.empty() ? name : path + "/" + name, depth + 1);
  };
  add(names_.root()->id, "", 0);
  return tree;
}

bool ForEachCrashImage(const CrashReplay& replay, const CrashOptions& options, const CrashVisitor& visit) {
  using Unit = CrashReplay::Unit;
  const std::vector<Unit> units = replay.Units();
  const auto show = [&](const std::vector<bool>& kept) {
    const auto describe = [&]() -> std::string {
      const size_t count = static_cast<size_t>(std::count(kept.begin(), kept.end(), true));
      if (units.empty()) return "everything was synced";
      if (count == units.size()) return "all that was not synced kept";
      if (count == 0) return "all that was not synced lost";
      const bool few = count <= units.size() - count;
      std::string text = few ? "of what was not synced only kept: " : "lost: ";
      size_t listed = 0;
      for (size_t i = 0; i < units.size(); ++i) {
        if (kept[i] != few) continue;
        if (listed++ < 4) text += (listed > 1 ? "; " : "") + units[i].Describe(replay);
      }
      return listed > 4 ? text + "; and " + std::to_string(listed - 4) + " more" : text;
    };
    return visit(replay.Image(units, kept), describe);
  };
  if (static_cast<int32_t>(units.size()) <= options.exhaustive_units) {
    for (uint64_t subset = 0; subset < uint64_t{1} << units.size(); ++subset) {
      std::vector<bool> kept(units.size());
      for (size_t i = 0; i < units.size(); ++i) kept[i] = (subset >> i & 1) != 0;
      if (!show(kept)) return false;
    }
    return true;
  }
  const auto where = [&](const auto& predicate) {
    std::vector<bool> kept(units.size());
    for (size_t i = 0; i < units.size(); ++i) kept[i] = predicate(units[i], i);
    return kept;
  };
  const auto name = [](const Unit& unit, size_t) { return unit.kind == Unit::Kind::kEntry; };
  if (!show(where([](const Unit&, size_t) { return true; })) ||
      !show(where([](const Unit&, size_t) { return false; })) || !show(where(name)) ||
      !show(where([&](const Unit& unit, size_t i) { return !name(unit, i); })) ||
      !show(where([](const Unit& unit, size_t) { return unit.kind != Unit::Kind::kData; }))) {
    return false;
  }
  // Each file alone: its data lost, with and without its size; torn at a half, either way.
  for (size_t first = 0; first < units.size();) {
    size_t last = first;
    while (last < units.size() && units[last].node == units[first].node) ++last;
    const size_t middle = first + (last - first) / 2;
    const auto inside = [&](size_t i) { return i >= first && i < last; };
    if (units[first].kind != Unit::Kind::kEntry &&
        (!show(where([&](const Unit&, size_t i) { return !inside(i); })) ||
         !show(where([&](const Unit& unit, size_t i) { return !inside(i) || unit.kind == Unit::Kind::kSize; })) ||
         !show(where(
             [&](const Unit& unit, size_t i) { return !inside(i) || i < middle || unit.kind == Unit::Kind::kSize; })) ||
         !show(where([&](const Unit&, size_t i) { return !inside(i) || i >= middle; })))) {
      return false;
    }
    first = last;
  }
  std::mt19937_64 random(options.seed * 0x9e3779b97f4a7c15u + units.size());
  std::vector<size_t> order(units.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  for (size_t k = 0; k < order.size() && static_cast<int32_t>(k) < options.singles; ++k) {
    if (!show(where([&](const Unit&, size_t i) { return i == order[k]; })) ||
        !show(where([&](const Unit&, size_t i) { return i != order[k]; }))) {
      return false;
    }
  }
  for (int32_t k = 0; k < options.samples; ++k) {
    const uint64_t of_eight = std::vector<uint64_t>{4, 1, 7, 2, 6}[static_cast<size_t>(k) % 5];
    if (!show(where([&](const Unit&, size_t) { return random() % 8 < of_eight; }))) return false;
  }
  return true;
}

}  // namespace workbench
