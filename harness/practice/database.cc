#include "harness/practice/database.h"

#include <sqlite3.h>

namespace workbench {
namespace {

constexpr int kPatienceMs = 10000;

// `code` is an extended one.
std::string Words(int code, const std::string& path, const char* own_words) {
  const std::string folder = path.substr(0, path.find_last_of('/') + 1);
  if (code == SQLITE_IOERR_WRITE)
    return path + ": a write failed: free some space there, or lift the limit on file sizes";
  switch (code & 0xff) {
    case SQLITE_FULL:
      return path + ": the disk is full: free some space there";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return path + ": another process has kept it for 10 s: end that one, and repeat";
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return path + " cannot be written: give yourself the right to write in " + (folder.empty() ? "." : folder);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return path + " is damaged (" + own_words + ")";
    default:
      return path + ": " + own_words;
  }
}

}  // namespace

int64_t SqlRow::Integer(int column) const { return sqlite3_column_int64(statement_, column); }
double SqlRow::Real(int column) const { return sqlite3_column_double(statement_, column); }

std::string SqlRow::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return text ? std::string(text, static_cast<size_t>(sqlite3_column_bytes(statement_, column))) : std::string();
}

Result<Database> Database::Open(const std::string& path, Mode mode) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | (mode == Mode::kCreate ? SQLITE_OPEN_CREATE : 0);
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database database(path, handle);
  if (code != SQLITE_OK) return database.Failure(code);
  sqlite3_busy_timeout(handle, kPatienceMs);
  return database;
}

Database& Database::operator=(Database&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(handle_, other.handle_);
  std::swap(damaged_, other.damaged_);
  return *this;
}

Database::~Database() { sqlite3_close(handle_); }

Status Database::Failure(int code) {
  const int primary = code & 0xff;
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB) damaged_ = true;
  if (!handle_) return Error(Words(code, path_, sqlite3_errstr(code)));
  return Error(Words(sqlite3_extended_errcode(handle_), path_, sqlite3_errmsg(handle_)));
}

Status Database::Run(const std::string& sql, const std::vector<SqlValue>& values,
                     const std::function<void(const SqlRow&)>& on_row) {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v2(handle_, sql.c_str(), -1, &statement, nullptr);
  for (size_t i = 0; code == SQLITE_OK && i < values.size(); ++i) {
    const int place = static_cast<int>(i) + 1;
    if (const auto* integer = std::get_if<int64_t>(&values[i])) {
      code = sqlite3_bind_int64(statement, place, *integer);
    } else if (const auto* real = std::get_if<double>(&values[i])) {
      code = sqlite3_bind_double(statement, place, *real);
    } else {
      const auto& text = std::get<std::string>(values[i]);
      code = sqlite3_bind_text(statement, place, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    }
  }
  if (code == SQLITE_OK) {
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
      if (on_row) on_row(SqlRow(statement));
    }
  }
  Status status = code == SQLITE_DONE ? Status::Ok() : Failure(code);
  sqlite3_finalize(statement);
  return status;
}

Status Database::RunScript(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status::Ok() : Failure(code);
}

Result<int64_t> Database::Integer(const std::string& sql) {
  int64_t value = 0;
  bool first = true;
  WB_RETURN_IF_ERROR(Run(sql, {}, [&](const SqlRow& row) {
    if (std::exchange(first, false)) value = row.Integer(0);
  }));
  return value;
}

Status Database::Transaction(const std::function<Status()>& body) {
  WB_RETURN_IF_ERROR(Run("BEGIN IMMEDIATE"));
  Status status = body();
  if (status.ok()) status = Run("COMMIT");
  // After some errors SQLite has rolled back by itself; a second time does no harm.
  if (!status.ok()) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
  return status;
}

int64_t Database::last_row_id() const { return sqlite3_last_insert_rowid(handle_); }

Status Database::CopyFrom(Database& from) {
  sqlite3_backup* backup = sqlite3_backup_init(handle_, "main", from.handle_, "main");
  if (!backup) return Failure(sqlite3_errcode(handle_));
  const int code = sqlite3_backup_step(backup, -1);
  sqlite3_backup_finish(backup);
  return code == SQLITE_DONE ? Status::Ok() : from.Failure(code);
}

}  // namespace workbench
