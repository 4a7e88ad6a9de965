#include "questions/q13_checkpoint/compress_damage.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "harness/workloads/trained_tensors.h"

namespace q13 {
namespace {

using Bytes = std::vector<std::byte>;

// Where headers are.
constexpr size_t kFront = 128;

class Damager {
 public:
  Damager(const DamageCall& call, const DamageVisit& visit) : call_(call), visit_(visit), random_(call.seed) {}

  void Flips() {
    const size_t bits = 8 * call_.stream.size();
    Choose(bits, [&](size_t bit) {
      Bytes stream = call_.stream;
      stream[bit / 8] ^= std::byte{1} << (bit % 8);
      Visit(stream, [&] { return "bit " + Text(bit % 8) + " of byte " + Text(bit / 8) + OfStream() + " flipped"; });
    });
  }

  void Truncations() {
    Choose(call_.stream.size(), [&](size_t length) {
      const Bytes stream(call_.stream.begin(), call_.stream.begin() + static_cast<std::ptrdiff_t>(length));
      Visit(stream, [&] { return "the first " + Text(length) + " bytes" + OfStream() + " alone"; });
    });
  }

  void Appended() {
    for (const size_t more : {1, 4, 8, 12, 16, 64, 1000}) {
      for (const std::byte value : {std::byte{0}, std::byte{0xff}}) {
        Bytes stream = call_.stream;
        stream.insert(stream.end(), more, value);
        Visit(stream, [&] { return Text(more) + " bytes appended"; });
      }
    }
    Bytes twice = call_.stream;
    twice.insert(twice.end(), call_.stream.begin(), call_.stream.end());
    Visit(twice, [] { return "the stream twice, one behind the other"; });
  }

  void Words() {
    const uint64_t values[] = {0,
                               1,
                               0x7fffffffu,
                               0xffffffffu,
                               uint64_t{1} << 33,
                               uint64_t{1} << 40,
                               (uint64_t{1} << 63) - 1,
                               uint64_t{1} << 63,
                               ~uint64_t{0}};
    for (const size_t width : {4, 8}) {
      for (size_t at = 0; at + width <= std::min(kFront, call_.stream.size()); ++at) {
        for (const uint64_t value : values) {
          Bytes stream = call_.stream;
          std::memcpy(stream.data() + at, &value, width);
          Visit(stream, [&] {
            return "the " + Text(width) + " bytes from byte " + Text(at) + OfStream() + " on set to " +
                   Text(width == 4 ? value & 0xffffffffu : value);
          });
        }
      }
    }
  }

  void Moved() {
    const size_t size = call_.stream.size();
    for (uint64_t sample = 0; sample < call_.samples && size >= 4; ++sample) {
      const size_t length = 1 + Below(std::min<size_t>(size / 2, 64));
      const size_t from = Below(size - 2 * length + 1), to = from + length + Below(size - from - 2 * length + 1);
      const bool exchange = sample % 2 == 0;
      Bytes stream = call_.stream;
      const auto first = stream.begin() + static_cast<std::ptrdiff_t>(from);
      const auto second = stream.begin() + static_cast<std::ptrdiff_t>(to);
      if (exchange) {
        std::swap_ranges(first, first + static_cast<std::ptrdiff_t>(length), second);
      } else {
        std::copy_n(first, length, second);
      }
      Visit(stream, [&] {
        return Text(length) + " bytes from byte " + Text(from) + OfStream() +
               (exchange ? " exchanged with those from byte " : " written over those from byte ") + Text(to);
      });
    }
  }

  void Garbage() {
    for (uint64_t sample = 0; sample < call_.samples; ++sample) {
      const size_t size = sample < 40 ? sample : Below(4000);
      Bytes stream = workbench::RandomBytes(size, random_());
      const char* what = "random bytes";
      const size_t front = std::min(std::min(kFront, call_.stream.size()), size);
      switch (sample % 4) {
        case 1:
          std::fill(stream.begin(), stream.end(), std::byte{0});
          what = "zeros";
          break;
        case 2:
          std::fill(stream.begin(), stream.end(), std::byte{0xff});
          what = "bytes 0xff";
          break;
        case 3:
          std::copy_n(call_.stream.begin(), front, stream.begin());
          what = "bytes, the front of a stream and then random ones";
          break;
        default:
          break;
      }
      Visit(stream, [&] { return Text(size) + " " + what; });
    }
  }

 private:
  static std::string Text(uint64_t number) { return std::to_string(number); }
  std::string OfStream() const { return " of the " + Text(call_.stream.size()); }
  size_t Below(size_t bound) { return bound == 0 ? 0 : static_cast<size_t>(random_() % bound); }

  template <typename Do>
  void Choose(size_t count, const Do& action) {
    if (call_.samples == 0 || call_.samples >= count) {
      for (size_t i = 0; i < count; ++i) action(i);
    } else {
      for (uint64_t i = 0; i < call_.samples; ++i) action(Below(count));
    }
  }

  void Visit(const Bytes& stream, const std::function<std::string()>& what) {
    if (stream != call_.stream) visit_(stream, what);
  }

  const DamageCall& call_;
  const DamageVisit& visit_;
  std::mt19937_64 random_;
};

}  // namespace

void ForEachDamage(const DamageCall& call, const DamageVisit& visit) {
  Damager damager(call, visit);
  switch (call.damage) {
    case Damage::kFlips:
      return damager.Flips();
    case Damage::kTruncation:
      return damager.Truncations();
    case Damage::kAppended:
      return damager.Appended();
    case Damage::kWords:
      return damager.Words();
    case Damage::kMoved:
      return damager.Moved();
    case Damage::kGarbage:
      return damager.Garbage();
  }
}

}  // namespace q13
