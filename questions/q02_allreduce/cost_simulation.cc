#include "questions/q02_allreduce/cost_simulation.h"

#include <algorithm>
#include <limits>
#include <queue>
#include <vector>

namespace q02 {
namespace {

// A message, and later its reduction at the receiver.
struct Transfer {
  double due;  // ports and CPUs serve what waits for them in this order
  double bytes;
  int from;
  int to;
  int segment;
  bool operator<(const Transfer& other) const {  // std::priority_queue serves the greatest
    return due != other.due ? due > other.due : from != other.from ? from > other.from : to > other.to;
  }
};

class Machine;
class Protocol {
 public:
  virtual ~Protocol() = default;
  virtual void Start(Machine& machine) = 0;
  virtual void OnReceived(Machine& machine, const Transfer& transfer) = 0;
  virtual void OnReduced(Machine& machine, const Transfer& transfer) = 0;
};

// The ranks' ports and CPUs, and time.
class Machine {
 public:
  explicit Machine(const CostModel& model) : model_(model), resources_(3 * model.ranks) {}

  void Send(const Transfer& transfer) { Enqueue(kSend, transfer.from, transfer); }
  void SendAt(double time, const Transfer& transfer) { events_.push({std::max(time, now_), kWakeUp, transfer}); }
  void Reduce(Protocol& protocol, const Transfer& transfer) {
    // One that takes no time must not wait behind events of the same instant.
    model_.gamma == 0 ? protocol.OnReduced(*this, transfer) : Enqueue(kCpu, transfer.to, transfer);
  }

  double Run(Protocol& protocol) {
    protocol.Start(*this);
    Serve();
    while (!events_.empty()) {
      now_ = events_.top().time;
      // Sums of the same terms in another order differ in the last bits, and are the same instant.
      while (!events_.empty() && events_.top().time <= now_ * (1 + 1e-12)) Handle(protocol);
      Serve();
    }
    return now_;
  }

 private:
  enum Kind { kSend, kReceive, kCpu, kWakeUp };
  struct Event {
    double time;
    Kind kind;
    Transfer transfer;
    bool operator<(const Event& other) const { return time > other.time; }
  };
  struct Resource {
    bool busy = false;
    std::priority_queue<Transfer> waiting;
  };

  Resource& At(Kind kind, int rank) { return resources_[3 * rank + kind]; }

  void Enqueue(Kind kind, int rank, const Transfer& transfer) {
    At(kind, rank).waiting.push(transfer);
    touched_.push_back(rank);
  }

  void Handle(Protocol& protocol) {
    const auto [time, kind, transfer] = events_.top();
    events_.pop();
    if (kind == kWakeUp) return Send(transfer);
    const int rank = kind == kSend ? transfer.from : transfer.to;
    At(kind, rank).busy = false;
    touched_.push_back(rank);
    if (kind == kReceive) protocol.OnReceived(*this, transfer);
    if (kind == kCpu) protocol.OnReduced(*this, transfer);
  }

  void StartNext(Kind kind, int rank) {
    Resource& resource = At(kind, rank);
    if (resource.busy || resource.waiting.empty()) return;
    const Transfer transfer = resource.waiting.top();
    resource.waiting.pop();
    resource.busy = true;
    const double seconds = kind == kCpu ? model_.gamma * transfer.bytes : model_.alpha + model_.beta * transfer.bytes;
    events_.push({now_ + seconds, kind, transfer});
    if (kind == kSend) Enqueue(kReceive, transfer.to, transfer);
  }

  // Send ports first: what starts to be sent now can be received now.
  void Serve() {
    for (size_t i = 0; i < touched_.size(); ++i) StartNext(kSend, touched_[i]);
    for (int rank : touched_) {
      StartNext(kReceive, rank);
      StartNext(kCpu, rank);
    }
    touched_.clear();
  }

