#include "questions/q07_scheduling/sharing_view.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace q07 {
namespace {

constexpr long double kTolerance = 1e-9L;  // of shares with weights, which an answer computes in floating point

constexpr int64_t kMany = int64_t{1} << 40;  // places on a node

// The dominant resource's used / capacity, as a fraction.
struct Fraction {
  int64_t above = 0;
  int64_t below = 1;
};

bool Less(const Fraction& a, const Fraction& b) {
  return static_cast<__int128>(a.above) * b.below < static_cast<__int128>(b.above) * a.below;
}

Fraction Dominant(const Resources& used, const Resources& capacity) {
  Fraction greatest;
  for (int kind = 0; kind < kKinds; ++kind) {
    if (Amount(capacity, kind) <= 0) continue;
    const Fraction one{Amount(used, kind), Amount(capacity, kind)};
    if (Less(greatest, one) || greatest.above == 0) greatest = one;
  }
  return greatest;
}

// A product of it and a capacity is exact in double, so that all ways to compute a share agree on ties.
bool IsPlain(double weight) { return weight <= 1024 && weight * 1024 == std::floor(weight * 1024); }

std::string Text(long double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.6Lg", value);
  return text;
}

void Add(const Resources& what, int sign, Resources* to) {
  for (int kind = 0; kind < kKinds; ++kind) Amount(*to, kind) += sign * Amount(what, kind);
}

}  // namespace

int64_t Amount(const Resources& resources, int kind) {
  return kind == 0 ? resources.gpu_milli : kind == 1 ? resources.cpu_milli : resources.memory_mib;
}

int64_t& Amount(Resources& resources, int kind) {
  return kind == 0 ? resources.gpu_milli : kind == 1 ? resources.cpu_milli : resources.memory_mib;
}

const char* KindName(int kind) { return kind == 0 ? "gpu_milli" : kind == 1 ? "cpu_milli" : "memory_mib"; }

int64_t SaturatingSum(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<int64_t>::max() : sum;
}

Resources Total(const Job& job) {
  Resources total;
  for (int kind = 0; kind < kKinds; ++kind) {
    const __int128 all = static_cast<__int128>(Amount(job.demand, kind)) * job.members;
    Amount(total, kind) = static_cast<int64_t>(std::min<__int128>(all, std::numeric_limits<int64_t>::max()));
  }
  return total;
}

int64_t Places(const Resources& room, const Resources& demand, int64_t most) {
  int64_t places = most;
  for (int kind = 0; kind < kKinds; ++kind) {
    if (Amount(demand, kind) > 0) places = std::min(places, Amount(room, kind) / Amount(demand, kind));
  }
  return std::max<int64_t>(places, 0);
}

SharingView::SharingView(const ClusterState& state, Sharing sharing)
    : state_(&state), sharing_(sharing), free_(state.free()), used_(state.quotas().size()) {
  for (const Node& node : state.workload().nodes) Add(node.capacity, 1, &capacity_);
  for (const int32_t index : state.Running()) {
    const Time estimate = job(index).estimate;
    const Time started = state.jobs()[static_cast<size_t>(index)].started;
    running_.push_back({estimate == kUnknown ? kNever : SaturatingSum(started, estimate), index});
    Add(Total(job(index)), 1, &used_[static_cast<size_t>(TenantOf(index))]);
  }
}

int32_t SharingView::TenantOf(int32_t index) const {
  const int32_t tenant = job(index).tenant;
  const std::vector<Quota>& quotas = state_->quotas();
  // Tenants are mostly numbered as they are listed.
  if (tenant >= 0 && static_cast<size_t>(tenant) < quotas.size() &&
      quotas[static_cast<size_t>(tenant)].tenant == tenant) {
    return tenant;
  }
  const auto found =
      std::find_if(quotas.begin(), quotas.end(), [&](const Quota& quota) { return quota.tenant == tenant; });
  return static_cast<int32_t>(found - quotas.begin());
}

void SharingView::Start(int32_t index, std::span<const int32_t> nodes) {
  for (const int32_t node : nodes) Add(job(index).demand, -1, &free_[static_cast<size_t>(node)]);
  Add(Total(job(index)), 1, &used_[static_cast<size_t>(TenantOf(index))]);
  const Time estimate = job(index).estimate;
  running_.push_back({estimate == kUnknown ? kNever : SaturatingSum(state_->now(), estimate), index});
  placed_.emplace_back(index, std::vector<int32_t>(nodes.begin(), nodes.end()));
}

