#include "harness/launch/channel.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace workbench {
namespace {

struct FrameHeader {
  uint32_t magic;
  uint32_t kind;
  uint64_t bytes;
};
constexpr uint32_t kMagic = 0x57424348;  // "WBCH"
// Larger than any honest reply (a 4 GiB buffer); a wild length must not become an allocation.
constexpr uint64_t kMaxPayload = uint64_t{1} << 34;

Status WriteAll(int fd, const void* data, size_t bytes) {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t n = send(fd, at, bytes, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EINTR) continue;
      return ErrnoError("send to the other end of a run");
    }
    at += n;
    bytes -= static_cast<size_t>(n);
  }
  return Status::Ok();
}

Status ReadAll(int fd, void* data, size_t bytes) {
  char* at = static_cast<char*>(data);
  while (bytes > 0) {
    const ssize_t n = recv(fd, at, bytes, 0);
    if (n == 0) return Error("closed");
    if (n < 0) {
      if (errno == EINTR) continue;
      return ErrnoError("receive from the other end of a run");
    }
    at += n;
    bytes -= static_cast<size_t>(n);
  }
  return Status::Ok();
}

}  // namespace

Status SendMessage(int fd, MessageKind kind, std::span<const std::byte> payload) {
  const FrameHeader header{kMagic, static_cast<uint32_t>(kind), payload.size()};
  WB_RETURN_IF_ERROR(WriteAll(fd, &header, sizeof header));
  return WriteAll(fd, payload.data(), payload.size());
}

Status SendText(int fd, MessageKind kind, const std::string& text) {
  return SendMessage(fd, kind, std::as_bytes(std::span(text)));
}

Result<Message> ReceiveMessage(int fd) {
  FrameHeader header;
  WB_RETURN_IF_ERROR(ReadAll(fd, &header, sizeof header));
  if (header.magic != kMagic || header.bytes > kMaxPayload) return Error("the stream is not a workbench channel");
  Message message{static_cast<MessageKind>(header.kind), std::vector<std::byte>(header.bytes)};
  WB_RETURN_IF_ERROR(ReadAll(fd, message.payload.data(), message.payload.size()));
  return message;
}

bool FrameReader::StartsWell() const {
  FrameHeader header;
  if (buffer_.size() - begin_ < sizeof header) return true;  // not known yet
  std::memcpy(&header, buffer_.data() + begin_, sizeof header);
  return header.magic == kMagic && header.bytes <= kMaxPayload;
}

bool FrameReader::ReadSome(int fd) {
  // The buffer grows with what has come, not with what a header promises: anyone can promise.
  constexpr size_t kPiece = size_t{1} << 18;
  if (!StartsWell()) return false;
  const size_t old_size = buffer_.size();
  buffer_.resize(old_size + kPiece);
  const ssize_t n = recv(fd, buffer_.data() + old_size, kPiece, MSG_DONTWAIT);
  buffer_.resize(old_size + static_cast<size_t>(n > 0 ? n : 0));
  if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  return n > 0 && StartsWell();
}

bool FrameReader::Next(Message* message) {
  FrameHeader header;
  if (buffer_.size() - begin_ < sizeof header) return false;
  std::memcpy(&header, buffer_.data() + begin_, sizeof header);
  if (header.magic != kMagic || header.bytes > buffer_.size() - begin_ - sizeof header) return false;
  const std::byte* payload = buffer_.data() + begin_ + sizeof header;
  message->kind = static_cast<MessageKind>(header.kind);
  message->payload.assign(payload, payload + header.bytes);
  begin_ += sizeof header + header.bytes;
  if (begin_ == buffer_.size()) {
    buffer_.clear();
    begin_ = 0;
  }
  return true;
}

Result<int> ListenUnix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Error("socket path is too long: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return ErrnoError("socket(AF_UNIX)");
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd, 128) != 0) {
    Status status = ErrnoError("bind " + path);
    close(fd);
    return status;
  }
  return fd;
}

Result<int> ListenTcp(const std::string& host, std::string* address) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), "0", &hints, &found); error != 0) {
    return Error("cannot resolve '" + host + "' to listen on: " + gai_strerror(error));
  }
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in bound{};
  socklen_t length = sizeof bound;
  const bool good = fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 128) == 0 &&
                    getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length) == 0;
  freeaddrinfo(found);
  if (!good) {
    Status status = ErrnoError("listen on " + host);
    if (fd >= 0) close(fd);
    return status;
  }
  *address = host + ":" + std::to_string(ntohs(bound.sin_port));
  return fd;
}

Result<int> Connect(const std::string& address) {
  if (address.rfind("unix:", 0) == 0) {
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    const std::string path = address.substr(5);
    if (path.size() >= sizeof where.sun_path) return Error("socket path is too long: " + path);
    std::memcpy(where.sun_path, path.c_str(), path.size() + 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return ErrnoError("socket(AF_UNIX)");
    if (connect(fd, reinterpret_cast<sockaddr*>(&where), sizeof where) != 0) {
      Status status = ErrnoError("connect to " + path);
      close(fd);
      return status;
    }
    return fd;
  }
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return Error("not an address: '" + address + "'");
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error =
          getaddrinfo(address.substr(0, colon).c_str(), address.substr(colon + 1).c_str(), &hints, &found);
      error != 0) {
    return Error("cannot resolve '" + address + "': " + gai_strerror(error));
  }
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool good = fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0;
  freeaddrinfo(found);
  if (!good) {
    Status status = ErrnoError("connect to " + address);
    if (fd >= 0) close(fd);
    return status;
  }
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

}  // namespace workbench
