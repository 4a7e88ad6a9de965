#include "harness/host/runtime/copy.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "harness/host/check/memory.h"
#include "harness/host/executor/executor.h"
#include "harness/host/runtime/arena.h"
#include "harness/host/runtime/memory.h"
#include "harness/host/runtime/runtime.h"

namespace cuda_host {
namespace {

constexpr size_t kMostStaged = size_t{1} << 20;
constexpr size_t kChunk = size_t{256} << 10;  // other work may run between chunks

enum class Side { kPageable, kPinned, kManaged, kDevice };

// Where `bytes` at `data` lie. An error for memory that is freed, or that the range does not fit into.
cudaError_t Locate(const char* data, size_t bytes, Side* side) {
  const std::optional<Range> range = Memory::Get().Find(data);
  if (!range) {
    *side = Side::kPageable;
    return data == nullptr || Arena::Get().Contains(data) ? cudaErrorInvalidValue : cudaSuccess;
  }
  *side = range->kind == Range::Kind::kManaged ? Side::kManaged
          : range->device_memory()             ? Side::kDevice
                                               : Side::kPinned;
  const size_t left = static_cast<size_t>(range->data + range->bytes - data);
  if (bytes <= left) return cudaSuccess;
  // Pieces that cuMemMap has put side by side are one.
  Side rest;
  if (const auto next = Memory::Get().Find(data + left); next && next->data == data + left &&
                                                         next->kind == range->kind &&
                                                         Locate(data + left, bytes - left, &rest) == cudaSuccess) {
    return cudaSuccess;
  }
  check::OnBadRange(bytes, left, range->bytes);
  return cudaErrorInvalidValue;
}

size_t Span(size_t width, size_t height, size_t depth, size_t pitch, size_t slice) {
  return (depth - 1) * slice + (height - 1) * pitch + width;
}

// Whether the direction can be meant. A wrong one that involves known device memory only is undefined, but a GPU
// copies.
cudaError_t CheckDirection(const Copy& copy, cudaMemcpyKind kind, Side target, Side source) {
  if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault) return cudaErrorInvalidMemcpyDirection;
  if (kind == cudaMemcpyDefault) return cudaSuccess;
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if ((to_device && target == Side::kPageable) || (from_device && source == Side::kPageable)) {
    return cudaErrorInvalidValue;
  }
  const char* const wrong = !to_device && target == Side::kDevice     ? "target is device memory"
                            : !from_device && source == Side::kDevice ? "source is device memory"
                                                                      : nullptr;
  if (wrong == nullptr) return cudaSuccess;
  constexpr const char* kNames[] = {"cudaMemcpyHostToHost", "cudaMemcpyHostToDevice", "cudaMemcpyDeviceToHost",
                                    "cudaMemcpyDeviceToDevice"};
  Report(std::string(copy.api) + ": the kind is " + kNames[kind] + ", but the " + wrong +
         "; what that does is undefined: use the right kind or cudaMemcpyDefault");
  return cudaSuccess;
}

void CopyRow(const Operation& operation, const char* api, char* target, const char* source, size_t bytes) {
  for (size_t begin = 0; begin < bytes; begin += kChunk) {
    if (begin > 0) Yield();
    const size_t n = std::min(kChunk, bytes - begin);
    check::OnCopy(operation, api, target + begin, source + begin, n);
    std::memmove(target + begin, source + begin, n);
  }
}

void DoCopy(const Operation& operation, const Copy& copy) {
  const bool flat =
      copy.depth == 1 && (copy.height == 1 || (copy.target_pitch == copy.width && copy.source_pitch == copy.width));
  if (flat) return CopyRow(operation, copy.api, copy.target, copy.source, copy.width * copy.height);
  for (size_t z = 0; z < copy.depth; ++z) {
    for (size_t y = 0; y < copy.height; ++y) {
      CopyRow(operation, copy.api, copy.target + z * copy.target_slice + y * copy.target_pitch,
              copy.source + z * copy.source_slice + y * copy.source_pitch, copy.width);
    }
  }
}

// The same from a buffer that holds what the source holds now.
Copy Staged(Copy copy, std::shared_ptr<char[]>* buffer) {
  const size_t bytes = copy.width * copy.height * copy.depth;
  *buffer = std::shared_ptr<char[]>(new char[bytes]);
  char* out = buffer->get();
  for (size_t z = 0; z < copy.depth; ++z) {
    for (size_t y = 0; y < copy.height; ++y, out += copy.width) {
      std::memcpy(out, copy.source + z * copy.source_slice + y * copy.source_pitch, copy.width);
    }
  }
  copy.source = buffer->get();
  copy.source_pitch = copy.width;
  copy.source_slice = copy.width * copy.height;
  return copy;
}

bool HostFunctionPending(const CUstream_st& stream) {
  return std::any_of(stream.pending.begin(), stream.pending.end(),
                     [](const auto& op) { return !op->done() && op->work->type == cudaGraphNodeTypeHost; });
}

std::shared_ptr<Work> NewWork(cudaGraphNodeType type, const char* what, std::function<void(const Operation&)> body) {
  auto work = std::make_shared<Work>();
  work->type = type;
  work->what = what;
  work->start = [body = std::move(body)](const Operation& operation, Done done) {
    StartTask([body, operation] { body(operation); }, std::move(done));
  };
  return work;
}

}  // namespace

