#include "harness/launch/shared_devices.h"

#include "harness/launch/process_tree.h"

namespace workbench {

std::vector<std::string> SharedDevices::Environment() {
  if (!gpu_ || !trouble_.empty()) return {};
  if (mps_ == nullptr) {
    if (!MpsDaemon::Installed()) {
      trouble_ = "nvidia-cuda-mps-control is not installed: ranks take turns on the GPU, a few milliseconds each";
      return {};
    }
    Result<std::string> folder = MakePrivateFolder("/tmp");
    if (!folder.ok()) {
      trouble_ = folder.status().message();
      return {};
    }
    folder_ = *folder;
    Result<std::unique_ptr<MpsDaemon>> started = MpsDaemon::Start(folder_);
    if (!started.ok()) {
      trouble_ = started.status().message();
      RemoveFolder(folder_);
      return {};
    }
    mps_ = std::move(*started);
  }
  return mps_->Environment();
}

std::vector<pid_t> SharedDevices::Processes() const { return mps_ ? mps_->Processes() : std::vector<pid_t>(); }

void SharedDevices::Stop() {
  if (mps_ == nullptr) return;
  (void)mps_->Stop();
  mps_.reset();
  RemoveFolder(folder_);
}

}  // namespace workbench
