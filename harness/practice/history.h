// The history of one user's practice, in one SQLite file.
//
// What it promises:
//  - Once a call that writes has returned ok, what it wrote is on the disk. A kill at any moment, of this process or of
//    the machine, loses at most the call under way. (Rollback journal, synchronous=EXTRA. Not WAL: that needs shared
//    memory, which network file systems lack, and a second file that must not be lost when the history is copied.)
//  - Several processes may use one file; a writer waits for another one.
//  - An older file is brought up to date, version by version, each in one transaction. A newer one is refused and left
//    as it is.
//  - A file that is damaged, or not a history, is renamed to FILE.damaged-N, never deleted, and a new one is begun.
#ifndef HARNESS_PRACTICE_HISTORY_H_
#define HARNESS_PRACTICE_HISTORY_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/practice/database.h"
#include "harness/practice/records.h"
#include "harness/status.h"

namespace workbench {

// Step i brings a file of version i to version i + 1. Steps are only ever added: files of all versions are about.
const std::vector<std::string>& HistorySteps();

class History {
 public:
  // kRead works where nothing can be written; what is not there is an empty history then.
  enum class Access { kWrite, kRead };
  // Hears, in one line, what the user should know although it is no error.
  using Listener = std::function<void(const std::string&)>;

  static Result<History> Open(const std::string& path, Access access, const Listener& listener,
                              const std::vector<std::string>& steps = HistorySteps());

  // They return the record's number. Text is made valid UTF-8.
  Result<int64_t> Add(const GradeRecord& grade);
  Result<int64_t> Add(const EventRecord& event);

  // One value per question and key; question may be "-" for what belongs to none.
  Status Set(const std::string& question, const std::string& key, const std::string& value);
  Result<std::optional<std::string>> Get(const std::string& question, const std::string& key);

  struct Setting {
    std::string question, key, value;
  };
  // In the order in which they were recorded. Checks are read only when asked for.
  Result<std::vector<GradeRecord>> Grades(bool with_checks);
  Result<std::vector<EventRecord>> Events();
  Result<std::vector<Setting>> Settings();
  // The last grade of the answer, of that part or of the whole ("").
  Result<std::optional<GradeRecord>> LastGrade(const std::string& question, const std::string& part);

  // After an error: the file turned out to be damaged. Then Open, which moves it aside, and the call are to be
  // repeated.
  bool damaged() const { return database_.damaged(); }

 private:
  explicit History(Database database) : database_(std::move(database)) {}
  static Result<History> OpenExisting(Database database, Access access, const std::vector<std::string>& steps);
  Status ReadChecks(GradeRecord* grade);

  Database database_;
};

// Runs `use` on the history. Where its file turns out to be damaged half-way, it is moved aside, and `use` runs once
// more.
Status WithHistory(const std::string& path, History::Access access, const History::Listener& listener,
                   const std::function<Status(History&)>& use);

// Renames a damaged file, with its journal, and tells the listener. Of two processes that find it damaged one moves it.
Status MoveAside(const std::string& path, const std::string& why, const History::Listener& listener);

}  // namespace workbench

#endif  // HARNESS_PRACTICE_HISTORY_H_