  CostModel model_;
  double now_ = 0;
  std::priority_queue<Event> events_;
  std::vector<Resource> resources_;
  std::vector<int> touched_;  // ranks where something may start
};

// ------------------------------------------------------------------------------------------------------------- Steps
// What a rank does in one step: an exchange, or half of one.
struct Step {
  int to = -1;
  int from = -1;
  double bytes = 0;  // of each message
  bool reduces = false;
};

class Steps : public Protocol {
 public:
  Steps(int ranks, Algorithm algorithm, double bytes) : ranks_(ranks), algorithm_(algorithm), bytes_(bytes) {
    while (2 * p_ <= ranks_) p_ *= 2, ++log_p_;
  }

  void Start(Machine& machine) override {
    at_.resize(ranks_);
    for (int rank = 0; rank < ranks_; ++rank) at_[rank].step = StepOf(rank, 0);
    for (int rank = 0; rank < ranks_; ++rank) Offer(machine, rank);
  }

  void OnReceived(Machine& machine, const Transfer& transfer) override {
    at_[transfer.from].step.to = -1;
    at_[transfer.to].step.reduces ? machine.Reduce(*this, transfer) : OnReduced(machine, transfer);
    Advance(machine, transfer.from);
  }

  void OnReduced(Machine& machine, const Transfer& transfer) override {
    at_[transfer.to].step.from = -1;
    Advance(machine, transfer.to);
  }

 private:
  struct Position {
    int index = 0;
    bool sent = false;  // in this step
    Step step;          // what is left of it: a peer becomes -1 when the message, and its reduction, are done
  };

  // Starts the message from `rank` if its receiver is in the step that receives it.
  void Offer(Machine& machine, int rank) {
    Position& sender = at_[rank];
    if (sender.sent || sender.step.to < 0 || at_[sender.step.to].step.from != rank) return;
    sender.sent = true;
    machine.Send({0, sender.step.bytes, rank, sender.step.to, 0});
  }

  void Advance(Machine& machine, int rank) {
    Position& position = at_[rank];
    if (position.step.to >= 0 || position.step.from >= 0) return;
    position = {position.index + 1, false, StepOf(rank, position.index + 1)};
    Offer(machine, rank);
    if (position.step.from >= 0) Offer(machine, position.step.from);
  }

  Step StepOf(int rank, int index) const {
    if (algorithm_ == Algorithm::kRing) {
      if (index >= 2 * (ranks_ - 1)) return {};
      return {(rank + 1) % ranks_, (rank + ranks_ - 1) % ranks_, bytes_ / ranks_, index < ranks_ - 1};
    }
    if (rank >= p_) {  // hands its buffer over, and gets the result
      return index == 0 ? Step{rank - p_, -1, bytes_, false} : index == 1 ? Step{-1, rank - p_, bytes_, false} : Step{};
    }
    const bool folds = rank + p_ < ranks_;
    if (folds && index == 0) return {-1, rank + p_, bytes_, true};
    const int exchange = folds ? index - 1 : index;
    const bool doubling = algorithm_ == Algorithm::kRecursiveDoubling;
    const int exchanges = doubling ? log_p_ : 2 * log_p_;
    if (exchange >= exchanges) return folds && exchange == exchanges ? Step{rank + p_, -1, bytes_, false} : Step{};
    const bool halving = !doubling && exchange < log_p_;
    const int distance = halving ? p_ >> (exchange + 1) : 1 << (exchange % log_p_);
    return {rank ^ distance, rank ^ distance, doubling ? bytes_ : bytes_ * distance / p_, doubling || halving};
  }

  int ranks_;
  Algorithm algorithm_;
  double bytes_;
  int p_ = 1;
  int log_p_ = 0;
  std::vector<Position> at_;
};

// -------------------------------------------------------------------------------------------------------------- Tree
// Ports and CPUs serve the tree's messages by due date: the latest start of the first segment's message in an idle
// tree, plus a fixed time for each later segment. No order is best for all N, segment counts and ratios of gamma to
// beta.
struct Order {
  double pace;        // from segment to segment, as a part of the busiest resource's load
  bool paced_leaves;  // leaves hold their segments back until they are due
};
constexpr Order kOrders[] = {{2. / 3, true}, {0.9, true}, {0.6, false}, {0.6, true}};

class Tree : public Protocol {
 public:
  Tree(const CostModel& model, double segment_bytes, int segments, const Order& order)
      : ranks_(static_cast<int>(model.ranks)),
        segments_(segments),
        segment_bytes_(segment_bytes),
        paced_leaves_(order.paced_leaves),
        up_due_(ranks_),
        down_due_(ranks_) {
    const double message = model.alpha + model.beta * segment_bytes;
    const double reduction = model.gamma * segment_bytes;
    pace_ = order.pace * std::max(std::min(ranks_ - 1, ranks_ == 4 ? 2 : 3) * message, 2 * reduction);
    MakeDueDates(message, reduction);
  }

