#include <sched.h>

#include <condition_variable>
#include <deque>
#include <map>

#include "cuda_runtime_api.h"
#include "harness/host/executor/executor.h"
#include "harness/host/runtime/capture.h"
#include "harness/host/runtime/runtime.h"
#include "harness/host/runtime/stream_work.h"
#include "harness/host/runtime/thread.h"

namespace cuda_host {
namespace {

constexpr int kLowestPriority = 0;
constexpr int kHighestPriority = -5;

thread_local const Operation* t_host_function = nullptr;

// The thread that runs host functions, one after the other.
class HostFunctions {
 public:
  static HostFunctions& Get() {
    static auto* const functions = new HostFunctions;
    return *functions;
  }
  void Run(std::function<void()> function, Operation operation, Done done) {
    std::lock_guard<std::mutex> lock(mutex_);
    queue_.push_back({std::move(function), std::move(operation), std::move(done)});
    wake_.notify_one();
  }

 private:
  struct Call {
    std::function<void()> function;
    Operation operation;
    Done done;
  };

  HostFunctions() {
    StartThread([this] { Loop(); });
  }
  void Loop() {
    ForbidCalls(true);
    for (;;) {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&] { return !queue_.empty(); });
      const Call call = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      t_host_function = &call.operation;
      call.function();
      t_host_function = nullptr;
      call.done(cudaSuccess);
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Call> queue_;
};

cudaError_t EnqueueHostFunction(cudaStream_t stream, const char* what, std::function<void()> function) {
  auto work = std::make_shared<Work>();
  work->type = cudaGraphNodeTypeHost;
  work->what = what;
  work->start = [function = std::move(function)](const Operation& operation, Done done) {
    HostFunctions::Get().Run(function, operation, std::move(done));
  };
  auto lock = Scheduler::Get().Acquire();
  const Scheduler::Stream found = StreamOf(stream);
  if (found == nullptr) return cudaErrorInvalidResourceHandle;
  return EnqueueOrCapture(lock, found, std::move(work));
}

template <typename Read>
cudaError_t ReadStream(cudaStream_t stream, bool valid, Read read) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (!valid) return Return(cudaErrorInvalidValue);
  const auto lock = Scheduler::Get().Acquire();
  const Scheduler::Stream found = StreamOf(stream);
  if (found == nullptr) return Return(cudaErrorInvalidResourceHandle);
  read(*found);
  return cudaSuccess;
}

}  // namespace

Scheduler::Stream StreamOf(cudaStream_t handle) {
  Scheduler& scheduler = Scheduler::Get();
  if (handle == nullptr || handle == cudaStreamLegacy) return scheduler.Legacy(CurrentDevice());
  if (handle == cudaStreamPerThread) {
    thread_local std::map<int, std::weak_ptr<CUstream_st>> streams;
    Scheduler::Stream stream = streams[CurrentDevice()].lock();
    if (stream == nullptr || scheduler.Find(stream.get()) == nullptr) {
      stream = scheduler.NewStream(CurrentDevice(), cudaStreamDefault, 0, false);
      streams[CurrentDevice()] = stream;
    }
    return stream;
  }
  return scheduler.Find(handle);
}

cudaError_t EnqueueTask(cudaStream_t stream, const char* what, std::function<void(const Operation&)> body) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return error;
  auto work = std::make_shared<Work>();
  work->type = cudaGraphNodeTypeKernel;
  work->what = what;
  work->start = [body = std::move(body)](const Operation& operation, Done done) {
    StartTask([body, operation] { body(operation); }, std::move(done));
  };
  auto lock = Scheduler::Get().Acquire();
  const Scheduler::Stream found = StreamOf(stream);
  if (found == nullptr) return cudaErrorInvalidResourceHandle;
  return EnqueueOrCapture(lock, found, std::move(work));
}

bool DeviceFailed() {
  Scheduler& scheduler = Scheduler::Get();
  const auto lock = scheduler.Acquire();
  return scheduler.failed() != cudaSuccess;
}

void FailDevice(cudaError_t error) {
  Scheduler& scheduler = Scheduler::Get();
  const auto lock = scheduler.Acquire();
  scheduler.Fail(error);
}

const Operation* CurrentHostFunction() { return t_host_function; }

int DeviceOfStream(cudaStream_t stream) {
  const auto lock = Scheduler::Get().Acquire();
  const Scheduler::Stream found = StreamOf(stream);
  return found == nullptr ? -1 : found->device;
}

}  // namespace cuda_host

using namespace cuda_host;  // NOLINT(build/namespaces): the API's functions are global

extern "C" {

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithPriority(stream, cudaStreamDefault, 0);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return cudaStreamCreateWithPriority(stream, flags, 0);
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int priority) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (stream == nullptr || (flags & ~cudaStreamNonBlocking) != 0) return Return(cudaErrorInvalidValue);
  Scheduler& scheduler = Scheduler::Get();
  const auto lock = scheduler.Acquire();
  const int kept = std::clamp(priority, kHighestPriority, kLowestPriority);
  *stream = scheduler.NewStream(CurrentDevice(), flags, kept, false).get();
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  Scheduler& scheduler = Scheduler::Get();
  const auto lock = scheduler.Acquire();
  const Scheduler::Stream found = scheduler.Find(stream);
  if (found == nullptr || found->legacy) return Return(cudaErrorInvalidResourceHandle);
  if (found->capture != nullptr) found->capture->spoiled = true;
  scheduler.DestroyStream(found);
  return cudaSuccess;
}

