// The request side of RestCall: from body, path and query to messages.
#include <algorithm>

#include "contract/transcode.h"
#include "edge/rest/form_reader.h"
#include "edge/rest/rest_call.h"
#include "wire/ndjson.h"

namespace parley::edge::rest {
namespace {

using Part = wire::MultipartParser::Kind;

constexpr std::size_t max_form_field = 64 * 1024;
constexpr std::uint32_t field_mask_paths_tag = 0x0a;  // google/protobuf/field_mask.proto

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

Error too_large(std::string what, std::size_t limit) {
  return Error(Code::resource_exhausted, Blame::caller,
               std::move(what) + " is larger than " + std::to_string(limit) + " bytes")
      .with_reason("message_too_large");
}

// "name" of {order, name} below {order}: the path a FieldMask of the body would have; "" if it is not below.
std::string path_below(const FieldPath& top, const FieldPath& path) {
  if (path.size() <= top.size() || !std::equal(top.begin(), top.end(), path.begin())) return "";
  std::string dotted;
  for (std::size_t i = top.size(); i < path.size(); ++i)
    dotted.append(dotted.empty() ? "" : ".").append(path[i]->proto_name);
  return dotted;
}

}  // namespace

// The body is not read where the rule has none, but for seeing that there is none: what a client sends is never dropped
// in silence.
// `{}` is what some clients send for nothing.
static Result<void> refuse_body(std::string_view body) {
  if (is_blank(body) || body == "{}") return {};
  return fail(Error(Code::invalid_argument, Blame::caller, "this address takes no request body")
                  .with_reason("unexpected_body"));
}

Result<void> RestCall::put_update_mask(std::string_view json, std::string& wire) const {
  if (plan_.update_mask == nullptr || binder_.has_bound(*plan_.update_mask)) return {};
  auto paths = contract::json_field_paths(*plan_.body_table(), json);
  if (!paths) return fail(std::move(paths).error());
  std::string mask;
  for (const std::string& path : *paths) {
    // What the path has given names the resource; it is not changed.
    const bool from_path = std::ranges::any_of(
        plan_.path_variables, [&](const FieldPath& v) { return path_below(plan_.body_path, v) == path; });
    if (!from_path) put_record(field_mask_paths_tag, path, mask);
  }
  put_nested({plan_.update_mask}, mask, wire);
  return {};
}

Result<std::string> RestCall::json_message(std::string_view json) {
  std::string wire;
  wire.reserve(json.size() + binder_.wire().size());
  if (!is_blank(json)) {
    const contract::MessageTable& table = *plan_.method->input;
    contract::JsonOptions strict;
    strict.max_bytes = options_.max_message;
    auto read = plan_.body == RulePlan::Body::whole
                    ? contract::json_to_wire(table, json, wire, strict)
                    : contract::json_to_field(table, plan_.rule->body, json, wire, strict);
    if (read) read = put_update_mask(json, wire);
    if (!read) return fail(std::move(read).error());
  }
  wire.append(binder_.wire());
  return wire;
}

std::string RestCall::raw_message(const HttpBodyParts& parts, bool with_bindings) const {
  std::string wire;
  if (with_bindings) wire.reserve(parts.data.size() + binder_.wire().size() + 128);
  put_http_body(plan_.body_path, parts, wire);
  if (with_bindings) wire.append(binder_.wire());
  return wire;
}

Task<Result<std::string>> RestCall::read_message() {
  if (shape_.form == BodyForm::multipart) co_return co_await form_message();
  auto body = co_await reader_.all();
  if (!body) co_return fail(std::move(body).error());
  if (shape_.form == BodyForm::none) {
    if (auto none = refuse_body(body->view()); !none) co_return fail(std::move(none).error());
    co_return binder_.wire();
  }
  if (shape_.form != BodyForm::raw) co_return json_message(body->view());
  const bool typed = !shape_.content_type.empty() || body->empty();
  co_return raw_message({typed ? shape_.content_type : "application/octet-stream", body->view(), {}}, true);
}

Task<Result<std::string>> RestCall::form_message() {
  FormReader form(reader_, plan_, shape_.boundary);
  wire::PartHead file;
  std::string data;
  std::string text;
  std::size_t files = 0;
  bool in_content = false;
  std::string name;
  for (;;) {
    auto event = co_await form.next();
    if (!event) co_return fail(std::move(event).error());
    if (event->kind == Part::done) break;
    if (event->kind == Part::begin) {
      in_content = form.is_content(*event->head);
      name = event->head->name;
      text.clear();
      if (in_content) {
        file = *event->head;
        if (++files > 1) co_return invalid("the form has a second file, \"" + name + "\"; this address takes one");
      }
    } else if (event->kind == Part::data) {
      std::string& to = in_content ? data : text;
      to.append(event->data);
      if (to.size() > (in_content ? options_.max_message : max_form_field)) {
        co_return fail(too_large("form field \"" + name + "\"", in_content ? options_.max_message : max_form_field));
      }
    } else if (!in_content) {
      if (auto bound = binder_.bind(name, text, "form field"); !bound) co_return fail(std::move(bound).error());
    }
  }
  if (files == 0) co_return invalid("the form has no file");
  co_return raw_message({part_type(file), data, form_part_extension(file)}, true);
}

Task<void> RestCall::pump() {
  const BodyForm form = shape_.form;
  auto done = co_await (form == BodyForm::raw ? pump_raw() : form == BodyForm::multipart ? pump_form() : pump_json());
  if (done) {
    call_.requests.end();
  } else {
    call_.cancel(std::move(done).error());  // nothing, where the call has ended by itself
  }
}

Task<Result<void>> RestCall::pump_json() {
  using Framing = wire::JsonSplitter::Framing;
  wire::JsonSplitter splitter(shape_.form == BodyForm::json_lines ? Framing::lines : Framing::values,
                              options_.max_message);
  for (bool more = true; more;) {
    auto chunk = co_await reader_.next();
    if (!chunk) co_return fail(std::move(chunk).error());
    more = chunk->has_value();
    if (more) {
      splitter.feed((*chunk)->view());
    } else {
      splitter.end();
    }
    for (;;) {
      auto text = splitter.next();
      if (!text) co_return fail(std::move(text).error());
      if (!*text) break;
      auto message = json_message(**text);
      if (!message) co_return fail(std::move(message).error());
      if (auto sent = co_await call_.requests.write(Bytes(*std::move(message))); !sent) co_return sent;
    }
  }
  co_return Result<void>();
}

// Path and query belong to the first message, and so does the content type: the others are just the next bytes.
Task<Result<void>> RestCall::pump_raw() {
  for (bool first = true;; first = false) {
    auto chunk = co_await reader_.next();
    if (!chunk) co_return fail(std::move(chunk).error());
    if (!*chunk && !first) co_return Result<void>();
    const std::string_view data = *chunk ? (*chunk)->view() : std::string_view();
    std::string_view type = first ? shape_.content_type : std::string_view();
    if (first && type.empty() && !data.empty()) type = "application/octet-stream";
    if (auto sent = co_await call_.requests.write(Bytes(raw_message({type, data, {}}, first))); !sent) co_return sent;
  }
}

// The first message of a file has its content type and what the form calls it; the first of all has the bindings.
Task<Result<void>> RestCall::pump_form() {
  FormReader form(reader_, plan_, shape_.boundary);
  wire::PartHead part;
  std::string text;
  bool in_content = false;
  bool part_begun = false;
  bool any = false;
  for (;;) {
    auto event = co_await form.next();
    if (!event) co_return fail(std::move(event).error());
    if (event->kind == Part::done) break;
    if (event->kind == Part::begin) {
      part = *event->head;
      in_content = form.is_content(part);
      part_begun = false;
      text.clear();
      continue;
    }
    if (!in_content) {
      text.append(event->data);
      if (text.size() > max_form_field) co_return fail(too_large("form field \"" + part.name + "\"", max_form_field));
      if (event->kind != Part::end) continue;
      if (any) co_return invalid("form field \"" + part.name + "\" must come before the file");
      if (auto bound = binder_.bind(part.name, text, "form field"); !bound) co_return bound;
      continue;
    }
    if (event->kind == Part::end && part_begun) continue;
    const std::string extension = part_begun ? "" : form_part_extension(part);
    const HttpBodyParts parts{part_begun ? std::string_view() : part_type(part), event->data, extension};
    std::string wire = raw_message(parts, !any);
    part_begun = any = true;
    if (auto sent = co_await call_.requests.write(Bytes(std::move(wire))); !sent) co_return sent;
  }
  co_return Result<void>();
}

}  // namespace parley::edge::rest
