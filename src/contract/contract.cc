#include "contract/contract.h"

#include "contract/contract_rep.h"

namespace parley::contract {

Contract::Contract(std::unique_ptr<Rep> rep) : rep_(std::move(rep)) {}
Contract::~Contract() = default;

const std::vector<Service>& Contract::services() const { return rep_->services; }

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
const google::protobuf::DescriptorPool& Contract::pool() const { return *rep_->pool; }
const std::vector<const google::protobuf::FileDescriptor*>& Contract::files() const { return rep_->files; }

ContractPtr ContractBuilder::build(std::unique_ptr<google::protobuf::DescriptorPool> pool,
                                   std::vector<const google::protobuf::FileDescriptor*> files,
                                   std::vector<Service> services) {
  auto rep = std::make_unique<Contract::Rep>();
  rep->pool = std::move(pool);
  rep->files = std::move(files);
  rep->services = std::move(services);
  rep->tables = std::make_unique<TableSet>(*rep->pool);
  // Every message, not only those that rpcs name: an Any may hold it.
  for (const auto* file : rep->files) rep->tables->add_file(*file);
  std::uint32_t index = 0;
  for (Service& service : rep->services) {
    rep->by_name.emplace(service.name, &service);
    for (Method& method : service.methods) {
      method.index = index++;
      method.input = &rep->tables->table(*method.descriptor->input_type());
      method.output = &rep->tables->table(*method.descriptor->output_type());
      rep->by_path.emplace(method.path, &method);
    }
  }
  rep->router = make_router(rep->services);
  return ContractPtr(new Contract(std::move(rep)));
}

}  // namespace parley::contract
