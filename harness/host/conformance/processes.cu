// Memory and events shared between processes, and copies between devices.
#include <cstdio>

#include "harness/host/conformance/conformance.h"

namespace {

constexpr int kN = 1 << 16;

__global__ void Fill(int* data, int start) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < kN) data[i] = start + i;
}
__global__ void Transform(const int* in, int* out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < kN) out[i] = 2 * in[i] + 1;
}

// Arguments: the memory's handle, perhaps an event's.
CONFORMANCE_CHILD(processes, peer) {
  cudaIpcMemHandle_t handle;
  conformance::FromHex(arguments[0], &handle, sizeof handle);
  void* memory = nullptr;
  OK(cudaIpcOpenMemHandle(&memory, handle, cudaIpcMemLazyEnablePeerAccess));
  int* data = static_cast<int*>(memory);
  cudaStream_t stream;
  OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  cudaEvent_t event = nullptr;
  if (arguments.size() > 1) {
    cudaIpcEventHandle_t event_handle;
    conformance::FromHex(arguments[1], &event_handle, sizeof event_handle);
    OK(cudaIpcOpenEventHandle(&event, event_handle));
    OK(cudaStreamWaitEvent(stream, event, 0));
  }
  Transform<<<kN / 256, 256, 0, stream>>>(data, data + kN);
  OK(cudaGetLastError());
  std::vector<int> host(kN);
  OK(cudaMemcpyAsync(host.data(), data, kN * sizeof(int), cudaMemcpyDeviceToHost, stream));
  OK(cudaStreamSynchronize(stream));
  EXPECT_EACH(host, i, 100 + int(i));
  if (event != nullptr) OK(cudaEventDestroy(event));
  OK(cudaStreamDestroy(stream));
  OK(cudaIpcCloseMemHandle(memory));
  return 0;
}

CONFORMANCE_CASE(processes, shared_memory, "cudaIpcGetMemHandle: another process reads the memory and writes to it") {
  Device<int> data(2 * kN);
  Fill<<<kN / 256, 256>>>(data.data(), 100);
  OK(cudaDeviceSynchronize());
  cudaIpcMemHandle_t handle;
  OK(cudaIpcGetMemHandle(&handle, data.data()));
  EXPECT_CHILD_PASSED(RunChild("processes/peer", {conformance::ToHex(&handle, sizeof handle)}));
  EXPECT_EACH(data.Get(), i, i < kN ? 100 + int(i) : 2 * (100 + int(i) - kN) + 1);
}

CONFORMANCE_CASE(processes, two_peers, "two processes, one after the other, open the same memory") {
  Device<int> data(2 * kN);
  cudaIpcMemHandle_t handle;
  OK(cudaIpcGetMemHandle(&handle, data.data()));
  for (int round = 0; round < 2; ++round) {
    OK(cudaMemset(data.data(), 0, 2 * kN * sizeof(int)));
    Fill<<<kN / 256, 256>>>(data.data(), 100);
    OK(cudaDeviceSynchronize());
    EXPECT_CHILD_PASSED(RunChild("processes/peer", {conformance::ToHex(&handle, sizeof handle)}));
    EXPECT_EACH(data.Get(), i, i < kN ? 100 + int(i) : 2 * (100 + int(i) - kN) + 1);
  }
}

CONFORMANCE_CASE(processes, shared_event,
                 "cudaIpcGetEventHandle: another process waits for an event that was recorded here") {
  Device<int> data(2 * kN);
  cudaStream_t stream;
  cudaEvent_t event;
  OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  OK(cudaEventCreateWithFlags(&event, cudaEventInterprocess | cudaEventDisableTiming));
  cudaIpcMemHandle_t handle;
  cudaIpcEventHandle_t event_handle;
  OK(cudaIpcGetMemHandle(&handle, data.data()));
  OK(cudaIpcGetEventHandle(&event_handle, event));
  for (int round = 0; round <= 20; ++round) Fill<<<kN / 256, 256, 0, stream>>>(data.data(), 80 + round);
  OK(cudaEventRecord(event, stream));
  // Nothing here waits for the kernels until the child has.
  EXPECT_CHILD_PASSED(RunChild("processes/peer", {conformance::ToHex(&handle, sizeof handle),
                                                  conformance::ToHex(&event_handle, sizeof event_handle)}));
  OK(cudaStreamSynchronize(stream));
  EXPECT_EACH(data.Get(), i, i < kN ? 100 + int(i) : 2 * (100 + int(i) - kN) + 1);
  OK(cudaEventDestroy(event));
  OK(cudaStreamDestroy(stream));
}

CONFORMANCE_CASE(processes, same_device_peer_copy,
                 "cudaMemcpyPeer from a device to itself; a device is no peer of itself") {
  Device<int> a(Make<int>(1000, [](size_t i) { return int(i) * 9; })), b(1000);
  OK(cudaMemcpyPeer(b.data(), 0, a.data(), 0, 4000));
  EXPECT_EACH(b.Get(), i, int(i) * 9);
  int can = -1;
  OK(cudaDeviceCanAccessPeer(&can, 0, 0));
  EXPECT_EQ(can, 0);
  EXPECT(cudaDeviceEnablePeerAccess(0, 0) != cudaSuccess);
  (void)cudaGetLastError();
}

CONFORMANCE_CASE(processes, peer_devices, "copies between two devices, and a kernel that reads its peer's memory") {
  int devices = 0, can = 0;
  OK(cudaGetDeviceCount(&devices));
  if (devices < 2) throw Skip{"needs two devices"};
  OK(cudaDeviceCanAccessPeer(&can, 1, 0));
  if (can == 0) throw Skip{"device 1 cannot access device 0"};
  Device<int> here(Make<int>(kN, [](size_t i) { return int(i); }));
  OK(cudaSetDevice(1));
  {
    Device<int> there(kN), doubled(kN);
    OK(cudaMemcpyPeer(there.data(), 1, here.data(), 0, kN * sizeof(int)));
    EXPECT_EACH(there.Get(), i, int(i));
    const cudaError_t enabled = cudaDeviceEnablePeerAccess(0, 0);
    EXPECT(enabled == cudaSuccess || enabled == cudaErrorPeerAccessAlreadyEnabled);
    (void)cudaGetLastError();
    Transform<<<kN / 256, 256>>>(here.data(), doubled.data());
    EXPECT_EACH(doubled.Get(), i, int(2 * i + 1));
    cudaPointerAttributes attributes;
    OK(cudaPointerGetAttributes(&attributes, doubled.data()));
    EXPECT_EQ(attributes.device, 1);
    OK(cudaDeviceSynchronize());
    if (enabled == cudaSuccess) OK(cudaDeviceDisablePeerAccess(0));
  }
  OK(cudaSetDevice(0));
}

}  // namespace
