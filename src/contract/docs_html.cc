#include "contract/docs_html.h"

#include "contract/embedded.h"

namespace parley::contract {
namespace {

void replace(std::string& text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at != std::string::npos) text.replace(at, from.size(), to);
}

}  // namespace

std::string inlined_page(std::span<const EmbeddedFile> files) {
  std::string page;
  for (const EmbeddedFile& f : files) {
    if (f.name == "index.html") page = f.text;
  }
  for (const EmbeddedFile& f : files) {
    const std::string name(f.name);
    const std::string text(f.text);
    replace(page, "<link rel=\"stylesheet\" href=\"" + name + "\">", "<style>\n" + text + "</style>");
    replace(page, "<script src=\"" + name + "\"></script>", "<script>\n" + text + "</script>");
  }
  return page;
}

const std::string& docs_html() {
  static const std::string page = inlined_page(embedded_docs);
  return page;
}

}  // namespace parley::contract
