// Names and nodes: the tree behind MemoryIo and behind the replay of its log.
#ifndef HARNESS_FILES_FILE_NODES_H_
#define HARNESS_FILES_FILE_NODES_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/files/memory_io.h"

namespace workbench {

struct Node {
  int64_t id = 0;
  bool directory = false;
  std::shared_ptr<const FileBytes> bytes;  // null: empty
  std::map<std::string, std::shared_ptr<Node>> entries;

  // Contents that are shared are copied first, since others hold them as they are.
  void Write(int64_t offset, const FileBytes& data);
  bool Flip(int64_t offset, std::byte bits);  // false: there is no such byte
};

// Not thread-safe. Functions return 0 or minus an errno.
class FileNodes {
 public:
  explicit FileNodes(const FileTree& tree);

  Node* Find(const std::string& path) const;  // null: none
  // kTruncate leaves the content alone: what is lost by it is the caller's affair.
  int Open(const std::string& path, OpenMode mode, std::shared_ptr<Node>* node);
  int Rename(const std::string& from, const std::string& to, std::shared_ptr<Node>* replaced);
  int Remove(const std::string& path, std::shared_ptr<Node>* removed);
  int MakeDirectory(const std::string& path);
  int List(const std::string& directory, std::vector<std::string>* names) const;
  FileTree Tree() const;
  const std::shared_ptr<Node>& root() const { return root_; }

  // The directory that `path` names something in, and that name. 0, or minus an errno.
  int Parent(const std::string& path, Node** parent, std::string* name) const;

 private:
  std::shared_ptr<Node> NewNode(bool directory);

  std::shared_ptr<Node> root_;
  int64_t next_id_ = 0;
};

// The tree as paths.
FileTree TreeOf(const Node& root);

}  // namespace workbench

#endif  // HARNESS_FILES_FILE_NODES_H_
