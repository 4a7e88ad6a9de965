// Items on checkpoints and the training platform.
#include <cmath>

#include "harness/quiz/bank.h"

namespace workbench::quiz {
namespace {

// q13

Item YoungInterval(Draw& d) {
  const double write = d.Pick("C", {30, 60, 120, 300});
  const double nodes = d.Pick("n", {64, 128, 512});
  const double days = d.Pick("M", {300, 1000, 2000});
  return {.prompt =
              "Each of {n} nodes fails once in {M} days on average, and any failure stops the job. A checkpoint takes "
              "{C} s, during which training stands still. After how much "
              "time should the next one follow, by Young's formula?",
          .dimension = Dimension::kSeconds,
          .unit = "min",
          .answer = std::sqrt(2 * write * days * 86400 / nodes),
          .working = "sqrt(2 * {C} * {M}*86400/{n})",
          .mistakes = {{"sqrt(2 * {C} * {M}*86400)",
                        "the mean time between failures of one node; with {n} nodes it is {n} times shorter"},
                       {"sqrt({C} * {M}*86400/{n})", "the 2 is missing: on average half an interval is lost"},
                       {"{M}*86400/{n}", "that is the mean time between failures itself"}},
          .steps = {"The job's mean time between failures is M = {M} days / {n}.",
                    "Cost of writing, C / T, plus half an interval lost for each failure, T / (2 M), is least at T = "
                    "sqrt(2 C M)."},
          .source = "Young 1974, A first order approximation to the optimum checkpoint interval; Daly 2006"};
}

Item CheckpointOverhead(Draw& d) {
  const double write = d.Pick("C", {30, 60, 120});
  const double minutes = d.Pick("T", {20, 30, 60});
  const double hours = d.Pick("M", {6, 12, 24});
  return {.prompt =
              "A checkpoint of {C} s every {T} minutes, a failure every {M} hours on average, restarts free. To first "
              "order, what share of the time is lost?",
          .dimension = Dimension::kFraction,
          .unit = "%",
          .answer = write / (minutes * 60) + minutes * 60 / (2 * hours * 3600),
          .tolerance = 0.02,
          .working = "{C}/({T}*60) + {T}*60/(2*{M}*3600)",
          .mistakes = {{"{C}/({T}*60)", "only the writing; work since the last checkpoint is lost too"},
                       {"{T}*60/(2*{M}*3600)", "only the lost work; writing takes time too"},
                       {"{C}/({T}*60) + {T}*60/({M}*3600)",
                        "a failure loses half an interval on average, not a whole one"}},
          .steps = {"Writing: C / T. Lost work: half an interval for each failure, T / (2 M)."},
          .source = "Young 1974; Daly 2006, A higher order estimate of the optimum checkpoint interval"};
}

Item CheckpointTime(Draw& d) {
  const double billions = d.Pick("P", {7, 13, 70, 175});
  const double ranks = d.Pick("N", {16, 64, 128});
  const double gbs = d.Pick("W", {0.5, 1, 2});
  return {
      .prompt =
          "A checkpoint holds bf16 weights and Adam's state with fp32 weights (no gradients) of {P} billion "
          "parameters. {N} ranks each write their shard at {W} GB/s. How long does it take?",
      .dimension = Dimension::kSeconds,
      .unit = "s",
      .answer = billions * 14e9 / (ranks * gbs * 1e9),
      .working = "{P}e9 * (2 + 12) / ({N} * {W}e9)",
      .mistakes = {{"{P}e9 * 2 / ({N} * {W}e9)",
                    "the optimizer's 12 bytes a parameter are left out; without them training cannot go on as before"},
                   {"{P}e9 * 16 / ({N} * {W}e9)", "gradients are counted; they are made anew in the next step"},
                   {"{P}e9 * (2 + 12) / {W}e9", "one rank writes everything"},
                   {"{P}e9 * (2 + 8) / ({N} * {W}e9)", "the fp32 weights are left out"}},
      .steps = {"2 bytes of bf16 weights and 4 + 4 + 4 of fp32 weights, momentum and variance: 14 a parameter."},
      .source = "Rajbhandari et al. 2020, ZeRO, section 3.1 (bytes of mixed-precision Adam)"};
}

Item Incremental(Draw& d) {
  const double gb = d.Pick("S", {50, 200, 800});
  const double percent = d.Pick("f", {2, 5, 10});
  const double k = d.Pick("k", {6, 12, 24});
  return {
      .prompt =
          "A full checkpoint is {S} GB. {k} increments follow, in each of which {f} % of the data has changed. How "
          "much is to be read for a restore of the newest state?",
      .dimension = Dimension::kBytes,
      .unit = "GB",
      .answer = gb * 1e9 * (1 + k * percent / 100),
      .working = "{S}e9 * (1 + {k}*{f}/100)",
      .mistakes = {{"{S}e9 * {k}*{f}/100", "the full checkpoint is left out; increments need their base"},
                   {"{S}e9 * (1 + {f}/100)",
                    "the newest increment alone is not enough: each holds only what changed since the one before"},
                   {"{S}e9 * (1 + {k})", "each increment counted as full"}},
      .steps =
          {"The base and all increments since: S (1 + k f). Deleted keys have to be recorded too, or they come back."},
      .source =
          "Eisenman et al. 2022, Check-N-Run: a Checkpointing System for Training Deep Learning Recommendation Models, "
          "section 5"};
}

Item DurableWrite(Draw&) {
  return {.prompt =
              "A checkpoint file must be either the old or the new one after a power failure, and the new one once "
              "save() has returned. In which order?",
          .choices = {"write a temporary file, fsync it, rename it, fsync the folder",
                      "write a temporary file, rename it, fsync it", "write the file in place, then fsync it",
                      "write a temporary file, rename it, then a barrier over all ranks"},
          .right = "write a temporary file, fsync it, rename it, fsync the folder",
          .mistakes = {{"write a temporary file, rename it, fsync it",
                        "the name may point to a file whose data is not there yet"},
                       {"write the file in place, then fsync it",
                        "a crash in the middle destroys the old one and leaves half of the new"},
                       {"write a temporary file, rename it, then a barrier over all ranks",
                        "a barrier says that ranks have arrived, not that anything is on disk"}},
          .steps = {"fsync puts the data on disk before the name points to it; rename is atomic; fsync of the folder "
                    "makes the name durable."},
          .source = "POSIX.1-2017, rename and fsync; Pillai et al. 2014, All File Systems Are Not Created Equal"};
}

Item CheckpointStatements(Draw& d) {
  switch (d.Index(3)) {
    case 0:
      return {
          .prompt = "Once all ranks have passed a barrier after their writes, the checkpoint survives a power failure.",
          .truth = false,
          .mistakes = {{"", "written data may still be in the page cache"}},
          .steps = {"Each rank has to fsync before the barrier, and the marker that says complete comes after it, "
                    "fsynced too."},
          .source = "POSIX.1-2017, fsync"};
    case 1:
      return {.prompt =
                  "tensor.cpu() right before handing the copy to a background thread stalls training for the time of "
                  "the copy.",
              .truth = true,
              .mistakes = {{"", ".cpu() to pageable memory waits until the copy is done"}},
              .steps = {"An asynchronous save copies into pinned memory on a stream of its own, and waits for it "
                        "before the weights change."},
              .source = "PyTorch documentation, Asynchronous Saving with Distributed Checkpoint"};
    default:
      return {.prompt = "Loading a checkpoint with an unrestricted pickle can run code that its author put there.",
              .truth = true,
              .mistakes = {{"", "unpickling calls whatever the file names"}},
              .steps = {"Use weights_only=True or a format that only holds data, such as safetensors."},
              .source = "Python documentation, pickle (warning); PyTorch documentation, torch.load"};
  }
}

// q14

Item TrainingTime(Draw& d) {
  const double billions = d.Pick("P", {1, 7, 13, 70});
  const double tokens = d.Pick("D", {0.1, 0.5, 1, 2});
  const double gpus = d.Pick("G", {64, 256, 1024});
  const double tflops = d.Pick("F", {312, 990});
  const double percent = d.Pick("u", {30, 40, 50});
  return {.prompt =
              "A dense model of {P} billion parameters is trained on {D} trillion tokens with {G} GPUs of {F} TFLOP/s "
              "at {u} % MFU. How long does it take (attention's own FLOPs aside)?",
          .dimension = Dimension::kSeconds,
          .unit = "days",
          .answer = 6 * billions * 1e9 * tokens * 1e12 / (gpus * tflops * 1e12 * percent / 100),
          .tolerance = 0.02,
          .working = "6 * {P}e9 * {D}e12 / ({G} * {F}e12 * {u}/100)",
          .mistakes = {{"2 * {P}e9 * {D}e12 / ({G} * {F}e12 * {u}/100)",
                        "the forward pass only: 2 FLOPs a parameter and token, and backward 4 more"},
                       {"6 * {P}e9 * {D}e12 / ({G} * {F}e12)", "at peak speed; MFU is left out"},
                       {"8 * {P}e9 * {D}e12 / ({G} * {F}e12 * {u}/100)",
                        "recomputation is counted; MFU is defined without it"}},
          .steps = {"6 FLOPs for each parameter and token (2 forward, 4 backward), over what the GPUs really do."},
          .source =
              "Kaplan et al. 2020, Scaling Laws for Neural Language Models, section 2.1; Chowdhery et al. 2022, PaLM, "
              "appendix B (MFU)"};
}

Item Utilisation(Draw& d) {
  const double billions = d.Pick("P", {1, 7, 13});
  const double gpus = d.Pick("G", {8, 16, 64});
  const double tflops = d.Pick("F", {312, 990});
  const double target = d.Pick("x", {31, 37, 43, 52});
  const double rate = std::round(gpus * tflops * 1e12 * target / 100 / (6 * billions * 1e9) / 100) * 100;
  d.Set("R", rate);
  return {
      .prompt =
          "Training a dense model of {P} billion parameters on {G} GPUs of {F} TFLOP/s processes {R} tokens a second "
          "in all. What is the MFU?",
      .dimension = Dimension::kFraction,
      .unit = "%",
      .answer = 6 * billions * 1e9 * rate / (gpus * tflops * 1e12),
      .working = "6 * {P}e9 * {R} / ({G} * {F}e12)",
      .mistakes = {{"2 * {P}e9 * {R} / ({G} * {F}e12)", "the forward pass only"},
                   {"8 * {P}e9 * {R} / ({G} * {F}e12)",
                    "that is hardware FLOPs utilisation with full recomputation (HFU)"},
                   {"6 * {P}e9 * {R} / ({F}e12)", "one GPU's peak; there are {G}"}},
      .steps = {"6 P FLOPs a token, times tokens a second, over the peak of all GPUs. Recomputed FLOPs do not count."},
      .source = "Chowdhery et al. 2022, PaLM, appendix B"};
}

Item TokenRate(Draw& d) {
  const double billions = d.Pick("P", {1, 3, 7, 13});
  const double tflops = d.Pick("F", {312, 990});
  const double percent = d.Pick("u", {35, 40, 45, 50});
  return {.prompt =
              "How many tokens a second does one GPU of {F} TFLOP/s train at {u} % MFU, for a dense model of {P} "
              "billion parameters?",
          .dimension = Dimension::kPerSecond,
          .unit = "tokens/s",
          .answer = tflops * 1e12 * percent / 100 / (6 * billions * 1e9),
          .tolerance = 0.02,
          .working = "{F}e12 * {u}/100 / (6 * {P}e9)",
          .mistakes = {{"{F}e12 * {u}/100 / (2 * {P}e9)", "the forward pass only"},
                       {"{F}e12 / (6 * {P}e9)", "at peak speed; MFU is left out"}},
          .steps = {"FLOPs a second that are really done, over 6 P a token."},
          .source = "Kaplan et al. 2020, section 2.1; Chowdhery et al. 2022, PaLM, appendix B"};
}

Item ComputeOptimal(Draw& d) {
  const double exponent = d.Pick("e", {20, 21, 22, 23, 24});
  const double factor = d.Pick("c", {1, 2, 6});
  return {.prompt =
              "About how many parameters does the compute-optimal dense model have for {c}e{e} FLOPs, at 20 tokens a "
              "parameter?",
          .unit = "parameters",
          .answer = std::sqrt(factor * std::pow(10, exponent) / 120),
          .tolerance = 0.03,
          .working = "sqrt({c}*10^{e} / (6*20))",
          .mistakes = {{"sqrt({c}*10^{e} / 6)", "one token a parameter"},
                       {"{c}*10^{e} / (6*20)", "the root is missing: C = 6 * P * 20 P"},
                       {"sqrt({c}*10^{e} / (2*20))", "2 FLOPs a parameter and token is forward only"}},
          .steps = {"C = 6 P D with D = 20 P, so C = 120 P^2."},
          .source = "Hoffmann et al. 2022, Training Compute-Optimal Large Language Models (Chinchilla), table 3"};
}

Item NoFailure(Draw& d) {
  const double nodes = d.Pick("n", {16, 64, 128, 256});
  const double days = d.Pick("M", {365, 700, 1500});
  const double hours = d.Pick("t", {24, 72, 168});
  return {
      .prompt =
          "Each of {n} nodes fails independently, once in {M} days on average (exponential). What is the chance that a "
          "job on all of them runs {t} hours without a failure?",
      .dimension = Dimension::kFraction,
      .unit = "%",
      .answer = std::exp(-nodes * hours / (days * 24)),
      .working = "exp(-{n}*{t}/({M}*24))",
      .mistakes = {{"exp(-{t}/({M}*24))", "one node only"},
                   {"max(0, 1 - {n}*{t}/({M}*24))", "1 - n t / M is only the beginning of the exponential"},
                   {"1 - exp(-{n}*{t}/({M}*24))", "the chance that it does fail"}},
      .steps = {"n nodes fail n times as often: the rate is n / M, and no failure in t has probability exp(-n t / M)."},
      .source =
          "Trivedi 2002, Probability and Statistics with Reliability, Queuing and Computer Science Applications "
          "(series systems)"};
}

Item PlatformStatements(Draw& d) {
  switch (d.Index(4)) {
    case 0:
      return {.prompt = "The alarm `loss > 100` fires when the loss is NaN.",
              .truth = false,
              .mistakes = {{"", "every ordered comparison with NaN is false"}},
              .steps = {"Ask for what is good and negate it, !(loss <= 100), or test with isfinite."},
              .source = "IEEE 754-2019, section 5.11"};
    case 1:
      return {.prompt = "The alarm `!(loss <= 100)` fires when the loss is NaN.",
              .truth = true,
              .mistakes = {{"", "NaN <= 100 is false, and its negation true"}},
              .steps = {"Every ordered comparison with NaN is false."},
              .source = "IEEE 754-2019, section 5.11"};
    case 2:
      return {
          .prompt =
              "If a service first checks a user's quota and then, in a second transaction, books the GPUs, two "
              "submissions at once can exceed the quota.",
          .truth = true,
          .mistakes = {{"", "both can check before either books"}},
          .steps = {"Check and book in one atomic step: a conditional update, a lock, or a serializable transaction."},
          .source = "Berenson et al. 1995, A Critique of ANSI SQL Isolation Levels (write skew)"};
    default:
      return {.prompt =
                  "A client that got no reply to a submission can safely send it again if every submission carries a "
                  "key that the server remembers.",
              .truth = true,
              .mistakes = {{"", "that is what idempotency keys are for"}},
              .steps = {"The server answers the second one with the first one's job, and starts no other."},
              .source = "IETF draft, The Idempotency-Key HTTP Header Field"};
  }
}

}  // namespace

std::vector<Template> PlatformTemplates() {
  return {
      {"q13.young", "checkpoint interval", Kind::kNumeric, YoungInterval},
      {"q13.overhead", "time lost to checkpoints and failures", Kind::kNumeric, CheckpointOverhead},
      {"q13.time", "time of a checkpoint", Kind::kNumeric, CheckpointTime},
      {"q13.incremental", "restore from increments", Kind::kNumeric, Incremental},
      {"q13.durable", "order of a durable write", Kind::kChoice, DurableWrite},
      {"q13.statements", "barriers, copies, pickles", Kind::kTrueFalse, CheckpointStatements},
      {"q14.time", "time to train", Kind::kNumeric, TrainingTime},
      {"q14.mfu", "model FLOPs utilisation", Kind::kNumeric, Utilisation},
      {"q14.rate", "tokens a second", Kind::kNumeric, TokenRate},
      {"q14.optimal", "compute-optimal size", Kind::kNumeric, ComputeOptimal},
      {"q14.no_failure", "a run without failure", Kind::kNumeric, NoFailure},
      {"q14.statements", "NaN, quotas, repeats", Kind::kTrueFalse, PlatformStatements},
  };
}

}  // namespace workbench::quiz
