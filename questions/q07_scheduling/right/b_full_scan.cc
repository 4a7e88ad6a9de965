// Odd but right: keeps nothing but what is free, and scans all nodes for every request, in long double; the
// fragmentation is the contract's definition, read aloud, once for each GPU. Racks are tried by scanning them too.
// Gives its shares back last node first.
#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "questions/q07_scheduling/placement_api.h"

using q07::GpuNode;
using q07::PlacementConfig;
using q07::PlacementPolicy;
using q07::Placer;
using q07::Request;
using q07::Scope;
using q07::Share;
using q07::TypicalRequest;

namespace {

using Real = long double;

constexpr Real kNear = 1e-11L;

struct Gpu {
  int64_t milli = 1000;
  int64_t memory = 0;
};

struct Server {
  GpuNode has;
  int64_t cpu = 0;
  int64_t memory = 0;
  std::vector<Gpu> gpus;
  int64_t plain = 0;
  bool up = true;
  int64_t version = 1;  // changes whenever anything else does

  int64_t Milli() const {
    int64_t sum = 0;
    for (const Gpu& gpu : gpus) sum += gpu.milli;
    return sum;
  }
};

bool Allows(uint32_t models, int32_t model) { return models == 0 || (models & 1u << model) != 0; }

bool Valid(const Request& r) {
  if (r.shares < 1 || std::min({r.cpu_milli, r.memory_mib, r.gpu_milli, r.gpu_memory_mib, int64_t{r.gpus}}) < 0) {
    return false;
  }
  if (r.gpus == 0) return r.gpu_milli == 0 && r.gpu_memory_mib == 0;
  return r.gpu_milli >= (r.gpus == 1 ? 1 : 1000) && r.gpu_milli <= 1000;
}

// Two numbers, compared one after the other.
struct Rank {
  Real first = 0;
  Real second = 0;

  bool operator<(const Rank& other) const {
    if (first < other.first - kNear) return true;
    if (first > other.first + kNear) return false;
    return second < other.second - kNear;
  }
  Rank operator+(const Rank& other) const { return {first + other.first, second + other.second}; }
};

class FullScan final : public Placer {
 public:
  FullScan(std::span<const GpuNode> nodes, const PlacementConfig& config)
      : policy_(config.policy), mix_(config.typical.begin(), config.typical.end()), dice_(config.seed) {
    for (const GpuNode& node : nodes) {
      servers_.push_back({node, node.cpu_milli, node.memory_mib, {}, 0, true, 1});
      servers_.back().gpus.assign(static_cast<size_t>(node.gpus), {1000, node.gpu_memory_mib});
    }
  }

  bool Place(const Request& request, std::vector<Share>* shares) override {
    shares->clear();
    if (!Valid(request)) return false;
    std::vector<Memory>& memories = MemoriesOf(request);
    std::set<int32_t> racks;
    for (const Server& server : servers_) racks.insert(server.has.rack);
    if (request.shares == 1) racks = {-1};
    std::optional<std::pair<Rank, std::vector<int32_t>>> best;
    for (const int32_t rack : racks) {
      std::vector<std::pair<const Rank*, int32_t>> fits;
      fits.reserve(servers_.size());
      for (size_t i = 0; i < servers_.size(); ++i) {
        if (rack != -1 && servers_[i].has.rack != rack) continue;
        Memory& memory = memories[i];
        if (memory.version != servers_[i].version) {
          memory.version = servers_[i].version;
          memory.gpus = Choose(servers_[i], request);
          if (memory.gpus != kNone) memory.rank = Score(servers_[i], request, memory.gpus);
        }
        if (policy_ == PlacementPolicy::kRandom) memory.rank.first = Die();
        if (memory.gpus != kNone) fits.push_back({&memory.rank, static_cast<int32_t>(i)});
      }
      if (fits.size() < static_cast<size_t>(request.shares)) continue;
      std::pair<Rank, std::vector<int32_t>> here;
      for (int32_t share = 0; share < request.shares; ++share) {
        const auto least = std::min_element(fits.begin(), fits.end(),
                                            [](const auto& a, const auto& b) { return *a.first < *b.first; });
        here.first = here.first + *least->first;
        here.second.push_back(least->second);
        fits.erase(least);
      }
      // The dice have decided once for each node, so that a rack of many is likelier; none is impossible.
      if (!best || here.first < best->first) best = std::move(here);
    }
    if (!best) return false;
    for (auto node = best->second.rbegin(); node != best->second.rend(); ++node) {
      const uint32_t gpus = memories[static_cast<size_t>(*node)].gpus;
      Add(servers_[static_cast<size_t>(*node)], request, gpus, -1);
      shares->push_back({*node, gpus});
    }
    return true;
  }

