// Decides when what has been enqueued starts.
//
// An operation is held until something waits for it, or for what depends on it. Then one legal order is drawn from the
// seed: some of what the other streams hold may run before it, beside it, or not at all. What nobody waits for starts
// all the same once the program has been busy with something else for a while (a peer process may depend on it).
#ifndef HARNESS_HOST_RUNTIME_SCHEDULER_H_
#define HARNESS_HOST_RUNTIME_SCHEDULER_H_

#include <pthread.h>
#include <time.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "harness/host/executor/random.h"
#include "harness/host/runtime/operation.h"

namespace cuda_host {

class Scheduler {
 public:
  using Lock = std::unique_lock<std::mutex>;
  using Stream = std::shared_ptr<CUstream_st>;

  static Scheduler& Get();
  Lock Acquire() { return Lock(mutex_); }

  // All below REQUIRE the lock.

  // Puts `work` behind everything that CUDA orders before it on the stream: what is in it, with the default stream's
  // rules. `after`: more that it comes behind. REQUIRES: the stream is not capturing.
  std::shared_ptr<Op> Enqueue(Lock& lock, const Stream& stream, std::shared_ptr<const Work> work,
                              const std::vector<std::shared_ptr<Op>>& after = {});
  // A graph's nodes get their operations' clocks themselves. Not in the stream's order but for its `dependencies`.
  std::shared_ptr<Op> EnqueueNode(const Stream& stream, std::shared_ptr<const Work> work, Operation operation,
                                  const std::vector<std::shared_ptr<Op>>& dependencies);

  // Waits until they are done, or the device has failed. Returns the device's error, if there is one.
  cudaError_t WaitFor(Lock& lock, const std::vector<std::shared_ptr<Op>>& targets);
  cudaError_t WaitForStream(Lock& lock, const Stream& stream);
  cudaError_t WaitForDevice(Lock& lock, int device);
  // Whether they are done (else cudaErrorNotReady). The host has asked `tries` times before: it may not ask for ever
  // without their being started.
  cudaError_t Query(Lock& lock, const std::vector<std::shared_ptr<Op>>& targets, int* tries);
  // Nobody waits, but they have to get done: they and what they depend on are started.
  void Release(Lock& lock, const std::vector<std::shared_ptr<Op>>& targets);
  // An operation's error that does not end the device's work goes to the next one who waits.
  cudaError_t TakeAsyncError();

  // The error of a fault, which stays until Reset.
  cudaError_t failed() const { return failed_; }
  void Fail(cudaError_t error);
  // Forgets all operations and the failure. False if something is still running and does not end.
  bool Reset(Lock& lock);

  // The stream's latest operations, those that an operation enqueued now on `stream` has to come behind.
  std::vector<std::shared_ptr<Op>> Tails(const CUstream_st& stream) const;

  Stream NewStream(int device, unsigned flags, int priority, bool legacy);
  void DestroyStream(const Stream& stream);
  Stream Legacy(int device);
  Stream Find(cudaStream_t handle) const;
  std::vector<Stream> StreamsOf(int device) const;
  uint32_t NewTimeline() { return ++timelines_; }

  // The host has waited for them: everything that it does from now on comes behind.
  void HostJoins(const std::vector<std::shared_ptr<Op>>& targets);
  // The host has enqueued something: what it does from now on is not before that.
  void HostSteps();

  Random& random() { return random_; }
  // Until all streams are idle, or for a short time: for the end of the process.
  void Drain();

 private:
  Scheduler();
  void Add(const std::shared_ptr<Op>& op, const std::vector<std::shared_ptr<Op>>& dependencies);
  void Raise(const std::vector<std::shared_ptr<Op>>& targets, Op::Urgency urgency);
  void DrawOthers();
  void RaiseAll();
  std::shared_ptr<Op> Choose();
  void Pump(Lock& lock);
  void Finish(const std::shared_ptr<Op>& op);
  void Complete(const std::shared_ptr<Op>& op, cudaError_t error);
  void Watch();
  bool HostIsBusyElsewhere();
  void NoteEnqueue();

  std::mutex mutex_;
  std::condition_variable finished_;
  std::condition_variable enqueued_;
  Random random_;  // drawn from in the order of the host's calls
  Random order_;   // drawn from as operations become ready
  std::vector<std::shared_ptr<Op>> ready_;
  std::shared_ptr<Op> alone_;  // nothing else starts until this is done, or ...
  Clock::time_point alone_until_;
  int64_t unfinished_ = 0;
  int64_t held_ = 0;
  int64_t running_ = 0;
  int waiters_ = 0;
  bool closing_ = false;
  bool watch_sleeps_ = false;
  cudaError_t failed_ = cudaSuccess;
  cudaError_t async_error_ = cudaSuccess;

  // When the host last enqueued or began to wait, and how much its thread had computed by then.
  Clock::time_point last_call_;
  clockid_t caller_clock_ = 0;
  int64_t caller_time_ = 0;

  std::unordered_map<cudaStream_t, Stream> streams_;  // by handle, the legacy ones included
  std::vector<Stream> order_of_streams_;              // as made: draws must not depend on addresses
  std::map<int, Stream> legacy_;
  unsigned long long stream_ids_ = 0;
  uint32_t timelines_ = 0;
  OperationClock host_clock_;
  uint64_t host_number_ = 1;
};

}  // namespace cuda_host

#endif  // HARNESS_HOST_RUNTIME_SCHEDULER_H_
