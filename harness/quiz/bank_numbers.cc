// Items on mixed precision and pipeline schedules.
#include <algorithm>
#include <cmath>
#include <string>

#include "harness/quiz/bank.h"

namespace workbench::quiz {
namespace {

// q05

const char* const kIeee =
    "IEEE 754-2019, section 3.3; for bf16: Kalamkar et al. 2019; for E5M2: Micikevicius et al. 2022, FP8 Formats for "
    "Deep Learning";

struct Format {
  const char* name;
  double exponent_bits;
  double mantissa_bits;
  double tolerance;
};

constexpr Format kFormats[] = {{"fp16", 5, 10, 1e-4}, {"bf16", 8, 7, 1e-3}, {"fp8 E5M2", 5, 2, 1e-3}};

Item LargestFinite(Draw& d) {
  const Format& format = kFormats[d.Index(3)];
  d.Set("E", format.exponent_bits);
  d.Set("M", format.mantissa_bits);
  const double top = std::exp2(format.exponent_bits - 1) - 1;
  return {
      .prompt = std::string("What is the largest finite number of ") + format.name +
                " ({E} exponent bits, {M} mantissa bits, infinities as in IEEE 754)?",
      .answer = (2 - std::exp2(-format.mantissa_bits)) * std::exp2(top),
      .tolerance = format.tolerance,
      .working = "(2 - 2^-{M}) * 2^(2^({E}-1) - 1)",
      .mistakes = {{"2^(2^({E}-1))", "one step too far: the mantissa ends at 2 - 2^-{M}, not at 2"},
                   {"(2 - 2^-{M}) * 2^(2^({E}-1))", "the exponent of all ones is used; it stands for infinity and NaN"},
                   {"2^(2^({E}-1) - 1)", "the largest power of two; the mantissa adds almost as much again"}},
      .steps = {"The largest exponent that is not all ones is 2^(E-1) - 1, and the largest mantissa is 1.11...1 = 2 - "
                "2^-M."},
      .source = kIeee};
}

Item E4m3Scale(Draw& d) {
  const double a = d.Pick("A", {0.35, 3.5, 14, 28, 1400});
  return {.prompt =
              "A tensor's largest magnitude is {A}. By what is it to be multiplied so that this becomes the largest "
              "number of fp8 E4M3 (the OCP format, as "
              "on Hopper)?",
          .answer = 448 / a,
          .working = "448 / {A}",
          .mistakes = {{"240 / {A}",
                        "240 is the largest if the exponent of all ones were reserved, as in IEEE 754; E4M3 uses it "
                        "and gives up infinities"},
                       {"480 / {A}", "480 would be S.1111.111, and that pattern is NaN"},
                       {"57344 / {A}", "57344 is the largest of E5M2"}},
          .steps = {"E4M3 reserves only S.1111.111, for NaN. The largest is S.1111.110 = 1.75 * 2^8 = 448."},
          .source = "Micikevicius et al. 2022, FP8 Formats for Deep Learning, table 1"};
}

Item LossScale(Draw& d) {
  const double g = d.Whole("g", 18, 34);
  return {.prompt =
              "Gradients of size 2^-{g} are to be normal (not subnormal) fp16 numbers. The loss scale is to be 2^k: "
              "what is the smallest k?",
          .answer = g - 14,
          .tolerance = 1e-9,
          .working = "{g} - 14",
          .mistakes =
              {{"{g} - 24",
                "2^-24 (6e-8) is the smallest subnormal, with a single bit left; the smallest normal number is 2^-14"},
               {"{g} - 15", "the bias is 15, and exponent field 1 stands for 2^-14"},
               {"{g} - 16", "2^-16 is already subnormal"}},
          .steps = {"The smallest normal fp16 number is 2^-14 (6.1e-5). 2^-g * 2^k >= 2^-14 needs k >= g - 14."},
          .source = "Micikevicius et al. 2018, Mixed Precision Training, section 3.2; IEEE 754-2019, section 3.3"};
}

Item Spacing(Draw& d) {
  const Format& format = kFormats[d.Index(2)];
  d.Set("M", format.mantissa_bits);
  d.Set("other", 17 - format.mantissa_bits);
  const double k = d.Whole("k", -3, 9);
  d.Set("x", std::exp2(k));
  return {
      .prompt = std::string("What is the distance from {x} to the next larger number of ") + format.name + "?",
      .answer = std::exp2(k - format.mantissa_bits),
      .working = "{x} / 2^{M}",
      .mistakes = {{"{x} / 2^({M}+1)", "half of it: that is the largest rounding error, the unit roundoff times {x}"},
                   {"{x} / 2^{other}", "that is the other 16-bit format; bf16 stores 7 mantissa bits, fp16 10"},
                   {"2^-{M}", "that is the distance at 1; it grows with the number"}},
      .steps = {"Between 2^k and 2^(k+1) numbers are 2^(k - M) apart, with M stored mantissa bits."},
      .source = kIeee};
}

Item DynamicScale(Draw& d) {
  const double a = d.Whole("a", 1, 9) * 700;
  const double b = d.Whole("b", 1, 9) * 700;
  d.Set("a", a);
  d.Set("b", b);
  const double s = d.Pick("s", {1024, 65536});
  return {
      .prompt =
          "A dynamic loss scale starts at {s}, doubles after 2000 steps in a row without overflow, and halves at an "
          "overflow, which also starts the count "
          "anew. {a} good steps, one overflow, {b} good steps: what is the scale?",
      .answer = s * std::exp2(std::floor(a / 2000)) * 0.5 * std::exp2(std::floor(b / 2000)),
      .working = "{s} * 2^floor({a}/2000) * 0.5 * 2^floor({b}/2000)",
      .mistakes = {{"{s} * 2^floor({a}/2000) * 2^floor({b}/2000)", "the overflow has not halved it"},
                   {"{s} * 2^floor(({a}+{b})/2000) * 0.5", "the overflow starts the count of good steps anew"},
                   {"{s} * 0.5", "growth is left out"}},
      .steps =
          {"The step that overflowed is skipped: no update. The scale halves and the count of good steps is 0 again."},
      .source =
          "PyTorch documentation, torch.amp.GradScaler (growth_interval 2000, growth_factor 2, backoff_factor 0.5)"};
}

Item PrecisionStatements(Draw& d) {
  switch (d.Index(4)) {
    case 0:
      return {.prompt = "bf16 training needs loss scaling, because bf16 has fewer mantissa bits than fp16.",
              .truth = false,
              .mistakes = {{"", "scaling is about range, not precision"}},
              .steps = {"bf16 has fp32's 8 exponent bits, so gradients that fp32 can hold do not underflow."},
              .source = "Kalamkar et al. 2019, A Study of BFLOAT16 for Deep Learning Training"};
    case 1:
      return {.prompt = "6e-8 is the smallest normal fp16 number.",
              .truth = false,
              .mistakes = {{"", "2^-24 is the smallest subnormal"}},
              .steps = {"The smallest normal is 2^-14 = 6.1e-5; 2^-24 = 6e-8 is the smallest subnormal, with one bit "
                        "of precision."},
              .source = "IEEE 754-2019, section 3.3"};
    case 2:
      return {.prompt = "With a loss scale, gradients have to be unscaled before they are clipped.",
              .truth = true,
              .mistakes = {{"", "a norm of scaled gradients is larger by the scale, and everything would be clipped"}},
              .steps = {"scaler.unscale_(optimizer), then clip, then scaler.step(optimizer)."},
              .source = "PyTorch documentation, Automatic Mixed Precision examples, gradient clipping"};
    default:
      return {.prompt =
                  "When a dynamic loss scaler finds an infinity, it halves the scale and repeats the same optimizer "
                  "step with the gradients it has.",
              .truth = false,
              .mistakes = {{"", "the gradients are lost; the step is skipped"}},
              .steps = {"The overflowing step is skipped, weights and optimizer state stay, and the next batch uses "
                        "the smaller scale."},
              .source =
                  "Micikevicius et al. 2018, Mixed Precision Training, section 3.2; PyTorch documentation, "
                  "torch.amp.GradScaler"};
  }
}

// q06

Item Bubble(Draw& d) {
  const double p = d.Pick("p", {4, 8, 16});
  const double m = d.Pick("m", {4, 8, 16, 32, 64});
  const char* const schedule = d.Index(2) == 0 ? "GPipe" : "1F1B";
  return {.prompt = std::string(schedule) +
                    " with {p} stages and {m} micro-batches, all stages equally fast: what share of a step's time does "
                    "each stage idle?",
          .dimension = Dimension::kFraction,
          .unit = "%",
          .answer = (p - 1) / (m + p - 1),
          .working = "({p}-1) / ({m}+{p}-1)",
          .mistakes = {{"({p}-1) / {m}", "idle over busy time; the share of the whole step has m + p - 1 below"},
                       {"({p}-1) / (2*({m}+{p}-1))",
                        "half: 1F1B and GPipe have the same bubble, 1F1B only holds fewer activations"},
                       {"{p} / ({m}+{p})", "p instead of p - 1"},
                       {"1 / {p}", "the micro-batches are left out"}},
          .steps = {"A step takes m + p - 1 slots of one forward and one backward; a stage works in m of them.",
                    "1F1B reorders the work and keeps at most p micro-batches in flight; its bubble is GPipe's."},
          .source =
              "Huang et al. 2019, GPipe, section 2.3; Narayanan et al. 2021, Efficient Large-Scale Language Model "
              "Training, section 2.2"};
}

Item Interleaved(Draw& d) {
  const double p = d.Pick("p", {4, 8, 16});
  const double m = d.Pick("k", {1, 2, 4}) * p;
  d.Set("m", m);
  const double v = d.Pick("v", {2, 4});
  return {.prompt =
              "Interleaved 1F1B: {p} stages, {m} micro-batches, {v} model chunks on each stage. What share of a step's "
              "time does each stage idle?",
          .dimension = Dimension::kFraction,
          .unit = "%",
          .answer = (p - 1) / (v * m + p - 1),
          .working = "({p}-1) / ({v}*{m}+{p}-1)",
          .mistakes = {{"({p}-1) / ({m}+{p}-1)", "that is without interleaving"},
                       {"({p}-1) / ({v}*({m}+{p}-1))",
                        "only the idle time shrinks by v; the work of m micro-batches does not"},
                       {"({p}-1) / ({v}*{m})", "idle over busy time, not over the whole step"}},
          .steps = {"Filling and draining take p - 1 slots of a chunk, each 1/v as long: the idle time is (p-1)/v "
                    "against m of work.",
                    "(p-1)/v / (m + (p-1)/v) = (p-1) / (v m + p - 1)."},
          .source = "Narayanan et al. 2021, Efficient Large-Scale Language Model Training, section 2.2.2"};
}

Item InFlight(Draw& d) {
  const double p = d.Pick("p", {4, 8, 12});
  const double m = d.Pick("m", {2, 6, 16, 32, 64});
  const double stage = d.Whole("i", 0, 3);
  const bool gpipe = d.Index(3) == 0;
  const std::string one_f = "min({m}, {p}-{i})";
  return {
      .prompt = std::string(gpipe ? "GPipe" : "1F1B") +
                " with {p} stages and {m} micro-batches: the activations of how many micro-batches does stage {i} "
                "(counted from "
                "0) hold at most, a micro-batch being held from its forward to the end of its backward?",
      .unit = "micro-batches",
      .answer = gpipe ? m : std::min(m, p - stage),
      .tolerance = 1e-9,
      .working = gpipe ? "{m}" : one_f,
      .mistakes =
          gpipe ? std::vector<Mistake>{{one_f, "that is 1F1B; GPipe runs all forwards first"}}
                : std::vector<Mistake>{{"{m}", "that is GPipe, which runs all forwards first"},
                                       {"{i} + 1",
                                        "counted from the wrong end: the first stage holds most, the last stage one"}},
      .steps = {"GPipe: all m forwards come before the first backward.",
                "1F1B: stage i does at most p - i forwards before its first backward comes back, then alternates; with "
                "m < p there are only m."},
      .source = "Narayanan et al. 2019, PipeDream, section 3.2; Narayanan et al. 2021, section 2.2.1"};
}

Item PipelineTime(Draw& d) {
  const double p = d.Pick("p", {4, 8, 16});
  const double m = d.Pick("m", {8, 16, 32, 64});
  const double f = d.Pick("f", {5, 10, 20});
  const double b = d.Pick("b", {15, 20, 40});
  return {.prompt =
              "A pipeline of {p} equal stages, {m} micro-batches, {f} ms forward and {b} ms backward for each stage "
              "and micro-batch, free communication, no "
              "interleaving. How long does a step take?",
          .dimension = Dimension::kSeconds,
          .unit = "ms",
          .answer = (m + p - 1) * (f + b) * 1e-3,
          .working = "({m}+{p}-1) * ({f}+{b})*1e-3",
          .mistakes = {{"{m} * ({f}+{b})*1e-3", "the bubble is left out: filling and draining take p - 1 slots more"},
                       {"{m}*{p} * ({f}+{b})*1e-3", "stages one after the other; they work at the same time"},
                       {"({m}+{p}) * ({f}+{b})*1e-3", "one slot too many: m + p - 1"},
                       {"({m}+{p}-1) * {f}*1e-3", "the backward pass is left out"}},
          .steps = {"The last micro-batch enters after m - 1 slots and passes p stages: m + p - 1 forward slots, and "
                    "as many backward."},
          .source = "Huang et al. 2019, GPipe, section 2.3"};
}

Item EnoughMicroBatches(Draw& d) {
  const double p = d.Pick("p", {4, 8, 12, 16});
  const double percent = d.Pick("b", {5, 10, 15, 20});
  const double share = percent / 100;
  return {
      .prompt =
          "With {p} stages and no interleaving, how many micro-batches are needed at least so that each stage idles at "
          "most {b} % of a step?",
      .unit = "micro-batches",
      .answer = std::ceil((p - 1) * (1 - share) / share - 1e-9),
      .tolerance = 1e-9,
      .working = "ceil(({p}-1) * (1 - {b}/100) / ({b}/100))",
      .mistakes = {{"ceil(({p}-1) / ({b}/100))", "idle over busy time; the share of the whole step needs p - 1 fewer"},
                   {"ceil({p} / ({b}/100))", "p instead of p - 1, over busy time"},
                   {"4*{p}", "a rule of thumb; this share needs another number"}},
      .steps = {"(p-1) / (m+p-1) <= f, so m >= (p-1) (1-f) / f."},
      .source = "Narayanan et al. 2021, section 2.2"};
}

Item PipelineStatements(Draw& d) {
  switch (d.Index(4)) {
    case 0:
      return {.prompt = "1F1B has a smaller bubble than GPipe for the same number of stages and micro-batches.",
              .truth = false,
              .mistakes = {{"", "its smaller memory taken for a smaller bubble"}},
              .steps = {"Both idle (p-1)/(m+p-1). 1F1B holds at most p micro-batches in flight instead of m; "
                        "interleaving or zero-bubble schedules shrink the bubble."},
              .source = "Narayanan et al. 2021, section 2.2"};
    case 1:
      return {.prompt = "The backward pass of a micro-batch starts at the last stage.",
              .truth = true,
              .mistakes = {{"", "gradients flow from the loss, which is at the last stage, to the first"}},
              .steps = {"A picture in which stage 0 starts the backward pass is wrong."},
              .source = "Huang et al. 2019, GPipe, figure 2"};
    case 2:
      return {.prompt = "Splitting the backward pass into input gradients and weight gradients can shrink the bubble.",
              .truth = true,
              .mistakes = {{"", "only the input gradient is waited for by the stage before"}},
              .steps = {"Weight gradients can fill slots that would be idle: zero-bubble schedules."},
              .source = "Qi et al. 2023, Zero Bubble Pipeline Parallelism"};
    default:
      return {.prompt = "Interleaving with v chunks on a stage costs v times as much communication between stages.",
              .truth = true,
              .mistakes = {{"", "each micro-batch passes every stage v times"}},
              .steps = {"There are v times as many boundaries between stages, and at each the activations of a "
                        "micro-batch are sent."},
              .source = "Narayanan et al. 2021, section 2.2.2"};
  }
}

}  // namespace

std::vector<Template> NumbersTemplates() {
  return {
      {"q05.largest", "largest finite number of a format", Kind::kNumeric, LargestFinite},
      {"q05.e4m3_scale", "scale of an fp8 tensor", Kind::kNumeric, E4m3Scale},
      {"q05.loss_scale", "loss scale for small gradients", Kind::kNumeric, LossScale},
      {"q05.spacing", "distance to the next number", Kind::kNumeric, Spacing},
      {"q05.dynamic_scale", "a dynamic loss scale", Kind::kNumeric, DynamicScale},
      {"q05.statements", "range and precision", Kind::kTrueFalse, PrecisionStatements},
      {"q06.bubble", "bubble of a pipeline", Kind::kNumeric, Bubble},
      {"q06.interleaved", "bubble with interleaving", Kind::kNumeric, Interleaved},
      {"q06.in_flight", "activations in flight", Kind::kNumeric, InFlight},
      {"q06.time", "time of a pipelined step", Kind::kNumeric, PipelineTime},
      {"q06.enough", "micro-batches for a small bubble", Kind::kNumeric, EnoughMicroBatches},
      {"q06.statements", "what schedules change", Kind::kTrueFalse, PipelineStatements},
  };
}

}  // namespace workbench::quiz
