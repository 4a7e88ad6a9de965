// Several large requests in flight on a file that is open with O_DIRECT: by io_uring where the kernel lets, else one
// after the other.
#ifndef HARNESS_FILES_DIRECT_QUEUE_H_
#define HARNESS_FILES_DIRECT_QUEUE_H_

#include <cstdint>
#include <memory>
#include <vector>

namespace workbench {

// What O_DIRECT asks of offsets and lengths. Disks ask for 512 or 4096.
inline constexpr int64_t kDirectAlignment = 4096;

struct DirectQueueOptions {
  bool uring = true;
  int32_t depth = 2;
  int64_t block = 8 << 20;  // bytes of a request, at most; a multiple of kDirectAlignment. Writes that make a file
                            // longer wait for each other in ext4: many small ones gain nothing
};

// For one thread at a time.
class DirectQueue {
 public:
  explicit DirectQueue(const DirectQueueOptions& options);
  ~DirectQueue();
  DirectQueue(const DirectQueue&) = delete;
  DirectQueue& operator=(const DirectQueue&) = delete;

  bool uses_uring() const { return ring_ != nullptr; }

  // How many bytes were written from `offset` on without a gap (what lies behind may have been, too), or minus an errno
  // where that is none. `offset` and `bytes` are multiples of kDirectAlignment, `data` is anywhere.
  int64_t Write(int fd, int64_t offset, const void* data, int64_t bytes);
  // Likewise, from and to anywhere; fewer at the end of the file.
  int64_t Read(int fd, int64_t offset, void* data, int64_t bytes);

 private:
  struct Ring;
  struct Slot;
  struct Transfer;

  int64_t Run(Transfer* transfer);
  bool Start(Transfer* transfer, int32_t slot);
  void Finish(Transfer* transfer, int32_t slot, int64_t result);

  DirectQueueOptions options_;
  std::unique_ptr<Ring> ring_;
  std::vector<Slot> slots_;
};

}  // namespace workbench

#endif  // HARNESS_FILES_DIRECT_QUEUE_H_
