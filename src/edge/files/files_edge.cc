#include "edge/files/files_edge.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/text.h"
#include "wire/percent.h"

namespace parley::edge {
namespace {

using files::File;

// RFC 9110 section 13.1.2: a list of tags, weak ones as good as strong ones, or a star.
bool matches(std::string_view if_none_match, std::string_view etag) {
  while (!if_none_match.empty()) {
    const auto comma = if_none_match.find(',');
    std::string_view one = trim(if_none_match.substr(0, comma));
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == etag || one == "*") return true;
    if_none_match = comma == std::string_view::npos ? std::string_view() : if_none_match.substr(comma + 1);
  }
  return false;
}

const File::Form& form_for(const File& file, std::string_view accept_encoding) {
  std::vector<wire::Encoding> offered;
  for (const File::Form& form : file.forms)
    if (form.encoding != wire::Encoding::identity) offered.push_back(form.encoding);
  const wire::Encoding chosen = wire::negotiate(accept_encoding, offered);
  const auto found = std::ranges::find(file.forms, chosen, &File::Form::encoding);
  return found == file.forms.end() ? file.forms.front() : *found;
}

void redirect(net::ServerExchange& exchange) {
  const net::RequestHead& request = exchange.request();
  // Relative, so that whatever stands in front of this node stays; with a dot, so that a colon is no scheme.
  std::string target = "./";
  target.append(request.path().substr(request.path().find_last_of('/') + 1)).append("/");
  if (!request.query().empty()) target.append("?").append(request.query());
  exchange.respond({.status = 308, .fields = {{"location", target}, {"content-length", "0"}}});
  exchange.finish();
}

void answer(net::ServerExchange& exchange, const File& file) {
  const net::RequestHead& request = exchange.request();
  const File::Form& form = form_for(file, request.fields.get("accept-encoding"));
  const bool known = matches(request.fields.get("if-none-match"), form.etag);
  net::ResponseHead head{.status = known ? 304 : 200, .fields = {}};
  head.fields.add("etag", form.etag);
  head.fields.add("cache-control", file.cache_control);
  head.fields.add("vary", "accept-encoding");
  if (!known) {
    head.fields.add("content-type", file.content_type);
    head.fields.add("content-length", std::to_string(form.body.size()));
    head.fields.add("x-content-type-options", "nosniff");
    if (form.encoding != wire::Encoding::identity) head.fields.add("content-encoding", wire::name(form.encoding));
  }
  exchange.respond(std::move(head));
  if (!known && request.method == "GET" && !form.body.empty()) exchange.response_body().push(form.body);
  exchange.finish();
}

bool is_read(const net::RequestHead& request) { return request.method == "GET" || request.method == "HEAD"; }

}  // namespace

FilesEdge::Found FilesEdge::find(const net::RequestHead& request) const {
  if (files_ == nullptr || !is_read(request)) return {};
  const std::string_view path = request.path();
  if (path.size() + 1 == at_.size() && at_.starts_with(path))
    return {.needs_slash = files_->find("index.html") != nullptr};
  if (!path.starts_with(at_)) return {};
  std::string name;
  if (!wire::decode_query_component(path.substr(at_.size()), name, false)) return {};
  if (name.empty() || name.ends_with('/')) return {.file = files_->find(name + "index.html")};
  const File* file = files_->find(name);
  return {.file = file, .needs_slash = file == nullptr && files_->has_folder(name)};
}

bool FilesEdge::takes(const net::RequestHead& request) const {
  const Found found = find(request);
  return found.file != nullptr || found.needs_slash;
}

Task<void> FilesEdge::serve(net::ServerExchange& exchange) {
  const files::FileSetPtr keep = files_;  // a reload may swap it while the body leaves
  const Found found = find(exchange.request());
  if (found.file == nullptr) {
    redirect(exchange);
  } else {
    answer(exchange, *found.file);
  }
  co_return;
}

bool FilesEdge::answer_page(net::ServerExchange& exchange) const {
  const net::RequestHead& request = exchange.request();
  if (files_ == nullptr || fallback_.empty() || !is_read(request) || !request.path().starts_with(at_)) return false;
  const File* file = files_->find(fallback_);
  if (file == nullptr || !request.fields.get("accept").contains("text/html")) return false;
  answer(exchange, *file);
  return true;
}

}  // namespace parley::edge