cudaError_t EnqueueCopy(const Copy& requested, cudaMemcpyKind kind, cudaStream_t stream, bool synchronous) {
  Copy copy = requested;
  if (copy.width == 0 || copy.height == 0 || copy.depth == 0) return cudaSuccess;
  if ((copy.height > 1 || copy.depth > 1) && (copy.target_pitch < copy.width || copy.source_pitch < copy.width)) {
    return cudaErrorInvalidPitchValue;
  }
  Side target, source;
  cudaError_t error =
      Locate(copy.target, Span(copy.width, copy.height, copy.depth, copy.target_pitch, copy.target_slice), &target);
  if (error != cudaSuccess) return error;
  error = Locate(copy.source, Span(copy.width, copy.height, copy.depth, copy.source_pitch, copy.source_slice), &source);
  if (error != cudaSuccess) return error;
  error = CheckDirection(copy, kind, target, source);
  if (error != cudaSuccess) return error;

  Scheduler& scheduler = Scheduler::Get();
  auto lock = scheduler.Acquire();
  const Scheduler::Stream found = StreamOf(stream);
  if (found == nullptr) return cudaErrorInvalidResourceHandle;

  const bool host_to_host = target != Side::kDevice && source != Side::kDevice;
  const bool from_pageable = source == Side::kPageable && target == Side::kDevice;
  bool wait = host_to_host || target == Side::kPageable || source == Side::kPageable;
  if (synchronous && !(target == Side::kDevice && source == Side::kDevice)) wait = true;
  std::shared_ptr<char[]> buffer;
  if (found->capture != nullptr) {
    wait = false;
  } else if (from_pageable && copy.width * copy.height * copy.depth <= kMostStaged) {
    // Staged: the host's buffer is free again, but the target does not have the data yet.
    if (synchronous || HostFunctionPending(*found)) {
      error = scheduler.WaitFor(lock, scheduler.Tails(*found));
      if (error != cudaSuccess) return error;
    }
    copy = Staged(copy, &buffer);
    wait = false;
  }
  std::shared_ptr<Op> op;
  error = EnqueueOrCapture(lock, found,
                           NewWork(cudaGraphNodeTypeMemcpy, copy.api,
                                   [copy, buffer](const Operation& operation) { DoCopy(operation, copy); }),
                           &op);
  if (error != cudaSuccess || !wait || op == nullptr) return error;
  return scheduler.WaitFor(lock, {op});
}

cudaError_t EnqueueFill(const Fill& fill, cudaStream_t stream, bool synchronous) {
  if (fill.width == 0 || fill.height == 0) return cudaSuccess;
  if (fill.height > 1 && fill.pitch < fill.width) return cudaErrorInvalidValue;
  Side side;
  if (const cudaError_t error = Locate(fill.target, Span(fill.width, fill.height, 1, fill.pitch, 0), &side);
      error != cudaSuccess) {
    return error;
  }
  if (side == Side::kPageable) return cudaErrorInvalidValue;
  Scheduler& scheduler = Scheduler::Get();
  auto lock = scheduler.Acquire();
  const Scheduler::Stream found = StreamOf(stream);
  if (found == nullptr) return cudaErrorInvalidResourceHandle;
  std::shared_ptr<Op> op;
  const cudaError_t error =
      EnqueueOrCapture(lock, found,
                       NewWork(cudaGraphNodeTypeMemset, fill.api,
                               [fill](const Operation& operation) {
                                 for (size_t y = 0; y < fill.height; ++y) {
                                   check::OnFill(operation, fill.api, fill.target + y * fill.pitch, fill.width);
                                   std::memset(fill.target + y * fill.pitch, fill.value, fill.width);
                                 }
                               }),
                       &op);
  // Of device memory even the function without Async does not wait.
  if (error != cudaSuccess || op == nullptr || !synchronous || side == Side::kDevice) return error;
  return scheduler.WaitFor(lock, {op});
}

}  // namespace cuda_host
