// Whole pages around rendered Markdown.
#include <cstdint>

#include "docs/render/markdown.h"
#include "docs/render/math.h"
#include "docs/render/page_style.h"

namespace workbench {
namespace {

std::string Base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t word = 0;
    for (size_t k = 0; k < 3; ++k)
      word = word << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) text += i + k > bytes.size() ? '=' : kDigits[word >> (18 - 6 * k) & 63];
  }
  return text;
}

std::string RenderedLink(const std::string& url) {
  if (IsElsewhere(url)) return url;
  const std::string path = url.substr(0, url.find('#'));
  const std::string fragment = url.substr(path.size());
  if (path.ends_with(".md")) return path.substr(0, path.size() - 3) + ".html" + fragment;
  if (path.ends_with(".h")) return path + ".html" + fragment;
  return url;
}

const char* MimeType(const std::string& path) {
  if (path.ends_with(".svg")) return "image/svg+xml";
  return path.ends_with(".png") ? "image/png" : "image/jpeg";
}

std::string WholePage(const std::string& title, const std::string& body) {
  return "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
         EscapeHtml(title) + "</title>\n<style>" + kPageStyle + "</style>\n</head>\n<body>\n<main>\n" + body +
         "</main>\n</body>\n</html>\n";
}

}  // namespace

Page MarkdownPage(const std::string& markdown, const ReadImage& read_image) {
  Page page;
  MarkdownOptions options;
  options.link = RenderedLink;
  options.image = [&](const std::string& url) -> std::optional<ImageSource> {
    if (IsElsewhere(url)) return std::nullopt;
    if (const std::optional<std::string> image = read_image(url)) {
      return ImageSource{"data:" + std::string(MimeType(url)) + ";base64," + Base64(*image), ""};
    }
    if (page.missing_image.empty()) page.missing_image = url;
    return std::nullopt;
  };
  const MarkdownFragment fragment = RenderMarkdown(markdown, options);
  page.html = WholePage(fragment.title, fragment.html);
  return page;
}

Page TextPage(const std::string& title, const std::string& text) {
  return {WholePage(title, "<h1>" + EscapeHtml(title) + "</h1>\n<pre><code>" + EscapeHtml(text) + "</code></pre>\n"),
          ""};
}

}  // namespace workbench
