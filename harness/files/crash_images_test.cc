#include "harness/files/crash_images.h"

#include <gtest/gtest.h>

#include <set>

namespace workbench {
namespace {

FileBytes Text(const std::string& text) {
  const std::byte* at = reinterpret_cast<const std::byte*>(text.data());
  return FileBytes(at, at + text.size());
}

std::string ToText(const FileBytes& bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void Write(File* file, int64_t offset, const std::string& text) {
  ASSERT_EQ(file->WriteAt(offset, text.data(), static_cast<int64_t>(text.size())), static_cast<int64_t>(text.size()));
}

// "name=content" of every file, joined; all images of the whole log.
std::set<std::string> Images(const MemoryIo& io, const CrashOptions& options = {}) {
  CrashReplay replay(io.Start());
  for (const IoOperation& operation : io.Log()) replay.Apply(operation);
  std::set<std::string> images;
  ForEachCrashImage(replay, options, [&](const FileTree& tree, const std::function<std::string()>& describe) {
    EXPECT_FALSE(describe().empty());
    std::string text;
    for (const std::string& directory : tree.directories) text += directory + "/ ";
    for (const auto& [name, bytes] : tree.files) text += name + "=" + ToText(*bytes) + " ";
    images.insert(text);
    return true;
  });
  return images;
}

using Set = std::set<std::string>;
const std::string kZeros(2, '\0');

TEST(CrashImagesTest, NewFile) {
  MemoryIo io;
  std::unique_ptr<File> file;
  ASSERT_EQ(io.Open("a", OpenMode::kCreate, &file), 0);
  Write(file.get(), 0, "hi");
  EXPECT_EQ(Images(io), (Set{"", "a= ", "a=hi ", "a=" + kZeros + " "}));
  ASSERT_EQ(file->Sync(), 0);
  EXPECT_EQ(Images(io), (Set{"", "a=hi "}));
  ASSERT_EQ(io.SyncDirectory(""), 0);
  EXPECT_EQ(Images(io), (Set{"a=hi "}));
}

TEST(CrashImagesTest, RenameIsAtomicAndTargetIsOldOrNew) {
  FileTree start;
  start.files["latest"] = std::make_shared<const FileBytes>(Text("1"));
  MemoryIo io(start);
  std::unique_ptr<File> file;
  ASSERT_EQ(io.Open("tmp", OpenMode::kCreate, &file), 0);
  Write(file.get(), 0, "2");
  ASSERT_EQ(file->Sync(), 0);
  ASSERT_EQ(io.Rename("tmp", "latest"), 0);
  EXPECT_EQ(Images(io), (Set{"latest=1 ", "latest=1 tmp=2 ", "latest=2 "}));
  ASSERT_EQ(io.SyncDirectory(""), 0);
  EXPECT_EQ(Images(io), (Set{"latest=2 "}));
}

TEST(CrashImagesTest, RenameWithoutSyncMayEmptyTheTarget) {
  FileTree start;
  start.files["latest"] = std::make_shared<const FileBytes>(Text("1"));
  MemoryIo io(start);
  std::unique_ptr<File> file;
  ASSERT_EQ(io.Open("tmp", OpenMode::kCreate, &file), 0);
  Write(file.get(), 0, "2");
  ASSERT_EQ(io.Rename("tmp", "latest"), 0);
  EXPECT_TRUE(Images(io).contains("latest= "));
}

TEST(CrashImagesTest, SectorsOfAWriteAreTorn) {
  FileTree start;
  start.files["a"] = std::make_shared<const FileBytes>(Text(std::string(1024, 'o')));
  MemoryIo io(start);
  std::unique_ptr<File> file;
  ASSERT_EQ(io.Open("a", OpenMode::kTruncate, &file), 0);
  ASSERT_EQ(file->Sync(), 0);
  Write(file.get(), 0, std::string(1024, 'n'));
  ASSERT_EQ(file->Sync(), 0);
  Write(file.get(), 256, std::string(512, 'x'));
  const std::string n(256, 'n'), x(256, 'x');
  EXPECT_EQ(Images(io), (Set{"a=" + n + n + n + n + " ", "a=" + n + x + n + n + " ", "a=" + n + n + x + n + " ",
                             "a=" + n + x + x + n + " "}));
}

TEST(CrashImagesTest, LaterWriteToASectorHasTheEarlierOne) {
  MemoryIo io;
  std::unique_ptr<File> file;
  ASSERT_EQ(io.Open("a", OpenMode::kCreate, &file), 0);
  ASSERT_EQ(io.SyncDirectory(""), 0);
  Write(file.get(), 0, "ab");
  Write(file.get(), 1, "c");
  const Set images = Images(io);
  EXPECT_TRUE(images.contains("a=ab "));
  EXPECT_TRUE(images.contains("a=ac "));
  EXPECT_FALSE(images.contains("a=" + std::string(1, '\0') + "c "));
}

TEST(CrashImagesTest, TruncationInPlaceLosesTheOld) {
  FileTree start;
  start.files["a"] = std::make_shared<const FileBytes>(Text("old"));
  MemoryIo io(start);
  std::unique_ptr<File> file;
  ASSERT_EQ(io.Open("a", OpenMode::kTruncate, &file), 0);
  Write(file.get(), 0, "new");
  const Set images = Images(io);
  EXPECT_TRUE(images.contains("a= "));
  EXPECT_TRUE(images.contains("a=old "));
  EXPECT_TRUE(images.contains("a=new "));
}

TEST(CrashImagesTest, FailedSyncIsNeverMadeGood) {
  MemoryIo io;
  std::unique_ptr<File> file;
  ASSERT_EQ(io.Open("a", OpenMode::kCreate, &file), 0);
  ASSERT_EQ(io.SyncDirectory(""), 0);
  Write(file.get(), 0, "ab");
  io.SetFaults({.fail_at = 0, .fail_kinds = Bit(IoKind::kSync)});
  EXPECT_EQ(file->Sync(), -EIO);
  EXPECT_EQ(file->Sync(), 0);
  EXPECT_TRUE(Images(io).contains("a= "));
  ASSERT_EQ(io.Open("a", OpenMode::kTruncate, &file), 0);
  Write(file.get(), 0, "cd");
  EXPECT_EQ(file->Sync(), 0);
  EXPECT_TRUE(Images(io).contains("a= "));
  ASSERT_EQ(io.Remove("a"), 0);
  ASSERT_EQ(io.Open("a", OpenMode::kCreate, &file), 0);
  Write(file.get(), 0, "ef");
  EXPECT_EQ(file->Sync(), 0);
  ASSERT_EQ(io.SyncDirectory(""), 0);
  EXPECT_EQ(Images(io), (Set{"a=ef "}));
}

TEST(CrashImagesTest, DirectoryThatWasNotSyncedTakesItsFilesAway) {
  MemoryIo io;
  std::unique_ptr<File> file;
  ASSERT_EQ(io.MakeDirectory("d"), 0);
  ASSERT_EQ(io.Open("d/a", OpenMode::kCreate, &file), 0);
  Write(file.get(), 0, "hi");
  ASSERT_EQ(file->Sync(), 0);
  ASSERT_EQ(io.SyncDirectory("d"), 0);
  EXPECT_EQ(Images(io), (Set{"", "d/ d/a=hi "}));
  ASSERT_EQ(io.SyncDirectory(""), 0);
  ASSERT_EQ(io.Rename("d", "e"), 0);
  EXPECT_EQ(Images(io), (Set{"d/ d/a=hi ", "e/ e/a=hi "}));
}

TEST(CrashImagesTest, ManyUnitsAreSampledTheSameEachTime) {
  MemoryIo io;
  std::unique_ptr<File> file;
  ASSERT_EQ(io.Open("a", OpenMode::kCreate, &file), 0);
  Write(file.get(), 0, std::string(40 * 512, 'x'));
  const Set images = Images(io);
  EXPECT_GT(images.size(), 20u);
  EXPECT_EQ(Images(io), images);
  EXPECT_NE(Images(io, {.seed = 1}), images);
}

}  // namespace
}  // namespace workbench
