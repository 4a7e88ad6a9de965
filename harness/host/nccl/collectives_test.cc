// Every collective, over types, operations, ranks and counts, against sums in double.
#include <gtest/gtest.h>

#include <barrier>
#include <string>
#include <vector>

#include "harness/host/executor/executor.h"
#include "harness/host/nccl/test_elements.h"
#include "harness/host/nccl/test_ranks.h"

namespace cuda_host::nccl {
namespace {

constexpr ncclRedOp_t kOps[] = {ncclSum, ncclProd, ncclMax, ncclMin, ncclAvg};
const char* const kOpNames[] = {"sum", "prod", "max", "min", "avg"};

using Bytes = std::vector<std::byte>;

// `blocks` blocks of `count` elements of one rank's input.
Bytes Input(const ElementType& type, ncclRedOp_t op, int rank, size_t elements) {
  Bytes bytes(elements * type.bytes);
  for (size_t i = 0; i < elements; ++i) Put(type, InputValue(type, op, rank, i), &bytes[i * type.bytes]);
  return bytes;
}

// `got`, element j, is the reduction of all ranks' element first + j.
void ExpectReduced(const ElementType& type, ncclRedOp_t op, int ranks, size_t first, const Bytes& got,
                   const std::string& what) {
  for (size_t j = 0; j < got.size() / type.bytes; ++j) {
    std::vector<double> inputs;
    for (int rank = 0; rank < ranks; ++rank) inputs.push_back(InputValue(type, op, rank, first + j));
    const Expected expected = Fold(type, op, inputs);
    const double value = Get(type, &got[j * type.bytes]);
    // !(<=): a NaN is wrong too.
    if (!(std::fabs(value - expected.value) <= expected.tolerance)) {
      ADD_FAILURE() << what << ": element " << j << " is " << value << ", not " << expected.value;
      return;
    }
  }
}

// `got` is rank `from`'s elements [first, first + its size).
void ExpectCopied(const ElementType& type, int from, size_t first, const Bytes& got, const std::string& what) {
  for (size_t j = 0; j < got.size() / type.bytes; ++j) {
    const double expected = InputValue(type, ncclSum, from, first + j);
    if (Get(type, &got[j * type.bytes]) != expected) {
      ADD_FAILURE() << what << ": element " << j << " from rank " << from << " is " << Get(type, &got[j * type.bytes])
                    << ", not " << expected;
      return;
    }
  }
}

Bytes Slice(const Bytes& bytes, size_t begin, size_t length) {
  return Bytes(bytes.begin() + static_cast<ptrdiff_t>(begin), bytes.begin() + static_cast<ptrdiff_t>(begin + length));
}

void CheckReductions(const TestRank& self, const ElementType& type, ncclRedOp_t op, size_t count, bool in_place) {
  const std::string what = std::string(type.name) + " " + kOpNames[op] + ", " + std::to_string(self.ranks) +
                           " ranks, count " + std::to_string(count) + (in_place ? ", in place" : "");
  const size_t bytes = count * type.bytes;
  const auto ranks = static_cast<size_t>(self.ranks);
  const auto rank = static_cast<size_t>(self.rank);
  {
    const Bytes input = Input(type, op, self.rank, count);
    const DeviceBytes send(input);
    const DeviceBytes other(bytes);
    const DeviceBytes& recv = in_place ? send : other;
    EXPECT_NCCL(ncclAllReduce(send.data(), recv.data(), count, type.type, op, self.comm, self.stream));
    EXPECT_EQ(self.Wait(), ncclSuccess);
    ExpectReduced(type, op, self.ranks, 0, recv.Read(), "all-reduce " + what);
    if (!in_place) {
      EXPECT_EQ(send.Read(), input) << what;
    }
  }
  {
    const int root = self.ranks / 2;
    const Bytes input = Input(type, op, self.rank, count);
    const DeviceBytes send(input);
    const DeviceBytes other(bytes);
    const DeviceBytes& recv = in_place ? send : other;
    void* target = self.rank == root ? recv.data() : nullptr;
    EXPECT_NCCL(ncclReduce(send.data(), target, count, type.type, op, root, self.comm, self.stream));
    EXPECT_EQ(self.Wait(), ncclSuccess);
    if (self.rank == root) ExpectReduced(type, op, self.ranks, 0, recv.Read(), "reduce " + what);
    if (self.rank != root || !in_place) {
      EXPECT_EQ(send.Read(), input) << what;
    }
  }
  {
    const DeviceBytes send(Input(type, op, self.rank, count * ranks));
    const DeviceBytes other(bytes);
    std::byte* recv = in_place ? send.data() + rank * bytes : other.data();
    EXPECT_NCCL(ncclReduceScatter(send.data(), recv, count, type.type, op, self.comm, self.stream));
    EXPECT_EQ(self.Wait(), ncclSuccess);
    ExpectReduced(type, op, self.ranks, rank * count, in_place ? Slice(send.Read(), rank * bytes, bytes) : other.Read(),
                  "reduce-scatter " + what);
  }
}

void CheckMoves(const TestRank& self, const ElementType& type, size_t count, bool in_place) {
  const std::string what = std::string(type.name) + ", " + std::to_string(self.ranks) + " ranks, count " +
                           std::to_string(count) + (in_place ? ", in place" : "");
  const size_t bytes = count * type.bytes;
  const auto ranks = static_cast<size_t>(self.ranks);
  const auto rank = static_cast<size_t>(self.rank);
  const int root = self.ranks - 1;
  const bool is_root = self.rank == root;
  {
    const DeviceBytes send(Input(type, ncclSum, self.rank, count));
    const DeviceBytes other(bytes);
    const DeviceBytes& recv = in_place ? send : other;
    const void* source = in_place || is_root ? send.data() : nullptr;
    EXPECT_NCCL(ncclBroadcast(source, recv.data(), count, type.type, root, self.comm, self.stream));
    EXPECT_EQ(self.Wait(), ncclSuccess);
    ExpectCopied(type, root, 0, recv.Read(), "broadcast " + what);
  }
  {
    const DeviceBytes buffer(Input(type, ncclSum, self.rank, count));
    EXPECT_NCCL(ncclBcast(buffer.data(), count, type.type, 0, self.comm, self.stream));
    EXPECT_EQ(self.Wait(), ncclSuccess);
    ExpectCopied(type, 0, 0, buffer.Read(), "bcast " + what);
  }
  {
    const DeviceBytes send(Input(type, ncclSum, self.rank, count));
    const DeviceBytes recv(bytes * ranks);
    const std::byte* source = send.data();
    if (in_place) {
      source = recv.data() + rank * bytes;
      EXPECT_CUDA(cudaMemcpy(recv.data() + rank * bytes, send.data(), bytes, cudaMemcpyDeviceToDevice));
      EXPECT_CUDA(cudaDeviceSynchronize());
    }
    EXPECT_NCCL(ncclAllGather(source, recv.data(), count, type.type, self.comm, self.stream));
    EXPECT_EQ(self.Wait(), ncclSuccess);
    for (int from = 0; from < self.ranks; ++from)
      ExpectCopied(type, from, 0, Slice(recv.Read(), static_cast<size_t>(from) * bytes, bytes), "all-gather " + what);

    const DeviceBytes gathered(bytes * ranks);
    std::byte* target = is_root ? gathered.data() : nullptr;
    source = send.data();
    if (in_place && is_root) {
      source = gathered.data() + rank * bytes;
      EXPECT_CUDA(cudaMemcpy(gathered.data() + rank * bytes, send.data(), bytes, cudaMemcpyDeviceToDevice));
      EXPECT_CUDA(cudaDeviceSynchronize());
    }
    EXPECT_NCCL(ncclGather(source, target, count, type.type, root, self.comm, self.stream));
    EXPECT_EQ(self.Wait(), ncclSuccess);
    for (int from = 0; from < self.ranks && is_root; ++from)
      ExpectCopied(type, from, 0, Slice(gathered.Read(), static_cast<size_t>(from) * bytes, bytes), "gather " + what);
  }
  {
    const DeviceBytes send(Input(type, ncclSum, self.rank, count * ranks));
    const DeviceBytes recv(bytes * ranks);
    EXPECT_NCCL(ncclAlltoAll(send.data(), recv.data(), count, type.type, self.comm, self.stream));
    EXPECT_EQ(self.Wait(), ncclSuccess);
    for (int from = 0; from < self.ranks; ++from) {
      ExpectCopied(type, from, rank * count, Slice(recv.Read(), static_cast<size_t>(from) * bytes, bytes),
                   "all-to-all " + what);
    }

    const DeviceBytes part(bytes);
    std::byte* target = in_place && is_root ? send.data() + rank * bytes : part.data();
    EXPECT_NCCL(ncclScatter(is_root ? send.data() : nullptr, target, count, type.type, root, self.comm, self.stream));
    EXPECT_EQ(self.Wait(), ncclSuccess);
    ExpectCopied(type, root, rank * count, in_place && is_root ? Slice(send.Read(), rank * bytes, bytes) : part.Read(),
                 "scatter " + what);
  }
}

class Ranks : public testing::TestWithParam<int> {};

TEST_P(Ranks, EveryTypeAndOperation) {
  (void)TakeFindings();
  RunRanks(GetParam(), [](TestRank& self) {
    for (const ElementType& type : kElementTypes) {
      for (const ncclRedOp_t op : kOps) {
        // In turns, so that each type, operation and number of ranks has both among its neighbours.
        const bool in_place = (static_cast<int>(type.type) + static_cast<int>(op) + self.ranks) % 2 == 0;
        CheckReductions(self, type, op, in_place ? 37 : 1031, in_place);
      }
      for (const bool in_place : {false, true}) CheckMoves(self, type, in_place ? 1031 : 37, in_place);
    }
  });
  EXPECT_EQ(TakeFindings(), "");
}

TEST_P(Ranks, OneElement) {
  RunRanks(GetParam(), [](TestRank& self) {
    for (const bool in_place : {false, true}) {
      CheckReductions(self, kElementTypes[7], ncclSum, 1, in_place);
      CheckMoves(self, kElementTypes[0], 1, in_place);
    }
  });
}

TEST_P(Ranks, MoreThanTheStagesHold) {
  RunRanks(GetParam(), [](TestRank& self) {
    const size_t count = (size_t{5} << 20) / 4 / static_cast<size_t>(self.ranks) + 13;
    for (const bool in_place : {false, true}) {
      CheckReductions(self, kElementTypes[7], ncclSum, count, in_place);
      CheckMoves(self, kElementTypes[2], count, in_place);
    }
  });
}

TEST_P(Ranks, AllRanksGetTheSameBits) {
  const int ranks = GetParam();
  std::vector<std::vector<float>> results(static_cast<size_t>(ranks));
  RunRanks(ranks, [&](TestRank& self) {
    std::vector<float> values(5003);
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = std::sin(static_cast<float>(i * static_cast<size_t>(7 + self.rank)));
    const Device<float> buffer(values);
    EXPECT_NCCL(ncclAllReduce(buffer.data(), buffer.data(), values.size(), ncclFloat, ncclSum, self.comm, self.stream));
    EXPECT_EQ(self.Wait(), ncclSuccess);
    results[static_cast<size_t>(self.rank)] = buffer.Read();
  });
  for (const auto& result : results) EXPECT_EQ(result, results[0]);
}

INSTANTIATE_TEST_SUITE_P(OneToEight, Ranks, testing::Values(1, 2, 3, 4, 5, 6, 7, 8));

TEST(Collectives, CountZeroIsNothing) {
  RunRanks(2, [](TestRank& self) {
    EXPECT_NCCL(ncclAllReduce(nullptr, nullptr, 0, ncclFloat, ncclSum, self.comm, self.stream));
    // One rank alone may make it: it takes no part in the order of the calls.
    if (self.rank == 0) {
      EXPECT_NCCL(ncclAllGather(nullptr, nullptr, 0, ncclFloat, self.comm, self.stream));
    }
    CheckReductions(self, kElementTypes[2], ncclSum, 5, false);
  });
}

TEST(Collectives, ManyInARowWithoutWaiting) {
  RunRanks(3, [](TestRank& self) {
    const Device<int> buffer(std::vector<int>(64, 1));
    for (int i = 0; i < 9; ++i)
      EXPECT_NCCL(ncclAllReduce(buffer.data(), buffer.data(), 64, ncclInt, ncclSum, self.comm, self.stream));
    EXPECT_EQ(self.Wait(), ncclSuccess);
    EXPECT_EQ(buffer.Read(), std::vector<int>(64, 19683));  // 3^9
  });
}

TEST(Collectives, OneCommunicatorOnTwoStreamsKeepsTheOrderOfTheCalls) {
  RunRanks(2, [](TestRank& self) {
    cudaStream_t second = nullptr;
    EXPECT_CUDA(cudaStreamCreate(&second));
    const Device<int> a(std::vector<int>{self.rank + 1});
    const Device<float> b(std::vector<float>{1.0F, 2.0F});
    for (int i = 0; i < 4; ++i) {
      EXPECT_NCCL(ncclAllReduce(a.data(), a.data(), 1, ncclInt, ncclSum, self.comm, self.stream));
      EXPECT_NCCL(ncclAllReduce(b.data(), b.data(), 2, ncclFloat, ncclSum, self.comm, second));
    }
    // The second stream first, which the first is to come before.
    EXPECT_CUDA(cudaStreamSynchronize(second));
    EXPECT_EQ(self.Wait(), ncclSuccess);
    EXPECT_EQ(a.Read(), std::vector<int>{24});
    EXPECT_EQ(b.Read(), (std::vector<float>{16.0F, 32.0F}));
    EXPECT_CUDA(cudaStreamDestroy(second));
  });
}

TEST(Collectives, InAGraphThatIsLaunchedAgain) {
  std::barrier<> captured(2);
  RunRanks(2, [&captured](TestRank& self) {
    const Device<int> buffer(std::vector<int>{1, 2, 3});
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    EXPECT_CUDA(cudaStreamBeginCapture(self.stream, cudaStreamCaptureModeThreadLocal));
    EXPECT_NCCL(ncclAllReduce(buffer.data(), buffer.data(), 3, ncclInt, ncclSum, self.comm, self.stream));
    EXPECT_CUDA(cudaStreamEndCapture(self.stream, &graph));
    EXPECT_EQ(buffer.Read(), (std::vector<int>{1, 2, 3}));
    captured.arrive_and_wait();
    EXPECT_CUDA(cudaGraphInstantiate(&executable, graph, 0));
    EXPECT_CUDA(cudaGraphLaunch(executable, self.stream));
    EXPECT_NCCL(ncclAllReduce(buffer.data(), buffer.data(), 3, ncclInt, ncclSum, self.comm, self.stream));
    EXPECT_CUDA(cudaGraphLaunch(executable, self.stream));
    EXPECT_EQ(self.Wait(), ncclSuccess);
    EXPECT_EQ(buffer.Read(), (std::vector<int>{8, 16, 24}));
    EXPECT_CUDA(cudaGraphExecDestroy(executable));
    EXPECT_CUDA(cudaGraphDestroy(graph));
  });
}

TEST(Collectives, BuffersThatOverlapWronglyAreReported) {
  (void)TakeFindings();
  RunRanks(2, [](TestRank& self) {
    const Device<int> buffer(std::vector<int>(8, 1));
    EXPECT_NCCL(ncclAllReduce(buffer.data(), buffer.data() + 1, 4, ncclInt, ncclSum, self.comm, self.stream));
    EXPECT_EQ(self.Wait(), ncclSuccess);
  });
  EXPECT_NE(TakeFindings().find("ncclAllReduce: sendbuff and recvbuff overlap"), std::string::npos);
}

}  // namespace
}  // namespace cuda_host::nccl
