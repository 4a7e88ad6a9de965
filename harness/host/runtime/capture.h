// Graphs, and the capture of streams into them. Guarded by the scheduler's mutex.
#ifndef HARNESS_HOST_RUNTIME_CAPTURE_H_
#define HARNESS_HOST_RUNTIME_CAPTURE_H_

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "harness/host/runtime/scheduler.h"

struct CUgraphNode_st {
  CUgraph_st* graph = nullptr;
  std::shared_ptr<const cuda_host::Work> work;  // null in a child graph's node
  std::shared_ptr<const CUgraph_st> child;
  std::vector<CUgraphNode_st*> dependencies;
};

struct CUgraph_st {
  std::vector<std::unique_ptr<CUgraphNode_st>> nodes;  // each behind its dependencies
};

namespace cuda_host {

struct Capture {
  uint64_t id = 0;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::thread::id thread;
  bool spoiled = false;
  std::shared_ptr<CUgraph_st> graph;
  std::shared_ptr<CUstream_st> origin;
  std::vector<std::shared_ptr<CUstream_st>> streams;  // the origin and those that joined
};

// What a call that CUDA calls unsafe meets: an error, if a capture forbids it (which is spoiled then).
cudaError_t SpoilCapturesByUnsafeCall();
// Work on the legacy stream, or a wait for it, would make it depend on a blocking stream that captures.
cudaError_t SpoilCapturesByLegacyStream(int device);
// For calls that a capturing stream does not allow; spoils the capture. cudaSuccess where it does not capture.
cudaError_t RefuseIfCapturing(CUstream_st* stream);
// Waiting for the whole device is not allowed while anything captures.
cudaError_t RefuseIfAnythingCaptures();

// Appends a node to the capturing stream: either `work` or `child`.
cudaError_t AddCapturedNode(CUstream_st* stream, std::shared_ptr<const Work> work,
                            std::shared_ptr<const CUgraph_st> child = nullptr);
// The stream, capturing or not, waits for the event, whose latest record was captured.
cudaError_t WaitForCapturedEvent(const std::shared_ptr<CUstream_st>& stream, const EventState& event);
// For what cannot be asked of an event whose latest record was captured; spoils that capture.
cudaError_t RefuseIfCaptured(const EventState& event);

std::shared_ptr<CUgraph_st> CloneGraph(const CUgraph_st& graph);
// Gives the graph a handle, with which it can be destroyed.
cudaGraph_t HandOutGraph(std::shared_ptr<CUgraph_st> graph);

}  // namespace cuda_host

#endif  // HARNESS_HOST_RUNTIME_CAPTURE_H_
