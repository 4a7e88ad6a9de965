// Part E: byte planes and compression.
#include "questions/q13_checkpoint/checks_compress.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "grader/inputs.h"
#include "harness/device/device_call.h"
#include "questions/q13_checkpoint/checks.h"
#include "questions/q13_checkpoint/compress_judge.h"

namespace q13 {
namespace {

using workbench::CheckContext;
using workbench::Mix;

constexpr int32_t kResultDamaged = 2, kResultInvalid = 3;  // api.h's Error

void CheckPlanesOf(CheckContext& context, bool join) {
  const uint64_t seed = Mix(context.seed() + (join ? 1 : 2));
  for (const int width : kElementBytes) {
    const auto judge = [&](size_t elements, uint32_t of_elements, uint32_t of_planes) {
      const CompressData data = RandomData(elements, width, Mix(seed + elements));
      return JudgePlanes(context, data, join, join ? of_planes : of_elements, join ? of_elements : of_planes);
    };
    for (size_t elements = 0; elements <= 33; ++elements) {
      if (!judge(elements, 0, 0)) return;
    }
    for (const size_t elements : {63, 64, 65, 127, 128, 129, 255, 256, 257, 1000, 1023, 1025, 4099}) {
      if (!judge(elements, 0, 0)) return;
    }
    if (!judge(Affordable(context, 5000011, 100003, 5003), 0, 0)) return;
    if (!judge(Affordable(context, 1 << 22, 1 << 17, 1 << 13), 0, 0)) return;
    for (uint32_t off = 0; off < 16; off += static_cast<uint32_t>(width)) {
      for (const uint32_t of_planes : {0, 1, 2, 3, 7, 8}) {
        if (!judge(500 + off + of_planes, off, of_planes)) return;
      }
    }
  }
}

void CheckPlanes(CheckContext& context) { CheckPlanesOf(context, false); }
void CheckJoin(CheckContext& context) { CheckPlanesOf(context, true); }

void CheckArguments(CheckContext& context) {
  for (const int width : {0, 3, 5, 6, 7, 16, -1, -4}) {
    const Bytes data(128, std::byte{1});
    for (const int join : {0, 1}) {
      workbench::DeviceCall device;
      device.Input(data.data(), data.size());
      device.Output(data.size());
      const PlanesParameters parameters = {4, width, join};
      Bytes request = StartCompressRequest(CompressMode::kPlanes);
      const Bytes packed = device.Pack(0, parameters);
      request.insert(request.end(), packed.begin(), packed.end());
      const CompressInputs inputs = {{"function", join != 0 ? "q13_join_planes" : "q13_split_planes"},
                                     {"element_bytes", std::to_string(width)}};
      CheckContext::Replies replies;
      if (!context.Run("e", 0, request, 30, inputs, &replies)) return;
      if (Reader(replies[0]).Read<workbench::CallOutcome>().error != 0) continue;
      FailCompress(context, "sizes of elements but 1, 2, 4 and 8 are refused", inputs, "an error", "cudaSuccess");
      return;
    }
    CompressCall call;
    call.elements = 4;
    call.element_bytes = width;
    call.budget_seconds = kComfortableSeconds;
    call.data = data;
    const CompressInputs inputs = {{"function", "q13_compress"}, {"element_bytes", std::to_string(width)}};
    CompressOutcome outcome;
    if (!RunRequest(context, Encode(call), inputs, &outcome)) return;
    if (outcome.result != kResultInvalid) {
      FailCompress(context, "sizes of elements but 1, 2, 4 and 8 are refused", inputs, ResultName(kResultInvalid),
                   ResultName(outcome.result));
      return;
    }
  }
}

void CheckRoundTrip(CheckContext& context) {
  // Nothing, from nowhere.
  for (const int width : kElementBytes) {
    CompressOptions options;
    options.null = true;
    DecompressOptions back;
    back.null = true;
    if (!JudgeRoundTrip(context, RandomData(0, width, 1), options, back)) return;
  }
  const uint64_t seed = Mix(context.seed() + 3);
  for (const int width : kElementBytes) {
    const auto element = static_cast<uint32_t>(width);
    for (const size_t elements : {0, 1, 2, 3, 5, 16, 17, 255, 1000, 4095, 4096, 4097, 30001}) {
      if (!JudgeRoundTrip(context, SmoothData(elements, width, seed))) return;
      if (!JudgeRoundTrip(context, RandomData(elements, width, seed), {.offset = element}, {.offset = 3 * element})) {
        return;
      }
    }
    // Every size of chunk that one would choose ends somewhere in these.
    const size_t large = Affordable(context, (12u << 20) + 5, (size_t{3} << 19) + 5, 9001);
    if (!JudgeRoundTrip(context, SmoothData(large, width, seed), {.budget_seconds = 0.2})) return;
    if (!JudgeRoundTrip(context, SmoothData(large / 3, width, seed), {.budget_seconds = 0})) return;
  }
  if (context.checked()) return;
  for (const int width : {2, 4}) {
    if (!JudgeRoundTrip(context, RandomData(Affordable(context, 8u << 20, 9u << 18, 0), width, seed))) return;
  }
}

// Elements of `width` bytes with these codes.
CompressData CodesData(std::string what, int width, const std::vector<uint64_t>& codes) {
  CompressData data;
  data.what = std::move(what);
  data.element_bytes = width;
  for (const uint64_t code : codes) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&code);
    data.bytes.insert(data.bytes.end(), bytes, bytes + width);
  }
  return data;
}

