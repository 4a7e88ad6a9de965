// A preprocessed source as tokens, with the edits and the errors that a translation collects.
#ifndef HARNESS_HOST_TRANSLATE_CODE_H_
#define HARNESS_HOST_TRANSLATE_CODE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "harness/host/translate/lexer.h"

namespace cuda_host::translate {

// Tokens are named by their index. An index outside the source is a token that Is nothing.
class Code {
 public:
  // REQUIRES: what `lexed` points into outlives this.
  explicit Code(Lexed lexed);

  int size() const { return static_cast<int>(lexed_.tokens.size()); }
  const Token& operator[](int i) const { return lexed_.tokens[static_cast<size_t>(i)]; }
  const std::vector<Pragma>& pragmas() const { return lexed_.pragmas; }

  bool Is(int i, std::string_view text) const { return Valid(i) && (*this)[i].text == text; }
  template <typename Set>
  bool IsIn(int i, const Set& set) const {
    return Valid(i) && set.count((*this)[i].text) != 0;
  }
  bool IsIdentifier(int i) const { return Valid(i) && (*this)[i].kind == Token::Kind::kIdentifier; }
  bool IsString(int i) const { return Valid(i) && (*this)[i].kind == Token::Kind::kString; }

  // The bracket that belongs to the (, [, {, ), ] or } at `i`; -1 if there is none.
  int Match(int i) const { return Valid(i) ? match_[static_cast<size_t>(i)] : -1; }
  // The > of the < at `open`, or the < of the > at `close`, in front of `end` or behind `begin`; -1 if there is none.
  int CloseAngle(int open, int end) const;
  int OpenAngle(int close, int begin) const;
  // Behind the <...> at `i`, or `i` if there is none.
  int SkipAngles(int i, int end) const;
  // How many top-level commas the tokens in [begin, end) have.
  int Commas(int begin, int end) const;

  // The tokens [begin, end) on one line.
  std::string Join(int begin, int end) const;
  // "a/b.cu:12", as people read it.
  std::string Where(int i) const;
  const std::string& EscapedFile(int i) const { return lexed_.files[static_cast<size_t>((*this)[i].file)]; }

  // Edits. What is inserted and what replaces a token has no newlines: lines stay where they were.
  void Before(int i, std::string text) { Edit((*this)[i].text.substr(0, 0), std::move(text), 1); }
  void After(int i, std::string text) { Edit((*this)[i].text.substr((*this)[i].text.size()), std::move(text), 0); }
  void Replace(int i, std::string text) { Replace((*this)[i].text, std::move(text)); }
  void Replace(std::string_view part, std::string text) { Edit(part, std::move(text), 2); }
  void Remove(int i) { Replace(i, ""); }
  // All but the newlines of [begin, end).
  void Remove(int begin, int end);

  void Error(int i, const std::string& what);

  // The source with all edits. Where two edits change the same token, the first counts.
  std::string Edited() const;
  // One line each, in the order of the source.
  std::vector<std::string> Errors() const;

 private:
  struct EditOf {
    size_t offset;
    size_t length;
    int rank;
    std::string text;
  };
  struct ErrorAt {
    int token;
    std::string text;
  };

  bool Valid(int i) const { return i >= 0 && i < size(); }
  void Edit(std::string_view part, std::string text, int rank) {
    edits_.push_back({static_cast<size_t>(part.data() - lexed_.text.data()), part.size(), rank, std::move(text)});
  }

  Lexed lexed_;
  std::vector<int> match_;
  std::vector<EditOf> edits_;
  std::vector<ErrorAt> errors_;
};

}  // namespace cuda_host::translate

#endif  // HARNESS_HOST_TRANSLATE_CODE_H_
