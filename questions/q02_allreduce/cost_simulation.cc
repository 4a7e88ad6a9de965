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
  int tag;  // the tree: segment; steps: unused
  bool up;  // the tree: towards the root
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
  explicit Machine(const CostModel& model) : model_(model), resources_(3 * model.ranks), dirty_(model.ranks, false) {}

  void Send(const Transfer& transfer) { Enqueue(kSend, transfer.from, transfer); }
  void SendAt(double time, const Transfer& transfer) { events_.push({std::max(time, now_), kWakeUp, transfer}); }
  // A reduction that takes no time must not wait for a turn behind events of the same instant.
  void Reduce(Protocol& protocol, const Transfer& transfer) {
    if (model_.gamma == 0) return protocol.OnReduced(*this, transfer);
    Enqueue(kCpu, transfer.to, transfer);
  }

  double Run(Protocol& protocol) {
    protocol.Start(*this);
    Serve();
    while (!events_.empty()) {
      now_ = events_.top().time;
      // Sums of the same terms in another order differ in the last bits, and are the same instant.
      while (!events_.empty() && events_.top().time <= now_ * (1 + 1e-12)) {
        const Event event = events_.top();
        events_.pop();
        Handle(protocol, event);
      }
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

  void Touch(int rank) {
    if (dirty_[rank]) return;
    dirty_[rank] = true;
    touched_.push_back(rank);
  }

  void Enqueue(Kind kind, int rank, const Transfer& transfer) {
    At(kind, rank).waiting.push(transfer);
    Touch(rank);
  }

  void Handle(Protocol& protocol, const Event& event) {
    const Transfer& transfer = event.transfer;
    if (event.kind == kWakeUp) return Send(transfer);
    const int rank = event.kind == kSend ? transfer.from : transfer.to;
    At(event.kind, rank).busy = false;
    Touch(rank);
    if (event.kind == kReceive) protocol.OnReceived(*this, transfer);
    if (event.kind == kCpu) protocol.OnReduced(*this, transfer);
  }

  void StartNext(Kind kind, int rank) {
    Resource& resource = At(kind, rank);
    if (resource.busy || resource.waiting.empty()) return;
    const Transfer transfer = resource.waiting.top();
    resource.waiting.pop();
    resource.busy = true;
    const double seconds =
        kind == kCpu ? model_.gamma * transfer.bytes : model_.alpha + model_.beta * transfer.bytes;
    events_.push({now_ + seconds, kind, transfer});
    if (kind == kSend) Enqueue(kReceive, transfer.to, transfer);
  }

  // Send ports first: what starts to be sent now can be received now.
  void Serve() {
    for (size_t i = 0; i < touched_.size(); ++i) StartNext(kSend, touched_[i]);
    for (int rank : touched_) {
      StartNext(kReceive, rank);
      StartNext(kCpu, rank);
      dirty_[rank] = false;
    }
    touched_.clear();
  }

  CostModel model_;
  double now_ = 0;
  std::priority_queue<Event> events_;
  std::vector<Resource> resources_;
  std::vector<int> touched_;
  std::vector<bool> dirty_;
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
    if (at_[transfer.to].step.reduces) {
      machine.Reduce(*this, transfer);
    } else {
      at_[transfer.to].step.from = -1;
      Advance(machine, transfer.to);
    }
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
    machine.Send({0, sender.step.bytes, rank, sender.step.to, 0, false});
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
    const bool folds = ranks_ > p_;
    if (rank >= p_) {  // hands its buffer over, and gets the result
      if (index == 0) return {rank - p_, -1, bytes_, false};
      if (index == 1) return {-1, rank - p_, bytes_, false};
      return {};
    }
    const bool has_partner = rank + p_ < ranks_;
    if (folds && has_partner && index == 0) return {-1, rank + p_, bytes_, true};
    const int exchange = folds && has_partner ? index - 1 : index;
    const int exchanges = algorithm_ == Algorithm::kHalvingDoubling ? 2 * log_p_ : log_p_;
    if (exchange < exchanges) return ExchangeOf(rank, exchange);
    return folds && has_partner && exchange == exchanges ? Step{rank + p_, -1, bytes_, false} : Step{};
  }

  Step ExchangeOf(int rank, int exchange) const {
    if (algorithm_ == Algorithm::kRecursiveDoubling) {
      const int peer = rank ^ (1 << exchange);
      return {peer, peer, bytes_, true};
    }
    const bool halving = exchange < log_p_;
    const int distance = halving ? p_ >> (exchange + 1) : 1 << (exchange - log_p_);
    return {rank ^ distance, rank ^ distance, bytes_ * distance / p_, halving};
  }

  int ranks_;
  Algorithm algorithm_;
  double bytes_;
  int p_ = 1;
  int log_p_ = 0;
  std::vector<Position> at_;
};

// -------------------------------------------------------------------------------------------------------------- Tree

// How due dates are made, by which ports and CPUs order the tree's messages. All of them follow the first segment through
// an idle tree, and add a fixed time for each later segment: serving a message that others wait for keeps the pipeline
// full. None is best for all N, segment counts and ratios of gamma to beta.
struct DueDates {
  double pace;        // seconds from segment to segment, as a part of the busiest resource's load
  bool latest;        // the first segment's latest dates rather than its earliest
  bool paced_leaves;  // leaves hold their segments back until they are due
  double down_delay;  // added to the dates of messages downwards, in messages
};
constexpr DueDates kDueDates[] = {{2. / 3, false, true, 0}, {0.9, true, true, 50}, {2. / 3, true, true, 0},
                                  {0.6, true, false, -1},   {0.9, false, true, 1}, {0.8, true, true, 0},
                                  {2. / 3, true, false, 0}, {0.8, true, false, 0}};

