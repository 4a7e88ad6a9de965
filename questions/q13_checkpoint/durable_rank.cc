#include "questions/q13_checkpoint/durable_rank.h"

#include <dlfcn.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "questions/q13_checkpoint/crash_matrix.h"
#include "questions/q13_checkpoint/damaged_files.h"
#include "questions/q13_checkpoint/memory_limit.h"
#include "questions/q13_checkpoint/thread_group.h"

namespace q13 {
namespace {

using workbench::CrashReplay;
using workbench::FileTree;
using workbench::IoFaults;
using workbench::IoOperation;
using workbench::MemoryIo;
using workbench::Result;
using workbench::Status;

constexpr size_t kMostOutcomes = 2000;
constexpr int64_t kMostFaultsOfARank = 300;
// That much more memory may be taken while files are read that say anything.
constexpr uint64_t kMemoryForGarbage = 256 << 20;

;

class DurableCase {
 public:
  DurableCase(StoreCreate create, const DurableRequest& request) : create_(create), request_(request) {}

  DurableReply Run() {
    switch (request_.mode) {
      case DurableMode::kRun: {
        MemoryIo io(EmptyStore());
        Outcome outcome = MainOf(&io, nullptr);
        outcome.example = "the script";
        Keep(std::move(outcome));
        break;
      }
      case DurableMode::kRestart: {
        MemoryIo io(EmptyStore());
        Outcome outcome = MainOf(&io, nullptr);
        Recover(io.Tree(), &outcome);
        outcome.example = "a start with " + std::to_string(request_.recovery_ranks) + " ranks";
        Keep(std::move(outcome));
        break;
      }
      case DurableMode::kCrash:
        RunCrash();
        break;
      case DurableMode::kFaults:
        for (const FaultPlan& plan : request_.faults) RunFaults(plan);
        break;
      case DurableMode::kRankLost:
        RunRankLost();
        break;
      case DurableMode::kFlips:
      case DurableMode::kGarbage:
        RunDamaged();
        break;
      case DurableMode::kCreate:
        RunCreate();
        break;
    }
    for (auto& [key, outcome] : outcomes_) reply_.outcomes.push_back(std::move(outcome));
    // As they came up: the first is the simplest.
    std::sort(reply_.outcomes.begin(), reply_.outcomes.end(),
              [this](const Outcome& a, const Outcome& b) { return met_.at(a.example) < met_.at(b.example); });
    return std::move(reply_);
  }

 private:
  static void SetSize(const FileTree& tree, Outcome* outcome) {
    outcome->files = static_cast<int64_t>(tree.files.size());
    outcome->bytes = static_cast<int64_t>(tree.TotalBytes());
  }

  Outcome MainOf(MemoryIo* io, ArmedFault* armed) {
    ScriptResult result = RunScript(create_, io, request_, request_.main, request_.ranks, request_.order != 0, armed);
    Outcome outcome;
    outcome.main = std::move(result.records);
    outcome.misuse = std::move(result.misuse);
    outcome.difference = std::move(result.difference);
    SetSize(io->Tree(), &outcome);
    return outcome;
  }

  // What a fresh process finds and does.
  FileTree Recover(const FileTree& tree, Outcome* outcome) {
    MemoryIo io(tree);
    ScriptResult result = RunScript(create_, &io, request_, request_.recovery, request_.recovery_ranks, false, nullptr);
    outcome->recovery = std::move(result.records);
    if (outcome->misuse.empty()) outcome->misuse = std::move(result.misuse);
    if (outcome->difference.empty()) outcome->difference = std::move(result.difference);
    return io.Tree();
  }

  // Those that came out alike are one.
  void Keep(Outcome outcome) {
    ++reply_.cases;
    std::string example = std::move(outcome.example);
    std::string difference = std::move(outcome.difference);
    outcome.example.clear();
    outcome.difference.clear();
    outcome.count = 0;
    const std::vector<std::byte> key = Encode(DurableReply{0, 0, {outcome}});
    auto found = outcomes_.find(key);
    if (found == outcomes_.end()) {
      if (outcomes_.size() >= kMostOutcomes) {
        ++reply_.dropped;
        return;
      }
      outcome.example = std::move(example);
      outcome.difference = std::move(difference);
      met_.try_emplace(outcome.example, met_.size());
      found = outcomes_.emplace(key, std::move(outcome)).first;
    }
    ++found->second.count;
  }

  void RunCrash() {
    MemoryIo io(EmptyStore());
    const Outcome main = MainOf(&io, nullptr);
    const std::vector<IoOperation> log = io.Log();
    CrashMatrixOptions options;
    options.first_cut = CutAtMark(log, BeginMark(request_.first));
    options.images = {request_.exhaustive, request_.singles, request_.samples, request_.seed};
    options.most_images = request_.most_images;
    ForEachCrash(io.Start(), log, options, [&](const CrashPoint& point) {
      Outcome outcome = main;
      for (const auto& [rank, mark] : point.marks) {
        outcome.begun = std::max(outcome.begun, static_cast<int32_t>(mark / 2 + 1));
        outcome.returned = std::max(outcome.returned, static_cast<int32_t>((mark + 1) / 2));
      }
      SetSize(Recover(point.tree, &outcome), &outcome);
      outcome.example = point.describe();
      Keep(std::move(outcome));
      return true;
    });
  }

