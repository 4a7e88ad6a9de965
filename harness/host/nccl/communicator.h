// A rank of a communicator: what its handle leads to, and what its operations on streams need.
#ifndef HARNESS_HOST_NCCL_COMMUNICATOR_H_
#define HARNESS_HOST_NCCL_COMMUNICATOR_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "harness/host/nccl/shared_state.h"
#include "nccl.h"

namespace cuda_host::nccl {

// An operation of ncclRedOpCreatePreMulSum.
struct UserOperation {
  bool in_use = false;
  ncclDataType_t type = ncclInt8;
  const void* device_scalar = nullptr;  // read when an operation runs; null: `scalar` holds it
  Scalar scalar{};
};

// What the handle of ncclCommRegister or ncclCommWindowRegister points to. It changes nothing here.
struct Registration {
  void* buffer;
  size_t bytes;
};

// Outlives the handle while operations run.
struct Core {
  SharedState state;
  int device = 0;

  // Set once, by whichever operation fails first; `message` before `async_error`.
  std::atomic<ncclResult_t> async_error{ncclSuccess};
  std::mutex message_mutex;
  std::string message;
  std::atomic<bool> aborted{false};

  std::atomic<int> running{0};          // tasks in their bodies
  std::atomic<bool> turn_taken{false};  // one task at a time, in the order of the streams

  // Of the task whose turn it is. What has been started so far; all ranks agree, or a mismatch is found.
  uint64_t collectives = 0;
  uint64_t steps = 0;
  struct Peer {
    uint64_t sends = 0, sends_finished = 0, sent_chunks = 0;
    uint64_t recvs = 0, recvs_finished = 0, received_chunks = 0;
  };
  std::vector<Peer> peers;

  // Stops the communicator: sets the asynchronous error, tells the peers, and reports `text` if `report`.
  void Fail(ncclResult_t result, const std::string& text, bool report);
  bool Stopped() const { return aborted.load() || async_error.load() != ncclSuccess; }
};

// Something that needs other ranks, and that a host call (or, without blocking, the polls after it) brings forward.
class Job {
 public:
  virtual ~Job() = default;
  ncclResult_t result() const { return result_; }  // ncclInProgress until it is done
  void Poll() {
    if (result_ == ncclInProgress) result_ = Step();
  }
  // What is being waited for, for a message.
  virtual std::string Waiting() const = 0;

 protected:
  // Does what can be done without waiting. ncclInProgress: call again.
  virtual ncclResult_t Step() = 0;

 private:
  ncclResult_t result_ = ncclInProgress;
};

// Polls all jobs until each is done. Returns the first error.
ncclResult_t RunJobs(const std::vector<std::shared_ptr<Job>>& jobs);
// Jobs that nobody waits for: every poll polls all of them, since they may wait for each other.
void AddPolledJob(const std::shared_ptr<Job>& job);
void PollJobs();

// The last error in words, for ncclGetLastError: of the calling thread's calls, or of any operation, whichever came
// later. SetLastError returns `result`.
ncclResult_t SetLastError(ncclResult_t result, const std::string& text);
const char* LastError();

// ncclSuccess if `comm` is a communicator that can be used, else the error, set as `call`'s last one. `comm` may be
// anything, also one that is destroyed already.
ncclResult_t CheckHandle(ncclComm_t comm, const char* call);
ncclResult_t CheckReady(ncclComm_t comm, const char* call);
ncclResult_t CheckPointer(const void* pointer, const char* call, const char* name);
ncclResult_t CheckCuda(cudaError_t error, const char* call, const char* cuda_call);

// Handles that exist.
ncclComm_t NewHandle();
void DeleteHandle(ncclComm_t comm);

// Makes `device` the current one for as long as it lives.
class DeviceScope {
 public:
  explicit DeviceScope(int device);
  ~DeviceScope();
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  int before_ = 0;
  bool changed_ = false;
};

}  // namespace cuda_host::nccl

// Used by one host thread at a time, as in NCCL.
struct ncclComm {
  std::shared_ptr<cuda_host::nccl::Core> core;
  bool blocking = true;
  bool finalized = false;
  // Without blocking: what is in progress until it has been polled for.
  std::shared_ptr<cuda_host::nccl::Job> job;
  bool unpolled = false;
  ncclResult_t job_error = ncclSuccess;
  uint32_t serial = 0;  // tells this communicator's reduction operations from another one's
  // Recorded behind the last operation that was not captured; null before the first.
  cudaEvent_t last = nullptr;
  std::vector<cuda_host::nccl::UserOperation> operations;
  std::map<const void*, std::unique_ptr<cuda_host::nccl::Registration>> registrations;  // by handle
};

#endif  // HARNESS_HOST_NCCL_COMMUNICATOR_H_
