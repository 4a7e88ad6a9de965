// One call of a collective, ncclSend or ncclRecv, and the way it goes on a stream.
#ifndef HARNESS_HOST_NCCL_CALL_H_
#define HARNESS_HOST_NCCL_CALL_H_

#include <memory>
#include <string>
#include <vector>

#include "harness/host/check/clock.h"
#include "harness/host/nccl/communicator.h"

namespace cuda_host::nccl {

struct Call {
  std::shared_ptr<Core> core;
  CallRecord record;
  const char* api;  // "ncclBcast"
  const void* send = nullptr;
  void* recv = nullptr;
  const void* device_scalar = nullptr;  // read into record.scalar when the call runs, if not null
};

// A call that runs: a state machine, so that one fiber can bring many forward.
class Transfer {
 public:
  enum class Status { kDone, kMoved, kWaiting, kStopped };

  // `operation` outlives it. Call by the task whose turn it is: takes the call's place among those of its communicator.
  Transfer(const Call& call, const Operation& operation) : call_(call), operation_(operation) {}
  virtual ~Transfer() = default;
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // Copies a piece, if there is one, and never waits. kStopped: the communicator has failed or was aborted.
  virtual Status Step() = 0;
  // The rank that the last Step has missed something from.
  int waiting_for() const { return waiting_for_; }
  const Call& call() const { return call_; }

 protected:
  Core& core() const { return *call_.core; }
  SharedState& state() const { return call_.core->state; }
  // Reads from the user's memory, and writes there, told to the checks.
  void ReadUser(void* to, const void* from, size_t bytes) const;
  void WriteUser(void* to, const void* from, size_t bytes) const;
  void AnnounceWrite(void* to, size_t bytes) const;
  // The call's record, with the factor that is in device memory.
  CallRecord Record() const;
  Status Wait(int rank) {
    waiting_for_ = rank;
    return Status::kWaiting;
  }
  // Ends in an error that names this rank's call and the other's.
  Status Mismatch(int other, const CallRecord& others) const;

 private:
  const Call& call_;
  const Operation& operation_;
  int waiting_for_ = 0;
};

std::unique_ptr<Transfer> NewCollective(const Call& call, const Operation& operation);
std::unique_ptr<Transfer> NewSend(const Call& call, const Operation& operation);
std::unique_ptr<Transfer> NewRecv(const Call& call, const Operation& operation);

// The body of a stream operation: all calls of one group that share streams. May be run again (graphs).
void RunCalls(const std::vector<Call>& calls, const Operation& operation);

}  // namespace cuda_host::nccl

#endif  // HARNESS_HOST_NCCL_CALL_H_
