#include "harness/files/memory_io.h"

#include <gtest/gtest.h>

#include <thread>

namespace workbench {
namespace {

std::unique_ptr<File> Opened(Io* io, const std::string& path, OpenMode mode) {
  std::unique_ptr<File> file;
  EXPECT_EQ(io->Open(path, mode, &file), 0) << path;
  return file;
}

TEST(MemoryIoTest, FilesAndDirectories) {
  MemoryIo io;
  EXPECT_EQ(io.MakeDirectory("d"), 0);
  EXPECT_EQ(io.MakeDirectory("d"), -EEXIST);
  EXPECT_EQ(io.MakeDirectory("e/f"), -ENOENT);
  std::unique_ptr<File> file = Opened(&io, "d/a", OpenMode::kCreate);
  EXPECT_EQ(file->WriteAt(2, "xyz", 3), 3);
  EXPECT_EQ(file->Size(), 5);
  char bytes[8] = {};
  EXPECT_EQ(file->ReadAt(0, bytes, 8), 5);
  EXPECT_EQ(std::string(bytes, 5), std::string("\0\0xyz", 5));
  EXPECT_EQ(file->ReadAt(5, bytes, 8), 0);
  std::unique_ptr<File> other;
  EXPECT_EQ(io.Open("d/a", OpenMode::kCreate, &other), -EEXIST);
  EXPECT_EQ(io.Open("d/b", OpenMode::kRead, &other), -ENOENT);
  EXPECT_EQ(io.Open("../x", OpenMode::kCreate, &other), -EINVAL);
  EXPECT_EQ(io.Remove("d"), -ENOTEMPTY);
  EXPECT_EQ(io.Rename("d/a", "b"), 0);
  EXPECT_EQ(Opened(&io, "b", OpenMode::kRead)->WriteAt(0, "x", 1), -EBADF);
  std::vector<std::string> names;
  EXPECT_EQ(io.List("", &names), 0);
  EXPECT_EQ(names, (std::vector<std::string>{"b", "d"}));
  EXPECT_EQ(io.Remove("b"), 0);
  EXPECT_EQ(io.Remove("b"), -ENOENT);
  EXPECT_EQ(file->ReadAt(2, bytes, 3), 3);  // still there for who has it open
  EXPECT_EQ(io.Remove("d"), 0);
  EXPECT_TRUE(io.Tree().files.empty());
}

TEST(MemoryIoTest, TreesAreSnapshots) {
  MemoryIo io;
  std::unique_ptr<File> file = Opened(&io, "a", OpenMode::kCreate);
  file->WriteAt(0, "one", 3);
  const FileTree before = io.Tree();
  const uint64_t hash = before.Hash();
  file->WriteAt(0, "two", 3);
  EXPECT_EQ(before.Hash(), hash);
  EXPECT_NE(io.Tree().Hash(), hash);
  MemoryIo copy(before);
  Opened(&copy, "a", OpenMode::kTruncate)->WriteAt(0, "x", 1);
  EXPECT_EQ(before.Hash(), hash);
  EXPECT_EQ(copy.Tree().TotalBytes(), 1u);
  EXPECT_TRUE(copy.Corrupt("a", 0, std::byte{1}));
  EXPECT_FALSE(copy.Corrupt("a", 1, std::byte{1}));
  EXPECT_EQ((*copy.Tree().files.at("a"))[0], std::byte{'y'});
}

TEST(MemoryIoTest, ShortAndInterrupted) {
  MemoryIo io;
  std::unique_ptr<File> file = Opened(&io, "a", OpenMode::kCreate);
  io.SetFaults({.seed = 1, .short_writes = true, .short_reads = true, .interrupt_every = 3});
  const std::string text(1000, 'x');
  int64_t at = 0, calls = 0, interrupted = 0;
  while (at < 1000) {
    const int64_t wrote = file->WriteAt(at, text.data() + at, 1000 - at);
    ++calls;
    interrupted += wrote == -EINTR;
    if (wrote > 0) at += wrote;
  }
  EXPECT_GT(calls, 2);
  EXPECT_GT(interrupted, 0);
  EXPECT_EQ(file->Size(), 1000);
}

TEST(MemoryIoTest, FailsAtTheGivenOperation) {
  MemoryIo io;
  std::unique_ptr<Io> one = io.ForRank(1);
  std::unique_ptr<File> a = Opened(&io, "a", OpenMode::kCreate), b = Opened(one.get(), "b", OpenMode::kCreate);
  io.SetFaults({.rank = 1, .fail_at = 1, .error = -ENOSPC});
  EXPECT_EQ(b->WriteAt(0, "x", 1), 1);
  EXPECT_EQ(a->WriteAt(0, "x", 1), 1);
  EXPECT_EQ(b->WriteAt(1, "x", 1), -ENOSPC);
  EXPECT_EQ(b->WriteAt(1, "x", 1), 1);
  EXPECT_EQ(io.faults_met(), 1);
  io.SetFaults({.fail_at = 0, .fail_kinds = Bit(IoKind::kSync)});
  EXPECT_EQ(a->WriteAt(0, "x", 1), 1);
  EXPECT_EQ(a->Sync(), -EIO);
  io.SetFaults({.crash_at = 1});
  EXPECT_EQ(a->WriteAt(0, "x", 1), 1);
  const size_t logged = io.Log().size();
  EXPECT_EQ(b->WriteAt(0, "x", 1), -EIO);
  EXPECT_EQ(a->Sync(), -EIO);
  EXPECT_EQ(io.Log().size(), logged);  // a machine that is down writes nothing down
}

TEST(MemoryIoTest, Full) {
  MemoryIo io;
  std::unique_ptr<File> file = Opened(&io, "a", OpenMode::kCreate);
  io.SetFaults({.space = 5});
  EXPECT_EQ(file->WriteAt(0, "abcd", 4), 4);
  EXPECT_EQ(file->WriteAt(4, "efgh", 4), 1);
  EXPECT_EQ(file->WriteAt(5, "fgh", 3), -ENOSPC);
  EXPECT_EQ(file->WriteAt(0, "xy", 2), 2);
  std::unique_ptr<File> other;
  EXPECT_EQ(io.Open("b", OpenMode::kCreate, &other), -ENOSPC);
  EXPECT_EQ(io.Remove("a"), 0);
  EXPECT_EQ(io.Open("b", OpenMode::kCreate, &other), 0);
}

TEST(MemoryIoTest, CountersAndLog) {
  MemoryIo io;
  std::unique_ptr<Io> two = io.ForRank(2);
  std::unique_ptr<File> file = Opened(two.get(), "a", OpenMode::kCreate);
  file->WriteAt(0, "abc", 3);
  char byte;
  file->ReadAt(0, &byte, 1);
  file->Sync();
  io.Mark(2, 7);
  EXPECT_EQ(io.Counters(2).written_bytes, 3);
  EXPECT_EQ(io.Counters(2).read_bytes, 1);
  EXPECT_EQ(io.Counters(2).syncs, 1);
  EXPECT_EQ(io.Counters(0).operations, 0);
  const std::vector<IoOperation> log = io.Log();
  ASSERT_EQ(log.size(), 4u);
  EXPECT_EQ(log[1].Describe(), "rank 2: write 3 bytes at 0 of a");
  EXPECT_EQ(log[3].mark, 7);
}

TEST(MemoryIoTest, HeldOperationsWait) {
  MemoryIo io;
  std::unique_ptr<File> file = Opened(&io, "a", OpenMode::kCreate);
  io.Hold(true);
  std::thread writer([&] { file->WriteAt(0, "x", 1); });
  while (io.waiting() == 0) std::this_thread::yield();
  EXPECT_EQ(file->Size(), 0);
  io.Hold(false);
  writer.join();
  EXPECT_EQ(file->Size(), 1);
}

}  // namespace
}  // namespace workbench