  void Release(const Request& request, const std::vector<Share>& shares) override {
    for (const Share& share : shares) Add(servers_[static_cast<size_t>(share.node)], request, share.gpus, 1);
  }

  void SetUp(int32_t node, bool up) override {
    servers_[static_cast<size_t>(node)].up = up;
    ++servers_[static_cast<size_t>(node)].version;
  }

 private:
  static constexpr uint32_t kNone = ~0u;

  // What was made of one server for one kind of request.
  struct Memory {
    int64_t version = 0;
    uint32_t gpus = kNone;
    Rank rank;
  };

  std::vector<Memory>& MemoriesOf(const Request& r) {
    if (memories_.size() > 64) memories_.clear();
    auto& memories = memories_[{r.cpu_milli, r.memory_mib, r.gpus, r.gpu_milli, r.gpu_memory_mib, r.models,
                                static_cast<int64_t>(r.scope)}];
    memories.resize(servers_.size());
    return memories;
  }

  // Each node that fits throws a die, and the least wins.
  Real Die() {
    dice_ = dice_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<Real>(dice_ >> 33);
  }

  static void Add(Server& server, const Request& request, uint32_t gpus, int64_t sign) {
    ++server.version;
    server.cpu += sign * request.cpu_milli;
    server.memory += sign * request.memory_mib;
    if (request.gpus == 0) server.plain -= sign;
    for (size_t i = 0; i < server.gpus.size(); ++i) {
      if ((gpus & 1u << i) == 0) continue;
      server.gpus[i].milli += sign * request.gpu_milli;
      server.gpus[i].memory += sign * request.gpu_memory_mib;
    }
  }

  // The GPUs that the policy takes of this server; kNone: the request does not fit.
  uint32_t Choose(const Server& server, const Request& request) const {
    if (!server.up || !Allows(request.models, server.has.model)) return kNone;
    if (server.cpu < request.cpu_milli || server.memory < request.memory_mib) return kNone;
    if (request.gpus == 0) return 0;
    const size_t count = server.gpus.size();
    const auto island = static_cast<size_t>(server.has.island);
    uint32_t chosen = kNone;
    Rank least;
    // Every GPU is the first of a choice: for several GPUs the next ones with room that are in its scope.
    for (size_t first = 0; first < count; ++first) {
      uint32_t gpus = 0;
      int32_t have = 0;
      for (size_t i = first; i < count && have < request.gpus; ++i) {
        if (request.scope == Scope::kIsland && island > 0 && i / island != first / island) break;
        if (server.gpus[i].milli < request.gpu_milli || server.gpus[i].memory < request.gpu_memory_mib) continue;
        gpus |= 1u << i;
        ++have;
      }
      if (have < request.gpus || (gpus & 1u << first) == 0) continue;
      const Rank rank = GpuRank(server, request, gpus, first);
      if (chosen != kNone && !(rank < least)) continue;
      chosen = gpus;
      least = rank;
    }
    return chosen;
  }

  Rank GpuRank(const Server& server, const Request& request, uint32_t gpus, size_t first) const {
    const auto free = static_cast<Real>(server.gpus[first].milli);
    switch (policy_) {
      case PlacementPolicy::kBestFit:
      case PlacementPolicy::kPack:
        return {free, 0};
      case PlacementPolicy::kWorstFit:
      case PlacementPolicy::kSpread:
        return {-free, 0};
      case PlacementPolicy::kFragmentation:
        return {Growth(server, request, gpus), free};
      default:
        return {};
    }
  }

