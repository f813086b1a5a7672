#include "contract/contract.h"

#include "contract/contract_rep.h"

namespace parley::contract {
namespace {

// Lint has found nothing wrong with it.
ScalarPath bound(const MessageTable& table, std::string_view path) {
  return path.empty() ? ScalarPath() : ScalarPath::of(table, path).value();
}

}  // namespace

Contract::Contract(std::unique_ptr<Rep> rep) : rep_(std::move(rep)) {}
Contract::~Contract() = default;

const std::vector<Service>& Contract::services() const { return rep_->services; }

const std::vector<Service>& Contract::event_services() const { return rep_->event_services; }

const Service* Contract::find_service(std::string_view name) const {
  const auto at = rep_->by_name.find(name);
  return at == rep_->by_name.end() ? nullptr : at->second;
}

const Method* Contract::find(std::string_view path) const {
  const auto at = rep_->by_path.find(path);
  return at == rep_->by_path.end() ? nullptr : at->second;
}

std::size_t Contract::method_count() const { return rep_->by_path.size(); }
const Router& Contract::router() const { return *rep_->router; }
const TableSet& Contract::tables() const { return *rep_->tables; }
const std::vector<EventType>& Contract::events() const { return rep_->events; }

const EventType* Contract::find_event(std::string_view type) const {
  const auto at = rep_->event_by_type.find(type);
  return at == rep_->event_by_type.end() ? nullptr : at->second;
}

const google::protobuf::DescriptorPool& Contract::pool() const { return *rep_->pool; }
const std::vector<const google::protobuf::FileDescriptor*>& Contract::files() const { return rep_->files; }

ContractPtr ContractBuilder::build(std::unique_ptr<google::protobuf::DescriptorPool> pool,
                                   std::vector<const google::protobuf::FileDescriptor*> files,
                                   std::vector<Service> services, std::vector<EventType> events,
                                   std::vector<Service> event_services) {
  auto rep = std::make_unique<Contract::Rep>();
  rep->pool = std::move(pool);
  rep->files = std::move(files);
  rep->services = std::move(services);
  rep->events = std::move(events);
  rep->event_services = std::move(event_services);
  rep->tables = std::make_unique<TableSet>(*rep->pool);
  // Every message, not only those that rpcs name: an Any may hold it.
  for (const auto* file : rep->files) rep->tables->add_file(*file);
  std::uint32_t index = 0;
  const auto add = [&](Service& service) {
    for (Method& method : service.methods) {
      method.index = index++;
      method.input = &rep->tables->table(*method.descriptor->input_type());
      method.output = &rep->tables->table(*method.descriptor->output_type());
      rep->by_path.emplace(method.path, &method);
      if (method.queue) {
        method.queue->key = bound(*method.input, method.queue->key_path);
        method.queue->dedup = bound(*method.input, method.queue->dedup_path);
      }
    }
  };
  for (Service& service : rep->services) {
    rep->by_name.emplace(service.name, &service);
    add(service);
  }
  for (Service& service : rep->event_services) add(service);
  for (EventType& event : rep->events) {
    event.table = rep->tables->find(event.type);
    event.key = bound(*event.table, event.key_path);
    rep->event_by_type.emplace(event.type, &event);
  }
  rep->router = make_router(rep->services);
  return ContractPtr(new Contract(std::move(rep)));
}

}  // namespace parley::contract
