#include "harness/host/runtime/capture.h"

#include <algorithm>
#include <set>

#include "cuda_runtime_api.h"
#include "harness/host/runtime/runtime.h"

namespace cuda_host {
namespace {

std::vector<std::shared_ptr<Capture>>& Captures() {
  static auto* const captures = new std::vector<std::shared_ptr<Capture>>;
  return *captures;
}

uint64_t g_capture_ids = 0;
thread_local cudaStreamCaptureMode t_mode = cudaStreamCaptureModeGlobal;

void AddTo(std::vector<CUgraphNode_st*>* nodes, CUgraphNode_st* node) {
  if (std::find(nodes->begin(), nodes->end(), node) == nodes->end()) nodes->push_back(node);
}

// Whether the origin's last nodes come behind all others.
bool Joined(const Capture& capture) {
  std::set<const CUgraphNode_st*> reached;
  std::vector<const CUgraphNode_st*> stack(capture.origin->capture_tails.begin(), capture.origin->capture_tails.end());
  while (!stack.empty()) {
    const CUgraphNode_st* const node = stack.back();
    stack.pop_back();
    if (reached.insert(node).second) stack.insert(stack.end(), node->dependencies.begin(), node->dependencies.end());
  }
  return reached.size() == capture.graph->nodes.size();
}

void End(const std::shared_ptr<Capture>& capture) {
  for (const auto& stream : capture->streams) {
    stream->capture.reset();
    stream->capture_tails.clear();
  }
  capture->streams.clear();
  std::erase(Captures(), capture);
}

cudaError_t Begin(const Scheduler::Stream& stream, cudaStreamCaptureMode mode) {
  if (stream->legacy) return cudaErrorStreamCaptureUnsupported;
  if (stream->capture != nullptr) return cudaErrorIllegalState;
  auto capture = std::make_shared<Capture>();
  capture->id = ++g_capture_ids;
  capture->mode = mode;
  capture->thread = std::this_thread::get_id();
  capture->graph = std::make_shared<CUgraph_st>();
  capture->origin = stream;
  capture->streams.push_back(stream);
  stream->capture = capture;
  stream->capture_tails.clear();
  Captures().push_back(std::move(capture));
  return cudaSuccess;
}

cudaError_t EndCapture(const Scheduler::Stream& stream, cudaGraph_t* graph) {
  const std::shared_ptr<Capture> capture = stream->capture;
  if (capture == nullptr) return cudaErrorIllegalState;
  if (capture->mode != cudaStreamCaptureModeRelaxed && capture->thread != std::this_thread::get_id()) {
    End(capture);
    return cudaErrorStreamCaptureWrongThread;
  }
  if (capture->origin != stream) {
    capture->spoiled = true;
    return cudaErrorStreamCaptureUnmatched;
  }
  const bool joined = capture->spoiled || Joined(*capture);
  const bool spoiled = capture->spoiled;
  End(capture);
  if (spoiled) return cudaErrorStreamCaptureInvalidated;
  if (!joined) return cudaErrorStreamCaptureUnjoined;
  *graph = HandOutGraph(capture->graph);
  return cudaSuccess;
}

}  // namespace

cudaError_t SpoilCapturesByUnsafeCall() {
  if (t_mode == cudaStreamCaptureModeRelaxed) return cudaSuccess;
  cudaError_t error = cudaSuccess;
  for (const auto& capture : Captures()) {
    if (capture->mode == cudaStreamCaptureModeRelaxed) continue;
    const bool own = capture->thread == std::this_thread::get_id();
    if (own || (capture->mode == cudaStreamCaptureModeGlobal && t_mode == cudaStreamCaptureModeGlobal)) {
      capture->spoiled = true;
      error = cudaErrorStreamCaptureUnsupported;
    }
  }
  return error;
}

cudaError_t SpoilCapturesByLegacyStream(int device) {
  cudaError_t error = cudaSuccess;
  for (const auto& capture : Captures()) {
    for (const auto& stream : capture->streams) {
      if (stream->device != device || !stream->blocking()) continue;
      capture->spoiled = true;
      error = cudaErrorStreamCaptureImplicit;
    }
  }
  return error;
}

cudaError_t RefuseIfCapturing(CUstream_st* stream) {
  if (stream->capture == nullptr) return cudaSuccess;
  stream->capture->spoiled = true;
  return cudaErrorStreamCaptureUnsupported;
}

cudaError_t RefuseIfAnythingCaptures() {
  if (Captures().empty()) return cudaSuccess;
  for (const auto& capture : Captures()) capture->spoiled = true;
  return cudaErrorStreamCaptureUnsupported;
}

cudaError_t RefuseIfCaptured(const EventState& event) {
  if (event.capture == 0) return cudaSuccess;
  for (const auto& capture : Captures()) {
    if (capture->id != event.capture || capture->spoiled) continue;
    capture->spoiled = true;
    return cudaErrorCapturedEvent;
  }
  return cudaErrorInvalidValue;
}

cudaError_t AddCapturedNode(CUstream_st* stream, std::shared_ptr<const Work> work,
                            std::shared_ptr<const CUgraph_st> child) {
  Capture& capture = *stream->capture;
  if (capture.spoiled) return cudaErrorStreamCaptureInvalidated;
  auto node = std::make_unique<CUgraphNode_st>();
  node->graph = capture.graph.get();
  node->work = std::move(work);
  node->child = std::move(child);
  node->dependencies = stream->capture_tails;
  stream->capture_tails = {node.get()};
  capture.graph->nodes.push_back(std::move(node));
  return cudaSuccess;
}

cudaError_t WaitForCapturedEvent(const Scheduler::Stream& stream, const EventState& event) {
  const auto found = std::find_if(Captures().begin(), Captures().end(),
                                  [&](const auto& capture) { return capture->id == event.capture; });
  if (found == Captures().end()) return cudaErrorInvalidValue;
  const std::shared_ptr<Capture> capture = *found;
  if (capture->spoiled) return cudaErrorStreamCaptureInvalidated;
  if (stream->legacy) {
    capture->spoiled = true;
    return cudaErrorStreamCaptureImplicit;
  }
  if (stream->capture == nullptr) {
    stream->capture = capture;
    stream->capture_tails.clear();
    capture->streams.push_back(stream);
  } else if (stream->capture != capture) {
    capture->spoiled = true;
    stream->capture->spoiled = true;
    return cudaErrorStreamCaptureMerge;
  }
  for (CUgraphNode_st* const node : event.capture_nodes) AddTo(&stream->capture_tails, node);
  return cudaSuccess;
}

cudaError_t EnqueueOrCapture(Scheduler::Lock& lock, const Scheduler::Stream& stream, std::shared_ptr<const Work> work,
                             std::shared_ptr<Op>* op) {
  if (op != nullptr) op->reset();
  if (stream->legacy) {
    if (const cudaError_t error = SpoilCapturesByLegacyStream(stream->device); error != cudaSuccess) return error;
  }
  if (stream->capture != nullptr) return AddCapturedNode(stream.get(), std::move(work));
  std::shared_ptr<Op> enqueued = Scheduler::Get().Enqueue(lock, stream, std::move(work));
  if (op != nullptr) *op = std::move(enqueued);
  return cudaSuccess;
}

}  // namespace cuda_host

