// The order of work: within streams, between them by events, and with the host.
#include <atomic>
#include <thread>

#include "harness/host/conformance/conformance.h"

namespace {

// Two steps that do not commute.
__global__ void Times3Plus(unsigned* data, int n, unsigned k) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) data[i] = data[i] * 3 + k;
}
__global__ void AddTo(const unsigned* from, unsigned* to, int n) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) to[i] += from[i];
}

constexpr int kN = 1000;

struct Streams {
  explicit Streams(int count, unsigned flags = cudaStreamDefault) : s(count) {
    for (cudaStream_t& stream : s) OK(cudaStreamCreateWithFlags(&stream, flags));
  }
  ~Streams() {
    for (cudaStream_t stream : s) (void)cudaStreamDestroy(stream);
  }
  std::vector<cudaStream_t> s;
};

struct Event {
  explicit Event(unsigned flags = cudaEventDisableTiming) { OK(cudaEventCreateWithFlags(&e, flags)); }
  ~Event() { (void)cudaEventDestroy(e); }
  cudaEvent_t e = nullptr;
};

CONFORMANCE_CASE(streams, order_within, "kernels, fills and copies of one stream run in the order of the calls") {
  Streams streams(1, cudaStreamNonBlocking);
  Device<unsigned> data(kN), copy(kN);
  OK(cudaMemsetAsync(data.data(), 0, kN * 4, streams.s[0]));
  unsigned expected = 0;
  for (unsigned k = 1; k <= 30; ++k) {
    Times3Plus<<<k % 5 + 1, 64, 0, streams.s[0]>>>(data.data(), kN, k);
    expected = expected * 3 + k;
    if (k == 20) OK(cudaMemcpyAsync(copy.data(), data.data(), kN * 4, cudaMemcpyDeviceToDevice, streams.s[0]));
  }
  AddTo<<<4, 64, 0, streams.s[0]>>>(copy.data(), data.data(), kN);
  OK(cudaStreamSynchronize(streams.s[0]));
  unsigned at_20 = 0;
  for (unsigned k = 1; k <= 20; ++k) at_20 = at_20 * 3 + k;
  EXPECT_EACH(data.Get(), i, expected + at_20);
}

CONFORMANCE_CASE(streams, event_wait, "a stream that waits for an event sees what the other did before recording it") {
  Streams streams(2, cudaStreamNonBlocking);
  Event ready;
  Device<unsigned> a(std::vector<unsigned>(kN, 1)), b(std::vector<unsigned>(kN, 0));
  for (unsigned k = 1; k <= 10; ++k) Times3Plus<<<2, 64, 0, streams.s[0]>>>(a.data(), kN, k);
  OK(cudaEventRecord(ready.e, streams.s[0]));
  OK(cudaStreamWaitEvent(streams.s[1], ready.e, 0));
  AddTo<<<2, 64, 0, streams.s[1]>>>(a.data(), b.data(), kN);
  OK(cudaStreamSynchronize(streams.s[1]));
  unsigned expected = 1;
  for (unsigned k = 1; k <= 10; ++k) expected = expected * 3 + k;
  EXPECT_EACH(b.Get(), i, expected);
}

CONFORMANCE_CASE(streams, fork_and_join, "four streams between one start and one end") {
  Streams streams(5, cudaStreamNonBlocking);
  Event start;
  std::vector<Event> ends(4);
  Device<unsigned> source(std::vector<unsigned>(kN, 2)), sum(std::vector<unsigned>(kN, 0)), parts(4 * kN);
  Times3Plus<<<3, 64, 0, streams.s[4]>>>(source.data(), kN, 5);
  OK(cudaEventRecord(start.e, streams.s[4]));
  for (unsigned k = 0; k < 4; ++k) {
    unsigned* part = parts.data() + k * kN;
    OK(cudaStreamWaitEvent(streams.s[k], start.e, 0));
    OK(cudaMemcpyAsync(part, source.data(), kN * 4, cudaMemcpyDeviceToDevice, streams.s[k]));
    Times3Plus<<<2, 64, 0, streams.s[k]>>>(part, kN, k);
    OK(cudaEventRecord(ends[k].e, streams.s[k]));
  }
  for (unsigned k = 0; k < 4; ++k) {
    OK(cudaStreamWaitEvent(streams.s[4], ends[k].e, 0));
    AddTo<<<2, 64, 0, streams.s[4]>>>(parts.data() + k * kN, sum.data(), kN);
  }
  OK(cudaStreamSynchronize(streams.s[4]));
  EXPECT_EACH(sum.Get(), i, 4u * 33 + 6);
}