  Rank Score(const Server& server, const Request& request, uint32_t gpus) const {
    const auto share = [](int64_t part, int64_t whole) {
      return whole > 0 ? static_cast<Real>(part) / static_cast<Real>(whole) : Real{0};
    };
    Server after = server;
    Add(after, request, gpus, -1);
    const int64_t all = 1000 * int64_t{server.has.gpus};
    const Real fit =
        share(after.cpu, server.has.cpu_milli) + share(after.memory, server.has.memory_mib) + share(after.Milli(), all);
    switch (policy_) {
      case PlacementPolicy::kFirstFit:
        return {};
      case PlacementPolicy::kBestFit:
        return {fit, 0};
      case PlacementPolicy::kWorstFit:
        return {-fit, 0};
      case PlacementPolicy::kSpread:
        return {request.gpus == 0 ? 1 - share(server.cpu, server.has.cpu_milli) : 1 - share(server.Milli(), all), 0};
      case PlacementPolicy::kPack: {
        bool used_gpu = false;
        for (const Gpu& gpu : server.gpus) used_gpu |= gpu.milli < 1000;
        bool partly = false;
        for (const Gpu& gpu : server.gpus) {
          partly |= request.gpus == 1 && gpu.milli < 1000 && gpu.milli >= request.gpu_milli &&
                    gpu.memory >= request.gpu_memory_mib;
        }
        return {partly ? Real{0} : used_gpu || server.plain > 0 ? Real{1} : Real{2}, static_cast<Real>(server.Milli())};
      }
      case PlacementPolicy::kFragmentation:
        return {Growth(server, request, gpus), fit};
      case PlacementPolicy::kRandom:
        break;
    }
    return {};
  }

  Real Growth(const Server& server, const Request& request, uint32_t gpus) const {
    Server after = server;
    Add(after, request, gpus, -1);
    return Fragmentation(after) - Fragmentation(server);
  }

  Real Fragmentation(const Server& server) const {
    Real sum = 0;
    for (const TypicalRequest& typical : mix_) {
      const Request& m = typical.request;
      int32_t room = 0;
      int64_t useless = 0;
      for (const Gpu& gpu : server.gpus) {
        if (gpu.milli >= m.gpu_milli) {
          ++room;
        } else {
          useless += gpu.milli;
        }
      }
      const bool runs = m.gpus > 0 && room >= m.gpus && m.cpu_milli <= server.cpu && m.memory_mib <= server.memory &&
                        Allows(m.models, server.has.model);
      sum += static_cast<Real>(typical.weight) * static_cast<Real>(runs ? useless : server.Milli());
    }
    return sum / 1000;
  }

  PlacementPolicy policy_;
  std::vector<TypicalRequest> mix_;
  uint64_t dice_;
  std::vector<Server> servers_;
  std::map<std::array<int64_t, 7>, std::vector<Memory>> memories_;
};

}  // namespace

extern "C" Placer* q07_placer_create(std::span<const GpuNode> nodes, const PlacementConfig& config) {
  for (const GpuNode& node : nodes) {
    if (std::min({node.cpu_milli, node.memory_mib, int64_t{node.gpus}, node.gpu_memory_mib, int64_t{node.model},
                  int64_t{node.island}, int64_t{node.rack}}) < 0) {
      return nullptr;
    }
    if (node.gpus > q07::kMaxGpusPerNode || node.model > 31) return nullptr;
  }
  switch (config.policy) {
    case PlacementPolicy::kFirstFit:
    case PlacementPolicy::kBestFit:
    case PlacementPolicy::kWorstFit:
    case PlacementPolicy::kSpread:
    case PlacementPolicy::kPack:
    case PlacementPolicy::kFragmentation:
    case PlacementPolicy::kRandom:
      return new FullScan(nodes, config);
  }
  return nullptr;
}
