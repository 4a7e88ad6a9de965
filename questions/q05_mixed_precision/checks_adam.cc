// Part D: fused Adam.
#include <cmath>

#include "questions/q05_mixed_precision/adam_case.h"
#include "questions/q05_mixed_precision/checks.h"
#include "questions/q05_mixed_precision/timing.h"

namespace q05 {
namespace {

using workbench::CheckContext;

// So many steps in that both bias corrections are 1.
constexpr int64_t kLate = 100000;

size_t Count(const CheckContext& context) { return Affordable(context, 100000, 10000, 700); }

AdamCase OneTensor(CheckContext& context, const AdamParameters& config, int64_t step, Draws* draws) {
  AdamCase c;
  c.config = config;
  c.step = step;
  c.tensors.push_back(MakeWeights(c, Count(context), 1, draws));
  return c;
}

void CheckArguments(CheckContext& context) {
  constexpr int kBad[][2] = {{3, 2}, {4, 2}, {7, 2}, {2, 0}, {2, 3}, {2, -1}};
  for (const auto& [gradient, copy] : kBad) {
    const std::vector<float> data(8, 0.5f);
    const int64_t step = 1;
    const float zero = 0;
    workbench::DeviceCall call;
    call.Input(data.data(), 32);
    for (int i = 0; i < 4; ++i) call.InOut(data.data(), 32);
    call.Input(&zero, 0);
    call.Input(&zero, 4);
    call.InOut(&step, 8);
    struct {
      AdamParameters parameters;
      AdamPlace place;
    } parameters = {{}, {8, {0, 0, 0, 0, 0}}};
    parameters.parameters.gradient_format = gradient;
    parameters.parameters.copy_format = copy;
    parameters.parameters.tensors = 1;
    const Inputs inputs = {{"gradient_format", std::to_string(gradient)}, {"copy_format", std::to_string(copy)}};
    if (!MustRefuse(context, "d", RequestKind::kAdam, call, parameters, inputs)) return;
  }
}

void CheckValues(CheckContext& context) {
  Draws draws(context, 1);
  for (const auto& [rate, beta1, beta2, epsilon] :
       {std::tuple{1e-3, 0.9, 0.999, 1e-8}, {6e-4, 0.9, 0.95, 1e-8}, {0.1, 0.0, 0.99, 1e-3}}) {
    AdamParameters config;
    config.learning_rate = rate, config.beta1 = beta1, config.beta2 = beta2, config.epsilon = epsilon;
    if (!JudgeAdam(context, OneTensor(context, config, kLate, &draws), {.values = true})) return;
  }
}

void CheckDecay(CheckContext& context) {
  Draws draws(context, 2);
  for (const int decoupled : {1, 0}) {
    for (const double decay : {0.01, 0.3}) {
      AdamParameters config;
      config.learning_rate = 0.02;
      config.weight_decay = decay;
      config.decoupled = decoupled;
      if (!JudgeAdam(context, OneTensor(context, config, kLate, &draws), {.values = true})) return;
    }
  }
}

void CheckFormats(CheckContext& context) {
  Draws draws(context, 3);
  for (const Format gradient : {Format::kFloat32, Format::kFloat16, Format::kBFloat16}) {
    for (const Format copy : {Format::kFloat16, Format::kBFloat16}) {
      for (const float inverse_scale : {0.0f, 1.0f / 1024, 1.0f / 3}) {
        for (const bool has_copy : {true, false}) {
          AdamCase c;
          c.config.gradient_format = static_cast<int32_t>(gradient);
          c.config.copy_format = static_cast<int32_t>(copy);
          c.step = kLate;
          c.inverse_scale = inverse_scale;
          c.tensors.push_back(MakeWeights(c, Count(context) / 4, inverse_scale == 0 ? 1 : 1 / inverse_scale, &draws));
          c.tensors[0].has_copy = has_copy;
          if (!JudgeAdam(context, c, {.values = true})) return;
        }
      }
    }
  }
}

// q05_adam_bias_corrections for all `steps`.
bool JudgeCorrections(CheckContext& context, double beta1, double beta2, const std::vector<int64_t>& steps) {
  workbench::DeviceCall call;
  call.Input(steps.data(), steps.size() * sizeof(int64_t));
  const int output = call.Output(steps.size() * 2 * sizeof(float));
  const Inputs inputs = {{"beta1, beta2", Number(beta1) + ", " + Number(beta2)},
                         {"steps", std::to_string(steps.front()) + " to " + std::to_string(steps.back())}};
  Answer answer;
  if (!RunCall(context, "d", RequestKind::kBiasCorrections, call, BiasParameters{beta1, beta2, steps.size()}, inputs,
               &answer)) {
    return false;
  }
  const std::vector<float> out = answer.Output<float>(call, output);
  Mismatches wrong;
  for (size_t i = 0; i < out.size(); ++i) {
    const double expected = BiasCorrection(i % 2 == 0 ? beta1 : beta2, steps[i / 2]);
    if (std::fabs(out[i] - expected) <= FloatUlp(expected)) continue;
    wrong.Add(static_cast<uint64_t>(steps[i / 2]),
              Number(expected) + ", to one unit in the last place, for beta" + (i % 2 == 0 ? "1" : "2"),
              Number(out[i]));
  }
  return wrong.Judge(context, "1 - beta^t in fp32, right to 1 ulp (the element is t)", inputs, out.size());
}

void CheckBiasCorrection(CheckContext& context) {
  Draws draws(context, 4);
  std::vector<int64_t> steps;
  constexpr int64_t kMost = 1000000;
  if (context.long_tier() && !context.kernels_on_cpu()) {
    for (int64_t t = 1; t <= kMost; ++t) steps.push_back(t);
  } else {
    const double factor = context.checked() ? 1.6 : 1.01;
    for (int64_t t = 1; t < kMost; t = std::max(t + 1, static_cast<int64_t>(static_cast<double>(t) * factor)))
      steps.push_back(t);
    steps.push_back(kMost);
  }
  constexpr size_t kAtOnce = 10000;
  for (const auto& [beta1, beta2] : {std::pair{0.9, 0.999}, {0.0, 0.95}, {0.99, 0.9999}, {0.5, 0.999999}}) {
    for (size_t begin = 0; begin < steps.size(); begin += kAtOnce) {
      const auto first = steps.begin() + static_cast<std::ptrdiff_t>(begin);
      const auto last = steps.begin() + static_cast<std::ptrdiff_t>(std::min(begin + kAtOnce, steps.size()));
      if (!JudgeCorrections(context, beta1, beta2, {first, last})) return;
    }
  }
  // And in the step itself; with weights of 0 the update is all there is.
  for (const int64_t step : {0, 1, 9, 99, 999, 9999, 999999}) {
    AdamCase c = OneTensor(context, {}, step, &draws);
    std::fill(c.tensors[0].masters.begin(), c.tensors[0].masters.end(), 0.0f);
    std::fill(c.tensors[0].copies.begin(), c.tensors[0].copies.end(), 0u);
    if (step == 0) {
      std::fill(c.tensors[0].first.begin(), c.tensors[0].first.end(), 0.0f);
      std::fill(c.tensors[0].second.begin(), c.tensors[0].second.end(), 0.0f);
    }
    if (!JudgeAdam(context, c, {.values = true})) return;
  }
}

// Steps that are too small for the copy's format add up in the master weights.
void CheckMaster(CheckContext& context) {
  Draws draws(context, 5);
  AdamParameters config;
  config.learning_rate = 1e-5;
  AdamCase c = OneTensor(context, config, kLate, &draws);
  for (int step = 0; step < 12; ++step) {
    if (!JudgeAdam(context, c, {.values = true}, &c)) return;
  }
}

void CheckCopy(CheckContext& context) {
  Draws draws(context, 6);
  for (const Format copy : {Format::kFloat16, Format::kBFloat16}) {
    AdamParameters config;
    config.copy_format = static_cast<int32_t>(copy);
    if (!JudgeAdam(context, OneTensor(context, config, 10, &draws), {.copies = true})) return;
    // With nothing to step by, weights stay: ties, subnormals, and beyond fp16's range.
    AdamCase c = OneTensor(context, config, 10, &draws);
    const std::vector<double> scales = {1, 1e-5, 1e-7, 1e4, 1e6};
    for (size_t i = 0; i < c.tensors[0].masters.size(); ++i) {
      const uint32_t code = static_cast<uint32_t>(draws.Below(TraitsOf(copy).largest));
      c.tensors[0].gradients[i] = 0;
      c.tensors[0].first[i] = 0;
      c.tensors[0].masters[i] = static_cast<float>(i % 2 ? (Decode(copy, code) + Decode(copy, code + 1)) / 2
                                                         : draws.Normal() * scales[i / 2 % scales.size()]);
      if (!std::isfinite(c.tensors[0].masters[i])) c.tensors[0].masters[i] = 1;
    }
    if (!JudgeAdam(context, c, {.copies = true})) return;
  }
}

AdamCase List(AdamCase c, const std::vector<size_t>& counts, uint32_t offsets, Draws* draws) {
  c.tensors.clear();
  for (const size_t count : counts) {
    c.tensors.push_back(MakeWeights(c, count, 1, draws));
    c.tensors.back().offset = static_cast<uint32_t>(draws->Below(offsets));
    c.tensors.back().has_copy = draws->Below(4) != 0;
  }
  return c;
}

void CheckSkip(CheckContext& context) {
  Draws draws(context, 7);
  for (const float found : {1.0f, 2.0f, std::nanf("")}) {
    AdamCase c;
    c.step = 3;
    c.found_inf = found;
    c = List(c, {1000, 1, 300}, 1, &draws);
    const uint32_t infinity = TraitsOf(Format::kBFloat16).largest + 1;
    c.tensors[0].gradients[5] = infinity;
    c.tensors[2].gradients[299] = infinity + 1;
    for (AdamWeights& tensor : c.tensors) std::fill(tensor.copies.begin(), tensor.copies.end(), 0x1234);
    if (!JudgeAdam(context, c, {.values = true, .copies = true})) return;
  }
}

void CheckSizes(CheckContext& context) {
  Draws draws(context, 8);
  const std::vector<std::vector<size_t>> lists = {
      {}, {0}, {1}, {0, 0, 5}, {7, 0, 1025, 3, 0}, {255, 256, 257}, {4093, 1, 2, 3}, {Count(context) / 3, 33, 31}};
  for (const std::vector<size_t>& counts : lists) {
    AdamCase c;
    c.step = 2;
    if (!JudgeAdam(context, List(c, counts, 9, &draws), {.values = true, .copies = true})) return;
  }
}

void CheckMany(CheckContext& context) {
  Draws draws(context, 9);
  for (const size_t tensors : {40, 130, 331, 1000}) {
    std::vector<size_t> counts;
    for (size_t t = 0; t < tensors; ++t) counts.push_back(draws.Below(Affordable(context, 3000, 200, 24)));
    AdamCase c;
    c.step = 5;
    if (!JudgeAdam(context, List(c, counts, 9, &draws), {.values = true, .copies = true})) return;
  }
}

void CheckBounds(CheckContext& context) {
  Draws draws(context, 10);
  for (int round = 0; round < 6; ++round) {
    AdamCase c;
    c.step = 5;
    c.inverse_scale = round % 2 ? 0.5f : 0.0f;
    c.config.gradient_format = round % 3;
    if (!JudgeAdam(context, List(c, {1, 3, 0, 9, 33, 257, 1001, 4095}, 9, &draws), {.bounds = true})) return;
  }
}

void CheckGraph(CheckContext& context) {
  Draws draws(context, 11);
  for (const size_t tensors : {3, 200}) {
    AdamCase c;
    c.calls = 5;
    c.graph = true;
    c = List(c, std::vector<size_t>(tensors, Affordable(context, 1000, 100, 33)), 3, &draws);
    if (!JudgeAdam(context, c, {.values = true, .copies = true})) return;
    c.found_inf = 1;
    if (!JudgeAdam(context, c, {.values = true, .copies = true})) return;
  }
}

void CheckSpeed(CheckContext& context) {
  Speed speed(context, "d");
  if (speed.Time(TimedAdam())) speed.Finish();
}

}  // namespace

std::vector<workbench::Check> AdamChecks() {
  return {
      {{"d.arguments", "formats that are not listed are refused", 0.5, false, {"no default in the switch"}},
       CheckArguments},
      {{"d.values",
        "moments and weights after a step",
        2,
        false,
        {"1 - beta2 in fp32 of a rounded beta2: 0.001 is off by 1.3e-5", "eps inside of the root",
         "the step is counted twice"}},
       CheckValues},
      {{"d.adamw",
        "weight decay, decoupled and L2",
        1.5,
        false,
        {"one of the two for both", "the decay is taken of the new weight, or without the learning rate"}},
       CheckDecay},
      {{"d.formats",
        "gradients of three formats, scaled or not",
        1,
        false,
        {"inverse_scale is forgotten, or applied in the narrow format", "a copy is written where none is wanted"}},
       CheckFormats},
      {{"d.bias_correction",
        "1 - beta^t to 1 ulp, up to a million steps",
        2,
        false,
        {"powf: relative error of beta^t becomes absolute error of the difference", "fp32 beta: 0.999f is not 0.999",
         "forgotten, or with t - 1"}},
       CheckBiasCorrection},
      {{"d.master",
        "steps too small for the copy add up",
        1.5,
        false,
        {"the weights are read from the copy", "the master is rounded, too"}},
       CheckMaster},
      {{"d.copy", "the copy is rounded to nearest even", 1, false, {"bits are cut off", "the weight before the step"}},
       CheckCopy},
      {{"d.skip",
        "overflow skips everything, step counter included",
        1.5,
        false,
        {"moments are updated all the same", "the step is counted all the same",
         "the copy is written from the master"}},
       CheckSkip},
      {{"d.sizes",
        "any sizes and alignments, empty tensors",
        1,
        false,
        {"16-byte accesses at addresses that are only element-aligned", "no step without elements"}},
       CheckSizes},
      {{"d.many",
        "up to 1000 tensors",
        1,
        false,
        {"the table does not fit into the kernel's arguments", "the step is counted once a launch"}},
       CheckMany},
      {{"d.bounds", "nothing else is written", 0.5, false, {"a vector store past a tensor's end"}}, CheckBounds},
      {{"d.graph",
        "captured once, replayed: steps go on",
        1,
        false,
        {"the step's number is a kernel argument: it is frozen when the graph is captured"}},
       CheckGraph},
      {{"d.speed",
        "2^28 weights",
        1.5,
        true,
        {"accesses of less than 16 bytes", "divisions and roots in double", "a launch for each tensor"}},
       CheckSpeed},
  };
}

}  // namespace q05