CONFORMANCE_CASE(streams, event_again, "a wait is for the latest record before it; a record after it does not matter") {
  Streams streams(2, cudaStreamNonBlocking);
  Event event;
  Device<unsigned> a(std::vector<unsigned>(kN, 0)), b(std::vector<unsigned>(kN, 0));
  unsigned value = 0, expected = 0;
  for (unsigned round = 1; round <= 6; ++round) {
    Times3Plus<<<2, 64, 0, streams.s[0]>>>(a.data(), kN, round);
    value = value * 3 + round;
    OK(cudaEventRecord(event.e, streams.s[0]));
    OK(cudaStreamWaitEvent(streams.s[1], event.e, 0));
    AddTo<<<2, 64, 0, streams.s[1]>>>(a.data(), b.data(), kN);
    expected += value;
    // The first stream may go on when the sum has been taken.
    OK(cudaEventRecord(event.e, streams.s[1]));
    OK(cudaStreamWaitEvent(streams.s[0], event.e, 0));
  }
  OK(cudaStreamSynchronize(streams.s[1]));
  EXPECT_EACH(b.Get(), i, expected);
}

CONFORMANCE_CASE(streams, event_states,
                 "cudaEventQuery and cudaEventSynchronize before and after the work, elapsed time") {
  Streams streams(1);
  Event start(cudaEventDefault), stop(cudaEventDefault);
  OK(cudaEventQuery(start.e));  // never recorded: nothing to wait for
  OK(cudaEventSynchronize(start.e));
  OK(cudaStreamWaitEvent(streams.s[0], stop.e, 0));
  Device<unsigned> data(std::vector<unsigned>(kN, 0));
  OK(cudaEventRecord(start.e, streams.s[0]));
  for (int k = 0; k < 20; ++k) Times3Plus<<<2, 64, 0, streams.s[0]>>>(data.data(), kN, 1);
  OK(cudaEventRecord(stop.e, streams.s[0]));
  const cudaError_t early = cudaEventQuery(stop.e);
  EXPECT(early == cudaSuccess || early == cudaErrorNotReady);
  (void)cudaGetLastError();
  OK(cudaEventSynchronize(stop.e));
  OK(cudaEventQuery(stop.e));
  OK(cudaEventQuery(start.e));
  float ms = -1;
  OK(cudaEventElapsedTime(&ms, start.e, stop.e));
  EXPECT(ms >= 0 && ms < 60000);
}

CONFORMANCE_CASE(streams, query, "cudaStreamQuery: not ready or done, and done after a synchronisation") {
  Streams streams(1);
  Device<unsigned> data(std::vector<unsigned>(kN, 0));
  OK(cudaStreamQuery(streams.s[0]));
  for (int k = 0; k < 10; ++k) Times3Plus<<<2, 64, 0, streams.s[0]>>>(data.data(), kN, 1);
  cudaError_t state = cudaStreamQuery(streams.s[0]);
  EXPECT(state == cudaSuccess || state == cudaErrorNotReady);
  while ((state = cudaStreamQuery(streams.s[0])) == cudaErrorNotReady) {
  }
  EXPECT_EQ(state, cudaSuccess);  // polling is enough
  (void)cudaGetLastError();
  unsigned expected = 0;
  for (int k = 0; k < 10; ++k) expected = expected * 3 + 1;
  EXPECT_EACH(data.Get(), i, expected);
}

CONFORMANCE_CASE(streams, legacy_default, "the default stream waits for blocking streams, and they for it") {
  Streams streams(2);
  Device<unsigned> a(std::vector<unsigned>(kN, 1)), b(std::vector<unsigned>(kN, 1)), sum(std::vector<unsigned>(kN, 0));
  for (unsigned round = 1; round <= 5; ++round) {
    Times3Plus<<<2, 64, 0, streams.s[0]>>>(a.data(), kN, round);
    Times3Plus<<<2, 64, 0, streams.s[1]>>>(b.data(), kN, 2 * round);
    AddTo<<<2, 64>>>(a.data(), sum.data(), kN);
    AddTo<<<2, 64, 0, cudaStreamLegacy>>>(b.data(), sum.data(), kN);
  }
  unsigned x = 1, y = 1, expected = 0;
  for (unsigned round = 1; round <= 5; ++round) {
    x = x * 3 + round, y = y * 3 + 2 * round;
    expected += x + y;
  }
  EXPECT_EACH(sum.Get(), i, expected);
}

