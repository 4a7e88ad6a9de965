#include "harness/host/nccl/shared_state.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

namespace cuda_host::nccl {
namespace {

constexpr uint64_t kMagic = 0x6c63636e74736f68;  // "hostnccl"
constexpr size_t kPage = 4096;

constexpr size_t RoundUp(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

// Header, slots, channels, stages, pair buffers. Only pages that are used take memory.
size_t SlotsOffset() { return RoundUp(sizeof(StateHeader), 64); }
size_t ChannelsOffset(size_t ranks) { return SlotsOffset() + ranks * sizeof(RankSlot); }
size_t StagesOffset(size_t ranks) {
  return RoundUp(ChannelsOffset(ranks) + ranks * ranks * sizeof(PairChannel), kPage);
}
size_t PairsOffset(size_t ranks) { return StagesOffset(ranks) + ranks * kStageSlots * kStageBytes; }
size_t TotalBytes(size_t ranks) { return PairsOffset(ranks) + ranks * ranks * kPairSlots * kPairBytes; }

std::string Errno(const std::string& what) { return what + ": " + std::strerror(errno); }

// State letter and start time of a process, from /proc; false if there is none.
bool ReadProcess(pid_t pid, char* letter, uint64_t* started) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char text[1024];
  const ssize_t got = read(fd, text, sizeof text - 1);
  close(fd);
  if (got <= 0) return false;
  text[got] = '\0';
  // The name, in brackets, may hold anything; after it come the state (field 3) and, as field 22, the start time.
  const char* at = std::strrchr(text, ')');
  if (at == nullptr || at[1] == '\0') return false;
  at += 2;
  *letter = *at;
  for (int field = 3; field < 22 && at != nullptr; ++field) {
    at = std::strchr(at, ' ');
    if (at != nullptr) ++at;
  }
  *started = at == nullptr ? 0 : std::strtoull(at, nullptr, 10);
  return true;
}

struct OwnedState {
  int fd;
  StateHeader* header;
};
std::mutex g_owned_mutex;
std::vector<OwnedState>& Owned() {
  static auto* owned = new std::vector<OwnedState>();
  return *owned;
}

}  // namespace

SharedState::~SharedState() {
  if (base_ != nullptr) munmap(base_, bytes_);
}

ncclResult_t SharedState::Join(const Address& address, int ranks, int rank, std::string* error) {
  if (address.magic != kMagic) {
    *error = "the id is not one that ncclGetUniqueId made: give all ranks the bytes of the same call's id";
    return ncclInvalidArgument;
  }
  const std::string path = "/proc/" + std::to_string(address.pid) + "/fd/" + std::to_string(address.fd);
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  const int why = errno;
  const std::string stale = "the id is used up: an id is good for one communicator, make a new one for the next";
  if (fd < 0) {
    const bool alive = access(("/proc/" + std::to_string(address.pid)).c_str(), F_OK) == 0;
    errno = why;
    *error = alive && why == ENOENT
                 ? stale
                 : Errno("the process that made the id (" + std::to_string(address.pid) +
                         ") cannot be reached; it has to be of this host, and to live until all ranks have joined");
    return alive && why == ENOENT ? ncclInvalidUsage : ncclSystemError;
  }
  struct stat status {};
  void* base = MAP_FAILED;
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && static_cast<size_t>(status.st_size) >= sizeof(StateHeader))
    base = mmap(nullptr, sizeof(StateHeader), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (base == MAP_FAILED) {
    close(fd);
    *error = stale;
    return ncclInvalidUsage;
  }
  auto* header = static_cast<StateHeader*>(base);
  ncclResult_t result = ncclSuccess;
  int32_t known = 0;
  if (header->cookie != address.cookie) {
    *error = stale;
    result = ncclInvalidUsage;
  } else if (header->ranks.compare_exchange_strong(known, ranks)) {
    if (ftruncate(fd, static_cast<off_t>(TotalBytes(static_cast<size_t>(ranks)))) != 0) {
      *error = Errno("cannot make the communicator's shared memory");
      result = ncclSystemError;
    } else {
      header->sized.store(1, std::memory_order_release);
    }
  } else if (known != ranks) {
    *error = "rank " + std::to_string(rank) + " says that there are " + std::to_string(ranks) +
             " ranks, and another one " + std::to_string(known) + ": pass the same nranks everywhere";
    result = ncclInvalidUsage;
  }
  while (result == ncclSuccess && header->sized.load(std::memory_order_acquire) == 0) {
    if (header->failed.load(std::memory_order_acquire) != 0) {
      *error = "another rank could not join";
      result = ncclRemoteError;
    }
    std::this_thread::yield();
  }
  void* all = MAP_FAILED;
  if (result == ncclSuccess) {
    bytes_ = TotalBytes(static_cast<size_t>(ranks));
    all = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (all == MAP_FAILED) {
      *error = Errno("cannot map the communicator's shared memory");
      result = ncclSystemError;
    }
  }
  close(fd);
  if (result != ncclSuccess && header->cookie == address.cookie) header->failed.store(1, std::memory_order_release);
  munmap(base, sizeof(StateHeader));
  if (result != ncclSuccess) return result;

  base_ = static_cast<std::byte*>(all);
  ranks_ = ranks;
  rank_ = rank;
  int32_t nobody = 0;
  if (!mine().pid.compare_exchange_strong(nobody, getpid())) {
    *error = "rank " + std::to_string(rank) + " has joined already (process " + std::to_string(nobody) +
             "): each rank joins once, and an id is good for one communicator";
    this->header().failed.store(1, std::memory_order_release);
    return ncclInvalidUsage;
  }
  char letter = 0;
  uint64_t started = 0;
  ReadProcess(getpid(), &letter, &started);
  mine().started.store(started);
  mine().state.store(RankState::kJoined, std::memory_order_release);
  this->header().joined.fetch_add(1, std::memory_order_acq_rel);
  return ncclSuccess;
}

bool SharedState::AllJoined() const { return header().joined.load(std::memory_order_acquire) == ranks_; }

RankSlot& SharedState::slot(int rank) const { return reinterpret_cast<RankSlot*>(base_ + SlotsOffset())[rank]; }

PairChannel& SharedState::channel(int from, int to) const {
  return reinterpret_cast<PairChannel*>(base_ + ChannelsOffset(static_cast<size_t>(ranks_)))[from * ranks_ + to];
}

std::byte* SharedState::stage(int rank, uint64_t step) const {
  const size_t slot = static_cast<size_t>(rank) * kStageSlots + step % kStageSlots;
  return base_ + StagesOffset(static_cast<size_t>(ranks_)) + slot * kStageBytes;
}

std::byte* SharedState::pair_buffer(int from, int to, uint64_t chunk) const {
  const size_t slot = static_cast<size_t>(from * ranks_ + to) * kPairSlots + chunk % kPairSlots;
  return base_ + PairsOffset(static_cast<size_t>(ranks_)) + slot * kPairBytes;
}

std::string SharedState::GoneReason(int rank, bool deep) const {
  const RankSlot& slot = this->slot(rank);
  const pid_t pid = slot.pid.load();
  const std::string who = "rank " + std::to_string(rank) + " (process " + std::to_string(pid) + ") ";
  switch (slot.state.load(std::memory_order_acquire)) {
    case RankState::kAbsent:
      return "";
    case RankState::kFailed:
      return who + "has an error and has stopped";
    case RankState::kAborted:
      return who + "has called ncclCommAbort";
    case RankState::kLeft:
      return who + "has finalized or destroyed its communicator";
    case RankState::kJoined:
      break;
  }
  if (!deep || pid == getpid()) return "";
  char letter = 0;
  uint64_t started = 0;
  if (ReadProcess(pid, &letter, &started)) {
    if (letter == 'Z' || letter == 'X' || started != slot.started.load()) return who + "has ended";
    return "";
  }
  return access(("/proc/" + std::to_string(pid)).c_str(), F_OK) == 0 ? "" : who + "has ended";
}

ncclResult_t CreateState(Address* address, std::string* error) {
  CloseJoinedStates();
  const int fd = memfd_create("nccl", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, kPage) != 0) {
    *error = Errno("cannot make the communicator's shared memory (memfd_create)");
    if (fd >= 0) close(fd);
    return ncclSystemError;
  }
  void* base = mmap(nullptr, sizeof(StateHeader), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  uint64_t cookie = 0;
  if (base == MAP_FAILED || getrandom(&cookie, sizeof cookie, 0) != sizeof cookie) {
    *error = Errno("cannot map the communicator's shared memory");
    close(fd);
    return ncclSystemError;
  }
  auto* header = static_cast<StateHeader*>(base);
  header->cookie = cookie;
  *address = {kMagic, cookie, getpid(), fd};
  const std::lock_guard<std::mutex> lock(g_owned_mutex);
  Owned().push_back({fd, header});
  return ncclSuccess;
}

void CloseJoinedStates() {
  const std::lock_guard<std::mutex> lock(g_owned_mutex);
  std::erase_if(Owned(), [](const OwnedState& state) {
    const int32_t ranks = state.header->ranks.load(std::memory_order_acquire);
    const bool joined = ranks != 0 && state.header->joined.load(std::memory_order_acquire) == ranks;
    if (!joined && state.header->failed.load(std::memory_order_acquire) == 0) return false;
    close(state.fd);
    munmap(state.header, sizeof(StateHeader));
    return true;
  });
}

const char* KindName(CallKind kind) {
  constexpr const char* kNames[] = {"ncclAllReduce",     "ncclReduce",   "ncclBroadcast", "ncclAllGather",
                                    "ncclReduceScatter", "ncclAlltoAll", "ncclGather",    "ncclScatter",
                                    "ncclSend",          "ncclRecv"};
  return kNames[static_cast<uint32_t>(kind)];
}

bool Reduces(CallKind kind) {
  return kind == CallKind::kAllReduce || kind == CallKind::kReduce || kind == CallKind::kReduceScatter;
}

bool HasRoot(CallKind kind) {
  return kind == CallKind::kReduce || kind == CallKind::kBroadcast || kind == CallKind::kGather ||
         kind == CallKind::kScatter;
}

std::string Describe(const CallRecord& call) {
  std::string text =
      std::string(KindName(call.kind)) + "(count " + std::to_string(call.count) + ", " + TypeName(call.type);
  if (Reduces(call.kind)) text += std::string(", ") + ReduceName(call.op);
  if (HasRoot(call.kind)) text += ", root " + std::to_string(call.peer);
  if (call.kind == CallKind::kSend || call.kind == CallKind::kRecv) text += ", peer " + std::to_string(call.peer);
  return text + ")";
}

}  // namespace cuda_host::nccl