using namespace cuda_host;  // NOLINT(build/namespaces): the API's functions are global

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (mode < cudaStreamCaptureModeGlobal || mode > cudaStreamCaptureModeRelaxed) return Return(cudaErrorInvalidValue);
  const auto lock = Scheduler::Get().Acquire();
  const Scheduler::Stream found = StreamOf(stream);
  if (found == nullptr) return Return(cudaErrorInvalidResourceHandle);
  return Return(Begin(found, mode));
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (graph == nullptr) return Return(cudaErrorInvalidValue);
  *graph = nullptr;
  const auto lock = Scheduler::Get().Acquire();
  const Scheduler::Stream found = StreamOf(stream);
  if (found == nullptr) return Return(cudaErrorInvalidResourceHandle);
  return Return(EndCapture(found, graph));
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  return cudaStreamGetCaptureInfo(stream, status, nullptr, nullptr, nullptr, nullptr, nullptr);
}

cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, cudaStreamCaptureStatus* status, unsigned long long* id,
                                     cudaGraph_t* graph, const cudaGraphNode_t** dependencies,
                                     const cudaGraphEdgeData** edges, size_t* count) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (status == nullptr) return Return(cudaErrorInvalidValue);
  const auto lock = Scheduler::Get().Acquire();
  const Scheduler::Stream found = StreamOf(stream);
  if (found == nullptr) return Return(cudaErrorInvalidResourceHandle);
  if (found->legacy) {
    if (const cudaError_t error = SpoilCapturesByLegacyStream(found->device); error != cudaSuccess)
      return Return(error);
  }
  *status = cudaStreamCaptureStatusNone;
  if (found->capture == nullptr) return cudaSuccess;
  *status = found->capture->spoiled ? cudaStreamCaptureStatusInvalidated : cudaStreamCaptureStatusActive;
  if (id != nullptr) *id = found->capture->id;
  if (graph != nullptr) *graph = found->capture->graph.get();
  if (dependencies != nullptr) *dependencies = found->capture_tails.data();
  if (edges != nullptr) *edges = nullptr;
  if (count != nullptr) *count = found->capture_tails.size();
  return cudaSuccess;
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (mode == nullptr || *mode < cudaStreamCaptureModeGlobal || *mode > cudaStreamCaptureModeRelaxed) {
    return Return(cudaErrorInvalidValue);
  }
  std::swap(*mode, t_mode);
  return cudaSuccess;
}

}  // extern "C"
