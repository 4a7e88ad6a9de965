// Calls that do not fit together, ranks that are gone, and arguments that are wrong.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <string>

#include "harness/host/executor/executor.h"
#include "harness/host/nccl/test_ranks.h"

namespace cuda_host::nccl {
namespace {

bool Contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Each of two ranks makes its own call; both get an asynchronous error, and the findings name both calls.
void ExpectMismatch(const std::function<ncclResult_t(const TestRank&, void*)>& first,
                    const std::function<ncclResult_t(const TestRank&, void*)>& second,
                    const std::vector<std::string>& named) {
  (void)TakeFindings();
  RunRanks(2, [&](TestRank& self) {
    const Device<int> buffer(std::vector<int>(64, self.rank));
    EXPECT_NCCL((self.rank == 0 ? first : second)(self, buffer.data()));
    EXPECT_EQ(self.Wait(), ncclInvalidUsage);
    // It is of no use any more.
    EXPECT_EQ(ncclBcast(buffer.data(), 1, ncclInt, 0, self.comm, self.stream), ncclInvalidUsage);
    EXPECT_TRUE(Contains(ncclGetLastError(self.comm), "do not fit together"));
  });
  const std::string findings = TakeFindings();
  for (const std::string& part : named) EXPECT_TRUE(Contains(findings, part)) << part << " is not in: " << findings;
}

TEST(Mismatch, Count) {
  ExpectMismatch(
      [](const TestRank& self, void* data) {
        return ncclAllReduce(data, data, 4, ncclInt, ncclSum, self.comm, self.stream);
      },
      [](const TestRank& self, void* data) {
        return ncclAllReduce(data, data, 5, ncclInt, ncclSum, self.comm, self.stream);
      },
      {"rank 0 of 2 calls ncclAllReduce(count 4, ncclInt32, ncclSum), rank 1 calls ncclAllReduce(count 5, ncclInt32"});
}

TEST(Mismatch, Kind) {
  ExpectMismatch(
      [](const TestRank& self, void* data) {
        return ncclAllReduce(data, data, 4, ncclInt, ncclSum, self.comm, self.stream);
      },
      [](const TestRank& self, void* data) { return ncclBcast(data, 4, ncclInt, 0, self.comm, self.stream); },
      {"ncclAllReduce(count 4", "ncclBroadcast(count 4, ncclInt32, root 0)"});
}

TEST(Mismatch, TypeOfTheSameSize) {
  ExpectMismatch([](const TestRank& self,
                    void* data) { return ncclAllReduce(data, data, 4, ncclInt, ncclSum, self.comm, self.stream); },
                 [](const TestRank& self, void* data) {
                   return ncclAllReduce(data, data, 4, ncclFloat, ncclSum, self.comm, self.stream);
                 },
                 {"ncclInt32", "ncclFloat32"});
}

TEST(Mismatch, Operation) {
  ExpectMismatch([](const TestRank& self,
                    void* data) { return ncclAllReduce(data, data, 4, ncclInt, ncclMax, self.comm, self.stream); },
                 [](const TestRank& self, void* data) {
                   return ncclAllReduce(data, data, 4, ncclInt, ncclMin, self.comm, self.stream);
                 },
                 {"ncclMax", "ncclMin"});
}

TEST(Mismatch, Root) {
  ExpectMismatch(
      [](const TestRank& self, void* data) { return ncclBcast(data, 4, ncclInt, 0, self.comm, self.stream); },
      [](const TestRank& self, void* data) { return ncclBcast(data, 4, ncclInt, 1, self.comm, self.stream); },
      {"root 0", "root 1"});
}

TEST(Mismatch, SendAndReceive) {
  ExpectMismatch([](const TestRank& self, void* data) { return ncclSend(data, 4, ncclInt, 1, self.comm, self.stream); },
                 [](const TestRank& self, void* data) { return ncclRecv(data, 6, ncclInt, 0, self.comm, self.stream); },
                 {"ncclSend(count 4, ncclInt32, peer 1)", "ncclRecv(count 6, ncclInt32, peer 0)"});
}

TEST(Mismatch, ReachesRanksThatWaitForOthers) {
  (void)TakeFindings();
  RunRanks(3, [](TestRank& self) {
    const Device<int> buffer(std::vector<int>(8, 1));
    if (self.rank == 2) {
      // Waits for rank 1, which stops before it gets here.
      EXPECT_NCCL(ncclRecv(buffer.data(), 4, ncclInt, 1, self.comm, self.stream));
      EXPECT_EQ(self.Wait(), ncclRemoteError);
    } else if (self.rank == 0) {
      EXPECT_NCCL(ncclSend(buffer.data(), 4, ncclInt, 1, self.comm, self.stream));
      EXPECT_EQ(self.Wait(), ncclInvalidUsage);
    } else {
      EXPECT_NCCL(ncclRecv(buffer.data(), 4, ncclFloat, 0, self.comm, self.stream));
      EXPECT_EQ(self.Wait(), ncclInvalidUsage);
    }
  });
  EXPECT_TRUE(Contains(TakeFindings(), "do not fit together"));
}

TEST(Abort, EndsWhatWaits) {
  RunRanks(2, [](TestRank& self) {
    if (self.rank == 1) return;  // never calls it
    const Device<int> buffer(std::vector<int>{3});
    EXPECT_NCCL(ncclAllReduce(buffer.data(), buffer.data(), 1, ncclInt, ncclSum, self.comm, self.stream));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_NCCL(ncclCommAbort(self.comm));
    self.comm = nullptr;
    EXPECT_CUDA(cudaStreamSynchronize(self.stream));
    EXPECT_EQ(buffer.Read(), std::vector<int>{3});
  });
}

TEST(Abort, IsARemoteErrorForThePeers) {
  (void)TakeFindings();
  std::barrier<> started(3);
  RunRanks(3, [&started](TestRank& self) {
    const Device<int> buffer(std::vector<int>{3});
    if (self.rank != 1) {
      EXPECT_NCCL(ncclBcast(buffer.data(), 1, ncclInt, 0, self.comm, self.stream));
    }
    started.arrive_and_wait();
    if (self.rank == 1) {
      EXPECT_NCCL(ncclCommAbort(self.comm));
      self.comm = nullptr;
      return;
    }
    EXPECT_EQ(self.Wait(), ncclRemoteError);
    EXPECT_EQ(ncclBcast(buffer.data(), 1, ncclInt, 0, self.comm, self.stream), ncclRemoteError);
  });
  EXPECT_EQ(TakeFindings(), "");  // an abort is somebody's intention
}

TEST(Abort, AfterEverythingIsDoneHarmsNobody) {
  RunRanks(4, [](TestRank& self) {
    const Device<int> buffer(std::vector<int>(200000, 1));
    EXPECT_NCCL(ncclAllReduce(buffer.data(), buffer.data(), 200000, ncclInt, ncclSum, self.comm, self.stream));
    EXPECT_EQ(self.Wait(), ncclSuccess);
    EXPECT_EQ(buffer.Read(), std::vector<int>(200000, 4));
    EXPECT_NCCL(ncclCommAbort(self.comm));
    self.comm = nullptr;
  });
}

TEST(Gone, APeerThatHasDestroyedItsCommunicatorIsNamed) {
  (void)TakeFindings();
  RunRanks(2, [](TestRank& self) {
    if (self.rank == 1) return;
    const Device<int> buffer(std::vector<int>{3});
    EXPECT_NCCL(ncclAllReduce(buffer.data(), buffer.data(), 1, ncclInt, ncclSum, self.comm, self.stream));
    EXPECT_EQ(self.Wait(), ncclRemoteError);
  });
  const std::string findings = TakeFindings();
  EXPECT_TRUE(Contains(findings, "rank 1 (process ")) << findings;
  EXPECT_TRUE(Contains(findings, "destroyed its communicator")) << findings;
  EXPECT_TRUE(Contains(findings, "ncclAllReduce(count 1, ncclInt32, ncclSum)")) << findings;
}

TEST(Arguments, OfCollectives) {
  RunRanks(2, [](TestRank& self) {
    const Device<int> buffer(std::vector<int>(4, 1));
    int* data = buffer.data();
    const auto all_reduce = [&](const void* send, void* recv, int type, int op, ncclComm_t comm) {
      return ncclAllReduce(send, recv, 1, static_cast<ncclDataType_t>(type), static_cast<ncclRedOp_t>(op), comm,
                           self.stream);
    };
    EXPECT_EQ(all_reduce(data, data, ncclInt, ncclSum, nullptr), ncclInvalidArgument);
    EXPECT_EQ(all_reduce(nullptr, data, ncclInt, ncclSum, self.comm), ncclInvalidArgument);
    EXPECT_EQ(all_reduce(data, nullptr, ncclInt, ncclSum, self.comm), ncclInvalidArgument);
    EXPECT_TRUE(Contains(ncclGetLastError(nullptr), "recvbuff is null"));
    EXPECT_EQ(all_reduce(data, data, ncclNumTypes, ncclSum, self.comm), ncclInvalidArgument);
    EXPECT_EQ(all_reduce(data, data, 15, ncclSum, self.comm), ncclInvalidArgument);
    EXPECT_EQ(all_reduce(data, data, ncclInt, ncclNumOps, self.comm), ncclInvalidArgument);
    EXPECT_EQ(all_reduce(data, data, ncclInt, ncclMaxRedOp, self.comm), ncclInvalidArgument);
    EXPECT_EQ(ncclBcast(data, 1, ncclInt, 2, self.comm, self.stream), ncclInvalidArgument);
    EXPECT_EQ(ncclBcast(data, 1, ncclInt, -1, self.comm, self.stream), ncclInvalidArgument);
    EXPECT_EQ(ncclRecv(data, 1, ncclInt, 2, self.comm, self.stream), ncclInvalidArgument);
    EXPECT_TRUE(Contains(ncclGetLastError(nullptr), "peer 2 is not from 0 to 1"));
    // None of these has been started.
    EXPECT_NCCL(all_reduce(data, data, ncclInt, ncclSum, self.comm));
    EXPECT_EQ(self.Wait(), ncclSuccess);
    EXPECT_EQ(buffer.Read(), (std::vector<int>{2, 1, 1, 1}));
  });
}

TEST(Arguments, OfCommunicators) {
  ncclUniqueId id;
  ncclComm_t comm = nullptr;
  EXPECT_EQ(ncclGetUniqueId(nullptr), ncclInvalidArgument);
  EXPECT_NCCL(ncclGetUniqueId(&id));
  EXPECT_EQ(ncclCommInitRank(nullptr, 1, id, 0), ncclInvalidArgument);
  EXPECT_EQ(ncclCommInitRank(&comm, 0, id, 0), ncclInvalidArgument);
  EXPECT_EQ(ncclCommInitRank(&comm, 2, id, 2), ncclInvalidArgument);
  EXPECT_EQ(ncclCommInitRank(&comm, 2, id, -1), ncclInvalidArgument);
  EXPECT_EQ(ncclCommInitRank(&comm, 1, ncclUniqueId{}, 0), ncclInvalidArgument);
  ncclConfig_t config{};
  EXPECT_EQ(ncclCommInitRankConfig(&comm, 1, id, 0, &config), ncclInvalidArgument);
  config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 2;
  EXPECT_EQ(ncclCommInitRankConfig(&comm, 1, id, 0, &config), ncclInvalidArgument);
  EXPECT_NCCL(ncclCommInitRank(&comm, 1, id, 0));

  ncclComm_t second = comm;
  EXPECT_EQ(ncclCommInitRank(&second, 1, id, 0), ncclInvalidUsage);  // the id is used up
  EXPECT_TRUE(Contains(ncclGetLastError(nullptr), "make a new one")) << ncclGetLastError(nullptr);
  EXPECT_EQ(second, nullptr);
  EXPECT_EQ(ncclCommCount(comm, nullptr), ncclInvalidArgument);
  EXPECT_EQ(ncclCommSplit(comm, -2, 0, &second, nullptr), ncclInvalidArgument);
  EXPECT_NCCL(ncclCommDestroy(comm));
  int count = 0;
  EXPECT_EQ(ncclCommCount(comm, &count), ncclInvalidArgument);
  EXPECT_TRUE(Contains(ncclGetLastError(nullptr), "destroyed"));
  EXPECT_EQ(ncclCommDestroy(comm), ncclInvalidArgument);
}

TEST(Arguments, RanksThatDisagreeAboutTheirNumber) {
  ncclUniqueId id;
  ASSERT_NCCL(ncclGetUniqueId(&id));
  std::atomic<int> invalid{0};
  RunThreads(2, [&](int rank) {
    ncclComm_t comm = nullptr;
    const ncclResult_t result = ncclCommInitRank(&comm, 2 + rank, id, rank);
    EXPECT_NE(result, ncclSuccess);
    EXPECT_EQ(comm, nullptr);
    invalid += result == ncclInvalidUsage;
  });
  EXPECT_EQ(invalid.load(), 1);  // the second one to come; the first is told that another rank could not join
}

TEST(Arguments, AfterFinalize) {
  RunRanks(2, [](TestRank& self) {
    const Device<int> buffer(std::vector<int>{1});
    EXPECT_NCCL(ncclAllReduce(buffer.data(), buffer.data(), 1, ncclInt, ncclSum, self.comm, self.stream));
    EXPECT_NCCL(ncclCommFinalize(self.comm));  // flushes it
    EXPECT_EQ(buffer.Read(), std::vector<int>{2});
    EXPECT_EQ(ncclAllReduce(buffer.data(), buffer.data(), 1, ncclInt, ncclSum, self.comm, self.stream),
              ncclInvalidUsage);
    EXPECT_EQ(ncclCommFinalize(self.comm), ncclInvalidArgument);
  });
}

TEST(Unsupported, SaysWhatToDo) {
  (void)TakeFindings();
  RunRanks(1, [](TestRank& self) {
    ncclComm_t shrunk = nullptr;
    EXPECT_EQ(ncclCommShrink(self.comm, nullptr, 0, &shrunk, nullptr, NCCL_SHRINK_DEFAULT), ncclInvalidUsage);
  });
  EXPECT_TRUE(Contains(TakeFindings(), "ncclCommSplit"));
}

}  // namespace
}  // namespace cuda_host::nccl
