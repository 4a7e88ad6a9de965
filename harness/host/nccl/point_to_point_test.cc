// ncclSend, ncclRecv and groups.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

#include "harness/host/executor/executor.h"
#include "harness/host/nccl/test_ranks.h"

namespace cuda_host::nccl {
namespace {

// Rank `from`'s message for rank `to`.
std::vector<int> Message(int from, int to, size_t count) {
  std::vector<int> message(count);
  std::iota(message.begin(), message.end(), 1000000 * from + 100000 * to);
  return message;
}

class Counts : public testing::TestWithParam<size_t> {};

TEST_P(Counts, RingInAGroup) {
  for (const int ranks : {1, 2, 3, 8}) {
    RunRanks(ranks, [](TestRank& self) {
      const int next = (self.rank + 1) % self.ranks;
      const int previous = (self.rank + self.ranks - 1) % self.ranks;
      const Device<int> send(Message(self.rank, next, GetParam()));
      const Device<int> recv(std::vector<int>(GetParam(), -1));
      EXPECT_NCCL(ncclGroupStart());
      EXPECT_NCCL(ncclSend(send.data(), GetParam(), ncclInt, next, self.comm, self.stream));
      EXPECT_NCCL(ncclRecv(recv.data(), GetParam(), ncclInt, previous, self.comm, self.stream));
      EXPECT_NCCL(ncclGroupEnd());
      EXPECT_EQ(self.Wait(), ncclSuccess);
      EXPECT_EQ(recv.Read(), Message(previous, self.rank, GetParam()));
    });
  }
}

TEST_P(Counts, AllToAllInAGroup) {
  RunRanks(5, [](TestRank& self) {
    std::vector<std::unique_ptr<Device<int>>> sends, recvs;
    EXPECT_NCCL(ncclGroupStart());
    for (int peer = 0; peer < self.ranks; ++peer) {
      sends.push_back(std::make_unique<Device<int>>(Message(self.rank, peer, GetParam())));
      recvs.push_back(std::make_unique<Device<int>>(std::vector<int>(GetParam(), -1)));
      EXPECT_NCCL(ncclSend(sends.back()->data(), GetParam(), ncclInt, peer, self.comm, self.stream));
    }
    for (int peer = self.ranks - 1; peer >= 0; --peer) {
      EXPECT_NCCL(
          ncclRecv(recvs[static_cast<size_t>(peer)]->data(), GetParam(), ncclInt, peer, self.comm, self.stream));
    }
    EXPECT_NCCL(ncclGroupEnd());
    EXPECT_EQ(self.Wait(), ncclSuccess);
    for (int peer = 0; peer < self.ranks; ++peer)
      EXPECT_EQ(recvs[static_cast<size_t>(peer)]->Read(), Message(peer, self.rank, GetParam()));
  });
}

TEST_P(Counts, OneWayWithoutAGroup) {
  RunRanks(2, [](TestRank& self) {
    const Device<int> buffer(self.rank == 0 ? Message(0, 1, GetParam()) : std::vector<int>(GetParam(), -1));
    if (self.rank == 0) {
      EXPECT_NCCL(ncclSend(buffer.data(), GetParam(), ncclInt, 1, self.comm, self.stream));
    } else {
      EXPECT_NCCL(ncclRecv(buffer.data(), GetParam(), ncclInt, 0, self.comm, self.stream));
    }
    EXPECT_EQ(self.Wait(), ncclSuccess);
    EXPECT_EQ(buffer.Read(), Message(0, 1, GetParam()));
  });
}

// Nothing, one, odd, and more than a pair's buffer holds.
INSTANTIATE_TEST_SUITE_P(SmallAndLarge, Counts, testing::Values(0, 1, 1031, 100003));

TEST(PointToPoint, SeveralToTheSamePeerComeInOrder) {
  RunRanks(2, [](TestRank& self) {
    const int other = 1 - self.rank;
    const Device<int> send(Message(self.rank, other, 100000));
    const Device<int> recv(std::vector<int>(100000, -1));
    EXPECT_NCCL(ncclGroupStart());
    size_t begin = 0;
    for (const size_t count : {40000, 1, 50000, 9999}) {
      EXPECT_NCCL(ncclSend(send.data() + begin, count, ncclInt, other, self.comm, self.stream));
      EXPECT_NCCL(ncclRecv(recv.data() + begin, count, ncclInt, other, self.comm, self.stream));
      begin += count;
    }
    EXPECT_NCCL(ncclGroupEnd());
    EXPECT_EQ(self.Wait(), ncclSuccess);
    EXPECT_EQ(recv.Read(), Message(other, self.rank, 100000));
  });
}

TEST(PointToPoint, ASendEndsOnlyWhenItIsReceived) {
  std::atomic<bool> receiving{false};
  RunRanks(2, [&receiving](TestRank& self) {
    const Device<int> buffer(std::vector<int>{self.rank});
    if (self.rank == 0) {
      EXPECT_NCCL(ncclSend(buffer.data(), 1, ncclInt, 1, self.comm, self.stream));
      EXPECT_EQ(self.Wait(), ncclSuccess);
      EXPECT_TRUE(receiving.load());
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      receiving.store(true);
      EXPECT_NCCL(ncclRecv(buffer.data(), 1, ncclInt, 0, self.comm, self.stream));
      EXPECT_EQ(self.Wait(), ncclSuccess);
      EXPECT_EQ(buffer.Read(), std::vector<int>{0});
    }
  });
}

TEST(Groups, SeveralStreamsAreOneOperation) {
  RunRanks(2, [](TestRank& self) {
    cudaStream_t second = nullptr;
    EXPECT_CUDA(cudaStreamCreate(&second));
    const int other = 1 - self.rank;
    const Device<int> send(Message(self.rank, other, 50000));
    const Device<int> recv(std::vector<int>(50000, -1));
    EXPECT_NCCL(ncclGroupStart());
    EXPECT_NCCL(ncclSend(send.data(), 50000, ncclInt, other, self.comm, self.stream));
    EXPECT_NCCL(ncclRecv(recv.data(), 50000, ncclInt, other, self.comm, second));
    EXPECT_NCCL(ncclGroupEnd());
    // Either stream is behind all of it.
    if (self.rank == 0) {
      EXPECT_CUDA(cudaStreamSynchronize(self.stream));
    } else {
      EXPECT_CUDA(cudaStreamSynchronize(second));
    }
    EXPECT_EQ(recv.Read(), Message(other, self.rank, 50000));
    EXPECT_EQ(self.Wait(), ncclSuccess);
    EXPECT_CUDA(cudaStreamDestroy(second));
  });
}

TEST(Groups, CollectivesAndMessagesTogether) {
  RunRanks(3, [](TestRank& self) {
    const int next = (self.rank + 1) % 3;
    const int previous = (self.rank + 2) % 3;
    const Device<int> send(Message(self.rank, next, 10));
    const Device<int> recv(std::vector<int>(10, -1));
    const Device<int> sum(std::vector<int>(1000, self.rank));
    const Device<float> product(std::vector<float>(7, 2.0F));
    EXPECT_NCCL(ncclGroupStart());
    EXPECT_NCCL(ncclAllReduce(sum.data(), sum.data(), 1000, ncclInt, ncclSum, self.comm, self.stream));
    EXPECT_NCCL(ncclSend(send.data(), 10, ncclInt, next, self.comm, self.stream));
    EXPECT_NCCL(ncclGroupStart());  // groups nest
    EXPECT_NCCL(ncclAllReduce(product.data(), product.data(), 7, ncclFloat, ncclProd, self.comm, self.stream));
    EXPECT_NCCL(ncclGroupEnd());
    EXPECT_NCCL(ncclRecv(recv.data(), 10, ncclInt, previous, self.comm, self.stream));
    EXPECT_NCCL(ncclGroupEnd());
    EXPECT_EQ(self.Wait(), ncclSuccess);
    EXPECT_EQ(sum.Read(), std::vector<int>(1000, 3));
    EXPECT_EQ(product.Read(), std::vector<float>(7, 8.0F));
    EXPECT_EQ(recv.Read(), Message(previous, self.rank, 10));
  });
}

// One thread with all ranks, on devices and streams of their own, or all in the one stream of device 0.
void OneThreadWithAllRanks(bool one_stream) {
  constexpr int kRanks = 4;
  ncclUniqueId id;
  EXPECT_NCCL(ncclGetUniqueId(&id));
  ncclComm_t comms[kRanks];
  cudaStream_t streams[kRanks];
  std::vector<std::unique_ptr<Device<int>>> buffers;
  EXPECT_NCCL(ncclGroupStart());
  for (int rank = 0; rank < kRanks; ++rank) {
    EXPECT_CUDA(cudaSetDevice(one_stream ? 0 : rank));
    EXPECT_NCCL(ncclCommInitRank(&comms[rank], kRanks, id, rank));
    EXPECT_CUDA(cudaStreamCreate(&streams[rank]));
    buffers.push_back(std::make_unique<Device<int>>(std::vector<int>(300, rank + 1)));
  }
  EXPECT_NCCL(ncclGroupEnd());
  EXPECT_NCCL(ncclGroupStart());
  for (int rank = 0; rank < kRanks; ++rank) {
    int* data = buffers[static_cast<size_t>(rank)]->data();
    EXPECT_NCCL(ncclAllReduce(data, data, 300, ncclInt, ncclSum, comms[rank], one_stream ? streams[0] : streams[rank]));
  }
  EXPECT_NCCL(ncclGroupEnd());
  for (int rank = 0; rank < kRanks; ++rank) {
    EXPECT_CUDA(cudaStreamSynchronize(one_stream ? streams[0] : streams[rank]));
    EXPECT_EQ(buffers[static_cast<size_t>(rank)]->Read(), std::vector<int>(300, 10));
    EXPECT_NCCL(ncclCommDestroy(comms[rank]));
  }
  for (cudaStream_t stream : streams) EXPECT_CUDA(cudaStreamDestroy(stream));
  EXPECT_CUDA(cudaSetDevice(0));
}

TEST(Groups, OneThreadWithAllRanks) { OneThreadWithAllRanks(/*one_stream=*/false); }

TEST(Groups, OneThreadAndOneStreamWithAllRanks) { OneThreadWithAllRanks(/*one_stream=*/true); }

TEST(Groups, NothingStartsBeforeTheEnd) {
  RunRanks(1, [](TestRank& self) {
    const Device<int> send(std::vector<int>{5});
    const Device<int> recv(std::vector<int>{-1});
    EXPECT_NCCL(ncclGroupStart());
    EXPECT_NCCL(ncclAllReduce(send.data(), recv.data(), 1, ncclInt, ncclSum, self.comm, self.stream));
    EXPECT_CUDA(cudaStreamSynchronize(self.stream));
    EXPECT_EQ(recv.Read(), std::vector<int>{-1});
    EXPECT_NCCL(ncclGroupEnd());
    EXPECT_EQ(self.Wait(), ncclSuccess);
    EXPECT_EQ(recv.Read(), std::vector<int>{5});
  });
}

TEST(Groups, AnErrorInsideEndsTheGroup) {
  RunRanks(2, [](TestRank& self) {
    const Device<int> buffer(std::vector<int>{7});
    EXPECT_NCCL(ncclGroupStart());
    EXPECT_NCCL(ncclAllReduce(buffer.data(), buffer.data(), 1, ncclInt, ncclSum, self.comm, self.stream));
    EXPECT_EQ(ncclSend(buffer.data(), 1, ncclInt, 2, self.comm, self.stream), ncclInvalidArgument);
    EXPECT_EQ(ncclGroupEnd(), ncclInvalidArgument);
    EXPECT_EQ(self.Wait(), ncclSuccess);
    EXPECT_EQ(buffer.Read(), std::vector<int>{7});  // nothing of it was started
    EXPECT_EQ(ncclGroupEnd(), ncclInvalidUsage);    // and it is over
  });
}

TEST(Groups, ASendToTheRankItselfNeedsItsReceive) {
  RunRanks(1, [](TestRank& self) {
    const Device<int> send(std::vector<int>{5});
    const Device<int> recv(std::vector<int>{-1});
    EXPECT_EQ(ncclSend(send.data(), 1, ncclInt, 0, self.comm, self.stream), ncclInvalidUsage);
    EXPECT_EQ(ncclRecv(recv.data(), 1, ncclInt, 0, self.comm, self.stream), ncclInvalidUsage);
    EXPECT_NCCL(ncclGroupStart());
    EXPECT_NCCL(ncclRecv(recv.data(), 1, ncclInt, 0, self.comm, self.stream));
    EXPECT_NCCL(ncclSend(send.data(), 1, ncclInt, 0, self.comm, self.stream));
    EXPECT_NCCL(ncclGroupEnd());
    EXPECT_EQ(self.Wait(), ncclSuccess);
    EXPECT_EQ(recv.Read(), std::vector<int>{5});
  });
}

}  // namespace
}  // namespace cuda_host::nccl
