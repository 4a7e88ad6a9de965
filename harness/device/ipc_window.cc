#include "harness/device/ipc_window.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstdio>

#include "harness/device/cuda_status.h"

namespace workbench {
namespace {

// cudaMalloc cuts small buffers out of shared blocks of this size, and an IPC handle opens whole blocks.
constexpr size_t kBlockBytes = size_t{2} << 20;

struct Offer {
  cudaIpcMemHandle_t handle;
  int ok;
};

}  // namespace

Status AllOk(const RankLinks& links, const Status& mine) {
  struct Report {
    int ok;
    char text[500];
  };
  Report report{mine.ok(), {}};
  std::snprintf(report.text, sizeof report.text, "%s", mine.message().c_str());
  std::vector<Report> all(static_cast<size_t>(links.ranks));
  links.allgather(&report, sizeof report, all.data());
  if (!mine.ok()) return mine;
  for (int r = 0; r < links.ranks; ++r) {
    const Report& other = all[static_cast<size_t>(r)];
    if (!other.ok) return Error("rank " + std::to_string(r) + ": " + other.text);
  }
  return Status::Ok();
}

Result<std::unique_ptr<IpcWindow>> IpcWindow::Create(const RankLinks& links, size_t bytes) {
  std::unique_ptr<IpcWindow> window(new IpcWindow(links.rank));
  window->data_.assign(static_cast<size_t>(links.ranks), nullptr);
  window->bytes_ = std::max((bytes + kBlockBytes - 1) / kBlockBytes, size_t{1}) * kBlockBytes;
  void*& own = window->data_[static_cast<size_t>(links.rank)];

  const auto allocate = [&](cudaIpcMemHandle_t* handle) -> Status {
    WB_RETURN_IF_CUDA_ERROR(cudaMalloc(&own, window->bytes_));
    WB_RETURN_IF_CUDA_ERROR(cudaMemset(own, 0, window->bytes_));
    WB_RETURN_IF_CUDA_ERROR(cudaDeviceSynchronize());
    return WB_CUDA(cudaIpcGetMemHandle(handle, own));
  };
  Offer mine{};
  Status status = allocate(&mine.handle);
  mine.ok = status.ok();
  std::vector<Offer> offers(static_cast<size_t>(links.ranks));
  links.allgather(&mine, sizeof mine, offers.data());
  for (int r = 0; r < links.ranks; ++r) {
    const Offer& offer = offers[static_cast<size_t>(r)];
    if (r == links.rank || !offer.ok || !status.ok()) continue;
    status = WB_CUDA(
        cudaIpcOpenMemHandle(&window->data_[static_cast<size_t>(r)], offer.handle, cudaIpcMemLazyEnablePeerAccess));
  }
  status =
      AllOk(links, status.WithContext("map a buffer of " + std::to_string(window->bytes_) + " bytes into all ranks"));
  if (!status.ok()) return status;
  return window;
}

Status IpcWindow::Close(const RankLinks& links) {
  const Status status = WB_CUDA(cudaDeviceSynchronize());
  links.barrier();  // nobody's work still uses a peer's buffer
  ClosePeers();
  links.barrier();
  FreeOwn();
  return status;
}

void IpcWindow::ClosePeers() {
  for (size_t r = 0; r < data_.size(); ++r) {
    if (static_cast<int>(r) == rank_ || data_[r] == nullptr) continue;
    (void)cudaIpcCloseMemHandle(data_[r]);
    data_[r] = nullptr;
  }
}

void IpcWindow::FreeOwn() {
  if (static_cast<size_t>(rank_) >= data_.size() || data_[static_cast<size_t>(rank_)] == nullptr) return;
  (void)cudaFree(data_[static_cast<size_t>(rank_)]);
  data_[static_cast<size_t>(rank_)] = nullptr;
}

IpcWindow::~IpcWindow() {
  ClosePeers();
  FreeOwn();
}

}  // namespace workbench
