#include <dlfcn.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>

#include "cuda_host/launch_api.h"
#include "cuda_runtime_api.h"
#include "harness/host/executor/executor.h"
#include "harness/host/runtime/capture.h"
#include "harness/host/runtime/runtime.h"

namespace cuda_host {
namespace {

constexpr unsigned kMaxGridX = 2147483647, kMaxGridYZ = 65535;
constexpr unsigned kMaxBlockXY = 1024, kMaxBlockZ = 64;
constexpr unsigned kWarp = 32;

struct Function {
  KernelEntry entry{};
  size_t max_dynamic_bytes = kSharedBytesPerBlock;
};

struct Functions {
  std::mutex mutex;
  std::unordered_map<const void*, Function> by_address;
  size_t most_opted_in = kSharedBytesPerBlock;
};

Functions& AllFunctions() {
  static auto* const functions = new Functions;
  return *functions;
}

// Where the translator could not tell the kernel's address, what any kernel was allowed.
size_t MaxDynamicBytes(const void* kernel) {
  Functions& functions = AllFunctions();
  std::lock_guard<std::mutex> lock(functions.mutex);
  if (kernel == nullptr) return functions.most_opted_in;
  const auto found = functions.by_address.find(kernel);
  return found == functions.by_address.end() ? kSharedBytesPerBlock : found->second.max_dynamic_bytes;
}

std::mutex g_bounds_mutex;
std::map<const void*, unsigned>& Bounds() {
  static auto* bounds = new std::map<const void*, unsigned>;
  return *bounds;
}

// Most threads a block of this kernel.
uint64_t BoundOf(const void* kernel) {
  std::lock_guard<std::mutex> lock(g_bounds_mutex);
  const auto found = Bounds().find(kernel);
  return found == Bounds().end() ? kMaxThreadsPerBlock : std::min<uint64_t>(found->second, kMaxThreadsPerBlock);
}

uint64_t Threads(const dim3& block) { return uint64_t{block.x} * block.y * block.z; }

int BlocksPerMultiprocessor(uint64_t threads, size_t dynamic_bytes) {
  if (threads == 0 || threads > kMaxThreadsPerBlock || dynamic_bytes > kSharedBytesOptIn) return 0;
  const uint64_t warps = (threads + kWarp - 1) / kWarp;
  const uint64_t by_threads = kThreadsPerMultiprocessor / kWarp / warps;
  const uint64_t by_shared = kSharedBytesPerMultiprocessor / (dynamic_bytes + kSharedBytesReserved);
  return static_cast<int>(std::min({by_threads, by_shared, uint64_t{kBlocksPerMultiprocessor}}));
}

// The errors are those of CUDA 13 on an H100 (driver 580): cudaErrorInvalidValue where CUDA 12 had
// cudaErrorInvalidConfiguration.
cudaError_t CheckConfiguration(const LaunchSite& site, const Configuration& launch) {
  const dim3 &grid = launch.grid, &block = launch.block;
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || block.x == 0 || block.y == 0 || block.z == 0) {
    return cudaErrorInvalidValue;
  }
  if (grid.x > kMaxGridX || grid.y > kMaxGridYZ || grid.z > kMaxGridYZ) return cudaErrorInvalidValue;
  if (block.x > kMaxBlockXY || block.y > kMaxBlockXY || block.z > kMaxBlockZ ||
      Threads(block) > BoundOf(site.address)) {
    return cudaErrorInvalidValue;
  }
  if (launch.shared_bytes > MaxDynamicBytes(site.address)) return cudaErrorInvalidValue;
  if (launch.cooperative) {
    const uint64_t resident = static_cast<uint64_t>(BlocksPerMultiprocessor(Threads(block), launch.shared_bytes)) *
                              static_cast<uint64_t>(Limits().multiprocessors);
    if (uint64_t{grid.x} * grid.y * grid.z > resident) return cudaErrorCooperativeLaunchTooLarge;
  }
  return cudaSuccess;
}

cudaError_t Enqueue(const LaunchSite& site, const Configuration& configuration, RunFunction run,
                    std::shared_ptr<const void> arguments) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return error;
  auto lock = Scheduler::Get().Acquire();
  const Scheduler::Stream stream = StreamOf(configuration.stream);
  if (stream == nullptr || stream->device != CurrentDevice()) return cudaErrorInvalidResourceHandle;
  if (const cudaError_t error = CheckConfiguration(site, configuration); error != cudaSuccess) {
    if (stream->capture != nullptr) stream->capture->spoiled = true;
    return error;
  }
  GridLaunch launch;
  launch.grid = configuration.grid;
  launch.block = configuration.block;
  launch.dynamic_shared_bytes = configuration.shared_bytes;
  launch.cooperative = configuration.cooperative;
  launch.kernel = site.kernel;
  launch.file = site.file;
  launch.line = site.line;
  launch.run = run;
  launch.arguments = std::move(arguments);
  auto work = std::make_shared<Work>();
  work->type = cudaGraphNodeTypeKernel;
  work->what = site.kernel;
  work->start = [launch = std::move(launch)](const Operation& operation, Done done) {
    GridLaunch mine = launch;
    mine.operation = operation;
    StartGrid(std::move(mine), std::move(done));
  };
  return EnqueueOrCapture(lock, stream, std::move(work));
}

