// Philly's cluster_job_log: a JSON list of jobs, read one value at a time (the file is some 100 MB).
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/traces/trace_fields.h"
#include "harness/traces/trace_file.h"
#include "harness/traces/trace_sink.h"

namespace workbench {
namespace {

using nlohmann::json;

constexpr size_t kMaxDepth = 32;

// The dates are US Pacific time. The trace lies in August to December 2017, when clocks were set back once.
constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kClocksBackMs = 1'509'847'200'000;  // 2017-11-05 02:00:00 on the clock before

// The instant since the Unix epoch of a clock's reading. The hour from 01:00 that came twice is taken for its first.
int64_t FromPacific(int64_t clock_ms) { return clock_ms + (clock_ms < kClocksBackMs ? 7 : 8) * kHourMs; }
bool CameTwice(int64_t clock_ms) { return clock_ms >= kClocksBackMs - kHourMs && clock_ms < kClocksBackMs; }

// The bytes of the file, as the parser's input. It gives up within a text that is too long.
class Bytes {
 public:
  explicit Bytes(TraceFile* file) : file_(file) {}
  int Peek() { return file_->Peek(); }
  void Skip() {
    file_->Get();
    if (++since_token_ > kMaxTraceLine) {
      file_->Fail(file_->Here("the line is longer than " + std::to_string(kMaxTraceLine) + " bytes"));
    }
  }
  void OnToken() { since_token_ = 0; }

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = char;
    explicit Iterator(Bytes* bytes) : bytes_(bytes) {}
    char operator*() const { return static_cast<char>(bytes_->Peek()); }
    Iterator& operator++() {
      bytes_->Skip();
      return *this;
    }
    // Equal to the end (no bytes) when nothing is left.
    bool operator==(const Iterator& other) const { return Ended() == other.Ended(); }
    bool operator!=(const Iterator& other) const { return !(*this == other); }

   private:
    bool Ended() const { return bytes_ == nullptr || bytes_->Peek() < 0; }
    Bytes* bytes_;
  };

 private:
  TraceFile* file_;
  int64_t since_token_ = 0;
};

class JobLog : public nlohmann::json_sax<json> {
 public:
  JobLog(TraceFile* file, Bytes* bytes, TraceSink* sink) : file_(file), bytes_(bytes), sink_(sink) {}

  const Status& status() const { return status_; }
  bool closed() const { return closed_; }

  bool null() override { return Text(std::string()); }
  bool string(string_t& value) override { return Text(value); }
  bool boolean(bool) override { return NoText(); }
  bool number_integer(number_integer_t) override { return NoText(); }
  bool number_unsigned(number_unsigned_t) override { return NoText(); }
  bool number_float(number_float_t, const string_t&) override { return NoText(); }
  bool binary(binary_t&) override { return NoText(); }

