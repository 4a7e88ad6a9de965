// Reads JSON documents that may be old, newer or damaged: a field that is missing or of another type reads as empty.
#ifndef GRADER_HTML_JSON_VIEW_H_
#define GRADER_HTML_JSON_VIEW_H_

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace workbench::html {

using Json = nlohmann::ordered_json;

// An object's field, or null.
inline const Json& Field(const Json& json, const char* name) {
  static const Json null;
  if (!json.is_object()) return null;
  const auto it = json.find(name);
  return it == json.end() ? null : *it;
}

inline std::string Text(const Json& json) { return json.is_string() ? json.get<std::string>() : std::string(); }
inline std::string Text(const Json& json, const char* name) { return Text(Field(json, name)); }

// NaN where there is no number.
inline double Value(const Json& json) {
  return json.is_number() ? json.get<double>() : std::numeric_limits<double>::quiet_NaN();
}
inline double Value(const Json& json, const char* name) { return Value(Field(json, name)); }

inline std::vector<double> Values(const Json& json) {
  std::vector<double> values;
  if (!json.is_array()) return values;
  for (const Json& value : json) values.push_back(Value(value));
  return values;
}

// A string as it is, anything else as JSON writes it: every digit of a large integer is kept.
inline std::string Shown(const Json& json) {
  if (json.is_null()) return "";
  return json.is_string() ? json.get<std::string>() : json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace workbench::html

#endif  // GRADER_HTML_JSON_VIEW_H_
