// The graph of what has been enqueued: operations, the streams that they are in, and the events that they record.
// Everything here is guarded by the scheduler's mutex.
#ifndef HARNESS_HOST_RUNTIME_OPERATION_H_
#define HARNESS_HOST_RUNTIME_OPERATION_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "driver_types.h"
#include "harness/host/check/clock.h"

namespace cuda_host {

using Clock = std::chrono::steady_clock;
using Done = std::function<void(cudaError_t)>;

struct EventState;

// What an operation does. A graph does it again and again, hence it must not change.
struct Work {
  cudaGraphNodeType type = cudaGraphNodeTypeEmpty;
  std::string what;  // for reports: "cudaMemcpyAsync"
  // Starts it and returns; `done` is called once, on any thread but under no lock. Null: there is nothing to do.
  std::function<void(const Operation&, Done)> start;
  std::function<void()> finished;      // under the scheduler's mutex, when it is done
  std::shared_ptr<EventState> record;  // the event that this records
  std::shared_ptr<EventState> wait;    // in graphs: the event whose latest record this waits for
};

struct Op {
  enum class State { kWaiting, kStarted, kDone };
  // kHeld: starts only when something asks for it. kReleased: starts some time. kEarly: before the released ones.
  enum class Urgency { kHeld, kReleased, kEarly };

  std::shared_ptr<const Work> work;
  Operation operation;
  State state = State::kWaiting;
  Urgency urgency = Urgency::kHeld;
  int waits_for = 0;                              // how many of `dependencies` are not done
  std::vector<std::shared_ptr<Op>> dependencies;  // until it is done
  std::vector<std::shared_ptr<Op>> dependents;    // until it is done
  std::shared_ptr<CUstream_st> stream;
  Clock::time_point finished_at;

  bool done() const { return state == State::kDone; }
};

struct EventState {
  std::shared_ptr<Op> record;  // the latest; null if there is none
  bool timed = true;
  // The latest record was captured: in that capture, behind these nodes.
  uint64_t capture = 0;
  std::vector<CUgraphNode_st*> capture_nodes;
};

struct Capture;

}  // namespace cuda_host

struct CUstream_st {
  unsigned long long id = 0;
  int device = 0;
  unsigned flags = 0;
  int priority = 0;
  bool legacy = false;
  bool destroyed = false;
  uint32_t timeline = 0;
  uint64_t count = 0;                                  // of operations on the timeline
  cuda_host::OperationClock clock;                     // of everything enqueued
  std::shared_ptr<cuda_host::Op> tail;                 // the last operation; null if there is none
  std::deque<std::shared_ptr<cuda_host::Op>> pending;  // those not done, and some that are
  int queries = 0;                                     // that found it unfinished, in a row

  std::shared_ptr<cuda_host::Capture> capture;  // null: not capturing
  std::vector<CUgraphNode_st*> capture_tails;   // what the next captured node depends on

  bool blocking() const { return !legacy && (flags & cudaStreamNonBlocking) == 0; }
};

struct CUevent_st {
  // An interprocess event's counters, in memory that processes share.
  struct Shared {
    uint64_t recorded;   // how many records have been enqueued
    uint64_t completed;  // the latest one that is done
  };

  unsigned flags = 0;
  int device = 0;
  std::shared_ptr<cuda_host::EventState> state;
  int queries = 0;           // that found it unfinished, in a row
  Shared* shared = nullptr;  // null: not interprocess
};

#endif  // HARNESS_HOST_RUNTIME_OPERATION_H_
