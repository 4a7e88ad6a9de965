// Graphs made by stream capture.
#include "harness/host/conformance/conformance.h"

namespace {

constexpr int kN = 500;

__global__ void Times3Plus(unsigned* data, unsigned k) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < kN) data[i] = data[i] * 3 + k;
}
__global__ void AddTo(const unsigned* from, unsigned* to) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < kN) to[i] += from[i];
}

struct Stream {
  Stream() { OK(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking)); }
  ~Stream() { (void)cudaStreamDestroy(s); }
  cudaStream_t s = nullptr;
};

// What has been captured on `stream`, ready to launch. Takes the capture to its end.
class Executable {
 public:
  explicit Executable(cudaStream_t stream) {
    OK(cudaStreamEndCapture(stream, &graph_));
    OK(cudaGraphInstantiate(&exec_, graph_, 0));
  }
  ~Executable() {
    (void)cudaGraphExecDestroy(exec_);
    (void)cudaGraphDestroy(graph_);
  }
  cudaGraph_t graph() const { return graph_; }
  void Launch(cudaStream_t stream) const { OK(cudaGraphLaunch(exec_, stream)); }

 private:
  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t exec_ = nullptr;
};

void Begin(cudaStream_t stream) { OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal)); }

CONFORMANCE_CASE(graphs, replay, "captured kernels do not run; each launch of the graph runs them all in order") {
  Stream stream;
  Device<unsigned> data(std::vector<unsigned>(kN, 1));
  Begin(stream.s);
  for (unsigned k = 1; k <= 5; ++k) Times3Plus<<<4, 128, 0, stream.s>>>(data.data(), k);
  Executable graph(stream.s);
  OK(cudaStreamSynchronize(stream.s));
  EXPECT_EACH(data.Get(), i, 1u);
  unsigned expected = 1;
  for (int launch = 0; launch < 3; ++launch) {
    graph.Launch(stream.s);
    for (unsigned k = 1; k <= 5; ++k) expected = expected * 3 + k;
  }
  OK(cudaStreamSynchronize(stream.s));
  EXPECT_EACH(data.Get(), i, expected);
}

CONFORMANCE_CASE(graphs, parameters, "arguments are those of the capture, copied then; memory is read at the launch") {
  Stream stream;
  Device<unsigned> data(std::vector<unsigned>(kN, 1));
  unsigned k = 10;
  Begin(stream.s);
  Times3Plus<<<4, 128, 0, stream.s>>>(data.data(), k);
  Executable graph(stream.s);
  k = 99;
  OK(cudaMemset(data.data(), 0, kN * 4));
  OK(cudaDeviceSynchronize());
  graph.Launch(stream.s);
  OK(cudaStreamSynchronize(stream.s));
  EXPECT_EACH(data.Get(), i, 10u);
}

CONFORMANCE_CASE(graphs, fork_and_join, "streams that join a capture by waiting for its events") {
  Stream main, side, other;
  cudaEvent_t fork, join, done;
  for (cudaEvent_t* event : {&fork, &join, &done}) OK(cudaEventCreateWithFlags(event, cudaEventDisableTiming));
  Device<unsigned> a(std::vector<unsigned>(kN, 1)), b(kN), c(kN);
  Begin(main.s);
  Times3Plus<<<4, 128, 0, main.s>>>(a.data(), 1);
  OK(cudaEventRecord(fork, main.s));
  OK(cudaStreamWaitEvent(side.s, fork, 0));
  OK(cudaStreamWaitEvent(other.s, fork, 0));
  OK(cudaMemcpyAsync(b.data(), a.data(), kN * 4, cudaMemcpyDeviceToDevice, side.s));
  Times3Plus<<<4, 128, 0, side.s>>>(b.data(), 2);
  OK(cudaMemsetAsync(c.data(), 0, kN * 4, other.s));
  AddTo<<<4, 128, 0, other.s>>>(a.data(), c.data());
  OK(cudaEventRecord(join, side.s));
  OK(cudaEventRecord(done, other.s));
  OK(cudaStreamWaitEvent(main.s, join, 0));
  OK(cudaStreamWaitEvent(main.s, done, 0));
  AddTo<<<4, 128, 0, main.s>>>(b.data(), a.data());
  AddTo<<<4, 128, 0, main.s>>>(c.data(), a.data());
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  OK(cudaStreamIsCapturing(side.s, &status));
  EXPECT_EQ(status, cudaStreamCaptureStatusActive);
  Executable graph(main.s);
  OK(cudaStreamIsCapturing(side.s, &status));
  EXPECT_EQ(status, cudaStreamCaptureStatusNone);
  unsigned expected = 1;
  for (int launch = 0; launch < 4; ++launch) {
    graph.Launch(main.s);
    expected = expected * 3 + 1;
    expected += (expected * 3 + 2) + expected;
  }
  OK(cudaStreamSynchronize(main.s));
  EXPECT_EACH(a.Get(), i, expected);
  for (cudaEvent_t event : {fork, join, done}) OK(cudaEventDestroy(event));
}

