// Q2 part A: all-reduce of host buffers by messages. Four algorithms over one set of element operations.
//
//   ring                2(N-1) steps around a circle; bandwidth-optimal for any N, latency linear in N.
//   recursive doubling  whole buffers between partners at distance 1, 2, 4, ...: log2 N steps, S bytes in each.
//   halving-doubling    halves at distance N/2 .. 1 (reduce-scatter), then back (all-gather): 2 log2 N steps and the
//   ring's
//                       bytes (Rabenseifner 2004).
//   tree                segments flow up a binary tree and down again at the same time (pipelined).
//
// No pass over memory is spent on copying in to out: the first step of each algorithm reads `in` where later ones read
// `out`.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>
#include <vector>

#include "harness/answer/half.h"
#include "questions/q02_allreduce/api.h"

namespace {

using q02::Algorithm;
using q02::DataType;
using q02::ReduceOp;
using workbench::BFloat16;
using workbench::FromFloat;
using workbench::Half;
using workbench::ToFloat;
using workbench::Transport;
using Request = workbench::Transport::Request;

constexpr int kTag = 0;
// Large enough that a message's fixed cost does not show, small enough that what has been received is still in a core's
// L2 cache when it is reduced.
constexpr size_t kDefaultSegmentBytes = size_t{128} << 10;

// ------------------------------------------------------------------------------------------------ element operations

template <typename T>
T Add(T a, T b) {
  if constexpr (std::is_same_v<T, int32_t>) {
    return static_cast<int32_t>(static_cast<uint32_t>(a) +
                                static_cast<uint32_t>(b));  // wraps; signed overflow would not
  } else {
    return FromFloat<T>(ToFloat(a) + ToFloat(b));
  }
}

template <typename T>
T Max(T a, T b) {
  if constexpr (std::is_same_v<T, int32_t>) {
    return std::max(a, b);
  } else {
    const float x = ToFloat(a), y = ToFloat(b);
    if (std::isnan(x) || std::isnan(y))
      return FromFloat<T>(std::numeric_limits<float>::quiet_NaN());  // one NaN for all ranks
    return x > y ? a : b;
  }
}

// Untyped views of the element operations, so that the algorithms below are written (and compiled) once.
struct Operations {
  size_t element_bytes;
  // out[i] = a[i] (+) b[i]; out may be a or b.
  void (*combine)(void* out, const void* a, const void* b, size_t count);
  // out[i] = in[i] made ready to be added up (the average's 1/N); null: nothing to do. out may be in.
  void (*prepare)(void* out, const void* in, size_t count, int ranks);
  // The result from the sum (the int32 average's division); null: nothing to do.
  void (*finish)(void* out, size_t count, int ranks);
};

template <typename T, T (*Combine)(T, T)>
void CombineAll(void* out, const void* a, const void* b, size_t count) {
  T* o = static_cast<T*>(out);
  const T* x = static_cast<const T*>(a);
  const T* y = static_cast<const T*>(b);
  // out may be a or b, but then element by element: no iteration reads what another writes.
#pragma GCC ivdep
  for (size_t i = 0; i < count; ++i) o[i] = Combine(x[i], y[i]);
}

template <typename T>
void Scale(void* out, const void* in, size_t count, int ranks) {
  const float factor = 1.0f / static_cast<float>(ranks);
  T* o = static_cast<T*>(out);
  const T* x = static_cast<const T*>(in);
#pragma GCC ivdep
  for (size_t i = 0; i < count; ++i) o[i] = FromFloat<T>(ToFloat(x[i]) * factor);
}

void Divide(void* out, size_t count, int ranks) {
  int32_t* o = static_cast<int32_t*>(out);
  for (size_t i = 0; i < count; ++i) o[i] /= ranks;  // C++ truncates toward zero
}

template <typename T>
bool Select(ReduceOp op, Operations* operations) {
  operations->element_bytes = sizeof(T);
  switch (op) {
    case ReduceOp::kSum:
      operations->combine = CombineAll<T, Add<T>>;
      return true;
    case ReduceOp::kMax:
      operations->combine = CombineAll<T, Max<T>>;
      return true;
    case ReduceOp::kAverage:
      operations->combine = CombineAll<T, Add<T>>;
      if constexpr (std::is_same_v<T, int32_t>) {
        operations->finish = Divide;
      } else {
        operations->prepare = Scale<T>;
      }
      return true;
  }
  return false;
}

bool Select(DataType type, ReduceOp op, Operations* operations) {
  switch (type) {
    case DataType::kFloat32:
      return Select<float>(op, operations);
    case DataType::kFloat16:
      return Select<Half>(op, operations);
    case DataType::kBFloat16:
      return Select<BFloat16>(op, operations);
    case DataType::kInt32:
      return Select<int32_t>(op, operations);
  }
  return false;
}

// Uninitialised memory that is kept from call to call: a small all-reduce has no time for the allocator.
std::byte* Scratch(size_t bytes) {
  thread_local std::unique_ptr<std::byte[]> memory;
  thread_local size_t size = 0;
  if (size < bytes) {
    memory.reset(new std::byte[bytes]);
    size = bytes;
  }
  return memory.get();
}

// ------------------------------------------------------------------------------------------------------- one exchange

// Everything that an algorithm needs to know about the call.
struct Call {
  Transport& transport;
  const Operations& operations;
  const std::byte* in;  // where contributions that have not been touched yet are read
  std::byte* out;
  size_t count;
  size_t segment_elements;  // largest message

