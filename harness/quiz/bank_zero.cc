// Items on ZeRO and gradient accumulation.
#include <cmath>
#include <string>

#include "harness/quiz/bank.h"

namespace workbench::quiz {
namespace {

constexpr double kGi = 0x1p30;

const char* const kZero =
    "Rajbhandari et al. 2020, ZeRO: Memory Optimizations Toward Training Trillion Parameter Models, ";

// q03

// Bytes per parameter of a stage as arithmetic in N, and which formula it is in people's words.
std::string StageBytes(int stage, const std::string& n) {
  switch (stage) {
    case 0:
      return "16";
    case 1:
      return "(4 + 12/" + n + ")";
    case 2:
      return "(2 + 14/" + n + ")";
    default:
      return "(16/" + n + ")";
  }
}

std::vector<Mistake> OtherStages(int stage, const std::string& before, const std::string& after) {
  std::vector<Mistake> mistakes;
  for (int other = 0; other <= 3; ++other) {
    if (other == stage) continue;
    mistakes.push_back(
        {before + StageBytes(other, "{N}") + after,
         other == 0 ? "nothing is sharded: that is plain data parallelism" : "that is stage " + std::to_string(other)});
  }
  return mistakes;
}

Item StageMemory(Draw& d) {
  const double n = d.Pick("N", {4, 8, 16, 64});
  const double billions = d.Pick("P", {1.5, 7, 13, 70});
  const int stage = static_cast<int>(d.Whole("stage", 1, 3));
  const double kept[] = {0, 4, 2, 0};
  auto mistakes = OtherStages(stage, "{P}e9 * ", "");
  mistakes.push_back({"{P}e9 * 2", "only the fp16 weights: gradients and the optimizer's 12 bytes are left out"});
  return {.prompt =
              "Mixed-precision Adam on {P} billion parameters under ZeRO stage {stage} over {N} GPUs. How many bytes "
              "of weights, gradients and "
              "optimizer state does each GPU hold (no buffers, no padding)?",
          .dimension = Dimension::kBytes,
          .unit = "GB",
          .answer = billions * 1e9 * (kept[stage] + (16 - kept[stage]) / n),
          .working = "{P}e9 * " + StageBytes(stage, "{N}"),
          .mistakes = mistakes,
          .steps = {"2 bytes of fp16 weights + 2 of fp16 gradients + 12 of optimizer state (fp32 weights, momentum, "
                    "variance) = 16 a parameter.",
                    "Stage 1 shards the 12, stage 2 the gradients' 2 as well, stage 3 the weights' 2 as well."},
          .source = std::string(kZero) + "section 5 and figure 1"};
}

Item LargestModel(Draw& d) {
  const double n = d.Pick("N", {8, 16, 32, 64});
  const double gib = d.Pick("M", {24, 40, 80});
  const int stage = static_cast<int>(d.Whole("stage", 1, 3));
  const double kept[] = {0, 4, 2, 0};
  return {.prompt =
              "Each of {N} GPUs has {M} GiB for weights, gradients and Adam's state (mixed precision, activations "
              "aside). How many parameters "
              "can be trained at most under ZeRO stage {stage}?",
          .unit = "parameters",
          .answer = gib * kGi / (kept[stage] + (16 - kept[stage]) / n),
          .working = "{M}*2^30 / " + StageBytes(stage, "{N}"),
          .mistakes = OtherStages(stage, "{M}*2^30 / ", ""),
          .steps = {"Divide the memory by the bytes a parameter takes on one GPU: 4 + 12/N, 2 + 14/N or 16/N for "
                    "stages 1, 2 and 3."},
          .source = std::string(kZero) + "section 5 and figure 1"};
}

Item StageTraffic(Draw& d) {
  const double billions = d.Pick("P", {1.5, 7, 13, 70});
  const int stage = static_cast<int>(d.Whole("stage", 1, 3));
  d.Pick("N", {64, 128, 256});
  const double times = stage == 3 ? 3 : 2;
  d.Set("times", times);
  d.Set("other", 5 - times);
  return {.prompt =
              "ZeRO stage {stage} on {P} billion fp16 parameters over {N} GPUs: about how many bytes does each GPU "
              "send in one step (take "
              "(N-1)/N as 1)?",
          .dimension = Dimension::kBytes,
          .unit = "GB",
          .answer = times * billions * 1e9 * 2,
          .tolerance = 0.02,
          .working = "{times} * {P}e9 * 2",
          .mistakes = {{"{other} * {P}e9 * 2",
                        stage == 3 ? "stage 3 gathers the weights once more, for the backward pass: 3 times, not 2"
                                   : "only stage 3 sends 3 times; stages 1 and 2 send what an all-reduce sends"},
                       {"{times} * {P}e9", "elements, not bytes; fp16 has 2 bytes"},
                       {"{P}e9 * 2", "only one of the collectives is counted"}},
          .steps = {"Stages 1 and 2: reduce-scatter the gradients, all-gather the weights: 2 times the parameters, as "
                    "an all-reduce.",
                    "Stage 3: all-gather for forward, again for backward, reduce-scatter the gradients: 3 times."},
          .source = std::string(kZero) + "section 7"};
}

Item Padding(Draw& d) {
  const double n = d.Pick("N", {6, 8, 12, 24});
  const double elements = d.Whole("E", 1001, 9999);
  return {
      .prompt =
          "{E} elements are cut into equal shards for {N} ranks, padded at the end. How many elements of padding are "
          "there?",
      .unit = "elements",
      .answer = n * std::ceil(elements / n) - elements,
      .tolerance = 1e-9,
      .working = "{N} * ceil({E} / {N}) - {E}",
      .mistakes = {{"{E} - {N} * floor({E} / {N})", "that is the remainder; the padding is what fills it up to {N}"},
                   {"0", "{N} does not divide {E}"}},
      .steps = {"Every shard has ceil(E / N) elements; together they hold N times that."},
      .source =
          "PyTorch documentation, FullyShardedDataParallel (flat parameters are padded to be divisible by the world "
          "size)"};
}

Item OffloadStage(Draw&) {
  return {
      .prompt = "DeepSpeed's offload_param (weights in CPU memory or on NVMe) works with which ZeRO stages?",
      .choices = {"stage 3 only", "stages 2 and 3", "stages 1, 2 and 3", "any stage, or none"},
      .right = "stage 3 only",
      .mistakes = {{"stages 2 and 3",
                    "offload_optimizer taken for offload_param; in stage 2 every GPU still needs all weights"},
                   {"stages 1, 2 and 3", "stages 1 and 2 keep all weights on every GPU"},
                   {"any stage, or none", "without sharded weights there is nothing to fetch piece by piece"}},
      .steps = {"Only stage 3 shards the weights and fetches them layer by layer, so only there can they live "
                "elsewhere. A config that sets stage 2 and "
                "offload_param is wrong."},
      .source =
          "DeepSpeed documentation, configuration JSON, ZeRO optimizations (offload_param: valid only with stage 3)"};
}

// q04

Item TokensPerStep(Draw& d) {
  const double b = d.Pick("b", {1, 2, 4});
  const double s = d.Pick("s", {1024, 2048, 4096});
  const double k = d.Pick("k", {4, 8, 16, 32});
  const double n = d.Pick("N", {2, 8, 64});
  return {.prompt =
              "{N} data-parallel ranks, micro-batches of {b} sequences of {s} tokens, {k} micro-batches accumulated "
              "for each optimizer step. How many "
              "tokens go into one step?",
          .unit = "tokens",
          .answer = b * s * k * n,
          .tolerance = 1e-3,
          .working = "{b}*{s}*{k}*{N}",
          .mistakes = {{"{b}*{s}*{N}", "accumulation is left out"},
                       {"{b}*{s}*{k}", "only one rank is counted"},
                       {"{b}*{k}*{N}", "sequences, not tokens"}},
          .steps = {"Tokens of a micro-batch, times micro-batches of a rank, times ranks."},
          .source = "definition; Narayanan et al. 2021, section 2"};
}

Item TokenWeightedLoss(Draw& d) {
  const double n1 = d.Pick("n1", {100, 200, 400});
  const double n2 = d.Pick("n2", {900, 1600, 3000});
  const double l1 = d.Pick("l1", {1.5, 2.5, 3});
  const double l2 = d.Pick("l2", {4, 5, 6});
  return {.prompt =
              "Two micro-batches are accumulated. The first has {n1} tokens with mean loss {l1}, the second {n2} "
              "tokens with mean loss {l2}. What is the mean "
              "loss over the window's tokens?",
          .answer = (n1 * l1 + n2 * l2) / (n1 + n2),
          .working = "({n1}*{l1} + {n2}*{l2}) / ({n1} + {n2})",
          .mistakes = {{"({l1} + {l2}) / 2", "a mean of means: it weights a token of the short micro-batch more"},
                       {"{l1} + {l2}", "summed without dividing"}},
          .steps = {"Sum the losses of all tokens, then divide by the tokens of the whole window, over all ranks."},
          .source = "definition of the mean; Hugging Face 2024, Fixing Gradient Accumulation (blog)"};
}

Item StepsPerEpoch(Draw& d) {
  const double m = d.Whole("M", 50, 400);
  const double k = d.Pick("k", {3, 6, 7, 8});
  return {.prompt =
              "A rank has {M} micro-batches in an epoch and accumulates {k} for each step. No sample may be left "
              "unused: how many optimizer steps are there "
              "in the epoch?",
          .unit = "steps",
          .answer = std::ceil(m / k),
          .tolerance = 1e-9,
          .working = "ceil({M} / {k})",
          .mistakes = {{"floor({M} / {k})", "the last, partial window is never applied"},
                       {"{M}", "a step for every micro-batch: nothing is accumulated"}},
          .steps = {"Full windows, and one more for the rest. The rest's loss is divided by its own number of "
                    "micro-batches (of tokens, if they differ), not by k."},
          .source =
              "PyTorch documentation, Automatic Mixed Precision examples, gradient accumulation; common bug: step only "
              "when (i + 1) % k == 0"};
}

Item PartialWindow(Draw& d) {
  const double m = d.Whole("M", 50, 400);
  const double k = d.Pick("k", {4, 6, 7, 8});
  return {.prompt =
              "{M} micro-batches of equal size, windows of {k}. By what is each micro-batch's mean loss to be divided "
              "in the last window, so that the step "
              "uses the mean?",
          .answer = m - k * std::floor(m / k),
          .tolerance = 1e-9,
          .working = "{M} - {k} * floor({M} / {k})",
          .mistakes = {{"{k}", "divided by the full window: the last step is too small"},
                       {"1", "not divided: the last step is too large"},
                       {"0", "the windows do not come out even"}},
          .steps = {"The last window has M mod k micro-batches; their mean is the sum over as many."},
          .source = "definition of the mean"};
}

Item Bf16Accumulator(Draw& d) {
  const double k = d.Whole("k", 3, 12);
  d.Set("A", std::exp2(k));
  return {
      .prompt =
          "A gradient is accumulated in bf16 and stands at {A}. What is the largest power of two that, added to it, "
          "leaves it unchanged (round to "
          "nearest, ties to even)?",
      .answer = std::exp2(k - 8),
      .working = "{A} / 2^8",
      .mistakes = {{"{A} / 2^7", "that is the distance to the next bf16 number; adding it does arrive there"},
                   {"{A} / 2^11", "that is fp16, which has 11 significant bits; bf16 has 8"},
                   {"{A} / 2^24", "that is fp32"}},
      .steps = {"bf16 has 8 significant bits (7 stored): from A = 2^k the next number is A + A / 2^7.",
                "Half of that, A / 2^8, is a tie and goes to the even neighbour, which is A. Small updates are lost: "
                "accumulate in fp32."},
      .source = "Kalamkar et al. 2019, A Study of BFLOAT16 for Deep Learning Training; IEEE 754-2019, section 4.3.1"};
}

Item AccumulationStatements(Draw& d) {
  switch (d.Index(3)) {
    case 0:
      return {.prompt =
                  "Clipping each micro-batch's gradient to norm 1 and then averaging is the same as clipping the "
                  "averaged gradient to norm 1.",
              .truth = false,
              .mistakes = {{"", "clipping is not linear, so it does not commute with the mean"}},
              .steps = {"Clip what the optimizer will use: accumulated, averaged over ranks, and unscaled."},
              .source = "PyTorch documentation, Automatic Mixed Precision examples, gradient clipping"};
    case 1:
      return {.prompt =
                  "Under DDP with accumulation, skipping the all-reduce in all but the last micro-batch (no_sync) "
                  "gives the same gradient.",
              .truth = true,
              .mistakes = {{"", "the all-reduce is linear: the mean of sums is the sum of means"}},
              .steps = {"Local gradients add up; one all-reduce of the sum replaces k of them. It saves traffic, at "
                        "the price of holding local gradients."},
              .source = "PyTorch documentation, DistributedDataParallel.no_sync"};
    default:
      return {
          .prompt =
              "Batch normalisation gives the same result for one batch of 64 and for 4 accumulated micro-batches of "
              "16.",
          .truth = false,
          .mistakes = {{"", "its statistics are of a micro-batch"}},
          .steps =
              {"Each micro-batch is normalised by its own mean and variance. Layer normalisation has no such trouble."},
          .source = "Ioffe and Szegedy 2015, Batch Normalization, section 3"};
  }
}

}  // namespace

std::vector<Template> ZeroTemplates() {
  return {
      {"q03.stage_memory", "memory of a ZeRO stage", Kind::kNumeric, StageMemory},
      {"q03.largest_model", "largest model under a ZeRO stage", Kind::kNumeric, LargestModel},
      {"q03.stage_traffic", "traffic of a ZeRO stage", Kind::kNumeric, StageTraffic},
      {"q03.padding", "padding of shards", Kind::kNumeric, Padding},
      {"q03.offload", "which stage offloads parameters", Kind::kChoice, OffloadStage},
      {"q04.tokens", "tokens in a step", Kind::kNumeric, TokensPerStep},
      {"q04.weighted_loss", "loss of unequal micro-batches", Kind::kNumeric, TokenWeightedLoss},
      {"q04.steps", "steps in an epoch", Kind::kNumeric, StepsPerEpoch},
      {"q04.partial_window", "the last window", Kind::kNumeric, PartialWindow},
      {"q04.bf16_sum", "accumulating in bf16", Kind::kNumeric, Bf16Accumulator},
      {"q04.statements", "what commutes with accumulation", Kind::kTrueFalse, AccumulationStatements},
  };
}

}  // namespace workbench::quiz
