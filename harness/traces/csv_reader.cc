#include "harness/traces/csv_reader.h"

namespace workbench {
namespace {

// A record of a few empty fields is a few bytes, a field in memory some dozens.
constexpr size_t kMaxFields = 1000;

}  // namespace

Result<bool> CsvReader::Next(std::vector<CsvField>* record) {
  record->clear();
  record_bytes_ = 0;
  while (file_->Peek() == '\n' || file_->Peek() == '\r') {
    const bool carriage = file_->Get() == '\r';
    if (carriage && file_->Peek() != '\n') return file_->Here("a carriage return that ends no line");
  }
  if (file_->Peek() < 0) {
    if (!file_->status().ok()) return file_->status();
    return false;
  }
  bool last = false;
  while (!last) {
    if (record->size() == kMaxFields) return file_->Here("more than " + std::to_string(kMaxFields) + " fields");
    WB_RETURN_IF_ERROR(ReadField(&record->emplace_back(), &last));
  }
  return true;
}

// Consumes the field and the separator or line end after it; `last`: it was a line end, or the end of the file.
Status CsvReader::ReadField(CsvField* field, bool* last) {
  bool begun = false, in_quotes = false, quoted = false;
  while (true) {
    const int byte = file_->Get();
    if (!file_->status().ok()) return file_->status();
    if (!begun) {
      begun = true;
      field->line = file_->line();
      field->column = byte < 0 ? file_->column() + 1 : file_->column();
    }
    if (byte < 0) {
      if (in_quotes) return file_->At(field->line, field->column, "the quoted field does not end");
      *last = true;
      return Status::Ok();
    }
    if (++record_bytes_ > kMaxTraceLine) {
      return file_->Here("the line is longer than " + std::to_string(kMaxTraceLine) + " bytes");
    }
    const char c = static_cast<char>(byte);
    if (in_quotes) {
      if (c != '"') {
        field->text += c;
      } else if (file_->Peek() == '"') {
        field->text += static_cast<char>(file_->Get());
      } else {
        in_quotes = false;
      }
    } else if (c == separator_) {
      return Status::Ok();
    } else if (c == '\n' || (c == '\r' && file_->Peek() == '\n')) {
      if (c == '\r') file_->Get();
      *last = true;
      return Status::Ok();
    } else if (c == '\r' && file_->Peek() < 0) {
      // The end of a file whose last line has lost its LF.
    } else if (byte < ' ' && c != '\t') {
      return file_->Here(c == '\r' ? "a carriage return that ends no line" : "a control character");
    } else if (quotes_ && quoted) {
      return file_->Here("text after the closing quote of a field");
    } else if (quotes_ && c == '"') {
      if (!field->text.empty()) return file_->Here("a quote within a field that does not begin with one");
      in_quotes = quoted = true;
    } else {
      field->text += c;
    }
  }
}

}  // namespace workbench
