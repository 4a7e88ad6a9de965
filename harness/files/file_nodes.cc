#include "harness/files/file_nodes.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace workbench {
namespace {

// The names between the slashes. False for those that would leave the root.
bool Split(const std::string& path, std::vector<std::string>* names) {
  size_t begin = 0;
  while (begin <= path.size()) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin) {
      names->push_back(path.substr(begin, end - begin));
      if (names->back() == "." || names->back() == ".." || names->back().size() > 255 ||
          names->back().find('\0') != std::string::npos) {
        return false;
      }
    }
    begin = end + 1;
  }
  return true;
}

void AddTo(FileTree* tree, const std::string& prefix, const Node& directory) {
  static const auto kEmpty = std::make_shared<const FileBytes>();
  for (const auto& [name, node] : directory.entries) {
    if (node->directory) {
      tree->directories.insert(prefix + name);
      AddTo(tree, prefix + name + "/", *node);
    } else {
      tree->files[prefix + name] = node->bytes == nullptr ? kEmpty : node->bytes;
    }
  }
}

bool Contains(const Node& directory, const Node* node) {
  if (&directory == node) return true;
  for (const auto& [name, entry] : directory.entries) {
    if (entry->directory && Contains(*entry, node)) return true;
  }
  return false;
}

}  // namespace

uint64_t FileTree::TotalBytes() const {
  uint64_t total = 0;
  for (const auto& [path, bytes] : files) total += bytes->size();
  return total;
}

uint64_t FileTree::Hash() const {
  uint64_t hash = 0x51ed270b8d5f3c1du;
  const auto add = [&hash](uint64_t value) {
    hash = (hash ^ value) * 0x9fb21c651e98df25u;
    hash ^= hash >> 32;
  };
  const auto add_bytes = [&add](const void* data, size_t bytes) {
    const char* at = static_cast<const char*>(data);
    add(bytes);
    for (; bytes >= 8; bytes -= 8, at += 8) {
      uint64_t word;
      std::memcpy(&word, at, 8);
      add(word);
    }
    uint64_t word = 0;
    if (bytes > 0) std::memcpy(&word, at, bytes);
    add(word);
  };
  for (const std::string& directory : directories) add_bytes(directory.data(), directory.size());
  for (const auto& [path, bytes] : files) {
    add_bytes(path.data(), path.size());
    add_bytes(bytes->data(), bytes->size());
  }
  return hash;
}

void Node::Write(int64_t offset, const FileBytes& data) {
  if (data.empty()) return;
  const size_t end = static_cast<size_t>(offset) + data.size();
  // Contents that nobody else holds are grown where they are: a file that is written piece by piece is not copied each
  // time. They were made below, as what is not const.
  if (bytes == nullptr || bytes.use_count() > 1) {
    auto copy = std::make_shared<FileBytes>();
    copy->reserve(std::max(end, bytes == nullptr ? 0 : bytes->size()));
    if (bytes != nullptr) *copy = *bytes;
    bytes = std::move(copy);
  }
  FileBytes& mine = const_cast<FileBytes&>(*bytes);
  if (mine.size() < end) mine.resize(end);
  std::copy(data.begin(), data.end(), mine.begin() + offset);
}

bool Node::Flip(int64_t offset, std::byte bits) {
  if (bytes == nullptr || offset < 0 || offset >= static_cast<int64_t>(bytes->size())) return false;
  Write(offset, {(*bytes)[static_cast<size_t>(offset)] ^ bits});
  return true;
}

FileNodes::FileNodes(const FileTree& tree) {
  root_ = NewNode(true);
  for (const std::string& directory : tree.directories) (void)MakeDirectory(directory);  // sorted: parents first
  for (const auto& [path, bytes] : tree.files) {
    std::shared_ptr<Node> node;
    // Written as new by Node::Write only once it is a copy: these may be another's, and const.
    if (Open(path, OpenMode::kCreate, &node) == 0) node->bytes = bytes;
  }
}

