#include <atomic>
#include <thread>
#include <vector>

#include "harness/host/runtime/stream_work.h"
#include "harness/host/runtime/test_kernels.h"

namespace cuda_host {
namespace {

class GraphTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_CUDA(cudaStreamCreateWithFlags(&a_, cudaStreamNonBlocking));
    ASSERT_CUDA(cudaStreamCreateWithFlags(&b_, cudaStreamNonBlocking));
    ASSERT_CUDA(cudaEventCreate(&fork_));
    ASSERT_CUDA(cudaEventCreate(&join_));
    ASSERT_CUDA(cudaMalloc(&value_, sizeof(long)));
    ASSERT_CUDA(cudaMemset(value_, 0, sizeof(long)));
    ASSERT_CUDA(cudaDeviceSynchronize());
  }
  void TearDown() override {
    EXPECT_CUDA(cudaDeviceSynchronize());
    EXPECT_CUDA(cudaFree(value_));
    EXPECT_CUDA(cudaEventDestroy(fork_));
    EXPECT_CUDA(cudaEventDestroy(join_));
    EXPECT_CUDA(cudaStreamDestroy(a_));
    EXPECT_CUDA(cudaStreamDestroy(b_));
    EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  }
  long Value() {
    long value = 0;
    EXPECT_CUDA(cudaMemcpy(&value, value_, sizeof value, cudaMemcpyDeviceToHost));
    return value;
  }
  void Zero() {
    ASSERT_CUDA(cudaMemset(value_, 0, sizeof(long)));
    ASSERT_CUDA(cudaDeviceSynchronize());
  }
  void ExpectError(cudaError_t got, cudaError_t wanted) {
    EXPECT_EQ(got, wanted) << cudaGetErrorName(got);
    EXPECT_EQ(cudaGetLastError(), wanted);
  }
  void Begin(cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal) {
    ASSERT_CUDA(cudaStreamBeginCapture(a_, mode));
  }
  cudaGraph_t End() {
    cudaGraph_t graph = nullptr;
    EXPECT_CUDA(cudaStreamEndCapture(a_, &graph));
    return graph;
  }
  void EndsWith(cudaError_t wanted) {
    cudaGraph_t graph = nullptr;
    ExpectError(cudaStreamEndCapture(a_, &graph), wanted);
    EXPECT_EQ(graph, nullptr);
  }
  cudaGraphExec_t Instantiate(cudaGraph_t graph) {
    cudaGraphExec_t exec = nullptr;
    EXPECT_CUDA(cudaGraphInstantiate(&exec, graph, 0));
    EXPECT_CUDA(cudaGraphDestroy(graph));
    return exec;
  }
  size_t Nodes(cudaGraph_t graph) {
    size_t count = 0;
    EXPECT_CUDA(cudaGraphGetNodes(graph, nullptr, &count));
    return count;
  }
  void Fork() {
    ASSERT_CUDA(cudaEventRecord(fork_, a_));
    ASSERT_CUDA(cudaStreamWaitEvent(b_, fork_));
  }
  void Join() {
    ASSERT_CUDA(cudaEventRecord(join_, b_));
    ASSERT_CUDA(cudaStreamWaitEvent(a_, join_));
  }

  cudaStream_t a_ = nullptr, b_ = nullptr;
  cudaEvent_t fork_ = nullptr, join_ = nullptr;
  long* value_ = nullptr;
};