void SharingView::Stop(int32_t index) {
  for (const int32_t node : NodesOf(index)) Add(job(index).demand, 1, &free_[static_cast<size_t>(node)]);
  Add(Total(job(index)), -1, &used_[static_cast<size_t>(TenantOf(index))]);
  std::erase_if(running_, [&](const Release& one) { return one.index == index; });
}

void SharingView::Keep(int32_t index) { placed_.emplace_back(index, state_->jobs()[static_cast<size_t>(index)].nodes); }

const std::vector<int32_t>& SharingView::NodesOf(int32_t index) const {
  const auto placed =
      std::find_if(placed_.begin(), placed_.end(), [&](const auto& entry) { return entry.first == index; });
  return placed != placed_.end() ? placed->second : state_->jobs()[static_cast<size_t>(index)].nodes;
}

// ---- Shares

ShareComparison SharingView::Compare(int32_t a, int32_t b) const {
  const auto order = [](bool less, bool greater) {
    return less ? ShareComparison::kLess : greater ? ShareComparison::kGreater : ShareComparison::kEqual;
  };
  if (sharing_ == Sharing::kFairShare) {
    const Fraction of_a{used(a).gpu_milli, quota(a).quota.gpu_milli};
    const Fraction of_b{used(b).gpu_milli, quota(b).quota.gpu_milli};
    if (of_a.below == 0 || of_b.below == 0) return order(of_a.below > 0, of_b.below > 0);
    return order(Less(of_a, of_b), Less(of_b, of_a));
  }
  const double weight_a = quota(a).weight, weight_b = quota(b).weight;
  if (weight_a == 0 || weight_b == 0) return order(weight_a > 0, weight_b > 0);
  const Fraction of_a = Dominant(used(a), capacity_), of_b = Dominant(used(b), capacity_);
  if (of_a.above == 0 || of_b.above == 0) return order(of_b.above > 0, of_a.above > 0);
  if (weight_a == weight_b && !Less(of_a, of_b) && !Less(of_b, of_a) &&
      (of_a.below == of_b.below || IsPlain(weight_a))) {
    return ShareComparison::kEqual;
  }
  const long double share_a = static_cast<long double>(of_a.above) / of_a.below / weight_a;
  const long double share_b = static_cast<long double>(of_b.above) / of_b.below / weight_b;
  if (std::fabs(share_a - share_b) <= kTolerance * std::max(share_a, share_b)) return ShareComparison::kNear;
  return order(share_a < share_b, true);
}

bool SharingView::ComesFirst(int32_t a, int32_t b) const {
  const ShareComparison comparison = Compare(a, b);
  return comparison == ShareComparison::kLess ||
         (comparison == ShareComparison::kEqual && quota(a).tenant < quota(b).tenant);
}

std::string SharingView::ShareText(int32_t tenant) const {
  const Quota& quota = this->quota(tenant);
  if (sharing_ == Sharing::kFairShare) {
    const std::string used = std::to_string(this->used(tenant).gpu_milli);
    if (quota.quota.gpu_milli == 0) return "infinite (quota 0)";
    return used + "/" + std::to_string(quota.quota.gpu_milli) + " = " +
           Text(static_cast<long double>(this->used(tenant).gpu_milli) / quota.quota.gpu_milli);
  }
  if (quota.weight == 0) return "infinite (weight 0)";
  const Fraction dominant = Dominant(used(tenant), capacity_);
  return std::to_string(dominant.above) + "/" + std::to_string(dominant.below) + "/" + Text(quota.weight) + " = " +
         Text(static_cast<long double>(dominant.above) / dominant.below / quota.weight);
}

// ---- Limits

bool SharingView::Within(const std::vector<Resources>& used, int32_t index, std::string* why) const {
  const int32_t tenant = TenantOf(index);
  const Quota& own = quota(tenant);
  const Resources total = Total(job(index));
  for (int kind = 0; kind < kKinds; ++kind) {
    const int64_t use = SaturatingSum(Amount(used[static_cast<size_t>(tenant)], kind), Amount(total, kind));
    const int64_t borrowing = own.cohort < 0 ? 0 : Amount(own.borrowing_limit, kind);
    const int64_t limit = SaturatingSum(Amount(own.quota, kind), borrowing);
    if (use > limit) {
      if (why != nullptr) {
        *why = "tenant " + std::to_string(own.tenant) + " would use " + std::to_string(use) + " " + KindName(kind) +
               ", more than " + std::to_string(limit) + " (quota " + std::to_string(Amount(own.quota, kind)) +
               (own.cohort < 0 ? ", in no cohort)" : ", borrowing limit " + std::to_string(borrowing) + ")");
      }
      return false;
    }
    if (own.cohort < 0) continue;
    int64_t all = Amount(total, kind), sum = 0;
    for (int32_t member = 0; member < tenants(); ++member) {
      if (quota(member).cohort != own.cohort) continue;
      all = SaturatingSum(all, Amount(used[static_cast<size_t>(member)], kind));
      sum = SaturatingSum(sum, Amount(quota(member).quota, kind));
    }
    if (all <= sum) continue;
    if (why != nullptr) {
      *why = "cohort " + std::to_string(own.cohort) + " would use " + std::to_string(all) + " " + KindName(kind) +
             ", more than its members' quotas together, " + std::to_string(sum);
    }
    return false;
  }
  return true;
}

