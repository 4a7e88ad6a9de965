// Random numbers that are the same on every machine and with every library: those of <random>'s distributions are not.
#ifndef HARNESS_TRACES_TRACE_RANDOM_H_
#define HARNESS_TRACES_TRACE_RANDOM_H_

#include <cstdint>

namespace workbench {

// SplitMix64: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
class TraceRandom {
 public:
  explicit TraceRandom(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // In [0, 1).
  double Fraction() { return static_cast<double>(Next() >> 11) * 0x1p-53; }
  // In [0, limit), limit > 0; the bias for limits as small as ours (below 2^32) is below 2^-32.
  uint64_t Below(uint64_t limit) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(Next()) * limit) >> 64);
  }

 private:
  uint64_t state_;
};

}  // namespace workbench

#endif  // HARNESS_TRACES_TRACE_RANDOM_H_
