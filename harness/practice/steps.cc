// The history's tables. A change is a new step at the end; a step that has been in use is never edited.
#include "harness/practice/history.h"

namespace workbench {

const std::vector<std::string>& HistorySteps() {
  static const std::vector<std::string> steps = {
      // 1: grades, and what the questions' commands keep.
      R"sql(
        CREATE TABLE grades (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          time_ms INTEGER NOT NULL,
          question TEXT NOT NULL,
          part TEXT NOT NULL,
          implementation TEXT NOT NULL,
          mode TEXT NOT NULL,
          seed TEXT NOT NULL,  -- decimal: SQLite's integers have a sign
          earned REAL NOT NULL,
          possible REAL NOT NULL,
          not_graded REAL NOT NULL,
          lead TEXT NOT NULL,
          seconds REAL NOT NULL
        );
        CREATE TABLE checks (
          grade INTEGER NOT NULL REFERENCES grades(id),
          place INTEGER NOT NULL,
          id TEXT NOT NULL,
          verdict TEXT NOT NULL,
          marks REAL NOT NULL,
          earned REAL NOT NULL,
          PRIMARY KEY (grade, place)
        ) WITHOUT ROWID;
        CREATE TABLE events (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          time_ms INTEGER NOT NULL,
          kind TEXT NOT NULL,
          question TEXT NOT NULL,
          detail TEXT NOT NULL
        );
        CREATE TABLE settings (
          question TEXT NOT NULL,
          key TEXT NOT NULL,
          value TEXT NOT NULL,
          PRIMARY KEY (question, key)
        ) WITHOUT ROWID;
      )sql",
      // 2: what was graded.
      R"sql(
        ALTER TABLE grades ADD COLUMN sources TEXT NOT NULL DEFAULT '';
        CREATE INDEX grades_by_question ON grades (question, implementation, part);
      )sql",
  };
  return steps;
}

}  // namespace workbench