  size_t Bytes(size_t elements) const { return elements * operations.element_bytes; }
};

// A run of elements.
struct Range {
  size_t begin;
  size_t end;
  size_t size() const { return end - begin; }
  Range Segment(size_t index, size_t elements) const {
    return {std::min(end, begin + index * elements), std::min(end, begin + (index + 1) * elements)};
  }
};

size_t SegmentCount(const Range& range, size_t elements) {
  return range.size() == 0 ? 0 : (range.size() - 1) / elements + 1;
}

// One message each way; an empty range sends no message, and its receiver, who knows the same ranges, expects none.
void SendRecvSome(const Call& call, const std::byte* outgoing, Range send, int destination, std::byte* incoming,
                  Range receive, int from) {
  const size_t send_bytes = call.Bytes(send.size()), receive_bytes = call.Bytes(receive.size());
  outgoing += call.Bytes(send.begin);
  if (receive_bytes == 0 && send_bytes == 0) return;
  if (receive_bytes == 0) return call.transport.Send(outgoing, send_bytes, destination, kTag);
  if (send_bytes == 0) return call.transport.Recv(incoming, receive_bytes, from, kTag);
  call.transport.SendRecv(outgoing, send_bytes, destination, incoming, receive_bytes, from, kTag);
}

// Sends a range of `outgoing` to one rank while receiving a range from another and combining it with the same range of
// `own` into out, segment by segment: while one segment is being combined, the next one is on its way.
void SendAndReduce(const Call& call, const std::byte* outgoing, Range send, int destination, const std::byte* own,
                   Range receive, int from) {
  const size_t segment = call.segment_elements;
  const size_t sends = SegmentCount(send, segment);
  const size_t receives = SegmentCount(receive, segment);
  if (sends <= 1 && receives <= 1) {
    std::byte* scratch = Scratch(call.Bytes(receive.size()));
    SendRecvSome(call, outgoing, send, destination, scratch, receive, from);
    std::byte* at = call.out + call.Bytes(receive.begin);
    call.operations.combine(at, own + call.Bytes(receive.begin), scratch, receive.size());
    return;
  }
  // Recursive doubling overwrites what it sends: there a segment must have left before it is combined.
  const bool overwrites = outgoing == call.out && send.begin < receive.end && receive.begin < send.end;
  constexpr size_t kInFlight = 2;
  std::byte* scratch = Scratch(kInFlight * call.Bytes(segment));
  Request receiving[kInFlight], sending[kInFlight];
  const auto start = [&](size_t i) {
    if (i < receives) {
      const Range piece = receive.Segment(i, segment);
      receiving[i % kInFlight] =
          call.transport.Irecv(scratch + (i % kInFlight) * call.Bytes(segment), call.Bytes(piece.size()), from, kTag);
    }
    if (i < sends) {
      const Range piece = send.Segment(i, segment);
      call.transport.Wait(sending[i % kInFlight]);
      sending[i % kInFlight] =
          call.transport.Isend(outgoing + call.Bytes(piece.begin), call.Bytes(piece.size()), destination, kTag);
    }
  };
  for (size_t i = 0; i < kInFlight; ++i) start(i);
  for (size_t i = 0; i < std::max(sends, receives); ++i) {
    if (i < receives) {
      const Range piece = receive.Segment(i, segment);
      call.transport.Wait(receiving[i % kInFlight]);
      if (overwrites) call.transport.Wait(sending[i % kInFlight]);
      call.operations.combine(call.out + call.Bytes(piece.begin), own + call.Bytes(piece.begin),
                              scratch + (i % kInFlight) * call.Bytes(segment), piece.size());
    }
    start(i + kInFlight);
  }
  call.transport.WaitAll(sending);
}

// Sends one finished range of out while another arrives in its place in out.
void SendAndReplace(const Call& call, Range send, int destination, Range receive, int from) {
  const size_t segment = call.segment_elements;
  const size_t sends = SegmentCount(send, segment);
  const size_t receives = SegmentCount(receive, segment);
  if (sends <= 1 && receives <= 1) {
    SendRecvSome(call, call.out, send, destination, call.out + call.Bytes(receive.begin), receive, from);
    return;
  }
  std::vector<Request> requests;
  for (size_t i = 0; i < std::max(sends, receives); ++i) {
    if (i < receives) {
      const Range piece = receive.Segment(i, segment);
      requests.push_back(
          call.transport.Irecv(call.out + call.Bytes(piece.begin), call.Bytes(piece.size()), from, kTag));
    }
    if (i < sends) {
      const Range piece = send.Segment(i, segment);
      requests.push_back(
          call.transport.Isend(call.out + call.Bytes(piece.begin), call.Bytes(piece.size()), destination, kTag));
    }
  }
  call.transport.WaitAll(requests);
}

// Whole messages in one direction, cut to the segment size.
void SendRange(const Call& call, const std::byte* source, Range range, int destination) {
  for (size_t i = 0; i < SegmentCount(range, call.segment_elements); ++i) {
    const Range piece = range.Segment(i, call.segment_elements);
    call.transport.Send(source + call.Bytes(piece.begin), call.Bytes(piece.size()), destination, kTag);
  }
}

void ReceiveRange(const Call& call, Range range, int from) {
  for (size_t i = 0; i < SegmentCount(range, call.segment_elements); ++i) {
    const Range piece = range.Segment(i, call.segment_elements);
    call.transport.Recv(call.out + call.Bytes(piece.begin), call.Bytes(piece.size()), from, kTag);
  }
}

// --------------------------------------------------------------------------------------------------------------- ring

// Chunk c of N as equal as whole elements allow: the first count mod N chunks are one element longer.
Range Chunk(size_t count, int ranks, int index) {
  const size_t n = static_cast<size_t>(ranks);
  const size_t c = static_cast<size_t>((index % ranks + ranks) % ranks);
  const size_t base = count / n, longer = count % n;
  const size_t begin = c * base + std::min(c, longer);
  return {begin, begin + base + (c < longer)};
}

// Data moves to the right. In step s of the reduce-scatter rank r passes on chunk r - s and adds its own contribution
// to chunk r - s - 1, which therefore is complete on rank r when r - s - 1 has gone all the way round: chunk r + 1 ends
// up on rank r.
void Ring(const Call& call) {
  const int n = call.transport.size(), rank = call.transport.rank();
  const int right = (rank + 1) % n, left = (rank + n - 1) % n;
  for (int step = 0; step < n - 1; ++step) {
    // The first chunk that is sent is this rank's own; every later one has been reduced into out.
    SendAndReduce(call, step == 0 ? call.in : call.out, Chunk(call.count, n, rank - step), right, call.in,
                  Chunk(call.count, n, rank - step - 1), left);
  }
  for (int step = 0; step < n - 1; ++step) {
    SendAndReplace(call, Chunk(call.count, n, rank + 1 - step), right, Chunk(call.count, n, rank - step), left);
  }
}

// ------------------------------------------------------------------------------------- algorithms for powers of two

// Ranks at and beyond the largest power of two p have a partner rank - p: it takes their contribution in before the
// algorithm and gives them the result after it. `exchange` runs on the p ranks that are left, reading contributions at
// its argument.
template <typename Exchange>
void WithFold(const Call& call, Exchange exchange) {
  const int n = call.transport.size(), rank = call.transport.rank();
  const int p = static_cast<int>(std::bit_floor(static_cast<unsigned>(n)));
  const Range all{0, call.count};
  if (rank >= p) {
    SendRange(call, call.in, all, rank - p);
    ReceiveRange(call, all, rank - p);
    return;
  }
  const bool has_partner = rank + p < n;
  const std::byte* own = call.in;
  if (has_partner) {
    SendAndReduce(call, nullptr, {0, 0}, rank, own, all, rank + p);
    own = call.out;
  }
  exchange(own, p);
  if (has_partner) SendRange(call, call.out, all, rank + p);
}

void RecursiveDoubling(const Call& call) {
  WithFold(call, [&](const std::byte* own, int p) {
    const Range all{0, call.count};
    for (int distance = 1; distance < p; distance *= 2) {
      const int partner = call.transport.rank() ^ distance;
      // a (+) b and b (+) a are the same bits, so both partners hold the same sum.
      SendAndReduce(call, own, all, partner, own, all, partner);
      own = call.out;
    }
  });
}

void HalvingDoubling(const Call& call) {
  WithFold(call, [&](const std::byte* own, int p) {
    const int rank = call.transport.rank();
    std::vector<Range> kept = {{0, call.count}};  // the range that this rank is still responsible for, level by level
    for (int distance = p / 2; distance > 0; distance /= 2) {
      const Range range = kept.back();
      const size_t middle = range.begin + range.size() / 2;
      const Range lower{range.begin, middle}, upper{middle, range.end};
      const bool keep_lower = (rank & distance) == 0;
      SendAndReduce(call, own, keep_lower ? upper : lower, rank ^ distance, own, keep_lower ? lower : upper,
                    rank ^ distance);
      kept.push_back(keep_lower ? lower : upper);
      own = call.out;
    }
    for (int distance = 1; distance < p; distance *= 2) {
      const Range mine = kept.back();
      kept.pop_back();
      const Range range = kept.back();
      const Range theirs = mine.begin == range.begin ? Range{mine.end, range.end} : Range{range.begin, mine.begin};
      SendAndReplace(call, mine, rank ^ distance, theirs, rank ^ distance);
    }
  });
}

// --------------------------------------------------------------------------------------------------------------- tree

// A binary heap as a tree: rank 0 is the root, rank i's children are 2i + 1 and 2i + 2. Segments move up and down at
// the same time: `lag` segments after one went up it is taken from above, by when it has been to the root and back. The
// lag has to grow with the distance from the root: a rank that takes a segment from above as late as its children do
// makes them wait.
class TreeRank {
 public:
  explicit TreeRank(const Call& call)
      : call_(call),
        all_{0, call.count},
        segments_(SegmentCount(all_, call.segment_elements)),
        parent_(call.transport.rank() == 0 ? -1 : (call.transport.rank() - 1) / 2),
        up_(segments_) {
    for (int child = 2 * call.transport.rank() + 1; child <= 2 * call.transport.rank() + 2; ++child) {
      if (child < call.transport.size()) children_.push_back({child, std::vector<Request>(segments_)});
    }
    const int level = std::bit_width(static_cast<unsigned>(call.transport.rank()) + 1) - 1;
    lag_ = std::min(segments_, static_cast<size_t>(4 * level));
    scratch_ = Scratch(children_.size() * kWindow * call.Bytes(std::min(call.segment_elements, call.count)));
  }

