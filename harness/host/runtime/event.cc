#include "harness/host/runtime/event.h"

#include <unistd.h>

#include <atomic>
#include <unordered_map>

#include "cuda_runtime_api.h"
#include "harness/host/executor/executor.h"
#include "harness/host/runtime/arena.h"
#include "harness/host/runtime/capture.h"
#include "harness/host/runtime/runtime.h"
#include "harness/host/runtime/stream_work.h"

namespace cuda_host {
namespace {

using EventPointer = std::shared_ptr<CUevent_st>;

std::unordered_map<cudaEvent_t, EventPointer>& Events() {
  static auto* const events = new std::unordered_map<cudaEvent_t, EventPointer>;
  return *events;
}

uint64_t Load(const uint64_t& counter) {
  return std::atomic_ref<uint64_t>(const_cast<uint64_t&>(counter)).load(std::memory_order_acquire);
}

void RaiseTo(uint64_t* counter, uint64_t number) {
  std::atomic_ref<uint64_t> atomic(*counter);
  uint64_t present = atomic.load();
  while (present < number && !atomic.compare_exchange_weak(present, number)) {
  }
}

std::vector<std::shared_ptr<Op>> LatestRecord(const CUevent_st& event) {
  if (event.state->record == nullptr) return {};
  return {event.state->record};
}

cudaError_t Record(cudaEvent_t handle, cudaStream_t stream, unsigned flags) {
  if ((flags & ~cudaEventRecordExternal) != 0) return cudaErrorInvalidValue;
  auto lock = Scheduler::Get().Acquire();
  const EventPointer event = FindEvent(handle);
  const Scheduler::Stream found = StreamOf(stream);
  if (event == nullptr || found == nullptr || event->device != found->device) return cudaErrorInvalidResourceHandle;
  event->queries = 0;
  if (found->capture != nullptr && (flags & cudaEventRecordExternal) == 0) {
    if (found->capture->spoiled) return cudaErrorStreamCaptureInvalidated;
    event->state->capture = found->capture->id;
    event->state->capture_nodes = found->capture_tails;
    return cudaSuccess;
  }
  if (found->capture == nullptr && flags != 0) return cudaErrorIllegalState;
  auto work = std::make_shared<Work>();
  work->type = cudaGraphNodeTypeEventRecord;
  work->what = "cudaEventRecord";
  work->record = event->state;
  if (event->shared != nullptr) {
    CUevent_st::Shared* const shared = event->shared;
    const uint64_t number = std::atomic_ref<uint64_t>(shared->recorded).fetch_add(1) + 1;
    work->finished = [shared, number] { RaiseTo(&shared->completed, number); };
  }
  return EnqueueOrCapture(lock, found, std::move(work));
}

// A task that ends once the other process's record is done.
std::shared_ptr<Work> WaitForShared(const CUevent_st::Shared* shared, uint64_t number) {
  auto work = std::make_shared<Work>();
  work->type = cudaGraphNodeTypeWaitEvent;
  work->what = "cudaStreamWaitEvent";
  work->start = [shared, number](const Operation&, Done done) {
    StartTask(
        [shared, number] {
          while (Load(shared->completed) < number && !DeviceFailed()) Yield();
        },
        std::move(done));
  };
  return work;
}

cudaError_t Wait(cudaStream_t stream, cudaEvent_t handle, unsigned flags) {
  if ((flags & ~cudaEventWaitExternal) != 0) return cudaErrorInvalidValue;
  Scheduler& scheduler = Scheduler::Get();
  auto lock = scheduler.Acquire();
  const EventPointer event = FindEvent(handle);
  const Scheduler::Stream found = StreamOf(stream);
  if (event == nullptr || found == nullptr) return cudaErrorInvalidResourceHandle;
  if (found->capture != nullptr && found->capture->spoiled) return cudaErrorStreamCaptureInvalidated;
  auto work = std::make_shared<Work>();
  work->type = cudaGraphNodeTypeWaitEvent;
  work->what = "cudaStreamWaitEvent";
  if (found->capture != nullptr && (flags & cudaEventWaitExternal) != 0) {
    work->wait = event->state;
    return AddCapturedNode(found.get(), std::move(work));
  }
  if (event->state->capture != 0) return WaitForCapturedEvent(found, *event->state);
  if (found->capture != nullptr) {
    if (event->state->record == nullptr && event->shared == nullptr) return cudaSuccess;  // never recorded
    found->capture->spoiled = true;
    return cudaErrorStreamCaptureIsolation;
  }
  if (found->legacy) {
    if (const cudaError_t error = SpoilCapturesByLegacyStream(found->device); error != cudaSuccess) return error;
  }
  if (event->shared != nullptr) {
    const uint64_t number = Load(event->shared->recorded);
    if (Load(event->shared->completed) < number) work = WaitForShared(event->shared, number);
  }
  const std::vector<std::shared_ptr<Op>> record = LatestRecord(*event);
  if (record.empty() && work->start == nullptr) return cudaSuccess;
  scheduler.Enqueue(lock, found, std::move(work), record);
  return cudaSuccess;
}

cudaError_t Query(cudaEvent_t handle) {
  Scheduler& scheduler = Scheduler::Get();
  auto lock = scheduler.Acquire();
  const EventPointer event = FindEvent(handle);
  if (event == nullptr) return cudaErrorInvalidResourceHandle;
  if (const cudaError_t error = RefuseIfCaptured(*event->state); error != cudaSuccess) return error;
  if (const cudaError_t error = SpoilCapturesByUnsafeCall(); error != cudaSuccess) return error;
  const cudaError_t error = scheduler.Query(lock, LatestRecord(*event), &event->queries);
  if (error != cudaSuccess || event->shared == nullptr) return error;
  return Load(event->shared->completed) < Load(event->shared->recorded) ? cudaErrorNotReady : cudaSuccess;
}

cudaError_t Synchronize(cudaEvent_t handle) {
  Scheduler& scheduler = Scheduler::Get();
  auto lock = scheduler.Acquire();
  const EventPointer event = FindEvent(handle);
  if (event == nullptr) return cudaErrorInvalidResourceHandle;
  if (const cudaError_t error = RefuseIfCaptured(*event->state); error != cudaSuccess) return error;
  if (const cudaError_t error = SpoilCapturesByUnsafeCall(); error != cudaSuccess) return error;
  const uint64_t number = event->shared == nullptr ? 0 : Load(event->shared->recorded);
  const cudaError_t error = scheduler.WaitFor(lock, LatestRecord(*event));
  while (error == cudaSuccess && number > 0 && Load(event->shared->completed) < number) {
    if (scheduler.failed() != cudaSuccess) return scheduler.failed();
    lock.unlock();
    usleep(20);
    lock.lock();
  }
  return error;
}

cudaError_t Elapsed(float* milliseconds, cudaEvent_t start_handle, cudaEvent_t end_handle) {
  const auto lock = Scheduler::Get().Acquire();
  const EventPointer start = FindEvent(start_handle), end = FindEvent(end_handle);
  if (start == nullptr || end == nullptr) return cudaErrorInvalidResourceHandle;
  if (!start->state->timed || !end->state->timed || start->device != end->device) return cudaErrorInvalidResourceHandle;
  for (const EventPointer& event : {start, end}) {
    if (const cudaError_t error = RefuseIfCaptured(*event->state); error != cudaSuccess) return error;
  }
  const std::shared_ptr<Op>& from = start->state->record;
  const std::shared_ptr<Op>& to = end->state->record;
  if (from == nullptr || to == nullptr) return cudaErrorInvalidResourceHandle;
  if (!from->done() || !to->done()) return cudaErrorNotReady;
  *milliseconds = std::chrono::duration<float, std::milli>(to->finished_at - from->finished_at).count();
  return cudaSuccess;
}

}  // namespace

EventPointer FindEvent(cudaEvent_t handle) {
  const auto found = Events().find(handle);
  return found == Events().end() ? nullptr : found->second;
}

EventPointer NewEvent(unsigned flags) {
  auto event = std::make_shared<CUevent_st>();
  event->flags = flags;
  event->device = CurrentDevice();
  event->state = std::make_shared<EventState>();
  event->state->timed = (flags & cudaEventDisableTiming) == 0;
  Events()[event.get()] = event;
  return event;
}

void ForgetEvents() { Events().clear(); }

}  // namespace cuda_host

