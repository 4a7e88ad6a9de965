// The draws that make a run adversarial and, from the same seed, the same again.
#ifndef HARNESS_HOST_EXECUTOR_RANDOM_H_
#define HARNESS_HOST_EXECUTOR_RANDOM_H_

#include <cstdint>

namespace cuda_host {

// The run's seed: WORKBENCH_HOST_SEED, or 1.
uint64_t Seed();

// splitmix64 (Steele, Lea, Flood 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // 0 .. n - 1. REQUIRES: n > 0.
  uint64_t Below(uint64_t n) { return Next() % n; }

 private:
  uint64_t state_;
};

}  // namespace cuda_host

#endif  // HARNESS_HOST_EXECUTOR_RANDOM_H_
