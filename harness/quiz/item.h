// A quiz item: one question with its parameters drawn, its answer, and what wrong answers look like.
#ifndef HARNESS_QUIZ_ITEM_H_
#define HARNESS_QUIZ_ITEM_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/quiz/quantity.h"

namespace workbench::quiz {

enum class Kind {
  kNumeric,     // an amount, within a tolerance
  kExpression,  // a formula, compared at random points
  kChoice,      // one of several
  kTrueFalse,   // a statement
};

std::string_view KindName(Kind kind);

// A known way to go wrong. `says` completes "It looks like this: ...".
struct Mistake {
  std::string value;  // kNumeric: arithmetic in base units; kExpression: a formula; kChoice: the choice; kTrueFalse: ""
  std::string says;
};

struct Item {
  Kind kind = Kind::kNumeric;
  std::string prompt{};

  // kNumeric
  Dimension dimension = Dimension::kNumber;
  std::string unit{};       // what is asked for, such as GiB; for numbers the noun, such as steps
  double answer = 0;        // in base units
  double tolerance = 0.01;  // relative
  std::string working{};    // the answer as arithmetic, with the parameters' values filled in

  // kExpression
  std::string formula{};
  std::vector<std::string> variables{};

  // kChoice: the right one's text is `right`.
  std::vector<std::string> choices{};
  std::string right{};

  // kTrueFalse
  bool truth = false;

  std::vector<Mistake> mistakes{};
  std::vector<std::string> steps{};       // the explanation, a line each
  std::string source{};                   // where the formula or fact is from
  std::map<std::string, double> given{};  // the parameters drawn, by their name in the template
};

// What a template's function draws its parameters from: the same seed gives the same item.
class Draw {
 public:
  explicit Draw(uint64_t seed) : state_(seed) {}

  // One of the values, kept in `given` under the name.
  double Pick(const std::string& name, const std::vector<double>& values);
  // A whole number from low to high.
  double Whole(const std::string& name, int low, int high);
  // An index below `count`, not kept.
  size_t Index(size_t count);

  const std::map<std::string, double>& given() const { return given_; }
  // Keeps a value that follows from those drawn, for use in texts.
  void Set(const std::string& name, double value) { given_[name] = value; }

 private:
  uint64_t Next();

  uint64_t state_;
  std::map<std::string, double> given_;
};

struct Template {
  std::string_view id;     // q02.ring_bytes; the part before the dot is the topic
  std::string_view title;  // for --list
  Kind kind;
  Item (*make)(Draw& draw);
};

// The item of a template and a seed. Names in braces in its texts are replaced by the parameters' values, choices are
// in a drawn order, and parameters are drawn again until every coded mistake is further from the answer than twice the
// tolerance.
Item MakeItem(const Template& from, uint64_t seed);

// How often MakeItem draws before it gives up and aborts; a template that needs this often is wrong.
inline constexpr int kMaxDraws = 200;

// A well-mixed hash of both (splitmix64's finalizer; Steele, Lea, Flood 2014): seeds of items from the seed of a quiz.
uint64_t MixSeeds(uint64_t a, uint64_t b);

}  // namespace workbench::quiz

#endif  // HARNESS_QUIZ_ITEM_H_