void CheckLossless(CheckContext& context) {
  std::vector<uint64_t> all(65536);
  for (size_t i = 0; i < all.size(); ++i) all[i] = i;
  if (!JudgeRoundTrip(context, CodesData("all codes of 16 bits, NaNs among them", 2, all))) return;
  all.resize(256);
  if (!JudgeRoundTrip(context, CodesData("all bytes", 1, all))) return;

  struct Format {
    int width;
    uint64_t sign, infinity;
  };
  const Format formats[] = {{2, 0x8000, 0x7c00},  // fp16
                            {2, 0x8000, 0x7f80},  // bf16
                            {4, 0x80000000u, 0x7f800000u},
                            {8, uint64_t{1} << 63, uint64_t{0x7ff} << 52}};
  for (const Format& f : formats) {
    const uint64_t quiet = f.infinity >> 1 & ~f.infinity;  // the bit below the exponent
    const std::pair<const char*, uint64_t> blocks[] = {{"zeros", 0},
                                                       {"negative zeros", f.sign},
                                                       {"ones", f.infinity >> 1},
                                                       {"infinities", f.infinity},
                                                       {"negative infinities", f.infinity | f.sign},
                                                       {"quiet NaNs", f.infinity | quiet},
                                                       {"signalling NaNs", f.infinity | 1},
                                                       {"negative NaNs with all bits set", ~uint64_t{0}},
                                                       {"the smallest subnormals", 1},
                                                       {"NaNs with a payload", f.infinity | quiet | 5}};
    for (const auto& [name, code] : blocks) {
      for (const size_t count : {7, 5000}) {
        if (!JudgeRoundTrip(
                context, CodesData(std::string("a block of ") + name, f.width, std::vector<uint64_t>(count, code)))) {
          return;
        }
      }
    }
    // All of them in one tensor, at places that follow no pattern; and mostly zeros.
    for (const uint64_t share : {1, 50}) {
      std::vector<uint64_t> mixed(20000);
      for (size_t i = 0; i < mixed.size(); ++i) {
        const uint64_t draw = Mix(context.seed() + i * 2 + share);
        mixed[i] = draw % share == 0 ? blocks[(draw >> 32) % std::size(blocks)].second : 0;
      }
      if (!JudgeRoundTrip(context, CodesData(share == 1 ? "zeros of both signs, infinities and NaNs mixed"
                                                        : "zeros, with a few infinities and NaNs",
                                             f.width, mixed))) {
        return;
      }
    }
  }
  for (const int width : kElementBytes) {
    std::vector<uint64_t> ramp(20000);
    for (size_t i = 0; i < ramp.size(); ++i) ramp[i] = i;
    if (!JudgeRoundTrip(context, CodesData("0, 1, 2, ...", width, ramp))) return;
  }
}