CONFORMANCE_CASE(streams, per_thread_default, "cudaStreamPerThread is a blocking stream of the calling thread") {
  Device<unsigned> a(std::vector<unsigned>(kN, 1)), b(std::vector<unsigned>(kN, 0));
  Times3Plus<<<2, 64, 0, cudaStreamPerThread>>>(a.data(), kN, 1);
  AddTo<<<2, 64>>>(a.data(), b.data(), kN);
  Times3Plus<<<2, 64, 0, cudaStreamPerThread>>>(b.data(), kN, 2);
  OK(cudaStreamSynchronize(cudaStreamPerThread));
  EXPECT_EACH(b.Get(), i, 14u);
}

CONFORMANCE_CASE(streams, priorities,
                 "cudaDeviceGetStreamPriorityRange; streams keep their priority, within the range") {
  int least = 1, greatest = 1, priority = 1;
  OK(cudaDeviceGetStreamPriorityRange(&least, &greatest));
  EXPECT_EQ(least, 0);
  EXPECT(greatest <= least);
  Device<unsigned> data(std::vector<unsigned>(kN, 0));
  for (int wanted : {least, greatest, greatest - 10}) {
    cudaStream_t stream;
    OK(cudaStreamCreateWithPriority(&stream, cudaStreamNonBlocking, wanted));
    OK(cudaStreamGetPriority(stream, &priority));
    EXPECT_EQ(priority, wanted < greatest ? greatest : wanted);
    unsigned flags = 0;
    OK(cudaStreamGetFlags(stream, &flags));
    EXPECT_EQ(flags, unsigned(cudaStreamNonBlocking));
    Times3Plus<<<2, 64, 0, stream>>>(data.data(), kN, 1);
    OK(cudaStreamSynchronize(stream));
    OK(cudaStreamDestroy(stream));
  }
  EXPECT_EACH(data.Get(), i, 13u);
}

struct HostLog {
  const unsigned* value;
  std::vector<unsigned> seen;
};
void CUDART_CB Note(void* data) {
  auto* log = static_cast<HostLog*>(data);
  log->seen.push_back(*log->value);
}

CONFORMANCE_CASE(streams, host_functions,
                 "cudaLaunchHostFunc runs after what is before it in the stream and before what is after") {
  Streams streams(1, cudaStreamNonBlocking);
  unsigned* pinned = nullptr;
  OK(cudaMallocHost(reinterpret_cast<void**>(&pinned), sizeof(unsigned)));
  Device<unsigned> data(std::vector<unsigned>(1, 0));
  HostLog log{pinned, {}};
  std::vector<unsigned> expected;
  unsigned value = 0;
  for (unsigned k = 1; k <= 12; ++k) {
    Times3Plus<<<1, 1, 0, streams.s[0]>>>(data.data(), 1, k);
    OK(cudaMemcpyAsync(pinned, data.data(), 4, cudaMemcpyDeviceToHost, streams.s[0]));
    OK(cudaLaunchHostFunc(streams.s[0], Note, &log));
    expected.push_back(value = value * 3 + k);
  }
  OK(cudaStreamSynchronize(streams.s[0]));
  EXPECT_EQ(log.seen.size(), expected.size());
  EXPECT_EACH(log.seen, i, expected[i]);
  OK(cudaFreeHost(pinned));
}

CONFORMANCE_CASE(streams, host_to_device, "a kernel after a host function sees what that wrote to pinned memory") {
  Streams streams(1);
  unsigned* pinned = nullptr;
  OK(cudaHostAlloc(reinterpret_cast<void**>(&pinned), kN * 4, cudaHostAllocMapped));
  Device<unsigned> data(std::vector<unsigned>(kN, 1));
  OK(cudaLaunchHostFunc(
      streams.s[0],
      [](void* p) {
        for (unsigned i = 0; i < kN; ++i) static_cast<unsigned*>(p)[i] = i * 7;
      },
      pinned));
  AddTo<<<2, 64, 0, streams.s[0]>>>(pinned, data.data(), kN);
  OK(cudaStreamSynchronize(streams.s[0]));
  EXPECT_EACH(data.Get(), i, unsigned(i * 7 + 1));
  OK(cudaFreeHost(pinned));
}

