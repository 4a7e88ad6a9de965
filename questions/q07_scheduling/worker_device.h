// What part D's worker does to the device: worker_device.cu on a GPU, worker_device_host.cc in host mode.
#ifndef QUESTIONS_Q07_SCHEDULING_WORKER_DEVICE_H_
#define QUESTIONS_Q07_SCHEDULING_WORKER_DEVICE_H_

#include <cstdint>
#include <functional>

namespace q07 {

// Allocates and writes to every page; kept until the process ends. False when it was refused for want of memory. Ends
// the process with kDeviceTrouble on any other error.
bool AllocateOnDevice(int64_t mib);

// Work that takes `milliseconds` with the device for itself and keeps `percent` of it busy; longer if others are in the
// way. Calls `tick` every few milliseconds, on a GPU after every kernel.
void WorkOnDevice(int64_t milliseconds, int32_t percent, const std::function<void()>& tick);

inline constexpr int kDeviceTrouble = 70;  // an exit code: the device itself, nobody's fault

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_WORKER_DEVICE_H_
