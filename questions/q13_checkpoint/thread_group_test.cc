#include "questions/q13_checkpoint/thread_group.h"

#include <gtest/gtest.h>

#include <atomic>

#include "harness/files/memory_io.h"
#include "questions/q13_checkpoint/crash_matrix.h"

namespace q13 {
namespace {

using Bytes = std::vector<std::byte>;

TEST(ThreadGroupTest, GathersInOrder) {
  ThreadGroup group(5);
  group.Run([&](int rank) {
    for (int round = 0; round < 100; ++round) {
      std::vector<Bytes> all;
      ASSERT_TRUE(group.rank(rank)->AllGather(Bytes(static_cast<size_t>(rank), std::byte(round)), &all));
      ASSERT_EQ(all.size(), 5u);
      for (size_t i = 0; i < 5; ++i) EXPECT_EQ(all[i], Bytes(i, std::byte(round)));
    }
  });
  EXPECT_EQ(group.misuse(), "");
}

TEST(ThreadGroupTest, ALostRankIsLostToAll) {
  ThreadGroup group(3);
  group.LoseAt(1, 2);
  group.Run([&](int rank) {
    std::vector<Bytes> all;
    for (int round = 0; round < 4; ++round) EXPECT_EQ(group.rank(rank)->AllGather({}, &all), round < 2);
  });
  EXPECT_TRUE(group.lost());
  EXPECT_EQ(group.misuse(), "");
}

TEST(ThreadGroupTest, WaitingForOneThatHasEndedIsSaid) {
  ThreadGroup group(3);
  group.Run([&](int rank) {
    std::vector<Bytes> all;
    if (rank != 2) {
      EXPECT_FALSE(group.rank(rank)->AllGather({}, &all));
    }
  });
  EXPECT_NE(group.misuse(), "");
}

// The same seed gives the same order, another seed another one; also across AllGather.
TEST(ThreadGroupTest, TurnsAreRepeatable) {
  const auto order_of = [](uint64_t seed) {
    workbench::MemoryIo io;
    TurnOrder order(4, seed);
    ThreadGroup group(4, &order);
    io.SetBeforeOperation([&](int rank) { order.BeforeOperation(rank); });
    std::vector<std::unique_ptr<Io>> views;
    for (int rank = 0; rank < 4; ++rank) views.push_back(io.ForRank(rank));
    group.Run([&](int rank) {
      std::vector<Bytes> all;
      for (int i = 0; i < 3; ++i) {
        std::unique_ptr<File> file;
        views[static_cast<size_t>(rank)]->Open(std::to_string(rank) + std::to_string(i), OpenMode::kCreate, &file);
        file->WriteAt(0, "x", 1);
        file->Sync();
        group.rank(rank)->AllGather({}, &all);
      }
    });
    std::string text;
    for (const workbench::IoOperation& operation : io.Log()) text += std::to_string(operation.rank);
    return text;
  };
  const std::string first = order_of(1);
  EXPECT_EQ(first.size(), 36u);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(order_of(1), first);
  EXPECT_NE(order_of(2), first);
}

TEST(CrashMatrixTest, CutsMarksAndImages) {
  workbench::MemoryIo io;
  std::unique_ptr<File> file;
  io.Open("a", OpenMode::kCreate, &file);
  file->WriteAt(0, "x", 1);
  file->Sync();
  io.SyncDirectory("");
  io.Mark(0, 7);
  int64_t acknowledged = 0, others = 0;
  const CrashMatrixCounts counts = ForEachCrash(io.Start(), io.Log(), {.images = {}}, [&](const CrashPoint& point) {
    EXPECT_FALSE(point.describe().empty());
    if (point.marks.contains(0)) {
      ++acknowledged;
      EXPECT_TRUE(point.tree.files.contains("a"));
    } else {
      ++others;
    }
    return true;
  });
  EXPECT_EQ(counts.cuts, 6);
  EXPECT_EQ(acknowledged, 1);
  EXPECT_EQ(others, 4);  // nothing; empty; zeros; x
  EXPECT_EQ(CutAtMark(io.Log(), 7), 5u);
}

}  // namespace
}  // namespace q13