bool SharingView::WithinQuota(int32_t index) const {
  const int32_t tenant = TenantOf(index);
  const Resources total = Total(job(index));
  for (int kind = 0; kind < kKinds; ++kind) {
    if (SaturatingSum(Amount(used(tenant), kind), Amount(total, kind)) > Amount(quota(tenant).quota, kind)) {
      return false;
    }
  }
  return true;
}

bool SharingView::AboveQuota(int32_t tenant) const {
  for (int kind = 0; kind < kKinds; ++kind) {
    if (Amount(used(tenant), kind) > Amount(quota(tenant).quota, kind)) return true;
  }
  return false;
}

// ---- Nodes and time

bool SharingView::FitsIn(const std::vector<Resources>& free, int32_t index) const {
  int64_t places = 0;
  const int64_t members = job(index).members;
  for (size_t node = 0; node < free.size() && places < members; ++node) {
    if (state_->up()[node]) places += Places(free[node], job(index).demand, members);
  }
  return places >= members;
}

void SharingView::ReleaseBy(Time at, std::vector<Resources>* free, std::vector<Resources>* used) const {
  for (const Release& one : running_) {
    if (one.at > at) continue;
    for (const int32_t node : NodesOf(one.index)) {
      Add(job(one.index).demand, 1, &(*free)[static_cast<size_t>(node)]);
    }
    if (used != nullptr) Add(Total(job(one.index)), -1, &(*used)[static_cast<size_t>(TenantOf(one.index))]);
  }
}

bool SharingView::PossibleBy(int32_t index, Time at) const {
  std::vector<Resources> free = free_, used = used_;
  ReleaseBy(at, &free, &used);
  return FitsIn(free, index) && Within(used, index, nullptr);
}

Time SharingView::Earliest(int32_t index) const {
  const Time now = state_->now();
  std::vector<Time> times = {now};
  for (const Release& one : running_) {
    if (one.at > now && one.at != kNever) times.push_back(one.at);
  }
  std::sort(times.begin(), times.end());
  // What has fitted once goes on fitting: nothing but releases follows.
  const auto first = std::partition_point(times.begin(), times.end(), [&](Time at) { return !PossibleBy(index, at); });
  return first == times.end() ? kNever : *first;
}

bool SharingView::CanLeave(int32_t index, int32_t reserved, Time at) const {
  const Job& job = this->job(index);
  const Job& other = this->job(reserved);
  if (job.estimate != kUnknown && SaturatingSum(state_->now(), job.estimate) <= at) return true;
  std::vector<Resources> then = free_, used = used_;
  ReleaseBy(at, &then, &used);
  Add(Total(job), 1, &used[static_cast<size_t>(TenantOf(index))]);
  if (!Within(used, reserved, nullptr)) return false;
  int64_t places = 0;          // of `reserved`
  int64_t harmless = 0;        // members of `index` that take none of them
  int64_t least_loss = kMany;  // of places, by one member
  for (size_t node = 0; node < then.size(); ++node) {
    if (!state_->up()[node]) continue;
    const int64_t here = Places(then[node], other.demand, kMany);
    places += here;
    Resources room = then[node];
    const int64_t most = Places(free_[node], job.demand, job.members);
    for (int64_t member = 0; member < most; ++member) {
      Add(job.demand, -1, &room);
      const int64_t loss = here - Places(room, other.demand, kMany);
      least_loss = std::min(least_loss, loss);
      if (loss > 0) break;
      ++harmless;
    }
  }
  int64_t greatest_loss = 0;  // by one member, anywhere
  for (int kind = 0; kind < kKinds; ++kind) {
    const int64_t step = Amount(other.demand, kind);
    if (step > 0) greatest_loss = std::max(greatest_loss, (Amount(job.demand, kind) + step - 1) / step);
  }
  const int64_t spare = places - other.members;
  return (spare >= 0 && harmless >= job.members) || (job.members == 1 && spare >= least_loss) ||
         spare >= greatest_loss * job.members;
}

}  // namespace q07