class Tree : public Protocol {
 public:
  Tree(const CostModel& model, double segment_bytes, int segments, const DueDates& dates)
      : ranks_(static_cast<int>(model.ranks)), segments_(segments), segment_bytes_(segment_bytes), dates_(dates),
        t_(model.alpha + model.beta * segment_bytes), g_(model.gamma * segment_bytes), up_due_(ranks_),
        down_due_(ranks_), missing_(static_cast<size_t>(ranks_) * segments_) {
    const int messages = std::min(ranks_ - 1, ranks_ == 4 ? 2 : 3);
    pace_ = dates.pace * std::max(messages * t_, std::min(ranks_ - 1, 2) * g_);
    MakeDueDates();
  }

  void Start(Machine& machine) override {
    for (int rank = 0; rank < ranks_; ++rank) {
      for (int segment = 0; segment < segments_; ++segment) Missing(rank, segment) = Children(rank);
    }
    for (int rank = ranks_ / 2; rank < ranks_; ++rank) {  // the leaves
      for (int segment = 0; segment < segments_; ++segment) {
        const Transfer up = Up(rank, segment);
        dates_.paced_leaves ? machine.SendAt(up.due, up) : machine.Send(up);
      }
    }
  }

  void OnReceived(Machine& machine, const Transfer& transfer) override {
    transfer.up ? machine.Reduce(*this, transfer) : SendDown(machine, transfer.to, transfer.tag);
  }

  void OnReduced(Machine& machine, const Transfer& transfer) override {
    if (--Missing(transfer.to, transfer.tag) > 0) return;
    transfer.to == 0 ? SendDown(machine, 0, transfer.tag) : machine.Send(Up(transfer.to, transfer.tag));
  }

 private:
  static int Parent(int rank) { return (rank - 1) / 2; }
  int Children(int rank) const { return std::clamp(ranks_ - 1 - 2 * rank, 0, 2); }
  int& Missing(int rank, int segment) { return missing_[static_cast<size_t>(rank) * segments_ + segment]; }
  Transfer Up(int rank, int segment) const {
    return {up_due_[rank] + segment * pace_, segment_bytes_, rank, Parent(rank), segment, true};
  }

  void SendDown(Machine& machine, int rank, int segment) {
    for (int child = 2 * rank + 1; child <= 2 * rank + Children(rank); ++child) {
      const double due = down_due_[child] + segment * pace_ + dates_.down_delay * t_;
      machine.Send({due, segment_bytes_, rank, child, segment, false});
    }
  }

  // When the first segment's messages start. The right child, whose subtree is never the deeper one, sends first; the left
  // child is served first.
  void MakeDueDates() {
    std::vector<double> ready(ranks_, 0);
    for (int rank = ranks_ - 1; rank >= 0; --rank) {
      double port = 0;
      for (int child = 2 * rank + Children(rank); child > 2 * rank; --child) {
        up_due_[child] = std::max(port, ready[child]);
        port = up_due_[child] + t_;
        ready[rank] = std::max(port, ready[rank]) + g_;
      }
    }
    std::vector<double> has(ranks_, ready[0]);
    double end = ready[0];
    for (int child = 1; child < ranks_; ++child) {
      down_due_[child] = has[Parent(child)] + (child % 2 == 0 ? t_ : 0);
      has[child] = down_due_[child] + t_;
      end = std::max(end, has[child]);
    }
    if (dates_.latest) MakeLatest(ready[0], end);
  }

  void MakeLatest(double root_ready, double end) {
    std::vector<double> ready(ranks_, root_ready);
    for (int child = 1; child < ranks_; ++child) {
      const double last = ready[Parent(child)] - g_ - t_;
      ready[child] = up_due_[child] = child % 2 == 1 ? last : std::min(last - t_, last - g_);
    }
    std::vector<double> needs(ranks_, end);  // when the rank's result must have arrived
    for (int child = ranks_ - 1; child > 0; --child) {
      double& parent_needs = needs[Parent(child)];
      down_due_[child] = std::min(needs[child], child % 2 == 1 ? parent_needs : end) - t_;
      parent_needs = std::min(parent_needs, down_due_[child]);
    }
  }

  int ranks_;
  int segments_;
  double segment_bytes_;
  DueDates dates_;
  double t_;  // a message
  double g_;  // a reduction
  double pace_;
  std::vector<double> up_due_;    // of the message from this rank to its parent, first segment
  std::vector<double> down_due_;  // of the message from the parent to this rank
  std::vector<int> missing_;      // contributions, by rank and segment
};

}  // namespace

double SimulateAllReduce(const CostModel& model, Algorithm algorithm, uint64_t bytes, int segments) {
  if (model.ranks == 1) return 0;
  const double s = static_cast<double>(bytes);
  if (algorithm != Algorithm::kTree) {
    Steps steps(static_cast<int>(model.ranks), algorithm, s);
    return Machine(model).Run(steps);
  }
  double best = std::numeric_limits<double>::infinity();
  for (const DueDates& dates : kDueDates) {
    Tree tree(model, s / segments, segments, dates);
    best = std::min(best, Machine(model).Run(tree));
  }
  return best;
}

}  // namespace q02
