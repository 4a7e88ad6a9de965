// Framed messages over a stream socket between the grader and the ranks it runs.
#ifndef HARNESS_LAUNCH_CHANNEL_H_
#define HARNESS_LAUNCH_CHANNEL_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/status.h"

namespace workbench {

enum class MessageKind : uint32_t {
  // rank to grader
  kHello = 1,      // RankHello
  kReady = 2,      // the implementation is loaded
  kReply = 3,      // the case has run; the question's own payload
  kError = 4,      // text: the run cannot go on (wrong use of the transport, a CUDA error, ...); ErrorPayload
  kBlocked = 5,    // text: what this rank has been waiting for, for a while
  kUnblocked = 6,  // it goes on
  kCrash = 7,      // CrashPayload: a signal, with return addresses inside the implementation
  // grader to rank
  kCase = 16,  // the question's own payload
  kQuit = 17,
};

// First word of a kError payload; the rest is text.
enum class ErrorKind : uint32_t { kImplementation = 1, kDevice = 2, kForbidden = 3, kHarness = 4, kLoad = 5 };

struct RankHello {
  uint64_t token;
  int32_t rank;
  int32_t pid;
};

struct CrashPayload {
  int32_t signal;
  int32_t frames;
  uint64_t fault_address;
  uint64_t offsets[24];  // of return addresses, from the start of the implementation's shared object
};

struct Message {
  MessageKind kind;
  std::vector<std::byte> payload;

  std::string Text() const { return std::string(reinterpret_cast<const char*>(payload.data()), payload.size()); }
};

// Writes the whole frame, or returns an error (a closed peer included).
Status SendMessage(int fd, MessageKind kind, std::span<const std::byte> payload);
Status SendText(int fd, MessageKind kind, const std::string& text);

// Blocks until a whole frame is there. An orderly close in front of a frame is the error "closed".
Result<Message> ReceiveMessage(int fd);

// Collects the bytes of one non-blocking socket into frames.
class FrameReader {
 public:
  // Reads what is there. False when the peer has closed or the stream is not what we speak.
  bool ReadSome(int fd);
  // The next whole frame, if there is one.
  bool Next(Message* message);

 private:
  // False when the bytes at hand cannot be the beginning of a frame.
  bool StartsWell() const;

  std::vector<std::byte> buffer_;
  size_t begin_ = 0;
};

// Listens on a Unix socket at `path`. A path of more than 107 bytes is an error.
Result<int> ListenUnix(const std::string& path);
// Listens on any free TCP port of `host` (a name or address of this machine); `address` becomes "host:port".
Result<int> ListenTcp(const std::string& host, std::string* address);
// Connects to "unix:/path" or "host:port".
Result<int> Connect(const std::string& address);

}  // namespace workbench

#endif  // HARNESS_LAUNCH_CHANNEL_H_
