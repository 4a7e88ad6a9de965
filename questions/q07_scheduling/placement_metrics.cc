#include "questions/q07_scheduling/placement_metrics.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>

#include "questions/q07_scheduling/placement_oracle.h"

namespace q07 {
namespace {

double Gpus(int64_t milli) { return static_cast<double>(milli) / 1000; }

int64_t GpuMilli(const Request& request) { return int64_t{request.shares} * request.gpus * request.gpu_milli; }

// The cluster as it is, by the judge's account, and what it amounts to; the fragmentation of each node is kept.
class Account {
 public:
  explicit Account(const PlacementSequence& sequence)
      : sequence_(sequence), cluster_(sequence.nodes), all_gpus_(cluster_.free_gpus()) {
    for (const NodeState& node : cluster_.nodes()) {
      fragmentation_.push_back(Fragmentation(node, sequence.typical));
      now_.stranded_gpus += fragmentation_.back();
    }
  }

  std::optional<std::string> WhyNot(const Request& request, const std::vector<Share>& shares) const {
    return cluster_.WhyNot(request, shares);
  }

  void Asked(const Request& request, bool refused) {
    asked_ += GpuMilli(request);
    if (refused) ++now_.refused;
  }

  void Take(const Request& request, const std::vector<Share>& shares) {
    cluster_.Take(request, shares);
    Changed(shares, GpuMilli(request));
  }

  void Give(const Request& request, const std::vector<Share>& shares) {
    cluster_.Give(request, shares);
    Changed(shares, -GpuMilli(request));
  }

  int64_t allocated() const { return allocated_; }

  PlacementPoint point() const {
    PlacementPoint point = now_;
    point.asked = all_gpus_ > 0 ? Gpus(asked_) / all_gpus_ : 0;
    point.allocated_gpus = Gpus(allocated_);
    point.free_gpus = all_gpus_ - point.allocated_gpus;
    return point;
  }

 private:
  void Changed(const std::vector<Share>& shares, int64_t gpu_milli) {
    allocated_ += gpu_milli;
    for (const Share& share : shares) {
      double& kept = fragmentation_[static_cast<size_t>(share.node)];
      const double now = Fragmentation(cluster_.node(share.node), sequence_.typical);
      now_.stranded_gpus += now - kept;
      kept = now;
    }
  }

  const PlacementSequence& sequence_;
  ClusterOracle cluster_;
  double all_gpus_;
  std::vector<double> fragmentation_;  // of each node
  int64_t asked_ = 0;                  // thousandths
  int64_t allocated_ = 0;
  PlacementPoint now_;  // refused and stranded_gpus
};

}  // namespace

PlacementRun RunPlacement(const PlacementSequence& sequence, Placer& placer) {
  using Clock = std::chrono::steady_clock;
  PlacementRun run;
  Account account(sequence);
  std::vector<std::vector<Share>> placed(sequence.requests.size());
  std::vector<int64_t> place_ns;
  int64_t all_ns = 0;
  int64_t most = 0;
  size_t mark = 0;
  run.peak = account.point();
  for (const PlacementEvent& event : sequence.events) {
    const Request& request = sequence.requests[static_cast<size_t>(event.request)];
    std::vector<Share>& shares = placed[static_cast<size_t>(event.request)];
    if (event.release && shares.empty()) continue;  // it was refused
    const Clock::time_point before = Clock::now();
    if (event.release) {
      placer.Release(request, shares);
    } else {
      placer.Place(request, &shares);
    }
    const int64_t ns = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - before).count();
    all_ns += ns;
    if (event.release) {
      account.Give(request, shares);
      continue;
    }
    ++run.places;
    place_ns.push_back(ns);
    account.Asked(request, shares.empty());
    if (!shares.empty()) {
      if (const std::optional<std::string> why_not = account.WhyNot(request, shares)) {
        run.broken = "request " + std::to_string(event.request) + ": " + *why_not;
        return run;
      }
      account.Take(request, shares);
      if (account.allocated() > most) {
        most = account.allocated();
        run.peak = account.point();
      }
    }
    for (; mark < sequence.marks.size() && static_cast<size_t>(run.places) == sequence.marks[mark].second; ++mark) {
      run.points.push_back(account.point());
    }
  }
  run.points.push_back(account.point());
  run.seconds = static_cast<double>(all_ns) * 1e-9;
  if (!place_ns.empty()) {
    const auto p99 = place_ns.begin() + static_cast<std::ptrdiff_t>((place_ns.size() * 99 + 99) / 100 - 1);
    std::nth_element(place_ns.begin(), p99, place_ns.end());
    run.p99_place_ns = static_cast<double>(*p99);
  }
  return run;
}

}  // namespace q07