void CheckBounded(CheckContext& context) {
  const uint64_t seed = Mix(context.seed() + 4);
  for (const int width : kElementBytes) {
    std::vector<size_t> sizes = {0, 1, 2, 7, 31, 100, 500, 1023, 1024, 1025, 4000, 4096, 4100, 10000, 70000};
    if (!context.checked()) sizes.insert(sizes.end(), {300000, 1000003});
    for (const size_t elements : sizes) {
      for (const double budget : {0.0, kComfortableSeconds}) {
        CompressOutcome outcome;
        const CompressData data = RandomData(elements, width, seed + elements);
        if (!RunCompress(context, data, {.budget_seconds = budget}, &outcome)) return;
        const size_t size = outcome.out.size(), allowed = LargestStream(data.bytes.size());
        if (size > allowed) {
          FailCompress(context, "never larger than the input by more than 64 bytes and 1 / 256 of it", Describe(data),
                       "at most " + std::to_string(allowed) + " bytes", std::to_string(size));
          return;
        }
        if (!JudgeDecompress(context, data, outcome.out)) return;
      }
    }
  }
}

// Streams of every element size, decompressed by a process that has not made them.
void CheckSelfDescribing(CheckContext& context) {
  const uint64_t seed = Mix(context.seed() + 5);
  std::vector<std::pair<CompressData, Bytes>> made;
  for (const int width : kElementBytes) {
    for (const size_t elements : {3, 900, 20000}) {
      CompressOutcome outcome;
      made.emplace_back(SmoothData(elements, width, seed), Bytes());
      if (!RunCompress(context, made.back().first, {}, &outcome)) return;
      made.back().second = std::move(outcome.out);
    }
  }
  std::reverse(made.begin(), made.end());
  context.DropSession("e", 0);
  for (const auto& [data, stream] : made) {
    if (!JudgeDecompress(context, data, stream)) return;
  }
}

void CheckCapacity(CheckContext& context) {
  const uint64_t seed = Mix(context.seed() + 6);
  for (const int width : kElementBytes) {
    for (const size_t elements : {1, 100, 5000, 40000}) {
      for (const bool random : {false, true}) {
        const CompressData data = random ? RandomData(elements, width, seed) : SmoothData(elements, width, seed);
        CompressOutcome made;
        if (!RunCompress(context, data, {}, &made)) return;
        for (const uint64_t more : {uint64_t{0}, uint64_t{1}, uint64_t{1000}}) {
          if (!JudgeDecompress(context, data, made.out, {.more_capacity = more})) return;
        }
        const size_t bytes = data.bytes.size();
        for (const size_t capacity : {bytes - 1, bytes / 2, size_t{0}}) {
          DecompressCall call;
          call.capacity = capacity;
          call.stream = made.out;
          CompressInputs inputs = Describe(data);
          inputs.emplace_back("capacity", std::to_string(capacity) + ", of " + std::to_string(bytes));
          DecompressOutcome outcome;
          if (!RunRequest(context, Encode(call), inputs, &outcome)) return;
          if (outcome.outside > 0) {
            FailCompress(context, "nothing behind the capacity is written", inputs, "",
                         "byte " + std::to_string(outcome.first_outside) + " from the begin has changed, " +
                             std::to_string(outcome.outside) + " in all");
            return;
          }
          if (outcome.result == 0 || outcome.result == kThrewException) {
            FailCompress(context, "too small a capacity is an error", inputs, ResultName(kResultInvalid),
                         ResultName(outcome.result));
            return;
          }
        }
      }
    }
  }
}

bool JudgeDamage(CheckContext& context, const CompressData& data, const Bytes& stream, Damage damage,
                 uint64_t samples) {
  DamageCall call;
  call.damage = damage;
  call.samples = samples;
  call.seed = Mix(context.seed() + static_cast<uint64_t>(damage) + stream.size());
  call.capacity = data.bytes.size() + 1000;
  call.more_memory = uint64_t{256} << 20;
  if (context.gpu()) call.more_memory <<= 2;    // the driver's own memory is among it
  if (context.checked()) call.more_memory = 0;  // what the checks remember would be
  call.stream = stream;
  CompressInputs inputs = Describe(data);
  inputs.emplace_back("stream", std::to_string(stream.size()) + " bytes");
  DamageOutcome outcome;
  if (!RunRequest(context, Encode(call), inputs, &outcome)) return false;
  if (outcome.wrong == 0) return true;
  inputs.emplace_back("damage", outcome.first);
  const bool memory = outcome.result == -12 || outcome.result == kThrewException;
  return FailCompress(
      context, "q13_decompress returns kDamaged for what q13_compress has not made, and writes nothing else", inputs,
      ResultName(kResultDamaged),
      outcome.outside != 0 ? "memory outside of data[0, capacity) was written" : ResultName(outcome.result),
      std::to_string(outcome.wrong) + " of " + std::to_string(outcome.cases) + " streams that were damaged so" +
          (memory && call.more_memory > 0 ? "; the process could take " + std::to_string(call.more_memory >> 20) +
                                                " MiB of memory more than it had"
                                          : ""));
}

