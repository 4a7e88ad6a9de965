// Part A's judge: from what the cluster is like before a Decide it works out, plainly and from api.h's definitions
// alone, which jobs have to run after it, and what has to be promised.
#ifndef QUESTIONS_Q07_SCHEDULING_POLICY_JUDGE_H_
#define QUESTIONS_Q07_SCHEDULING_POLICY_JUDGE_H_

#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "questions/q07_scheduling/policy_case.h"
#include "questions/q07_scheduling/simulator.h"

namespace q07 {

inline constexpr Time kForever = std::numeric_limits<Time>::max();

// length * 2^k for the smallest k >= 0 with ran < length * 2^k; kForever for kUnknown, and for what is greater than
// that.
Time ExpectedRunTime(Time length, Time ran);

// What has to be so once Decide has returned. Jobs are indices.
struct PolicyExpectation {
  std::vector<int32_t> order;        // as the policy goes through them
  std::set<int32_t> running;         // after Decide
  int32_t head = -1;                 // kEasy: the job with the reservation
  Time shadow = 0;                   // its time; kForever: none is known
  int64_t extra = 0;                 // GPUs, before anything is backfilled
  std::map<int32_t, Time> places;    // kConservative: of every job that has been queued
  std::map<int32_t, Time> promises;  // of each job that has to have one
};

PolicyExpectation Expect(const PolicyParameters& parameters, const ClusterState& state);

// Judges a run. Its rules: wrong_jobs (others run than should), needless_preemption, promise_missing, promise_wrong.
class PolicyOracle : public PolicyJudge {
 public:
  // `describe`: keeps words for the report, which takes time at every Decide.
  explicit PolicyOracle(const PolicyParameters& parameters, bool describe = false)
      : parameters_(parameters), describe_(describe) {}

  bool BeforeDecide(const ClusterState& state, Violation* violation) override;
  bool BeforeAction(const ClusterState& state, const Action& action, Violation* violation) override;
  bool AfterDecide(const ClusterState& state, Violation* violation) override;

  // Of the Decide that was judged last, for the report: what should have been, and what the cluster was like.
  const std::string& expected() const { return expected_; }
  std::string Situation() const { return situation_; }
  int64_t decisions() const { return decisions_; }
  // The sum over time of the jobs in the system and of those that queue, taken at each Decide: for Little's law.
  int64_t job_time() const { return job_time_; }
  int64_t queue_time() const { return queue_time_; }

 private:
  bool Complain(const ClusterState& state, const std::string& rule, int32_t job, const std::string& message,
                const std::string& expected, Violation* violation);
  std::string Why(const ClusterState& state, int32_t job) const;
  std::string Describe(const ClusterState& state) const;

  PolicyParameters parameters_;
  bool describe_;
  PolicyExpectation expectation_;
  std::set<int32_t> ran_before_;
  std::string expected_, situation_;
  std::string before_;
  int64_t decisions_ = 0, job_time_ = 0, queue_time_ = 0;
  Time last_ = 0;
  int64_t in_system_ = 0, in_queue_ = 0;
};

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_POLICY_JUDGE_H_