TEST_F(GraphTest, ACaptureRunsOnlyWhenLaunched) {
  Begin();
  ASSERT_CUDA(LaunchOne(a_, &Append, value_, 1L));
  ASSERT_CUDA(EnqueueTask(a_, "task", [value = value_](const Operation&) { Append(value, 2); }));
  ASSERT_CUDA(cudaMemsetAsync(value_ + 1 - 1, 0, 0, a_));
  cudaStreamCaptureStatus status;
  EXPECT_CUDA(cudaStreamIsCapturing(a_, &status));
  EXPECT_EQ(status, cudaStreamCaptureStatusActive);
  const cudaGraph_t graph = End();
  EXPECT_CUDA(cudaStreamIsCapturing(a_, &status));
  EXPECT_EQ(status, cudaStreamCaptureStatusNone);
  EXPECT_EQ(Nodes(graph), 2u);
  const cudaGraphExec_t exec = Instantiate(graph);
  EXPECT_CUDA(cudaDeviceSynchronize());
  EXPECT_EQ(Value(), 0);
  ASSERT_CUDA(cudaGraphLaunch(exec, a_));
  ASSERT_CUDA(cudaGraphLaunch(exec, b_));  // one graph's launches come one after the other
  ASSERT_CUDA(LaunchOne(b_, &Append, value_, 3L));
  ASSERT_CUDA(cudaStreamSynchronize(b_));
  EXPECT_EQ(Value(), 12123);
  EXPECT_CUDA(cudaGraphExecDestroy(exec));
  ExpectError(cudaGraphLaunch(exec, a_), cudaErrorInvalidValue);
}

TEST_F(GraphTest, BranchesRunInBothOrdersBetweenForkAndJoin) {
  Begin();
  ASSERT_CUDA(LaunchOne(a_, &Append, value_, 1L));
  Fork();
  ASSERT_CUDA(LaunchOne(b_, &Append, value_, 2L));
  ASSERT_CUDA(LaunchOne(a_, &Append, value_, 3L));
  Join();
  ASSERT_CUDA(LaunchOne(a_, &Append, value_, 4L));
  const cudaGraph_t graph = End();
  EXPECT_EQ(Nodes(graph), 4u);
  size_t roots = 0, edges = 0;
  EXPECT_CUDA(cudaGraphGetRootNodes(graph, nullptr, &roots));
  EXPECT_EQ(roots, 1u);
  EXPECT_CUDA(cudaGraphGetEdges(graph, nullptr, nullptr, nullptr, &edges));
  EXPECT_EQ(edges, 4u);
  const cudaGraphExec_t exec = Instantiate(graph);
  int seen[2] = {};
  for (int i = 0; i < 32; ++i) {
    Zero();
    ASSERT_CUDA(cudaGraphLaunch(exec, a_));
    ASSERT_CUDA(cudaStreamSynchronize(a_));
    const long value = Value();
    ASSERT_TRUE(value == 1234 || value == 1324) << value;
    ++seen[value == 1234];
  }
  EXPECT_GT(seen[0], 3);
  EXPECT_GT(seen[1], 3);
  EXPECT_CUDA(cudaGraphExecDestroy(exec));
}

TEST_F(GraphTest, AGraphCanBeCapturedIntoAnother) {
  Begin();
  ASSERT_CUDA(LaunchOne(a_, &Append, value_, 1L));
  ASSERT_CUDA(LaunchOne(a_, &Append, value_, 2L));
  const cudaGraphExec_t inner = Instantiate(End());
  Begin();
  ASSERT_CUDA(LaunchOne(a_, &Append, value_, 9L));
  ASSERT_CUDA(cudaGraphLaunch(inner, a_));
  ASSERT_CUDA(LaunchOne(a_, &Append, value_, 8L));
  const cudaGraph_t graph = End();
  EXPECT_EQ(Nodes(graph), 3u);
  const cudaGraphExec_t outer = Instantiate(graph);
  EXPECT_CUDA(cudaGraphExecDestroy(inner));
  ASSERT_CUDA(cudaGraphLaunch(outer, a_));
  ASSERT_CUDA(cudaStreamSynchronize(a_));
  EXPECT_EQ(Value(), 9128);
  EXPECT_CUDA(cudaGraphExecDestroy(outer));
}

TEST_F(GraphTest, AnUpdateTakesNewArgumentsButNoNewShape) {
  const auto capture = [&](long digit, int count) {
    Begin();
    for (int i = 0; i < count; ++i) EXPECT_CUDA(LaunchOne(a_, &Append, value_, digit));
    return End();
  };
  const cudaGraphExec_t exec = Instantiate(capture(1, 2));
  cudaGraphExecUpdateResultInfo result;
  cudaGraph_t graph = capture(7, 2);
  EXPECT_CUDA(cudaGraphExecUpdate(exec, graph, &result));
  EXPECT_CUDA(cudaGraphDestroy(graph));
  graph = capture(7, 3);
  ExpectError(cudaGraphExecUpdate(exec, graph, &result), cudaErrorGraphExecUpdateFailure);
  EXPECT_EQ(result.result, cudaGraphExecUpdateErrorTopologyChanged);
  EXPECT_CUDA(cudaGraphDestroy(graph));
  ASSERT_CUDA(cudaGraphLaunch(exec, a_));
  ASSERT_CUDA(cudaStreamSynchronize(a_));
  EXPECT_EQ(Value(), 77);
  EXPECT_CUDA(cudaGraphExecDestroy(exec));
}