void CheckCorrupt(CheckContext& context) {
  const uint64_t seed = Mix(context.seed() + 7);
  const bool few = context.checked();
  const auto judge = [&](const CompressData& data, bool all_flips) {
    CompressOutcome made;
    if (!RunCompress(context, data, {}, &made) || !JudgeDecompress(context, data, made.out)) return false;
    for (const Damage damage : kDamages) {
      uint64_t samples = few ? 20 : 500;
      if (damage == Damage::kFlips || damage == Damage::kTruncation) samples = few ? 100 : all_flips ? 0 : 1500;
      if (few && damage == Damage::kWords) continue;
      if (!JudgeDamage(context, data, made.out, damage, samples)) return false;
    }
    return true;
  };
  if (!judge(RandomData(97, 1, seed), true)) return;
  if (!judge(RandomData(0, 4, seed), true)) return;
  if (!judge(SmoothData(300, 2, seed), true)) return;
  if (!judge(SmoothData(5000, 4, seed), false)) return;
  if (!judge(SmoothData(9000, 8, seed), false)) return;
  const CompressData large = SmoothData(few ? 10000 : 300000, 2, seed);
  CompressOutcome made;
  if (!RunCompress(context, large, {}, &made)) return;
  const uint64_t samples = context.long_tier() ? 100000 : few ? 20 : 300;
  for (const Damage damage : {Damage::kFlips, Damage::kMoved}) {
    if (!JudgeDamage(context, large, made.out, damage, samples)) return;
  }
}

}  // namespace

void AddCompressChecks(std::vector<workbench::Check>* checks) {
  checks->insert(
      checks->end(),
      {{{"e.planes",
         "bytes to planes",
         1,
         false,
         {"the last elements behind whole vectors", "vector accesses at addresses that are aligned to elements only",
          "planes in the other order", "another stream than the one given"}},
        CheckPlanes},
       {{"e.join",
         "planes to bytes",
         1,
         false,
         {"the most significant byte first", "planes behind the first begin at any address"}},
        CheckJoin},
       {{"e.arguments", "sizes of elements that there are not", 0.5, false, {"no default in the switch"}},
        CheckArguments},
       {{"e.roundtrip",
         "compressed and back",
         1.5,
         false,
         {"a grid of no blocks", "*out is appended to", "data is read before the stream has written it",
          "the size of elements is taken for granted", "the last chunk is shorter"}},
        CheckRoundTrip},
       {{"e.lossless",
         "every bit pattern survives",
         0.5,
         false,
         {"comparing as floating-point numbers: -0 is 0, a NaN is not itself"}},
        CheckLossless},
       {{"e.bounded",
         "random data hardly grows",
         1,
         false,
         {"no stored form for what does not get smaller", "a header for each small piece"}},
        CheckBounded},
       {{"e.self_describing",
         "decompressed by a fresh process",
         0.5,
         false,
         {"something about the stream is kept in a variable"}},
        CheckSelfDescribing},
       {{"e.capacity",
         "room for the result",
         0.5,
         false,
         {"capacity is not looked at", "the last chunk is decompressed to its full size"}},
        CheckCapacity},
       {{"e.corrupt",
         "damage of any kind is found",
         1.5,
         false,
         {"no checksum, or not over the header", "memory is taken for what the stream says, before it is checked",
          "bytes behind the end", "lengths that do not add up"}},
        CheckCorrupt},
       {{"e.ratio",
         "smaller than zlib and zstd make it",
         1.5,
         false,
         {"bytes of different weight are mixed", "the planes are joined again before they are compressed"}},
        CheckCompressRatio},
       {{"e.budget",
         "the time that was given",
         1,
         false,
         {"one level for every budget", "the budget is looked at before the first chunk alone"}},
        CheckCompressBudget},
       {{"e.random",
         "random data costs no time",
         0.5,
         false,
         {"a high level is tried on what low ones make nothing of"}},
        CheckCompressRandom},
       {{"e.speed",
         "planes at the speed of memory, compression beside zlib",
         1,
         true,
         {"single-byte accesses", "one thread compresses", "pageable memory: the copy waits"}},
        CheckCompressSpeed}});
}

}  // namespace q13
