#include "harness/files/posix_io.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace workbench {
namespace {

struct Setting {
  const char* name;
  PosixIoOptions options;
  const char* parent;  // nullptr: TEST_TMPDIR
};

PosixIoOptions Options(bool direct, bool uring, int64_t block, int32_t depth) {
  PosixIoOptions options;
  options.direct = direct;
  options.queue = {uring, depth, block};
  return options;
}

class PosixIoTest : public testing::TestWithParam<Setting> {
 protected:
  void SetUp() override {
    const char* parent = GetParam().parent != nullptr ? GetParam().parent : std::getenv("TEST_TMPDIR");
    if (parent == nullptr) parent = "/tmp";
    if (access(parent, W_OK) != 0) GTEST_SKIP() << "no " << parent;
    root_ = std::string(parent) + "/posix_io_test.XXXXXX";
    ASSERT_NE(mkdtemp(root_.data()), nullptr);
    Result<std::unique_ptr<PosixIo>> made = PosixIo::Make(root_, GetParam().options);
    ASSERT_TRUE(made.ok()) << made.status().message();
    io_ = std::move(*made);
  }
  void TearDown() override {
    io_.reset();
    if (!root_.empty()) std::filesystem::remove_all(root_);
  }

  std::unique_ptr<File> Open(const std::string& path, OpenMode mode) {
    std::unique_ptr<File> file;
    EXPECT_EQ(io_->Open(path, mode, &file), 0) << path;
    return file;
  }

