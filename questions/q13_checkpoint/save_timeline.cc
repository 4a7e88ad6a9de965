#include "questions/q13_checkpoint/save_timeline.h"

#include <cuda_runtime_api.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "questions/q13_checkpoint/judge_kernels.h"

namespace q13 {
namespace {

// Training on the disk's stream: kernel after kernel, each with an event behind it.
class Training {
 public:
  explicit Training(cudaStream_t stream) : stream_(stream) {
    Check(cudaMalloc(&weights_, kElements * sizeof(float)), "cudaMalloc");
    Check(cudaMemset(weights_, 0, kElements * sizeof(float)), "cudaMemset");
    Check(cudaDeviceSynchronize(), "the device");
    zero_ = Record();
    Check(cudaEventSynchronize(zero_), "an event");
    zero_time_ = DiskClock::now();
  }
  ~Training() {
    for (const cudaEvent_t event : events_) (void)cudaEventDestroy(event);
    (void)cudaFree(weights_);
  }

  cudaEvent_t Record() {
    cudaEvent_t event = nullptr;
    Check(cudaEventCreate(&event), "cudaEventCreate");
    Check(cudaEventRecord(event, stream_), "cudaEventRecord");
    events_.push_back(event);
    return event;
  }
  void WarmUp() {
    Launch(3);
    AwaitAllBut(0);
    kernels_.clear();
  }
  void Launch(int kernels) {
    for (int i = 0; i < kernels; ++i) {
      const cudaEvent_t begin = Record();
      Check(judge::Train(weights_, kElements, kRounds, stream_), "Train");
      kernels_.emplace_back(begin, Record());
    }
  }
  void AwaitAllBut(size_t kernels) {
    if (kernels_.size() > kernels) {
      Check(cudaEventSynchronize(kernels_[kernels_.size() - 1 - kernels].second), "a kernel");
    }
  }
  DiskClock::time_point At(cudaEvent_t event) const {
    float milliseconds = 0;
    Check(cudaEventElapsedTime(&milliseconds, zero_, event), "cudaEventElapsedTime");
    return zero_time_ +
           std::chrono::duration_cast<DiskClock::duration>(std::chrono::duration<double>(milliseconds * 1e-3));
  }
  const std::vector<std::pair<cudaEvent_t, cudaEvent_t>>& kernels() const { return kernels_; }

 private:
  static constexpr size_t kElements = size_t{64} << 20;
  static constexpr int kRounds = 256;
  cudaStream_t stream_;
  float* weights_ = nullptr;
  cudaEvent_t zero_;
  DiskClock::time_point zero_time_;
  std::vector<cudaEvent_t> events_;
  std::vector<std::pair<cudaEvent_t, cudaEvent_t>> kernels_;
};

nlohmann::json TimelineOf(Disk& disk, const char* room, const SnapshotConfig& config) {
  Training training(disk.stream());
  cudaEvent_t before = nullptr, after = nullptr;
  std::atomic<bool> done = false;
  std::thread trainer;
  training.WarmUp();
  const Disk::Saved saved = disk.Save(
      config,
      [&] {
        training.Launch(10);
        training.AwaitAllBut(3);  // the device is at work when Save is called
        before = training.Record();
      },
      [&] {
        after = training.Record();
        trainer = std::thread([&] {
          while (!done) {
            training.Launch(1);
            training.AwaitAllBut(4);
          }
        });
      });
  done = true;
  trainer.join();
  training.AwaitAllBut(0);

  nlohmann::json events = nlohmann::json::array();
  const auto milliseconds = [&](DiskClock::time_point time) {
    return static_cast<double>(std::llround(Seconds(time - saved.called) * 1e6)) / 1e3;
  };
  const auto add = [&](const char* lane, DiskClock::time_point begin, DiskClock::time_point end) {
    events.push_back({{"lane", lane}, {"begin_ms", milliseconds(begin)}, {"end_ms", milliseconds(end)}});
  };
  // Kernels that follow each other at once are one span.
  constexpr std::chrono::microseconds kGap{50};
  DiskClock::time_point begin, end;
  for (size_t i = 0; i < training.kernels().size(); ++i) {
    const DiskClock::time_point from = training.At(training.kernels()[i].first);
    if (from > saved.commits.back().end) break;  // these wait for the snapshotter's memory to be freed
    if (i > 0 && from - end > kGap) add("training", begin, end);
    if (i == 0 || from - end > kGap) begin = from;
    end = training.At(training.kernels()[i].second);
  }
  add("training", begin, end);
  add("save", saved.called, saved.returned);
  if (config.device_bytes > 0) add("copy", training.At(before), training.At(after));
  for (const Interval& write : saved.writes) add("write", write.begin, write.end);
  for (const Interval& commit : saved.commits) add("commit", commit.begin, commit.end);
  return {{"room", room},
          {"device_bytes", config.device_bytes},
          {"pinned_bytes", config.pinned_bytes},
          {"chunk_bytes", config.chunk_bytes},
          {"events", std::move(events)}};
}

}  // namespace

void WriteTimeline(Disk& disk, const std::string& path) {
  cudaDeviceProp properties{};
  Check(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
  disk.Save(disk.RingConfig());  // the first one warms up
  nlohmann::json timeline = {{"device", properties.name}, {"bytes", disk.bytes()}};
  timeline["saves"] = {TimelineOf(disk, "device", disk.DeviceConfig()), TimelineOf(disk, "pinned", disk.PinnedConfig()),
                       TimelineOf(disk, "ring", disk.RingConfig())};
  std::ofstream file(path);
  file << timeline.dump(1) << "\n";
  if (!file.flush()) Give(path + " cannot be written");
}

}  // namespace q13
