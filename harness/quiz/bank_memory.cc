// Items on GPU memory and inference.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "harness/quiz/bank.h"

namespace workbench::quiz {
namespace {

// q09

Item Fragmentation(Draw& d) {
  const double a = d.Pick("a", {64, 128, 256});
  const double b = d.Pick("b", {32, 48, 96});
  const double c = d.Pick("c", {16, 24});
  d.Pick("u", {512, 1024});
  const double free = a + b + c;
  return {
      .prompt =
          "An allocator has reserved memory with {u} MiB in use and free blocks of {a}, {b} and {c} MiB, none "
          "adjacent. What is its external fragmentation?",
      .dimension = Dimension::kFraction,
      .unit = "%",
      .answer = 1 - std::max({a, b, c}) / free,
      .working = "1 - max({a}, max({b}, {c})) / ({a}+{b}+{c})",
      .mistakes = {{"({a}+{b}+{c}) / ({a}+{b}+{c}+{u})",
                    "(reserved - allocated) / reserved is the unused share, whatever its shape"},
                   {"max({a}, max({b}, {c})) / ({a}+{b}+{c})",
                    "that is the largest block's share; fragmentation is the rest"}},
      .steps = {"1 - largest free block / all free memory: 0 when everything that is free is one block."},
      .source =
          "Wilson et al. 1995, Dynamic Storage Allocation: A Survey and Critical Review, on external fragmentation"};
}

Item RoundedUp(Draw& d) {
  const double n = d.Pick("n", {100, 1000, 5000});
  const double bytes = d.Whole("x", 10, 1900);
  return {.prompt =
              "{n} tensors of {x} bytes each are allocated by PyTorch's caching allocator, which rounds every request "
              "up to 512 bytes. How many bytes do they take?",
          .dimension = Dimension::kBytes,
          .unit = "bytes",
          .answer = n * std::ceil(bytes / 512) * 512,
          .tolerance = 1e-3,
          .working = "{n} * ceil({x}/512) * 512",
          .mistakes = {{"{n} * {x}", "nothing is rounded"},
                       {"ceil({n}*{x}/512) * 512", "the sum is rounded; each request is"}},
          .steps = {"Each request takes ceil(x / 512) blocks of 512 bytes."},
          .source = "PyTorch, c10/cuda/CUDACachingAllocator (kMinBlockSize = 512)"};
}

Item BankConflicts(Draw& d) {
  // An odd part and a power of two: gcd(stride, 32) is the latter.
  const double odd = d.Pick("o", {3, 5, 7});
  const double power = d.Whole("k", 1, 4);
  const double stride = odd * std::exp2(power);
  d.Set("s", stride);
  return {
      .prompt =
          "The 32 threads of a warp read 4-byte words of shared memory, thread i word {s}*i. There are 32 banks of 4 "
          "bytes. How many ways is the bank conflict (1: none)?",
      .answer = static_cast<double>(std::gcd(static_cast<int>(stride), 32)),
      .tolerance = 1e-9,
      .working = "{s} / {o}",
      .mistakes = {{"{s}", "the stride itself; what counts is gcd({s}, 32)"},
                   {"1", "32 different words, but not 32 different banks"},
                   {"32 / ({s}/{o})", "that is how many banks are used"}},
      .steps = {"Words {s} apart fall into 32 / gcd({s}, 32) different banks, so gcd({s}, 32) threads meet in each; "
                "{s} = {o} * 2^{k}.",
                "An odd stride has no conflict; that is what padding by one word is for."},
      .source = "CUDA C++ Programming Guide, shared memory (32 banks, successive 32-bit words in successive banks)"};
}

Item Sectors(Draw& d) {
  const double stride = d.Whole("s", 1, 12);
  return {.prompt =
              "A warp reads 32 floats from global memory, thread i element {s}*i, from an address aligned to 128 "
              "bytes. How many 32-byte sectors are fetched?",
          .unit = "sectors",
          .answer = std::min(32.0, 4 * stride),
          .tolerance = 1e-9,
          .working = "min(32, 4*{s})",
          .mistakes = {{"min(32, {s})", "128-byte lines are counted; a sector has 32 bytes"},
                       {"{s} * 32", "as if {s} sectors lay between neighbours"}},
          .steps = {"The warp spans 32 * s * 4 bytes. Up to s = 8 every sector of it is touched, 4 s in all; beyond "
                    "that each thread has a sector of its own."},
          .source = "CUDA C++ Best Practices Guide, coalesced access to global memory"};
}

Item Occupancy(Draw& d) {
  const double registers = d.Pick("r", {40, 48, 64, 72, 96, 128});
  const double threads = d.Pick("t", {128, 256, 384, 512});
  const double blocks = std::min(std::floor(65536 / (registers * threads)), std::floor(2048 / threads));
  return {.prompt =
              "An SM has 65,536 registers and room for 2,048 threads. A kernel uses {r} registers a thread and blocks "
              "of {t} threads, and no shared memory. What is its occupancy?",
          .dimension = Dimension::kFraction,
          .unit = "%",
          .answer = blocks * threads / 2048,
          .working = "min(floor(65536 / ({r}*{t})), floor(2048 / {t})) * {t} / 2048",
          .mistakes = {{"floor(2048 / {t}) * {t} / 2048", "registers are left out"},
                       {"floor(65536 / {r}) / 2048", "threads by registers; whole blocks have to fit"}},
          .steps = {"Blocks by registers: floor(65536 / (r t)); by threads: floor(2048 / t). The smaller one, times t, "
                    "over 2048."},
          .source =
              "CUDA C++ Best Practices Guide, occupancy (compute capability 8.0 and 9.0: 64K registers, 2048 threads "
              "an SM)"};
}

Item Checkpointed(Draw& d) {
  const double k = d.Pick("k", {4, 6, 8, 12});
  const double length = d.Pick("l", {3, 5, 9, 10});
  d.Set("n", k * length);
  return {
      .prompt =
          "{n} equal layers are cut into {k} segments. Only each segment's input is kept in the forward pass; in the "
          "backward pass a segment is recomputed, all its "
          "layers' inputs held. About how many activations are held at once at most (inputs of segments plus one "
          "segment)?",
      .unit = "activations",
      .answer = k + length,
      .tolerance = 1e-9,
      .working = "{k} + {n}/{k}",
      .mistakes = {{"{n}", "nothing is recomputed"},
                   {"{k}", "the segment being recomputed is left out"},
                   {"{n}/{k}", "the kept inputs of the segments are left out"}},
      .steps = {"k inputs are kept, and n/k more while a segment is recomputed. k = sqrt(n) is best: about 2 sqrt(n)."},
      .source = "Chen et al. 2016, Training Deep Nets with Sublinear Memory Cost, section 4"};
}

Item MemoryStatements(Draw& d) {
  switch (d.Index(3)) {
    case 0:
      return {
          .prompt =
              "A freed block may be given to another stream at once, since the CPU has already returned from the free.",
          .truth = false,
          .mistakes = {{"", "kernels that use the block may still be queued"}},
          .steps = {"The free happens on the CPU, the use on the GPU later. Another stream may have the block only "
                    "after an event of the stream that used it."},
          .source = "PyTorch documentation, Tensor.record_stream"};
    case 1:
      return {
          .prompt =
              "Padding a shared array float tile[32][32] to [32][33] removes the bank conflicts of reading a column.",
          .truth = true,
          .mistakes = {{"", "with 33 words a row, a column falls into 32 different banks"}},
          .steps = {"A stride of 32 words puts a column into one bank; 33 is odd, so all 32 banks are used."},
          .source = "CUDA C++ Best Practices Guide, shared memory in matrix multiplication"};
    default:
      return {.prompt = "(reserved - allocated) / reserved measures external fragmentation.",
              .truth = false,
              .mistakes = {{"", "unused memory in one large block is no fragmentation"}},
              .steps = {"It measures unused reserve. External fragmentation is 1 - largest free block / free memory."},
              .source = "Wilson et al. 1995; PyTorch documentation, CUDA memory management"};
  }
}

// q10

Item KvCache(Draw& d) {
  const double layers = d.Pick("L", {32, 40, 80});
  d.Pick("q", {32, 40, 64});
  const double kv = d.Pick("kv", {4, 8});
  const double tokens = d.Pick("T", {2048, 4096, 8192, 32768});
  const double batch = d.Pick("B", {1, 4, 16});
  return {.prompt =
              "A model has {L} layers, {q} query heads and {kv} key-value heads of dimension 128. How large is the KV "
              "cache in bf16 for {B} sequences of {T} tokens?",
          .dimension = Dimension::kBytes,
          .unit = "GiB",
          .answer = 2 * layers * kv * 128 * tokens * batch * 2,
          .working = "2 * {L}*{kv}*128 * {T}*{B} * 2",
          .mistakes = {{"{L}*{kv}*128 * {T}*{B} * 2", "keys or values; both are kept"},
                       {"2 * {L}*{q}*128 * {T}*{B} * 2",
                        "query heads are counted; with grouped-query attention only {kv} heads have keys and values"},
                       {"2 * {L}*{kv}*128 * {T}*{B}", "one byte an element; bf16 has two"},
                       {"2 * {kv}*128 * {T}*{B} * 2", "one layer only"}},
          .steps = {"Keys and values (2), for each layer, key-value head, dimension and token, 2 bytes each."},
          .source = "Kwon et al. 2023, PagedAttention, section 3; Ainslie et al. 2023, GQA"};
}

Item DecodeTime(Draw& d) {
  const double billions = d.Pick("P", {7, 8, 13, 34});
  const double tbs = d.Pick("W", {0.9, 1.5, 2, 3.35});
  d.Pick("F", {125, 312, 400, 990});
  return {.prompt =
              "A model of {P} billion bf16 weights decodes at batch 1 on a GPU with {W} TB/s and {F} TFLOP/s. At least "
              "how long does a token take (weights only)?",
          .dimension = Dimension::kSeconds,
          .unit = "ms",
          .answer = billions * 1e9 * 2 / (tbs * 1e12),
          .working = "{P}e9 * 2 / {W}e12",
          .mistakes = {{"2 * {P}e9 / {F}e12",
                        "that is the time of the arithmetic; at batch 1 reading the weights takes far longer"},
                       {"{P}e9 / {W}e12", "one byte a weight; bf16 has two"}},
          .steps = {"Every weight is read once for each token: 2 P bytes. The 2 P operations take much less time."},
          .source =
              "Williams et al. 2009, Roofline; Pope et al. 2022, Efficiently Scaling Transformer Inference, section 2"};
}

Item RidgeBatch(Draw& d) {
  const double tflops = d.Pick("F", {125, 312, 400, 990});
  const double tbs = d.Pick("W", {0.9, 1.5, 2, 3.35});
  const double bytes = d.Pick("b", {1, 2, 4});
  return {.prompt =
              "Decoding multiplies a batch with weights of {b} bytes each, on a GPU with {F} TFLOP/s and {W} TB/s. "
              "From about what batch on is it bound by arithmetic (only "
              "weights count as traffic)?",
          .unit = "sequences",
          .answer = tflops / tbs * bytes / 2,
          .tolerance = 0.02,
          .working = "{F}e12 / {W}e12 * {b} / 2",
          .mistakes = {{"{F}e12 / {W}e12 * {b}", "a multiply-add is two operations"},
                       {"{F}e12 / {W}e12 / {b}", "bytes and operations the wrong way round"}},
          .steps = {"A weight of b bytes takes part in 2 operations for each sequence: 2 B / b operations a byte.",
                    "That reaches the ridge, F / W, at B = F / W * b / 2."},
          .source = "Williams et al. 2009, Roofline; Pope et al. 2022, section 2"};
}

Item ConcatCopies(Draw& d) {
  const double length = d.Pick("T", {500, 1000, 2000, 4000});
  const double kib = d.Pick("c", {128, 160, 512});
  return {.prompt =
              "A KV cache of {c} KiB a token is grown by concatenation: each new token copies all earlier ones into a "
              "new tensor. How many bytes are copied while it grows from "
              "0 to {T} tokens?",
          .dimension = Dimension::kBytes,
          .unit = "GiB",
          .answer = kib * 1024 * length * (length - 1) / 2,
          .working = "{c}*1024 * {T}*({T}-1)/2",
          .mistakes = {{"{c}*1024 * {T}", "each token is counted once; it is copied again for every later token"},
                       {"{c}*1024 * {T}^2", "the cache is only half full on average"}},
          .steps = {"Token t + 1 copies t tokens: 0 + 1 + ... + (T-1) = T (T-1) / 2."},
          .source = "arithmetic series; Kwon et al. 2023, PagedAttention, section 3, on growing caches"};
}

Item PercentileRank(Draw& d) {
  const double n = d.Whole("n", 30, 990);
  const double q = d.Pick("q", {50, 90, 95, 99});
  return {
      .prompt =
          "{n} latencies are sorted from small to large and counted from 1. Which of them is p{q}, by nearest rank?",
      .answer = std::ceil(q / 100 * n - 1e-9),
      .tolerance = 1e-9,
      .working = "ceil({q}*{n}/100)",
      .mistakes = {{"floor({q}*{n}/100)", "rounded down: fewer than {q} % are at or below it"},
                   {"{q}*({n}-1)/100 + 1", "that interpolates between ranks"}},
      .steps = {"The smallest value that at least q % of the values do not exceed: number ceil(q n / 100)."},
      .source =
          "docs/metrics.md, Percentile; Hyndman and Fan 1996, Sample Quantiles in Statistical Packages, definition 1"};
}

Item Speculative(Draw& d) {
  const double a = d.Pick("a", {0.6, 0.7, 0.8, 0.9});
  const double k = d.Whole("k", 2, 8);
  return {.prompt =
              "Speculative decoding drafts {k} tokens, each accepted with probability {a} independently, up to the "
              "first rejection. How many tokens does one pass of the large "
              "model yield on average, its own one included?",
          .unit = "tokens",
          .answer = (1 - std::pow(a, k + 1)) / (1 - a),
          .tolerance = 0.005,
          .working = "(1 - {a}^({k}+1)) / (1 - {a})",
          .mistakes = {{"1 + {a}*{k}", "tokens after the first rejection are thrown away"},
                       {"(1 - {a}^{k}) / (1 - {a})", "the large model's own token is left out of the series"},
                       {"{k} + 1", "all drafts accepted"}},
          .steps = {"Token i of the draft counts only if all i so far were accepted: 1 + a + a^2 + ... + a^k."},
          .source = "Leviathan et al. 2023, Fast Inference from Transformers via Speculative Decoding, equation 1"};
}

}  // namespace

std::vector<Template> MemoryTemplates() {
  return {
      {"q09.fragmentation", "external fragmentation", Kind::kNumeric, Fragmentation},
      {"q09.rounding", "rounding of allocations", Kind::kNumeric, RoundedUp},
      {"q09.bank_conflicts", "bank conflicts of a stride", Kind::kNumeric, BankConflicts},
      {"q09.sectors", "sectors of a strided read", Kind::kNumeric, Sectors},
      {"q09.occupancy", "occupancy", Kind::kNumeric, Occupancy},
      {"q09.recompute", "activations with recomputation", Kind::kNumeric, Checkpointed},
      {"q09.statements", "streams, padding, fragmentation", Kind::kTrueFalse, MemoryStatements},
      {"q10.kv_cache", "bytes of a KV cache", Kind::kNumeric, KvCache},
      {"q10.decode_time", "time of a token", Kind::kNumeric, DecodeTime},
      {"q10.ridge_batch", "batch that reaches the roofline's ridge", Kind::kNumeric, RidgeBatch},
      {"q10.concat", "copies of a growing cache", Kind::kNumeric, ConcatCopies},
      {"q10.percentile", "percentile by nearest rank", Kind::kNumeric, PercentileRank},
      {"q10.speculative", "tokens of a speculative step", Kind::kNumeric, Speculative},
  };
}

}  // namespace workbench::quiz
