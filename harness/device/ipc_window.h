// One device buffer a rank, each mapped into every rank's process (CUDA IPC).
#ifndef HARNESS_DEVICE_IPC_WINDOW_H_
#define HARNESS_DEVICE_IPC_WINDOW_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "harness/status.h"

namespace workbench {

// How the ranks of one host talk on the side. Collective: all ranks call them in the same order.
struct RankLinks {
  int rank = 0;
  int ranks = 1;
  // `all` gets ranks * bytes bytes, by rank.
  std::function<void(const void* mine, size_t bytes, void* all)> allgather;
  std::function<void()> barrier;
};

// Ok where `mine` is ok on all ranks. Otherwise an error on all of them: a rank's own, or one that names the first to
// fail. So all ranks give up together, and none waits for one that has left.
Status AllOk(const RankLinks& links, const Status& mine);

class IpcWindow {
 public:
  // Collective. Allocates at least `bytes` on each rank's current device (no two buffers share an allocation), zeroed,
  // and maps the peers'. REQUIRES: each rank is a process of its own: CUDA opens a handle in other processes only.
  static Result<std::unique_ptr<IpcWindow>> Create(const RankLinks& links, size_t bytes);

  // Collective: no peer's memory is freed while another rank has it mapped. The destructor does the local part alone,
  // for the end of the process and for errors.
  Status Close(const RankLinks& links);
  ~IpcWindow();
  IpcWindow(const IpcWindow&) = delete;
  IpcWindow& operator=(const IpcWindow&) = delete;

  // Rank r's buffer as this process addresses it; 256-byte aligned.
  void* data(int r) const { return data_[static_cast<size_t>(r)]; }
  size_t bytes() const { return bytes_; }

 private:
  explicit IpcWindow(int rank) : rank_(rank) {}
  void ClosePeers();
  void FreeOwn();

  int rank_;
  size_t bytes_ = 0;
  std::vector<void*> data_;
};

}  // namespace workbench

#endif  // HARNESS_DEVICE_IPC_WINDOW_H_
