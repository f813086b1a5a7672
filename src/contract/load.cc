#include "contract/load.h"

#include <algorithm>
#include <map>
#include <tuple>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/stubs/logging.h>

#include "contract/contract_rep.h"
#include "contract/event_service.h"
#include "contract/http_binding.h"
#include "contract/lint.h"
#include "contract/message_option_reader.h"
#include "contract/options.h"
#include "contract/parse_hints.h"
#include "contract/source_set.h"

namespace parley::contract {
namespace {

namespace pb = google::protobuf;
using Severity = Diagnostic::Severity;

// Turns the linker's findings into diagnostics.
class LinkErrors final : public pb::DescriptorPool::ErrorCollector {
 public:
  LinkErrors(const SourceSet& sources, std::vector<Diagnostic>& out) : sources_(sources), out_(out) {}
  void look_at(const SourceFile* file) { file_ = file; }

  void AddError(const std::string&, const std::string& element, const pb::Message* part, ErrorLocation location,
                const std::string& message) override {
    add(Severity::error, element, part, location, message);
  }
  void AddWarning(const std::string&, const std::string& element, const pb::Message* part, ErrorLocation location,
                  const std::string& message) override {
    if (file_->own) add(Severity::warning, element, part, location, message);
  }

 private:
  void add(Severity severity, const std::string& element, const pb::Message* part, ErrorLocation location,
           const std::string& message) {
    constexpr std::string_view suggestion = "Suggested field numbers for ";
    if (message.starts_with(suggestion) && !out_.empty()) {  // belongs to the error before it
      out_.back().hint += (out_.back().hint.empty() ? "" : "; ") + ("free in " + message.substr(suggestion.size()));
      return;
    }
    int line = -1;
    int column = 0;
    if (location == IMPORT) {
      file_->locations.FindImport(part, element, &line, &column);
    } else {
      file_->locations.Find(part, location, &line, &column);
    }
    // Without a source position the element is all there is to go by.
    const std::string what = line < 0 && !element.empty() ? element + ": " + message : message;
    out_.push_back(file_->diagnose(severity, line, column, what, hint_for_link_error(message, sources_)));
  }