  void Start(Machine& machine) override {
    for (int rank = 0; rank < ranks_; ++rank) missing_.insert(missing_.end(), segments_, Children(rank));
    for (int rank = ranks_ / 2; rank < ranks_; ++rank) {  // the leaves
      for (int segment = 0; segment < segments_; ++segment) {
        machine.SendAt(paced_leaves_ ? Up(rank, segment).due : 0, Up(rank, segment));
      }
    }
  }

  void OnReceived(Machine& machine, const Transfer& transfer) override {
    transfer.to < transfer.from ? machine.Reduce(*this, transfer) : SendDown(machine, transfer.to, transfer.segment);
  }

  void OnReduced(Machine& machine, const Transfer& transfer) override {
    if (--missing_[transfer.to * segments_ + transfer.segment] > 0) return;
    transfer.to == 0 ? SendDown(machine, 0, transfer.segment) : machine.Send(Up(transfer.to, transfer.segment));
  }

 private:
  static int Parent(int rank) { return (rank - 1) / 2; }
  int Children(int rank) const { return std::clamp(ranks_ - 1 - 2 * rank, 0, 2); }
  Transfer Up(int rank, int segment) const {
    return {up_due_[rank] + segment * pace_, segment_bytes_, rank, Parent(rank), segment};
  }

  void SendDown(Machine& machine, int rank, int segment) {
    for (int child = 2 * rank + 1; child <= 2 * rank + Children(rank); ++child) {
      machine.Send({down_due_[child] + segment * pace_, segment_bytes_, rank, child, segment});
    }
  }

  // The right child, whose subtree is never the deeper one, sends first; the left child is served first.
  void MakeDueDates(double message, double reduction) {
    std::vector<double> latest(ranks_, 0);  // for having reduced the rank's subtree; the root at 0
    for (int child = 1; child < ranks_; ++child) {
      const double left = latest[Parent(child)] - reduction - message;
      latest[child] = up_due_[child] = child % 2 == 1 ? left : left - std::max(message, reduction);
    }
    const double root_ready = -*std::min_element(up_due_.begin(), up_due_.end());
    latest.assign(ranks_, 0);  // for having the result; the last rank at 0
    for (int child = ranks_ - 1; child > 0; --child) {
      double& parent = latest[Parent(child)];
      parent = down_due_[child] = std::min(latest[child], parent) - message;
    }
    for (int child = 1; child < ranks_; ++child) {
      up_due_[child] += root_ready;
      down_due_[child] += root_ready - latest[0];
    }
  }

  int ranks_;
  int segments_;
  double segment_bytes_;
  bool paced_leaves_;
  double pace_;
  std::vector<double> up_due_;    // of the first segment's message from this rank to its parent
  std::vector<double> down_due_;  // of the one from the parent to this rank
  std::vector<int> missing_;      // contributions, by rank and segment
};

}  // namespace

double SimulateAllReduce(const CostModel& model, Algorithm algorithm, uint64_t bytes, int segments) {
  if (model.ranks == 1) return 0;
  if (algorithm != Algorithm::kTree) {
    Steps steps(static_cast<int>(model.ranks), algorithm, static_cast<double>(bytes));
    return Machine(model).Run(steps);
  }
  double best = std::numeric_limits<double>::infinity();
  for (const Order& order : kOrders) {
    Tree tree(model, static_cast<double>(bytes) / segments, segments, order);
    best = std::min(best, Machine(model).Run(tree));
  }
  return best;
}

}  // namespace q02