// The kernel's name where the program exports its symbols.
std::string NameOf(const KernelEntry& entry) {
  if (entry.name != nullptr) return entry.name;
  Dl_info info{};
  if (dladdr(entry.address, &info) != 0 && info.dli_saddr == entry.address && info.dli_sname != nullptr) {
    return info.dli_sname;
  }
  return "(unnamed)";
}

cudaError_t LaunchOrExplain(const ApiLaunch& launch, const void* kernel, void** args) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return error;
  if (kernel == nullptr) return cudaErrorInvalidDeviceFunction;
  KernelEntry entry{};
  {
    Functions& functions = AllFunctions();
    std::lock_guard<std::mutex> lock(functions.mutex);
    const auto found = functions.by_address.find(kernel);
    if (found != functions.by_address.end()) entry = found->second.entry;
  }
  if (entry.bind == nullptr) {
    (void)Unsupported(std::string(launch.api) + " of a kernel that was cast to void*",
                      "pass the kernel itself, so that the types of its parameters are known");
    return cudaErrorInvalidDeviceFunction;
  }
  // A name has to live as long as reports may quote it.
  static std::mutex names_mutex;
  static auto* const names = new std::map<const void*, std::string>;
  const char* name;
  {
    std::lock_guard<std::mutex> lock(names_mutex);
    name = names->try_emplace(kernel, NameOf(entry)).first->second.c_str();
  }
  Configuration configuration(launch.grid, launch.block, launch.shared_bytes, launch.stream);
  configuration.cooperative = launch.cooperative;
  return Enqueue({name, launch.file, launch.line, kernel}, configuration, entry.run, entry.bind(kernel, args));
}

}  // namespace

int RegisterLaunchBounds(const void* kernel, unsigned max_threads) {
  std::lock_guard<std::mutex> lock(g_bounds_mutex);
  Bounds()[kernel] = max_threads;
  return 0;
}

cudaError_t EnqueueKernel(const LaunchSite& site, const Configuration& configuration, RunFunction run,
                          std::shared_ptr<const void> arguments) {
  return Return(Enqueue(site, configuration, run, std::move(arguments)));
}

void RegisterKernel(const KernelEntry& entry) {
  Functions& functions = AllFunctions();
  std::lock_guard<std::mutex> lock(functions.mutex);
  Function& function = functions.by_address[entry.address];
  const char* const name = entry.name != nullptr ? entry.name : function.entry.name;
  function.entry = entry;
  function.entry.name = name;
}

cudaError_t LaunchByAddress(const ApiLaunch& launch, const void* kernel, void** args) {
  return Return(LaunchOrExplain(launch, kernel, args));
}

cudaError_t LaunchByConfig(const char* file, int line, const cudaLaunchConfig_t* config, const void* kernel,
                           void** args) {
  if (config == nullptr) return Return(cudaErrorInvalidValue);
  ApiLaunch launch{"cudaLaunchKernelEx",     file,           line, config->gridDim, config->blockDim,
                   config->dynamicSmemBytes, config->stream, false};
  for (unsigned i = 0; i < config->numAttrs; ++i) {
    const cudaLaunchAttribute& attribute = config->attrs[i];
    switch (attribute.id) {
      case cudaLaunchAttributeIgnore:
      case cudaLaunchAttributePriority:
      case cudaLaunchAttributeAccessPolicyWindow:
        break;
      case cudaLaunchAttributeCooperative:
        launch.cooperative = attribute.val.cooperative != 0;
        break;
      default:
        return Return(Unsupported("cudaLaunchKernelEx with attribute " + std::to_string(attribute.id),
                                  "leave it out; cooperative launches and priorities work"));
    }
  }
  return LaunchByAddress(launch, kernel, args);
}

}  // namespace cuda_host