TEST_F(GraphTest, AnExternalEventIsRecordedByTheGraph) {
  Begin();
  ASSERT_CUDA(LaunchOne(a_, &Append, value_, 1L));
  ASSERT_CUDA(cudaEventRecordWithFlags(join_, a_, cudaEventRecordExternal));
  const cudaGraphExec_t exec = Instantiate(End());
  ASSERT_CUDA(cudaGraphLaunch(exec, a_));
  ASSERT_CUDA(cudaStreamWaitEvent(b_, join_));
  ASSERT_CUDA(LaunchOne(b_, &Append, value_, 2L));
  ASSERT_CUDA(cudaStreamSynchronize(b_));
  EXPECT_EQ(Value(), 12);
  EXPECT_CUDA(cudaGraphExecDestroy(exec));
}

// All of the following agree with CUDA 13 on an H100.

TEST_F(GraphTest, UnsafeCallsSpoilTheCapture) {
  void* data = nullptr;
  Begin();
  ExpectError(cudaMalloc(&data, 4), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(LaunchOne(a_, &Append, value_, 1L), cudaErrorStreamCaptureInvalidated);
  EndsWith(cudaErrorStreamCaptureInvalidated);
  Begin();
  ExpectError(cudaStreamSynchronize(a_), cudaErrorStreamCaptureUnsupported);
  EndsWith(cudaErrorStreamCaptureInvalidated);
  Begin();
  ExpectError(cudaStreamSynchronize(b_), cudaErrorStreamCaptureUnsupported);
  EndsWith(cudaErrorStreamCaptureInvalidated);
  Begin(cudaStreamCaptureModeRelaxed);
  ExpectError(cudaDeviceSynchronize(), cudaErrorStreamCaptureUnsupported);
  EndsWith(cudaErrorStreamCaptureInvalidated);
  Begin();
  ExpectError(LaunchOne(a_, &Append, value_, 1L) == cudaSuccess ? cudaEventQuery(join_) : cudaErrorUnknown,
              cudaErrorStreamCaptureUnsupported);
  EndsWith(cudaErrorStreamCaptureInvalidated);
  Begin();
  Launch("kernel", __FILE__, __LINE__, &Append, Configuration(0, 1, 0, a_))(value_, 1);
  ExpectError(cudaPeekAtLastError(), cudaErrorInvalidValue);
  EndsWith(cudaErrorStreamCaptureInvalidated);
}

TEST_F(GraphTest, TheModeSaysWhoseUnsafeCallsCount) {
  const auto allocate_elsewhere = [] {
    cudaError_t error = cudaSuccess;
    std::thread([&] {
      void* data = nullptr;
      error = cudaMalloc(&data, 4);
      if (error == cudaSuccess) (void)cudaFree(data);
    }).join();
    return error;
  };
  Begin(cudaStreamCaptureModeGlobal);
  EXPECT_EQ(allocate_elsewhere(), cudaErrorStreamCaptureUnsupported);
  EndsWith(cudaErrorStreamCaptureInvalidated);
  Begin(cudaStreamCaptureModeThreadLocal);
  EXPECT_EQ(allocate_elsewhere(), cudaSuccess);
  EXPECT_CUDA(cudaGraphDestroy(End()));
  Begin(cudaStreamCaptureModeGlobal);
  cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
  EXPECT_CUDA(cudaThreadExchangeStreamCaptureMode(&mode));
  void* data = nullptr;
  EXPECT_CUDA(cudaMalloc(&data, 4));
  EXPECT_CUDA(cudaThreadExchangeStreamCaptureMode(&mode));
  EXPECT_CUDA(cudaGraphDestroy(End()));
  EXPECT_CUDA(cudaFree(data));
}

TEST_F(GraphTest, TheLegacyStreamAndBlockingCaptures) {
  cudaStream_t blocking;
  cudaGraph_t graph = nullptr;
  ASSERT_CUDA(cudaStreamCreate(&blocking));
  ASSERT_CUDA(cudaStreamBeginCapture(blocking, cudaStreamCaptureModeGlobal));
  ExpectError(LaunchOne(nullptr, &Append, value_, 1L), cudaErrorStreamCaptureImplicit);
  ExpectError(cudaStreamEndCapture(blocking, &graph), cudaErrorStreamCaptureInvalidated);
  Begin();
  EXPECT_CUDA(LaunchOne(nullptr, &Append, value_, 1L));  // a_ is not blocking
  EXPECT_CUDA(cudaGraphDestroy(End()));
  ExpectError(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeGlobal), cudaErrorStreamCaptureUnsupported);
  EXPECT_CUDA(cudaStreamDestroy(blocking));
}

