// Part G: trainings against the oracle's, and what the spec says of each recipe, as facts about the outcome.
#include <algorithm>
#include <array>
#include <cmath>

#include "questions/q05_mixed_precision/checks.h"
#include "questions/q05_mixed_precision/judge.h"
#include "questions/q05_mixed_precision/train_oracle.h"

namespace q05 {
namespace {

using workbench::CheckContext;
using workbench::DeviceCall;
using workbench::Finding;

const std::vector<std::string> kBufferNames = {"x",        "labels", "w1",     "b1",     "w2",     "b2",
                                               "loss out", "w1 out", "b1 out", "w2 out", "b2 out", "gradients"};
const char* const kRecipeNames[] = {"kFloat32",    "kBf16",          "kBf16NoMaster",
                                    "kFp16Scaled", "kFp16NoScaling", "kFp16NoMaster"};

// Off from the oracle's loss, at any step and on the average of the last ones. Over many seeds, sums in fp32 and sums
// in double lead to losses that differ by 2.4e-6 in the recipe of fp32, and where they end on either side of a tie
// by 2.2e-3 at a step and 1.4e-3 on the average; to weights that differ by 1.8e-5, to fractions of zeros that differ by
// 5e-5.
constexpr double kFloatTolerance = 1e-4;
constexpr double kStepTolerance = 0.01;
constexpr double kFinalTolerance = 0.006;
constexpr double kWeightTolerance = 1e-4;  // of fp32 weights
constexpr double kFractionTolerance = 0.005;
constexpr int kLast = 20;  // steps that are averaged

struct Outcome {
  std::vector<float> loss, w1, b1, w2, b2;
  int64_t elements = 0, zeros = 0, skipped = 0;
  double zero_fraction() const { return elements > 0 ? static_cast<double>(zeros) / static_cast<double>(elements) : 0; }
};

// With host mode's checks only the beginning of a training can be waited for, and nothing is said of where it leads.
bool JudgesFacts(const CheckContext& context) { return !context.checked(); }

TrainParameters Standard(const CheckContext& context, TrainRecipe recipe, int log2_multiplier) {
  TrainParameters p;
  p.recipe = recipe;
  p.inputs = 32;
  p.hidden = 64;
  p.classes = 10;
  p.batch = 64;
  p.steps = context.checked() ? 8 : 200;
  p.learning_rate = 0.0004f;
  p.loss_multiplier = std::ldexp(1.0f, log2_multiplier);
  return p;
}

Inputs Describe(const TrainParameters& p) {
  return {{"recipe", p.recipe >= 0 && p.recipe < 6 ? kRecipeNames[p.recipe] : std::to_string(p.recipe)},
          {"inputs", std::to_string(p.inputs)},
          {"hidden", std::to_string(p.hidden)},
          {"classes", std::to_string(p.classes)},
          {"batch", std::to_string(p.batch)},
          {"steps", std::to_string(p.steps)},
          {"learning_rate", Number(p.learning_rate)},
          {"loss_multiplier", "2^" + std::to_string(std::ilogb(p.loss_multiplier))}};
}

DeviceCall MakeCall(const TrainData& data) {
  DeviceCall call;
  const auto input = [&](const auto& values) { call.Input(values.data(), values.size() * sizeof values[0]); };
  const auto output = [&](size_t count, size_t element) { call.Output(count * element); };
  input(data.x);
  input(data.labels);
  for (const auto* weights : {&data.w1, &data.b1, &data.w2, &data.b2}) input(*weights);
  output(static_cast<size_t>(data.parameters.steps), sizeof(float));
  for (const auto* weights : {&data.w1, &data.b1, &data.w2, &data.b2}) output(weights->size(), sizeof(float));
  output(3, sizeof(int64_t));
  return call;
}

// False when a failure was recorded.
bool Run(CheckContext& context, const TrainData& data, Outcome* outcome) {
  const Inputs inputs = Describe(data.parameters);
  const DeviceCall call = MakeCall(data);
  Answer answer;
  if (!RunCall(context, "g", RequestKind::kTrain, call, data.parameters, inputs, &answer)) return false;
  if (!ZonesIntact(context, answer, kBufferNames, inputs)) return false;
  if (!InputsIntact(context, answer, kBufferNames, inputs)) return false;
  outcome->loss = answer.Output<float>(call, kTrainLoss);
  outcome->w1 = answer.Output<float>(call, kTrainW1After);
  outcome->b1 = answer.Output<float>(call, kTrainB1After);
  outcome->w2 = answer.Output<float>(call, kTrainW2After);
  outcome->b2 = answer.Output<float>(call, kTrainB2After);
  const auto counts = answer.Output<int64_t>(call, kTrainGradients);
  outcome->elements = counts[0];
  outcome->zeros = counts[1];
  outcome->skipped = counts[2];
  return true;
}

template <typename T>
double Final(const std::vector<T>& loss) {
  double sum = 0;
  for (size_t i = loss.size() - std::min<size_t>(kLast, loss.size()); i < loss.size(); ++i) sum += loss[i];
  return sum / static_cast<double>(std::min<size_t>(kLast, loss.size()));
}

bool Must(CheckContext& context, bool holds, const TrainData& data, const std::string& property,
          const std::string& expected, const std::string& actual) {
  if (holds) return true;
  Finding finding = NewFinding(property, Describe(data.parameters));
  finding.expected = expected;
  finding.actual = actual;
  context.Fail(finding);
  return false;
}

// The loss at every step, and what it comes to.
bool FollowsOracle(CheckContext& context, const TrainData& data, const Outcome& outcome, const TrainResult& expected) {
  const double tolerance = data.parameters.recipe == kTrainFp32 ? kFloatTolerance : kStepTolerance;
  Mismatches wrong;
  for (size_t i = 0; i < expected.loss.size(); ++i) {
    const double allowed = tolerance * std::max(1.0, std::abs(expected.loss[i]));
    if (std::abs(outcome.loss[i] - expected.loss[i]) <= allowed) continue;
    wrong.Add(i, Number(expected.loss[i]) + " to within " + Number(allowed), Number(outcome.loss[i]));
  }
  if (!wrong.Judge(context, "the loss before each step is the oracle's", Describe(data.parameters),
                   expected.loss.size(), "the element is the step")) {
    return false;
  }
  return Must(context, std::abs(Final(outcome.loss) - Final(expected.loss)) <= kFinalTolerance, data,
              "the mean loss of the last steps is the oracle's",
              Number(Final(expected.loss)) + " to within " + Number(kFinalTolerance), Number(Final(outcome.loss)));
}

bool SameWeights(CheckContext& context, const TrainData& data, const Outcome& outcome, const TrainResult& expected) {
  const auto same = [&](const char* name, const std::vector<float>& actual, const std::vector<double>& wanted) {
    Mismatches wrong;
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (std::abs(actual[i] - wanted[i]) <= kWeightTolerance) continue;
      wrong.Add(i, Number(wanted[i]) + " to within " + Number(kWeightTolerance), Number(actual[i]));
    }
    return wrong.Judge(context, std::string("the last ") + name + " is the oracle's: the master's, where there is one",
                       Describe(data.parameters), wanted.size());
  };
  return same("W1", outcome.w1, expected.w1) && same("b1", outcome.b1, expected.b1) &&
         same("W2", outcome.w2, expected.w2) && same("b2", outcome.b2, expected.b2);
}

// Without a master every weight is a number of the format.
bool IsOfFormat(CheckContext& context, const TrainData& data, const Outcome& outcome, Format format) {
  Mismatches wrong;
  for (size_t i = 0; i < outcome.w1.size(); ++i) {
    const double rounded = RoundTo(format, outcome.w1[i]);
    if (rounded != outcome.w1[i]) wrong.Add(i, Number(rounded), Number(outcome.w1[i]));
  }
  return wrong.Judge(context, "without a master the weights are 16-bit numbers", Describe(data.parameters),
                     outcome.w1.size(), "elements of the last W1");
}

bool SameZeros(CheckContext& context, const TrainData& data, const Outcome& outcome, const TrainResult& expected) {
  const double wanted = static_cast<double>(expected.zeros) / static_cast<double>(expected.gradients);
  return Must(context, std::abs(outcome.zero_fraction() - wanted) <= kFractionTolerance, data,
              "the fraction of W1's gradient that is 0 in the recipe's format is the oracle's",
              Number(wanted) + " to within " + Number(kFractionTolerance),
              Number(outcome.zero_fraction()) + " (" + std::to_string(outcome.zeros) + " of " +
                  std::to_string(outcome.elements) + ")");
}

// How far the loss has come from the first one, log(classes), over how far it comes in fp32.
double Progress(const TrainData& data, double final_loss) {
  TrainData in_fp32 = data;
  in_fp32.parameters.recipe = kTrainFp32;
  const double first = std::log(data.parameters.classes);
  return (first - final_loss) / (first - Final(Train(in_fp32).loss));
}

bool ProgressBetween(CheckContext& context, const TrainData& data, const Outcome& outcome, double least, double most,
                     const std::string& property) {
  if (!JudgesFacts(context)) return true;
  const double progress = Progress(data, Final(outcome.loss));
  context.Figure("part of fp32's way, " + std::string(kRecipeNames[data.parameters.recipe]) + ", loss times 2^" +
                     std::to_string(std::ilogb(data.parameters.loss_multiplier)),
                 progress);
  return Must(context, progress >= least && progress <= most, data, property,
              "between " + Number(least) + " and " + Number(most) + " of the way that fp32 comes", Number(progress));
}

// ---- The checks

void CheckFloat(CheckContext& context) {
  const auto judge = [&](const TrainData& data) {
    Outcome outcome;
    if (!Run(context, data, &outcome)) return false;
    const TrainResult expected = Train(data);
    return FollowsOracle(context, data, outcome, expected) && SameWeights(context, data, outcome, expected);
  };
  // Sizes that no block divides.
  for (const auto& [inputs, hidden, classes, batch] :
       {std::array<int, 4>{1, 2, 2, 1}, std::array<int, 4>{7, 9, 3, 5}, std::array<int, 4>{33, 65, 11, 67}}) {
    TrainParameters p = Standard(context, kTrainFp32, 0);
    p.inputs = inputs;
    p.hidden = hidden;
    p.classes = classes;
    p.batch = batch;
    p.steps = 5;
    p.learning_rate = 0.01f;
    if (!judge(MakeTrainData(context.seed() + static_cast<uint64_t>(inputs), p))) return;
  }
  for (const int log2_multiplier : {0, -16}) {
    if (!judge(MakeTrainData(context.seed(), Standard(context, kTrainFp32, log2_multiplier)))) return;
  }
}

void CheckBf16(CheckContext& context) {
  const TrainData data = MakeTrainData(context.seed(), Standard(context, kTrainBf16, 0));
  Outcome outcome;
  if (!Run(context, data, &outcome)) return;
  const TrainResult expected = Train(data);
  if (!FollowsOracle(context, data, outcome, expected) || !SameWeights(context, data, outcome, expected)) return;
  ProgressBetween(context, data, outcome, 0.97, 1.03, "bf16 with master weights reaches fp32's loss without scaling");
}

void CheckNoMaster(CheckContext& context, TrainRecipe recipe, double most, const std::string& property) {
  const TrainData data = MakeTrainData(context.seed(), Standard(context, recipe, -16));
  Outcome outcome;
  if (!Run(context, data, &outcome)) return;
  if (!ProgressBetween(context, data, outcome, -0.05, most, property)) return;
  const Format format = recipe == kTrainBf16NoMaster ? Format::kBFloat16 : Format::kFloat16;
  if (!IsOfFormat(context, data, outcome, format)) return;
  FollowsOracle(context, data, outcome, Train(data));
}

void CheckUnderflow(CheckContext& context) {
  for (const int log2_multiplier : {-16, -20}) {
    const TrainData data = MakeTrainData(context.seed(), Standard(context, kTrainFp16NoScaling, log2_multiplier));
    Outcome outcome;
    if (!Run(context, data, &outcome)) return;
    const TrainResult expected = Train(data);
    if (!SameZeros(context, data, outcome, expected)) return;
    context.Figure("fraction of gradients lost, loss times 2^" + std::to_string(log2_multiplier),
                   outcome.zero_fraction());
    if (!FollowsOracle(context, data, outcome, expected)) return;
    if (log2_multiplier == -20 && !ProgressBetween(context, data, outcome, -0.001, 0.001,
                                                   "where all gradients are lost the loss stays as it is")) {
      return;
    }
  }
}

void CheckFp16Scaled(CheckContext& context) {
  for (const int log2_multiplier : {-16, -20}) {
    const TrainData data = MakeTrainData(context.seed(), Standard(context, kTrainFp16Scaled, log2_multiplier));
    Outcome outcome;
    if (!Run(context, data, &outcome)) return;
    const TrainResult expected = Train(data);
    if (!FollowsOracle(context, data, outcome, expected) || !SameZeros(context, data, outcome, expected)) return;
    if (!SameWeights(context, data, outcome, expected)) return;
    if (!ProgressBetween(context, data, outcome, 0.97, 1.03, "scaled fp16 with master weights reaches fp32's loss")) {
      return;
    }
  }
}

// A loss so large that the first scales overflow, and one so small that the scale has to grow before anything is
// learnt.
void CheckScale(CheckContext& context) {
  for (const int log2_multiplier : {10, -38}) {
    const TrainData data = MakeTrainData(context.seed(), Standard(context, kTrainFp16Scaled, log2_multiplier));
    Outcome outcome;
    if (!Run(context, data, &outcome)) return;
    const TrainResult expected = Train(data);
    if (!FollowsOracle(context, data, outcome, expected) || !SameZeros(context, data, outcome, expected)) return;
    // A gradient at the very edge of the range may go either way, and with it a step of the twenty around it.
    if (!Must(context, std::abs(outcome.skipped - expected.skipped) <= 1, data, "steps with overflow are skipped",
              std::to_string(expected.skipped) + " skipped steps, give or take one", std::to_string(outcome.skipped))) {
      return;
    }
    context.Figure("steps skipped, loss times 2^" + std::to_string(log2_multiplier),
                   static_cast<double>(outcome.skipped));
  }
}

void CheckCounts(CheckContext& context) {
  for (int recipe = 0; recipe < 6; ++recipe) {
    TrainParameters p = Standard(context, static_cast<TrainRecipe>(recipe), 0);
    p.steps = 12;
    TrainData data = MakeTrainData(context.seed(), p);
    // Units that no sample reaches: their gradient is 0 in every format.
    for (int j = 0; j < p.hidden / 4; ++j) data.b1[static_cast<size_t>(j)] = -1024;
    Outcome outcome;
    if (!Run(context, data, &outcome)) return;
    const TrainResult expected = Train(data);
    if (!Must(context, outcome.elements == expected.gradients, data, "gradients[0]: W1's elements, over all steps",
              std::to_string(expected.gradients), std::to_string(outcome.elements))) {
      return;
    }
    if (!SameZeros(context, data, outcome, expected)) return;
    if (!Must(context, std::abs(outcome.skipped - expected.skipped) <= 1, data, "gradients[2]: the steps skipped",
              std::to_string(expected.skipped), std::to_string(outcome.skipped))) {
      return;
    }
  }
  TrainParameters none = Standard(context, kTrainFp16Scaled, 0);
  none.steps = 0;
  const TrainData untrained = MakeTrainData(context.seed(), none);
  Outcome outcome;
  if (!Run(context, untrained, &outcome)) return;
  if (!Must(context, outcome.w1 == untrained.w1 && outcome.elements == 0, untrained, "no steps: the first weights",
            "W1 as it was, no gradients", "something else")) {
    return;
  }
  for (const int32_t recipe : {-1, 6}) {
    TrainParameters p = Standard(context, kTrainFp32, 0);
    p.recipe = recipe;
    p.steps = 1;
    const TrainData data = MakeTrainData(context.seed(), p);
    if (!MustRefuse(context, "g", RequestKind::kTrain, MakeCall(data), p, Describe(p))) return;
  }
}

}  // namespace