  const SourceSet& sources_;
  std::vector<Diagnostic>& out_;
  const SourceFile* file_ = nullptr;
};

// Links what was parsed. Own files come back in order; a file that cannot be linked is reported, those that import it
// are skipped.
std::vector<const pb::FileDescriptor*> link(const std::vector<SourceFile*>& files, const SourceSet& sources,
                                            pb::DescriptorPool& pool, std::vector<Diagnostic>& diagnostics) {
  std::vector<const pb::FileDescriptor*> own;
  LinkErrors errors(sources, diagnostics);
  for (SourceFile* file : files) {
    const auto linked = [&](const std::string& import) { return pool.FindFileByName(import) != nullptr; };
    if (!std::ranges::all_of(file->proto.dependency(), linked)) continue;
    errors.look_at(file);
    if (file->own) pool.AddUnusedImportTrackFile(file->name);
    const pb::FileDescriptor* descriptor = pool.BuildFileCollectingErrors(file->proto, &errors);
    if (descriptor != nullptr && file->own) own.push_back(descriptor);
  }
  return own;
}

// A way of talking that a later version serves.
std::string not_served(const pb::MethodDescriptor& method, const OptionReader& options) {
  if (options.has(method.service()->options(), "parley.aggregate")) return "(parley.aggregate) is not served yet";
  return "";
}

// What is wrong with it, lint_options.cc says.
StreamOptions stream_options(const pb::MethodDescriptor& method, OptionReader& options) {
  StreamOptions out;
  const auto stream = options.read(method.options(), "parley.stream");
  if (!stream) return out;
  out.share = stream->number("share") != 0;
  out.history = static_cast<std::uint32_t>(std::max<std::int64_t>(0, stream->number("history")));
  const std::int64_t slow = stream->number("slow");
  out.slow = slow >= 0 && slow <= 3 ? static_cast<SlowCaller>(slow) : SlowCaller::unsaid;
  out.metadata = stream->texts("metadata");
  return out;
}

Method compile_method(const pb::MethodDescriptor& descriptor, Reporter& report) {
  Method method{};
  method.service = descriptor.service()->full_name();
  method.name = descriptor.name();
  method.path = "/" + method.service + "/" + method.name;
  method.client_streaming = descriptor.client_streaming();
  method.server_streaming = descriptor.server_streaming();
  method.deprecated = descriptor.options().deprecated() || descriptor.service()->options().deprecated();
  using Options = pb::MethodOptions;
  const auto level = descriptor.options().idempotency_level();
  if (level == Options::NO_SIDE_EFFECTS) method.idempotency = Idempotency::no_side_effects;
  if (level == Options::IDEMPOTENT) method.idempotency = Idempotency::idempotent;
  method.rules = compile_bindings(descriptor, report);
  method.not_served = not_served(descriptor, report.options());
  method.stream = stream_options(descriptor, report.options());
  method.queue = queue_options(descriptor, report.options());
  method.subscribe = subscribe_options(descriptor, report.options());
  method.descriptor = &descriptor;
  return method;
}

Service compile_service(const pb::ServiceDescriptor& descriptor, Reporter& report) {
  Service service{descriptor.full_name(), {}, &descriptor};
  for (int k = 0; k < descriptor.method_count(); ++k)
    service.methods.push_back(compile_method(*descriptor.method(k), report));
  return service;
}

std::vector<Service> compile_services(const std::vector<const pb::FileDescriptor*>& files, Reporter& report) {
  std::vector<Service> services;
  for (const pb::FileDescriptor* file : files) {
    for (int i = 0; i < file->service_count(); ++i) {
      services.push_back(compile_service(*file->service(i), report));
    }
  }
  // By name: indexes of methods do not depend on how files are named or found.
  std::ranges::sort(services, {}, &Service::name);
  return services;
}

bool has_error(const std::vector<Diagnostic>& diagnostics) {
  return std::ranges::any_of(diagnostics, [](const Diagnostic& d) { return d.severity == Severity::error; });
}

// Keeps the order of what stands at one place. (std::stable_sort of libstdc++ 12 does not compile without warnings.)
void sort_by_place(std::vector<Diagnostic>& diagnostics) {
  std::multimap<std::tuple<std::string, int, int>, Diagnostic> sorted;
  for (Diagnostic& d : diagnostics) sorted.emplace(std::tuple(d.file, d.line, d.column), std::move(d));
  diagnostics.clear();
  for (auto& [place, d] : sorted) diagnostics.push_back(std::move(d));
}

// `loaded.diagnostics` is what `sources` reports to.
void finish(SourceSet& sources, Loaded& loaded) {
  const pb::LogSilencer quiet;  // libprotobuf would write to standard error about files without a syntax line
  auto pool = std::make_unique<pb::DescriptorPool>();
  const std::vector<SourceFile*> files = sources.resolve();
  std::vector<const pb::FileDescriptor*> own = link(files, sources, *pool, loaded.diagnostics);
  OptionReader options(*pool);
  Reporter report(sources, options, loaded.diagnostics);
  std::vector<Service> services = compile_services(own, report);
  lint({*pool, own, services}, report);
  std::vector<EventType> events = event_types(own, options);
  loaded.files = sources.read_files();
  sort_by_place(loaded.diagnostics);
  if (has_error(loaded.diagnostics)) return;
  std::vector<Service> event_services;
  if (const pb::ServiceDescriptor* made = build_event_service(events, *pool))
    event_services.push_back(compile_service(*made, report));
  loaded.contract = ContractBuilder::build(std::move(pool), std::move(own), std::move(services), std::move(events),
                                           std::move(event_services));
}

}  // namespace

Loaded load(const std::vector<std::filesystem::path>& roots) {
  Loaded loaded;
  SourceSet sources(loaded.diagnostics);
  for (const auto& root : roots) sources.add_root(root);
  if (roots.empty())
    loaded.diagnostics.push_back(
        {Severity::error, "", 0, 0, "no contract was named", "give a folder of .proto files", ""});
  finish(sources, loaded);
  return loaded;
}

Loaded load_texts(const std::vector<std::pair<std::string, std::string>>& files) {
  Loaded loaded;
  SourceSet sources(loaded.diagnostics);
  for (const auto& [name, text] : files) sources.add_text(name, text);
  finish(sources, loaded);
  return loaded;
}

Loaded load_descriptors(const std::vector<std::string>& file_descriptor_protos) {
  Loaded loaded;
  SourceSet sources(loaded.diagnostics);
  for (const std::string& bytes : file_descriptor_protos) sources.add_serialized(bytes, "");
  finish(sources, loaded);
  return loaded;
}

Loaded load_built_in(const std::vector<std::string>& names) {
  Loaded loaded;
  SourceSet sources(loaded.diagnostics);
  for (const std::string& name : names) sources.add_built_in(name);
  finish(sources, loaded);
  return loaded;
}

}  // namespace parley::contract
