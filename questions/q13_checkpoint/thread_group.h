// Ranks as threads of one process: a Group for each, and a judge's turn at whose operation comes next.
#ifndef QUESTIONS_Q13_CHECKPOINT_THREAD_GROUP_H_
#define QUESTIONS_Q13_CHECKPOINT_THREAD_GROUP_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "questions/q13_checkpoint/api.h"

namespace q13 {

// Makes the order of the ranks' operations a function of a seed: an operation begins when every rank is at one, or
// waits for the others, or has ended, and it is this one's turn. A rank that does nothing for a while is not waited
// for.
class TurnOrder {
 public:
  TurnOrder(int ranks, uint64_t seed);

  void BeforeOperation(int rank);     // for MemoryIo::SetBeforeOperation
  void SetIdle(int rank, bool idle);  // it waits for others, or has ended

 private:
  struct Place {
    int waiting = 0;  // threads of that rank at an operation
    bool chosen = false;
    int idle = 0;
  };
  void Choose();
  bool Ready() const;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Place> places_;
  uint64_t random_;
  bool someone_chosen_ = false;
};

// A group of N ranks. It lives as long as what runs on it. A rank whose body has ended is gone once the others wait for
// it, so that an answer that gathers on some ranks only ends, too.
class ThreadGroup {
 public:
  explicit ThreadGroup(int ranks, TurnOrder* order = nullptr);
  ~ThreadGroup();

  int size() const { return static_cast<int>(groups_.size()); }
  Group* rank(int rank);  // each is to be used by one rank's threads

  // Calls body(rank) on a thread for each, and waits for all.
  void Run(const std::function<void(int)>& body);
  // All ranks' bodies come here, then go on; false when one of them never will. Not seen by the answer.
  bool Meet(int rank);
  // From its so-many-th AllGather from now on (0: the next), rank is gone: AllGather gives false, to all.
  void LoseAt(int rank, int64_t gather);
  bool lost() const;
  int64_t gathers(int rank) const;  // of that rank, so far
  // What no right answer does, in a sentence; empty: nothing.
  std::string misuse() const;

 private:
  class Meeting;
  class RankGroup;

  TurnOrder* order_;
  std::unique_ptr<Meeting> answers_;  // AllGather
  std::unique_ptr<Meeting> judges_;   // Meet
  std::vector<std::unique_ptr<RankGroup>> groups_;
};

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_THREAD_GROUP_H_
