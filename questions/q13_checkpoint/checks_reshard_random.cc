// Part D: layouts at random, and what fails made smaller.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "questions/q13_checkpoint/checks_reshard.h"
#include "questions/q13_checkpoint/reshard_judge.h"

namespace q13 {
namespace {

using workbench::CheckContext;
using workbench::Finding;

ReshardScript RandomScript(uint64_t seed) {
  ReshardScript script(seed);
  LayoutRandom& random = *script.random();
  constexpr int64_t kExtents[] = {1, 2, 3, 5, 7, 8, 13, 16, 31, 64, 97};
  const int64_t tensors = 1 + random.Below(5);
  for (int64_t i = 0; i < tensors; ++i) {
    std::vector<int64_t> shape(static_cast<size_t>(random.Below(5)));
    int64_t elements = 1;
    for (int64_t& extent : shape) {
      extent = random.OneIn(25) ? 0 : kExtents[random.Below(static_cast<int64_t>(std::size(kExtents)))];
      if (elements * extent > 20000) extent = 2;
      elements *= std::max<int64_t>(1, extent);
    }
    if (random.OneIn(6)) {  // more than a chunk
      const int64_t rows = random.OneIn(3) ? 1 : 2 + random.Below(8);
      shape = {rows, 1 + random.Below(200000) / rows};
    }
    script.Tensor("t" + std::to_string(i), static_cast<Type>(random.Below(15)), shape);
  }
  const auto ranks = [&] { return static_cast<size_t>(random.OneIn(8) ? 1 + random.Below(24) : 1 + random.Below(7)); };
  const auto layout = [&](bool overlap) {
    Layout one(ranks());
    for (int32_t i = 0; i < static_cast<int32_t>(tensors); ++i) {
      AddRandom(script.tensor(i), i, overlap, &random, &one);
    }
    Shuffle(&random, &one);
    return one;
  };
  for (int32_t version = 0; version < 2; ++version) {
    script.Save(script.AddLayout(layout(random.OneIn(2))), version);
    script.last().misaligned = random.OneIn(3) ? static_cast<int32_t>(random.Below(8)) : 0;
    for (int loads = 0; loads < 2; ++loads) script.Load(script.AddLayout(layout(true)), version);
    Layout some(ranks());
    for (int32_t i = 0; i < static_cast<int32_t>(tensors); ++i) {
      AddAnyBoxes(script.tensor(i), i, static_cast<int>(random.Below(4)), true, &random, &some);
    }
    script.Load(script.AddLayout(some), version);
  }
  return script;
}

// Some other box has all of it, so a save may do without.
bool IsHeldTwice(const Layout& layout, const ReshardBox& box) {
  int holders = 0;
  for (const RankBoxes& boxes : layout) {
    holders += static_cast<int>(std::count_if(boxes.begin(), boxes.end(), [&](const ReshardBox& other) {
      if (other.tensor != box.tensor) return false;
      for (size_t d = 0; d < box.begin.size(); ++d) {
        if (other.begin[d] > box.begin[d]) return false;
        if (other.begin[d] + other.extent[d] < box.begin[d] + box.extent[d]) return false;
      }
      return true;
    }));
  }
  return holders > 1;
}

// Smaller cases: a step less, a tensor less, a rank less.
std::vector<ReshardScript> Smaller(const ReshardScript& script) {
  std::vector<ReshardScript> smaller;
  const ReshardRequest& request = script.request();
  const auto add = [&](auto change, size_t without_step) {
    ReshardScript other(request.seed);
    other.request().tensors = request.tensors;
    other.request().layouts = request.layouts;
    for (size_t i = 0; i < request.steps.size(); ++i) {
      if (i == without_step) continue;
      const ReshardStep& step = request.steps[i];
      if (step.save) {
        other.Save(step.layout, step.version);
      } else {
        other.Load(step.layout, step.version);
      }
      other.last() = step;
    }
    change(&other.request());
    smaller.push_back(std::move(other));
  };
  constexpr size_t kNone = ~size_t{0};
  const auto nothing = [](ReshardRequest*) {};
  // A save goes with the loads before the next one.
  for (size_t i = 0; i < request.steps.size(); ++i) {
    const bool needed = request.steps[i].save && i + 1 < request.steps.size() && !request.steps[i + 1].save;
    if (!needed && request.steps.size() > 1) add(nothing, i);
  }
  for (int32_t tensor = 0; tensor < static_cast<int32_t>(request.tensors.size()); ++tensor) {
    bool used = false;
    const auto drop = [&](ReshardRequest* other) {
      for (Layout& layout : other->layouts) {
        for (RankBoxes& boxes : layout) {
          used = std::erase_if(boxes, [&](const ReshardBox& box) { return box.tensor == tensor; }) > 0 || used;
        }
      }
    };
    add(drop, kNone);
    if (!used) smaller.pop_back();
  }
  for (const ReshardStep& step : request.steps) {
    const size_t at = static_cast<size_t>(step.layout);
    if (request.layouts[at].size() < 2) continue;
    add(
        [&](ReshardRequest* other) {
          Layout& layout = other->layouts[at];
          layout.front().insert(layout.front().end(), layout.back().begin(), layout.back().end());
          layout.pop_back();
        },
        kNone);
    for (size_t rank = 0; rank < request.layouts[at].size(); ++rank) {
      for (size_t box = 0; box < request.layouts[at][rank].size(); ++box) {
        if (step.save && !IsHeldTwice(request.layouts[at], request.layouts[at][rank][box])) continue;
        add(
            [&](ReshardRequest* other) {
              RankBoxes& boxes = other->layouts[at][rank];
              boxes.erase(boxes.begin() + static_cast<std::ptrdiff_t>(box));
            },
            kNone);
      }
    }
  }
  return smaller;
}

void CheckRandom(CheckContext& context) {
  const int cases = context.long_tier() ? 10000 : 300;
  const auto wrong = [&](const ReshardScript& script, std::optional<Finding>* finding) {
    ReshardReply reply;
    if (!RunReshard(context, script.request(), "random layouts", &reply)) return false;
    *finding = FindWrong(script, reply);
    return true;
  };
  for (int i = 0; i < cases; ++i) {
    ReshardScript script = RandomScript(context.seed() * 100003 + static_cast<uint64_t>(i));
    std::optional<Finding> finding;
    if (!wrong(script, &finding)) return;
    if (!finding.has_value()) continue;
    constexpr int kMostTries = 500;
    bool smaller_one = true;
    for (int tries = 0; smaller_one && tries < kMostTries;) {
      smaller_one = false;
      for (ReshardScript& other : Smaller(script)) {
        std::optional<Finding> again;
        if (++tries > kMostTries) break;
        if (!wrong(other, &again)) return;
        if (!again.has_value()) continue;
        script = std::move(other);
        finding = std::move(again);
        smaller_one = true;
        break;
      }
    }
    finding->input.insert(finding->input.begin(), {{"case", "random layouts, number " + std::to_string(i)},
                                                   {"seed", std::to_string(context.seed())}});
    context.Fail(*finding);
    return;
  }
}

}  // namespace

void AddReshardRandomCheck(std::vector<workbench::Check>* checks) {
  checks->push_back(
      {{"d.random", "random layouts", 1, false, {"what the checks before name, in some combination of it"}},
       CheckRandom});
}

}  // namespace q13