  // After a run in which something failed: what is there, and the worst of what a crash leaves.
  void RecoverAfter(const MemoryIo& io, const Outcome& main, const std::string& what) {
    CrashReplay replay(io.Start());
    for (const IoOperation& operation : io.Log()) replay.Apply(operation);
    std::set<uint64_t> seen;
    const workbench::CrashOptions worst = {.exhaustive_units = 0, .singles = 0, .samples = 0, .seed = request_.seed};
    ForEachCrashImage(replay, worst, [&](const FileTree& tree, const std::function<std::string()>& describe) {
      if (!seen.insert(tree.Hash()).second) return true;
      Outcome outcome = main;
      Recover(tree, &outcome);
      outcome.example = what + "; then a crash: " + describe();
      Keep(std::move(outcome));
      return true;
    });
  }

  // `plan` at each operation of each rank, one run each.
  void RunFaults(const FaultPlan& plan) {
    for (int rank = 0; rank < request_.ranks; ++rank) {
      if (plan.rank >= 0 && plan.rank != rank) continue;
      for (int64_t at = 0; at < kMostFaultsOfARank; ++at) {
        MemoryIo io(EmptyStore());
        ArmedFault armed;
        armed.action = request_.first;
        armed.faults.rank = rank;
        if (plan.space >= 0) {
          armed.faults.space = at * std::max<int64_t>(1, plan.space);
        } else {
          armed.faults.fail_at = at;
          armed.faults.fail_count = plan.count;
          armed.faults.fail_kinds = static_cast<uint32_t>(plan.kinds);
          armed.faults.error = plan.error;
        }
        Outcome main = MainOf(&io, &armed);
        if (armed.met == 0) break;
        main.fault_rank = rank;
        main.error = plan.space >= 0 ? -ENOSPC : plan.error;
        RecoverAfter(io, main, DescribeFault(io, plan, rank, at, armed.faults.space));
      }
    }
  }

  std::string DescribeFault(const MemoryIo& io, const FaultPlan& plan, int rank, int64_t at, int64_t space) const {
    if (plan.space >= 0)
      return "rank " + std::to_string(rank) + "'s disk is full after " + std::to_string(space) + " bytes";
    for (const IoOperation& operation : io.Log()) {
      if (operation.rank == rank && operation.result == plan.error) return operation.Describe();
    }
    return "rank " + std::to_string(rank) + "'s operation " + std::to_string(at) + " (one that reads) fails with " +
           std::to_string(plan.error);
  }

  void RunRankLost() {
    for (int rank = 0; rank < request_.ranks; ++rank) {
      for (int64_t gather = 0; gather < kMostFaultsOfARank; ++gather) {
        MemoryIo io(EmptyStore());
        ArmedFault armed;
        armed.action = request_.first;
        armed.lost_rank = rank;
        armed.gather = gather;
        Outcome main = MainOf(&io, &armed);
        if (armed.gathers[static_cast<size_t>(rank)] <= gather) break;
        main.fault_rank = rank;
        RecoverAfter(
            io, main,
            "rank " + std::to_string(rank) + " is gone at AllGather " + std::to_string(gather) + " of the save");
      }
    }
  }

  void RunDamaged() {
    MemoryIo io(EmptyStore());
    const Outcome main = MainOf(&io, nullptr);
    const bool garbage = request_.mode == DurableMode::kGarbage;
    std::unique_ptr<MemoryLimit> limit;
    if (garbage) limit = std::make_unique<MemoryLimit>(kMemoryForGarbage);
    const auto visit = [&](const FileTree& tree, const std::function<std::string()>& describe) {
      Outcome outcome = main;
      Recover(tree, &outcome);
      outcome.example = describe();
      Keep(std::move(outcome));
    };
    if (garbage) {
      ForEachGarbage(io.Tree(), request_.seed, request_.most_images, visit);
    } else {
      ForEachFlip(io.Tree(), request_.seed, request_.most_images, visit);
    }
  }

  void RunCreate() {
    MemoryIo io(EmptyStore());
    ThreadGroup group(1);
    const StoreConfig right = {&io, group.rank(0), kStoreDirectory, 1};
    StoreConfig configs[] = {right, right, right, right, right};
    configs[0].io = nullptr;
    configs[1].group = nullptr;
    configs[2].keep = 0;
    configs[3].keep = -1;
    Outcome outcome;
    for (const StoreConfig& config : configs) {
      CallRecord record;
      try {
        std::unique_ptr<Store> store(create_(config));
        record.code = store != nullptr;
      } catch (...) {
        record.code = kThrew;
      }
      outcome.main.push_back(record);
    }
    outcome.example = "create";
    Keep(std::move(outcome));
  }

  StoreCreate create_;
  const DurableRequest& request_;
  DurableReply reply_;
  std::map<std::vector<std::byte>, Outcome> outcomes_;
  std::map<std::string, size_t> met_;  // examples, in order
};

}  // namespace

Status DurableRank::Load(void* library) {
  create_ = reinterpret_cast<StoreCreate>(dlsym(library, "q13_store_create"));
  if (create_ != nullptr) return Status::Ok();
  return workbench::Error(
      "the implementation does not define q13_store_create; is it still extern \"C\", with the signature of api.h?");
}

Result<std::vector<std::byte>> DurableRank::Run(std::span<const std::byte> bytes) {
  const std::optional<DurableRequest> request = DecodeDurableRequest(bytes);
  if (!request) return workbench::Error("not a request of part b");
  return Encode(DurableCase(create_, *request).Run());
}

}  // namespace q13
