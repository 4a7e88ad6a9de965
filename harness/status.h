// Errors as values, with context added on the way up.
#ifndef HARNESS_STATUS_H_
#define HARNESS_STATUS_H_

#include <optional>
#include <string>
#include <utility>

namespace workbench {

// Ok, or a message for a human: what was wrong, where, and, where it is known, what to do.
class [[nodiscard]] Status {
 public:
  Status() = default;
  static Status Ok() { return Status(); }
  static Status Error(std::string message) {
    Status status;
    status.message_ = std::move(message);
    return status;
  }

  bool ok() const { return !message_.has_value(); }
  // "ok" when ok().
  const std::string& message() const;

  // The same error, told as part of something larger: "context: message". Ok stays ok.
  Status WithContext(const std::string& context) const;

 private:
  std::optional<std::string> message_;
};

inline Status Error(std::string message) { return Status::Error(std::move(message)); }

// "CALL failed: strerror(errno)", as in: ErrnoError("open /tmp/x").
Status ErrnoError(const std::string& call);

// A T or the error that kept it from being made.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}          // NOLINT: implicit on purpose, `return value;`
  Result(Status status) : status_(std::move(status)) {}  // NOLINT: implicit on purpose, `return Error(...);`

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  // REQUIRES: ok()
  T& value() { return *value_; }
  const T& value() const { return *value_; }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return &*value_; }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace workbench

// Evaluates to nothing when `expression` is an ok Status; otherwise returns it from the calling function.
#define WB_RETURN_IF_ERROR(expression)             \
  do {                                             \
    ::workbench::Status wb_status_ = (expression); \
    if (!wb_status_.ok()) return wb_status_;       \
  } while (false)

#endif  // HARNESS_STATUS_H_