struct Counter {
  const unsigned* value;
  std::vector<unsigned> seen;
};
void CUDART_CB Note(void* data) {
  auto* counter = static_cast<Counter*>(data);
  counter->seen.push_back(*counter->value);
}

CONFORMANCE_CASE(graphs, copy_and_host_nodes,
                 "copies from and to pinned memory, fills, and host functions in a graph") {
  Stream stream;
  unsigned* pinned = nullptr;
  OK(cudaMallocHost(reinterpret_cast<void**>(&pinned), 2 * kN * 4));
  unsigned* out = pinned + kN;
  Device<unsigned> data(kN), extra(kN);
  Counter counter{out, {}};
  Begin(stream.s);
  OK(cudaMemcpyAsync(data.data(), pinned, kN * 4, cudaMemcpyHostToDevice, stream.s));
  OK(cudaMemsetAsync(extra.data(), 0, kN * 4, stream.s));
  Times3Plus<<<4, 128, 0, stream.s>>>(extra.data(), 7);
  AddTo<<<4, 128, 0, stream.s>>>(extra.data(), data.data());
  OK(cudaMemcpyAsync(out, data.data(), kN * 4, cudaMemcpyDeviceToHost, stream.s));
  OK(cudaLaunchHostFunc(stream.s, Note, &counter));
  Executable graph(stream.s);
  for (unsigned round = 0; round < 3; ++round) {
    for (unsigned i = 0; i < kN; ++i) pinned[i] = i * 10 + round, out[i] = 0;
    graph.Launch(stream.s);
    OK(cudaStreamSynchronize(stream.s));
    EXPECT_EACH(std::vector<unsigned>(out, out + kN), i, unsigned(i * 10 + round + 7));
  }
  const unsigned expected[] = {7, 8, 9};
  EXPECT_EQ(counter.seen.size(), 3u);
  EXPECT_EACH(counter.seen, i, expected[i]);
  OK(cudaFreeHost(pinned));
}

CONFORMANCE_CASE(graphs, nodes, "cudaGraphGetNodes counts what was captured") {
  Stream stream;
  Device<unsigned> data(kN);
  Begin(stream.s);
  Times3Plus<<<4, 128, 0, stream.s>>>(data.data(), 1);
  OK(cudaMemsetAsync(data.data(), 0, kN * 4, stream.s));
  Times3Plus<<<4, 128, 0, stream.s>>>(data.data(), 2);
  Executable graph(stream.s);
  size_t count = 0;
  OK(cudaGraphGetNodes(graph.graph(), nullptr, &count));
  EXPECT_EQ(count, 3u);
}