std::vector<workbench::Check> TrainChecks() {
  const auto no_master = [](TrainRecipe recipe, double most, const std::string& property) {
    return [=](CheckContext& context) { CheckNoMaster(context, recipe, most, property); };
  };
  return {
      {{"g.fp32",
        "fp32 follows the training in double",
        2,
        false,
        {"the gradient of relu, or of the mean over the batch", "the learning rate is not divided by loss_multiplier",
         "the loss is told after the step, or multiplied"}},
       CheckFloat},
      {{"g.bf16",
        "bf16 with master weights reaches fp32's loss",
        1,
        false,
        {"the update goes into the 16-bit weights", "the 16-bit weights are not made anew from the master",
         "products are summed in bf16"}},
       CheckBf16},
      {{"g.bf16_no_master",
        "bf16 without master weights stalls",
        1,
        false,
        {"there is a master all the same", "updates that are kept somewhere, or rounded stochastically"}},
       no_master(kTrainBf16NoMaster, 0.1, "bf16 without master weights stalls: updates below half a unit are lost")},
      {{"g.underflow",
        "fp16 without scaling loses gradients",
        2,
        false,
        {"scaled all the same", "subnormals are flushed", "zeros are counted before the gradient is rounded"}},
       CheckUnderflow},
      {{"g.fp16_scaled",
        "scaled fp16 reaches fp32's loss",
        1,
        false,
        {"gradients are not unscaled", "the scale is applied after the rounding to fp16",
         "the update goes into the 16-bit weights"}},
       CheckFp16Scaled},
      {{"g.scale",
        "the scale falls on overflow and grows without",
        1,
        false,
        {"a step is taken on overflow", "the scale never grows, or grows on a skipped step", "overflow is forgotten"}},
       CheckScale},
      {{"g.fp16_no_master", "fp16 without master weights lags behind", 1, false, {"there is a master all the same"}},
       no_master(kTrainFp16NoMaster, 0.75, "fp16 without master weights lags: updates below half a unit are lost")},
      {{"g.counts",
        "what is counted, and what is refused",
        1,
        false,
        {"the last step's counts alone", "counts that are kept in fp16 only", "a recipe that does not exist"}},
       CheckCounts},
  };
}

}  // namespace q05
