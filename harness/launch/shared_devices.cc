#include "harness/launch/shared_devices.h"

#include "harness/launch/process_tree.h"

namespace workbench {
namespace {

// Lazy loading would load a kernel at its first launch, which waits for the device: while a peer's kernel spins on a
// flag that only this launch can set, that is a deadlock.
std::vector<std::string> WithModules(std::vector<std::string> environment) {
  environment.push_back("CUDA_MODULE_LOADING=EAGER");
  return environment;
}

}  // namespace

std::vector<std::string> SharedDevices::Environment() {
  if (!gpu_) return {};
  if (!trouble_.empty()) return WithModules({});
  if (mps_ == nullptr) {
    if (!MpsDaemon::Installed()) {
      trouble_ = "nvidia-cuda-mps-control is not installed: ranks take turns on the GPU, a few milliseconds each";
      return WithModules({});
    }
    Result<std::string> folder = MakePrivateFolder("/tmp");
    if (!folder.ok()) {
      trouble_ = folder.status().message();
      return WithModules({});
    }
    folder_ = *folder;
    Result<std::unique_ptr<MpsDaemon>> started = MpsDaemon::Start(folder_);
    if (!started.ok()) {
      trouble_ = started.status().message();
      RemoveFolder(folder_);
      return WithModules({});
    }
    mps_ = std::move(*started);
  }
  return WithModules(mps_->Environment());
}

std::vector<pid_t> SharedDevices::Processes() const { return mps_ ? mps_->Processes() : std::vector<pid_t>(); }

void SharedDevices::Stop() {
  if (mps_ == nullptr) return;
  (void)mps_->Stop();
  mps_.reset();
  RemoveFolder(folder_);
}

}  // namespace workbench
