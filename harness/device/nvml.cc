#include "harness/device/nvml.h"

#include <dlfcn.h>

namespace workbench {
namespace {

// The little of nvml.h that is used here; NVML keeps its ABI (NVML API reference, "Device Queries").
constexpr int kSuccess = 0;
constexpr int kClockSm = 1;
constexpr int kClockMemory = 2;

struct Reason {
  uint64_t bit;
  const char* name;
  bool slows;
};
constexpr Reason kReasons[] = {
    {0x001, "idle", false},
    {0x002, "application clocks", false},
    {0x004, "software power cap", true},
    {0x008, "hardware slowdown", true},
    {0x010, "sync boost", true},
    {0x020, "software thermal slowdown", true},
    {0x040, "hardware thermal slowdown", true},
    {0x080, "hardware power brake", true},
    {0x100, "display clocks", false},
};

std::string Megahertz(const std::optional<unsigned>& clock) {
  return clock ? std::to_string(*clock) + " MHz" : "unknown";
}

}  // namespace

struct Nvml::Library {
  void* handle = nullptr;
  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  int (*device_by_bus_id)(const char*, void**) = nullptr;
  int (*clock)(void*, int, unsigned*) = nullptr;
  int (*max_clock)(void*, int, unsigned*) = nullptr;
  int (*reasons)(void*, unsigned long long*) = nullptr;
  int (*name)(void*, char*, unsigned) = nullptr;
  int (*driver)(char*, unsigned) = nullptr;
  bool initialised = false;

  template <typename Function>
  void Find(Function* function, const char* symbol) {
    if (*function == nullptr) *function = reinterpret_cast<Function>(dlsym(handle, symbol));
  }

  bool Open() {
    handle = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return false;
    Find(&init, "nvmlInit_v2");
    Find(&shutdown, "nvmlShutdown");
    Find(&device_by_bus_id, "nvmlDeviceGetHandleByPciBusId_v2");
    Find(&clock, "nvmlDeviceGetClockInfo");
    Find(&max_clock, "nvmlDeviceGetMaxClockInfo");
    Find(&reasons, "nvmlDeviceGetCurrentClocksEventReasons");
    Find(&reasons, "nvmlDeviceGetCurrentClocksThrottleReasons");  // its name before driver 535
    Find(&name, "nvmlDeviceGetName");
    Find(&driver, "nvmlSystemGetDriverVersion");
    initialised = init != nullptr && shutdown != nullptr && init() == kSuccess;
    return initialised;
  }

  ~Library() {
    if (initialised) shutdown();
    if (handle != nullptr) dlclose(handle);
  }
};

Nvml::Nvml(const std::string& pci_bus_id) : library_(std::make_unique<Library>()) {
  if (!library_->Open()) return;
  char text[128];
  if (library_->driver != nullptr && library_->driver(text, sizeof text) == kSuccess) driver_version_ = text;
  if (library_->device_by_bus_id == nullptr || library_->device_by_bus_id(pci_bus_id.c_str(), &device_) != kSuccess) {
    device_ = nullptr;
    return;
  }
  if (library_->name != nullptr && library_->name(device_, text, sizeof text) == kSuccess) gpu_name_ = text;
}

Nvml::~Nvml() = default;

GpuClocks Nvml::ReadClocks() const {
  GpuClocks clocks;
  if (device_ == nullptr) return clocks;
  unsigned mhz = 0;
  if (library_->clock != nullptr && library_->clock(device_, kClockSm, &mhz) == kSuccess) clocks.sm_mhz = mhz;
  if (library_->clock != nullptr && library_->clock(device_, kClockMemory, &mhz) == kSuccess) clocks.memory_mhz = mhz;
  if (library_->max_clock != nullptr && library_->max_clock(device_, kClockSm, &mhz) == kSuccess)
    clocks.max_sm_mhz = mhz;
  unsigned long long mask = 0;
  if (library_->reasons != nullptr && library_->reasons(device_, &mask) == kSuccess) clocks.reasons = mask;
  return clocks;
}

bool GpuClocks::Throttled() const {
  for (const Reason& reason : kReasons) {
    if (reason.slows && (reasons.value_or(0) & reason.bit) != 0) return true;
  }
  return false;
}

std::string GpuClocks::Describe() const {
  std::string text = "SM " + Megahertz(sm_mhz);
  if (max_sm_mhz) text += " of " + std::to_string(*max_sm_mhz);
  text += ", memory " + Megahertz(memory_mhz);
  if (!reasons) return text + ", throttle reasons unknown";
  for (const Reason& reason : kReasons) {
    if ((*reasons & reason.bit) != 0) text += std::string(", ") + reason.name;
  }
  return text;
}

}  // namespace workbench