  void Run() {
    for (size_t i = 0; i < std::min(kWindow, segments_); ++i) ReceiveFromChildren(i);
    for (size_t t = 0; t < segments_ + lag_; ++t) {
      if (t < segments_) Up(t);
      if (t >= lag_) Down(t - lag_);
    }
    for (Request& request : sends_down_) call_.transport.Wait(request);
  }

 private:
  static constexpr size_t kWindow = 4;  // segments that are expected from each child at a time
  struct Child {
    int rank;
    std::vector<Request> receives;
  };

  Range Piece(size_t i) const { return all_.Segment(i, call_.segment_elements); }
  std::byte* Slot(size_t child, size_t i) const {
    return scratch_ + (child * kWindow + i % kWindow) * call_.Bytes(std::min(call_.segment_elements, call_.count));
  }

  void ReceiveFromChildren(size_t i) {
    for (size_t c = 0; c < children_.size(); ++c) {
      children_[c].receives[i] =
          call_.transport.Irecv(Slot(c, i), call_.Bytes(Piece(i).size()), children_[c].rank, kTag);
    }
  }

  void Up(size_t i) {
    const Range piece = Piece(i);
    std::byte* out = call_.out + call_.Bytes(piece.begin);
    const std::byte* sum = call_.in + call_.Bytes(piece.begin);
    for (size_t c = 0; c < children_.size(); ++c) {
      call_.transport.Wait(children_[c].receives[i]);
      call_.operations.combine(out, sum, Slot(c, i), piece.size());
      sum = out;
    }
    if (i + kWindow < segments_) ReceiveFromChildren(i + kWindow);
    if (parent_ >= 0) {
      up_[i] = call_.transport.Isend(sum, call_.Bytes(piece.size()), parent_, kTag);
    }
  }

