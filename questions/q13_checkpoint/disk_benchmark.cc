// An answer's parts A and F on a real disk: a state in device memory is saved as one safetensors file and loaded back,
// beside a plain O_DIRECT writer and reader of the same disk, in the same run.
//
//   disk_benchmark LIBRARY_A LIBRARY_F DIRECTORY [--mib=4096] [--keep] [--timeline=FILE]
//       [Google Benchmark's flags]
//
// A save is q13_snapshot_create's, from the call until the file and its name are durable; "stall_ms" is how long the
// stream was held up. A load is q13_safetensors_parse and q13_restore, until the stream has all. "Warm": the page cache
// has the whole file. The file of the save before is removed first, untimed: that is pruning's, and takes ext4 a second
// for 4 GiB. With --timeline, one save each with room on the device, in pinned memory and in a ring is written
// down as JSON, and nothing else is done. With --keep the file, model.safetensors, is left (docs/results/q13_peers.py
// has others load it). For disks that others use, too: --benchmark_enable_random_interleaving=true
// --benchmark_repetitions=5.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "questions/q13_checkpoint/real_disk.h"
#include "questions/q13_checkpoint/save_timeline.h"

namespace q13 {
namespace {

constexpr int64_t kMiB = 1 << 20;

template <typename Time>
void Run(benchmark::State& state, Disk& disk, const Time& time) {
  for (auto _ : state) state.SetIterationTime(time());
  state.SetBytesProcessed(state.iterations() * disk.bytes());
}

void Register(Disk& disk) {
  const auto add = [&disk](const char* name, std::function<double(benchmark::State&)> time) {
    benchmark::RegisterBenchmark(
        name, [&disk, time](benchmark::State& state) { Run(state, disk, [&] { return time(state); }); })
        ->UseManualTime()
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
  };
  add("PlainWrite", [&disk](benchmark::State&) { return disk.PlainWrite(); });
  const auto save = [&disk](SnapshotConfig config) {
    return [&disk, config](benchmark::State& state) {
      const Disk::Saved saved = disk.Save(config);
      state.counters["stall_ms"] = saved.stall * 1e3;
      state.SetLabel(disk.Describe());
      return saved.seconds;
    };
  };
  add("Save/room_on_the_device", save(disk.DeviceConfig()));
  add("Save/a_ring", save(disk.RingConfig()));
  add("PlainRead", [&disk](benchmark::State&) {
    disk.MustExist();
    disk.DropFromCache();
    return disk.PlainRead(true);
  });
  add("LoadCold", [&disk](benchmark::State&) {
    disk.MustExist();
    disk.DropFromCache();
    return disk.Load();
  });
  add("LoadWarm", [&disk](benchmark::State&) {
    disk.MustExist();
    disk.PlainRead(false);
    return disk.Load();
  });
}

int Main(int argc, char** argv) {
  std::string timeline;
  int64_t mib = 4096;
  bool keep = false;
  std::vector<char*> rest = {argv[0]};
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.starts_with("--mib=")) {
      mib = std::atoll(argument.c_str() + 6);
    } else if (argument == "--keep") {
      keep = true;
    } else if (argument.starts_with("--timeline=")) {
      timeline = argument.substr(11);
    } else if (argument.starts_with("--")) {
      rest.push_back(argv[i]);
    } else {
      names.push_back(argument);
    }
  }
  if (names.size() != 3 || mib < 64 || mib > (1 << 20)) {
    Give(
        "LIBRARY_A LIBRARY_F DIRECTORY [--mib=64..] [--keep] [--timeline=FILE] [Google Benchmark's flags] are its "
        "arguments");
  }
  int count = static_cast<int>(rest.size());
  benchmark::Initialize(&count, rest.data());
  if (benchmark::ReportUnrecognizedArguments(count, rest.data())) return 1;
  Disk disk(names[0], names[1], names[2], mib * kMiB, keep);
  if (!timeline.empty()) {
    WriteTimeline(disk, timeline);
    return 0;
  }
  disk.Save(disk.RingConfig());
  disk.Load();
  disk.MustBeWhole();
  Register(disk);
  benchmark::RunSpecifiedBenchmarks();
  disk.MustExist();
  disk.Load();
  disk.MustBeWhole();
  return 0;
}

}  // namespace
}  // namespace q13

int main(int argc, char** argv) { return q13::Main(argc, argv); }