  std::string root_;
  std::unique_ptr<PosixIo> io_;
};

std::vector<char> Noise(size_t bytes, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<char> noise(bytes);
  for (char& c : noise) c = static_cast<char>(random());
  return noise;
}

// As every caller has to: until all is done.
void WriteAll(File* file, int64_t offset, const char* data, int64_t bytes) {
  while (bytes > 0) {
    const int64_t done = file->WriteAt(offset, data, bytes);
    ASSERT_GT(done, 0) << offset << " " << bytes;
    ASSERT_LE(done, bytes);
    offset += done;
    data += done;
    bytes -= done;
  }
}
std::vector<char> ReadAll(File* file, int64_t offset, int64_t bytes) {
  std::vector<char> data(static_cast<size_t>(bytes) + 1, 'x');
  int64_t at = 0;
  while (at < bytes) {
    const int64_t done = file->ReadAt(offset + at, data.data() + at, bytes - at);
    EXPECT_GE(done, 0);
    if (done <= 0) break;
    at += done;
  }
  EXPECT_EQ(data[static_cast<size_t>(bytes)], 'x');
  data.resize(static_cast<size_t>(at));
  return data;
}

TEST_P(PosixIoTest, WritesOfAnySizeToAnywhere) {
  const std::vector<int64_t> sizes = {0,     1,      511,    4095,   4096,    4097,    65535,        65536,
                                      65537, 131072, 200000, 262144, 1 << 20, 1000003, (3 << 20) + 5};
  const std::vector<char> noise = Noise(4 << 20, 1);
  int number = 0;
  for (const int64_t size : sizes) {
    for (const int64_t offset : {int64_t{0}, int64_t{1}, int64_t{4096}, int64_t{5000}}) {
      for (const int64_t shift : {0, 1, 512}) {
        const std::string path = "f" + std::to_string(number++);
        const std::unique_ptr<File> file = Open(path, OpenMode::kCreate);
        WriteAll(file.get(), offset, noise.data() + shift, size);
        ASSERT_EQ(file->Sync(), 0);
        ASSERT_EQ(file->Size(), size == 0 ? 0 : offset + size);
        const std::unique_ptr<File> again = Open(path, OpenMode::kRead);
        const std::vector<char> data = ReadAll(again.get(), offset, size);
        ASSERT_EQ(data.size(), static_cast<size_t>(size));
        ASSERT_EQ(std::memcmp(data.data(), noise.data() + shift, data.size()), 0) << size << " at " << offset;
        // What was skipped reads as zeros, and nothing is read behind the end.
        for (const char c : ReadAll(again.get(), 0, size == 0 ? 0 : offset)) ASSERT_EQ(c, 0);
        ASSERT_EQ(ReadAll(again.get(), 0, (5 << 20)).size(), static_cast<size_t>(size == 0 ? 0 : offset + size));
        ASSERT_EQ(io_->Remove(path), 0);
      }
    }
  }
}

// Overlapping writes and reads, small and large, through two handles, against a vector.
TEST_P(PosixIoTest, AgreesWithAModel) {
  std::mt19937 random(7);
  const std::vector<char> noise = Noise(2 << 20, 2);
  std::vector<char> model;
  std::unique_ptr<File> files[] = {Open("model", OpenMode::kCreate), nullptr};
  files[1] = Open("model", OpenMode::kRead);
  for (int i = 0; i < 300; ++i) {
    const auto offset = static_cast<int64_t>(random() % (3 << 20) / (random() % 2 == 0 ? 1 : 4096) * 1);
    const auto bytes = static_cast<int64_t>(random() % (random() % 2 == 0 ? 9000 : 600000));
    const auto end = static_cast<size_t>(offset + bytes);
    if (random() % 2 == 0) {
      const size_t from = random() % (1 << 20);
      WriteAll(files[0].get(), offset, noise.data() + from, bytes);
      if (bytes > 0 && model.size() < end) model.resize(end, 0);
      if (bytes > 0) std::memcpy(model.data() + offset, noise.data() + from, static_cast<size_t>(bytes));
      if (random() % 4 == 0) {
        ASSERT_EQ(files[0]->Sync(), 0);
      }
    } else {
      const std::vector<char> data = ReadAll(files[random() % 2].get(), offset, bytes);
      const int64_t there = std::clamp(static_cast<int64_t>(model.size()) - offset, int64_t{0}, bytes);
      ASSERT_EQ(static_cast<int64_t>(data.size()), there);
      ASSERT_TRUE(there == 0 || std::memcmp(data.data(), model.data() + offset, data.size()) == 0)
          << "step " << i << ": " << bytes << " at " << offset;
    }
    ASSERT_EQ(files[1]->Size(), static_cast<int64_t>(model.size()));
  }
}

TEST_P(PosixIoTest, ManyThreads) {
  const std::vector<char> noise = Noise(1 << 20, 3);
  const std::unique_ptr<File> shared = Open("shared", OpenMode::kCreate);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::unique_ptr<File> own = Open("own" + std::to_string(t), OpenMode::kTruncate);
      for (int i = 0; i < 4; ++i) {
        WriteAll(own.get(), i * 300000, noise.data() + t, 300000);
        WriteAll(shared.get(), (t * 4 + i) * (1 << 18), noise.data() + t, 1 << 18);
      }
      EXPECT_EQ(own->Sync(), 0);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int t = 0; t < 4; ++t) {
    const std::unique_ptr<File> own = Open("own" + std::to_string(t), OpenMode::kRead);
    for (int i = 0; i < 4; ++i) {
      EXPECT_EQ(std::memcmp(ReadAll(own.get(), i * 300000, 300000).data(), noise.data() + t, 300000), 0);
      EXPECT_EQ(std::memcmp(ReadAll(shared.get(), (t * 4 + i) * (1 << 18), 1 << 18).data(), noise.data() + t, 1 << 18),
                0);
    }
  }
}

