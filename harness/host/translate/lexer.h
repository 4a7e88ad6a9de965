// Tokens of preprocessed CUDA C++.
#ifndef HARNESS_HOST_TRANSLATE_LEXER_H_
#define HARNESS_HOST_TRANSLATE_LEXER_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cuda_host::translate {

struct Token {
  enum class Kind : unsigned char { kIdentifier, kNumber, kString, kCharacter, kPunctuation };

  std::string_view text;  // a part of the lexed text; of a `>>` every `>` is a token
  int line;
  int file;  // an index of Lexed::files
  Kind kind;
  bool system;  // out of a system header, or of its macro
};

// A `#pragma` line, which is no token.
struct Pragma {
  std::string_view text;    // up to the end of the line
  std::string_view before;  // how the line begins, for GCC's _Pragma: blanks
  size_t next;              // index of the token behind it
};

struct Lexed {
  std::string_view text;
  std::vector<std::string> files;  // as linemarkers write them: escaped, without the quotes
  std::vector<Token> tokens;       // of the user's files
  std::vector<Pragma> pragmas;     // in the user's files
  // __device__ and __host__ in our own headers, of which nothing else is looked at.
  std::vector<std::string_view> own_attributes;
};

// REQUIRES: `preprocessed` is g++ -E's output, with linemarkers; it outlives the result. A file is the user's unless it
// is a system header by an absolute path, or its name contains `own_headers`.
Lexed Lex(std::string_view preprocessed, std::string_view own_headers);

}  // namespace cuda_host::translate

#endif  // HARNESS_HOST_TRANSLATE_LEXER_H_
