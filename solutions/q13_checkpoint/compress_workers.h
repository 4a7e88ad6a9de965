// Threads for q13's part E, each with a zstd context of its own.
#ifndef SOLUTIONS_Q13_CHECKPOINT_COMPRESS_WORKERS_H_
#define SOLUTIONS_Q13_CHECKPOINT_COMPRESS_WORKERS_H_

#include <zstd.h>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace q13 {

inline constexpr size_t kMostThreads = 16;
inline constexpr size_t kFewChunks = 4;  // up to so many are not worth a thread

// What a thread keeps from chunk to chunk.
struct Codec {
  struct Free {
    void operator()(ZSTD_CCtx* context) const { (void)ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const { (void)ZSTD_freeDCtx(context); }
  };
  std::unique_ptr<ZSTD_CCtx, Free> compressor{ZSTD_createCCtx()};
  std::unique_ptr<ZSTD_DCtx, Free> decompressor{ZSTD_createDCtx()};
  std::vector<std::byte> attempts[2];

  Codec() {
    if (compressor == nullptr || decompressor == nullptr) throw std::bad_alloc();
  }
};

// Threads that work on batches. With none of them, Submit does the work. A job that throws makes its batch fail.
class Workers {
 public:
  using Job = std::function<void(Codec&)>;

  explicit Workers(size_t chunks) {
    const size_t wanted = std::min({chunks, kMostThreads, size_t{std::max(1u, std::thread::hardware_concurrency())}});
    try {
      for (size_t i = 0; chunks > kFewChunks && wanted > 1 && i < wanted; ++i)
        threads_.emplace_back([this] { Loop(); });
    } catch (const std::system_error&) {  // fewer, then
    }
  }
  ~Workers() {
    {
      const std::lock_guard lock(mutex_);
      jobs_.clear();
      closed_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  size_t parallelism() const { return std::max<size_t>(1, threads_.size()); }

  void Submit(size_t batch, Job job) {
    if (threads_.empty()) {
      if (own_ == nullptr) own_ = std::make_unique<Codec>();
      job(*own_);
      return;
    }
    {
      const std::lock_guard lock(mutex_);
      jobs_.emplace_back(batch % 2, std::move(job));
      ++pending_[batch % 2];
    }
    changed_.notify_all();
  }
  // Until the jobs of `batch` are done.
  void Wait(size_t batch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return pending_[batch % 2] == 0; });
    if (failed_) throw std::bad_alloc();
  }

 private:
  void Loop() {
    std::unique_ptr<Codec> codec;
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return closed_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      auto [slot, job] = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      bool failed = false;
      try {
        if (codec == nullptr) codec = std::make_unique<Codec>();
        job(*codec);
      } catch (...) {
        failed = true;
      }
      lock.lock();
      failed_ = failed_ || failed;
      if (--pending_[slot] == 0) changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<size_t, Job>> jobs_;
  size_t pending_[2] = {};
  bool closed_ = false, failed_ = false;
  std::unique_ptr<Codec> own_;
  std::vector<std::thread> threads_;
};

}  // namespace q13

#endif  // SOLUTIONS_Q13_CHECKPOINT_COMPRESS_WORKERS_H_