  void Down(size_t i) {
    const Range piece = Piece(i);
    std::byte* out = call_.out + call_.Bytes(piece.begin);
    if (parent_ >= 0) {
      call_.transport.Wait(up_[i]);  // what comes down lands where that was sent from
      call_.transport.Recv(out, call_.Bytes(piece.size()), parent_, kTag);
    }
    for (const Child& child : children_) {
      sends_down_.push_back(call_.transport.Isend(out, call_.Bytes(piece.size()), child.rank, kTag));
    }
  }

  const Call& call_;
  const Range all_;
  const size_t segments_;
  const int parent_;
  size_t lag_ = 0;
  std::vector<Child> children_;
  std::byte* scratch_ = nullptr;
  std::vector<Request> up_;
  std::vector<Request> sends_down_;
};

}  // namespace

extern "C" q02::Result q02_allreduce_host(Transport& transport, const void* in, void* out, size_t count, DataType type,
                                          ReduceOp op, Algorithm algorithm, size_t segment_bytes) {
  Operations operations{};
  if (!Select(type, op, &operations)) return q02::Result::kInvalidArgument;
  if (algorithm < Algorithm::kRing || algorithm > Algorithm::kTree) return q02::Result::kInvalidArgument;
  if (count == 0) return q02::Result::kOk;

  const int ranks = transport.size();
  if (segment_bytes == q02::kAnySegment) segment_bytes = kDefaultSegmentBytes;
  const size_t segment_elements =
      segment_bytes == 0 ? count : std::max<size_t>(1, segment_bytes / operations.element_bytes);
  const std::byte* source = static_cast<const std::byte*>(in);
  if (operations.prepare != nullptr) {
    operations.prepare(out, in, count, ranks);
    source = static_cast<const std::byte*>(out);  // from here on as if in place
  }
  const Call call{transport, operations, source, static_cast<std::byte*>(out), count, segment_elements};
  if (ranks == 1) {
    if (source != call.out) std::memcpy(out, source, call.Bytes(count));
  } else if (algorithm == Algorithm::kRing) {
    Ring(call);
  } else if (algorithm == Algorithm::kRecursiveDoubling) {
    RecursiveDoubling(call);
  } else if (algorithm == Algorithm::kHalvingDoubling) {
    HalvingDoubling(call);
  } else {
    TreeRank(call).Run();
  }
  if (operations.finish != nullptr) operations.finish(out, count, ranks);
  return q02::Result::kOk;
}