CONFORMANCE_CASE(streams, destroyed_early,
                 "a stream or event may be destroyed while its work is pending: the work is done") {
  Device<unsigned> data(std::vector<unsigned>(kN, 0)), other(std::vector<unsigned>(kN, 0));
  cudaStream_t first, second;
  cudaEvent_t event;
  OK(cudaStreamCreateWithFlags(&first, cudaStreamNonBlocking));
  OK(cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking));
  OK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  for (unsigned k = 1; k <= 10; ++k) Times3Plus<<<2, 64, 0, first>>>(data.data(), kN, k);
  OK(cudaEventRecord(event, first));
  OK(cudaStreamWaitEvent(second, event, 0));
  AddTo<<<2, 64, 0, second>>>(data.data(), other.data(), kN);
  OK(cudaEventDestroy(event));
  OK(cudaStreamDestroy(first));
  OK(cudaStreamDestroy(second));
  OK(cudaDeviceSynchronize());
  unsigned expected = 0;
  for (unsigned k = 1; k <= 10; ++k) expected = expected * 3 + k;
  EXPECT_EACH(other.Get(), i, expected);
}

CONFORMANCE_CASE(streams, double_buffering, "a pipeline of copies and kernels over two buffers and three streams") {
  const int chunks = 9;
  Streams streams(3, cudaStreamNonBlocking);
  unsigned *in = nullptr, *out = nullptr;
  OK(cudaMallocHost(reinterpret_cast<void**>(&in), chunks * kN * 4));
  OK(cudaMallocHost(reinterpret_cast<void**>(&out), chunks * kN * 4));
  for (int i = 0; i < chunks * kN; ++i) in[i] = unsigned(i);
  Device<unsigned> buffers(2 * kN);
  std::vector<Event> uploaded(2), computed(2), downloaded(2);
  for (int c = 0; c < chunks; ++c) {
    unsigned* buffer = buffers.data() + c % 2 * kN;
    if (c >= 2) OK(cudaStreamWaitEvent(streams.s[0], downloaded[c % 2].e, 0));
    OK(cudaMemcpyAsync(buffer, in + c * kN, kN * 4, cudaMemcpyHostToDevice, streams.s[0]));
    OK(cudaEventRecord(uploaded[c % 2].e, streams.s[0]));
    OK(cudaStreamWaitEvent(streams.s[1], uploaded[c % 2].e, 0));
    Times3Plus<<<2, 64, 0, streams.s[1]>>>(buffer, kN, unsigned(c));
    OK(cudaEventRecord(computed[c % 2].e, streams.s[1]));
    OK(cudaStreamWaitEvent(streams.s[2], computed[c % 2].e, 0));
    OK(cudaMemcpyAsync(out + c * kN, buffer, kN * 4, cudaMemcpyDeviceToHost, streams.s[2]));
    OK(cudaEventRecord(downloaded[c % 2].e, streams.s[2]));
  }
  OK(cudaStreamSynchronize(streams.s[2]));
  EXPECT_EACH(std::vector<unsigned>(out, out + chunks * kN), i, unsigned(3 * i + i / kN));
  OK(cudaFreeHost(in));
  OK(cudaFreeHost(out));
}

CONFORMANCE_CASE(streams, host_threads, "host threads that each use a stream of their own") {
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (unsigned t = 0; t < 3; ++t) {
    threads.emplace_back([t, &wrong] {
      cudaStream_t stream;
      unsigned *data = nullptr, host[64] = {};
      wrong += cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) != cudaSuccess;
      wrong += cudaMalloc(reinterpret_cast<void**>(&data), sizeof host) != cudaSuccess;
      wrong += cudaMemsetAsync(data, 0, sizeof host, stream) != cudaSuccess;
      unsigned expected = 0;
      for (unsigned k = 0; k < 15; ++k) {
        Times3Plus<<<1, 64, 0, stream>>>(data, 64, k + t);
        expected = expected * 3 + k + t;
      }
      wrong += cudaMemcpyAsync(host, data, sizeof host, cudaMemcpyDeviceToHost, stream) != cudaSuccess;
      wrong += cudaStreamSynchronize(stream) != cudaSuccess;
      for (unsigned value : host) wrong += value != expected;
      wrong += cudaSetDevice(99) != cudaErrorInvalidDevice;
      wrong += cudaGetLastError() != cudaErrorInvalidDevice;  // each thread has a last error of its own
      wrong += cudaFree(data) != cudaSuccess;
      wrong += cudaStreamDestroy(stream) != cudaSuccess;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

}  // namespace
