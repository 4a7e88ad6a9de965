#include "harness/status.h"

#include <cerrno>
#include <cstring>

namespace workbench {

const std::string& Status::message() const {
  static const std::string ok_message = "ok";
  return message_ ? *message_ : ok_message;
}

Status Status::WithContext(const std::string& context) const {
  return ok() ? *this : Error(context + ": " + *message_);
}

Status ErrnoError(const std::string& call) {
  const int error = errno;
  return Error(call + " failed: " + std::strerror(error));
}

}  // namespace workbench
