// NCCL: collectives x types x operations, 1 to 8 ranks, each rank a process.
#include <functional>
#include <memory>

#include "harness/host/conformance/conformance.h"
#include "harness/host/conformance/nccl_ranks.h"

namespace {

using namespace conformance;

struct Reduction {
  ncclRedOp_t op;
  const char* name;
};
constexpr Reduction kReductions[] = {
    {ncclSum, "sum"}, {ncclProd, "prod"}, {ncclMax, "max"}, {ncclMin, "min"}, {ncclAvg, "avg"}};

// Rank `rank`'s element i, chosen so that every order of the reduction is exact.
double Value(const ElementType& type, ncclRedOp_t op, int rank, int ranks, size_t i) {
  const int x = int(i) + rank * 3;
  double value = 0;
  switch (op) {
    case ncclSum:
      value = type.tiny() ? (int(i) + rank) % 3 - 1 : x % 7 - (type.is_signed ? 3 : 0);
      break;
    case ncclProd:
      value = i % 11 == 0 && rank == 0              ? 0
              : (int(i) + rank) % 4 == 0            ? 2
              : type.is_signed && x * rank % 3 == 1 ? -1
                                                    : 1;
      break;
    case ncclMax:
    case ncclMin:
      value = (int(i) * 7 + rank * 5) % 23 - (type.is_signed ? 11 : 0);
      break;
    default:
      value = 10 + int(i) % 5 + 2 * rank - (ranks - 1);
      break;  // the mean is whole
  }
  return type.format != nullptr ? Decode(*type.format, Encode(*type.format, value)) : value;
}

double Combined(const ElementType& type, ncclRedOp_t op, int ranks, size_t i) {
  double result = Value(type, op, 0, ranks, i);
  for (int rank = 1; rank < ranks; ++rank) {
    const double value = Value(type, op, rank, ranks, i);
    if (op == ncclSum || op == ncclAvg) result += value;
    if (op == ncclProd) result *= value;
    if (op == ncclMax) result = value > result ? value : result;
    if (op == ncclMin) result = value < result ? value : result;
  }
  return op == ncclAvg ? result / ranks : result;
}

// The mean is a sum of values times 1 / ranks, which is rounded.
double Tolerance(const ElementType& type, ncclRedOp_t op, int ranks) {
  if (op != ncclAvg || !type.floating() || (ranks & (ranks - 1)) == 0) return 0;
  const int bits = type.format != nullptr ? type.format->mantissa_bits : type.type == ncclFloat32 ? 23 : 52;
  return 40 * std::ldexp(1.0, -bits);
}

struct Job {
  std::string what;
  const ElementType* type;
  std::unique_ptr<Device<unsigned char>> send, receive;
  std::function<double(size_t)> expected;
  double tolerance;
  bool checked;
};

// All jobs of one kind are one group, hence few launches.
template <typename Enqueue>
void InOneGroup(const Rank& rank, std::vector<Job>& jobs, Enqueue enqueue) {
  OK(ncclGroupStart());
  for (size_t i = 0; i < jobs.size(); ++i) OK(enqueue(jobs[i], i));
  OK(ncclGroupEnd());
  rank.Synchronize();
  for (const Job& job : jobs) {
    if (job.checked) ExpectElements(job.what, *job.type, job.receive->Get(), job.expected, job.tolerance);
  }
}

template <typename Visit>
void EachReduction(Visit visit) {
  for (const ElementType& type : ElementTypes()) {
    for (const Reduction& reduction : kReductions) {
      if (reduction.op != ncclAvg || !type.tiny()) visit(type, reduction);
    }
  }
}

std::unique_ptr<Device<unsigned char>> Filled(const ElementType& type, size_t count, const auto& value) {
  return std::make_unique<Device<unsigned char>>(Bytes(type, count, value));
}
std::unique_ptr<Device<unsigned char>> Room(const ElementType& type, size_t count) {
  return std::make_unique<Device<unsigned char>>(count * type.bytes);
}

constexpr size_t kCount = 133;

void AllReduces(const Rank& rank, bool in_place) {
  std::vector<Job> jobs;
  std::vector<ncclRedOp_t> ops;
  const int n = rank.ranks(), me = rank.rank();
  EachReduction([&](const ElementType& type, const Reduction& reduction) {
    const ncclRedOp_t op = reduction.op;
    const auto mine = [&type, op, me, n](size_t i) { return Value(type, op, me, n, i); };
    jobs.push_back({std::string("all-reduce ") + reduction.name, &type, Filled(type, kCount, mine),
                    in_place ? Filled(type, kCount, mine) : Room(type, kCount),
                    [&type, op, n](size_t i) { return Combined(type, op, n, i); }, Tolerance(type, op, n), true});
    ops.push_back(op);
  });
  InOneGroup(rank, jobs, [&](const Job& job, size_t i) {
    return ncclAllReduce(in_place ? job.receive->data() : job.send->data(), job.receive->data(), kCount, job.type->type,
                         ops[i], rank.comm(), rank.stream());
  });
}

void ReduceScatters(const Rank& rank) {
  std::vector<Job> jobs;
  std::vector<ncclRedOp_t> ops;
  const int n = rank.ranks(), me = rank.rank();
  EachReduction([&](const ElementType& type, const Reduction& reduction) {
    const ncclRedOp_t op = reduction.op;
    jobs.push_back({std::string("reduce-scatter ") + reduction.name, &type,
                    Filled(type, kCount * n, [&](size_t i) { return Value(type, op, me, n, i); }), Room(type, kCount),
                    [&type, op, n, me](size_t i) { return Combined(type, op, n, kCount * me + i); },
                    Tolerance(type, op, n), true});
    ops.push_back(op);
  });
  InOneGroup(rank, jobs, [&](const Job& job, size_t i) {
    return ncclReduceScatter(job.send->data(), job.receive->data(), kCount, job.type->type, ops[i], rank.comm(),
                             rank.stream());
  });
}

void Reduces(const Rank& rank) {
  std::vector<Job> jobs;
  std::vector<ncclRedOp_t> ops;
  const int n = rank.ranks(), me = rank.rank();
  EachReduction([&](const ElementType& type, const Reduction& reduction) {
    const ncclRedOp_t op = reduction.op;
    const int root = int(jobs.size()) % n;
    jobs.push_back({std::string("reduce ") + reduction.name, &type,
                    Filled(type, kCount, [&](size_t i) { return Value(type, op, me, n, i); }), Room(type, kCount),
                    [&type, op, n](size_t i) { return Combined(type, op, n, i); }, Tolerance(type, op, n), me == root});
    ops.push_back(op);
  });
  InOneGroup(rank, jobs, [&](const Job& job, size_t i) {
    return ncclReduce(job.send->data(), job.receive->data(), kCount, job.type->type, ops[i], int(i) % n, rank.comm(),
                      rank.stream());
  });
}

// Moves no arithmetic is done in: element i of rank r is a code of its own.
double Moved(const ElementType& type, int rank, size_t i) { return Value(type, ncclMax, rank, 8, i); }

void Moves(const Rank& rank) {
  const int n = rank.ranks(), me = rank.rank();
  std::vector<Job> gathers, broadcasts;
  for (const ElementType& type : ElementTypes()) {
    const auto mine = [&type, me](size_t i) { return Moved(type, me, i); };
    const int root = int(broadcasts.size()) % n;
    gathers.push_back({"all-gather", &type, Filled(type, kCount, mine), Room(type, kCount * n),
                       [&type](size_t i) { return Moved(type, int(i / kCount), i % kCount); }, 0, true});
    broadcasts.push_back({"broadcast", &type, Filled(type, kCount, mine), Room(type, kCount),
                          [&type, root](size_t i) { return Moved(type, root, i); }, 0, true});
  }
  InOneGroup(rank, gathers, [&](const Job& job, size_t) {
    return ncclAllGather(job.send->data(), job.receive->data(), kCount, job.type->type, rank.comm(), rank.stream());
  });
  InOneGroup(rank, broadcasts, [&](const Job& job, size_t i) {
    return ncclBroadcast(job.send->data(), job.receive->data(), kCount, job.type->type, int(i) % n, rank.comm(),
                         rank.stream());
  });
  // In place: each rank's part already lies where it belongs.
  const ElementType& ints = ElementTypes()[2];
  Device<unsigned char> all(
      Bytes(ints, kCount * n, [&](size_t i) { return int(i / kCount) == me ? Moved(ints, me, i % kCount) : -1; }));
  OK(ncclAllGather(all.data() + me * kCount * 4, all.data(), kCount, ncclInt32, rank.comm(), rank.stream()));
  rank.Synchronize();
  ExpectElements("all-gather in place", ints, all.Get(), gathers[0].expected);
}

void PointToPoint(const Rank& rank) {
  const int n = rank.ranks(), me = rank.rank(), next = (me + 1) % n, last = (me + n - 1) % n;
  const ElementType& ints = ElementTypes()[2];
  Device<unsigned char> send(Bytes(ints, kCount, [&](size_t i) { return 1000.0 * me + double(i); })),
      receive(kCount * 4);
  OK(ncclGroupStart());
  OK(ncclSend(send.data(), kCount, ncclInt32, next, rank.comm(), rank.stream()));
  OK(ncclRecv(receive.data(), kCount, ncclInt32, last, rank.comm(), rank.stream()));
  OK(ncclGroupEnd());
  rank.Synchronize();
  ExpectElements("ring", ints, receive.Get(), [&](size_t i) { return 1000.0 * last + double(i); });

  // All to all, the part for rank r of r + 1 elements from everyone.
  const size_t slot = size_t(n);
  Device<unsigned char> out(Bytes(ints, slot * n, [&](size_t i) { return 100.0 * me + double(i); }));
  Device<unsigned char> in(Bytes(ints, slot * n, [](size_t) { return -1.0; }));
  OK(ncclGroupStart());
  for (int r = 0; r < n; ++r) {
    OK(ncclSend(out.data() + r * slot * 4, r + 1, ncclInt32, r, rank.comm(), rank.stream()));
    OK(ncclRecv(in.data() + r * slot * 4, me + 1, ncclInt32, r, rank.comm(), rank.stream()));
  }
  OK(ncclGroupEnd());
  rank.Synchronize();
  ExpectElements("all-to-all", ints, in.Get(), [&](size_t i) {
    return i % slot <= size_t(me) ? 100.0 * double(i / slot) + double(me * slot + i % slot) : -1.0;
  });
}

void PreMultiplied(const Rank& rank) {
  const int n = rank.ranks(), me = rank.rank();
  for (const ElementType& type : ElementTypes()) {
    if (type.bytes == 1) continue;
    const double factor = type.floating() ? 0.5 : 3;
    alignas(8) unsigned char scalar[8];
    Store(type, factor, scalar);
    ncclRedOp_t op;
    OK(ncclRedOpCreatePreMulSum(&op, scalar, type.type, ncclScalarHostImmediate, rank.comm()));
    Device<unsigned char> data(Bytes(type, kCount, [&](size_t i) { return Value(type, ncclSum, me, n, i); }));
    OK(ncclAllReduce(data.data(), data.data(), kCount, type.type, op, rank.comm(), rank.stream()));
    OK(ncclRedOpDestroy(op, rank.comm()));
    rank.Synchronize();
    ExpectElements("pre-multiplied sum", type, data.Get(),
                   [&](size_t i) { return factor * Combined(type, ncclSum, n, i); });
  }
}

CONFORMANCE_CHILD(nccl, collectives) {
  const Rank rank(arguments);
  int count = 0, own = -1;
  OK(ncclCommCount(rank.comm(), &count));
  OK(ncclCommUserRank(rank.comm(), &own));
  EXPECT_EQ(count, rank.ranks());
  EXPECT_EQ(own, rank.rank());
  AllReduces(rank, false);
  AllReduces(rank, true);
  ReduceScatters(rank);
  Reduces(rank);
  Moves(rank);
  PointToPoint(rank);
  if (rank.ranks() <= 3) PreMultiplied(rank);
  return 0;
}

#define RANKS(count)                                                                                                 \
  CONFORMANCE_CASE(nccl, ranks_##count,                                                                              \
                   #count                                                                                            \
                   " rank(s): all-reduce, reduce-scatter, reduce, all-gather, broadcast, send/recv; 12 types; sum, " \
                   "prod, max, min, avg; in place") {                                                                \
    RunRanks("nccl/collectives", count);                                                                             \
  }
RANKS(1)
RANKS(2)
RANKS(3)
RANKS(4)
RANKS(5)
RANKS(6)
RANKS(7)
RANKS(8)

}  // namespace
