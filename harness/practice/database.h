// SQLite with errors as values: statements with bound values, and words for the failures that people meet.
#ifndef HARNESS_PRACTICE_DATABASE_H_
#define HARNESS_PRACTICE_DATABASE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "harness/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace workbench {

using SqlValue = std::variant<int64_t, double, std::string>;

// One row of an answer; columns count from 0. A column that is null reads as 0 or "".
class SqlRow {
 public:
  explicit SqlRow(sqlite3_stmt* statement) : statement_(statement) {}
  int64_t Integer(int column) const;
  double Real(int column) const;
  std::string Text(int column) const;

 private:
  sqlite3_stmt* statement_;
};

// One connection. Every error names the file. Another process's writing is waited for, 10 s at most.
class Database {
 public:
  enum class Mode {
    kCreate,    // for writing; made when it is not there
    kExisting,  // for writing if that is allowed, else for reading; an error when it is not there
  };
  // ":memory:" is a database of this process alone.
  static Result<Database> Open(const std::string& path, Mode mode);
  Database(Database&& other) noexcept
      : path_(std::move(other.path_)), handle_(std::exchange(other.handle_, nullptr)), damaged_(other.damaged_) {}
  Database& operator=(Database&& other) noexcept;
  ~Database();

  // Runs one statement, with a value for each `?`, and hands each row to `on_row`.
  Status Run(const std::string& sql, const std::vector<SqlValue>& values = {},
             const std::function<void(const SqlRow&)>& on_row = {});
  // Runs several statements that have no values and whose rows nobody wants.
  Status RunScript(const std::string& sql);
  // The first column of the first row; 0 when there is none.
  Result<int64_t> Integer(const std::string& sql);
  // `body` as one transaction that holds the right to write from its beginning: all of it or nothing.
  Status Transaction(const std::function<Status()>& body);
  int64_t last_row_id() const;
  // Takes over everything that is in `from`.
  Status CopyFrom(Database& from);

  // An error of this connection meant that the file is no database, or that one is broken.
  bool damaged() const { return damaged_; }
  const std::string& path() const { return path_; }

 private:
  Database(std::string path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}
  Status Failure(int code);

  std::string path_;
  sqlite3* handle_;
  bool damaged_ = false;
};

}  // namespace workbench

#endif  // HARNESS_PRACTICE_DATABASE_H_
