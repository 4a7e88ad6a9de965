// The memory that the ranks of one communicator share, whether they are processes or threads.
//
// It is a memfd, so that no file has to be created: whoever makes it keeps the descriptor open, and the others open
// /proc/PID/fd/N. A rank maps it once, at an address of its own. All flags count upwards for the communicator's whole
// life, one writer each, and a reader acquires what the writer released.
#ifndef HARNESS_HOST_NCCL_SHARED_STATE_H_
#define HARNESS_HOST_NCCL_SHARED_STATE_H_

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "harness/host/nccl/elements.h"
#include "nccl.h"

namespace cuda_host::nccl {

enum class CallKind : uint32_t {
  kAllReduce,
  kReduce,
  kBroadcast,
  kAllGather,
  kReduceScatter,
  kAlltoAll,
  kGather,
  kScatter,
  kSend,
  kRecv,
};

// What ranks compare: one call, as its rank made it.
struct CallRecord {
  CallKind kind;
  ncclDataType_t type;
  ReduceKind op;  // kSum where nothing is reduced
  int32_t peer;   // or root; 0 for calls that have neither
  uint64_t count;
  Scalar scalar;  // of kPreMulSum; may differ
};

constexpr int kStageSlots = 4;
constexpr size_t kStageBytes = size_t{512} << 10;  // a slot; 2 MiB a rank in all
constexpr int kPairSlots = 2;
constexpr size_t kPairBytes = size_t{128} << 10;

enum class RankState : uint32_t {
  kAbsent,
  kJoined,
  kFailed,   // has an asynchronous error: takes part in nothing any more
  kAborted,  // ncclCommAbort
  kLeft,     // ncclCommFinalize or ncclCommDestroy
};

// An id's contents, and how a split's leader tells its members where the new communicator is.
struct Address {
  uint64_t magic;
  uint64_t cookie;  // random; the state's own
  int32_t pid;
  int32_t fd;
};
static_assert(sizeof(Address) <= NCCL_UNIQUE_ID_BYTES);

// One rank's calls of ncclCommSplit, two apart so that a rank may be one call ahead of the slowest reader.
struct SplitRecord {
  int32_t color;
  int32_t key;
  Address address;
};

// Written by its rank alone. Collective steps are numbered through all collectives: step s uses slot s % kStageSlots.
struct alignas(64) RankSlot {
  std::atomic<int32_t> pid;       // 0: nobody yet; taken by compare and swap
  std::atomic<uint64_t> started;  // the process's start time, which tells it from a later one of the same pid
  std::atomic<RankState> state;
  alignas(64) std::atomic<uint64_t> announced;  // collectives whose record is in calls[i % 2]
  std::atomic<uint64_t> published;              // steps whose data is in the stage
  std::atomic<uint64_t> consumed;               // steps of all ranks whose data this rank needs no more
  CallRecord calls[2];
  alignas(64) std::atomic<uint64_t> splits;  // records in split[i % 2]
  std::atomic<uint64_t> split_addresses;     // of them, with an address: valid while equal to `splits`
  SplitRecord split[2];
};

// From one rank to another. The first half is the sender's, the second the receiver's. Chunk c uses slot c %
// kPairSlots.
struct alignas(64) PairChannel {
  std::atomic<uint64_t> send_announced;
  std::atomic<uint64_t> sent;  // chunks
  CallRecord sends[2];
  alignas(64) std::atomic<uint64_t> recv_announced;
  std::atomic<uint64_t> received;  // chunks
  CallRecord recvs[2];
};

struct alignas(64) StateHeader {
  uint64_t cookie;
  std::atomic<int32_t> ranks;   // 0 until the first rank says how many
  std::atomic<uint32_t> sized;  // the file has its full length
  std::atomic<int32_t> joined;
  std::atomic<uint32_t> failed;  // somebody could not join: nobody will
};

// A rank's mapping of a state.
class SharedState {
 public:
  SharedState() = default;
  ~SharedState();
  SharedState(const SharedState&) = delete;
  SharedState& operator=(const SharedState&) = delete;

  // Maps the state at `address` as `rank` of `ranks`, and joins. On an error says what in `*error`.
  ncclResult_t Join(const Address& address, int ranks, int rank, std::string* error);
  bool AllJoined() const;

  int ranks() const { return ranks_; }
  int rank() const { return rank_; }
  StateHeader& header() const { return *reinterpret_cast<StateHeader*>(base_); }
  RankSlot& slot(int rank) const;
  RankSlot& mine() const { return slot(rank_); }
  PairChannel& channel(int from, int to) const;
  std::byte* stage(int rank, uint64_t step) const;
  std::byte* pair_buffer(int from, int to, uint64_t chunk) const;

  // "rank 1 (process 4711) has ended", or empty while it may still do something. Looks at the process only if `deep`,
  // since that costs system calls.
  std::string GoneReason(int rank, bool deep) const;

 private:
  std::byte* base_ = nullptr;
  size_t bytes_ = 0;
  int ranks_ = 0;
  int rank_ = 0;
};

// Makes a state, and keeps it open in this process until all its ranks have joined.
ncclResult_t CreateState(Address* address, std::string* error);
// Closes what CreateState keeps open and nobody needs any more.
void CloseJoinedStates();

// "ncclAllReduce(count 4, ncclFloat32, ncclSum)"
std::string Describe(const CallRecord& call);
const char* KindName(CallKind kind);
bool Reduces(CallKind kind);
bool HasRoot(CallKind kind);

}  // namespace cuda_host::nccl

#endif  // HARNESS_HOST_NCCL_SHARED_STATE_H_
