#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>

#include "cuda_runtime_api.h"
#include "harness/host/runtime/arena.h"
#include "harness/host/runtime/capture.h"
#include "harness/host/runtime/event.h"
#include "harness/host/runtime/ipc.h"
#include "harness/host/runtime/memory.h"
#include "harness/host/runtime/runtime.h"

namespace cuda_host {
namespace {

constexpr int kVersion = CUDART_VERSION;

size_t EnvironmentNumber(const char* name, size_t otherwise) {
  const char* const text = std::getenv(name);
  if (text == nullptr || *text == '\0') return otherwise;
  const size_t number = std::strtoull(text, nullptr, 10);
  return number == 0 ? otherwise : number;
}

thread_local int t_device = 0;

// What the API sets and gives back, and nothing else looks at.
struct Settings {
  std::mutex mutex;
  std::map<int, size_t> limits = {{cudaLimitStackSize, 1024},
                                  {cudaLimitPrintfFifoSize, size_t{1} << 20},
                                  {cudaLimitMallocHeapSize, size_t{8} << 20},
                                  {cudaLimitDevRuntimeSyncDepth, 2},
                                  {cudaLimitDevRuntimePendingLaunchCount, 2048},
                                  {cudaLimitMaxL2FetchGranularity, 64},
                                  {cudaLimitPersistingL2CacheSize, 0}};
  cudaFuncCache cache = cudaFuncCachePreferNone;
  unsigned flags = cudaDeviceScheduleAuto;
  std::set<std::pair<int, int>> peers;  // {from, to}: access is enabled
};

Settings& TheSettings() {
  static auto* const settings = new Settings;
  return *settings;
}

}  // namespace

const DeviceLimits& Limits() {
  static const DeviceLimits limits{
      static_cast<int>(std::min<size_t>(EnvironmentNumber("WORKBENCH_HOST_DEVICES", 1), 64)),
      static_cast<int>(std::min<size_t>(EnvironmentNumber("WORKBENCH_HOST_SMS", 16), 4096)),
      EnvironmentNumber("WORKBENCH_HOST_MEMORY_MIB", 8192) << 20};
  return limits;
}

int CurrentDevice() { return t_device; }
bool ValidDevice(int device) { return device >= 0 && device < Limits().devices; }

}  // namespace cuda_host

using namespace cuda_host;  // NOLINT(build/namespaces): the API's functions are global

extern "C" {

cudaError_t cudaDriverGetVersion(int* version) {
  if (version == nullptr) return Return(cudaErrorInvalidValue);
  *version = kVersion;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) { return cudaDriverGetVersion(version); }

cudaError_t cudaGetDeviceCount(int* count) {
  if (const cudaError_t error = EnterQuery(); error != cudaSuccess) return Return(error);
  if (count == nullptr) return Return(cudaErrorInvalidValue);
  *count = Limits().devices;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  if (const cudaError_t error = EnterQuery(); error != cudaSuccess) return Return(error);
  if (!ValidDevice(device)) return Return(cudaErrorInvalidDevice);
  t_device = device;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  if (const cudaError_t error = EnterQuery(); error != cudaSuccess) return Return(error);
  if (device == nullptr) return Return(cudaErrorInvalidValue);
  *device = t_device;
  return cudaSuccess;
}

cudaError_t cudaInitDevice(int device, unsigned, unsigned) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  return Return(ValidDevice(device) ? cudaSuccess : cudaErrorInvalidDevice);
}

cudaError_t cudaSetValidDevices(int* devices, int count) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (devices == nullptr && count > 0) return Return(cudaErrorInvalidValue);
  return Return(std::all_of(devices, devices + std::max(count, 0), ValidDevice) ? cudaSuccess : cudaErrorInvalidDevice);
}

cudaError_t cudaChooseDevice(int* device, const cudaDeviceProp* wanted) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (device == nullptr || wanted == nullptr) return Return(cudaErrorInvalidValue);
  *device = 0;
  return cudaSuccess;
}

cudaError_t cudaSetDeviceFlags(unsigned flags) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if ((flags & ~cudaDeviceMask) != 0) return Return(cudaErrorInvalidValue);
  std::lock_guard<std::mutex> lock(TheSettings().mutex);
  TheSettings().flags = flags;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceFlags(unsigned* flags) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (flags == nullptr) return Return(cudaErrorInvalidValue);
  std::lock_guard<std::mutex> lock(TheSettings().mutex);
  *flags = TheSettings().flags | cudaDeviceMapHost;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetPCIBusId(char* text, int length, int device) {
  if (const cudaError_t error = EnterQuery(); error != cudaSuccess) return Return(error);
  if (!ValidDevice(device)) return Return(cudaErrorInvalidDevice);
  if (text == nullptr || length < 13) return Return(cudaErrorInvalidValue);
  std::snprintf(text, static_cast<size_t>(length), "0000:%02X:00.0", device + 1);
  return cudaSuccess;
}