  bool key(string_t& value) override {
    bytes_->OnToken();
    key_ = value;
    return true;
  }
  bool start_object(size_t) override { return Open(false); }
  bool start_array(size_t) override { return Open(true); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool parse_error(size_t, const std::string& token, const nlohmann::detail::exception& what) override {
    if (!file_->status().ok()) return Stop(file_->status());
    if (closed_) return Stop(file_->Here("text after the list of jobs"));
    const bool ended = std::string_view(what.what()).find("unexpected end of input") != std::string_view::npos;
    return Stop(file_->Here(ended ? "the JSON ends too early" : "this is no JSON: " + ShownText(token)));
  }

 private:
  enum class In { kNothing, kJobs, kJob, kAttempts, kAttempt, kDetails, kDetail, kGpus, kOther };

  bool Stop(Status why) {
    if (status_.ok()) status_ = std::move(why);
    return false;
  }
  TracePlace Place() const { return {file_->line(), std::max<int64_t>(file_->column(), 1)}; }
  // Of the job: the first fault is kept until its end.
  void Wrong(TracePlace place, const std::string& message) {
    if (wrong_.ok()) wrong_ = file_->At(place.line, place.column, message);
  }
  In Inside() const { return inside_.empty() ? In::kNothing : inside_.back(); }

  // What an object or list is, from where it stands.
  In Meaning(bool list) const {
    switch (Inside()) {
      case In::kNothing:
        return list ? In::kJobs : In::kOther;
      case In::kJobs:
        return list ? In::kOther : In::kJob;
      case In::kJob:
        return list && key_ == "attempts" ? In::kAttempts : In::kOther;
      case In::kAttempts:
        return list ? In::kOther : In::kAttempt;
      case In::kAttempt:
        return list && key_ == "detail" ? In::kDetails : In::kOther;
      case In::kDetails:
        return list ? In::kOther : In::kDetail;
      case In::kDetail:
        return list && key_ == "gpus" ? In::kGpus : In::kOther;
      case In::kGpus:
      case In::kOther:
        break;
    }
    return In::kOther;
  }

  bool Open(bool list) {
    bytes_->OnToken();
    const In outside = Inside(), inside = Meaning(list);
    if (outside == In::kNothing && inside == In::kOther) {
      return Stop(file_->Here("an object, where the job log is a list of jobs"));
    }
    if (outside == In::kJobs && inside == In::kOther) return Stop(file_->Here("a list, where a job is expected"));
    if (outside != In::kOther && inside == In::kOther && IsKnownKey(outside)) {
      Wrong(Place(), (key_.empty() ? "" : key_ + ": ") + (list ? "a list" : "an object") + " is not what belongs here");
    }
    if (inside_.size() >= kMaxDepth) return Stop(file_->Here("lists and objects within one another, too deep"));
    inside_.push_back(inside);
    if (inside == In::kJob) BeginJob();
    if (inside == In::kAttempts) seen_attempts_ = true;
    if (inside == In::kAttempt) attempt_ = Attempt();
    if (inside == In::kDetail) ++attempt_.nodes;
    key_.clear();
    return true;
  }

  bool Close() {
    bytes_->OnToken();
    const In inside = Inside();
    inside_.pop_back();
    key_.clear();
    if (inside == In::kJob) return EndJob();
    if (inside == In::kAttempt) EndAttempt();
    if (inside == In::kJobs) closed_ = true;
    return true;
  }

  bool IsKnownKey(In where) const {
    switch (where) {
      case In::kJob:
        return key_ == "status" || key_ == "vc" || key_ == "jobid" || key_ == "attempts" || key_ == "submitted_time" ||
               key_ == "user";
      case In::kAttempt:
        return key_ == "start_time" || key_ == "end_time" || key_ == "detail";
      case In::kDetail:
        return key_ == "ip" || key_ == "gpus";
      case In::kAttempts:
      case In::kDetails:
      case In::kGpus:
        return true;
      case In::kNothing:
      case In::kJobs:
      case In::kOther:
        break;
    }
    return false;
  }

  bool NoText() {
    bytes_->OnToken();
    if (Inside() == In::kNothing || Inside() == In::kJobs) return Stop(file_->Here("a value, where a job is expected"));
    if (IsKnownKey(Inside())) Wrong(Place(), (key_.empty() ? "a member" : key_) + " is no text");
    return true;
  }

  // A text, or null as "".
  bool Text(const std::string& value) {
    bytes_->OnToken();
    if (value.find('\0') != std::string::npos) Wrong(Place(), "a NUL byte within a text");
    switch (Inside()) {
      case In::kNothing:
      case In::kJobs:
        return Stop(file_->Here("a value, where a job is expected"));
      case In::kJob:
        JobText(value);
        break;
      case In::kAttempt:
        if (key_ == "start_time") attempt_.start = MaybeDate(value, &attempt_.start_place);
        if (key_ == "end_time") attempt_.end = MaybeDate(value, &attempt_.end_place);
        if (key_ == "detail" && !value.empty()) Wrong(Place(), "detail is no list");
        break;
      case In::kGpus:
        ++attempt_.gpus;
        break;
      case In::kAttempts:
      case In::kDetails:
        Wrong(Place(), "a text, where an object is expected");
        break;
      case In::kDetail:
      case In::kOther:
        break;
    }
    return true;
  }

  void JobText(const std::string& value) {
    if (key_ == "jobid") {
      job_.name = value;
      places_.name = Place();
      seen_name_ = true;
    } else if (key_ == "status") {
      job_.status = value;
      seen_status_ = true;
    } else if (key_ == "vc") {
      job_.tenant = value;
      seen_vc_ = true;
    } else if (key_ == "user") {
      job_.user = value;
      seen_user_ = true;
    } else if (key_ == "submitted_time") {
      seen_submitted_ = true;
      const Result<int64_t> date = ParseDate(value);
      if (date.ok()) {
        job_.submit_ms = FromPacific(*date);
      } else {
        Wrong(Place(), "submitted_time: " + date.status().message());
      }
    } else if (key_ == "attempts") {
      Wrong(Place(), "attempts is no list");
    }
  }

  // The clock's reading.
  int64_t MaybeDate(const std::string& text, TracePlace* place) {
    *place = Place();
    if (IsUnknownText(text)) return kUnknownTime;
    const Result<int64_t> date = ParseDate(text);
    if (date.ok()) return *date;
    Wrong(*place, key_ + ": " + date.status().message());
    return kUnknownTime;
  }

  void BeginJob() {
    job_ = TraceJob();
    job_.nodes = 0;
    begin_ = Place();
    places_ = {begin_, begin_, begin_, begin_};
    seen_name_ = seen_status_ = seen_vc_ = seen_user_ = seen_submitted_ = seen_attempts_ = false;
    last_end_ = kUnknownTime;
    wrong_ = Status::Ok();
  }

  void EndAttempt() {
    if (job_.gpus == 0 && attempt_.gpus > 0) {
      if (attempt_.gpus > kMaxTraceGpus) Wrong(Place(), "too many GPUs");
      job_.gpus = static_cast<int32_t>(std::min(attempt_.gpus, kMaxTraceGpus));
      job_.nodes = attempt_.nodes;
    }
    if (job_.start_ms == kUnknownTime && attempt_.start != kUnknownTime) {
      job_.start_ms = FromPacific(attempt_.start);
      places_.start = attempt_.start_place;
    }
    last_end_ = attempt_.end;  // also when it is not known: the job still ran then
    places_.end = attempt_.end_place;
  }

  bool EndJob() {
    job_.gpu_milli = job_.gpus > 0 ? 1000 : 0;
    job_.nodes = std::max(job_.nodes, 1);
    if (last_end_ != kUnknownTime) {
      job_.end_ms = FromPacific(last_end_);
      // It ended in the second of the two hours.
      if (CameTwice(last_end_) && job_.end_ms < std::max(job_.start_ms, job_.submit_ms)) job_.end_ms += kHourMs;
    }
    const auto need = [&](bool seen, const std::string& name) {
      if (!seen) Wrong(begin_, "the job has no '" + name + "'");
    };
    need(seen_name_, "jobid");
    need(seen_submitted_, "submitted_time");
    need(seen_attempts_, "attempts");
    need(seen_status_, "status");
    need(seen_vc_, "vc");
    need(seen_user_, "user");
    Status done = wrong_.ok() ? sink_->AddJob(*file_, std::move(job_), places_) : sink_->BadRow(wrong_);
    return done.ok() || Stop(std::move(done));
  }

  struct Attempt {
    int64_t start = kUnknownTime, end = kUnknownTime;  // readings of the clock
    TracePlace start_place, end_place;
    int64_t gpus = 0;
    int32_t nodes = 0;
  };

  TraceFile* file_;
  Bytes* bytes_;
  TraceSink* sink_;
  Status status_;
  std::vector<In> inside_;
  bool closed_ = false;
  std::string key_;

  TraceJob job_;
  TraceJobPlaces places_;
  TracePlace begin_;
  bool seen_name_ = false, seen_status_ = false, seen_vc_ = false, seen_user_ = false, seen_submitted_ = false,
       seen_attempts_ = false;
  Attempt attempt_;
  int64_t last_end_ = kUnknownTime;
  Status wrong_;
};

}  // namespace

Status ReadPhillyJobs(TraceFile* file, TraceSink* sink) {
  Bytes bytes(file);
  JobLog log(file, &bytes, sink);
  json::sax_parse(Bytes::Iterator(&bytes), Bytes::Iterator(nullptr), &log);
  if (!file->status().ok()) return file->status();
  if (!log.status().ok()) return log.status();
  if (!log.closed()) return file->Here("the JSON ends too early");
  return Status::Ok();
}

}  // namespace workbench