CONFORMANCE_CASE(graphs, between_streams, "graph launches are ordered like kernels: within a stream, and by events") {
  Stream first, second;
  Device<unsigned> data(std::vector<unsigned>(kN, 1));
  Begin(first.s);
  Times3Plus<<<4, 128, 0, first.s>>>(data.data(), 1);
  Times3Plus<<<4, 128, 0, first.s>>>(data.data(), 2);
  Executable graph(first.s);
  cudaEvent_t event;
  OK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  unsigned expected = 1;
  for (unsigned round = 0; round < 4; ++round) {
    const cudaStream_t here = round % 2 == 0 ? first.s : second.s, there = round % 2 == 0 ? second.s : first.s;
    Times3Plus<<<4, 128, 0, here>>>(data.data(), 5);
    graph.Launch(here);
    Times3Plus<<<4, 128, 0, here>>>(data.data(), 6);
    OK(cudaEventRecord(event, here));
    OK(cudaStreamWaitEvent(there, event, 0));
    for (unsigned k : {5u, 1u, 2u, 6u}) expected = expected * 3 + k;
  }
  OK(cudaStreamSynchronize(first.s));
  EXPECT_EACH(data.Get(), i, expected);
  OK(cudaEventDestroy(event));
}

// After `mistake` in a capture of `stream`: the capture is lost, and the stream can be used again.
template <typename Mistake>
void CheckInvalidates(Mistake mistake) {
  Stream stream;
  Device<unsigned> data(std::vector<unsigned>(kN, 1));
  Begin(stream.s);
  Times3Plus<<<4, 128, 0, stream.s>>>(data.data(), 1);
  mistake(stream.s);
  (void)cudaGetLastError();
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(stream.s, &graph), cudaErrorStreamCaptureInvalidated);
  EXPECT(graph == nullptr);
  (void)cudaGetLastError();
  Times3Plus<<<4, 128, 0, stream.s>>>(data.data(), 4);
  OK(cudaStreamSynchronize(stream.s));
  EXPECT_EACH(data.Get(), i, 7u);
}

CONFORMANCE_CASE(graphs, synchronised_in_capture,
                 "cudaStreamSynchronize and cudaStreamQuery in a capture are refused and end it") {
  CheckInvalidates([](cudaStream_t s) { EXPECT_EQ(cudaStreamSynchronize(s), cudaErrorStreamCaptureUnsupported); });
  CheckInvalidates([](cudaStream_t s) { EXPECT_EQ(cudaStreamQuery(s), cudaErrorStreamCaptureUnsupported); });
}

CONFORMANCE_CASE(graphs, default_stream_in_capture,
                 "the default stream during the capture of a blocking stream is refused") {
  cudaStream_t stream;
  OK(cudaStreamCreate(&stream));
  Device<unsigned> data(std::vector<unsigned>(kN, 1));
  Begin(stream);
  Times3Plus<<<4, 128>>>(data.data(), 1);
  EXPECT_EQ(cudaGetLastError(), cudaErrorStreamCaptureImplicit);
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
  (void)cudaGetLastError();
  EXPECT_EQ(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeGlobal), cudaErrorStreamCaptureUnsupported);
  (void)cudaGetLastError();
  OK(cudaStreamDestroy(stream));
  EXPECT_EACH(data.Get(), i, 1u);
}

CONFORMANCE_CASE(graphs, unjoined, "a capture cannot end while a stream that joined it has not been joined back") {
  Stream main, side;
  cudaEvent_t fork;
  OK(cudaEventCreateWithFlags(&fork, cudaEventDisableTiming));
  Device<unsigned> data(std::vector<unsigned>(kN, 1));
  Begin(main.s);
  OK(cudaEventRecord(fork, main.s));
  OK(cudaStreamWaitEvent(side.s, fork, 0));
  Times3Plus<<<4, 128, 0, side.s>>>(data.data(), 1);
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(main.s, &graph), cudaErrorStreamCaptureUnjoined);
  EXPECT_EQ(cudaStreamEndCapture(main.s, &graph), cudaErrorIllegalState);  // there is none any more
  (void)cudaGetLastError();
  OK(cudaEventDestroy(fork));
  OK(cudaStreamSynchronize(side.s));
}

}  // namespace
