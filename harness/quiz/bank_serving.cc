// Items on serving and data loading.
#include <algorithm>
#include <cmath>

#include "harness/quiz/bank.h"

namespace workbench::quiz {
namespace {

// q11

Item QueueLatency(Draw& d) {
  const double mu = d.Pick("m", {50, 100, 200, 500});
  const double load = d.Pick("u", {0.5, 0.7, 0.8, 0.9, 0.95});
  const double lambda = mu * load;
  d.Set("l", lambda);
  return {.prompt =
              "One server handles {m} requests a second on average (exponential times), and {l} arrive in a second "
              "(Poisson). What is the mean time in the system, wait and service?",
          .dimension = Dimension::kSeconds,
          .unit = "ms",
          .answer = 1 / (mu - lambda),
          .working = "1 / ({m} - {l})",
          .mistakes = {{"1 / {m}", "the service alone; at {l} of {m} there is a queue"},
                       {"{l} / ({m} * ({m} - {l}))", "that is the mean wait; the service comes on top"},
                       {"1 / {l}", "the time between arrivals"}},
          .steps = {"M/M/1: W = 1 / (mu - lambda). It doubles when the spare capacity halves."},
          .source = "Kleinrock 1975, Queueing Systems, volume 1, section 3.2 (M/M/1)"};
}

Item PagedBlocks(Draw& d) {
  const double block = d.Pick("b", {16, 32});
  const double t1 = d.Whole("t1", 17, 900);
  const double t2 = d.Whole("t2", 17, 900);
  const double t3 = d.Whole("t3", 17, 900);
  return {.prompt =
              "A paged KV cache has blocks of {b} tokens. Three sequences hold {t1}, {t2} and {t3} tokens and share "
              "nothing. How many blocks are in use?",
          .unit = "blocks",
          .answer = std::ceil(t1 / block) + std::ceil(t2 / block) + std::ceil(t3 / block),
          .tolerance = 1e-9,
          .working = "ceil({t1}/{b}) + ceil({t2}/{b}) + ceil({t3}/{b})",
          .mistakes = {{"ceil(({t1}+{t2}+{t3}) / {b})", "the sum is rounded; two sequences do not share a block"},
                       {"floor({t1}/{b}) + floor({t2}/{b}) + floor({t3}/{b})",
                        "the last, partly filled blocks are missing"}},
          .steps = {"Each sequence takes ceil(tokens / block) blocks; less than one block of each is wasted."},
          .source = "Kwon et al. 2023, Efficient Memory Management for LLM Serving with PagedAttention, section 4"};
}

Item BatchAtTimeout(Draw& d) {
  const double gap = d.Pick("g", {3, 6, 7, 9});
  const double timeout = d.Pick("t", {10, 20, 25, 50});
  const double limit = d.Pick("B", {4, 8, 16});
  const double in_time = 1 + std::floor(timeout / gap);
  return {.prompt =
              "Requests come every {g} ms. A dynamic batcher runs a batch when it has {B} requests or {t} ms after the "
              "batch's first request came. How many requests are in a batch?",
          .unit = "requests",
          .answer = std::min(limit, in_time),
          .tolerance = 1e-9,
          .working = "min({B}, 1 + floor({t}/{g}))",
          .mistakes = {in_time < limit ? Mistake{"{B}", "a full batch: the timeout fires before it is full"}
                                       : Mistake{"1 + floor({t}/{g})",
                                                 "the limit of {B} is left out: the batch is full before the timeout"},
                       {"min({B}, 1 + floor({t}/{g})) - 1", "the request that starts the clock belongs to the batch"}},
          .steps = {"The first request starts the clock; floor(t / g) more come in time. The batch is full at B."},
          .source =
              "NVIDIA Triton Inference Server documentation, dynamic batcher (max_queue_delay_microseconds, preferred "
              "sizes)"};
}

Item Replicas(Draw& d) {
  const double qps = d.Whole("q", 100, 5000);
  const double each = d.Pick("c", {35, 60, 110});
  const double percent = d.Pick("u", {60, 70, 80});
  return {
      .prompt =
          "At the peak {q} requests come in a second. A replica manages {c} a second at full load, and is to be loaded "
          "to at most {u} %. How many replicas are needed?",
      .unit = "replicas",
      .answer = std::ceil(qps / (each * percent / 100) - 1e-9),
      .tolerance = 1e-9,
      .working = "ceil({q} / ({c} * {u}/100))",
      .mistakes = {{"ceil({q} / {c})", "loaded to 100 %: queues grow without limit there"},
                   {"floor({q} / ({c} * {u}/100))", "rounded down: the last requests have no room"},
                   {"ceil({q} / {c} * {u}/100)", "the target load multiplies what a replica takes, not what comes"}},
      .steps = {"Each replica takes c * u requests a second; divide, and round up."},
      .source =
          "Kleinrock 1975, on stability of queues; Kubernetes documentation, Horizontal Pod Autoscaling (ceil of the "
          "ratio)"};
}

Item Shutdown(Draw&) {
  return {
      .prompt = "A serving pod is told to stop. In which order?",
      .choices = {"fail readiness, wait until the balancer has noticed, finish what runs, exit",
                  "finish what runs, fail readiness, exit", "stop accepting connections at once, then fail readiness",
                  "fail liveness, finish what runs, exit"},
      .right = "fail readiness, wait until the balancer has noticed, finish what runs, exit",
      .mistakes = {{"finish what runs, fail readiness, exit", "new requests keep coming while it drains"},
                   {"stop accepting connections at once, then fail readiness",
                    "the balancer still sends requests, and they are refused"},
                   {"fail liveness, finish what runs, exit",
                    "a failing liveness probe gets the pod killed and restarted"}},
      .steps = {"Readiness takes it out of the balancer; that takes a moment, in which requests still come. Then "
                "drain, then exit, all inside the grace period."},
      .source =
          "Kubernetes documentation, Pod Lifecycle, termination of Pods; Configure Liveness, Readiness and Startup "
          "Probes"};
}

Item ServingStatements(Draw& d) {
  switch (d.Index(3)) {
    case 0:
      return {.prompt = "A liveness probe should run a request through the model, to be sure that it works.",
              .truth = false,
              .mistakes = {{"", "under load such a probe times out, and the pod is killed when it is needed most"}},
              .steps = {"Liveness asks whether a restart would help. It has to be cheap; whether requests should come "
                        "is readiness."},
              .source = "Kubernetes documentation, Configure Liveness, Readiness and Startup Probes"};
    case 1:
      return {.prompt =
                  "A canary that picks the version at random for each request lets one user see both versions in turn.",
              .truth = true,
              .mistakes = {{"", "without a sticky choice every request is drawn anew"}},
              .steps = {"Hash a stable key, such as the user, to choose the version."},
              .source = "definition; Istio documentation, Traffic Management, consistent hashing for sticky sessions"};
    default:
      return {
          .prompt =
              "With continuous batching, a request may join while others of the batch are in the middle of their "
              "output.",
          .truth = true,
          .mistakes = {{"", "batches are formed for each iteration, not for each request"}},
          .steps = {"The scheduler works at iterations: finished sequences leave, new ones join. Room for the growth "
                    "of those running has to be kept."},
          .source =
              "Yu et al. 2022, Orca: A Distributed Serving System for Transformer-Based Generative Models, section 4"};
  }
}

// q12

Item Workers(Draw& d) {
  const double rate = d.Pick("r", {800, 1200, 2500, 4000});
  const double ms = d.Pick("t", {3, 5, 7, 12});
  return {.prompt =
              "A GPU consumes {r} samples a second. Decoding and augmenting one takes {t} ms of one CPU core. How many "
              "workers are needed at least to keep up?",
          .unit = "workers",
          .answer = std::ceil(rate * ms / 1000 - 1e-9),
          .tolerance = 1e-9,
          .working = "ceil({r} * {t}/1000)",
          .mistakes = {{"floor({r} * {t}/1000)", "one too few: the rest of the work has no worker"},
                       {"ceil({r} / {t})", "rate over time; work is rate times time"}},
          .steps = {"Little's law: rate * time of one is the number at work at once."},
          .source = "Little 1961; PyTorch documentation, torch.utils.data (num_workers)"};
}

Item RepeatedSamples(Draw& d) {
  const double n = d.Pick("R", {8, 12, 16, 24, 64});
  const double samples = d.Whole("S", 10001, 99999);
  return {.prompt =
              "PyTorch's DistributedSampler (drop_last False) deals {S} samples to {R} ranks. How many samples does it "
              "repeat in an epoch so that all ranks have equally many?",
          .unit = "samples",
          .answer = n * std::ceil(samples / n) - samples,
          .tolerance = 1e-9,
          .working = "{R} * ceil({S}/{R}) - {S}",
          .mistakes = {{"{S} - {R} * floor({S}/{R})", "that is how many drop_last=True would drop"},
                       {"0", "{R} does not divide {S}"}},
          .steps = {"Each rank gets ceil(S / R); what is missing is taken from the beginning again. In evaluation "
                    "these repeats bias the mean."},
          .source = "PyTorch documentation and source, torch.utils.data.distributed.DistributedSampler"};
}

Item PrefetchMemory(Draw& d) {
  const double workers = d.Pick("w", {4, 8, 16});
  const double factor = d.Pick("p", {2, 4});
  const double batch = d.Pick("b", {64, 128, 256});
  const double mib = d.Pick("m", {0.5, 1.5, 3});
  return {.prompt =
              "A DataLoader with {w} workers and prefetch_factor {p} makes batches of {b} samples of {m} MiB. How much "
              "do the prefetched batches take at most?",
          .dimension = Dimension::kBytes,
          .unit = "MiB",
          .answer = workers * factor * batch * mib * 0x1p20,
          .working = "{w}*{p}*{b}*{m}*2^20",
          .mistakes = {{"{p}*{b}*{m}*2^20", "prefetch_factor is for each worker"},
                       {"{w}*{b}*{m}*2^20", "each worker has {p} batches ahead"},
                       {"{w}*{p}*{m}*2^20", "batches, not samples"}},
          .steps = {"prefetch_factor * num_workers batches are loaded ahead, over all workers."},
          .source =
              "PyTorch documentation, torch.utils.data.DataLoader (prefetch_factor: 2 means 2 * num_workers batches)"};
}

Item StorageBandwidth(Draw& d) {
  const double gpus = d.Pick("n", {8, 16, 64});
  const double rate = d.Pick("r", {500, 1200, 2500});
  const double kb = d.Pick("k", {110, 150, 600});
  return {.prompt =
              "{n} GPUs each consume {r} samples a second of {k} kB (10^3 bytes), and nothing is cached. What must the "
              "network to the storage carry, in bits a second?",
          .dimension = Dimension::kBytesPerSecond,
          .unit = "Gbit/s",
          .answer = gpus * rate * kb * 1e3,
          .working = "{n}*{r}*{k}e3",
          .mistakes = {{"{r}*{k}e3", "one GPU only"}, {"{n}*{r}*{k}e3 / 8", "bytes shown as bits: multiply by 8"}},
          .steps = {"Samples a second of all GPUs, times bytes; times 8 for bits."},
          .source =
              "definition (1 byte is 8 bits); Mohan et al. 2021, Analyzing and Mitigating Data Stalls in DNN Training"};
}

Item Overlap(Draw& d) {
  const double steps = d.Pick("n", {10, 20, 50});
  const double load = d.Pick("l", {40, 80, 120});
  const double compute = d.Pick("c", {50, 100, 150});
  return {
      .prompt =
          "{n} steps: a batch takes {l} ms to load and {c} ms to compute. One loader works ahead of the GPU as far as "
          "it can. How long do all take, from the first load on?",
      .dimension = Dimension::kSeconds,
      .unit = "ms",
      .answer = (load + (steps - 1) * std::max(load, compute) + compute) * 1e-3,
      .tolerance = 0.005,
      .working = "({l} + ({n}-1)*max({l}, {c}) + {c}) * 1e-3",
      .mistakes = {{"{n} * ({l} + {c}) * 1e-3", "nothing overlaps"},
                   {"{n} * {c} * 1e-3", "only the computation is counted"},
                   {"{n} * {l} * 1e-3", "only the loading is counted"}},
      .steps =
          {"A pipeline of two stages: the first load, then the slower stage sets the pace, and the last computation."},
      .source = "Hennessy and Patterson, Computer Architecture, appendix C (pipelining)"};
}

Item LoadingStatements(Draw& d) {
  switch (d.Index(4)) {
    case 0:
      return {.prompt = "Without set_epoch, a shuffling DistributedSampler gives the same order in every epoch.",
              .truth = true,
              .mistakes = {{"", "the order comes from seed + epoch, and the epoch stays 0"}},
              .steps = {"Call sampler.set_epoch(epoch) before each epoch."},
              .source = "PyTorch documentation, DistributedSampler.set_epoch"};
    case 1:
      return {.prompt =
                  "A producer thread that blocks in put() on a full queue ends by itself when the consumer sets a stop "
                  "flag.",
              .truth = false,
              .mistakes = {{"", "it cannot look at the flag while it is blocked"}},
              .steps = {"Use a timeout, close the queue, or drain it: a stop has to wake whoever waits."},
              .source = "Python documentation, queue.Queue.put"};
    case 2:
      return {.prompt = "An exception in a loader thread reaches the training loop by itself.",
              .truth = false,
              .mistakes = {{"", "a thread's exception ends that thread only, and the consumer waits for ever"}},
              .steps = {"Catch it, put it into the queue, and raise it in the consumer. The end of the data has to be "
                        "signalled likewise."},
              .source = "Python documentation, threading.excepthook"};
    default:
      return {.prompt =
                  "A copy from pageable host memory with non_blocking=True overlaps with computation just as one from "
                  "pinned memory does.",
              .truth = false,
              .mistakes = {{"", "the driver has to stage pageable memory first"}},
              .steps = {"Only from page-locked memory can a copy run asynchronously: pin_memory=True."},
              .source = "CUDA C++ Programming Guide, asynchronous concurrent execution; page-locked host memory"};
  }
}

}  // namespace

std::vector<Template> ServingTemplates() {
  return {
      {"q11.queue", "latency of a queue", Kind::kNumeric, QueueLatency},
      {"q11.blocks", "blocks of a paged cache", Kind::kNumeric, PagedBlocks},
      {"q11.batch", "size of a dynamic batch", Kind::kNumeric, BatchAtTimeout},
      {"q11.replicas", "replicas for a load", Kind::kNumeric, Replicas},
      {"q11.shutdown", "order of a shutdown", Kind::kChoice, Shutdown},
      {"q11.statements", "probes, canaries, batching", Kind::kTrueFalse, ServingStatements},
      {"q12.workers", "workers of a loader", Kind::kNumeric, Workers},
      {"q12.repeats", "samples that a sampler repeats", Kind::kNumeric, RepeatedSamples},
      {"q12.prefetch", "memory of prefetched batches", Kind::kNumeric, PrefetchMemory},
      {"q12.bandwidth", "bandwidth to the storage", Kind::kNumeric, StorageBandwidth},
      {"q12.overlap", "loading beside computing", Kind::kNumeric, Overlap},
      {"q12.statements", "samplers, threads, copies", Kind::kTrueFalse, LoadingStatements},
  };
}

}  // namespace workbench::quiz