cudaError_t cudaStreamGetPriority(cudaStream_t stream, int* priority) {
  return ReadStream(stream, priority != nullptr, [&](const CUstream_st& found) { *priority = found.priority; });
}

cudaError_t cudaStreamGetFlags(cudaStream_t stream, unsigned* flags) {
  return ReadStream(stream, flags != nullptr, [&](const CUstream_st& found) { *flags = found.flags; });
}

cudaError_t cudaStreamGetId(cudaStream_t stream, unsigned long long* id) {
  return ReadStream(stream, id != nullptr, [&](const CUstream_st& found) { *id = found.id; });
}

cudaError_t cudaStreamGetDevice(cudaStream_t stream, int* device) {
  return ReadStream(stream, device != nullptr, [&](const CUstream_st& found) { *device = found.device; });
}

cudaError_t cudaStreamSetAttribute(cudaStream_t stream, cudaStreamAttrID attribute, const cudaStreamAttrValue* value) {
  if (value == nullptr) return Return(cudaErrorInvalidValue);
  return ReadStream(stream, true, [&](CUstream_st& found) {
    if (attribute == cudaLaunchAttributePriority) found.priority = value->priority;
  });
}

cudaError_t cudaStreamGetAttribute(cudaStream_t stream, cudaStreamAttrID attribute, cudaStreamAttrValue* value) {
  if (value == nullptr) return Return(cudaErrorInvalidValue);
  return ReadStream(stream, true, [&](const CUstream_st& found) {
    *value = {};
    if (attribute == cudaLaunchAttributePriority) value->priority = found.priority;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  Scheduler& scheduler = Scheduler::Get();
  auto lock = scheduler.Acquire();
  const Scheduler::Stream found = StreamOf(stream);
  if (found == nullptr) return Return(cudaErrorInvalidResourceHandle);
  if (const cudaError_t error = RefuseIfCapturing(found.get()); error != cudaSuccess) return Return(error);
  if (const cudaError_t error = SpoilCapturesByUnsafeCall(); error != cudaSuccess) return Return(error);
  if (!found->legacy) return Return(scheduler.WaitForStream(lock, found));
  // It comes behind the blocking streams' work.
  if (const cudaError_t error = SpoilCapturesByLegacyStream(found->device); error != cudaSuccess) return Return(error);
  return Return(scheduler.WaitFor(lock, scheduler.Tails(*found)));
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  Scheduler& scheduler = Scheduler::Get();
  auto lock = scheduler.Acquire();
  const Scheduler::Stream found = StreamOf(stream);
  if (found == nullptr) return Return(cudaErrorInvalidResourceHandle);
  if (const cudaError_t error = RefuseIfCapturing(found.get()); error != cudaSuccess) return Return(error);
  if (const cudaError_t error = SpoilCapturesByUnsafeCall(); error != cudaSuccess) return Return(error);
  if (found->legacy) {
    if (const cudaError_t error = SpoilCapturesByLegacyStream(found->device); error != cudaSuccess)
      return Return(error);
  }
  std::vector<std::shared_ptr<Op>> targets;
  if (found->legacy) {
    targets = scheduler.Tails(*found);
  } else if (found->tail != nullptr) {
    targets.push_back(found->tail);
  }
  return Return(scheduler.Query(lock, targets, &found->queries));
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* argument) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (function == nullptr) return Return(cudaErrorInvalidValue);
  return Return(EnqueueHostFunction(stream, "cudaLaunchHostFunc", [=] { function(argument); }));
}

cudaError_t cudaStreamAddCallback(cudaStream_t stream, cudaStreamCallback_t callback, void* argument, unsigned flags) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (callback == nullptr || flags != 0) return Return(cudaErrorInvalidValue);
  {
    const auto lock = Scheduler::Get().Acquire();
    const Scheduler::Stream found = StreamOf(stream);
    if (found == nullptr) return Return(cudaErrorInvalidResourceHandle);
    if (const cudaError_t error = RefuseIfCapturing(found.get()); error != cudaSuccess) return Return(error);
  }
  return Return(EnqueueHostFunction(stream, "cudaStreamAddCallback", [=] { callback(stream, cudaSuccess, argument); }));
}

cudaError_t cudaStreamAttachMemAsync(cudaStream_t stream, void* data, size_t, unsigned flags) {
  if (data == nullptr || flags == 0) return Return(cudaErrorInvalidValue);
  return ReadStream(stream, true, [](const CUstream_st&) {});
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* lowest, int* highest) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (lowest != nullptr) *lowest = kLowestPriority;
  if (highest != nullptr) *highest = kHighestPriority;
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  Scheduler& scheduler = Scheduler::Get();
  auto lock = scheduler.Acquire();
  if (const cudaError_t error = RefuseIfAnythingCaptures(); error != cudaSuccess) return Return(error);
  return Return(scheduler.WaitForDevice(lock, CurrentDevice()));
}

}  // extern "C"