std::shared_ptr<Node> FileNodes::NewNode(bool directory) {
  auto node = std::make_shared<Node>();
  node->id = next_id_++;
  node->directory = directory;
  return node;
}

Node* FileNodes::Find(const std::string& path) const {
  std::vector<std::string> names;
  if (!Split(path, &names)) return nullptr;
  Node* node = root_.get();
  for (const std::string& name : names) {
    const auto found = node->entries.find(name);
    if (found == node->entries.end()) return nullptr;
    node = found->second.get();
  }
  return node;
}

int FileNodes::Parent(const std::string& path, Node** parent, std::string* name) const {
  std::vector<std::string> names;
  if (!Split(path, &names) || names.empty()) return -EINVAL;
  *name = names.back();
  Node* node = root_.get();
  for (size_t i = 0; i + 1 < names.size(); ++i) {
    const auto found = node->entries.find(names[i]);
    if (found == node->entries.end()) return -ENOENT;
    node = found->second.get();
  }
  if (!node->directory) return -ENOTDIR;
  *parent = node;
  return 0;
}

int FileNodes::Open(const std::string& path, OpenMode mode, std::shared_ptr<Node>* node) {
  Node* parent = nullptr;
  std::string name;
  if (const int error = Parent(path, &parent, &name); error != 0) return error;
  const auto found = parent->entries.find(name);
  if (found != parent->entries.end()) {
    if (mode == OpenMode::kCreate) return -EEXIST;
    if (found->second->directory) return -EISDIR;
    *node = found->second;
    return 0;
  }
  if (mode == OpenMode::kRead) return -ENOENT;
  *node = parent->entries[name] = NewNode(false);
  return 0;
}

int FileNodes::Rename(const std::string& from, const std::string& to, std::shared_ptr<Node>* replaced) {
  Node* from_parent = nullptr;
  Node* to_parent = nullptr;
  std::string from_name, to_name;
  if (const int error = Parent(from, &from_parent, &from_name); error != 0) return error;
  if (const int error = Parent(to, &to_parent, &to_name); error != 0) return error;
  const auto source = from_parent->entries.find(from_name);
  if (source == from_parent->entries.end()) return -ENOENT;
  const std::shared_ptr<Node> node = source->second;
  if (node->directory && Contains(*node, to_parent)) return -EINVAL;
  const auto target = to_parent->entries.find(to_name);
  if (target != to_parent->entries.end()) {
    if (target->second == node) return 0;
    if (target->second->directory && !node->directory) return -EISDIR;
    if (!target->second->directory && node->directory) return -ENOTDIR;
    if (!target->second->entries.empty()) return -ENOTEMPTY;
    *replaced = target->second;
  }
  from_parent->entries.erase(from_name);
  to_parent->entries[to_name] = node;
  return 0;
}

int FileNodes::Remove(const std::string& path, std::shared_ptr<Node>* removed) {
  Node* parent = nullptr;
  std::string name;
  if (const int error = Parent(path, &parent, &name); error != 0) return error;
  const auto found = parent->entries.find(name);
  if (found == parent->entries.end()) return -ENOENT;
  if (!found->second->entries.empty()) return -ENOTEMPTY;
  *removed = found->second;
  parent->entries.erase(found);
  return 0;
}

int FileNodes::MakeDirectory(const std::string& path) {
  Node* parent = nullptr;
  std::string name;
  if (const int error = Parent(path, &parent, &name); error != 0) return error;
  if (parent->entries.contains(name)) return -EEXIST;
  parent->entries[name] = NewNode(true);
  return 0;
}

int FileNodes::List(const std::string& directory, std::vector<std::string>* names) const {
  const Node* node = Find(directory);
  if (node == nullptr) return -ENOENT;
  if (!node->directory) return -ENOTDIR;
  names->clear();
  for (const auto& [name, entry] : node->entries) names->push_back(name);
  return 0;
}

FileTree FileNodes::Tree() const { return TreeOf(*root_); }

FileTree TreeOf(const Node& root) {
  FileTree tree;
  AddTo(&tree, "", root);
  return tree;
}

}  // namespace workbench