using namespace cuda_host;  // NOLINT(build/namespaces): the API's functions are global

extern "C" {

cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  constexpr unsigned kKnown = cudaEventBlockingSync | cudaEventDisableTiming | cudaEventInterprocess;
  if (event == nullptr || (flags & ~kKnown) != 0) return Return(cudaErrorInvalidValue);
  const bool shared = (flags & cudaEventInterprocess) != 0;
  if (shared && (flags & cudaEventDisableTiming) == 0) return Return(cudaErrorInvalidValue);
  const auto lock = Scheduler::Get().Acquire();
  const EventPointer made = NewEvent(flags);
  if (shared) {
    ArenaHeader* const header = Arena::Get().header();
    if (header == nullptr || header->events == std::size(header->event)) return Return(cudaErrorMemoryAllocation);
    made->shared = &header->event[header->events++];
  }
  *event = made.get();
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return cudaEventRecordWithFlags(event, stream, 0);
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned flags) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  return Return(Record(event, stream, flags));
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  return Return(Wait(stream, event, flags));
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  return Return(Query(event));
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  return Return(Synchronize(event));
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  const auto lock = Scheduler::Get().Acquire();
  return Return(Events().erase(event) == 0 ? cudaErrorInvalidResourceHandle : cudaSuccess);
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (milliseconds == nullptr) return Return(cudaErrorInvalidValue);
  return Return(Elapsed(milliseconds, start, end));
}

}  // extern "C"
