// What NVML knows about a GPU's clocks. The library is looked for at run time; without it everything reads "unknown".
#ifndef HARNESS_DEVICE_NVML_H_
#define HARNESS_DEVICE_NVML_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace workbench {

struct GpuClocks {
  std::optional<unsigned> sm_mhz;
  std::optional<unsigned> memory_mhz;
  std::optional<unsigned> max_sm_mhz;
  std::optional<uint64_t> reasons;  // why the clocks are what they are: NVML's clocks-event reasons, a bit mask

  // Slowed by power, heat or a hardware brake: a time taken now is not comparable. False when unknown.
  bool Throttled() const;
  // "SM 1980 MHz of 1980, memory 3201 MHz, software power cap"; "unknown" for what is not known.
  std::string Describe() const;
};

class Nvml {
 public:
  // The GPU with this PCI bus id (cudaDeviceGetPCIBusId). Always works; a missing library or GPU makes all unknown.
  explicit Nvml(const std::string& pci_bus_id);
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  const std::string& gpu_name() const { return gpu_name_; }
  const std::string& driver_version() const { return driver_version_; }
  GpuClocks ReadClocks() const;

 private:
  struct Library;
  std::unique_ptr<Library> library_;
  void* device_ = nullptr;
  std::string gpu_name_ = "unknown";
  std::string driver_version_ = "unknown";
};

}  // namespace workbench

#endif  // HARNESS_DEVICE_NVML_H_
