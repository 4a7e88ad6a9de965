// Part D: what is saved by some ranks is loaded by others, whatever the layouts.
#include "questions/q13_checkpoint/checks_reshard.h"

#include <algorithm>
#include <limits>

#include "questions/q13_checkpoint/checks.h"
#include "questions/q13_checkpoint/reshard_judge.h"

namespace q13 {
namespace {

using workbench::CheckContext;

constexpr Type kTypes[] = {Type::kBool, Type::kU8,  Type::kI8,  Type::kF8E5M2, Type::kF8E4M3,
                           Type::kI16,  Type::kU16, Type::kF16, Type::kBF16,   Type::kI32,
                           Type::kU32,  Type::kF32, Type::kF64, Type::kI64,    Type::kU64};

void CheckSame(CheckContext& context) {
  for (const int ranks : {1, 2, 4}) {
    for (int axis = 0; axis < 3; ++axis) {
      ReshardScript script(context.seed());
      script.Tensor("weight", Type::kF32, {8, 12, 16});
      script.Tensor("bias", Type::kBF16, {24, 4, 4});
      const int32_t layout = script.ByAxis(ranks, axis, Cut::kFloor);
      script.Save(layout);
      script.Load(layout);
      if (!JudgeReshard(context, script, "cut along axis " + std::to_string(axis))) return;
    }
  }
}

void CheckAxes(CheckContext& context) {
  // Every axis to every axis, extents that nothing divides.
  for (const Cut cut : {Cut::kCeiling, Cut::kFloor, Cut::kTinyFirst}) {
    for (int from = 0; from < 4; ++from) {
      for (int to = 0; to < 4; ++to) {
        ReshardScript script(context.seed() + static_cast<uint64_t>(from));
        script.Tensor("vector", Type::kF64, {101});
        script.Tensor("matrix", Type::kF32, {13, 29});
        script.Tensor("cube", Type::kI16, {7, 11, 8});
        script.Tensor("four", Type::kU8, {4, 10, 7, 11});
        script.Save(script.ByAxis(4, from, cut));
        script.Load(script.ByAxis(4, to, cut));
        script.Load(script.ByAxis(4, to, Cut::kUneven));
        if (!JudgeReshard(context, script, "axis " + std::to_string(from) + " to axis " + std::to_string(to))) return;
      }
    }
  }
  // Grids, with more parts than ranks: some have several boxes of a tensor.
  for (const std::vector<int64_t>& grid : std::vector<std::vector<int64_t>>{{2, 3}, {3, 2}, {4, 4}, {1, 7}, {7, 1}}) {
    ReshardScript script(context.seed());
    const int32_t matrix = script.Tensor("matrix", Type::kF32, {31, 37});
    const int32_t cube = script.Tensor("cube", Type::kF16, {17, 6, 19});
    Layout saved(6);
    AddGrid(script.tensor(matrix), matrix, grid, Cut::kFloor, 0, script.random(), &saved);
    AddGrid(script.tensor(cube), cube, std::vector<int64_t>{grid[1], 2, grid[0]}, Cut::kUneven, 1, script.random(),
            &saved);
    script.Save(script.AddLayout(saved));
    Layout loaded(6);
    AddGrid(script.tensor(matrix), matrix, std::vector<int64_t>{grid[1], grid[0]}, Cut::kUneven, 2, script.random(),
            &loaded);
    AddGrid(script.tensor(cube), cube, std::vector<int64_t>{1, 6, 2}, Cut::kFloor, 0, script.random(), &loaded);
    script.Load(script.AddLayout(loaded));
    Layout some(6);  // parts, of any size
    AddAnyBoxes(script.tensor(matrix), matrix, 12, false, script.random(), &some);
    AddAnyBoxes(script.tensor(cube), cube, 12, false, script.random(), &some);
    script.Load(script.AddLayout(some));
    Layout one(6);  // one tensor of the two
    AddAxis(script.tensor(cube), cube, 1, Cut::kFloor, script.random(), &one);
    script.Load(script.AddLayout(one));
    if (!JudgeReshard(context, script,
                      "a grid of " + std::to_string(grid[0]) + " x " + std::to_string(grid[1]) + " parts")) {
      return;
    }
  }
  // Larger than a chunk in every direction.
  ReshardScript script(context.seed());
  const int32_t large = script.Tensor("large", Type::kF32, {211, 1009});
  Layout saved(4);
  AddGrid(script.tensor(large), large, std::vector<int64_t>{2, 2}, Cut::kFloor, 0, script.random(), &saved);
  script.Save(script.AddLayout(saved));
  for (int axis = 0; axis < 2; ++axis) script.Load(script.ByAxis(4, axis, Cut::kUneven));
  JudgeReshard(context, script, "boxes of several chunks");
}

void CheckRanks(CheckContext& context) {
  constexpr int kRanks[] = {1, 2, 3, 4, 5, 7, 8, 11, 16, 61, 64};
  constexpr int kNumbers = static_cast<int>(std::size(kRanks));
  for (int i = 0; i < kNumbers; ++i) {
    ReshardScript script(context.seed() + static_cast<uint64_t>(i));
    script.Tensor("embedding", Type::kF32, {67, 71});
    script.Tensor("norm", Type::kBF16, {193});
    const int from = kRanks[i];
    script.Save(script.ByAxis(from, i % 2, Cut::kFloor));
    // Each number is loaded by, too: 11 is prime, so each of these steps meets all. The long tier has all pairs.
    for (const int step : {0, 4, 7}) {
      if (!context.long_tier()) script.Load(script.ByAxis(kRanks[(i * 3 + step) % kNumbers], step % 2, Cut::kFloor));
    }
    for (int to = 0; context.long_tier() && to < kNumbers; ++to) {
      for (int axis = 0; axis < 2; ++axis) script.Load(script.ByAxis(kRanks[to], axis, Cut::kFloor));
    }
    if (!JudgeReshard(context, script, "saved by " + std::to_string(from))) return;
  }
}

void CheckTypes(CheckContext& context) {
  ReshardScript script(context.seed());
  int k = 0;
  for (const Type type : kTypes) script.Tensor("type " + std::to_string(k++), type, {9, 7});
  const std::string names[] = {
      "",         "a/b", "../up", "a b",    "new\nline",          std::string("nul\0in it", 9), "\xe6\x9d\x83",
      "\xff\xfe", ".",   "CON",   "latest", std::string(300, 'x')};
  for (const std::string& name : names) script.Tensor(name, Type::kF16, {11});
  for (size_t dimensions = 0; dimensions <= 7; ++dimensions) {
    std::vector<int64_t> shape(dimensions, 2);
    for (size_t d = 0; d < dimensions; d += 2) shape[d] = 3;
    script.Tensor("dimensions " + std::to_string(dimensions), Type::kI32, shape);
  }
  // Every rank has its boxes in an order of its own.
  const auto shuffled = [&](int ranks, int axis) {
    const int32_t number = script.ByAxis(ranks, axis, Cut::kFloor);
    Shuffle(script.random(), &script.request().layouts[static_cast<size_t>(number)]);
    return number;
  };
  script.Save(shuffled(4, 0));
  script.last().misaligned = 1;
  script.Load(shuffled(3, 1));
  script.last().misaligned = 3;
  script.Load(shuffled(2, 0));
  JudgeReshard(context, script, "every type");
}

void CheckEmpty(CheckContext& context) {
  ReshardScript script(context.seed());
  script.Tensor("scalar", Type::kF64, {});
  script.Tensor("empty", Type::kF32, {0});
  script.Tensor("no rows", Type::kF32, {0, 5});
  script.Tensor("no columns", Type::kBF16, {5, 0});
  script.Tensor("middle", Type::kI8, {2, 0, 3});
  script.Tensor("two", Type::kI32, {2, 3});  // over more ranks: empty boxes, which begin at the end
  const int32_t by5 = script.ByAxis(5, 0, Cut::kCeiling);
  script.Save(by5);
  script.Load(script.ByAxis(3, 1, Cut::kFloor));
  script.Load(script.ByAxis(1, 0, Cut::kFloor));
  Layout lone(4);  // all on rank 2, the others with nothing
  for (int32_t i = 0; i < 6; ++i) AddWhole(script.tensor(i), i, 2, 3, &lone);
  const int32_t by_one = script.AddLayout(lone);
  script.Load(by_one);
  script.Save(by_one, 1);
  script.Load(by5, 1);
  script.Load(script.ByAxis(61, 0, Cut::kCeiling), 1);
  script.Load(script.AddLayout(Layout(3)), 1);  // nobody wants anything
  if (!JudgeReshard(context, script, "tensors and boxes without elements")) return;

  ReshardScript nothing(context.seed());
  const int32_t empty = nothing.AddLayout(Layout(3));
  const int32_t tensor = nothing.Tensor("weight", Type::kF32, {4});
  nothing.Save(empty);
  nothing.Load(nothing.AddLayout(Layout(2)));
  Layout wanted(2);
  AddWhole(nothing.tensor(tensor), tensor, 0, 2, &wanted);
  nothing.Load(nothing.AddLayout(wanted), 0, {kNotFound});
  JudgeReshard(context, nothing, "a checkpoint of no tensors");
}

void CheckMissing(CheckContext& context) {
  const auto fails = [&](const std::string& what, int32_t code, bool saved, auto wanted_info) {
    for (const bool alone : {false, true}) {
      ReshardScript script(context.seed());
      const int32_t weight = script.Tensor("weight", Type::kF32, {6, 4});
      script.Tensor("bias", Type::kF32, {4});
      const int32_t by3 = script.ByAxis(3, 0, Cut::kFloor);
      const int32_t wanted = wanted_info(&script, weight);
      if (saved) script.Save(by3);
      Layout layout(3);
      for (int rank = 0; rank < 3; ++rank) {
        const int32_t mine = alone && rank != 1 ? weight : wanted;
        AddWhole(script.tensor(mine), mine, rank, rank + 1, &layout);
      }
      script.Load(script.AddLayout(layout), 0, {code});
      if (saved) script.Load(by3);  // nothing has come of it
      if (!JudgeReshard(context, script, what + (alone ? ", on rank 1 alone" : ", on all ranks"))) return false;
    }
    return true;
  };
  const auto itself = [](ReshardScript*, int32_t weight) { return weight; };
  const auto other_name = [](ReshardScript* script, int32_t) { return script->Tensor("weights", Type::kF32, {6, 4}); };
  const auto alias = [](Type type, std::vector<int64_t> shape) {
    return [=](ReshardScript* script, int32_t weight) { return script->Alias(weight, type, shape); };
  };
  if (!fails("no checkpoint", kNotFound, false, itself)) return;
  if (!fails("no such tensor", kNotFound, true, other_name)) return;
  if (!fails("another type of as many bytes", kInvalid, true, alias(Type::kI32, {6, 4}))) return;
  if (!fails("another type", kInvalid, true, alias(Type::kF64, {6, 4}))) return;
  if (!fails("another shape of as many elements", kInvalid, true, alias(Type::kF32, {4, 6}))) return;
  if (!fails("the same elements in one dimension", kInvalid, true, alias(Type::kF32, {24}))) return;
  if (!fails("a smaller shape", kInvalid, true, alias(Type::kF32, {5, 4}))) return;
  if (!fails("a larger shape", kInvalid, true, alias(Type::kF32, {7, 4}))) return;
  fails("a dimension of 1 more", kInvalid, true, alias(Type::kF32, {6, 4, 1}));
}

void CheckArguments(CheckContext& context) {
  constexpr int64_t kHuge = int64_t{1} << 32, kMost = std::numeric_limits<int64_t>::max();
  struct Case {
    const char* what;
    std::vector<int64_t> shape, begin, extent;
  };
  const Case cases[] = {
      {"a negative extent of a tensor", {-6, 4}, {0, 0}, {2, 2}},
      {"two negative extents", {-6, -4}, {0, 0}, {1, 1}},
      {"a box with a negative begin", {6, 4}, {-1, 0}, {2, 4}},
      {"a box with a negative extent", {6, 4}, {3, 0}, {-1, 4}},
      {"a box that ends after its tensor", {6, 4}, {5, 0}, {2, 4}},
      {"a box that begins after its tensor", {6, 4}, {0, 5}, {6, 0}},
      {"a box whose begin + extent overflows", {6, 4}, {0, kMost}, {6, kMost}},
      {"a begin that is shorter than the shape", {6, 4}, {0}, {6, 4}},
      {"an extent that is longer than the shape", {6, 4}, {0, 0}, {6, 4, 1}},
      {"2^32 x 2^32 elements", {kHuge, kHuge}, {0, 0}, {1, 1}},
      {"2^62 elements of 4 bytes", {kHuge, kHuge / 4}, {0, 0}, {1, 1}},
      {"2^63 - 1 elements of 4 bytes", {kMost}, {0}, {1}},
      {"2^24 x 2^24 x 2^24 elements", {1 << 24, 1 << 24, 1 << 24}, {0, 0, 0}, {1, 1, 1}},
  };
  for (const Case& one : cases) {
    for (const bool alone : {false, true}) {
      ReshardScript script(context.seed());
      const int32_t weight = script.Tensor("weight", Type::kF32, {6, 4});
      const int32_t right = script.ByAxis(3, 0, Cut::kFloor);
      // A tensor of another name, which everybody names alike, or the right one, of which the box alone is wrong.
      const bool other_shape = one.shape != script.tensor(weight).info.shape;
      const int32_t wrong = other_shape ? script.Tensor("other", Type::kF32, one.shape) : weight;
      Layout layout = script.request().layouts[static_cast<size_t>(right)];
      for (size_t rank = 0; rank < 3; ++rank) {
        if (!alone || rank == 1) layout[rank].push_back({wrong, one.begin, one.extent});
      }
      const int32_t bad = script.AddLayout(layout);
      script.Save(right, 0);
      script.Save(bad, 1, {kInvalid});
      script.Load(right, 0);  // what was there still is
      // Of a tensor that cannot be, none is there either.
      script.Load(bad, 0, other_shape ? std::vector<int32_t>{kInvalid, kNotFound} : std::vector<int32_t>{kInvalid});
      script.Save(right, 2);
      script.Load(right, 2);
      if (!JudgeReshard(context, script, one.what + std::string(alone ? ", on rank 1 alone" : ", on all ranks")))
        return;
    }
  }
  // Ranks that do not agree.
  for (const bool type : {false, true}) {
    ReshardScript script(context.seed());
    const int32_t weight = script.Tensor("weight", Type::kF32, {6, 4});
    const int32_t right = script.ByAxis(3, 0, Cut::kFloor);
    const int32_t other = type ? script.Alias(weight, Type::kI32, {6, 4}) : script.Alias(weight, Type::kF32, {7, 4});
    Layout layout = script.request().layouts[static_cast<size_t>(right)];
    layout[2].front().tensor = other;
    script.Save(right, 0);
    script.Save(script.AddLayout(layout), 1, {kInvalid});
    script.Load(right, 0);
    if (!JudgeReshard(context, script, type ? "ranks name different types" : "ranks name different shapes")) return;
  }
}

void CheckReplicated(CheckContext& context) {
  for (const int ranks : {2, 3, 5}) {
    ReshardScript script(context.seed());
    const int32_t whole = script.Tensor("everywhere", Type::kF32, {13, 17});
    const int32_t scalar = script.Tensor("step", Type::kI64, {});
    const int32_t rows = script.Tensor("overlapping rows", Type::kBF16, {4 * ranks + 3, 5});
    const int32_t columns = script.Tensor("overlapping columns", Type::kF64, {6, 4 * ranks + 3});
    const int32_t corner = script.Tensor("corners", Type::kI32, {10, 10});
    const int32_t pairs = script.Tensor("on two each", Type::kF16, {ranks, 33});
    Layout saved(static_cast<size_t>(ranks));
    AddWhole(script.tensor(whole), whole, 0, ranks, &saved);
    AddWhole(script.tensor(scalar), scalar, 0, ranks, &saved);
    for (int64_t rank = 0; rank < ranks; ++rank) {
      RankBoxes& boxes = saved[static_cast<size_t>(rank)];
      // Each has 7 of which 3 are the next one's, too.
      boxes.push_back({rows, {4 * rank, 0}, {7, 5}});
      boxes.push_back({columns, {0, 4 * rank}, {6, 7}});
      boxes.push_back({pairs, {rank, 0}, {1, 33}});
      boxes.push_back({pairs, {(rank + 1) % ranks, 0}, {1, 33}});
    }
    // Boxes that cross: neither holds the other, and together they do not make a box.
    saved[0].push_back({corner, {0, 0}, {7, 7}});
    saved[1].push_back({corner, {3, 3}, {7, 7}});
    saved[0].push_back({corner, {0, 5}, {4, 5}});
    saved[1].push_back({corner, {6, 0}, {4, 4}});
    saved[0].push_back({corner, {4, 0}, {2, 10}});
    const int32_t layout = script.AddLayout(saved);
    script.Save(layout);
    script.Load(layout);
    script.Load(script.ByAxis(2, 0, Cut::kFloor));
    script.Load(script.ByAxis(ranks + 2, 1, Cut::kCeiling));
    if (!JudgeReshard(context, script, "boxes on several ranks")) return;
  }
}

void CheckReplace(CheckContext& context) {
  ReshardScript script(context.seed());
  const int32_t weight = script.Tensor("weight", Type::kF32, {40, 7});
  const int32_t by4 = script.ByAxis(4, 0, Cut::kFloor);
  const int32_t bias = script.Tensor("bias", Type::kF32, {9});
  const int32_t by3 = script.ByAxis(3, 1, Cut::kFloor);  // both tensors
  Layout lone(2);
  AddWhole(script.tensor(bias), bias, 1, 2, &lone);
  const int32_t bias_only = script.AddLayout(lone);
  script.Save(by4, 0);
  script.Save(by4, 1);
  script.Load(by4, 1);
  script.Save(by3, 2);
  script.Load(by3, 2);
  script.Save(bias_only, 3);
  script.Load(bias_only, 3);
  script.Load(by4, 0, {kNotFound});  // "weight" was in older ones
  const int32_t larger = script.Alias(weight, Type::kF64, {3, 80});
  Layout other(1);
  AddWhole(script.tensor(larger), larger, 0, 1, &other);
  script.Save(script.AddLayout(other), 1);
  script.Load(static_cast<int32_t>(script.request().layouts.size()) - 1, 1);
  script.Load(by4, 0, {kInvalid});
  if (!JudgeReshard(context, script, "saved again, as something else")) return;

  ReshardScript often(context.seed());
  often.Tensor("weight", Type::kF32, {512, 16});
  const int32_t layout = often.ByAxis(4, 0, Cut::kFloor);
  constexpr int kSaves = 9;
  for (int i = 0; i < kSaves; ++i) often.Save(layout, i % 4);
  ReshardReply reply;
  if (!JudgeReshard(context, often, "saved nine times", &reply)) return;
  const ReshardStepRecord &second = reply.steps[1], &last = reply.steps[kSaves - 1];
  // Names and numbers may grow a little.
  if (last.files > second.files || last.bytes > second.bytes + 1024) {
    workbench::Finding finding;
    finding.property = "there is one checkpoint: what an older one had is removed";
    finding.input = {{"case", "four ranks save 32 KiB nine times"}};
    finding.expected = std::to_string(second.files) + " files of " + std::to_string(second.bytes) +
                       " bytes together, as after the second";
    finding.actual = std::to_string(last.files) + " files of " + std::to_string(last.bytes) + " bytes";
    context.Fail(finding);
  }
}

void CheckIo(CheckContext& context) {
  for (const int interrupt_every : {0, 3}) {
    for (const int short_io : {0, 1}) {
      if (interrupt_every == 0 && short_io == 0) continue;
      ReshardScript script(context.seed());
      script.Tensor("weight", Type::kF32, {40, 27});
      script.Tensor("bias", Type::kBF16, {55});
      script.Tensor("large", Type::kU8, {3, 50000});
      const int32_t by3 = script.ByAxis(3, 0, Cut::kFloor), by2 = script.ByAxis(2, 1, Cut::kFloor);
      for (int i = 0; i < 4; ++i) {
        for (const bool save : {true, false}) {
          if (save) {
            script.Save(i % 2 == 0 ? by3 : by2, i);
          } else {
            script.Load(i % 2 == 0 ? by2 : by3, i);
          }
          script.last().faults = {-1, short_io, interrupt_every};
        }
      }
      if (!JudgeReshard(context, script,
                        std::string(short_io != 0 ? "short writes and reads" : "") +
                            (short_io != 0 && interrupt_every != 0 ? ", " : "") +
                            (interrupt_every != 0 ? "-EINTR" : ""))) {
        return;
      }
    }
  }
}

}  // namespace

void AddReshardChecks(std::vector<workbench::Check>* checks) {
  const auto add = [&](const char* id, const char* title, double marks, std::vector<std::string> causes,
                       void (*run)(CheckContext&)) {
    checks->push_back({{id, title, marks, false, std::move(causes)}, run});
  };
  add("d.same", "as many ranks, the same layout", 1,
      {"elements are written or found at another place than the box says", "a rank loads another one's file"},
      CheckSame);
  add("d.axes", "cut along any axes", 1,
      {"strides of the box taken for the tensor's, or the other way round", "the last part, which is shorter",
       "a rank may hold several boxes of a tensor"},
      CheckAxes);
  add("d.ranks", "other numbers of ranks", 1,
      {"as many files are read as there are ranks now, not as there were", "ranks that have nothing to load or save",
       "a name of a file that has room for one digit"},
      CheckRanks);
  add("d.empty", "nothing to write", 0.5,
      {"a box without elements is divided by its size, or its null pointer used", "a scalar has one element"},
      CheckEmpty);
  add("d.types", "every type and name", 0.5, {"names in paths", "an order of the slices that is rank 0's"}, CheckTypes);
  add("d.missing", "what is not there, and what differs", 1,
      {"type or shape are not compared", "the number of elements is compared alone",
       "a rank returns before the others have been told"},
      CheckMissing);
  add("d.arguments", "arguments that make no sense", 0.5,
      {"a product that overflows", "begin + extent is not compared with the shape", "one rank alone notices"},
      CheckArguments);
  add("d.replicated", "the same elements on many ranks", 1,
      {"boxes are taken for the same or for disjoint", "what overlaps is left to another rank, which leaves it, too"},
      CheckReplicated);
  AddReshardTrafficChecks(checks);
  add("d.replace", "the newest one", 0.5, {"files of an older checkpoint are found", "older ones are not removed"},
      CheckReplace);
  add("d.io", "short writes, short reads, EINTR", 0.5, {"the rest is not written", "-EINTR is taken for an error"},
      CheckIo);
  AddReshardFaultChecks(checks);
  AddReshardRandomCheck(checks);
}

}  // namespace q13
