// Making communicators, splitting them, what belongs to them.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "harness/host/nccl/test_elements.h"
#include "harness/host/nccl/test_ranks.h"

namespace cuda_host::nccl {
namespace {

// Sum of `value` over the communicator's ranks.
int Sum(ncclComm_t comm, cudaStream_t stream, int value) {
  const Device<int> buffer(std::vector<int>{value});
  EXPECT_NCCL(ncclAllReduce(buffer.data(), buffer.data(), 1, ncclInt, ncclSum, comm, stream));
  EXPECT_CUDA(cudaStreamSynchronize(stream));
  return buffer.Read()[0];
}

TEST(Communicator, KnowsItsPlace) {
  int version = 0;
  EXPECT_NCCL(ncclGetVersion(&version));
  EXPECT_EQ(version, NCCL_VERSION_CODE);
  EXPECT_EQ(version, NCCL_VERSION(2, 28, 9));
  RunRanks(3, [](TestRank& self) {
    int count = 0;
    int rank = -1;
    int device = -1;
    EXPECT_NCCL(ncclCommCount(self.comm, &count));
    EXPECT_NCCL(ncclCommUserRank(self.comm, &rank));
    EXPECT_NCCL(ncclCommCuDevice(self.comm, &device));
    EXPECT_EQ(count, 3);
    EXPECT_EQ(rank, self.rank);
    EXPECT_EQ(device, self.rank);
  });
}

TEST(Communicator, OfAllDevices) {
  int devices = 0;
  EXPECT_CUDA(cudaGetDeviceCount(&devices));
  std::vector<ncclComm_t> comms(static_cast<size_t>(devices) + 1);
  EXPECT_NCCL(ncclCommInitAll(comms.data(), devices, nullptr));
  EXPECT_NCCL(ncclGroupStart());
  std::vector<std::unique_ptr<Device<int>>> buffers;
  for (int i = 0; i < devices; ++i) {
    ncclComm_t comm = comms[static_cast<size_t>(i)];
    EXPECT_CUDA(cudaSetDevice(i));
    int device = -1;
    EXPECT_NCCL(ncclCommCuDevice(comm, &device));
    EXPECT_EQ(device, i);
    buffers.push_back(std::make_unique<Device<int>>(std::vector<int>{1 << i}));
    // The default stream is that of the communicator's device, not of the current one.
    EXPECT_CUDA(cudaSetDevice(0));
    EXPECT_NCCL(ncclAllReduce(buffers.back()->data(), buffers.back()->data(), 1, ncclInt, ncclSum, comm, nullptr));
  }
  EXPECT_NCCL(ncclGroupEnd());
  for (int i = 0; i < devices; ++i) {
    EXPECT_CUDA(cudaSetDevice(i));
    EXPECT_CUDA(cudaDeviceSynchronize());
    EXPECT_EQ(buffers[static_cast<size_t>(i)]->Read()[0], (1 << devices) - 1);
    EXPECT_NCCL(ncclCommDestroy(comms[static_cast<size_t>(i)]));
  }
  EXPECT_CUDA(cudaSetDevice(0));

  const int twice[] = {0, 0};
  EXPECT_EQ(ncclCommInitAll(comms.data(), 2, twice), ncclInvalidUsage);
  const int no_device[] = {devices};
  EXPECT_EQ(ncclCommInitAll(comms.data(), 1, no_device), ncclInvalidArgument);
  EXPECT_EQ(ncclCommInitAll(comms.data(), devices + 1, nullptr), ncclUnhandledCudaError);
  EXPECT_EQ(ncclCommInitAll(nullptr, 1, nullptr), ncclInvalidArgument);
}

TEST(Communicator, SeveralAtOnce) {
  ncclUniqueId second_id;
  ASSERT_NCCL(ncclGetUniqueId(&second_id));
  RunRanks(2, [&second_id](TestRank& self) {
    // The ranks are the other way round.
    ncclComm_t second = nullptr;
    EXPECT_NCCL(ncclCommInitRank(&second, 2, second_id, 1 - self.rank));
    const Device<int> a(std::vector<int>{self.rank});
    const Device<int> b(std::vector<int>{self.rank});
    EXPECT_NCCL(ncclBcast(a.data(), 1, ncclInt, 0, self.comm, self.stream));
    EXPECT_NCCL(ncclBcast(b.data(), 1, ncclInt, 0, second, self.stream));
    EXPECT_EQ(self.Wait(), ncclSuccess);
    EXPECT_EQ(a.Read()[0], 0);
    EXPECT_EQ(b.Read()[0], 1);
    EXPECT_NCCL(ncclCommDestroy(second));
  });
}

TEST(Split, ByColorInTheOrderOfKeys) {
  RunRanks(6, [](TestRank& self) {
    ncclComm_t part = nullptr;
    EXPECT_NCCL(ncclCommSplit(self.comm, self.rank % 2, -self.rank, &part, nullptr));
    int count = 0;
    int rank = -1;
    EXPECT_NCCL(ncclCommCount(part, &count));
    EXPECT_NCCL(ncclCommUserRank(part, &rank));
    EXPECT_EQ(count, 3);
    EXPECT_EQ(rank, 2 - self.rank / 2);
    EXPECT_EQ(Sum(part, self.stream, self.rank), self.rank % 2 == 0 ? 6 : 9);
    EXPECT_EQ(Sum(self.comm, self.stream, 1), 6);  // the parent goes on
    EXPECT_NCCL(ncclCommDestroy(part));
  });
}

TEST(Split, EqualKeysKeepTheOrderOfRanks) {
  RunRanks(3, [](TestRank& self) {
    ncclComm_t part = nullptr;
    EXPECT_NCCL(ncclCommSplit(self.comm, 7, 5, &part, nullptr));
    int rank = -1;
    EXPECT_NCCL(ncclCommUserRank(part, &rank));
    EXPECT_EQ(rank, self.rank);
    EXPECT_NCCL(ncclCommDestroy(part));
  });
}

TEST(Split, WithoutAColorThereIsNoCommunicator) {
  RunRanks(3, [](TestRank& self) {
    // Again and again, so that fast ranks run ahead.
    for (int round = 0; round < 6; ++round) {
      ncclComm_t part = self.comm;
      const bool left_out = self.rank == round % 3;
      EXPECT_NCCL(ncclCommSplit(self.comm, left_out ? NCCL_SPLIT_NOCOLOR : round, 0, &part, nullptr));
      if (left_out) {
        EXPECT_EQ(part, nullptr);
      } else {
        EXPECT_EQ(Sum(part, self.stream, 1), 2);
        EXPECT_NCCL(ncclCommDestroy(part));
      }
    }
  });
}

TEST(Split, OfASplitAndInAGroup) {
  RunRanks(4, [](TestRank& self) {
    ncclComm_t half = nullptr;
    ncclComm_t single = nullptr;
    ncclComm_t all = nullptr;
    EXPECT_NCCL(ncclCommSplit(self.comm, self.rank / 2, self.rank, &half, nullptr));
    EXPECT_NCCL(ncclGroupStart());
    EXPECT_NCCL(ncclCommSplit(half, self.rank, 0, &single, nullptr));
    EXPECT_NCCL(ncclCommSplit(self.comm, 0, self.rank, &all, nullptr));
    EXPECT_NCCL(ncclGroupEnd());
    EXPECT_EQ(Sum(half, self.stream, 1), 2);
    EXPECT_EQ(Sum(single, self.stream, 1), 1);
    EXPECT_EQ(Sum(all, self.stream, 1), 4);
    for (ncclComm_t comm : {half, single, all}) EXPECT_NCCL(ncclCommDestroy(comm));
  });
}

ncclResult_t Poll(ncclComm_t comm) {
  ncclResult_t state = ncclInProgress;
  while (state == ncclInProgress) EXPECT_NCCL(ncclCommGetAsyncError(comm, &state));
  return state;
}

TEST(NonBlocking, IsInProgressUntilItIsPolled) {
  ncclUniqueId id;
  ASSERT_NCCL(ncclGetUniqueId(&id));
  std::atomic<bool> second_may_join{false};
  RunThreads(2, [&](int rank) {
    EXPECT_CUDA(cudaSetDevice(rank));
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    while (rank == 1 && !second_may_join.load()) std::this_thread::yield();
    ncclComm_t comm = nullptr;
    EXPECT_EQ(ncclCommInitRankConfig(&comm, 2, id, rank, &config), ncclInProgress);
    if (rank == 0) {
      ncclResult_t state = ncclSuccess;
      EXPECT_NCCL(ncclCommGetAsyncError(comm, &state));
      EXPECT_EQ(state, ncclInProgress);
      int count = 0;
      EXPECT_EQ(ncclCommCount(comm, &count), ncclInvalidArgument);
      second_may_join.store(true);
    }
    EXPECT_EQ(Poll(comm), ncclSuccess);
    cudaStream_t stream = nullptr;
    EXPECT_CUDA(cudaStreamCreate(&stream));
    const Device<int> buffer(std::vector<int>{1});
    EXPECT_EQ(ncclAllReduce(buffer.data(), buffer.data(), 1, ncclInt, ncclSum, comm, stream), ncclInProgress);
    // Nobody has asked yet whether the first is started.
    EXPECT_EQ(ncclAllReduce(buffer.data(), buffer.data(), 1, ncclInt, ncclSum, comm, stream), ncclInvalidArgument);
    EXPECT_EQ(Poll(comm), ncclSuccess);
    EXPECT_CUDA(cudaStreamSynchronize(stream));
    EXPECT_EQ(buffer.Read()[0], 2);
    ncclComm_t part = nullptr;
    EXPECT_EQ(ncclCommSplit(comm, 0, 0, &part, nullptr), ncclInProgress);
    EXPECT_EQ(Poll(part), ncclSuccess);
    EXPECT_NCCL(ncclCommDestroy(part));
    EXPECT_EQ(ncclCommFinalize(comm), ncclInProgress);
    EXPECT_EQ(Poll(comm), ncclSuccess);
    EXPECT_NCCL(ncclCommDestroy(comm));
    EXPECT_CUDA(cudaStreamDestroy(stream));
  });
}

TEST(PreMulSum, FromTheHostEachRankItsOwnFactor) {
  for (const ElementType& type : kElementTypes) {
    RunRanks(3, [&type](TestRank& self) {
      std::byte scalar[8];
      Put(type, self.rank + 1, scalar);
      ncclRedOp_t op = ncclSum;
      EXPECT_NCCL(ncclRedOpCreatePreMulSum(&op, scalar, type.type, ncclScalarHostImmediate, self.comm));
      EXPECT_GE(op, ncclNumOps);
      Put(type, 100, scalar);  // it has been read
      std::vector<std::byte> input(3 * type.bytes);
      for (size_t i = 0; i < 3; ++i) Put(type, static_cast<double>(i), &input[i * type.bytes]);
      const DeviceBytes buffer(input);
      EXPECT_NCCL(ncclAllReduce(buffer.data(), buffer.data(), 3, type.type, op, self.comm, self.stream));
      EXPECT_NCCL(ncclRedOpDestroy(op, self.comm));  // as soon as the call has returned
      EXPECT_EQ(self.Wait(), ncclSuccess);
      for (size_t i = 0; i < 3; ++i)
        EXPECT_EQ(Get(type, &buffer.Read()[i * type.bytes]), 6.0 * static_cast<double>(i)) << type.name;
    });
  }
}

TEST(PreMulSum, FromTheDeviceIsReadWhenItRuns) {
  RunRanks(2, [](TestRank& self) {
    const Device<float> scalar(std::vector<float>{100.0F});
    const Device<float> factor(std::vector<float>{0.5F});
    const Device<float> buffer(std::vector<float>{1.0F, 3.0F});
    ncclRedOp_t op = ncclSum;
    EXPECT_NCCL(ncclRedOpCreatePreMulSum(&op, scalar.data(), ncclFloat, ncclScalarDevice, self.comm));
    EXPECT_CUDA(cudaMemcpyAsync(scalar.data(), factor.data(), sizeof(float), cudaMemcpyDeviceToDevice, self.stream));
    EXPECT_NCCL(ncclAllReduce(buffer.data(), buffer.data(), 2, ncclFloat, op, self.comm, self.stream));
    EXPECT_EQ(self.Wait(), ncclSuccess);
    EXPECT_EQ(buffer.Read(), (std::vector<float>{1.0F, 3.0F}));
    EXPECT_NCCL(ncclRedOpDestroy(op, self.comm));
  });
}

TEST(PreMulSum, BelongsToItsCommunicatorAndType) {
  ncclUniqueId id;
  ncclComm_t other = nullptr;
  EXPECT_NCCL(ncclGetUniqueId(&id));
  EXPECT_NCCL(ncclCommInitRank(&other, 1, id, 0));
  RunRanks(1, [other](TestRank& self) {
    float scalar = 2.0F;
    const Device<float> buffer(std::vector<float>{1.0F});
    ncclRedOp_t op = ncclSum;
    EXPECT_NCCL(ncclRedOpCreatePreMulSum(&op, &scalar, ncclFloat, ncclScalarHostImmediate, self.comm));
    const auto use = [&](ncclDataType_t type, ncclComm_t comm) {
      return ncclAllReduce(buffer.data(), buffer.data(), 1, type, op, comm, self.stream);
    };
    EXPECT_EQ(use(ncclInt, self.comm), ncclInvalidArgument);
    EXPECT_EQ(use(ncclFloat, other), ncclInvalidArgument);
    EXPECT_EQ(ncclRedOpDestroy(op, other), ncclInvalidArgument);
    EXPECT_EQ(ncclRedOpDestroy(ncclSum, self.comm), ncclInvalidArgument);
    EXPECT_NCCL(use(ncclFloat, self.comm));
    EXPECT_EQ(self.Wait(), ncclSuccess);
    EXPECT_EQ(buffer.Read()[0], 2.0F);
    EXPECT_NCCL(ncclRedOpDestroy(op, self.comm));
    EXPECT_EQ(use(ncclFloat, self.comm), ncclInvalidArgument);
    EXPECT_EQ(ncclRedOpDestroy(op, self.comm), ncclInvalidArgument);
  });
  EXPECT_NCCL(ncclCommDestroy(other));
}

TEST(Memory, AllocatedAndRegistered) {
  RunRanks(2, [](TestRank& self) {
    void* buffer = nullptr;
    void* handle = nullptr;
    ncclWindow_t window = nullptr;
    const int one = 1;
    int result = 0;
    EXPECT_NCCL(ncclMemAlloc(&buffer, 4096));
    EXPECT_NCCL(ncclCommRegister(self.comm, buffer, 4096, &handle));
    EXPECT_NCCL(ncclCommWindowRegister(self.comm, buffer, 4096, &window, NCCL_WIN_COLL_SYMMETRIC));
    EXPECT_CUDA(cudaMemcpy(buffer, &one, sizeof one, cudaMemcpyHostToDevice));
    EXPECT_NCCL(ncclAllReduce(buffer, buffer, 1, ncclInt, ncclSum, self.comm, self.stream));
    EXPECT_EQ(self.Wait(), ncclSuccess);
    EXPECT_CUDA(cudaMemcpy(&result, buffer, sizeof result, cudaMemcpyDeviceToHost));
    EXPECT_EQ(result, 2);
    EXPECT_EQ(ncclCommRegister(self.comm, nullptr, 4096, &handle), ncclInvalidArgument);
    EXPECT_NCCL(ncclCommDeregister(self.comm, handle));
    EXPECT_EQ(ncclCommDeregister(self.comm, handle), ncclInvalidArgument);
    EXPECT_NCCL(ncclCommWindowDeregister(self.comm, window));
    EXPECT_NCCL(ncclMemFree(buffer));
  });
}

}  // namespace
}  // namespace cuda_host::nccl
