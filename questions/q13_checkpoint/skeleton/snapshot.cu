// Q13 part A: snapshots of device memory, and the way back.
#include "questions/q13_checkpoint/device_api.h"

namespace {

class MySnapshotter : public q13::Snapshotter {
 public:
  MySnapshotter(const q13::SnapshotConfig& config, q13::Sink* sink) : config_(config), sink_(sink) {}

  int Save(int64_t save, std::span<const q13::DeviceTensor> tensors, cudaStream_t stream) override {
    // TODO: yours. Which of the three cases is it? What does `stream` have to wait for, and what Save?
    (void)tensors;
    (void)stream;
    sink_->Finish(save, 0);
    return 0;
  }

  int Wait() override { return 0; }

 private:
  q13::SnapshotConfig config_;
  q13::Sink* sink_;
};

}  // namespace

extern "C" q13::Snapshotter* q13_snapshot_create(const q13::SnapshotConfig& config, q13::Sink* sink) {
  // TODO: which configurations make no sense? The memory, the streams and the threads belong here.
  return new MySnapshotter(config, sink);
}

extern "C" int q13_restore(const q13::RestoreConfig& config, q13::Source* source,
                           std::span<const q13::RestoreTensor> tensors, cudaStream_t stream) {
  // TODO: yours. Several threads read, into memory that is being copied elsewhere meanwhile. What do the copies wait
  // for, and what does this function?
  (void)config;
  (void)source;
  (void)tensors;
  (void)stream;
  return 0;
}
