// Ranks that are processes: the id crosses by a pipe, the data by the shared memory. The parent never uses CUDA, so
// that it can fork.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "harness/host/nccl/test_ranks.h"

namespace cuda_host::nccl {
namespace {

// Rank 0 makes the id, and hands it to the others through a pipe each.
class Processes {
 public:
  explicit Processes(int ranks) : pipes_(static_cast<size_t>(ranks) * 2) {
    for (size_t rank = 0; rank < static_cast<size_t>(ranks); ++rank) EXPECT_EQ(pipe(&pipes_[2 * rank]), 0);
    for (int rank = 0; rank < ranks; ++rank) pids_.push_back(-1);
  }
  ~Processes() {
    for (const int fd : pipes_) close(fd);
  }
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  void Run(const std::function<void(TestRank&)>& body) {
    const int ranks = static_cast<int>(pids_.size());
    for (int rank = 0; rank < ranks; ++rank) {
      const pid_t pid = fork();
      ASSERT_GE(pid, 0);
      if (pid == 0) {
        ExchangeAndRun(rank, ranks, body);
        std::fflush(nullptr);
        _exit(testing::Test::HasFailure() ? 1 : 0);
      }
      pids_[static_cast<size_t>(rank)] = pid;
    }
  }

  // The exit status, or minus the signal.
  int Wait(int rank) {
    int status = 0;
    EXPECT_EQ(waitpid(pids_[static_cast<size_t>(rank)], &status, 0), pids_[static_cast<size_t>(rank)]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  void ExpectAllPass() {
    for (size_t rank = 0; rank < pids_.size(); ++rank) EXPECT_EQ(Wait(static_cast<int>(rank)), 0) << "rank " << rank;
  }

 private:
  void ExchangeAndRun(int rank, int ranks, const std::function<void(TestRank&)>& body) {
    TestRank self{rank, ranks, nullptr, nullptr};
    ncclUniqueId id{};
    if (rank == 0) {
      EXPECT_NCCL(ncclGetUniqueId(&id));
      for (int to = 1; to < ranks; ++to) {
        EXPECT_EQ(write(pipes_[static_cast<size_t>(to) * 2 + 1], &id, sizeof id), static_cast<ssize_t>(sizeof id));
      }
    } else {
      EXPECT_EQ(read(pipes_[static_cast<size_t>(rank) * 2], &id, sizeof id), static_cast<ssize_t>(sizeof id));
    }
    EXPECT_CUDA(cudaStreamCreate(&self.stream));
    ASSERT_NCCL(ncclCommInitRank(&self.comm, ranks, id, rank));
    body(self);
    if (self.comm != nullptr) {
      EXPECT_NCCL(ncclCommDestroy(self.comm));
    }
  }

  std::vector<int> pipes_;
  std::vector<pid_t> pids_;
};

TEST(Processes, CollectivesAndMessages) {
  for (const int ranks : {1, 2, 4, 8}) {
    Processes processes(ranks);
    processes.Run([](TestRank& self) {
      for (const size_t count : {size_t{1}, size_t{4099}, size_t{300007}}) {
        std::vector<int> values(count);
        for (size_t i = 0; i < count; ++i) values[i] = static_cast<int>(i) * (self.rank + 1);
        const Device<int> buffer(values);
        EXPECT_NCCL(ncclAllReduce(buffer.data(), buffer.data(), count, ncclInt, ncclSum, self.comm, self.stream));
        EXPECT_EQ(self.Wait(), ncclSuccess);
        const std::vector<int> sums = buffer.Read();
        for (size_t i = 0; i < count; ++i)
          ASSERT_EQ(sums[i], static_cast<int>(i) * (self.ranks * (self.ranks + 1) / 2)) << i;

        const int next = (self.rank + 1) % self.ranks;
        const int previous = (self.rank + self.ranks - 1) % self.ranks;
        const Device<int> send(std::vector<int>(count, self.rank));
        const Device<int> recv(std::vector<int>(count, -1));
        EXPECT_NCCL(ncclGroupStart());
        EXPECT_NCCL(ncclRecv(recv.data(), count, ncclInt, previous, self.comm, self.stream));
        EXPECT_NCCL(ncclSend(send.data(), count, ncclInt, next, self.comm, self.stream));
        EXPECT_NCCL(ncclGroupEnd());
        EXPECT_EQ(self.Wait(), ncclSuccess);
        EXPECT_EQ(recv.Read(), std::vector<int>(count, previous));
      }
    });
    processes.ExpectAllPass();
  }
}

TEST(Processes, Split) {
  Processes processes(4);
  processes.Run([](TestRank& self) {
    ncclComm_t part = nullptr;
    EXPECT_NCCL(ncclCommSplit(self.comm, self.rank / 2, -self.rank, &part, nullptr));
    const Device<int> send(std::vector<int>{self.rank});
    const Device<int> recv(std::vector<int>(2, -1));
    EXPECT_NCCL(ncclAllGather(send.data(), recv.data(), 1, ncclInt, part, self.stream));
    EXPECT_EQ(self.Wait(), ncclSuccess);
    const int base = self.rank / 2 * 2;
    EXPECT_EQ(recv.Read(), (std::vector<int>{base + 1, base}));
    EXPECT_NCCL(ncclCommDestroy(part));
  });
  processes.ExpectAllPass();
}

TEST(Processes, OneThatDiesIsARemoteError) {
  Processes processes(3);
  processes.Run([](TestRank& self) {
    const Device<int> buffer(std::vector<int>{1});
    if (self.rank == 2) raise(SIGKILL);
    EXPECT_NCCL(ncclAllReduce(buffer.data(), buffer.data(), 1, ncclInt, ncclSum, self.comm, self.stream));
    EXPECT_EQ(self.Wait(), ncclRemoteError);
    EXPECT_NE(std::string(ncclGetLastError(self.comm)).find("rank "), std::string::npos);
  });
  // Rank 2 stays a zombie until the others have seen that it has ended.
  EXPECT_EQ(processes.Wait(0), 0);
  EXPECT_EQ(processes.Wait(1), 0);
  EXPECT_EQ(processes.Wait(2), -SIGKILL);
}

TEST(Processes, OneThatExitsCleanlyAfterItsPartHarmsNobody) {
  Processes processes(3);
  processes.Run([](TestRank& self) {
    const Device<int> buffer(std::vector<int>(1000, self.rank + 5));
    EXPECT_NCCL(ncclBcast(buffer.data(), 1000, ncclInt, 0, self.comm, self.stream));
    if (self.rank == 2) usleep(150000);  // by then the root has left
    EXPECT_EQ(self.Wait(), ncclSuccess);
    EXPECT_EQ(buffer.Read(), std::vector<int>(1000, 5));
  });
  processes.ExpectAllPass();
}

TEST(Processes, AnIdWhoseProcessHasEndedIsRefused) {
  int channel[2];
  ASSERT_EQ(pipe(channel), 0);
  const pid_t maker = fork();
  ASSERT_GE(maker, 0);
  if (maker == 0) {
    ncclUniqueId id{};
    if (ncclGetUniqueId(&id) != ncclSuccess) _exit(1);
    _exit(write(channel[1], &id, sizeof id) == static_cast<ssize_t>(sizeof id) ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(waitpid(maker, &status, 0), maker);
  EXPECT_EQ(status, 0);
  ncclUniqueId id{};
  EXPECT_EQ(read(channel[0], &id, sizeof id), static_cast<ssize_t>(sizeof id));
  const pid_t user = fork();
  ASSERT_GE(user, 0);
  if (user == 0) {
    ncclComm_t comm = nullptr;
    const ncclResult_t result = ncclCommInitRank(&comm, 1, id, 0);
    const bool told =
        std::string(ncclGetLastError(nullptr)).find("to live until all ranks have joined") != std::string::npos;
    _exit(result == ncclSystemError && told ? 0 : 1);
  }
  EXPECT_EQ(waitpid(user, &status, 0), user);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace cuda_host::nccl
