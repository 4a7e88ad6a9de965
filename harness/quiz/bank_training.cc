// Items on parallelism and all-reduce.
#include <cmath>

#include "harness/quiz/bank.h"

namespace workbench::quiz {
namespace {

constexpr double kMi = 0x1p20;

// q01

Item MicroBatches(Draw& d) {
  const double gpus = d.Pick("G", {64, 128, 256, 512});
  const double t = d.Pick("t", {2, 4, 8});
  const double p = d.Pick("p", {2, 4, 8});
  const double b = d.Pick("b", {1, 2, 4});
  const double batch = d.Pick("B", {2048, 4096});
  return {
      .prompt =
          "{G} GPUs train with tensor parallelism {t}, pipeline parallelism {p} and data parallelism on the rest. The "
          "global batch is {B} sequences, a micro-batch {b}. How many micro-batches does each pipeline run in one "
          "step?",
      .unit = "micro-batches",
      .answer = batch / (b * (gpus / (t * p))),
      .tolerance = 1e-9,
      .working = "{B} / ({b} * ({G} / ({t} * {p})))",
      .mistakes = {{"{B} / ({b} * {G})",
                    "every GPU is counted as a data-parallel replica; the {t} * {p} GPUs of one replica share a batch"},
                   {"{B} / {b}", "the batch is not divided over the data-parallel replicas"}},
      .steps = {"A replica of the model takes t * p GPUs, so there are G / (t * p) replicas.",
                "Each replica runs B / replicas sequences, b at a time."},
      .source =
          "Narayanan et al. 2021, Efficient Large-Scale Language Model Training on GPU Clusters, section 3 (m = B / (d "
          "b), d = n / (p t))"};
}

Item TensorTraffic(Draw& d) {
  const double t = d.Pick("t", {2, 4, 8});
  const double b = d.Pick("b", {1, 2, 4, 8});
  const double s = d.Pick("s", {2048, 4096, 8192});
  const double h = d.Pick("h", {4096, 5120, 8192});
  return {.prompt =
              "Megatron's tensor parallelism over {t} GPUs, without sequence parallelism: micro-batch {b}, sequence "
              "{s}, hidden size "
              "{h}, activations in bf16, ring all-reduce. How much does each GPU send for one transformer layer, "
              "forward and "
              "backward together?",
          .dimension = Dimension::kBytes,
          .unit = "MiB",
          .answer = 4 * (2 * (t - 1) / t) * (b * s * h * 2),
          .working = "4 * 2*({t}-1)/{t} * ({b}*{s}*{h}*2)",
          .mistakes = {{"2 * 2*({t}-1)/{t} * ({b}*{s}*{h}*2)",
                        "only forward or only backward is counted; each has two all-reduces"},
                       {"4 * {b}*{s}*{h}*2", "a ring all-reduce sends 2(t-1)/t times the buffer, not the buffer"},
                       {"4 * 2*({t}-1)/{t} * ({b}*{s}*{h})", "one byte an element; bf16 has two"}},
          .steps = {"Forward: one all-reduce after attention, one after the MLP. Backward: two again. 4 in all.",
                    "Each is over b * s * h elements of 2 bytes, and a ring sends 2(t-1)/t times that."},
          .source = "Shoeybi et al. 2019, Megatron-LM, section 3 (figure 4); ring: Patarasuk and Yuan 2009"};
}

Item WeightedMean(Draw& d) {
  const double n1 = d.Pick("n1", {8, 16, 32});
  const double n2 = d.Pick("n2", {2, 4, 24});
  const double g1 = d.Whole("g1", 1, 9);
  const double g2 = d.Whole("g2", 11, 30);
  return {.prompt =
              "Two data-parallel ranks hold {n1} and {n2} samples. One gradient element, averaged over the rank's own "
              "samples, is "
              "{g1} on the first and {g2} on the second. What is it averaged over all samples?",
          .answer = (n1 * g1 + n2 * g2) / (n1 + n2),
          .working = "({n1}*{g1} + {n2}*{g2}) / ({n1} + {n2})",
          .mistakes = {{"({g1} + {g2}) / 2",
                        "a plain mean over the ranks; each rank's mean has to be weighted by its samples"},
                       {"{g1} + {g2}", "the sum over the ranks, without any division"}},
          .steps = {"The mean over all samples is the sum of all samples' gradients over their number.",
                    "A rank's sum is its mean times its number of samples; an all-reduce that averages ranks is right "
                    "only when all ranks have equally many."},
          .source =
              "definition of the mean; PyTorch documentation, DistributedDataParallel (gradients are averaged over "
              "processes)"};
}

Item LayerWeights(Draw& d) {
  const double layers = d.Pick("L", {24, 32, 48, 80, 96});
  const double h = d.Pick("h", {2048, 4096, 8192, 12288});
  const double t = d.Pick("t", {2, 4, 8});
  return {
      .prompt =
          "A GPT with {L} layers and hidden size {h} (MLP of 4h, biases, norms and embeddings left out) is split over "
          "{t} GPUs by tensor "
          "parallelism. How many bytes of bf16 weights does each GPU hold?",
      .dimension = Dimension::kBytes,
      .unit = "GiB",
      .answer = 12 * layers * h * h * 2 / t,
      .working = "12*{L}*{h}^2 * 2 / {t}",
      .mistakes = {{"12*{L}*{h}^2 * 2", "not divided over the {t} GPUs"},
                   {"8*{L}*{h}^2 * 2 / {t}", "8 h^2 a layer: one of the MLP's two matrices is missing"},
                   {"12*{L}*{h}^2 / {t}", "one byte a weight; bf16 has two"}},
      .steps = {"A layer has 4 h^2 weights in attention (Q, K, V, output) and 8 h^2 in the MLP (h to 4h and back).",
                "12 L h^2 weights of 2 bytes, each matrix cut into t parts."},
      .source =
          "Narayanan et al. 2021, Efficient Large-Scale Language Model Training, equation 2 (leading term 12 l h^2)"};
}

Item ParallelismStatements(Draw& d) {
  switch (d.Index(4)) {
    case 0:
      return {
          .prompt = "PyTorch's nn.DataParallel starts one process for each GPU.",
          .truth = false,
          .mistakes = {{"", "nn.DataParallel taken for DistributedDataParallel"}},
          .steps = {"nn.DataParallel is one process with a thread for each GPU, and copies the model anew in every "
                    "forward pass. "
                    "DistributedDataParallel has a process for each GPU, and is what the documentation recommends."},
          .source = "PyTorch documentation, torch.nn.DataParallel"};
    case 1:
      return {.prompt = "Putting layers 1 to 16 on one GPU and layers 17 to 32 on another is tensor parallelism.",
              .truth = false,
              .mistakes = {{"", "all model parallelism taken for one kind"}},
              .steps = {"Whole layers on different GPUs is pipeline (inter-layer) parallelism. Tensor parallelism "
                        "splits the matrices inside each layer."},
              .source = "Narayanan et al. 2021, section 2"};
    case 2:
      return {
          .prompt =
              "Tensor parallelism needs communication inside every layer, in the forward and in the backward pass.",
          .truth = true,
          .mistakes =
              {{"", "tensor parallelism taken for pipeline parallelism, which only sends between neighbouring stages"}},
          .steps = {"Each half of a layer ends in an all-reduce of the activations forward, and of their gradients "
                    "backward. That is why it stays inside a node."},
          .source = "Shoeybi et al. 2019, Megatron-LM, section 3"};
    default:
      return {
          .prompt =
              "With data parallelism and ranks of different local batch sizes, averaging the ranks' mean gradients "
              "gives the mean over all samples.",
          .truth = false,
          .mistakes = {{"", "a mean of means is the mean only when all groups are equally large"}},
          .steps =
              {"Weight each rank's mean by its number of samples, or sum the losses and divide by the global count."},
          .source = "definition of the mean; PyTorch documentation, DistributedDataParallel"};
  }
}

// q02

Item RingBytes(Draw& d) {
  const double n = d.Pick("N", {3, 4, 6, 8, 12, 16});
  const double s = d.Pick("S", {48, 96, 240, 480, 960});
  return {.prompt = "A ring all-reduce of a {S} MiB buffer over {N} ranks: how many bytes does each rank send?",
          .dimension = Dimension::kBytes,
          .unit = "MiB",
          .answer = 2 * (n - 1) / n * s * kMi,
          .working = "2*({N}-1)/{N} * {S}*2^20",
          .mistakes = {{"({N}-1)/{N} * {S}*2^20", "only the reduce-scatter, or only the all-gather; a ring is both"},
                       {"2*{S}*2^20", "2S, the limit for many ranks; with {N} ranks it is 2(N-1)/N times S"},
                       {"2*({N}-1) * {S}*2^20", "whole buffers in each step; each step sends one chunk of S/N"},
                       {"({N}-1) * {S}*2^20", "sending the whole buffer to every other rank"}},
          .steps = {"Reduce-scatter: N-1 steps, one chunk of S/N in each. All-gather: the same again."},
          .source = "Patarasuk and Yuan 2009, Bandwidth optimal all-reduce algorithms; nccl-tests doc/PERFORMANCE.md"};
}

Item RingSteps(Draw&) {
  return {
      .prompt =
          "How many steps does a ring all-reduce over N ranks take, when an exchange in both directions counts as one?",
      .formula = "2*(N-1)",
      .variables = {"N"},
      .mistakes = {{"N-1", "only the reduce-scatter; the all-gather takes N-1 more"},
                   {"2*N", "each half takes N-1 steps: a rank has its own chunk already"},
                   {"N", "each half takes N-1 steps, and there are two"},
                   {"2*log2(N)", "that is recursive halving and doubling"}},
      .steps = {"N-1 steps of reduce-scatter, then N-1 of all-gather."},
      .source =
          "Thakur, Rabenseifner, Gropp 2005, Optimization of Collective Communication Operations in MPICH, section "
          "4.5"};
}

Item DoublingBytes(Draw& d) {
  const double log_n = d.Whole("k", 2, 6);
  d.Set("N", std::exp2(log_n));
  const double s = d.Pick("S", {16, 64, 256});
  return {.prompt =
              "Recursive doubling (partners at distance 1, 2, 4, ..., the whole buffer each time) on a {S} MiB buffer "
              "over {N} ranks: how "
              "many bytes does each rank send?",
          .dimension = Dimension::kBytes,
          .unit = "MiB",
          .answer = log_n * s * kMi,
          .working = "log2({N}) * {S}*2^20",
          .mistakes = {{"2*({N}-1)/{N} * {S}*2^20",
                        "that is recursive halving and doubling, which halves what it sends in each step"},
                       {"({N}-1) * {S}*2^20", "one buffer to each other rank; doubling takes log2 N steps"}},
          .steps = {"log2 N steps, the whole buffer in each: few steps, many bytes. It is for small messages."},
          .source = "Thakur, Rabenseifner, Gropp 2005, section 4.5"};
}

Item HalvingDoublingSteps(Draw&) {
  return {.prompt =
              "N is a power of two. How many steps does all-reduce by recursive halving and then doubling "
              "(Rabenseifner) take?",
          .formula = "2*log2(N)",
          .variables = {"N"},
          .mistakes = {{"log2(N)", "that is recursive doubling of whole buffers, or only one of the two halves"},
                       {"2*(N-1)", "that is the ring"},
                       {"N*log2(N)", "that counts the messages of all ranks, not the steps"}},
          .steps = {"log2 N steps of reduce-scatter by halving, log2 N steps of all-gather by doubling.",
                    "It sends 2(N-1)/N times S like the ring, so it is not poor for large messages; doubling of whole "
                    "buffers is."},
          .source = "Thakur, Rabenseifner, Gropp 2005, section 4.5"};
}

Item RingTime(Draw& d) {
  const double n = d.Pick("N", {4, 8, 16, 32});
  const double alpha = d.Pick("a", {5, 10, 20});
  const double gbs = d.Pick("W", {20, 25, 50, 100});
  const double mib = d.Pick("S", {2, 8, 16});
  return {.prompt =
              "Each message takes {a} us plus its bytes over {W} GB/s, and additions are free. How long does a ring "
              "all-reduce of {S} MiB "
              "over {N} ranks take?",
          .dimension = Dimension::kSeconds,
          .unit = "us",
          .answer = 2 * (n - 1) * (alpha * 1e-6 + mib * kMi / n / (gbs * 1e9)),
          .working = "2*({N}-1) * {a}e-6 + 2*({N}-1)/{N} * {S}*2^20 / {W}e9",
          .mistakes = {{"({N}-1) * {a}e-6 + ({N}-1)/{N} * {S}*2^20 / {W}e9",
                        "half of it: N-1 steps of reduce-scatter are followed by N-1 of all-gather"},
                       {"2*({N}-1)/{N} * {S}*2^20 / {W}e9", "the latency of the 2(N-1) steps is left out"},
                       {"{a}e-6 + 2*({N}-1)/{N} * {S}*2^20 / {W}e9",
                        "the latency is counted once; it is paid in each of the 2(N-1) steps"}},
          .steps = {"2(N-1) steps, each a message of S/N bytes: 2(N-1) (alpha + S/N * beta)."},
          .source = "Thakur, Rabenseifner, Gropp 2005, sections 3 and 4.5 (the alpha-beta model)"};
}

Item BusBandwidth(Draw& d) {
  const double n = d.Pick("N", {3, 4, 8, 16, 64});
  const double mb = d.Pick("S", {500, 1000, 2000});
  const double ms = d.Pick("T", {5, 8, 10, 25});
  return {
      .prompt =
          "An all-reduce of {S} MB (10^6 bytes) over {N} ranks takes {T} ms. What bus bandwidth does nccl-tests print?",
      .dimension = Dimension::kBytesPerSecond,
      .unit = "GB/s",
      .answer = mb * 1e6 / (ms * 1e-3) * 2 * (n - 1) / n,
      .working = "{S}e6 / {T}e-3 * 2*({N}-1)/{N}",
      .mistakes = {{"{S}e6 / {T}e-3", "that is the algorithm bandwidth (algbw); busbw is 2(N-1)/N times as much"},
                   {"{S}e6 / {T}e-3 * ({N}-1)/{N}", "(N-1)/N is the factor of reduce-scatter and all-gather"},
                   {"{S}e6 / {T}e-3 * {N}", "multiplied by the number of ranks"}},
      .steps = {"algbw = S / t. busbw = algbw * 2(N-1)/N, the bytes that each rank has to move."},
      .source = "nccl-tests doc/PERFORMANCE.md; docs/metrics.md"};
}

Item AllReduceStatements(Draw& d) {
  d.Pick("N", {8, 16, 32});
  switch (d.Index(3)) {
    case 0:
      return {
          .prompt = "In a ring all-reduce, the bytes that each rank sends grow in proportion to the number of ranks.",
          .truth = false,
          .mistakes = {{"", "the number of steps, which grows with N, taken for the bytes"}},
          .steps = {"Each rank sends 2(N-1)/N times S: from S with two ranks to just under 2S with many. The steps, "
                    "2(N-1), do grow."},
          .source = "Patarasuk and Yuan 2009"};
    case 1:
      return {.prompt =
                  "If each of {N} ranks first does a blocking receive from its left neighbour and then sends to its "
                  "right, the ring works.",
              .truth = false,
              .mistakes = {{"", "nobody can send before it has received, and nobody has sent"}},
              .steps = {"All ranks wait in their receive: deadlock. Use Sendrecv or non-blocking calls (starting with "
                        "a blocking send may deadlock too, once the message is not buffered)."},
              .source = "MPI-4.0 standard, section 3.5 (semantics of point-to-point communication)"};
    default:
      return {.prompt =
                  "Recursive halving and doubling sends as many bytes per rank as the ring, in fewer steps, when N is "
                  "a power of two.",
              .truth = true,
              .mistakes = {{"", "recursive doubling of whole buffers taken for halving and doubling"}},
              .steps = {"Both send 2(N-1)/N times S; the ring takes 2(N-1) steps, halving and doubling 2 log2 N."},
              .source = "Thakur, Rabenseifner, Gropp 2005, section 4.5"};
  }
}

}  // namespace

std::vector<Template> TrainingTemplates() {
  return {
      {"q01.micro_batches", "micro-batches of a 3D-parallel step", Kind::kNumeric, MicroBatches},
      {"q01.tensor_traffic", "bytes of tensor parallelism in a layer", Kind::kNumeric, TensorTraffic},
      {"q01.weighted_mean", "gradients of unequal batches", Kind::kNumeric, WeightedMean},
      {"q01.layer_weights", "weights of a GPU", Kind::kNumeric, LayerWeights},
      {"q01.statements", "which parallelism is which", Kind::kTrueFalse, ParallelismStatements},
      {"q02.ring_bytes", "bytes of a ring all-reduce", Kind::kNumeric, RingBytes},
      {"q02.ring_steps", "steps of a ring all-reduce", Kind::kExpression, RingSteps},
      {"q02.doubling_bytes", "bytes of recursive doubling", Kind::kNumeric, DoublingBytes},
      {"q02.halving_steps", "steps of halving and doubling", Kind::kExpression, HalvingDoublingSteps},
      {"q02.ring_time", "time of a ring all-reduce", Kind::kNumeric, RingTime},
      {"q02.busbw", "bus bandwidth", Kind::kNumeric, BusBandwidth},
      {"q02.statements", "what is said of all-reduce", Kind::kTrueFalse, AllReduceStatements},
  };
}

}  // namespace workbench::quiz
