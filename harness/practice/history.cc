#include "harness/practice/history.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace workbench {
namespace {

namespace fs = std::filesystem;

// "wbhi": says that a SQLite file is ours.
constexpr int64_t kApplicationId = 0x77626869;

// Why the file is not a history that can be used; empty when it is one, or is empty and can become one. One statement:
// another process may be making it one, and between two of ours it would be neither.
Result<std::string> WhyUnusable(Database& database) {
  const std::string ours = std::to_string(kApplicationId);
  Result<int64_t> usable =
      database.Integer("SELECT application_id = " + ours +
                       " OR (application_id = 0 AND user_version = 0 AND (SELECT count(*) FROM sqlite_master) = 0) "
                       "FROM pragma_application_id, pragma_user_version");
  if (usable.ok()) return std::string(*usable != 0 ? "" : "is not a history of the workbench");
  if (database.damaged()) return std::string("is damaged");
  return usable.status();
}

Status BringUpToDate(Database& database, const std::vector<std::string>& steps) {
  const auto newest = static_cast<int64_t>(steps.size());
  while (true) {
    Result<int64_t> seen = database.Integer("PRAGMA user_version");
    if (!seen.ok()) return seen.status();
    if (*seen >= newest) return Status::Ok();
    WB_RETURN_IF_ERROR(database.Transaction([&]() -> Status {
      Result<int64_t> version = database.Integer("PRAGMA user_version");  // another process may have been faster
      if (!version.ok()) return version.status();
      if (*version >= newest) return Status::Ok();
      WB_RETURN_IF_ERROR(database.RunScript(steps[static_cast<size_t>(*version)]));
      WB_RETURN_IF_ERROR(database.RunScript("PRAGMA application_id = " + std::to_string(kApplicationId)));
      return database.RunScript("PRAGMA user_version = " + std::to_string(*version + 1));
    }));
  }
}

GradeRecord GradeOf(const SqlRow& row) {
  GradeRecord grade;
  grade.id = row.Integer(0);
  grade.time_ms = row.Integer(1);
  grade.question = row.Text(2);
  grade.part = row.Text(3);
  grade.implementation = row.Text(4);
  grade.mode = row.Text(5);
  grade.seed = std::strtoull(row.Text(6).c_str(), nullptr, 10);
  grade.earned = row.Real(7);
  grade.possible = row.Real(8);
  grade.not_graded = row.Real(9);
  grade.lead = row.Text(10);
  grade.seconds = row.Real(11);
  grade.sources = row.Text(12);
  return grade;
}

constexpr char kGradeColumns[] =
    "SELECT id, time_ms, question, part, implementation, mode, seed, earned, possible, not_graded, lead, seconds, "
    "sources "
    "FROM grades ";

// Closes, and with it unlocks, at the end of its scope.
struct Lock {
  explicit Lock(const std::string& path) : fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    while (fd >= 0 && flock(fd, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~Lock() {
    if (fd >= 0) close(fd);
  }
  int fd;
};

}  // namespace

Status MoveAside(const std::string& path, const std::string& why, const History::Listener& listener) {
  const Lock lock(path + ".lock");
  {
    // Another process may have done it, and begun a new one.
    Result<Database> again = Database::Open(path, Database::Mode::kExisting);
    if (!again.ok()) return Status::Ok();
    Result<std::string> fault = WhyUnusable(*again);
    if (fault.ok() && fault->empty()) {
      Result<int64_t> faults = again->Integer("SELECT count(*) FROM pragma_quick_check WHERE quick_check <> 'ok'");
      if (faults.ok() && *faults == 0) return Status::Ok();
    }
  }
  for (int number = 1;; ++number) {
    const std::string aside = path + ".damaged-" + std::to_string(number);
    // link, not rename: it never replaces an older one.
    if (link(path.c_str(), aside.c_str()) != 0) {
      if (errno == EEXIST) continue;
      if (errno != EPERM && errno != EOPNOTSUPP) return ErrnoError("move " + path + ", which " + why + ", to " + aside);
      // A file system without links.
      if (fs::exists(aside)) continue;
      if (std::rename(path.c_str(), aside.c_str()) != 0) {
        return ErrnoError("move " + path + ", which " + why + ", to " + aside);
      }
    } else if (unlink(path.c_str()) != 0) {
      return ErrnoError("move " + path + ", which " + why + ", to " + aside);
    }
    // Its journal must not be taken for the new file's.
    std::rename((path + "-journal").c_str(), (aside + "-journal").c_str());
    listener(path + " " + why + ": it is now " + aside + ", and a new history is begun");
    return Status::Ok();
  }
}

Result<History> History::OpenExisting(Database database, Access access, const std::vector<std::string>& steps) {
  Result<int64_t> version = database.Integer("PRAGMA user_version");
  if (!version.ok()) return version.status();
  if (*version > static_cast<int64_t>(steps.size())) {
    return Error(database.path() + " is from a newer workbench (version " + std::to_string(*version) +
                 ", this one knows " + std::to_string(steps.size()) + "): update this checkout; nothing was changed");
  }
  Status settings = database.RunScript("PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA;");
  if (settings.ok()) settings = BringUpToDate(database, steps);
  if (settings.ok()) return History(std::move(database));
  if (access == Access::kWrite) return settings;
  // It can be read at least: an up-to-date copy in memory.
  Result<Database> copy = Database::Open(":memory:", Database::Mode::kCreate);
  if (!copy.ok()) return copy.status();
  WB_RETURN_IF_ERROR(copy->CopyFrom(database));
  WB_RETURN_IF_ERROR(BringUpToDate(*copy, steps));
  return History(std::move(*copy));
}

Result<History> History::Open(const std::string& path, Access access, const Listener& listener,
                              const std::vector<std::string>& steps) {
  std::error_code none;
  if (access == Access::kRead && !fs::exists(path, none)) {
    Result<Database> nothing = Database::Open(":memory:", Database::Mode::kCreate);
    if (!nothing.ok()) return nothing.status();
    return OpenExisting(std::move(*nothing), Access::kWrite, steps);
  }
  if (access == Access::kWrite) fs::create_directories(fs::path(path).parent_path(), none);
  for (bool first = true;; first = false) {
    Result<Database> database = Database::Open(path, Database::Mode::kCreate);
    if (!database.ok()) return database.status();
    Result<std::string> why = WhyUnusable(*database);
    if (!why.ok()) return why.status();
    if (why->empty()) return OpenExisting(std::move(*database), access, steps);
    if (!first) return Error(path + " " + *why + ", and so is the one begun in its place");
    WB_RETURN_IF_ERROR(MoveAside(path, *why, listener));
  }
}

Status WithHistory(const std::string& path, History::Access access, const History::Listener& listener,
                   const std::function<Status(History&)>& use) {
  for (bool first = true;; first = false) {
    Result<History> history = History::Open(path, access, listener);
    if (!history.ok()) return history.status();
    Status status = use(*history);
    if (status.ok() || !first || !history->damaged()) return status;
    WB_RETURN_IF_ERROR(MoveAside(path, "is damaged", listener));
  }
}

Result<int64_t> History::Add(const GradeRecord& grade) {
  int64_t id = 0;
  WB_RETURN_IF_ERROR(database_.Transaction([&]() -> Status {
    WB_RETURN_IF_ERROR(database_.Run(
        "INSERT INTO grades (time_ms, question, part, implementation, mode, seed, earned, possible, not_graded, lead, "
        "seconds, sources) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        {grade.time_ms, ValidUtf8(grade.question), ValidUtf8(grade.part), ValidUtf8(grade.implementation),
         ValidUtf8(grade.mode), std::to_string(grade.seed), grade.earned, grade.possible, grade.not_graded,
         ValidUtf8(grade.lead), grade.seconds, ValidUtf8(grade.sources)}));
    id = database_.last_row_id();
    int64_t place = 0;
    for (const CheckRecord& check : grade.checks) {
      WB_RETURN_IF_ERROR(
          database_.Run("INSERT INTO checks (grade, place, id, verdict, marks, earned) VALUES (?, ?, ?, ?, ?, ?)",
                        {id, place++, ValidUtf8(check.id), ValidUtf8(check.verdict), check.marks, check.earned}));
    }
    return Status::Ok();
  }));
  return id;
}

Result<int64_t> History::Add(const EventRecord& event) {
  WB_RETURN_IF_ERROR(database_.Transaction([&] {
    return database_.Run("INSERT INTO events (time_ms, kind, question, detail) VALUES (?, ?, ?, ?)",
                         {event.time_ms, ValidUtf8(event.kind), ValidUtf8(event.question), ValidUtf8(event.detail)});
  }));
  return database_.last_row_id();
}

Status History::Set(const std::string& question, const std::string& key, const std::string& value) {
  return database_.Transaction([&] {
    return database_.Run(
        "INSERT INTO settings (question, key, value) VALUES (?, ?, ?) "
        "ON CONFLICT (question, key) DO UPDATE SET value = excluded.value",
        {ValidUtf8(question), ValidUtf8(key), ValidUtf8(value)});
  });
}

Result<std::optional<std::string>> History::Get(const std::string& question, const std::string& key) {
  std::optional<std::string> value;
  WB_RETURN_IF_ERROR(database_.Run("SELECT value FROM settings WHERE question = ? AND key = ?",
                                   {ValidUtf8(question), ValidUtf8(key)},
                                   [&](const SqlRow& row) { value = row.Text(0); }));
  return value;
}

Status History::ReadChecks(GradeRecord* grade) {
  return database_.Run("SELECT id, verdict, marks, earned FROM checks WHERE grade = ? ORDER BY place", {grade->id},
                       [&](const SqlRow& row) {
                         grade->checks.push_back({row.Text(0), row.Text(1), row.Real(2), row.Real(3)});
                       });
}

Result<std::vector<GradeRecord>> History::Grades(bool with_checks) {
  std::vector<GradeRecord> grades;
  WB_RETURN_IF_ERROR(database_.Run(std::string(kGradeColumns) + "ORDER BY id", {},
                                   [&](const SqlRow& row) { grades.push_back(GradeOf(row)); }));
  if (with_checks) {
    for (GradeRecord& grade : grades) WB_RETURN_IF_ERROR(ReadChecks(&grade));
  }
  return grades;
}

Result<std::vector<EventRecord>> History::Events() {
  std::vector<EventRecord> events;
  WB_RETURN_IF_ERROR(
      database_.Run("SELECT id, time_ms, kind, question, detail FROM events ORDER BY id", {}, [&](const SqlRow& row) {
        events.push_back({row.Integer(0), row.Integer(1), row.Text(2), row.Text(3), row.Text(4)});
      }));
  return events;
}

Result<std::vector<History::Setting>> History::Settings() {
  std::vector<Setting> settings;
  WB_RETURN_IF_ERROR(
      database_.Run("SELECT question, key, value FROM settings ORDER BY question, key", {}, [&](const SqlRow& row) {
        settings.push_back({row.Text(0), row.Text(1), row.Text(2)});
      }));
  return settings;
}

Result<std::optional<GradeRecord>> History::LastGrade(const std::string& question, const std::string& part) {
  std::optional<GradeRecord> last;
  WB_RETURN_IF_ERROR(
      database_.Run(std::string(kGradeColumns) +
                        "WHERE question = ? AND implementation = 'answer' AND part = ? ORDER BY id DESC LIMIT 1",
                    {question, part}, [&](const SqlRow& row) { last = GradeOf(row); }));
  if (last) WB_RETURN_IF_ERROR(ReadChecks(&*last));
  return last;
}

}  // namespace workbench
