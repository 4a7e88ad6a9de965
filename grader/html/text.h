// Text that is safe inside of HTML, and numbers with their units.
#ifndef GRADER_HTML_TEXT_H_
#define GRADER_HTML_TEXT_H_

#include <string>
#include <string_view>

namespace workbench::html {

// Any bytes, fit for an element's content and for a quoted attribute's value: markup is escaped, bytes that are not
// UTF-8 become U+FFFD, control characters become their pictures (but for tab and newline), and characters that turn the
// direction of the text around are written out as "⟨U+202E⟩".
std::string Escape(std::string_view text);

std::string Base64(std::string_view bytes);

enum class Unit { kPlain, kSeconds, kBytes, kBytesPerSecond, kFlopsPerSecond };

// From the words of the JSON documents ("seconds", "bytes", "bytes/s", "flops/s"); anything else is kPlain.
Unit UnitNamed(std::string_view name);

// "74.25 µs", "64 MiB", "855.8 GB/s", "0.9969"; "not measured" for what is not finite. Sizes are binary, rates decimal.
std::string Format(Unit unit, double value);
inline std::string Number(double value) { return Format(Unit::kPlain, value); }

}  // namespace workbench::html

#endif  // GRADER_HTML_TEXT_H_
