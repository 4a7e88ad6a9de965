// NCCL beside its collectives: order with kernels, splits, abort, bad arguments.
#include "harness/host/conformance/conformance.h"
#include "harness/host/conformance/nccl_ranks.h"

namespace {

using namespace conformance;

__global__ void Fill(int* data, int n, int value) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) data[i] = value + i;
}
__global__ void Double(int* data, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) data[i] *= 2;
}

CONFORMANCE_CHILD(nccl, stream_order) {
  const Rank rank(arguments);
  const int n = 1000, ranks = rank.ranks();
  Device<int> data(n), copy(n);
  for (int round = 1; round <= 3; ++round) {
    Fill<<<8, 128, 0, rank.stream()>>>(data.data(), n, round * (rank.rank() + 1));
    OK(ncclAllReduce(data.data(), data.data(), n, ncclInt32, ncclSum, rank.comm(), rank.stream()));
    Double<<<8, 128, 0, rank.stream()>>>(data.data(), n);
    OK(ncclBroadcast(data.data(), copy.data(), n, ncclInt32, ranks - 1, rank.comm(), rank.stream()));
    OK(cudaMemsetAsync(data.data(), 0xff, n * sizeof(int), rank.stream()));
    rank.Synchronize();
    EXPECT_EACH(copy.Get(), i, 2 * (round * ranks * (ranks + 1) / 2 + ranks * int(i)));
  }
  // Elements that no ring step divides, and many of them.
  const int large = 300007;
  Device<int> many(large);
  Fill<<<(large + 255) / 256, 256, 0, rank.stream()>>>(many.data(), large, rank.rank());
  OK(ncclAllReduce(many.data(), many.data(), large, ncclInt32, ncclSum, rank.comm(), rank.stream()));
  rank.Synchronize();
  EXPECT_EACH(many.Get(), i, ranks * int(i) + ranks * (ranks - 1) / 2);
  return 0;
}

CONFORMANCE_CASE(nccl, stream_order,
                 "collectives run in the order of their stream, between kernels and fills; 300007 elements") {
  RunRanks("nccl/stream_order", 3);
}

CONFORMANCE_CHILD(nccl, split) {
  const Rank rank(arguments);
  const int me = rank.rank(), ranks = rank.ranks();
  // Odd and even ranks, the highest first; the last rank in neither.
  const int color = me == ranks - 1 ? NCCL_SPLIT_NOCOLOR : me % 2;
  ncclComm_t part = nullptr;
  OK(ncclCommSplit(rank.comm(), color, ranks - me, &part, nullptr));
  Device<int> data(std::vector<int>(10, 1 << me));
  if (color == NCCL_SPLIT_NOCOLOR) {
    EXPECT(part == nullptr);
  } else {
    int members = 0, own = -1, expected = 0, expected_own = 0;
    for (int r = 0; r < ranks - 1; ++r) {
      if (r % 2 != color) continue;
      expected += 1 << r;
      expected_own += r > me;
      ++members;
    }
    int count = 0;
    OK(ncclCommCount(part, &count));
    OK(ncclCommUserRank(part, &own));
    EXPECT_EQ(count, members);
    EXPECT_EQ(own, expected_own);
    OK(ncclAllReduce(data.data(), data.data(), 10, ncclInt32, ncclSum, part, rank.stream()));
    rank.Synchronize();
    EXPECT_EACH(data.Get(), i, expected);
    OK(ncclCommDestroy(part));
  }
  // The parent communicator goes on.
  Device<int> all(std::vector<int>(10, 1));
  OK(ncclAllReduce(all.data(), all.data(), 10, ncclInt32, ncclSum, rank.comm(), rank.stream()));
  rank.Synchronize();
  EXPECT_EACH(all.Get(), i, ranks);
  return 0;
}

CONFORMANCE_CASE(nccl, split, "ncclCommSplit by colour and key, with a rank in no part; the parent stays usable") {
  RunRanks("nccl/split", 5);
}