TEST_F(GraphTest, ForksHaveToJoinTheOrigin) {
  cudaGraph_t graph = nullptr;
  Begin();
  Fork();
  ASSERT_CUDA(LaunchOne(b_, &Append, value_, 1L));
  EndsWith(cudaErrorStreamCaptureUnjoined);
  Begin();
  Fork();
  ExpectError(cudaStreamEndCapture(b_, &graph), cudaErrorStreamCaptureUnmatched);
  EndsWith(cudaErrorStreamCaptureInvalidated);
  Begin();
  Fork();  // without work there is nothing to join
  EXPECT_CUDA(cudaGraphDestroy(End()));
  ExpectError(cudaStreamEndCapture(a_, &graph), cudaErrorIllegalState);
  Begin();
  ExpectError(cudaStreamBeginCapture(a_, cudaStreamCaptureModeGlobal), cudaErrorIllegalState);
  EXPECT_CUDA(cudaGraphDestroy(End()));
  Begin();
  std::thread([&] { EXPECT_EQ(cudaStreamEndCapture(a_, &graph), cudaErrorStreamCaptureWrongThread); }).join();
  EndsWith(cudaErrorIllegalState);
}

TEST_F(GraphTest, EventsAndCaptures) {
  cudaEvent_t outside;
  ASSERT_CUDA(cudaEventCreate(&outside));
  Begin();
  EXPECT_CUDA(cudaStreamWaitEvent(a_, outside));  // never recorded
  EXPECT_CUDA(cudaGraphDestroy(End()));
  ASSERT_CUDA(cudaEventRecord(outside, b_));
  Begin();
  ExpectError(cudaStreamWaitEvent(a_, outside), cudaErrorStreamCaptureIsolation);
  EndsWith(cudaErrorStreamCaptureInvalidated);
  Begin();
  ASSERT_CUDA(cudaEventRecord(outside, a_));
  ExpectError(cudaEventQuery(outside), cudaErrorCapturedEvent);
  EndsWith(cudaErrorStreamCaptureInvalidated);
  ExpectError(cudaEventSynchronize(outside), cudaErrorInvalidValue);
  ExpectError(cudaStreamWaitEvent(b_, outside), cudaErrorInvalidValue);
  ASSERT_CUDA(cudaEventRecord(outside, a_));
  EXPECT_CUDA(cudaEventSynchronize(outside));
  // Two captures do not mix.
  Begin();
  ASSERT_CUDA(cudaStreamBeginCapture(b_, cudaStreamCaptureModeGlobal));
  ASSERT_CUDA(cudaEventRecord(outside, a_));
  ExpectError(cudaStreamWaitEvent(b_, outside), cudaErrorStreamCaptureMerge);
  cudaGraph_t graph = nullptr;
  ExpectError(cudaStreamEndCapture(b_, &graph), cudaErrorStreamCaptureInvalidated);
  EndsWith(cudaErrorStreamCaptureInvalidated);
  EXPECT_CUDA(cudaEventDestroy(outside));
}

}  // namespace
}  // namespace cuda_host