TEST_P(PosixIoTest, NamesAndDirectories) {
  std::unique_ptr<File> file;
  EXPECT_EQ(io_->Open("a", OpenMode::kRead, &file), -ENOENT);
  EXPECT_EQ(io_->Open("d/a", OpenMode::kCreate, &file), -ENOENT);
  EXPECT_EQ(io_->MakeDirectory("d"), 0);
  EXPECT_EQ(io_->MakeDirectory("d"), -EEXIST);
  file = Open("d/a", OpenMode::kCreate);
  WriteAll(file.get(), 0, "one", 3);
  std::unique_ptr<File> other;
  EXPECT_EQ(io_->Open("d/a", OpenMode::kCreate, &other), -EEXIST);
  EXPECT_EQ(other, nullptr);
  EXPECT_EQ(io_->Open("d", OpenMode::kRead, &other), -EISDIR);
  EXPECT_EQ(Open("d/a", OpenMode::kRead)->WriteAt(0, "x", 1), -EBADF);
  EXPECT_EQ(Open("d/a", OpenMode::kRead)->WriteAt(0, Noise(1 << 17, 1).data(), 1 << 17), -EBADF);
  EXPECT_EQ(io_->Remove("d"), -ENOTEMPTY);
  // A file stays what it is when its name goes to another.
  const std::unique_ptr<File> second = Open("d/b", OpenMode::kTruncate);
  WriteAll(second.get(), 0, "second", 6);
  EXPECT_EQ(io_->Rename("d/b", "d/a"), 0);
  EXPECT_EQ(file->Size(), 3);
  const std::vector<char> noise = Noise(1 << 18, 4);
  WriteAll(file.get(), 0, noise.data(), 1 << 18);
  EXPECT_EQ(Open("d/a", OpenMode::kRead)->Size(), 6);
  EXPECT_EQ(Open("d/a", OpenMode::kTruncate)->Size(), 0);
  std::vector<std::string> names;
  EXPECT_EQ(io_->List("d", &names), 0);
  EXPECT_EQ(names, std::vector<std::string>({"a"}));
  EXPECT_EQ(io_->List("", &names), 0);
  EXPECT_EQ(names, std::vector<std::string>({"d"}));
  EXPECT_EQ(io_->List("x", &names), -ENOENT);
  EXPECT_EQ(io_->SyncDirectory("d"), 0);
  EXPECT_EQ(io_->SyncDirectory(""), 0);
  EXPECT_EQ(io_->SyncDirectory("x"), -ENOENT);
  EXPECT_EQ(io_->Remove("d/a"), 0);
  EXPECT_EQ(io_->Remove("d/a"), -ENOENT);
  EXPECT_EQ(io_->Remove("d"), 0);
  for (const char* outside : {"/tmp/x", "..", "../x", "a/../../x", "a/.."}) {
    EXPECT_EQ(io_->Open(outside, OpenMode::kTruncate, &other), -EINVAL) << outside;
    EXPECT_EQ(io_->MakeDirectory(outside), -EINVAL) << outside;
  }
  EXPECT_EQ(file->WriteAt(-1, "x", 1), -EINVAL);
  EXPECT_EQ(file->ReadAt(-1, names.data(), 0), -EINVAL);
}

// What fits is written and told; then comes the error, and what was there is there.
TEST_P(PosixIoTest, ADiskThatIsFull) {
  struct rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const std::vector<char> noise = Noise(4 << 20, 5);
  const std::unique_ptr<File> file = Open("full", OpenMode::kCreate);
  struct rlimit limit = before;
  limit.rlim_cur = (1 << 20) + 1000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  int64_t at = 0, done = 0;
  while ((done = file->WriteAt(at, noise.data() + at, (4 << 20) - at)) > 0) at += done;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(done, -EFBIG);
  EXPECT_GE(at, 1 << 20);
  EXPECT_LE(at, (1 << 20) + 1000);
  EXPECT_EQ(file->Sync(), 0);
  EXPECT_EQ(std::memcmp(ReadAll(file.get(), 0, at).data(), noise.data(), static_cast<size_t>(at)), 0);
  WriteAll(file.get(), at, noise.data() + at, (4 << 20) - at);
  EXPECT_EQ(std::memcmp(ReadAll(file.get(), 0, 4 << 20).data(), noise.data(), 4 << 20), 0);
}

TEST_P(PosixIoTest, Describe) {
  const std::string how = io_->Describe();
  std::printf("%s: %s\n", GetParam().name, how.c_str());
  EXPECT_EQ(how.find("O_DIRECT") != std::string::npos && !GetParam().options.direct, false);
  EXPECT_EQ(how.find("io_uring") != std::string::npos && !GetParam().options.queue.uring, false);
}

INSTANTIATE_TEST_SUITE_P(All, PosixIoTest,
                         testing::Values(Setting{"Default", {}, nullptr},
                                         Setting{"SmallBlocks", Options(true, true, 8192, 3), nullptr},
                                         Setting{"NoRing", Options(true, false, 65536, 4), nullptr},
                                         Setting{"NoDirect", Options(false, true, 1 << 20, 8), nullptr},
                                         Setting{"Tmpfs", {}, "/dev/shm"}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace workbench