cudaError_t cudaDeviceGetByPCIBusId(int* device, const char* text) {
  if (const cudaError_t error = EnterQuery(); error != cudaSuccess) return Return(error);
  if (device == nullptr || text == nullptr) return Return(cudaErrorInvalidValue);
  unsigned domain = 0, bus = 0, slot = 0;
  if (std::sscanf(text, "%x:%x:%x", &domain, &bus, &slot) < 2) return Return(cudaErrorInvalidValue);
  const int found = static_cast<int>(bus) - 1;
  if (domain != 0 || slot != 0 || !ValidDevice(found)) return Return(cudaErrorInvalidDevice);
  *device = found;
  return cudaSuccess;
}

cudaError_t cudaDeviceReset() {
  if (const cudaError_t error = Enter(); error == cudaErrorNotPermitted || error == cudaErrorNotSupported) {
    return Return(error);
  }
  Scheduler& scheduler = Scheduler::Get();
  bool idle;
  {
    auto lock = scheduler.Acquire();
    if (scheduler.failed() == cudaSuccess) {
      if (const cudaError_t error = RefuseIfAnythingCaptures(); error != cudaSuccess) return Return(error);
      (void)scheduler.WaitForDevice(lock, CurrentDevice());
    }
    idle = scheduler.Reset(lock);
    ForgetEvents();
  }
  if (idle) FreeAllMemory();  // otherwise what still runs keeps its memory
  (void)cudaGetLastError();
  std::lock_guard<std::mutex> lock(TheSettings().mutex);
  TheSettings().peers.clear();
  return cudaSuccess;
}

cudaError_t cudaDeviceSetLimit(cudaLimit limit, size_t value) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  std::lock_guard<std::mutex> lock(TheSettings().mutex);
  const auto found = TheSettings().limits.find(limit);
  if (found == TheSettings().limits.end()) return Return(cudaErrorInvalidValue);
  found->second = value;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetLimit(size_t* value, cudaLimit limit) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (value == nullptr) return Return(cudaErrorInvalidValue);
  std::lock_guard<std::mutex> lock(TheSettings().mutex);
  const auto found = TheSettings().limits.find(limit);
  if (found == TheSettings().limits.end()) return Return(cudaErrorInvalidValue);
  *value = found->second;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetCacheConfig(cudaFuncCache* config) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (config == nullptr) return Return(cudaErrorInvalidValue);
  std::lock_guard<std::mutex> lock(TheSettings().mutex);
  *config = TheSettings().cache;
  return cudaSuccess;
}

cudaError_t cudaDeviceSetCacheConfig(cudaFuncCache config) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  std::lock_guard<std::mutex> lock(TheSettings().mutex);
  TheSettings().cache = config;
  return cudaSuccess;
}

cudaError_t cudaCtxResetPersistingL2Cache() { return Return(Enter()); }
cudaError_t cudaProfilerStart() { return Return(Enter()); }
cudaError_t cudaProfilerStop() { return Return(Enter()); }

cudaError_t cudaDeviceCanAccessPeer(int* can, int device, int peer) {
  if (const cudaError_t error = EnterQuery(); error != cudaSuccess) return Return(error);
  if (can == nullptr) return Return(cudaErrorInvalidValue);
  if (!ValidDevice(device) || !ValidDevice(peer)) return Return(cudaErrorInvalidDevice);
  *can = device != peer;
  return cudaSuccess;
}

cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned flags) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (flags != 0) return Return(cudaErrorInvalidValue);
  if (!ValidDevice(peer)) return Return(cudaErrorInvalidDevice);
  if (peer == t_device) return Return(cudaErrorPeerAccessUnsupported);
  std::lock_guard<std::mutex> lock(TheSettings().mutex);
  const bool added = TheSettings().peers.insert({t_device, peer}).second;
  return Return(added ? cudaSuccess : cudaErrorPeerAccessAlreadyEnabled);
}

cudaError_t cudaDeviceDisablePeerAccess(int peer) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (!ValidDevice(peer)) return Return(cudaErrorInvalidDevice);
  std::lock_guard<std::mutex> lock(TheSettings().mutex);
  return Return(TheSettings().peers.erase({t_device, peer}) == 0 ? cudaErrorPeerAccessNotEnabled : cudaSuccess);
}

cudaError_t cudaDeviceGetP2PAttribute(int* value, cudaDeviceP2PAttr attribute, int device, int peer) {
  if (const cudaError_t error = EnterQuery(); error != cudaSuccess) return Return(error);
  if (value == nullptr) return Return(cudaErrorInvalidValue);
  if (!ValidDevice(device) || !ValidDevice(peer) || device == peer) return Return(cudaErrorInvalidDevice);
  *value = attribute == cudaDevP2PAttrAccessSupported || attribute == cudaDevP2PAttrNativeAtomicSupported;
  return cudaSuccess;
}

}  // extern "C"
