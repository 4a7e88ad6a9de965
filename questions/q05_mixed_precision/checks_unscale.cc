// Part B: unscaling a list of tensors, with overflow found and the norm taken on the way.
#include <cmath>

#include "questions/q05_mixed_precision/checks.h"
#include "questions/q05_mixed_precision/timing.h"
#include "questions/q05_mixed_precision/unscale_case.h"

namespace q05 {
namespace {

using workbench::CheckContext;

constexpr Format kFormats[] = {Format::kFloat32, Format::kFloat16, Format::kBFloat16};

// Gradients: random signs, magnitudes over some binades around `size`.
Tensor Gradients(Format format, size_t count, double size, Draws* draws) {
  return MakeTensor(format, count, [&](size_t) { return draws->Signed() * std::exp2(-6 * draws->Uniform()) * size; });
}

uint32_t InfinityOf(Format format) { return TraitsOf(format).largest + 1; }

void CheckArguments(CheckContext& context) {
  for (const int format : {3, 4, 5, -1}) {
    const std::vector<uint8_t> data(64, 0x30);
    const float one = 1, zero = 0;
    workbench::DeviceCall call;
    call.InOut(data.data(), data.size());
    call.Input(&one, 4);
    call.InOut(&zero, 4);
    call.Output(4);
    struct {
      UnscaleParameters parameters;
      TensorPlace place;
    } parameters = {{format, 1}, {0, 8}};
    if (!MustRefuse(context, "b", RequestKind::kUnscale, call, parameters, {{"format", std::to_string(format)}}))
      return;
  }
}

void CheckValues(CheckContext& context) {
  Draws draws(context, 1);
  for (const Format format : kFormats) {
    for (const float inverse : {1.0f / 65536, 1.0f / 3, 0.7f}) {
      UnscaleCase c;
      c.format = format;
      c.inverse_scale = inverse;
      c.tensors = {Gradients(format, Affordable(context, 100000, 20000, 1024), 60000, &draws),
                   Gradients(format, 2048, 1e-3, &draws)};
      if (!JudgeUnscale(context, c, {.values = true})) return;
    }
  }
}

void CheckNorm(CheckContext& context) {
  Draws draws(context, 2);
  for (const Format format : kFormats) {
    UnscaleCase c;
    c.format = format;
    c.inverse_scale = 1.0f / 1024;
    c.tensors = {Gradients(format, 1008, 1000, &draws)};
    if (!JudgeUnscale(context, c, {.norm = true})) return;
    // Many equal terms: a single running sum in fp32 loses them.
    c.tensors = {MakeTensor(format, Affordable(context, 4000000, 400000, 4096), [](size_t) { return 0.1; })};
    if (!JudgeUnscale(context, c, {.norm = true})) return;
    c.tensors = {MakeTensor(format, 512, [](size_t) { return 0.0; })};
    if (!JudgeUnscale(context, c, {.norm = true})) return;
  }
}

// Squares beyond fp32's range, and below it.
void CheckRange(CheckContext& context) {
  Draws draws(context, 3);
  for (const Format format : {Format::kFloat32, Format::kBFloat16}) {
    for (const double size : {1e30, 1e-28, 3e37, 1e19}) {
      UnscaleCase c;
      c.format = format;
      c.inverse_scale = 0.5f;
      c.tensors = {Gradients(format, 704, size, &draws), Gradients(format, 32, size, &draws)};
      if (!JudgeUnscale(context, c, {.norm = true})) return;
    }
  }
  UnscaleCase c;  // one large among small ones
  c.format = Format::kFloat32;
  c.tensors = {Gradients(c.format, 304, 1, &draws), Gradients(c.format, 16, 1e25, &draws)};
  (void)JudgeUnscale(context, c, {.norm = true});
}

void CheckFound(CheckContext& context) {
  Draws draws(context, 4);
  for (const Format format : kFormats) {
    const uint32_t sign = TraitsOf(format).sign(), infinity = InfinityOf(format);
    UnscaleCase clean;
    clean.format = format;
    clean.inverse_scale = 1.0f / 8;
    for (const size_t count : {1008, 16, 48, 4096}) clean.tensors.push_back(Gradients(format, count, 100, &draws));
    clean.tensors[0].codes[3] = TraitsOf(format).largest;  // finite
    if (!JudgeUnscale(context, clean, {.values = true, .found = true})) return;
    for (const uint32_t bad : {infinity, infinity | sign, infinity + 1, (sign - 1) | sign}) {
      for (const auto& [tensor, element] : {std::pair{0, 0}, {0, 1007}, {1, 0}, {2, 47}, {3, 4081}, {3, 4095}}) {
        UnscaleCase c = clean;
        c.tensors[static_cast<size_t>(tensor)].codes[static_cast<size_t>(element)] = bad;
        if (!JudgeUnscale(context, c, {.values = true, .found = true})) return;
      }
    }
    UnscaleCase before = clean;
    before.found_before = 1;
    if (!JudgeUnscale(context, before, {.values = true, .found = true})) return;
  }
}

void CheckAlignment(CheckContext& context) {
  Draws draws(context, 5);
  for (const Format format : kFormats) {
    for (int round = 0; round < 3; ++round) {
      UnscaleCase c;
      c.format = format;
      c.inverse_scale = 0.25f;
      for (const size_t count : {1, 2, 3, 7, 8, 9, 31, 33, 255, 257, 1023, 5003}) {
        c.tensors.push_back(Gradients(format, count, 100, &draws));
        c.tensors.back().offset = static_cast<uint32_t>(draws.Below(17));
      }
      if (!JudgeUnscale(context, c, {.values = true, .norm = true, .found = true})) return;
    }
  }
}

void CheckEmpty(CheckContext& context) {
  Draws draws(context, 6);
  for (const Format format : kFormats) {
    const std::vector<std::vector<size_t>> lists = {{}, {0}, {0, 0, 0}, {0, 100}, {100, 0}, {5, 0, 0, 700, 0, 1, 0}};
    for (const std::vector<size_t>& counts : lists) {
      for (const bool null : {false, true}) {
        UnscaleCase c;
        c.format = format;
        c.inverse_scale = 0.5f;
        for (const size_t count : counts) {
          c.tensors.push_back(Gradients(format, count, 10, &draws));
          c.tensors.back().null = null && count == 0;
        }
        if (!JudgeUnscale(context, c, {.values = true, .norm = true, .found = true})) return;
      }
    }
  }
}

// Long lists, of tensors of any sizes.
UnscaleCase LongList(CheckContext& context, Format format, size_t tensors, Draws* draws) {
  UnscaleCase c;
  c.format = format;
  c.inverse_scale = 1.0f / 16;
  const double largest = static_cast<double>(Affordable(context, 20000, 3000, 300));
  for (size_t t = 0; t < tensors; ++t) {
    c.tensors.push_back(
        Gradients(format, static_cast<size_t>(std::pow(largest, draws->Uniform() * draws->Uniform())), 50, draws));
    c.tensors.back().offset = static_cast<uint32_t>(draws->Below(9));
  }
  return c;
}

void CheckMany(CheckContext& context) {
  Draws draws(context, 7);
  for (const size_t tensors : {2, 17, 65, 129, 331, 1000, 2000}) {
    UnscaleCase c = LongList(context, kFormats[tensors % 3], tensors, &draws);
    if (!JudgeUnscale(context, c, {.values = true, .norm = true, .found = true})) return;
    c.tensors.back().codes.assign(1, InfinityOf(c.format));
    if (!JudgeUnscale(context, c, {.values = true, .found = true})) return;
  }
}

void CheckBounds(CheckContext& context) {
  Draws draws(context, 8);
  for (const Format format : kFormats) {
    for (int round = 0; round < 3; ++round) {
      UnscaleCase c;
      c.format = format;
      c.inverse_scale = 0.5f;
      for (const size_t count : {1, 3, 9, 0, 33, 257, 1001, 4095}) {
        c.tensors.push_back(Gradients(format, count, 100, &draws));
        c.tensors.back().offset = static_cast<uint32_t>(draws.Below(9));
      }
      if (!JudgeUnscale(context, c, {.bounds = true})) return;
    }
  }
}

void CheckRepeatable(CheckContext& context) {
  Draws draws(context, 9);
  for (const Format format : kFormats) {
    UnscaleCase c;
    c.format = format;
    c.inverse_scale = 0.37f;
    for (const size_t count : {20016, 16, 50032, 32, 9984}) {
      c.tensors.push_back(Gradients(format, std::min(count, Affordable(context, count, count, 1504)), 100, &draws));
    }
    uint32_t first = 0;
    for (int run = 0; run < 10; ++run) {
      uint32_t bits = 0;
      if (!JudgeUnscale(context, c, {}, &bits)) return;
      if (run == 0) first = bits;
      if (bits == first) continue;
      workbench::Finding finding = NewFinding("the same inputs give the same bits of norm in every run", Describe(c));
      finding.expected = DescribeCode(Format::kFloat32, first) + ", as in the first run";
      finding.actual = DescribeCode(Format::kFloat32, bits);
      context.Fail(finding);
      return;
    }
  }
}

void CheckGraph(CheckContext& context) {
  Draws draws(context, 10);
  for (const size_t tensors : {3, 400}) {
    UnscaleCase c = LongList(context, Format::kFloat16, tensors, &draws);
    c.calls = 3;
    c.graph = true;
    if (!JudgeUnscale(context, c, {.values = true, .norm = true, .found = true})) return;
    c.tensors[1].codes.assign(5, InfinityOf(c.format));
    if (!JudgeUnscale(context, c, {.values = true, .found = true})) return;
  }
}

void CheckRanks(CheckContext& context) {
  Draws draws(context, 11);
  std::vector<int> ranks = {2, 3};
  if (context.gpu()) ranks = {2, 4, 8};
  if (context.checked()) ranks = {2};
  for (const int n : ranks) {
    // bad == n: nobody; bad == n + 1: rank 0 had found it before.
    for (int bad = 0; bad <= n + 1; ++bad) {
      std::vector<UnscaleCase> cases;
      for (int rank = 0; rank < n; ++rank) {
        UnscaleCase c;
        c.inverse_scale = 0.125f;
        for (int t = 0; t < rank * 2; ++t)
          c.tensors.push_back(Gradients(c.format, 500 + t, 100, &draws));  // rank 0: none
        if (rank == bad) {
          c.tensors.push_back(Gradients(c.format, 77, 100, &draws));
          c.tensors.back().codes[70] = InfinityOf(c.format);
        }
        if (rank == 0 && bad == n + 1) c.found_before = 1;
        cases.push_back(std::move(c));
      }
      if (!JudgeUnscaleRanks(context, cases)) return;
    }
  }
}

void CheckSpeed(CheckContext& context) {
  Speed speed(context, "b");
  if (speed.Time(TimedList("16 tensors of 2^24", SixteenTensors()))) speed.Finish();
}

void CheckManySpeed(CheckContext& context) {
  Speed speed(context, "b");
  if (speed.Time(TimedList("2000 tensors of 2^10 to 2^20", TwoThousandTensors()))) speed.Finish();
}

}  // namespace

std::vector<workbench::Check> UnscaleChecks() {
  return {
      {{"b.arguments", "formats of 8 bits and unknown ones are refused", 0.5, false, {"no default in the switch"}},
       CheckArguments},
      {{"b.values",
        "x * inverse_scale, rounded once",
        1.5,
        false,
        {"the product is taken in the narrow format", "inverse_scale is rounded to it",
         "divided instead of multiplied"}},
       CheckValues},
      {{"b.repeatable", "the same bits of norm in every run", 0.5, false, {"atomicAdd of floats: the order changes"}},
       CheckRepeatable},
      {{"b.norm",
        "the global norm of the unscaled values",
        1.5,
        false,
        {"the norm of what was read, not of what it becomes", "one fp32 sum for all: small terms get lost",
         "a root of a root, or none"}},
       CheckNorm},
      {{"b.range",
        "a norm whose squares overflow or underflow",
        1.5,
        false,
        {"squares in fp32: 1e20 overflows, 1e-23 vanishes"}},
       CheckRange},
      {{"b.found_inf",
        "infinities and NaNs are found, wherever they are",
        1.5,
        false,
        {"only infinities, or only NaNs", "the flag is set to 0 first, or not at all",
         "finite elements are left scaled", "the largest finite value is taken for overflow"}},
       CheckFound},
      {{"b.alignment",
        "tensors of any size, at any address",
        1,
        false,
        {"16-byte accesses at addresses that are only element-aligned", "the tail behind the last vector"}},
       CheckAlignment},
      {{"b.empty", "empty tensors, empty lists", 1, false, {"a grid of no blocks", "0 - 1 of an unsigned count"}},
       CheckEmpty},
      {{"b.many",
        "up to 2000 tensors",
        1,
        false,
        {"the table does not fit into the kernel's arguments", "the norm of the last launch alone"}},
       CheckMany},
      {{"b.bounds", "nothing else is written", 0.5, false, {"a vector store past a tensor's end"}}, CheckBounds},
      {{"b.graph",
        "captured once, replayed",
        0.5,
        false,
        {"the table is copied from host memory that is gone", "the workspace is taken to be zero the second time"}},
       CheckGraph},
      {{"b.ranks",
        "overflow on one rank is overflow on all",
        1,
        false,
        {"found_inf stays local: the other ranks take the step", "a rank without tensors does not take part"}},
       CheckRanks},
      {{"b.speed",
        "16 tensors of 2^24 fp16",
        1,
        true,
        {"the norm is another pass over memory", "too few bytes in flight"}},
       CheckSpeed},
      {{"b.many_tensors",
        "2000 tensors of 2^10 to 2^20",
        1,
        true,
        {"a launch for each tensor", "a block for each tensor: the large ones are waited for"}},
       CheckManySpeed},
  };
}

}  // namespace q05