using namespace cuda_host;  // NOLINT(build/namespaces): the API's functions are global

extern "C" {

cudaError_t cudaLaunchKernel(const void* kernel, dim3 grid, dim3 block, void** args, size_t shared_bytes,
                             cudaStream_t stream) {
  return LaunchByAddress({"cudaLaunchKernel", "", 0, grid, block, shared_bytes, stream, false}, kernel, args);
}

cudaError_t cudaLaunchCooperativeKernel(const void* kernel, dim3 grid, dim3 block, void** args, size_t shared_bytes,
                                        cudaStream_t stream) {
  return LaunchByAddress({"cudaLaunchCooperativeKernel", "", 0, grid, block, shared_bytes, stream, true}, kernel, args);
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* kernel, void** args) {
  return LaunchByConfig("", 0, config, kernel, args);
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* kernel) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (attributes == nullptr) return Return(cudaErrorInvalidValue);
  if (kernel == nullptr) return Return(cudaErrorInvalidDeviceFunction);
  *attributes = {};
  attributes->maxThreadsPerBlock = static_cast<int>(BoundOf(kernel));
  attributes->numRegs = 32;
  attributes->ptxVersion = attributes->binaryVersion = 90;
  attributes->maxDynamicSharedSizeBytes = static_cast<int>(MaxDynamicBytes(kernel));
  attributes->preferredShmemCarveout = cudaSharedmemCarveoutDefault;
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (kernel == nullptr) return Return(cudaErrorInvalidDeviceFunction);
  switch (attribute) {
    case cudaFuncAttributeMaxDynamicSharedMemorySize: {
      if (value < 0 || static_cast<size_t>(value) > kSharedBytesOptIn) return Return(cudaErrorInvalidValue);
      Functions& functions = AllFunctions();
      std::lock_guard<std::mutex> lock(functions.mutex);
      const size_t bytes = static_cast<size_t>(value);
      functions.by_address[kernel].max_dynamic_bytes = bytes;
      functions.most_opted_in = std::max(functions.most_opted_in, bytes);
      return cudaSuccess;
    }
    case cudaFuncAttributePreferredSharedMemoryCarveout:
      return Return(value < -1 || value > 100 ? cudaErrorInvalidValue : cudaSuccess);
    default:
      return Return(Unsupported("cudaFuncSetAttribute with attribute " + std::to_string(attribute),
                                "leave it out; thread block clusters do not exist here"));
  }
}

cudaError_t cudaFuncSetCacheConfig(const void* kernel, cudaFuncCache) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  return Return(kernel == nullptr ? cudaErrorInvalidDeviceFunction : cudaSuccess);
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* kernel, int block_size,
                                                          size_t dynamic_bytes) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, kernel, block_size, dynamic_bytes,
                                                                cudaOccupancyDefault);
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, const void* kernel, int block_size,
                                                                   size_t dynamic_bytes, unsigned flags) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (blocks == nullptr || block_size <= 0 || flags > cudaOccupancyDisableCachingOverride) {
    return Return(cudaErrorInvalidValue);
  }
  if (kernel == nullptr) return Return(cudaErrorInvalidDeviceFunction);
  *blocks = BlocksPerMultiprocessor(static_cast<uint64_t>(block_size), dynamic_bytes);
  return cudaSuccess;
}

cudaError_t cudaOccupancyAvailableDynamicSMemPerBlock(size_t* bytes, const void* kernel, int blocks, int block_size) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (bytes == nullptr || blocks <= 0 || block_size <= 0) return Return(cudaErrorInvalidValue);
  if (kernel == nullptr) return Return(cudaErrorInvalidDeviceFunction);
  const size_t share = kSharedBytesPerMultiprocessor / static_cast<size_t>(blocks);
  *bytes = share <= kSharedBytesReserved ? 0 : std::min(share - kSharedBytesReserved, kSharedBytesOptIn);
  return cudaSuccess;
}

}  // extern "C"