CONFORMANCE_CHILD(nccl, abort) {
  Rank rank(arguments);
  Device<int> data(std::vector<int>(10, 1));
  // The ranks connect in their first operation.
  OK(ncclAllReduce(data.data(), data.data(), 10, ncclInt32, ncclSum, rank.comm(), rank.stream()));
  rank.Synchronize();
  EXPECT_EACH(data.Get(), i, rank.ranks());
  if (rank.rank() == 0) {
    // Nobody else takes part in this one.
    OK(ncclAllReduce(data.data(), data.data(), 10, ncclInt32, ncclSum, rank.comm(), rank.stream()));
    EXPECT_EQ(cudaStreamQuery(rank.stream()), cudaErrorNotReady);
    (void)cudaGetLastError();
    ncclResult_t state = ncclInternalError;
    OK(ncclCommGetAsyncError(rank.comm(), &state));
    EXPECT_EQ(state, ncclSuccess);
  }
  OK(ncclCommAbort(rank.Release()));
  OK(cudaStreamSynchronize(rank.stream()));
  // The device is as good as before.
  Fill<<<1, 32, 0, rank.stream()>>>(data.data(), 10, 5);
  rank.Synchronize();
  EXPECT_EACH(data.Get(), i, 5 + int(i));
  return 0;
}

CONFORMANCE_CASE(nccl, abort,
                 "ncclCommAbort ends an operation that would wait for ever; the stream and the device go on") {
  RunRanks("nccl/abort", 2);
}

CONFORMANCE_CHILD(nccl, refused) {
  const Rank rank(arguments);
  Device<int> data(std::vector<int>(10, 3));
  int* d = data.data();
  const ncclComm_t comm = rank.comm();
  const cudaStream_t stream = rank.stream();
  EXPECT_EQ(ncclAllReduce(d, d, 10, ncclInt32, ncclSum, nullptr, stream), ncclInvalidArgument);
  EXPECT_EQ(ncclAllReduce(d, d, 10, static_cast<ncclDataType_t>(99), ncclSum, comm, stream), ncclInvalidArgument);
  EXPECT_EQ(ncclAllReduce(d, d, 10, ncclInt32, static_cast<ncclRedOp_t>(77), comm, stream), ncclInvalidArgument);
  EXPECT_EQ(ncclBroadcast(d, d, 10, ncclInt32, 1, comm, stream), ncclInvalidArgument);
  EXPECT_EQ(ncclReduce(d, d, 10, ncclInt32, ncclSum, -1, comm, stream), ncclInvalidArgument);
  EXPECT_EQ(ncclSend(d, 10, ncclInt32, 1, comm, stream), ncclInvalidArgument);
  EXPECT_EQ(ncclGroupEnd(), ncclInvalidUsage);
  int count = 0;
  EXPECT_EQ(ncclCommCount(nullptr, &count), ncclInvalidArgument);
  ncclUniqueId id;
  OK(ncclGetUniqueId(&id));
  ncclComm_t other = nullptr;
  EXPECT_EQ(ncclCommInitRank(&other, 1, id, 1), ncclInvalidArgument);
  EXPECT_EQ(std::string(ncclGetErrorString(ncclSuccess)), std::string("no error"));
  int version = 0;
  OK(ncclGetVersion(&version));
  EXPECT(version >= 21800);
  // No elements are fine, and the communicator is as good as before.
  OK(ncclAllReduce(d, d, 0, ncclInt32, ncclSum, comm, stream));
  OK(ncclAllReduce(d, d, 10, ncclInt32, ncclSum, comm, stream));
  rank.Synchronize();
  EXPECT_EACH(data.Get(), i, 3);
  return 0;
}

CONFORMANCE_CASE(nccl, refused, "bad communicators, types, operations, roots and peers: ncclInvalidArgument") {
  RunRanks("nccl/refused", 1);
}

}  // namespace
