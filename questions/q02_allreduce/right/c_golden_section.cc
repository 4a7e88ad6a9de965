// The tree's first segment followed up and down the heap, rather than by the closed form, and its segments found by
// golden-section search, rather than by a square root.
#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "questions/q02_allreduce/api.h"

using q02::Algorithm;
using q02::Choice;
using q02::CostModel;

namespace {

// The way of one segment through a heap of n ranks. Subtrees of one size are alike, and there are few sizes.
class Heap {
 public:
  Heap(double message, double reduction) : message_(message), reduction_(reduction) {}

  double Up(int64_t n) {
    if (n == 1) return 0;
    if (auto it = up_.find(n); it != up_.end()) return it->second;
    const auto [left, right] = Split(n);
    double port = 0;
    double cpu = 0;
    for (int64_t child : {right, left}) {
      if (child == 0) continue;
      port = std::max(port, Up(child)) + message_;
      cpu = std::max(cpu, port) + reduction_;
    }
    return up_[n] = cpu;
  }

  double Down(int64_t n) {
    if (n == 1) return 0;
    if (auto it = down_.find(n); it != down_.end()) return it->second;
    const auto [left, right] = Split(n);
    const double both = right == 0 ? 0 : 2 * message_ + Down(right);
    return down_[n] = std::max(message_ + Down(left), both);
  }

 private:
  static std::pair<int64_t, int64_t> Split(int64_t n) {
    int64_t level = 1;  // ranks in the last level, if it were full
    while (4 * level - 1 < n) level *= 2;
    const int64_t last = n - (2 * level - 1);  // and how many are there
    const int64_t left = level - 1 + std::min(last, level);
    return {left, n - 1 - left};
  }

  double message_;
  double reduction_;
  std::map<int64_t, double> up_;
  std::map<int64_t, double> down_;
};

double TreeCost(const CostModel& m, double bytes, double segments) {
  const double message = m.alpha + m.beta * bytes / segments;
  const double reduction = m.gamma * bytes / segments;
  Heap heap(message, reduction);
  const double ports = std::min<double>(3, m.ranks == 4 ? 2 : static_cast<double>(m.ranks - 1));
  const double cpus = std::min<double>(2, static_cast<double>(m.ranks - 1));
  return heap.Up(m.ranks) + heap.Down(m.ranks) + (segments - 1) * std::max(ports * message, cpus * reduction);
}

}  // namespace

extern "C" Choice q02_choose(const CostModel& model, uint64_t bytes) {
  if (model.ranks == 1 || bytes == 0) return {Algorithm::kTree, 0};  // all the same
  const double s = static_cast<double>(bytes);
  const double n = static_cast<double>(model.ranks);
  const double rounds = std::floor(std::log2(n + 0.5));
  const double p = std::exp2(rounds);
  const double fold = n > p ? 2 * (model.alpha + model.beta * s) + model.gamma * s : 0;
  std::multimap<double, Choice> choices;
  choices.insert({(n - 1) * (2 * model.alpha + (2 * model.beta + model.gamma) * s / n), {Algorithm::kRing, 0}});
  choices.insert({rounds * (model.alpha + (model.beta + model.gamma) * s) + fold, {Algorithm::kRecursiveDoubling, 0}});
  choices.insert({2 * rounds * model.alpha + (p - 1) / p * (2 * model.beta + model.gamma) * s + fold,
                  {Algorithm::kHalvingDoubling, 0}});

  // Over the logarithm of the number of segments, of which the cost is a function with one valley.
  const double golden = (std::sqrt(5.0) - 1) / 2;
  auto cost_at = [&](double log_k) { return TreeCost(model, s, std::exp(log_k)); };
  double low = 0;
  double high = std::log(s);
  for (int i = 0; i < 40; ++i) {
    const double a = high - golden * (high - low);
    const double b = low + golden * (high - low);
    (cost_at(a) < cost_at(b) ? high : low) = cost_at(a) < cost_at(b) ? b : a;
  }
  const double k = std::exp((low + high) / 2);
  for (double segment : {s, std::ceil(s / std::max(1.0, std::floor(k))), std::floor(s / k), std::ceil(s / k), 1.0}) {
    if (segment < 1) continue;
    choices.insert({TreeCost(model, s, std::ceil(s / segment)), {Algorithm::kTree, static_cast<uint64_t>(segment)}});
  }
  return choices.begin()->second;
}
